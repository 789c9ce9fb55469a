/// Small symmetric matrices of the replicates of a pack, side by side: kernels with the replicates innermost.
///
/// Every kernel does the same fixed sequence of IEEE operations in each replicate, so that a replicate's numbers do not depend
/// on its pack. A replicate whose matrix is not what a kernel asks for gets NaN and disturbs no other.
#pragma once

#include <armadillo>
#include <cstddef>
#include <cstdint>
#include <span>

#include "fermiac/base/context.hpp"
#include "fermiac/rng/stream.hpp"

namespace fermiac::estimators {

/// One symmetric or lower triangular n x n matrix a replicate; only elements (i, j) with i >= j exist. Zero at first.
class PackMatrices {
 public:
  PackMatrices(std::uint64_t n_replicates, std::size_t n) : n_(n), elements_(n_replicates, n * (n + 1) / 2) {}

  std::uint64_t n_replicates() const noexcept { return elements_.n_rows; }
  std::size_t n() const noexcept { return n_; }

  /// Element (i, j), i >= j, of all replicates.
  std::span<double> at(std::size_t i, std::size_t j) { return {elements_.colptr(place(i, j)), elements_.n_rows}; }
  std::span<double const> at(std::size_t i, std::size_t j) const { return {elements_.colptr(place(i, j)), elements_.n_rows}; }
  /// The same for i and j in either order.
  std::span<double> symmetric(std::size_t i, std::size_t j) { return i < j ? at(j, i) : at(i, j); }

 private:
  static arma::uword place(std::size_t i, std::size_t j) { return i * (i + 1) / 2 + j; }

  std::size_t n_;
  arma::mat elements_;
};

/// A = L L': L in place of A. NaN from the first pivot that is not positive on. n^3 / 6 operations.
void cholesky(PackMatrices& A);

/// L^-1 in place of the lower triangular L. n^3 / 6 operations.
void invert_triangle(PackMatrices& L);

/// Eigenvalues of A, in no order, in place of its diagonal: cyclic Jacobi rotations, in 6 + log2 n sweeps for everybody. In
/// all, some 4 n^3 operations a sweep; errors of a few 1e-16 of the largest eigenvalue.
///
/// G. H. Golub, C. F. Van Loan, Matrix Computations, 4th ed. (2013), section 8.5.
void diagonalise(PackMatrices& A);

/// Sample mean and scatter of `n_vectors` vectors of standard normals z, drawn one after another from each row's stream:
/// `mean` (replicates x n) = sum z / N, `W` = sum (z - mean)(z - mean)', which is Wishart with N - 1 degrees of freedom.
/// Replaces what both held.
void draw_scatter(rng::PackStream& stream, std::uint64_t n_vectors, arma::mat& mean, PackMatrices& W, Context& context);

}  // namespace fermiac::estimators
