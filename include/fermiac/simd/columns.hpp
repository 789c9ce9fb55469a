/// A matrix whose columns start at cache lines: walkers or samples down the rows, one quantity per column.
#pragma once

#include <algorithm>
#include <armadillo>
#include <cstddef>
#include <vector>

namespace fermiac::simd {

/// `n_rows` x `n_columns` doubles, zero at first; each column contiguous and aligned to 64 bytes, which Armadillo's own memory
/// is not. The rows up to the next multiple of 8 exist and are never meant.
class Columns {
 public:
  Columns() = default;
  Columns(arma::uword n_rows, arma::uword n_columns)
      : n_rows_(n_rows), n_columns_(n_columns), lines_((n_rows + 7) / 8), storage_(lines_ * n_columns) {}

  arma::uword n_rows() const noexcept { return n_rows_; }
  arma::uword n_columns() const noexcept { return n_columns_; }
  arma::uword stride() const noexcept { return 8 * lines_; }  ///< from a column to the next, in doubles

  double* column(arma::uword j) noexcept { return data() + j * stride(); }
  double const* column(arma::uword j) const noexcept { return data() + j * stride(); }
  double* data() noexcept { return reinterpret_cast<double*>(storage_.data()); }
  double const* data() const noexcept { return reinterpret_cast<double const*>(storage_.data()); }

  /// A copy of the rows that are meant.
  arma::mat matrix() const {
    arma::mat result(n_rows_, n_columns_);
    if (n_rows_ == 0) return result;  // without memory there are no columns to point to
    for (arma::uword j = 0; j < n_columns_; ++j) std::copy_n(column(j), n_rows_, result.colptr(j));
    return result;
  }

  /// Overwrites them.
  void assign(arma::mat const& values) {
    if (n_rows_ == 0) return;
    for (arma::uword j = 0; j < n_columns_; ++j) std::copy_n(values.colptr(j), n_rows_, column(j));
  }

  void zero() { std::fill_n(data(), stride() * n_columns_, 0.0); }

 private:
  struct alignas(64) Line {
    double values[8] = {};
  };
  arma::uword n_rows_ = 0;
  arma::uword n_columns_ = 0;
  std::size_t lines_ = 0;
  std::vector<Line> storage_;
};

}  // namespace fermiac::simd
