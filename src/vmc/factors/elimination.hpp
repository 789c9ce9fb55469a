/// Determinants and inverses of a tile of small matrices, one of each walker, by Gaussian elimination.
#pragma once

#include <cstddef>

#include "fermiac/vmc/columns.hpp"

namespace fermiac::vmc {

/// Walkers whose matrices are eliminated together: a column of them is four cache lines.
inline constexpr std::size_t tile_walkers = 32;

/// n x n matrices, element by element contiguous over walkers. Rows are exchanged in pairs, each walker by itself and without
/// a branch: where the element below is larger than the pivot, the two rows change places before the lower one is reduced, so
/// that no multiplier exceeds 1.
///
/// Sorensen, IEEE Trans. Comput. C-34, 274 (1985) (pairwise pivoting).
class Elimination {
 public:
  explicit Elimination(std::size_t n)
      : n_(n), matrix_(tile_walkers, n * n), inverse_(tile_walkers, n * n), sign_(tile_walkers, 1) {}

  /// Element (row, column), `tile_walkers` of them, to be filled; overwritten by what follows.
  double* element(std::size_t row, std::size_t column) { return matrix_.column(row * n_ + column); }

  /// Makes the matrices of the first `count` walkers triangular.
  void reduce(std::size_t count);
  /// The same, and computes the inverses. Singular matrices have inverses that are not finite.
  void invert(std::size_t count);

  /// Element (row, column) of the inverses.
  double const* inverse(std::size_t row, std::size_t column) const { return inverse_.column(column * n_ + row); }

  /// After either: the pivots, whose product times `sign` is the determinant.
  double const* pivot(std::size_t i) const { return matrix_.column(i * n_ + i); }
  double const* sign() const { return sign_.column(0); }

 private:
  template <bool with_inverse, class Count>
  void reduce_tile(Count count);
  template <class Count>
  void substitute(Count count);
  double* image(std::size_t row, std::size_t column) { return inverse_.column(column * n_ + row); }

  std::size_t n_;
  Columns matrix_;
  Columns inverse_;  ///< by columns
  Columns sign_;
};

}  // namespace fermiac::vmc
