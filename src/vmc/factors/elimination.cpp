#include "elimination.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace fermiac::vmc {
namespace {

/// Exchanges upper and lower where `swap` is 1 and takes f times the upper from the lower, from column `j` on, `count` walkers.
template <class Count>
[[gnu::always_inline]] inline void reduce_row(double* __restrict upper, double* __restrict lower, double const* __restrict swap,
                                              double const* __restrict f, Count count_of_tile) {
  std::size_t const count = count_of_tile;
#pragma GCC ivdep
  for (std::size_t k = 0; k < count; ++k) {
    double const a = upper[k];
    double const b = lower[k];
    double const kept = swap[k] > 0 ? b : a;
    double const other = swap[k] > 0 ? a : b;
    upper[k] = kept;
    lower[k] = std::fma(-f[k], kept, other);
  }
}

}  // namespace

template <bool with_inverse, class Count>
void Elimination::reduce_tile(Count count_of_tile) {
  std::size_t const count = count_of_tile;
  alignas(64) double swap[tile_walkers];
  alignas(64) double f[tile_walkers];
  double* __restrict sign = sign_.column(0);
  for (std::size_t k = 0; k < count; ++k) sign[k] = 1;
  for (std::size_t c = 0; c < n_; ++c)
    for (std::size_t r = c + 1; r < n_; ++r) {
      double const* __restrict above = element(c, c);
      double const* __restrict below = element(r, c);
#pragma GCC ivdep
      for (std::size_t k = 0; k < count; ++k) {
        double const a = above[k];
        double const b = below[k];
        bool const larger = std::fabs(b) > std::fabs(a);
        double const pivot = larger ? b : a;
        double const other = larger ? a : b;
        double const divisor = pivot == 0 ? 1.0 : pivot;
        swap[k] = larger ? 1.0 : 0.0;
        sign[k] = larger ? -sign[k] : sign[k];
        f[k] = other / divisor;
      }
      for (std::size_t j = c; j < n_; ++j) reduce_row(element(c, j), element(r, j), swap, f, count_of_tile);
      // Rows of the unit matrix have mixed with those above them only.
      if constexpr (with_inverse)
        for (std::size_t j = 0; j <= r; ++j) reduce_row(image(c, j), image(r, j), swap, f, count_of_tile);
    }
}

template <class Count>
void Elimination::substitute(Count count_of_tile) {
  std::size_t const count = count_of_tile;
  alignas(64) double scale[tile_walkers];
  for (std::size_t c = n_; c-- > 0;) {
    double const* __restrict diagonal = element(c, c);
    for (std::size_t k = 0; k < count; ++k) scale[k] = 1.0 / diagonal[k];
    for (std::size_t j = 0; j < n_; ++j) {
      double* __restrict solved = image(c, j);
#pragma GCC ivdep
      for (std::size_t k = 0; k < count; ++k) solved[k] *= scale[k];
      for (std::size_t r = 0; r < c; ++r) {
        double const* __restrict f = element(r, c);
        double* __restrict upper = image(r, j);
#pragma GCC ivdep
        for (std::size_t k = 0; k < count; ++k) upper[k] = std::fma(-f[k], solved[k], upper[k]);
      }
    }
  }
}

void Elimination::reduce(std::size_t count) {
  if (count == tile_walkers)
    reduce_tile<false>(std::integral_constant<std::size_t, tile_walkers>{});
  else
    reduce_tile<false>(count);
}

void Elimination::invert(std::size_t count) {
  inverse_.zero();
  for (std::size_t i = 0; i < n_; ++i) std::fill_n(image(i, i), tile_walkers, 1.0);
  if (count == tile_walkers) {
    reduce_tile<true>(std::integral_constant<std::size_t, tile_walkers>{});
    substitute(std::integral_constant<std::size_t, tile_walkers>{});
  } else {
    reduce_tile<true>(count);
    substitute(count);
  }
}

}  // namespace fermiac::vmc
