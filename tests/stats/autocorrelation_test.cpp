#include "fermiac/stats/autocorrelation.hpp"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "fermiac/stats/blocking.hpp"
#include "fermiac/stats/moments.hpp"
#include "stats/samples.hpp"

using namespace fermiac::stats;
using fermiac::test::Ar1;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

// Wolff's estimator for a window that is given, straight from its definition.
struct Twin {
  long double error, tau;
};
Twin windowed(arma::mat const& chains, arma::uword window) {
  auto const total = static_cast<long double>(chains.n_elem);
  long double mean = 0;
  for (double const x : chains) mean += x;
  mean /= total;
  std::vector<long double> gamma(window + 1);
  for (arma::uword t = 0; t <= window; ++t) {
    for (arma::uword c = 0; c < chains.n_cols; ++c)
      for (arma::uword i = 0; i + t < chains.n_rows; ++i) gamma[t] += (chains(i, c) - mean) * (chains(i + t, c) - mean);
    gamma[t] /= total - static_cast<long double>(chains.n_cols * t);
  }
  auto const sum = [&] {
    long double result = gamma[0];
    for (arma::uword t = 1; t <= window; ++t) result += 2 * gamma[t];
    return result;
  };
  long double const bias = sum() / total;
  for (auto& g : gamma) g += bias;
  return {std::sqrt(sum() / total), sum() / (2 * gamma[0])};
}

arma::mat halves(arma::mat const& chains) {
  arma::uword const n = chains.n_rows / 2;
  arma::mat result;
  for (arma::uword c = 0; c < chains.n_cols; ++c)
    result = arma::join_rows(result, arma::join_rows(chains.col(c).head(n), chains.col(c).tail(n)));
  return result;
}

double naive_r_hat(arma::mat const& x) {
  double const n = static_cast<double>(x.n_rows);
  double const within = arma::mean(arma::var(x));
  double const between = n * arma::var(arma::mean(x).t());
  return std::sqrt(((n - 1) / n * within + between / n) / within);
}

arma::mat naive_scores(arma::mat const& x) {
  arma::mat z(arma::size(x));
  for (arma::uword i = 0; i < x.n_elem; ++i) {
    double below = 0, equal = 0;
    for (double const y : x) below += y < x[i], equal += y == x[i];
    double const rank = below + (equal + 1) / 2;
    z[i] = quantile(boost::math::normal(), (rank - 0.375) / (static_cast<double>(x.n_elem) + 0.25));
  }
  return z;
}

