#include <boost/math/distributions/normal.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "fermiac/stats/autocorrelation.hpp"
#include "fermiac/stats/binomial.hpp"
#include "fermiac/stats/blocking.hpp"
#include "fermiac/stats/moments.hpp"
#include "fermiac/stats/walkers.hpp"
#include "stats/samples.hpp"

// Error bars must hold the truth as often as they say, on each side, and must not be wider than needed either. Intervals are
// those of `interval`, with Student's t at the degrees of freedom that the estimate claims. Every count is judged by exact
// binomial tails at a false alarm of 1e-9, against the nominal probability widened by what theory says an estimator may be
// off by (derived where it is used), never by what was seen.

using namespace fermiac::stats;
using fermiac::test::Ar1;
using fermiac::test::one_sigma;
using fermiac::test::two_sigma;

namespace {

constexpr double false_alarm = 1e-9;

// Truths below and above the interval at both confidences, and the claimed errors, over many replicates.
class Tally {
 public:
  void add(Estimate const& estimate, double truth) {
    ++n_;
    value_.add(estimate.value);
    error_sq_.add(estimate.error * estimate.error);
    for (int i = 0; i < 2; ++i) {
      auto const range = interval(estimate, confidence(i));
      below_[i] += truth < range.low;
      above_[i] += truth > range.high;
    }
  }

  static double confidence(int i) { return i == 0 ? one_sigma : two_sigma; }

  // Whether all four tails are compatible with claimed errors whose square, times anything in `error_sq_ratio`, is right.
  bool tails_accepted(Interval error_sq_ratio) const {
    bool accepted = true;
    for (int i = 0; i < 2; ++i) {
      Interval const p{miss(i, error_sq_ratio.high), miss(i, error_sq_ratio.low)};
      for (auto const count : {below_[i], above_[i]}) accepted = accepted && binomial_accepts(count, n_, p, false_alarm);
    }
    return accepted;
  }

  // Claimed error^2 over the true one lies within `ratio`, 6 standard errors (2e-9) allowed for the mean of this many.
  bool claims_accepted(double true_error_sq, Interval ratio) const {
    double const claimed = error_sq_.mean() / true_error_sq;
    double const noise = 6 * error_sq_.mean_estimate().error / true_error_sq;
    return claimed > ratio.low - noise && claimed < ratio.high + noise && noise < 0.2;
  }

  // The scatter of the values is the true error: that the process is what it is said to be.
  bool scatter_accepted(double true_error_sq) const {
    return std::abs(value_.variance() - true_error_sq) < 6 * value_.variance_estimate().error;
  }

  std::uint64_t below(int i) const { return below_[i]; }
  std::uint64_t above(int i) const { return above_[i]; }
  std::uint64_t n() const { return n_; }

  std::string text() const {
    return std::to_string(below_[0]) + " " + std::to_string(above_[0]) + " " + std::to_string(below_[1]) + " " +
           std::to_string(above_[1]) + " of " + std::to_string(n_) + ", error^2 " + std::to_string(error_sq_.mean());
  }

 private:
  // One tail's probability where error^2 is claimed `ratio` times the truth, for a normal: those of t react less to a wrong
  // error.
  static double miss(int i, double ratio) {
    double const tail = (1 - confidence(i)) / 2;
    boost::math::normal const normal;
    double const z = quantile(complement(normal, tail)) * std::sqrt(ratio);
    return cdf(complement(normal, z));
  }

