/// The determinant of orbitals of one spin, for all walkers of a pack, kept by rank-one updates.
#pragma once

#include <cstddef>
#include <memory>

#include "elimination.hpp"
#include "fermiac/vmc/columns.hpp"
#include "fermiac/vmc/factors/orbitals.hpp"
#include "orbital_table.hpp"

namespace fermiac::vmc {

/// D = det A, A(i, j) = phi_j(r_i), i a particle of this spin; B = A^-1 is remembered. With particle i alone moved,
///
///     D'/D = sum_j phi_j(r_i') B(j, i) = R,                 grad_i ln |D| = sum_j grad phi_j(r_i) B(j, i),
///     B'(j, i) = B(j, i) / R,    B'(j, l) = B(j, l) - B(j, i) / R sum_m phi_m(r_i') B(m, l)   for l != i
///
/// (Sherman and Morrison). Walkers are stored in tiles of `tile_walkers`, one column after the other, whatever the pack's size.
class Determinant {
 public:
  /// @param orbitals  one for each particle, 2 and up
  /// @param first     number of the first particle among all
  /// @param compiled  whether common shells have code of their own, of the same bits; false to compare with it
  static std::unique_ptr<Determinant> make(Orbitals const& orbitals, std::size_t first, std::size_t n_walkers,
                                           bool compiled = true);
  Determinant(Orbitals const& orbitals, std::size_t first, std::size_t n_walkers);
  virtual ~Determinant() = default;

  std::size_t first() const noexcept { return first_; }
  std::size_t size() const noexcept { return n_; }

  /// B anew. Where known[k] > 0 it is compared with what updates left: raises `error` to the largest |difference| over the
  /// largest |element| of one walker.
  void refresh(Columns const& x, double const* known, double& error);

  /// Multiplies `numerator` by R^2 and remembers R and phi(r_i').
  virtual void propose(std::size_t i, Columns const& to, double* numerator) = 0;
  /// B' where taken[k] > 0.
  virtual void take(std::size_t i, double const* taken) = 0;
  /// Adds v = grad_i ln |D|, of X' where `proposed`, to the D columns at `drift`, and 2 sum_c omega_c x_c v_c - v^2 to
  /// `laplacian` where it is given. Summed over i, the latter is del^2 ln |D| + 2 Orbitals::excitation().
  virtual void add_gradient(std::size_t i, double const* const* r, bool proposed, double* const* drift, double* laplacian) = 0;

  /// Adds ln |D| and multiplies by the sign of D, from the coordinates.
  void add_log(Columns const& x, double* log_psi, double* sign);

 protected:
  double* B(std::size_t tile, std::size_t i) { return inverse_.column((tile * n_ + i) * n_); }
  double* phi(std::size_t tile) { return phi_.column(tile * n_); }
  double* ratio(std::size_t tile) { return ratio_.column(tile); }

  void fill(Columns const& x, std::size_t first_walker, std::size_t count);

  OrbitalTable table_;
  std::size_t first_;
  std::size_t n_;
  std::size_t n_walkers_;
  std::size_t n_tiles_;

 private:
  Columns inverse_;  ///< tile_walkers x n n tiles: B(j, i) in column (tile n + i) n + j
  Columns phi_;      ///< tile_walkers x n tiles
  Columns ratio_;    ///< tile_walkers x tiles
  Elimination elimination_;
};

}  // namespace fermiac::vmc
