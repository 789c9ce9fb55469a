#include "fermiac/study/schedule.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numeric>
#include <random>

using fermiac::study::Schedule;

namespace {

std::vector<std::uint64_t> first_numbers(std::uint64_t n) {
  std::vector<std::uint64_t> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0u);
  return numbers;
}

/// Time at which the last of `n` claimants ends and the sum of all work, where each claims a chunk whenever it is free.
std::pair<double, double> play(Schedule const& schedule, std::vector<double> const& work, std::size_t n) {
  std::vector<double> busy_until(n, 0.0);
  double total = 0;
  for (std::uint64_t k = 0; k < schedule.n_chunks(); ++k) {
    auto& next = *std::ranges::min_element(busy_until);
    for (auto const item : schedule.chunk(k)) {
      next += work[item];
      total += work[item];
    }
  }
  return {*std::ranges::max_element(busy_until), total};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(schedule)

BOOST_AUTO_TEST_CASE(every_item_is_claimed_exactly_once) {
  std::mt19937 random(1);
  for (std::uint64_t const n : {0u, 1u, 2u, 17u, 1000u, 100000u})
    for (std::uint64_t const claimants : {1u, 2u, 3u, 64u}) {
      std::vector<double> work(n);
      for (auto& w : work) w = 1 + static_cast<double>(random() % 100);
      Schedule const schedule(first_numbers(n), work, claimants);
      std::vector<std::uint64_t> claimed;
      for (std::uint64_t k = 0; k < schedule.n_chunks() + 3; ++k)
        for (auto const item : schedule.chunk(k)) claimed.push_back(item);
      std::ranges::sort(claimed);
      BOOST_TEST(claimed == first_numbers(n), boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_CASE(longest_come_first_and_equal_ones_in_order) {
  Schedule const schedule({10, 11, 12, 13, 14}, {1, 3, 2, 3, 1}, 2);
  std::vector<std::uint64_t> order;
  for (std::uint64_t k = 0; k < schedule.n_chunks(); ++k)
    for (auto const item : schedule.chunk(k)) order.push_back(item);
  std::vector<std::uint64_t> const expected{11, 13, 12, 10, 14};
  BOOST_TEST(order == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(few_items_are_claimed_one_by_one) {
  Schedule const schedule(first_numbers(100), std::vector<double>(100, 2.0), 2);
  BOOST_TEST(schedule.n_chunks() == 100u);
}

BOOST_AUTO_TEST_CASE(many_cheap_items_are_claimed_in_portions_that_shrink_to_one) {
  Schedule const schedule(first_numbers(100000), std::vector<double>(100000, 1.0), 2);
  BOOST_TEST(schedule.n_chunks() < 1500u);
  BOOST_TEST(schedule.chunk(0).size() > 100u);
  BOOST_TEST(schedule.chunk(schedule.n_chunks() - 1).size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_last_claimant_ends_within_one_item_of_the_ideal) {
  std::mt19937 random(2);
  for (std::size_t const claimants : {2u, 3u, 16u}) {
    std::vector<double> work(3000);
    for (auto& w : work) w = std::ldexp(1.0, static_cast<int>(random() % 8));
    auto const [makespan, total] = play(Schedule(first_numbers(work.size()), work, claimants), work, claimants);
    BOOST_TEST(makespan <= total / static_cast<double>(claimants) + *std::ranges::max_element(work));
  }
}

BOOST_AUTO_TEST_SUITE_END()
