/// The Gaussian of the trap that several factors carry: exp(-1/2 sum_i width_c x_i^2), c the direction of coordinate i.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "fermiac/vmc/columns.hpp"

namespace fermiac::vmc {

/// Its d ln Psi / d ln alpha, where all widths are proportional to alpha, to `O`, and the slope of that along `direction`
/// (walkers x M), where given, to `along`.
inline void width_derivative(Columns const& x, std::span<double const> width, double* __restrict O, Columns const* direction,
                             double* __restrict along) {
  std::size_t const n = x.n_rows();
  std::fill_n(O, n, 0.0);
  if (direction != nullptr) std::fill_n(along, n, 0.0);
  for (std::size_t i = 0; i < x.n_columns(); ++i) {
    double const own = width[i % width.size()];
    double const* __restrict xi = x.column(i);
#pragma GCC ivdep
    for (std::size_t k = 0; k < n; ++k) O[k] = std::fma(-0.5 * own * xi[k], xi[k], O[k]);
    if (direction == nullptr) continue;
    double const* __restrict d = direction->column(i);
#pragma GCC ivdep
    for (std::size_t k = 0; k < n; ++k) along[k] = std::fma(-own * xi[k], d[k], along[k]);
  }
}

/// Adds its logarithm.
inline void add_log_gaussian(Columns const& x, std::span<double const> width, double* log_psi) {
  for (std::size_t i = 0; i < x.n_columns(); ++i) {
    double const* xi = x.column(i);
    double const own = width[i % width.size()];
    for (std::size_t k = 0; k < x.n_rows(); ++k) log_psi[k] -= 0.5 * own * xi[k] * xi[k];
  }
}

}  // namespace fermiac::vmc
