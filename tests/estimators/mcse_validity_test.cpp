#include "fermiac/estimators/experiments/mcse_validity.hpp"

#include <boost/test/unit_test.hpp>

#include "fermiac/base/error.hpp"
#include "support/experiment_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;

namespace {

auto const experiment = estimators::mcse_validity();
enum : std::size_t { normal, kurtosis, jackknife, bootstrap };

std::vector<std::pair<std::string, Value>> settings(char const* law, std::int64_t r, std::int64_t resamples = 0) {
  return {{"law.name", std::string(law)}, {"sample.r", r}, {"bootstrap.resamples", resamples}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mcse_validity)

BOOST_AUTO_TEST_CASE(the_jackknife_is_that_of_leaving_one_out) {
  ExperimentPoint const point(*experiment, settings("normal", 6));
  auto const at = experiment->at(*point);
  auto const key = rng::make_key(2, "jackknife");
  auto const outputs = replicated(*experiment, *at, key, {0, 2});
  for (std::uint64_t r = 0; r < 2; ++r) {
    std::vector<double> d(6);
    rng::Stream({key, rng::Purpose::draw, r}, 0).normals(d);
    for (auto& x : d) x += 0.5;  // the target is that far below
    std::vector<double> means, variances, roots, squares;
    for (std::size_t left_out = 0; left_out < 6; ++left_out) {
      stats::Moments rest;
      double square = 0;
      for (std::size_t i = 0; i < 6; ++i)
        if (i != left_out) {
          rest.add(d[i]);
          square += d[i] * d[i] / 5;
        }
      means.push_back(rest.mean());
      variances.push_back(rest.variance());
      roots.push_back(std::sqrt(rest.variance()));
      squares.push_back(square);
    }
    auto const error = [](std::vector<double> const& without) {
      stats::Moments m;
      m.add(without);
      return std::sqrt(5.0 / 6 * 5 * m.variance());
    };
    auto const nearly = boost::test_tools::tolerance(1e-11);
    double const v = 2.0 / 5;
    BOOST_TEST(outputs.value(jackknife, 0)[r] * std::sqrt(1.0 / 6) == error(means), nearly);
    BOOST_TEST(outputs.value(jackknife, 1)[r] * std::sqrt(v) == error(variances), nearly);
    BOOST_TEST(outputs.value(jackknife, 2)[r] * std::sqrt(v) / 2 == error(roots), nearly);
    BOOST_TEST(outputs.value(jackknife, 3)[r] * std::sqrt((2 + 4 * 0.25) / 6.0) == error(squares), nearly);
  }
}

BOOST_AUTO_TEST_CASE(owes_what_every_experiment_owes) {
  for (auto const* law : {"normal", "uniform", "gamma", "laplace"}) {
    ExperimentPoint const point(*experiment, settings(law, 9, 3));
    check_streams(*experiment, *point);
    check_declarations(*experiment, *point);
  }
  BOOST_CHECK_THROW(ExperimentPoint(*experiment, settings("gamma", 9, 1)), InputError);
}

BOOST_AUTO_TEST_CASE(exact_expectations_hold, *boost::unit_test::label("stat")) {
  for (auto const* law : {"normal", "uniform", "gamma", "laplace"})
    check_truths(*experiment, *ExperimentPoint(*experiment, settings(law, 50)), 20000);
}

BOOST_AUTO_TEST_CASE(reported_errors_are_true_ones_also_at_kurtosis_4_5, *boost::unit_test::label("stat")) {
  // 2000 estimates of Gamma(4); 2000 such studies know the mean ratio to 0.3 %, so that 0.97 to 1.03 is nine errors away.
  ExperimentPoint const point(*experiment, settings("gamma", 2000));
  auto const at = experiment->at(*point);
  auto const outputs = replicated(*experiment, *at, rng::make_key(8, "ratio"), {0, 2000});
  auto const mean = [&](std::size_t formula, std::size_t q) {
    return estimators::moments_of(outputs.value(formula, q)).mean();
  };
  for (auto const formula : {kurtosis, jackknife})
    for (std::size_t q = 0; q < 4; ++q)
      BOOST_TEST(std::abs(mean(formula, q) - 1) < 0.03, formula << " " << q << " " << mean(formula, q));
  // Normal theory takes kurtosis 3 for granted: sqrt(2 / 3.5) = 0.756.
  BOOST_TEST(std::abs(mean(normal, 2) - 0.756) < 0.01);
}

BOOST_AUTO_TEST_SUITE_END()
