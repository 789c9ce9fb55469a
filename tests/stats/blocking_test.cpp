#include "fermiac/stats/blocking.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "fermiac/base/archive.hpp"
#include "stats/samples.hpp"

using fermiac::stats::Blocking;
using fermiac::test::Ar1;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

void add_rows(Blocking& blocking, arma::mat const& chains, arma::uword first, arma::uword last) {
  arma::mat const rows = chains.t();
  for (arma::uword t = first; t < last; ++t) blocking.add({rows.colptr(t), rows.n_rows});
}

Blocking blocking_of(arma::mat const& chains) {
  Blocking result(chains.n_cols);
  add_rows(result, chains, 0, chains.n_rows);
  return result;
}

// Error of the mean from blocks of one size, averaged anew from the stored series.
double naive_error(arma::mat const& chains, arma::uword block_size, std::uint64_t& n_blocks) {
  std::vector<long double> means;
  for (arma::uword c = 0; c < chains.n_cols; ++c)
    for (arma::uword first = 0; first + block_size <= chains.n_rows; first += block_size) {
      long double sum = 0;
      for (arma::uword t = first; t < first + block_size; ++t) sum += chains(t, c);
      means.push_back(sum / static_cast<long double>(block_size));
    }
  n_blocks = means.size();
  long double mean = 0, sum = 0;
  for (auto const x : means) mean += x;
  mean /= static_cast<long double>(means.size());
  for (auto const x : means) sum += (x - mean) * (x - mean);
  auto const samples = static_cast<long double>(chains.n_elem);
  return static_cast<double>(
      std::sqrt(static_cast<long double>(block_size) * sum / (static_cast<long double>(means.size()) - 1) / samples));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(blocking)

BOOST_AUTO_TEST_CASE(of_eight_samples_is_that_by_hand) {
  Blocking b;
  for (double const x : {1., 3., 2., 6., 4., 4., 5., 7.}) b.add(x);  // blocks of two: 2, 4, 4, 6; of four: 3, 5
  auto const levels = b.levels();
  BOOST_REQUIRE(levels.size() == 3);
  BOOST_TEST(levels[0].n_blocks == 8);
  BOOST_TEST(levels[1].n_blocks == 4);
  BOOST_TEST(levels[2].n_blocks == 2);
  BOOST_TEST(levels[2].block_size == 4);
  BOOST_CHECK_CLOSE(levels[0].error, std::sqrt(28. / 7 / 8), 1e-12);
  BOOST_CHECK_CLOSE(levels[1].error, std::sqrt(2 * (8. / 3) / 8), 1e-12);
  BOOST_CHECK_CLOSE(levels[2].error, std::sqrt(4 * 2. / 8), 1e-12);
  BOOST_CHECK_CLOSE(levels[2].error_of_error, std::sqrt(4 * 2. / 8) / std::sqrt(2.), 1e-12);
  BOOST_TEST(b.estimate().value == 4);
}

BOOST_AUTO_TEST_CASE(agrees_on_every_level_with_blocks_averaged_from_the_stored_series) {
  for (arma::uword const n : {2, 3, 17, 100, 1023, 1024, 1025})
    for (arma::uword const n_chains : {1, 2, 5, 17}) {
      auto const chains = Ar1{0.8}.chains(n, n_chains, n + n_chains);
      auto const blocking = blocking_of(chains);
      auto const levels = blocking.levels();
      BOOST_TEST(blocking.count() == n * n_chains);
      BOOST_CHECK_SMALL(blocking.estimate().value - arma::mean(arma::vectorise(chains)), 1e-13);
      arma::uword block_size = 1;
      for (auto const& level : levels) {
        std::uint64_t n_blocks = 0;
        BOOST_CHECK_CLOSE(level.error, naive_error(chains, block_size, n_blocks), 1e-9);
        BOOST_TEST(level.n_blocks == n_blocks);
        BOOST_TEST(level.block_size == block_size);
        block_size *= 2;
      }
      // The level above the last one has fewer than two blocks.
      BOOST_TEST((n / block_size) * n_chains < 2);
    }
}

BOOST_AUTO_TEST_CASE(merged_equals_that_of_all_chains_together) {
  auto const chains = Ar1{0.9}.chains(1000, 6, 3);
  auto const together = blocking_of(chains);
  auto merged = blocking_of(chains.cols(0, 1));
  merged.merge(blocking_of(chains.cols(2, 2)));
  merged.merge(blocking_of(chains.cols(3, 5)));
  BOOST_TEST(merged.count() == together.count());
  BOOST_CHECK_SMALL(merged.estimate().value - together.estimate().value, 1e-13);
  auto const a = merged.levels(), b = together.levels();
  BOOST_REQUIRE(a.size() == b.size());
  for (std::size_t k = 0; k < a.size(); ++k) {
    BOOST_TEST(a[k].n_blocks == b[k].n_blocks);
    BOOST_CHECK_CLOSE(a[k].error, b[k].error, 1e-9);
  }
}

BOOST_AUTO_TEST_CASE(merged_into_an_empty_one_or_with_an_empty_one_stays_what_it_is) {
  auto const one = blocking_of(Ar1{0.5}.chains(500, 1, 4));
  Blocking empty, copy = one;
  empty.merge(one);
  copy.merge(Blocking());
  BOOST_TEST(empty.estimate().value == one.estimate().value);
  BOOST_TEST(empty.estimate().error == one.estimate().error);
  BOOST_TEST(copy.estimate().error == one.estimate().error);
}

BOOST_AUTO_TEST_CASE(goes_on_with_its_own_chains_after_a_merge) {
  auto const chains = Ar1{0.5}.chains(301, 2, 5);
  auto const other = blocking_of(Ar1{0.5}.chains(77, 3, 6));
  Blocking early(2), late(2);
  add_rows(early, chains, 0, 150);
  early.merge(other);
  add_rows(early, chains, 150, 301);
  add_rows(late, chains, 0, 301);
  late.merge(other);
  BOOST_TEST(early.estimate().value == late.estimate().value);
  BOOST_TEST(early.levels().size() == late.levels().size());
  for (std::size_t k = 0; k < early.levels().size(); ++k) BOOST_TEST(early.levels()[k].error == late.levels()[k].error);
}

BOOST_AUTO_TEST_CASE(knows_the_means_of_its_chains) {
  auto const chains = Ar1{0.5}.chains(100, 3, 7);
  auto const means = blocking_of(chains).chain_means();
  BOOST_REQUIRE(means.size() == 3);
  for (arma::uword c = 0; c < 3; ++c) BOOST_CHECK_SMALL(means[c] - arma::mean(chains.col(c)), 1e-14);
  BOOST_TEST(std::isnan(Blocking(2).chain_means()[1]));
}

BOOST_AUTO_TEST_CASE(continued_after_a_reload_is_that_never_stopped) {
  auto const chains = Ar1{0.9}.chains(1000, 3, 8);
  auto whole = blocking_of(chains);
  whole.merge(blocking_of(Ar1{0.1}.chains(40, 2, 9)));
  for (arma::uword const cut : {0, 1, 2, 511, 512, 777, 1000}) {
    Blocking half(3), resumed(3);
    add_rows(half, chains, 0, cut);
    half.merge(blocking_of(Ar1{0.1}.chains(40, 2, 9)));
    std::vector<double> state(half.state_size());
    half.save(state);
    fermiac::Archive archive;
    archive.put("energy", state);
    std::fill(state.begin(), state.end(), not_a_number);
    archive.take("energy", state);
    add_rows(resumed, chains, 0, 5);  // forgotten by `load`
    resumed.load(state);
    add_rows(resumed, chains, cut, 1000);
    std::vector<double> a(whole.state_size()), b(whole.state_size());
    resumed.save(a);
    whole.save(b);
    BOOST_TEST(a == b, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(warns_where_there_is_no_plateau) {
  // A straight line is correlated over its whole length.
  Blocking line;
  for (int t = 0; t < 4096; ++t) line.add(t);
  BOOST_TEST(!line.estimate().converged);
  BOOST_TEST(!line.tau().converged);
  // Its error is the largest on offer: blocks of 512, eight of them, whose means are 512 apart.
  BOOST_CHECK_CLOSE(line.estimate().error, 512 * std::sqrt(6. / 8), 1e-9);
  // A chain far shorter than its correlation time.
  BOOST_TEST(!blocking_of(Ar1{0.999}.chains(500, 1, 10)).estimate().converged);
  // Chains that sit in different places, each with independent samples.
  arma::mat stuck = Ar1{0}.chains(1024, 4, 11);
  for (arma::uword c = 0; c < 4; ++c) stuck.col(c) += 10. * static_cast<double>(c);
  BOOST_TEST(!blocking_of(stuck).estimate().converged);
  // And none of this where all is well.
  BOOST_TEST(blocking_of(Ar1{0}.chains(1024, 4, 11)).estimate().converged);
  BOOST_TEST(blocking_of(Ar1{0.9}.chains(8192, 1, 12)).estimate().converged);
}

BOOST_AUTO_TEST_CASE(of_nothing_one_and_a_constant_is_what_is_known) {
  Blocking b;
  BOOST_TEST(b.count() == 0);
  BOOST_TEST(std::isnan(b.estimate().value));
  BOOST_TEST(std::isnan(b.estimate().error));
  BOOST_TEST(!b.estimate().converged);
  BOOST_TEST(b.levels().empty());
  b.add(0.1);
  BOOST_TEST(b.estimate().value == 0.1);
  BOOST_TEST(std::isnan(b.estimate().error));
  for (int i = 0; i < 99; ++i) b.add(0.1);
  BOOST_TEST(b.estimate().value == 0.1);
  BOOST_TEST(b.estimate().error == 0);
  BOOST_TEST(b.estimate().converged);
  BOOST_TEST(std::isnan(b.tau().value));
}

BOOST_AUTO_TEST_CASE(does_not_believe_a_non_finite_series) {
  for (double const bad : {not_a_number, std::numeric_limits<double>::infinity()}) {
    Blocking b;
    for (int i = 0; i < 100; ++i) b.add(i == 50 ? bad : 0.5 * i);
    BOOST_TEST(!std::isfinite(b.estimate().value));
    BOOST_TEST(std::isnan(b.estimate().error));
    BOOST_TEST(!b.estimate().converged);
  }
}

BOOST_AUTO_TEST_CASE(refuses_rows_and_states_of_other_sizes) {
  BOOST_CHECK_THROW(Blocking(0), std::logic_error);
  Blocking b(3);
  BOOST_CHECK_THROW(b.add(1.0), std::logic_error);
  std::vector<double> state(b.state_size() - 1);
  BOOST_CHECK_THROW(b.save(state), std::logic_error);
  BOOST_CHECK_THROW(b.load(state), std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()
