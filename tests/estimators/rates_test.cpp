#include "fermiac/estimators/experiments/rates.hpp"

#include <boost/test/unit_test.hpp>
#include <numbers>

#include "support/experiment_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;

namespace {

auto const experiment = estimators::rates();
enum : std::size_t {
  mean,
  median,
  maximum,
  corrected,
  twice_mean,
  reciprocal,
  unbiased,
  kde,
  plug_in,
  miller_madow,
  mle,
  james_stein
};

std::vector<std::pair<std::string, Value>> settings(char const* family, std::int64_t n) {
  return {{"rates.family", std::string(family)}, {"sample.n", n}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rates)

BOOST_AUTO_TEST_CASE(has_known_values) {
  auto const nearly = boost::test_tools::tolerance(1e-9);
  {
    // The median of three normals has variance 1 - sqrt(3)/pi (David & Nagaraja); of one, 1 and kurtosis 3.
    ExperimentPoint const point(*experiment, settings("normal", 3));
    BOOST_TEST(experiment->at(*point)->truth(median, 0).variance.value == 1 - std::numbers::sqrt3 / std::numbers::pi, nearly);
    ExperimentPoint const one(*experiment, settings("normal", 1));
    BOOST_TEST(experiment->at(*one)->truth(median, 0).variance.value == 1, nearly);
    BOOST_TEST(experiment->at(*one)->truth(median, 0).kurtosis == 3, nearly);
    ExperimentPoint const many(*experiment, settings("normal", 100001));
    BOOST_TEST(experiment->at(*many)->truth(median, 0).variance.value * 100001 == std::numbers::pi / 2,
               boost::test_tools::tolerance(1e-4));
  }
  {
    ExperimentPoint const point(*experiment, settings("uniform", 1));
    BOOST_TEST(experiment->at(*point)->truth(maximum, 0).kurtosis == 1.8, nearly);  // a uniform number itself
    BOOST_TEST(experiment->at(*point)->truth(twice_mean, 0).kurtosis == 1.8, nearly);
  }
  {
    // Two coins: entropies 0 and log 2 with probability 1/2 each.
    ExperimentPoint const point(
        *experiment,
        {{"rates.family", std::string("entropy")}, {"sample.n", std::int64_t{2}}, {"entropy.cells", std::int64_t{2}}});
    auto const truth = experiment->at(*point)->truth(plug_in, 0);
    double const log2 = std::numbers::ln2;
    BOOST_TEST(truth.bias.value == -log2 / 2, nearly);
    BOOST_TEST(truth.variance.value == log2 * log2 / 4, nearly);
  }
  {
    // theta = 0: the risk of James and Stein's estimator is 2/n in any dimension.
    auto zero = settings("shrinkage", 4);
    zero.emplace_back("shrinkage.theta", 0.0);
    ExperimentPoint const point(*experiment, zero);
    BOOST_TEST(experiment->at(*point)->truth(james_stein, 0).bias.value == 0.5, nearly);
  }
}

BOOST_AUTO_TEST_CASE(reciprocals_of_few_draws_are_flagged) {
  for (std::int64_t const n : {1, 2, 3, 5}) {
    ExperimentPoint const point(*experiment, settings("exponential", n));
    auto const truth = experiment->at(*point)->truth(reciprocal, 0);
    BOOST_TEST(truth.finite_moments == static_cast<double>(n));
    BOOST_TEST(truth.bias.is_known() == (n > 1));
    BOOST_TEST(truth.variance.is_known() == (n > 2));
  }
}

BOOST_AUTO_TEST_CASE(a_density_estimate_has_the_error_of_its_own_integral) {
  // By the trapezium rule over the density itself.
  ExperimentPoint const point(*experiment, settings("density", 5));
  auto const at = experiment->at(*point);
  auto const key = rng::make_key(2, "kde");
  auto const outputs = replicated(*experiment, *at, key, {0, 3});
  double const h = 1.06 * std::pow(5.0, -0.2);
  for (std::uint64_t r = 0; r < 3; ++r) {
    std::vector<double> x(5);
    rng::Stream({key, rng::Purpose::draw, r}, 0).normals(x);
    double integral = 0;
    double const step = 0.01;
    auto const density = [](double z) { return std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi); };
    for (double t = -12; t < 12; t += step) {
      double estimate = 0;
      for (double const v : x) estimate += density((t - v) / h) / (5 * h);
      integral += step * (estimate - density(t)) * (estimate - density(t));
    }
    BOOST_TEST(outputs.value(kde)[r] == integral, boost::test_tools::tolerance(1e-9));
  }
}

BOOST_AUTO_TEST_CASE(owes_what_every_experiment_owes) {
  for (auto const* family : {"normal", "uniform", "exponential", "density", "entropy", "shrinkage"})
    for (std::int64_t const n : {5, 66}) {
      ExperimentPoint const point(*experiment, settings(family, n));
      check_streams(*experiment, *point);
      check_declarations(*experiment, *point);
    }
}

BOOST_AUTO_TEST_CASE(its_truths_hold, *boost::unit_test::label("stat")) {
  for (auto const* family : {"normal", "uniform", "exponential", "density", "entropy", "shrinkage"})
    for (std::int64_t const n : {11, 41}) check_truths(*experiment, *ExperimentPoint(*experiment, settings(family, n)), 20000);
}

BOOST_AUTO_TEST_SUITE_END()
