#include "fermiac/estimators/count.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "fermiac/rng/stream.hpp"

using namespace fermiac;
using estimators::count_below;

namespace {

rng::Key const key = rng::make_key(3, "count");
Quiet quiet;

/// The obvious twin: one uniform after another.
std::uint64_t count_one_by_one(double probability, std::uint64_t n_draws, std::uint32_t replicate) {
  std::uint64_t hits = 0;
  for (std::uint64_t i = 0; i < n_draws; ++i) {
    auto const block = rng::philox(key, rng::make_counter(rng::Purpose::draw, replicate, 0, i / 2));
    hits += (i % 2 ? rng::uniform_of(block[2], block[3]) : rng::uniform_of(block[0], block[1])) < probability;
  }
  return hits;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(count)

BOOST_AUTO_TEST_CASE(equals_the_obvious_loop_at_any_number_of_draws) {
  for (std::uint64_t const n : {0u, 1u, 2u, 3u, 17u, 2047u, 2048u, 2049u, 5001u})
    for (double const p : {0.0, 1e-3, 0.5, 1.0}) BOOST_TEST(count_below(p, n, key, 7, quiet) == count_one_by_one(p, n, 7));
}

BOOST_AUTO_TEST_CASE(never_and_always_are_exact) {
  BOOST_TEST(count_below(0, 100001, key, 0, quiet) == 0u);
  BOOST_TEST(count_below(1, 100001, key, 0, quiet) == 100001u);
}

BOOST_AUTO_TEST_CASE(hits_scatter_as_the_binomial_distribution_says, *boost::unit_test::label("stat")) {
  constexpr std::uint32_t n_replicates = 4000;
  constexpr std::uint64_t n_draws = 1001;
  constexpr double p = 0.2;
  double sum = 0;
  double sum_of_squares = 0;
  for (std::uint32_t r = 0; r < n_replicates; ++r) {
    double const z =
        (static_cast<double>(count_below(p, n_draws, key, r, quiet)) - p * n_draws) / std::sqrt(p * (1 - p) * n_draws);
    sum += z;
    sum_of_squares += z * z;
  }
  // 6 sigma on either side (2e-9): the mean of z has error 1/sqrt(n), that of z^2 sqrt(2/n) (kurtosis 3 + 1/(n p q) is near 3).
  BOOST_TEST(std::abs(sum) < 6 * std::sqrt(n_replicates));
  BOOST_TEST(std::abs(sum_of_squares - n_replicates) < 6 * std::sqrt(2.01 * n_replicates));
}

BOOST_AUTO_TEST_SUITE_END()
