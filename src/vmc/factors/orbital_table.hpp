/// Orbitals and their derivatives at a tile of positions.
#pragma once

#include <cstddef>

#include "elimination.hpp"
#include "fermiac/vmc/columns.hpp"
#include "fermiac/vmc/factors/orbitals.hpp"

namespace fermiac::vmc {

/// The polynomials p_m(sqrt(omega_c) x_c) by direction and their derivatives in y = sqrt(omega_c) x_c, of up to `tile_walkers`
/// positions at a time; products of them as asked for. Values of one walker do not depend on how many there are.
class OrbitalTable {
 public:
  explicit OrbitalTable(Orbitals const& orbitals);

  Orbitals const& orbitals() const noexcept { return orbitals_; }
  double scale(std::size_t c) const noexcept { return scale_[c]; }  ///< sqrt(omega_c)

  /// Polynomials at `r`, one array of positions a direction, with derivatives up to `order`, 0 to 2.
  void set(double const* const* r, std::size_t count, int order);

  /// Writes the derivative of orbital j, order[c] times in y_c, of each position; 0 where it vanishes. Returns whether it does
  /// not.
  bool derivative(std::size_t j, std::array<int, 3> const& order, std::size_t count, double* result) const;
  /// Writes all orbitals: j to result + j tile_walkers.
  void row(std::size_t count, double* result) const;

 private:
  double const* polynomial(std::size_t c, int m, int order) const {
    return table_.column((static_cast<std::size_t>(order) * orbitals_.dimensions + c) * n_powers_ +
                         static_cast<std::size_t>(m));
  }
  double* polynomial(std::size_t c, int m, int order) {
    return table_.column((static_cast<std::size_t>(order) * orbitals_.dimensions + c) * n_powers_ +
                         static_cast<std::size_t>(m));
  }

  Orbitals orbitals_;
  double scale_[3] = {};
  std::size_t n_powers_;  ///< highest quantum number + 1
  Columns table_;         ///< tile_walkers x n_powers D 3
};

}  // namespace fermiac::vmc
