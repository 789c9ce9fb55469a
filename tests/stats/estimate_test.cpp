#include "fermiac/stats/estimate.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "fermiac/stats/walkers.hpp"
#include "stats/samples.hpp"

using namespace fermiac::stats;

BOOST_AUTO_TEST_SUITE(interval_of_an_estimate)

BOOST_AUTO_TEST_CASE(has_the_quantiles_of_the_tables) {
  Estimate const normal{.value = 3, .error = 2};
  BOOST_CHECK_CLOSE(interval(normal, fermiac::test::one_sigma).high, 5, 1e-10);
  BOOST_CHECK_CLOSE(interval(normal, fermiac::test::two_sigma).low, -1, 1e-10);
  Estimate student{.value = 0, .error = 1, .degrees_of_freedom = 1};
  BOOST_CHECK_CLOSE(interval(student, 0.95).high, std::tan(0.475 * M_PI), 1e-10);  // closed form at 1
  student.degrees_of_freedom = 2;
  BOOST_CHECK_CLOSE(interval(student, 0.95).high, std::sqrt(2 / (0.05 * (2 - 0.05))) * 0.95, 1e-10);  // closed form at 2
  BOOST_CHECK_CLOSE(interval(student, 0.95).low, -interval(student, 0.95).high, 1e-12);
}

BOOST_AUTO_TEST_CASE(is_not_known_without_an_error_or_freedom) {
  BOOST_TEST(std::isnan(interval({.value = 1}, 0.9).low));
  BOOST_TEST(std::isnan(interval({.value = 1, .error = 1, .degrees_of_freedom = 0}, 0.9).high));
  BOOST_TEST(!interval({.value = 1}, 0.9).contains(1));
  auto const exact = interval({.value = 1, .error = 0, .degrees_of_freedom = 5}, 0.9);
  BOOST_TEST(exact.contains(1));
  BOOST_TEST(!exact.contains(1.0000001));
}

BOOST_AUTO_TEST_CASE(refuses_a_confidence_that_is_none) {
  for (double const confidence : {0., 1., -0.1, 95., std::nan("")})
    BOOST_CHECK_THROW(interval({.value = 1, .error = 1}, confidence), std::logic_error);
}

BOOST_AUTO_TEST_CASE(every_way_to_an_error_has_its_own_name) {
  std::vector<std::string_view> names;
  for (auto const how : {How::independent, How::blocking, How::autocorrelation, How::walkers, How::jackknife, How::fit})
    names.push_back(name(how));
  std::sort(names.begin(), names.end());
  BOOST_TEST((std::adjacent_find(names.begin(), names.end()) == names.end()));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(mean_over_walkers)

BOOST_AUTO_TEST_CASE(of_four_is_that_by_hand) {
  double const means[] = {1, 2, 4, 9};
  auto const estimate = mean_of_walkers(means);
  BOOST_TEST(estimate.value == 4);
  BOOST_CHECK_CLOSE(estimate.error, std::sqrt(38. / 12), 1e-12);
  BOOST_TEST(estimate.degrees_of_freedom == 3);
  BOOST_TEST((estimate.how == How::walkers));
}

BOOST_AUTO_TEST_CASE(of_none_and_of_one_is_what_is_known) {
  BOOST_TEST(std::isnan(mean_of_walkers({}).value));
  double const one[] = {2};
  BOOST_TEST(mean_of_walkers(one).value == 2);
  BOOST_TEST(std::isnan(mean_of_walkers(one).error));
}

BOOST_AUTO_TEST_SUITE_END()
