#include "fermiac/estimators/experiments/grad_bernoulli.hpp"

#include <boost/test/unit_test.hpp>

#include "fermiac/base/error.hpp"
#include "fermiac/estimators/draw_moments.hpp"
#include "support/experiment_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;
using estimators::DrawMoments;

namespace {

auto const experiment = estimators::grad_bernoulli();
enum : std::size_t {
  reinforce,
  mean_baseline,
  best_baseline,
  rloo,
  straight_through,
  arm,
  disarm,
  concrete,
  rebar,
  rebar_best,
  rebar_coupled,
  rebar_coupled_best
};

std::vector<std::pair<std::string, Value>> settings(double p, double t, double tau, double level = 0, std::int64_t K = 2) {
  return {{"bernoulli.p", p}, {"integrand.t", t}, {"relaxation.tau", tau}, {"integrand.level", level}, {"sample.k", K}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(grad_bernoulli)

BOOST_AUTO_TEST_CASE(has_the_moments_of_enumeration) {
  auto const nearly = boost::test_tools::tolerance(1e-12);
  for (double const p : {0.3, 0.5, 0.85}) {
    double const q = 1 - p, t = 0.45, f[] = {t * t + 1, (1 - t) * (1 - t) + 1};
    ExperimentPoint const point(*experiment, settings(p, t, 0.5, 1, 3));
    auto const at = experiment->at(*point);
    BOOST_TEST(at->targets()[0] == p * q * (f[1] - f[0]), nearly);
    DrawMoments one[5], three;
    double const baselines[] = {0, p * f[1] + q * f[0], q * f[1] + p * f[0]};
    for (int b = 0; b < 2; ++b) {
      double const w = b ? p : q;
      for (std::size_t e : {reinforce, mean_baseline, best_baseline}) one[e].add(w, (f[b] - baselines[e]) * (b - p));
      one[straight_through].add(w, p * q * 2 * (b - t));
      for (int c = 0; c < 2; ++c)
        for (int d = 0; d < 2; ++d) {
          double const mean = (f[b] + f[c] + f[d]) / 3;
          double const x = ((f[b] - mean) * (b - p) + (f[c] - mean) * (c - p) + (f[d] - mean) * (d - p)) / 2;
          three.add(w * (c ? p : q) * (d ? p : q), x);
        }
    }
    for (std::size_t e : {reinforce, mean_baseline, straight_through}) {
      auto const truth = at->truth(e, 0);
      BOOST_TEST(truth.bias.value + at->targets()[0] == one[e].mean(), nearly);
      if (truth.variance.value == 0) {
        BOOST_TEST(std::abs(one[e].variance()) < 1e-15);  // mean_baseline at p = 1/2
        continue;
      }
      BOOST_TEST(truth.variance.value * 3 == one[e].variance(), nearly);
      BOOST_TEST(3 + 3 * (truth.kurtosis - 3) == one[e].kurtosis(), boost::test_tools::tolerance(1e-9));
    }
    BOOST_TEST(at->truth(best_baseline, 0).variance.value == 0);
    BOOST_TEST(std::abs(one[best_baseline].variance()) < 1e-15);
    BOOST_TEST(at->truth(rloo, 0).variance.value == three.variance(), nearly);
    BOOST_TEST(at->truth(rloo, 0).kurtosis == three.kurtosis(), boost::test_tools::tolerance(1e-9));
  }
}

BOOST_AUTO_TEST_CASE(mirrored_pairs_have_the_moments_of_a_fine_sum) {
  for (double const p : {0.3, 0.85}) {
    double const q = 1 - p, t = 0.2, f[] = {t * t, (1 - t) * (1 - t)};
    ExperimentPoint const point(*experiment, settings(p, t, 0.5));
    auto const at = experiment->at(*point);
    DrawMoments of_arm, of_disarm;
    int const n = 20000;  // midpoints; kinks lie between cells
    for (int i = 0; i < n; ++i) {
      double const u = (i + 0.5) / n;
      int const b = u > q, mirrored = u < p;
      of_arm.add(1.0 / n, (f[b] - f[mirrored]) * (u - 0.5));
      of_disarm.add(1.0 / n, b == mirrored ? 0 : (f[b] - f[mirrored]) / 2 * (mirrored ? -1 : 1) * std::max(p, q));
    }
    auto const nearly = boost::test_tools::tolerance(1e-6);
    for (auto const& [e, moments] : {std::pair{arm, &of_arm}, {disarm, &of_disarm}}) {
      BOOST_TEST(at->targets()[0] == moments->mean(), nearly);
      BOOST_TEST(at->truth(e, 0).variance.value * 2 == moments->variance(), nearly);
      BOOST_TEST(3 + 2 * (at->truth(e, 0).kurtosis - 3) == moments->kurtosis(), nearly);
    }
  }
}

BOOST_AUTO_TEST_CASE(relaxations_have_the_moments_of_another_quadrature) {
  // By Gauss and Legendre over (u, v) with 1200 nodes a side, an independent program.
  struct Known {
    double p, t, tau, level, mean, concrete, concrete_kurtosis, rebar, rebar_kurtosis, best, coupled, coupled_best;
  };
  for (auto const& known : {Known{0.3, 0.45, 0.5, 0, -0.00768901827145, 0.0120521970864, 2.56417683828, 0.0215607765279,
                                  3.00155232376, 0.0155905394171, 0.0224003698608, 0.0155909268669},
                            Known{0.3, 0.45, 0.1, 0, 0.0127137111135, 0.0716466842661, 10.1988673133, 0.0739179026567,
                                  10.037471299, 0.0155934632967, 0.0781320602737, 0.0155934867207},
                            Known{0.1, 0.45, 10, 0, -0.000168460277463, 4.50549649537e-06, 3.60932764534, 0.00757620730124,
                                  8.11298009513, 0.00714261128301, 0.0075706360617, 0.00573000855553},
                            Known{0.6, 0.2, 0.05, 1, 0.146122296855, 0.430940909072, 25.2930048294, 0.43117394802,
                                  25.2502769024, 0.234772479099, 0.431893569315, 0.234933438424}}) {
    ExperimentPoint const point(*experiment, settings(known.p, known.t, known.tau, known.level));
    auto const at = experiment->at(*point);
    auto const nearly = boost::test_tools::tolerance(1e-8);
    auto const of_relaxed = at->truth(concrete, 0);
    BOOST_TEST(of_relaxed.bias.value + at->targets()[0] == known.mean, nearly);
    BOOST_TEST(of_relaxed.bias.error < 1e-9);
    BOOST_TEST(of_relaxed.variance.value * 2 == known.concrete, nearly);
    BOOST_TEST(of_relaxed.variance.error < 1e-9);
    BOOST_TEST(3 + 2 * (of_relaxed.kurtosis - 3) == known.concrete_kurtosis, nearly);
    BOOST_TEST(at->truth(rebar, 0).variance.value * 2 == known.rebar, nearly);
    BOOST_TEST(3 + 2 * (at->truth(rebar, 0).kurtosis - 3) == known.rebar_kurtosis, nearly);
    BOOST_TEST(at->truth(rebar_best, 0).variance.value * 2 == known.best, nearly);
    BOOST_TEST(at->truth(rebar_coupled, 0).variance.value * 2 == known.coupled, nearly);
    BOOST_TEST(at->truth(rebar_coupled_best, 0).variance.value * 2 == known.coupled_best, nearly);
  }
}

BOOST_AUTO_TEST_CASE(bias_of_the_relaxation_falls_with_the_temperature) {
  // -tau p q (1 - 2 p) + O(tau^2).
  ExperimentPoint const point(*experiment, settings(0.3, 0.45, 0.01));
  auto const truth = experiment->at(*point)->truth(concrete, 0);
  BOOST_TEST(truth.bias.value == -0.01 * 0.21 * 0.4, boost::test_tools::tolerance(0.02));
}

BOOST_AUTO_TEST_CASE(replicates_are_those_of_an_obvious_loop) {
  double const p = 0.3, q = 0.7, t = 0.45, tau = 0.5, phi = std::log(p / q);
  ExperimentPoint const point(*experiment, settings(p, t, tau, 0.5, 3));
  auto const at = experiment->at(*point);
  auto const key = rng::make_key(9, "twin");
  auto const outputs = replicated(*experiment, *at, key, {100, 117});
  auto const f = [&](double x) { return (x - t) * (x - t) + 0.5; };
  auto const sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  auto const close = boost::test_tools::tolerance(1e-10);
  for (std::uint64_t r = 0; r < 17; ++r) {
    rng::Stream scores({key, rng::Purpose::draw, 100 + r}, 0), pairs({key, rng::Purpose::draw, 100 + r}, 1),
        relaxed({key, rng::Purpose::draw, 100 + r}, 2);
    double b[3], of_score = 0, of_arm = 0, of_rebar = 0, of_concrete = 0;
    for (auto& x : b) {
      x = scores.uniform() > q;
      of_score += f(x) * (x - p) / 3;
      double const u = pairs.uniform();
      of_arm += (f(u > q) - f(u < p)) * (u - 0.5) / 3;
      double const w = relaxed.uniform(), v = relaxed.uniform();
      double const z = phi + std::log(w / (1 - w)), one = z > 0;
      double const y = one != 0 ? q + v * p : q * (1 - v);
      double const other = phi + std::log(y / (1 - y));
      auto const slope = [&](double s) { return 2 * (sigmoid(s / tau) - t) * sigmoid(s / tau) * sigmoid(-s / tau) / tau; };
      double const fixed = 1 + (one != 0 ? p * q * (v - 1) : -p * q * (1 - v)) / (y * (1 - y));
      of_concrete += slope(z) / 3;
      of_rebar += ((f(one) - f(sigmoid(other / tau))) * (one - p) + slope(z) - slope(other) * fixed) / 3;
    }
    BOOST_TEST(outputs.value(reinforce)[r] == of_score, close);
    BOOST_TEST(outputs.value(arm)[r] == of_arm, close);
    BOOST_TEST(outputs.value(concrete)[r] == of_concrete, close);
    BOOST_TEST(outputs.value(rebar)[r] == of_rebar, close);
  }
}

BOOST_AUTO_TEST_CASE(owes_what_every_experiment_owes) {
  for (double const p : {0.3, 0.5, 1e-6}) {
    ExperimentPoint const point(*experiment, settings(p, 0.45, 0.1, -3, 5));
    check_streams(*experiment, *point);
    check_declarations(*experiment, *point);
  }
  BOOST_CHECK_THROW(ExperimentPoint(*experiment, {{"bernoulli.p", 0.0}}), InputError);
  // Equal values: nothing to estimate, and baselines are exact.
  ExperimentPoint const level(*experiment, settings(0.3, 0.5, 0.5, 2));
  check_truths(*experiment, *level, 2000);
}

BOOST_AUTO_TEST_CASE(its_truths_hold, *boost::unit_test::label("stat")) {
  for (double const tau : {0.05, 0.5, 20.0})
    for (double const p : {0.3, 0.5}) {
      ExperimentPoint const point(*experiment, settings(p, 0.45, tau, 0.3, 4));
      check_truths(*experiment, *point, 100000);
    }
}

BOOST_AUTO_TEST_CASE(its_shapes_hold, *boost::unit_test::label("stat")) {
  for (double const tau : {0.1, 0.5, 20.0}) {
    ExperimentPoint const point(*experiment, settings(0.3, 0.45, tau, 0.3, 4));
    check_shapes(*experiment, *point, 2048, 14);
  }
}

BOOST_AUTO_TEST_SUITE_END()