double naive_ess(arma::mat const& chains) {
  arma::mat x = halves(chains);
  arma::uword const n = x.n_rows;
  double const within = arma::mean(arma::var(x));
  double const plus = (static_cast<double>(n) - 1) / static_cast<double>(n) * within + arma::var(arma::mean(x).t());
  x.each_row() -= arma::mean(x).eval();
  std::vector<double> rho;
  for (arma::uword t = 0; t < n; ++t) {
    double sum = 0;
    for (arma::uword c = 0; c < x.n_cols; ++c)
      for (arma::uword i = 0; i + t < n; ++i) sum += x(i, c) * x(i + t, c) / static_cast<double>(n);
    rho.push_back(t == 0 ? 1 : 1 - (within - sum / static_cast<double>(x.n_cols)) / plus);
  }
  std::vector<double> pairs;
  for (arma::uword k = 0; 2 * k + 1 < n && rho[2 * k] + rho[2 * k + 1] > 0; ++k) pairs.push_back(rho[2 * k] + rho[2 * k + 1]);
  for (std::size_t k = 1; k < pairs.size(); ++k) pairs[k] = std::min(pairs[k], pairs[k - 1]);
  double tau = -1;
  for (double const p : pairs) tau += 2 * p;
  double const total = static_cast<double>(x.n_elem);
  return tau > 1 / std::log10(total) ? total / tau : total * std::log10(total);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(autocorrelation_time)

BOOST_AUTO_TEST_CASE(agrees_with_the_definition_at_its_own_window) {
  for (double const phi : {-0.5, 0., 0.5, 0.9})
    for (auto const& [n, n_chains] : {std::pair{100, 1}, {257, 3}, {1001, 1}, {1000, 17}}) {
      auto const chains = Ar1{phi}.chains(n, n_chains, 1);
      auto const result = autocorrelation(chains + 5);
      auto const twin = windowed(chains + 5, result.window);
      BOOST_CHECK_CLOSE(result.mean.value, 5 + arma::mean(arma::vectorise(chains)), 1e-10);
      BOOST_CHECK_CLOSE(result.mean.error, static_cast<double>(twin.error), 1e-8);
      BOOST_CHECK_CLOSE(result.tau.value, static_cast<double>(twin.tau), 1e-8);
      BOOST_CHECK_CLOSE(result.n_effective, static_cast<double>(n * n_chains) / (2 * result.tau.value), 1e-10);
    }
}

BOOST_AUTO_TEST_CASE(takes_the_first_window_that_its_rule_allows) {
  for (double const phi : {-0.6, 0.9}) {
    auto const chains = Ar1{phi}.chains(5000, 1, 2);
    auto const result = autocorrelation(chains);
    BOOST_TEST(result.mean.converged);
    auto const fulfils = [&](arma::uword window) {
      // tau(W) of the rule is the one before the bias is corrected: undo the correction of C and of Gamma(0).
      double const total = 5000, w = static_cast<double>(window);
      auto const twin = windowed(chains, window);
      double const c = std::pow(static_cast<double>(twin.error), 2) * total / (1 + (2 * w + 1) / total);
      double const gamma_0 =
          std::pow(static_cast<double>(twin.error), 2) * total / (2 * static_cast<double>(twin.tau)) - c / total;
      double const tau = c / (2 * gamma_0);
      double const scale = 1.5 / std::log(std::abs((2 * tau + 1) / (2 * tau - 1)));
      return scale > 0 && scale < w && std::exp(-w / scale) < scale / std::sqrt(w * total);
    };
    for (arma::uword w = 1; w < result.window; ++w) BOOST_TEST(!fulfils(w));
    BOOST_TEST(fulfils(result.window));
  }
}

BOOST_AUTO_TEST_CASE(does_not_change_when_values_are_shifted_scaled_or_chains_permuted) {
  auto const chains = Ar1{0.7}.chains(500, 3, 3);
  auto const a = autocorrelation(chains);
  auto const b = autocorrelation(7 - 3 * chains);
  auto const c = autocorrelation(arma::fliplr(chains));
  BOOST_CHECK_CLOSE(a.tau.value, b.tau.value, 1e-9);
  BOOST_CHECK_CLOSE(3 * a.mean.error, b.mean.error, 1e-9);
  BOOST_CHECK_CLOSE(a.tau.value, c.tau.value, 1e-9);
}

BOOST_AUTO_TEST_CASE(warns_where_the_series_is_too_short) {
  BOOST_TEST(!autocorrelation(arma::regspace(0, 999)).mean.converged);
  BOOST_TEST(!autocorrelation(arma::regspace(0, 999)).tau.converged);
  BOOST_TEST(!autocorrelation(Ar1{0.9999}.chains(200, 1, 4)).mean.converged);
}

BOOST_AUTO_TEST_CASE(of_nothing_one_a_constant_and_non_finite_values_is_what_is_known) {
  BOOST_TEST(std::isnan(autocorrelation(arma::mat()).mean.value));
  auto const one = autocorrelation(arma::mat{0.1});
  BOOST_TEST(one.mean.value == 0.1);
  BOOST_TEST(std::isnan(one.mean.error));
  auto const constant = autocorrelation(arma::mat(100, 2).fill(0.1));
  BOOST_TEST(constant.mean.value == 0.1);
  BOOST_TEST(constant.mean.error == 0);
  BOOST_TEST(std::isnan(constant.tau.value));
  for (double const bad : {not_a_number, inf}) {
    arma::mat x = Ar1{0.5}.chains(100, 1, 5);
    x[50] = bad;
    BOOST_TEST(!std::isfinite(autocorrelation(x).mean.value));
    BOOST_TEST(std::isnan(autocorrelation(x).mean.error));
    BOOST_TEST(std::isnan(autocorrelation(x).tau.value));
  }
}

// Gamma of an alternating series alternates: sums over one and over two lags are 0 and 1/2, nothing decays. Whatever is said
// must not promise less than nothing: the error of independent samples is an upper bound.
BOOST_AUTO_TEST_CASE(of_an_alternating_series_is_an_upper_bound) {
  arma::vec x(1000);
  for (arma::uword i = 0; i < 1000; ++i) x[i] = i % 2 ? 1 : -1;
  auto const result = autocorrelation(x);
  BOOST_TEST(result.mean.value == 0);
  BOOST_CHECK_CLOSE(result.mean.error, std::sqrt(1. / 1000), 1);
  BOOST_CHECK_CLOSE(result.tau.value, 0.5, 1);
  // Four samples allow no window but 1, where C = Gamma(0) + 2 Gamma(1) = -Gamma(0).
  auto const four = autocorrelation(x.head(4));
  BOOST_TEST(!four.mean.converged);
  BOOST_TEST(four.mean.error == 0.5);
  BOOST_TEST(four.tau.value == 0.5);
}

// 400 series each; mean of the estimates against the exact tau, 6 standard errors (2e-9) from the scatter beside what is
// systematic. The window's rule keeps the truncation below the statistical error of one series, T / sqrt(W N) with W > T: 2 %
// here for all cells. Blocks of size B of an AR(1) process give n_corr - (n_corr^2 - 1) / (2 B) for n_corr = 2 tau, with B > (2
// N n_corr^2)^(1/3) (or a level lower where n_corr came out low, by rounding up to a power of two no lower than this). The
// claimed error of tau must be the scatter within 30 %: Madras and Sokal's formula neglects terms of relative order tau / W,
// and W / tau is 4 to 6 for these N; the scatter itself is known to 4 % (1 sigma).
BOOST_AUTO_TEST_CASE(of_an_ar1_process_is_the_exact_one_from_window_and_blocking, *boost::unit_test::label("stat")) {
  for (auto const& [phi, n, n_chains] :
       {std::tuple{-0.5, 4096, 1}, {0., 4096, 1}, {0.5, 4096, 1}, {0.9, 4096, 4}, {0.95, 8192, 4}}) {
    Ar1 const process{phi};
    Moments tau, claimed, blocked;
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
      auto const chains = process.chains(n, n_chains, seed);
      auto const result = autocorrelation(chains);
      tau.add(result.tau.value);
      claimed.add(result.tau.error);
      Blocking blocking(chains.n_cols);
      arma::mat const rows = chains.t();
      for (arma::uword t = 0; t < rows.n_cols; ++t) blocking.add({rows.colptr(t), rows.n_rows});
      blocked.add(blocking.tau().value);
    }
    double const truth = process.tau();
    BOOST_TEST_CONTEXT("phi = " << phi) {
      BOOST_TEST(std::abs(tau.mean() - truth) < 0.02 * truth + 6 * tau.mean_estimate().error);
      double const n_corr = 2 * truth;
      double const left_over = std::abs(n_corr * n_corr - 1) / (4 * std::cbrt(2. * n * n_chains * n_corr * n_corr));
      BOOST_TEST(std::abs(blocked.mean() - truth) < left_over + 6 * blocked.mean_estimate().error);
      BOOST_TEST(claimed.mean() > 0.7 * std::sqrt(tau.variance()));
      BOOST_TEST(claimed.mean() < 1.3 * std::sqrt(tau.variance()));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(effective_samples)

BOOST_AUTO_TEST_CASE(agree_with_the_definition) {
  for (double const phi : {-0.5, 0., 0.5, 0.9})
    for (auto const& [n, n_chains] : {std::pair{8, 1}, {101, 1}, {100, 4}, {333, 3}}) {
      auto const chains = Ar1{phi}.chains(n, n_chains, 6);
      BOOST_CHECK_CLOSE(effective_sample_size(chains), naive_ess(chains), 1e-8);
    }
}

BOOST_AUTO_TEST_CASE(of_chains_in_different_places_are_few) {
  arma::mat chains = Ar1{0}.chains(1000, 4, 7);
  BOOST_TEST(effective_sample_size(chains) > 3000);
  for (arma::uword c = 0; c < 4; ++c) chains.col(c) += 10. * static_cast<double>(c);
  BOOST_TEST(effective_sample_size(chains) < 10);
}

BOOST_AUTO_TEST_CASE(are_not_known_for_short_constant_and_non_finite_series) {
  BOOST_TEST(std::isnan(effective_sample_size(arma::mat())));
  BOOST_TEST(std::isnan(effective_sample_size(Ar1{0}.chains(7, 2, 1))));
  BOOST_TEST(std::isnan(effective_sample_size(arma::mat(100, 2).fill(0.1))));
  arma::mat x = Ar1{0.5}.chains(100, 1, 5);
  for (double const bad : {not_a_number, inf}) {
    x[50] = bad;
    BOOST_TEST(std::isnan(effective_sample_size(x)));
  }
}

// Mean of 1 / ESS over 300 sets of four chains against the exact 2 tau / N, within 6 standard errors and 5 % for what Geyer's
// positive, monotone sequence adds (it drops negative pairs and keeps positive noise).
BOOST_AUTO_TEST_CASE(of_an_ar1_process_are_the_exact_number, *boost::unit_test::label("stat")) {
  for (double const phi : {-0.5, 0., 0.5, 0.9}) {
    Moments inverse;
    for (std::uint64_t seed = 0; seed < 300; ++seed) inverse.add(1 / effective_sample_size(Ar1{phi}.chains(2000, 4, seed)));
    double const truth = 2 * Ar1{phi}.tau() / 8000;
    BOOST_TEST_CONTEXT("phi = " << phi)
    BOOST_TEST(std::abs(inverse.mean() - truth) < 0.05 * truth + 6 * inverse.mean_estimate().error);
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(r_hat)

BOOST_AUTO_TEST_CASE(of_two_short_chains_is_that_by_hand) {
  arma::mat const chains = {{1, 5}, {2, 6}, {3, 7}, {4, 8}};  // halves: W = 1/2, means 1.5, 3.5, 5.5, 7.5 of variance 20/3
  BOOST_CHECK_CLOSE(split_r_hat(chains), std::sqrt((0.25 + 20. / 3) / 0.5), 1e-12);
}

BOOST_AUTO_TEST_CASE(agrees_with_the_definition_and_leaves_out_a_middle_sample) {
  for (auto const& [n, n_chains] : {std::pair{4, 1}, {5, 2}, {100, 4}, {101, 3}}) {
    arma::mat chains = Ar1{0.5}.chains(n, n_chains, 8);
    chains[1] = chains[0];  // a tie
    arma::mat const split = halves(chains);
    BOOST_CHECK_CLOSE(split_r_hat(chains), naive_r_hat(split), 1e-9);
    double const location = naive_r_hat(naive_scores(split));
    double const scale = naive_r_hat(naive_scores(arma::abs(split - arma::median(arma::vectorise(split)))));
    BOOST_CHECK_CLOSE(rank_normalised_r_hat(chains), std::max(location, scale), 1e-9);
  }
}

BOOST_AUTO_TEST_CASE(sees_chains_that_differ_in_place_drift_or_width) {
  arma::mat const good = Ar1{0}.chains(1000, 4, 9);
  BOOST_TEST(split_r_hat(good) < 1.01);
  BOOST_TEST(rank_normalised_r_hat(good) < 1.01);
  arma::mat shifted = good;
  shifted.col(2) += 1;
  BOOST_TEST(split_r_hat(shifted) > 1.05);
  arma::mat drifting = good;
  drifting.each_col() += arma::linspace(-1, 1, 1000);
  BOOST_TEST(split_r_hat(drifting) > 1.05);
  arma::mat wide = good;
  wide.col(2) *= 4;
  BOOST_TEST(split_r_hat(wide) < 1.02);  // blind to it
  BOOST_TEST(rank_normalised_r_hat(wide) > 1.05);
}

BOOST_AUTO_TEST_CASE(by_ranks_does_not_change_under_a_monotone_map) {
  arma::mat const chains = Ar1{0.5}.chains(200, 2, 10);
  arma::mat const location = Ar1{0.5}.chains(200, 2, 10) + arma::repmat(arma::rowvec{0, 1}, 200, 1);
  BOOST_CHECK_CLOSE(rank_normalised_r_hat(location), rank_normalised_r_hat(arma::exp(location)), 1e-9);
  BOOST_TEST(std::isfinite(rank_normalised_r_hat(arma::tan(chains))));
}

BOOST_AUTO_TEST_CASE(is_not_known_for_short_constant_and_non_finite_series) {
  for (auto const r_hat : {split_r_hat, rank_normalised_r_hat}) {
    BOOST_TEST(std::isnan(r_hat(arma::mat())));
    BOOST_TEST(std::isnan(r_hat(arma::mat{{1, 2}, {3, 4}, {5, 6}})));
    BOOST_TEST(std::isnan(r_hat(arma::mat(100, 2).fill(0.1))));
    arma::mat x = Ar1{0.5}.chains(100, 1, 5);
    for (double const bad : {not_a_number, inf}) {
      x[50] = bad;
      BOOST_TEST(std::isnan(r_hat(x)));
    }
    arma::mat apart(100, 2, arma::fill::zeros);
    apart.col(1).fill(1);
    BOOST_TEST(r_hat(apart) == inf);
  }
}

BOOST_AUTO_TEST_SUITE_END()
