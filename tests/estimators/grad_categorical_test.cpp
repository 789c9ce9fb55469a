#include "fermiac/estimators/experiments/grad_categorical.hpp"

#include <boost/test/unit_test.hpp>

#include "fermiac/base/error.hpp"
#include "fermiac/estimators/draw_moments.hpp"
#include "fermiac/estimators/gumbel_softmax.hpp"
#include "support/experiment_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;
using estimators::DrawMoments;

namespace {

auto const experiment = estimators::grad_categorical();
enum : std::size_t { score, score_mean, score_best, rloo, straight_through, rao_blackwell, gumbel_softmax, gumbel_straight };

std::vector<std::pair<std::string, Value>> settings(std::int64_t C, double tau, std::int64_t K = 2, std::int64_t summed = 1) {
  return {{"categorical.classes", C},
          {"relaxation.tau", tau},
          {"sample.k", K},
          {"rao_blackwell.summed", summed},
          {"integrand.level", 0.5}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(grad_categorical)

BOOST_AUTO_TEST_CASE(has_the_moments_of_enumeration) {
  auto const nearly = boost::test_tools::tolerance(1e-11);
  double const theta[] = {-1, 0, 1};
  double const total = std::exp(-1) + 1 + std::exp(1);
  double p[3], f[3], mean = 0;
  for (int k = 0; k < 3; ++k) {
    p[k] = std::exp(theta[k]) / total;
    f[k] = std::cos(2 * k) + 0.5;
    mean += p[k] * f[k];
  }
  ExperimentPoint const point(*experiment, settings(3, 0.5));
  auto const at = experiment->at(*point);
  for (std::size_t q : {0, 1}) {
    int const j = q == 0 ? 0 : 2;
    DrawMoments one[3], pair, rest;
    for (int a = 0; a < 3; ++a) {
      double const s = (a == j) - p[j];
      one[0].add(p[a], f[a] * s);
      one[1].add(p[a], (f[a] - mean) * s);
      one[2].add(p[a], 2 * (f[a] - 0.5) * p[a] * s);
      if (a < 2) rest.add(p[a] / (p[0] + p[1]), p[2] * f[2] * ((j == 2) - p[j]) + (p[0] + p[1]) * f[a] * s);
      for (int b = 0; b < 3; ++b) pair.add(p[a] * p[b], (f[a] - f[b]) / 2 * ((a == j) - (b == j)));
    }
    std::size_t const which[] = {score, score_mean, straight_through};
    for (int i = 0; i < 3; ++i) {
      auto const truth = at->truth(which[i], q);
      BOOST_TEST(truth.bias.value + at->targets()[q] == one[i].mean(), nearly);
      BOOST_TEST(truth.variance.value * 2 == one[i].variance(), nearly);
      BOOST_TEST(3 + 2 * (truth.kurtosis - 3) == one[i].kurtosis(), nearly);
    }
    BOOST_TEST(at->targets()[q] == pair.mean(), nearly);
    BOOST_TEST(at->truth(rloo, q).variance.value == pair.variance(), nearly);
    BOOST_TEST(at->targets()[q] == rest.mean(), nearly);
    BOOST_TEST(at->truth(rao_blackwell, q).variance.value * 2 == rest.variance(), nearly);
    BOOST_TEST(at->truth(score_best, q).variance.value < at->truth(score_mean, q).variance.value);
  }
}

BOOST_AUTO_TEST_CASE(relaxed_moments_of_two_classes_are_those_of_one_integral) {
  // x_1 = sigmoid((log(p_1 / p_0) + L) / tau), L logistic: by the midpoint rule in u = sigmoid(L).
  for (double const tau : {0.3, 1.0, 3.0}) {
    double const p[] = {0.3, 0.7}, c[] = {1.0, -0.6};
    DrawMoments soft, hard;
    int const n = 200000;
    for (int i = 0; i < n; ++i) {
      double const u = (i + 0.5) / n;
      double const z = std::log(7.0 / 3) + std::log(u / (1 - u));
      double const x1 = 1 / (1 + std::exp(-z / tau)), x0 = 1 / (1 + std::exp(z / tau));
      soft.add(1.0 / n, 2 / tau * (c[1] * x1 * x1 - x1 * (c[0] * x0 * x0 + c[1] * x1 * x1)));
      hard.add(1.0 / n, 2 / tau * (z > 0 ? c[1] * x1 * x0 : -c[0] * x0 * x1));
    }
    std::size_t const components[] = {1};
    auto const found = estimators::gumbel_softmax_moments(p, c, tau, components)[0];
    auto const nearly = boost::test_tools::tolerance(1e-6);
    BOOST_TEST(found.soft.mean == soft.mean(), nearly);
    BOOST_TEST(found.soft.second == soft.variance() + soft.mean() * soft.mean(), nearly);
    BOOST_TEST(found.hard.mean == hard.mean(), nearly);
    BOOST_TEST(found.hard.second == hard.variance() + hard.mean() * hard.mean(), nearly);
    for (auto const& moments : {found.soft, found.hard}) {
      BOOST_TEST(moments.mean_error < 1e-6);
      BOOST_TEST(moments.second_error < 1e-6);
    }
  }
}

BOOST_AUTO_TEST_CASE(relaxed_components_add_up_to_nothing) {
  double const p[] = {0.2, 0.5, 0.3}, c[] = {1.0, -0.6, 2.0};
  std::size_t const components[] = {0, 1, 2};
  double soft = 0, hard = 0;
  for (auto const& moments : estimators::gumbel_softmax_moments(p, c, 0.7, components)) {
    soft += moments.soft.mean;
    hard += moments.hard.mean;
  }
  BOOST_TEST(std::abs(soft) < 1e-9);
  BOOST_TEST(std::abs(hard) < 1e-7);
}

BOOST_AUTO_TEST_CASE(cold_relaxations_are_unbiased) {
  // p_j (c_j - sum p c) as tau vanishes, for the soft one.
  double const p[] = {0.2, 0.5, 0.3}, c[] = {1.0, -0.6, 2.0};
  std::size_t const components[] = {0};
  auto const at = [&](double tau) {
    return estimators::gumbel_softmax_moments(p, c, tau, components)[0].soft.mean - 0.2 * 0.5;
  };
  BOOST_TEST(std::abs(at(0.2)) < 0.05);
  BOOST_TEST(at(0.4) / at(0.2) == 2, boost::test_tools::tolerance(0.3));  // linear in tau
}

BOOST_AUTO_TEST_CASE(what_is_summed_has_no_variance) {
  ExperimentPoint const point(*experiment, settings(3, 0.5, 2, 2));
  BOOST_TEST(experiment->at(*point)->truth(rao_blackwell, 0).variance.value == 0);
  check_truths(*experiment, *point, 2000);
  BOOST_CHECK_THROW(ExperimentPoint(*experiment, settings(3, 0.5, 2, 3)), InputError);
}

BOOST_AUTO_TEST_CASE(owes_what_every_experiment_owes) {
  for (std::int64_t const C : {2, 3, 7}) {
    ExperimentPoint const point(*experiment, settings(C, 0.5, 5, C == 7 ? 3 : 0));
    check_streams(*experiment, *point);
    check_declarations(*experiment, *point);
  }
}

BOOST_AUTO_TEST_CASE(its_truths_hold, *boost::unit_test::label("stat")) {
  for (std::int64_t const C : {2, 3, 7})
    for (double const tau : {0.3, 1.0}) {
      ExperimentPoint const point(*experiment, settings(C, tau, 4));
      check_truths(*experiment, *point, 100000);
    }
}

BOOST_AUTO_TEST_CASE(its_shapes_hold, *boost::unit_test::label("stat")) {
  for (std::int64_t const C : {2, 3, 7}) {
    ExperimentPoint const point(*experiment, settings(C, 0.5, 4));
    check_shapes(*experiment, *point, 2048, 12);
  }
}

BOOST_AUTO_TEST_SUITE_END()
