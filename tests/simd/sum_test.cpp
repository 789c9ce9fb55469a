#include "fermiac/simd/sum.hpp"

#include <quadmath.h>

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "fermiac/base/sha256.hpp"

using namespace fermiac;

namespace {

/// Terms of both signs and many sizes, the same on every machine: chaotic mantissas scaled by exact powers of two.
std::vector<double> terms(std::size_t n, std::uint64_t seed) {
  std::vector<double> x(n);
  std::uint64_t state = seed;
  for (auto& value : x) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    double const fraction = static_cast<double>(state >> 11) * 0x1p-53 - 0.5;
    value = std::ldexp(fraction, static_cast<int>(state % 7));
  }
  return x;
}

/// The documented order, written out: lanes in vectors, the tree by recursion.
double lanes_and_tree(std::vector<double> const& lane, std::size_t first, std::size_t stride) {
  if (stride == 16) return lane[first];
  return lanes_and_tree(lane, first, stride * 2) + lanes_and_tree(lane, first + stride, stride * 2);
}

double documented_sum(std::vector<double> const& x) {
  std::vector<double> lane(16, 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) lane[i % 16] += x[i];
  // Adding l and l + 8 first, then l and l + 4, ... is the tree whose root joins even and odd lanes.
  return lanes_and_tree(lane, 0, 1);
}

/// The documented tree: a node of 2^k packs is its left half plus its right half.
std::vector<double> documented_tree(std::vector<double> const& parts, std::size_t n_values, std::size_t first,
                                    std::size_t last) {
  if (last - first == 1)
    return {parts.begin() + static_cast<long>(n_values * first), parts.begin() + static_cast<long>(n_values * last)};
  auto const middle = first + std::bit_floor(last - first - 1);
  auto left = documented_tree(parts, n_values, first, middle);
  auto const right = documented_tree(parts, n_values, middle, last);
  for (std::size_t v = 0; v < n_values; ++v) left[v] += right[v];
  return left;
}

std::size_t const sizes[] = {0, 1, 2, 15, 16, 17, 31, 32, 33, 100, 1000, 4097};

}  // namespace

BOOST_AUTO_TEST_SUITE(sums)

BOOST_AUTO_TEST_CASE(add_in_the_documented_order) {
  for (auto const n : sizes) {
    auto const x = terms(n, n + 1);
    BOOST_TEST(simd::sum(x) == documented_sum(x), "n = " << n);
  }
}

BOOST_AUTO_TEST_CASE(are_exact_where_all_partial_sums_are) {
  for (auto const n : sizes) {
    std::vector<double> x(n);
    std::vector<double> const twos(n, 2.0);
    for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<double>(i + 1);
    auto const total = static_cast<double>(n * (n + 1) / 2);
    BOOST_TEST(simd::sum(x) == total);
    BOOST_TEST(simd::dot(x, twos) == 2 * total);
    BOOST_TEST(simd::weighted_dot(twos, x, twos) == 4 * total);
  }
}

BOOST_AUTO_TEST_CASE(keep_their_error_bounds) {
  for (auto const n : sizes) {
    auto const x = terms(n, 3);
    auto const y = terms(n, 4);
    auto const w = terms(n, 5);
    __float128 sum = 0, dot = 0, weighted = 0, sum_size = 0, dot_size = 0, weighted_size = 0;
    for (std::size_t i = 0; i < n; ++i) {
      __float128 const xi = x[i], xy = xi * y[i], wxy = xy * w[i];
      sum += xi, dot += xy, weighted += wxy;
      sum_size += fabsq(xi), dot_size += fabsq(xy), weighted_size += fabsq(wxy);
    }
    // Every term passes n/16 additions in its lane and 4 in the tree; w x adds one rounding. Quadratic terms need less than 1
    // more.
    double const unit = (static_cast<double>(n) / 16 + 6) * 0x1p-53;
    BOOST_TEST(static_cast<double>(fabsq(simd::sum(x) - sum)) <= unit * static_cast<double>(sum_size));
    BOOST_TEST(static_cast<double>(fabsq(simd::dot(x, y) - dot)) <= unit * static_cast<double>(dot_size));
    BOOST_TEST(static_cast<double>(fabsq(simd::weighted_dot(w, x, y) - weighted)) <= unit * static_cast<double>(weighted_size));
  }
}

