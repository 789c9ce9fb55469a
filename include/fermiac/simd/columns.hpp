/// A matrix whose columns start at cache lines: walkers or samples down the rows, one quantity per column.
#pragma once

#include <algorithm>
#include <armadillo>
#include <cstddef>
#include <memory>

#include "fermiac/base/error.hpp"

namespace fermiac::simd {

/// `n_rows` x `n_columns` doubles, zero at first; each column contiguous and aligned to 64 bytes, which Armadillo's own memory
/// is not. The rows up to the next multiple of 8 exist and are never meant.
class Columns {
 public:
  Columns() = default;
  Columns(arma::uword n_rows, arma::uword n_columns)
      : n_rows_(n_rows),
        n_columns_(n_columns),
        stride_(n_padded()),
        lines_(new Line[stride_ / 8 * n_columns]),
        data_(reinterpret_cast<double*>(lines_.get())) {}

  /// A copy has memory of its own.
  Columns(Columns const& other) : Columns(other.n_rows_, other.n_columns_) {
    for (arma::uword j = 0; j < n_columns_; ++j) std::copy_n(other.column(j), n_padded(), column(j));
  }
  Columns& operator=(Columns const& other) { return *this = Columns(other); }
  Columns(Columns&&) noexcept = default;
  Columns& operator=(Columns&&) noexcept = default;

  /// Rows `first` and on, both numbers multiples of 8: the same memory, which lives as long as either.
  Columns window(arma::uword first, arma::uword n_rows) {
    FERMIAC_ASSERT(first % 8 == 0 && n_rows % 8 == 0 && first + n_rows <= n_rows_);
    Columns part;
    part.n_rows_ = n_rows;
    part.n_columns_ = n_columns_;
    part.stride_ = stride_;
    part.lines_ = lines_;
    part.data_ = data_ + first;
    return part;
  }

  arma::uword n_rows() const noexcept { return n_rows_; }
  arma::uword n_columns() const noexcept { return n_columns_; }
  arma::uword stride() const noexcept { return stride_; }  ///< from a column to the next, in doubles

  double* column(arma::uword j) noexcept { return data() + j * stride(); }
  double const* column(arma::uword j) const noexcept { return data() + j * stride(); }
  double* data() noexcept { return data_; }
  double const* data() const noexcept { return data_; }

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

  void zero() {
    for (arma::uword j = 0; j < n_columns_; ++j) std::fill_n(column(j), n_padded(), 0.0);
  }

 private:
  struct alignas(64) Line {
    double values[8] = {};
  };
  arma::uword n_padded() const noexcept { return (n_rows_ + 7) / 8 * 8; }

  arma::uword n_rows_ = 0;
  arma::uword n_columns_ = 0;
  arma::uword stride_ = 0;
  std::shared_ptr<Line[]> lines_;
  double* data_ = nullptr;
};

}  // namespace fermiac::simd
