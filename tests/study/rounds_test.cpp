#include "fermiac/study/rounds.hpp"

#include <boost/test/unit_test.hpp>

using fermiac::study::Rounds;
using fermiac::study::State;

namespace {
using Ends = std::vector<std::uint64_t>;
std::vector<State> states(char const* text) {
  std::vector<State> result;
  for (; *text; ++text) result.push_back(static_cast<State>(*text - '0'));
  return result;
}
}  // namespace

BOOST_AUTO_TEST_SUITE(rounds)

BOOST_AUTO_TEST_CASE(double_until_all_items_are_reached) {
  BOOST_TEST(Rounds(100, 10).ends() == (Ends{10, 20, 40, 80, 100}));
  BOOST_TEST(Rounds(80, 10).ends() == (Ends{10, 20, 40, 80}));
  BOOST_TEST(Rounds(7, 10).ends() == (Ends{7}));
  BOOST_TEST(Rounds(1, 1).ends() == (Ends{1}));
  BOOST_TEST(Rounds(100, 0).ends() == (Ends{100}));
}

BOOST_AUTO_TEST_CASE(the_open_round_is_the_first_with_a_pending_item) {
  Rounds const rounds(8, 2);  // 2, 4, 8
  BOOST_TEST(rounds.open_round(states("00000000")) == 0u);
  BOOST_TEST(rounds.open_round(states("10000000")) == 0u);
  BOOST_TEST(rounds.open_round(states("11000000")) == 1u);
  BOOST_TEST(rounds.open_round(states("12110000")) == 2u);
  BOOST_TEST(rounds.open_round(states("11111111")) == 3u);
  // An item that a resume found damaged opens its round again.
  BOOST_TEST(rounds.open_round(states("10111111")) == 0u);
}

BOOST_AUTO_TEST_CASE(a_round_is_decided_when_it_is_complete_and_something_is_left) {
  Rounds const rounds(8, 2);
  BOOST_TEST(rounds.n_decidable(states("10000000")) == 0u);
  BOOST_TEST(rounds.n_decidable(states("11000000")) == 1u);
  BOOST_TEST(rounds.n_decidable(states("11100000")) == 1u);
  BOOST_TEST(rounds.n_decidable(states("12110000")) == 2u);
  BOOST_TEST(rounds.n_decidable(states("11111111")) == 2u);
  BOOST_TEST(rounds.n_decidable(states("11333333")) == 0u);  // decided before
  BOOST_TEST(Rounds(8, 0).n_decidable(states("11111111")) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