BOOST_AUTO_TEST_CASE(of_fused_terms_equal_those_of_stored_terms) {
  auto const x = terms(77, 1);
  auto const y = terms(77, 2);
  BOOST_TEST(simd::sum_terms(77, [&](double s, std::size_t i) { return std::fma(x[i], y[i], s); }) == simd::dot(x, y));
}

BOOST_AUTO_TEST_CASE(propagate_what_is_not_finite_and_refuse_unequal_lengths) {
  auto x = terms(40, 1);
  x[38] = std::numeric_limits<double>::infinity();
  BOOST_TEST(simd::sum(x) == std::numeric_limits<double>::infinity());
  x[3] = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(std::isnan(simd::sum(x)));
  BOOST_TEST(std::isnan(simd::dot(x, x)));
  BOOST_TEST(!std::signbit(simd::sum({})));
  BOOST_CHECK_THROW(simd::dot(x, terms(39, 1)), std::logic_error);
  BOOST_CHECK_THROW(simd::weighted_dot(x, x, terms(41, 1)), std::logic_error);
}

// The bits that every ARCH and MODE gives.
BOOST_AUTO_TEST_CASE(have_the_recorded_fingerprint) {
  std::vector<double> outputs;
  for (auto const n : sizes) {
    auto const x = terms(n, 11), y = terms(n, 12), w = terms(n, 13);
    outputs.insert(outputs.end(), {simd::sum(x), simd::dot(x, y), simd::weighted_dot(w, x, y)});
  }
  auto const found = hexadecimal(sha256(std::as_bytes(std::span(outputs))));
  BOOST_TEST(found == "f650fecdbf87576391b850a3b133967f09a29841c2da851daab6e8998ec54f69");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(the_tree_over_packs)

BOOST_AUTO_TEST_CASE(joins_halves_of_powers_of_two) {
  for (std::size_t n_packs = 1; n_packs <= 70; ++n_packs) {
    std::size_t const n_values = 3;
    auto const parts = terms(n_values * n_packs, n_packs);
    std::vector<double> total(n_values);
    simd::tree_sum(parts, total);
    BOOST_TEST(total == documented_tree(parts, n_values, 0, n_packs), boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(may_be_reduced_in_aligned_parts_first) {
  std::size_t const n_values = 2;
  for (std::size_t const n_packs : {1, 5, 8, 13, 64, 77}) {
    auto const parts = terms(n_values * n_packs, 99);
    std::vector<double> whole(n_values);
    simd::tree_sum(parts, whole);
    for (std::size_t node = 1; node <= n_packs; node *= 2) {
      std::vector<double> joints;
      for (std::size_t first = 0; first < n_packs; first += node) {
        auto const last = std::min(first + node, n_packs);
        std::vector<double> part(n_values);
        simd::tree_sum(std::span(parts).subspan(n_values * first, n_values * (last - first)), part);
        joints.insert(joints.end(), part.begin(), part.end());
      }
      std::vector<double> joined(n_values);
      simd::tree_sum(joints, joined);
      BOOST_TEST(joined == whole, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(of_no_packs_is_zero_and_of_one_the_pack) {
  std::vector<double> total{7, 8};
  simd::tree_sum({}, total);
  BOOST_TEST(total == (std::vector<double>{0, 0}), boost::test_tools::per_element());
  simd::tree_sum(std::vector<double>{3, 4}, total);
  BOOST_TEST(total == (std::vector<double>{3, 4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(refuses_sizes_that_do_not_fit) {
  std::vector<double> total(2);
  BOOST_CHECK_THROW(simd::tree_sum(std::vector<double>(5), total), std::logic_error);
  BOOST_CHECK_THROW(simd::tree_sum(std::vector<double>(4), {}), std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()
