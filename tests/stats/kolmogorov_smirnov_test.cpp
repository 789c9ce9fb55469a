#include "fermiac/stats/kolmogorov_smirnov.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "fermiac/stats/binomial.hpp"

using namespace fermiac::stats;

BOOST_AUTO_TEST_SUITE(kolmogorov_smirnov)

BOOST_AUTO_TEST_CASE(distances_of_a_few_numbers) {
  BOOST_TEST(kolmogorov_distance({}) == 0);
  BOOST_TEST(kolmogorov_distance(std::vector{0.5}) == 0.5);
  BOOST_TEST(kolmogorov_distance(std::vector{0.9, 0.1}) == 0.4);
  BOOST_TEST(kolmogorov_distance(std::vector{0.25, 0.25, 0.25, 0.25}) == 0.75);
  BOOST_TEST(kolmogorov_distance(std::vector{0.0, 1.0}) == 0.5);
}

BOOST_AUTO_TEST_CASE(the_limit_distribution_has_its_tabulated_quantiles) {
  // Q(1.2238) = 0.10, Q(1.3581) = 0.05, Q(1.6276) = 0.01, Q(1.9495) = 0.001, Q(0.8276) = 0.50: one number far from the others
  // makes the distance, many make n large.
  std::size_t const n = 1000000;
  for (auto const& [x, p] : {std::pair{0.8276, 0.5}, {1.2238, 0.1}, {1.3581, 0.05}, {1.6276, 0.01}, {1.9495, 0.001}}) {
    std::vector<double> numbers(n);
    double const distance = x / (std::sqrt(1e6) + 0.12 + 0.11 / 1e3);
    for (std::size_t i = 0; i < n; ++i) numbers[i] = std::min(1.0, static_cast<double>(i) / 1e6 + distance);
    BOOST_TEST(uniformity_p_value(numbers) == p, boost::test_tools::tolerance(2e-3));
  }
}

BOOST_AUTO_TEST_CASE(limits) {
  double const nan = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(uniformity_p_value({}) == 1);
  BOOST_TEST(std::isnan(uniformity_p_value(std::vector{0.1, nan})));
  BOOST_TEST(uniformity_p_value(std::vector<double>(100, 1.0)) < 1e-80);
}

BOOST_AUTO_TEST_CASE(uniform_numbers_are_accepted_as_often_as_promised, *boost::unit_test::label("stat")) {
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> uniform;
  for (std::size_t const n : {5u, 9u, 40u}) {
    std::uint64_t below = 0;
    for (int i = 0; i < 4000; ++i) {
      std::vector<double> p(n);
      for (auto& v : p) v = uniform(random);
      below += uniformity_p_value(p) < 0.05;
    }
    // Give or take the 0.01 of the approximation; 1e-6 by chance.
    BOOST_TEST(binomial_accepts(below, 4000, {0.04, 0.06}, 1e-6), n << ": " << below);
  }
}

BOOST_AUTO_TEST_SUITE_END()
