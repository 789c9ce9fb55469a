#include "orbital_table.hpp"

#include <algorithm>
#include <cmath>

namespace fermiac::vmc {

using std::size_t;

OrbitalTable::OrbitalTable(Orbitals const& orbitals)
    : orbitals_(orbitals),
      n_powers_(static_cast<size_t>(orbitals.highest()) + 1),
      table_(tile_walkers, 3 * orbitals.dimensions * n_powers_) {
  for (size_t c = 0; c < orbitals_.dimensions; ++c) {
    scale_[c] = std::sqrt(orbitals_.frequency[c]);
    std::fill_n(polynomial(c, 0, 0), tile_walkers, 1.0);
    if (n_powers_ > 1) std::fill_n(polynomial(c, 1, 1), tile_walkers, 1.0);
  }
}

void OrbitalTable::set(double const* const* r, size_t count, int order) {
  int const n = static_cast<int>(n_powers_);
  for (size_t c = 0; c < orbitals_.dimensions; ++c) {
    if (n < 2) break;
    double const scale = scale_[c];
    double const* __restrict x = r[c];
    double* __restrict y = polynomial(c, 1, 0);
#pragma GCC ivdep
    for (size_t k = 0; k < count; ++k) y[k] = scale * x[k];
    for (int m = 1; m + 1 < n; ++m) {
      double const* __restrict lower = polynomial(c, m - 1, 0);
      double const* __restrict p = polynomial(c, m, 0);
      double* __restrict next = polynomial(c, m + 1, 0);
      double const half = 0.5 * m;
#pragma GCC ivdep
      for (size_t k = 0; k < count; ++k) next[k] = std::fma(y[k], p[k], -half * lower[k]);
    }
    for (int o = 1; o <= order; ++o)
      for (int m = 2; m < n; ++m) {
        double const* __restrict lower = polynomial(c, m - 1, o - 1);
        double* __restrict slope = polynomial(c, m, o);
#pragma GCC ivdep
        for (size_t k = 0; k < count; ++k) slope[k] = m * lower[k];
      }
  }
}

bool OrbitalTable::derivative(size_t j, std::array<int, 3> const& order, size_t count, double* __restrict result) const {
  Quanta const& m = orbitals_.quanta[j];
  for (size_t c = 0; c < orbitals_.dimensions; ++c)
    if (m[c] < order[c]) {
      std::fill_n(result, count, 0.0);
      return false;
    }
  std::copy_n(polynomial(0, m[0], order[0]), count, result);
  for (size_t c = 1; c < orbitals_.dimensions; ++c) {
    double const* __restrict p = polynomial(c, m[c], order[c]);
#pragma GCC ivdep
    for (size_t k = 0; k < count; ++k) result[k] *= p[k];
  }
  return true;
}

void OrbitalTable::row(size_t count, double* result) const {
  for (size_t j = 0; j < orbitals_.size(); ++j) derivative(j, {}, count, result + j * tile_walkers);
}

}  // namespace fermiac::vmc
