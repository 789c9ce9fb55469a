#include "fermiac/estimators/experiments/gauss_mean.hpp"

#include <boost/test/unit_test.hpp>

#include "fermiac/base/error.hpp"
#include "support/experiment_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;

namespace {

auto const experiment = estimators::gauss_mean();
enum : std::size_t { mle, map, unbiased };

}  // namespace

BOOST_AUTO_TEST_SUITE(gauss_mean)

BOOST_AUTO_TEST_CASE(has_the_closed_forms_of_the_prior_with_variance_two) {
  // bias -5/(2N+5), variance 20N/(2N+5)^2; coverage of the 95 % credible interval and of plug-in by independent evaluation.
  struct Known {
    std::int64_t N;
    double credible, plug_in;
  };
  for (auto const& [N, credible, plug_in] :
       {Known{10, 0.961485, 0.904093}, {100, 0.951396, 0.946012}, {1000, 0.950143, 0.949608}}) {
    ExperimentPoint const point(*experiment, {{"sample.n", N}});
    auto const at = experiment->at(*point);
    double const n = static_cast<double>(N);
    BOOST_TEST(at->truth(map, 0).bias.value == -5 / (2 * n + 5), boost::test_tools::tolerance(1e-14));
    BOOST_TEST(at->truth(map, 0).variance.value == 20 * n / ((2 * n + 5) * (2 * n + 5)), boost::test_tools::tolerance(1e-14));
    BOOST_TEST(at->truth(mle, 1).bias.value == -5 / n, boost::test_tools::tolerance(1e-14));
    BOOST_TEST(at->truth_of_interval(3, 0).coverage.value == credible, boost::test_tools::tolerance(1e-6));
    BOOST_TEST(at->truth_of_interval(2, 0).coverage.value == plug_in, boost::test_tools::tolerance(1e-6));
  }
}

BOOST_AUTO_TEST_CASE(reads_the_prior_as_a_standard_deviation_on_request) {
  ExperimentPoint const point(*experiment,
                              {{"sample.n", std::int64_t{10}}, {"prior.scale_is", std::string("standard_deviation")}});
  auto const truth = experiment->at(*point)->truth(map, 0);
  BOOST_TEST(truth.bias.value == -5.0 / 45, boost::test_tools::tolerance(1e-14));
  BOOST_TEST(truth.variance.value == 800.0 / (45 * 45), boost::test_tools::tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(errors_tie_where_bias_and_variance_trade_off) {
  // (mu - nu)^2 = s2/N + 2 t2.
  ExperimentPoint const point(*experiment, {{"sample.n", std::int64_t{10}}, {"prior.mean", 2 - std::sqrt(4.5)}});
  auto const at = experiment->at(*point);
  BOOST_TEST(estimators::completed(at->truth(map, 0)).mse.value == 0.5, boost::test_tools::tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(replicates_are_those_of_an_obvious_loop) {
  ExperimentPoint const point(*experiment, {{"sample.n", std::int64_t{7}}});
  auto const at = experiment->at(*point);
  auto const key = rng::make_key(9, "twin");
  auto const outputs = replicated(*experiment, *at, key, {100, 117});
  for (std::uint64_t r = 0; r < 17; ++r) {
    rng::Stream stream({key, rng::Purpose::draw, 100 + r}, 0);
    std::vector<double> x(7);
    double mean = 0, S = 0;
    for (auto& v : x) v = 2 + std::sqrt(5.0) * stream.normal();
    for (double const v : x) mean += v / 7;
    for (double const v : x) S += (v - mean) * (v - mean) / 7;
    auto const close = boost::test_tools::tolerance(1e-12);
    BOOST_TEST(outputs.value(mle, 0)[r] == mean, close);
    BOOST_TEST(outputs.value(map, 0)[r] == (14 * mean + 5) / 19, close);
    BOOST_TEST(outputs.value(mle, 1)[r] == S, close);
    BOOST_TEST(outputs.value(unbiased, 1)[r] == S * 7 / 6, close);
    BOOST_TEST(outputs.high(0, 0)[r] == mean + 1.959963984540054 * std::sqrt(5.0 / 7), close);
    BOOST_TEST(outputs.high(1, 0)[r] == mean + 2.4469118511449692 * std::sqrt(S / 6), close);
    BOOST_TEST(outputs.low(2, 0)[r] == mean - 1.959963984540054 * std::sqrt(S / 7), close);
    BOOST_TEST(outputs.low(3, 0)[r] == (14 * mean + 5) / 19 - 1.959963984540054 * std::sqrt(10.0 / 19), close);
  }
}

BOOST_AUTO_TEST_CASE(owes_what_every_experiment_owes) {
  for (std::int64_t const N : {2, 5, 64}) {
    ExperimentPoint const point(*experiment, {{"sample.n", N}});
    check_streams(*experiment, *point);
    check_declarations(*experiment, *point);
  }
}

BOOST_AUTO_TEST_CASE(its_truths_hold, *boost::unit_test::label("stat")) {
  for (std::int64_t const N : {2, 3, 10, 101}) {
    ExperimentPoint const point(*experiment, {{"sample.n", N}, {"interval.confidence", 0.8}});
    check_truths(*experiment, *point, 40000);
  }
}

BOOST_AUTO_TEST_SUITE_END()
