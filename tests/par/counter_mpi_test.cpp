#include <boost/test/unit_test.hpp>
#include <chrono>
#include <numeric>
#include <thread>

#include "fermiac/par/counter.hpp"
#include "fermiac/par/mpi_team.hpp"
#include "support/mpi_fixture.hpp"

using namespace fermiac;
using namespace fermiac::par;

BOOST_AUTO_TEST_SUITE(counter)

BOOST_AUTO_TEST_CASE(every_number_is_claimed_exactly_once) {
  auto const world = Communicator::world();
  SharedCounter counter(world);
  constexpr std::uint64_t n = 1000;
  std::int64_t claimed = 0;
  std::int64_t sum = 0;
  std::uint64_t last = 0;
  for (;;) {
    auto const number = counter.claim();
    if (number >= n) break;
    BOOST_TEST((claimed == 0 || number > last));
    last = number;
    ++claimed;
    sum += static_cast<std::int64_t>(number);
  }
  world.wait_for_all([&] { counter.progress(); });
  BOOST_TEST(world.sum(claimed) == static_cast<std::int64_t>(n));
  BOOST_TEST(world.sum(sum) == static_cast<std::int64_t>(n * (n - 1) / 2));
}

BOOST_AUTO_TEST_CASE(begins_again_at_nought) {
  auto const world = Communicator::world();
  SharedCounter counter(world);
  for (int round = 0; round < 3; ++round) {
    counter.restart();
    std::int64_t sum = 0;
    for (auto number = counter.claim(); number < 20; number = counter.claim()) sum += static_cast<std::int64_t>(number);
    world.wait_for_all([&] { counter.progress(); });
    BOOST_TEST(world.sum(sum) == 190);
  }
}

BOOST_AUTO_TEST_CASE(a_stop_asked_by_the_last_rank_reaches_all_without_a_blocking_call) {
  auto const world = Communicator::world();
  SharedCounter counter(world);
  BOOST_TEST(!counter.stop_asked());
  world.barrier();
  if (world.rank() == world.size() - 1) counter.ask_stop();
  auto const begin = std::chrono::steady_clock::now();
  while (!counter.stop_asked()) {
    counter.progress();
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    BOOST_REQUIRE(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
  }
  world.wait_for_all([&] { counter.progress(); });
  BOOST_TEST(counter.stop_asked());
}

BOOST_AUTO_TEST_CASE(finished_items_are_added_up) {
  auto const world = Communicator::world();
  SharedCounter counter(world);
  for (int i = 0; i < 10; ++i) counter.add_finished(static_cast<std::uint64_t>(world.rank() + 1));
  world.wait_for_all([&] { counter.progress(); });
  auto const n = static_cast<std::uint64_t>(world.size());
  BOOST_TEST(counter.finished() == 10 * n * (n + 1) / 2);
  world.wait_for_all([&] { counter.progress(); });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(communicator)

BOOST_AUTO_TEST_CASE(texts_and_bytes_travel_whole) {
  auto const world = Communicator::world();
  BOOST_TEST(world.broadcast(world.is_root() ? std::string("a study\0with a null", 19) : std::string()) ==
             std::string("a study\0with a null", 19));
  BOOST_TEST(world.broadcast(std::string()).empty());
  BOOST_TEST((world.broadcast(world.is_root() ? std::vector<std::uint8_t>{0, 1, 255} : std::vector<std::uint8_t>{}) ==
              std::vector<std::uint8_t>{0, 1, 255}));
  auto const texts = world.collect(std::string(static_cast<std::size_t>(world.rank()), 'x'));
  BOOST_TEST(texts.size() == (world.is_root() ? static_cast<std::size_t>(world.size()) : 0u));
  for (std::size_t i = 0; i < texts.size(); ++i) BOOST_TEST(texts[i].size() == i);
}

BOOST_AUTO_TEST_CASE(a_team_completes_the_parts_of_its_members) {
  auto const world = Communicator::world();
  MpiTeam team(world.split(0));
  for (std::uint64_t const n_packs : {0u, 1u, 2u, 5u, 17u}) {
    constexpr std::uint64_t per_pack = 3;
    std::vector<double> whole(n_packs * per_pack, -1);
    auto const own = team.share(n_packs);
    for (auto i = own.first * per_pack; i < own.last * per_pack; ++i) whole[i] = static_cast<double>(i);
    team.gather(whole, per_pack, n_packs);
    std::vector<double> expected(whole.size());
    std::iota(expected.begin(), expected.end(), 0.0);
    BOOST_TEST(whole == expected, boost::test_tools::per_element());
  }
  BOOST_TEST(team.any(world.rank() == world.size() - 1));
  BOOST_TEST(!team.any(false));
}

BOOST_AUTO_TEST_SUITE_END()
