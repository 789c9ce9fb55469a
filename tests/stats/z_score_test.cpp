#include "fermiac/stats/z_score.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace fermiac::stats;

namespace {
constexpr double inf = std::numeric_limits<double>::infinity();
Estimate of(double value, double error) { return {.value = value, .error = error}; }
}  // namespace

BOOST_AUTO_TEST_SUITE(z_scores)

BOOST_AUTO_TEST_CASE(against_a_truth_count_both_errors) {
  BOOST_CHECK_CLOSE(z_score(of(3.5, 0.25), 3), 2, 1e-12);
  BOOST_CHECK_CLOSE(z_score(of(2, 3), 7, 4), -1, 1e-12);
  BOOST_CHECK_CLOSE(z_score(of(2, 0), 7, 4), -1.25, 1e-12);
}

BOOST_AUTO_TEST_CASE(against_a_bound_are_negative_on_the_forbidden_side) {
  BOOST_CHECK_CLOSE(z_score(of(2.9, 0.1), Bound::lower, 3), -1, 1e-9);
  BOOST_CHECK_CLOSE(z_score(of(3.2, 0.1), Bound::lower, 3), 2, 1e-9);
  BOOST_CHECK_CLOSE(z_score(of(3.2, 0.1), Bound::upper, 3), -2, 1e-9);
  BOOST_CHECK_CLOSE(z_score(of(7, 3), Bound::upper, 2, 4), -1, 1e-9);
}

BOOST_AUTO_TEST_CASE(without_any_error_tell_equal_from_different) {
  BOOST_TEST(z_score(of(3, 0), 3) == 0);
  BOOST_TEST(z_score(of(4, 0), 3) == inf);
  BOOST_TEST(z_score(of(2, 0), 3) == -inf);
  BOOST_TEST(z_score(of(3, 0), Bound::lower, 3) == 0);
  BOOST_TEST(z_score(of(4, 0), Bound::lower, 3) == inf);
  BOOST_TEST(z_score(of(2, 0), Bound::lower, 3) == -inf);
  BOOST_TEST(z_score(of(2, 0), Bound::upper, 3) == inf);
}

BOOST_AUTO_TEST_CASE(are_not_known_where_something_is_not) {
  double const not_a_number = std::nan("");
  BOOST_TEST(std::isnan(z_score(of(not_a_number, 1), 3)));
  BOOST_TEST(std::isnan(z_score(of(3, not_a_number), 3)));
  BOOST_TEST(std::isnan(z_score(of(3, 0), not_a_number)));
  BOOST_TEST(std::isnan(z_score(of(3, 1), 3, not_a_number)));
  BOOST_TEST(std::isnan(two_sided_p_value(not_a_number)));
  BOOST_TEST(std::isnan(one_sided_p_value(not_a_number, 3)));
  BOOST_TEST(std::isnan(one_sided_p_value(0, 0)));
}

BOOST_AUTO_TEST_CASE(have_the_p_values_of_the_tables) {
  BOOST_CHECK_CLOSE(two_sided_p_value(1), 0.317310507862914, 1e-10);
  BOOST_CHECK_CLOSE(two_sided_p_value(-6), 1.973175290075e-9, 1e-8);
  BOOST_CHECK_CLOSE(one_sided_p_value(-4), 3.16712418331e-5, 1e-8);
  BOOST_CHECK_CLOSE(one_sided_p_value(1), 0.841344746068543, 1e-10);
  BOOST_TEST(two_sided_p_value(0) == 1);
  BOOST_TEST(two_sided_p_value(inf) == 0);
  BOOST_TEST(one_sided_p_value(inf) == 1);
  BOOST_TEST(one_sided_p_value(-inf, 4) == 0);
  // Student with 1 and 2 degrees of freedom in closed form.
  BOOST_CHECK_CLOSE(one_sided_p_value(-2, 1), 0.5 - std::atan(2.) / M_PI, 1e-10);
  BOOST_CHECK_CLOSE(two_sided_p_value(3, 2), 1 - 3 / std::sqrt(11.), 1e-10);
}

BOOST_AUTO_TEST_SUITE_END()
