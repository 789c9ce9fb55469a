#include "fermiac/optimise/schedule.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "fermiac/base/error.hpp"

using fermiac::optimise::Schedule;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t forever = std::numeric_limits<std::uint64_t>::max();
auto const rounding = boost::test_tools::tolerance(1e-15);

}  // namespace

BOOST_AUTO_TEST_SUITE(schedule)

BOOST_AUTO_TEST_CASE(constant_stays) {
  auto const schedule = Schedule::constant(0.3);
  for (std::uint64_t const t : {std::uint64_t{0}, std::uint64_t{7}, forever}) BOOST_TEST(schedule.at(t) == 0.3);
  BOOST_TEST(Schedule::constant(0).at(5) == 0);
}

BOOST_AUTO_TEST_CASE(inverse_is_half_at_its_half_life) {
  auto const schedule = Schedule::inverse(0.5, 40);
  BOOST_TEST(schedule.at(0) == 0.5);
  BOOST_TEST(schedule.at(40) == 0.25);
  BOOST_TEST(schedule.at(120) == 0.125);
  BOOST_TEST(schedule.at(forever) > 0);
}

BOOST_AUTO_TEST_CASE(exponential_falls_by_equal_ratios_to_its_final_fraction) {
  auto const schedule = Schedule::exponential(2, 30, 1e-3);
  BOOST_TEST(schedule.at(0) == 2);
  for (std::uint64_t t = 0; t < 30; ++t) BOOST_TEST(schedule.at(t + 1) / schedule.at(t) == std::pow(1e-3, 1.0 / 30), rounding);
  for (std::uint64_t const t : {std::uint64_t{30}, std::uint64_t{31}, forever}) BOOST_TEST(schedule.at(t) == 2e-3);
}

BOOST_AUTO_TEST_CASE(cosine_passes_the_middle_at_half_its_length_and_ends_flat) {
  auto const schedule = Schedule::cosine(2, 60, 0.25);
  BOOST_TEST(schedule.at(0) == 2);
  BOOST_TEST(schedule.at(20) == 2 * (0.25 + 0.75 * 0.75), rounding);
  BOOST_TEST(schedule.at(30) == 2 * 0.625, rounding);
  BOOST_TEST(schedule.at(40) == 2 * (0.25 + 0.75 * 0.25), rounding);
  for (std::uint64_t const t : {std::uint64_t{60}, std::uint64_t{61}, forever}) BOOST_TEST(schedule.at(t) == 0.5);
  BOOST_TEST(Schedule::cosine(2, 60, 0).at(60) == 0);
  for (std::uint64_t t = 0; t < 60; ++t) BOOST_TEST(schedule.at(t + 1) < schedule.at(t));
}

BOOST_AUTO_TEST_CASE(final_fraction_of_one_is_constant) {
  for (std::uint64_t t = 0; t < 20; ++t) {
    BOOST_TEST(Schedule::exponential(0.7, 10, 1).at(t) == 0.7);
    BOOST_TEST(Schedule::cosine(0.7, 10, 1).at(t) == 0.7);
  }
}

BOOST_AUTO_TEST_CASE(refuses_arguments_outside_their_ranges) {
  for (double const bad : {-1.0, infinity, not_a_number}) {
    BOOST_CHECK_THROW(Schedule::constant(bad), fermiac::InputError);
    BOOST_CHECK_THROW(Schedule::inverse(bad, 1), fermiac::InputError);
    BOOST_CHECK_THROW(Schedule::exponential(bad, 1, 1), fermiac::InputError);
    BOOST_CHECK_THROW(Schedule::cosine(bad, 1, 1), fermiac::InputError);
  }
  for (double const bad : {0.0, -1.0, infinity, not_a_number}) {
    BOOST_CHECK_THROW(Schedule::inverse(1, bad), fermiac::InputError);
    BOOST_CHECK_THROW(Schedule::exponential(1, bad, 1), fermiac::InputError);
    BOOST_CHECK_THROW(Schedule::cosine(1, bad, 1), fermiac::InputError);
  }
  for (double const bad : {-0.1, 1.1, not_a_number}) {
    BOOST_CHECK_THROW(Schedule::exponential(1, 1, bad), fermiac::InputError);
    BOOST_CHECK_THROW(Schedule::cosine(1, 1, bad), fermiac::InputError);
  }
  BOOST_CHECK_THROW(Schedule::exponential(1, 1, 0), fermiac::InputError);
}

BOOST_AUTO_TEST_SUITE_END()
