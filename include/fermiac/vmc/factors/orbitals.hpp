/// Orbitals of the harmonic trap without their Gaussian, in the order of their energy.
///
///     phi_j(r) = prod_c p_{m_c}(sqrt(omega_c) x_c),     energy sum_c omega_c (m_c + 1/2),     m = quanta[j]
///
/// p_m is the Hermite polynomial of leading coefficient 1, H_m / 2^m:
///
///     p_0 = 1,  p_1 = y,  p_{m+1} = y p_m - (m/2) p_{m-1},     p_m' = m p_{m-1},     p_m'' = 2 y p_m' - 2 m p_m.
///
/// **The width of the polynomials is of no consequence.** With every orbital its lower ones are there too: those of m_c - 2,
/// ... have less energy. So rows of a determinant of N of them can be combined to those of plain powers, the determinant at
/// another width, y -> sqrt(alpha) y, is alpha^(sum of all quanta / 2) times the same determinant, and its nodes are where they
/// were.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "fermiac/vmc/system.hpp"

namespace fermiac::vmc {

/// Quantum numbers of an orbital by direction, 0 beyond the last.
using Quanta = std::array<int, 3>;

struct Orbitals {
  std::size_t dimensions = 0;
  std::array<double, 3> frequency = {};  ///< omega_c
  std::vector<Quanta> quanta;            ///< an orbital each

  std::size_t size() const noexcept { return quanta.size(); }
  int highest() const noexcept;        ///< largest quantum number, 0 where there is no orbital
  double excitation() const noexcept;  ///< sum over orbitals and directions of omega_c m_c
};

/// The `n` orbitals of least energy, also where the trap has two wells: those of the harmonic trap about its middle. Of
/// orbitals of one energy (to 1e-9 omega) those with more quanta along x come first, then along y: in two dimensions 1, x, y,
/// x^2, xy, y^2, ...
Orbitals lowest_orbitals(System const& system, std::size_t n);

}  // namespace fermiac::vmc
