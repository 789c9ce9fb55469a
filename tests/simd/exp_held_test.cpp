#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "fermiac/simd/functions.hpp"

using fermiac::simd::exp_decay;
using fermiac::simd::exp_held;
using fermiac::simd::exp_of_twice;
using fermiac::simd::exp_unheld;

BOOST_AUTO_TEST_SUITE(exp_held_between_bounds)

BOOST_AUTO_TEST_CASE(is_exp_to_one_ulp_where_it_is_not_held) {
  double const ulp = std::numeric_limits<double>::epsilon();
  for (int i = -707000; i <= 708000; i += 17) {
    double const x = 1e-3 * i;
    long double const exact = std::exp(static_cast<long double>(x));
    BOOST_TEST(std::abs(exp_held(x) - exact) <= ulp * exact, "at " << x);
  }
  BOOST_TEST(exp_held(0.0) == 1.0);
  BOOST_TEST(exp_held(-0.0) == 1.0);
}

BOOST_AUTO_TEST_CASE(is_held_outside_and_keeps_nan) {
  double const infinity = std::numeric_limits<double>::infinity();
  for (double const low : {-707.8, -745.2, -1e10, -infinity}) BOOST_TEST(exp_held(low) == exp_held(-707.7));
  for (double const high : {708.4, 1e10, infinity}) BOOST_TEST(exp_held(high) == exp_held(708.3));
  BOOST_TEST(exp_held(-infinity) >= 0x1p-1022);
  BOOST_TEST(exp_held(infinity) <= 0x1p1022);
  BOOST_TEST(std::isnan(exp_held(std::numeric_limits<double>::quiet_NaN())));
}

BOOST_AUTO_TEST_CASE(decays_alike_on_both_sides) {
  for (double const x : {0.0, 1e-300, 0.3, 1.0, 17.7, 700.0, 707.7, 708.0, 1e300, std::numeric_limits<double>::infinity()}) {
    BOOST_TEST(exp_decay(x) == exp_held(-x));
    BOOST_TEST(exp_decay(-x) == exp_held(-x));
  }
  BOOST_TEST(std::isnan(exp_decay(std::numeric_limits<double>::quiet_NaN())));
}

BOOST_AUTO_TEST_CASE(has_the_same_bits_without_holding_where_nothing_is_held) {
  for (int i = -700000; i <= 700000; i += 13) {
    double const x = 1e-3 * i;
    BOOST_TEST(exp_unheld(x) == exp_held(x), "at " << x);
  }
}

BOOST_AUTO_TEST_CASE(of_twice_a_small_number_is_exp_to_four_ulp) {
  double const ulp = std::numeric_limits<double>::epsilon();
  double const largest = 0.34657359027997264;  // ln 2 / 2
  for (int i = -50000; i <= 50000; ++i) {
    double const x = largest * i / 50000;
    long double const exact = std::exp(2 * static_cast<long double>(x));
    // Twice the error of the root, 3/4 epsilon, and the rounding of the square.
    BOOST_TEST(std::abs(exp_of_twice(x) - exact) <= 2 * ulp * exact, "at " << x);
  }
  BOOST_TEST(exp_of_twice(0.0) == 1.0);
  BOOST_TEST(std::isnan(exp_of_twice(std::numeric_limits<double>::quiet_NaN())));
}

BOOST_AUTO_TEST_SUITE_END()