  std::uint64_t n_ = 0;
  std::uint64_t below_[2] = {}, above_[2] = {};
  Moments value_, error_sq_;
};

struct Case {
  double phi;
  arma::uword n;  // samples a chain
  arma::uword n_chains;
  int n_replicates;
};

struct Tallies {
  Tally blocking, tau, walkers;
};

// `scale` plants a wrong error.
Tallies run(Case const& c, double scale) {
  Tallies result;
  Ar1 const process{c.phi};
  for (int replicate = 0; replicate < c.n_replicates; ++replicate) {
    auto const chains = process.chains(c.n, c.n_chains, static_cast<std::uint64_t>(replicate));
    Blocking blocking(c.n_chains);
    arma::mat const rows = chains.t();
    for (arma::uword t = 0; t < c.n; ++t) blocking.add({rows.colptr(t), c.n_chains});
    auto const add = [&](Tally& tally, Estimate estimate) {
      estimate.error *= scale;
      tally.add(estimate, 0);
    };
    add(result.blocking, blocking.estimate());
    add(result.tau, autocorrelation(chains).mean);
    if (c.n_chains > 1) add(result.walkers, mean_of_walkers(blocking.chain_means()));
  }
  return result;
}

// Blocking stops at a size B with B^3 > 2 N n_corr^2 (or one level lower where n_corr came out low, but not two: that would
// need it wrong by a factor 2.8): blocks of an exponentially correlated series claim error^2 too small by the share n_corr / (2
// B), at most n_corr / (2 N n_corr^2)^(1/3) then. It is never too large but by noise.
Interval blocking_ratio(Case const& c) {
  double const n_correlated = 2 * Ar1{c.phi}.tau();
  double const total = static_cast<double>(c.n * c.n_chains);
  double const bias = c.phi == 0 ? 0 : n_correlated / std::cbrt(2 * total * n_correlated * n_correlated);
  return {1 - bias, 1};
}

// What the window cuts off, and what following the noise with the window adds, is of error^2 below the share exp(-W / T) < T /
// sqrt(W N), with W > T and T = 1.5 tau.
Interval tau_ratio(Case const& c) {
  double const bias = std::sqrt(1.5 * Ar1{c.phi}.tau() / static_cast<double>(c.n * c.n_chains));
  return {1 - bias, 1 + bias};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(coverage, *boost::unit_test::label("stat"))

BOOST_AUTO_TEST_CASE(of_correlated_samples_is_what_the_errors_claim_on_each_side) {
  for (auto const& c :
       {Case{0, 512, 1, 4000}, Case{0, 128, 4, 4000}, Case{0.5, 1024, 1, 4000}, Case{0.5, 256, 8, 4000},
        Case{0.9, 4096, 1, 3000}, Case{0.9, 1024, 4, 3000}, Case{0.99, 16384, 1, 1000}, Case{0.99, 4096, 4, 1000}}) {
    Ar1 const process{c.phi};
    double const truth = process.variance_of_mean(static_cast<double>(c.n)) / static_cast<double>(c.n_chains);
    auto const tallies = run(c, 1);
    BOOST_TEST_CONTEXT("phi = " << c.phi << ", " << c.n_chains << " chains of " << c.n) {
      BOOST_TEST(tallies.blocking.scatter_accepted(truth));
      BOOST_TEST(tallies.blocking.tails_accepted(blocking_ratio(c)), tallies.blocking.text());
      BOOST_TEST(tallies.blocking.claims_accepted(truth, blocking_ratio(c)), tallies.blocking.text());
      BOOST_TEST(tallies.tau.tails_accepted(tau_ratio(c)), tallies.tau.text());
      BOOST_TEST(tallies.tau.claims_accepted(truth, tau_ratio(c)), tallies.tau.text());
      if (c.n_chains > 1) {
        BOOST_TEST(tallies.walkers.tails_accepted({1, 1}), tallies.walkers.text());
        BOOST_TEST(tallies.walkers.claims_accepted(truth, {1, 1}), tallies.walkers.text());
      }
    }
  }
}

// The test above has teeth: errors a quarter too small or too large do not pass it.
BOOST_AUTO_TEST_CASE(is_refused_where_errors_are_a_quarter_too_small_or_too_large) {
  for (double const scale : {0.75, 1.25})
    for (auto const& c : {Case{0, 64, 8, 4000}, Case{0.5, 256, 4, 4000}}) {
      auto const tallies = run(c, scale);
      BOOST_TEST_CONTEXT("phi = " << c.phi << ", errors times " << scale) {
        BOOST_TEST(!tallies.blocking.tails_accepted(blocking_ratio(c)), tallies.blocking.text());
        BOOST_TEST(!tallies.tau.tails_accepted(tau_ratio(c)), tallies.tau.text());
        BOOST_TEST(!tallies.walkers.tails_accepted({1, 1}), tallies.walkers.text());
      }
    }
}

// Errors of independent samples, claimed for correlated ones, are caught too.
BOOST_AUTO_TEST_CASE(is_refused_where_correlation_is_ignored) {
  Tally naive;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    auto const x = Ar1{0.5}.chains(256, 1, seed);
    Moments m;
    m.add({x.memptr(), x.n_elem});
    naive.add(m.mean_estimate(), 0);
  }
  BOOST_TEST(!naive.tails_accepted({1, 1}), naive.text());
}

// A skewed quantity misses more often on one side: y = x^2 of an AR(1) process x has mean 1, variance 2, rho(t) = phi^(2t), and
// third cumulant 8 S / n^2 of the mean of n, S = sum_{s,t} phi^(|s| + |t| + |s - t|). By Edgeworth's expansion of
// Student's ratio (Hall, The Bootstrap and Edgeworth Expansion (1992), section 2.6) the tails beyond -+ z move by
// +-gamma (2 z^2 + 1) phi(z) / 6, gamma the skewness of the mean: low outcomes come with small errors. Half as much again, and
// the same amount, bound the next order (relative order gamma z, 0.3 here), on top of the estimators' own bias.
BOOST_AUTO_TEST_CASE(of_a_skewed_quantity_tilts_as_edgeworth_says) {
  double const phi = 0.9;
  arma::uword const n = 8192;
  int const n_replicates = 2000;
  double const n_correlated = (1 + phi * phi) / (1 - phi * phi);
  double s_sum = 0;
  for (int s = -200; s <= 200; ++s)
    for (int t = -200; t <= 200; ++t) s_sum += std::pow(phi, std::abs(s) + std::abs(t) + std::abs(s - t));
  double const length = static_cast<double>(n);
  double const gamma = 8 * s_sum / (length * length) / std::pow(2 * n_correlated / length, 1.5);

  Tally blocking, tau, walkers;
  for (int replicate = 0; replicate < n_replicates; ++replicate) {
    arma::mat const x = Ar1{phi}.chains(n / 16, 16, static_cast<std::uint64_t>(replicate));
    arma::mat const y = arma::square(x);
    Blocking accumulator(16);
    arma::mat const rows = y.t();
    for (arma::uword t = 0; t < y.n_rows; ++t) accumulator.add({rows.colptr(t), 16});
    blocking.add(accumulator.estimate(), 1);
    tau.add(autocorrelation(y).mean, 1);
    walkers.add(mean_of_walkers(accumulator.chain_means()), 1);
  }
  Case const c{phi * phi, n / 16, 16, n_replicates};
  boost::math::normal const normal;
  for (auto const& [tally, ratio] : {std::pair{&blocking, blocking_ratio(c)}, {&tau, tau_ratio(c)}, {&walkers, Interval{1, 1}}})
    for (int i = 0; i < 2; ++i) {
      double const z = i + 1;
      double const shift = gamma * (2 * z * z + 1) * pdf(normal, z) / 6;
      double const tail = cdf(complement(normal, z));
      double const widened = cdf(complement(normal, z * std::sqrt(ratio.low)));
      BOOST_TEST_CONTEXT(tally->text() << ", tail " << i) {
        // The truth lies above the interval where the outcome was low.
        BOOST_TEST(binomial_accepts(tally->above(i), tally->n(), {tail + 0.5 * shift, widened + 1.5 * shift}, false_alarm));
        BOOST_TEST(binomial_accepts(tally->below(i), tally->n(), {tail - 1.5 * shift, widened - 0.5 * shift}, false_alarm));
      }
    }
}

BOOST_AUTO_TEST_SUITE_END()
