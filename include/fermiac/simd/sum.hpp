/// Sums whose order is fixed, so that their bits depend on nothing but the terms.
///
/// Within an array, 16 lanes: lane l adds the terms l, l + 16, l + 32, ... in this order, beginning with +0; then the lanes are
/// added in a tree: lane l + lane l+8 for l < 8, of these l + l+4 for l < 4, then l + l+2 for l < 2, then the last two.
/// Products are accumulated by `std::fma`. Nothing is compensated: the error is below (n/16 + 5) 2^-53 times the sum of
/// |terms|. No terms give +0. NaN and infinities propagate.
///
/// Across packs, a binary tree over pack numbers (`tree_sum`).
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include "fermiac/base/error.hpp"

namespace fermiac::simd {

inline constexpr std::size_t n_sum_lanes = 16;

/// The sum of n terms in the order above; `add(s, i)` returns s plus term i (one addition, or one std::fma). For sums fused
/// with the computation of their terms: `sum_terms(n, [&](double s, std::size_t i) { return std::fma(w[i], f(x[i]), s); })`.
template <typename Add>
[[gnu::always_inline]] inline double sum_terms(std::size_t n, Add add) {
  double lane[n_sum_lanes] = {};
  std::size_t i = 0;
  for (; n - i >= n_sum_lanes; i += n_sum_lanes)
    for (std::size_t l = 0; l < n_sum_lanes; ++l) lane[l] = add(lane[l], i + l);
  for (std::size_t l = 0; i + l < n; ++l) lane[l] = add(lane[l], i + l);
  for (std::size_t half = n_sum_lanes / 2; half > 0; half /= 2)
    for (std::size_t l = 0; l < half; ++l) lane[l] += lane[l + half];
  return lane[0];
}

/// Sum of x[i].
double sum(std::span<double const> x);

/// Sum of x[i] y[i].
double dot(std::span<double const> x, std::span<double const> y);

/// Sum of w[i] x[i] y[i]: w[i] x[i] is rounded, then multiplied by y[i] and added in one rounding.
double weighted_dot(std::span<double const> w, std::span<double const> x, std::span<double const> y);

/// Sums over packs: total[v] = sum over p of parts[v + n_values p], where n_values = total.size(), pack after pack as
/// `Team::gather` leaves them.
///
/// The order is a binary tree over pack numbers: node j of level k covers the packs j 2^k ... (j + 1) 2^k - 1 as far as they
/// exist; it is its left child plus its right child, or its left child where the right one is empty. So whoever holds all packs
/// of a node can add them with this same function, and `tree_sum` of the sums of the nodes of one level, in order, is that of
/// the whole. No packs give +0.
///
/// parts.size() is a multiple of total.size(), which is not 0; total does not overlap parts (std::logic_error where sizes do
/// not fit).
void tree_sum(std::span<double const> parts, std::span<double> total);

}  // namespace fermiac::simd
