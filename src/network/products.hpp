/// Products of matrices in a fixed order, for the small sizes of networks.
#pragma once

#include <cstddef>

namespace fermiac::network {

/// Columns of B and C come in whole multiples of this, and rows of B and C start at such multiples of 64 bytes.
inline constexpr std::size_t column_unit = 8;

/// A matrix in memory: entry (i, j) at data[i * row + j * column].
struct Entries {
  double const* data;
  std::size_t row;
  std::size_t column;
};

/// C = A B, rows x columns, C[i][j] = fma(A[i][p-1], B[p-1][j], ... fma(A[i][0], B[0][j], 0)): one chain in the order of the
/// inner index, so that the bits depend on neither the width of vectors, nor the number of rows or columns.
///
/// B (inner x columns) and C have rows of contiguous entries, `b_stride` and `c_stride` doubles apart, and do not overlap.
/// columns is a multiple of `column_unit`. Reaches the peak of fused multiply-adds where A has eight rows or more, B 24
/// columns.
void multiply(Entries A, double const* B, std::size_t b_stride, double* C, std::size_t c_stride, std::size_t rows,
              std::size_t inner, std::size_t columns);

/// to[j * to_stride + i] = from[i * from_stride + j] for i < rows, j < columns.
void transpose(double const* from, std::size_t from_stride, double* to, std::size_t to_stride, std::size_t rows,
               std::size_t columns);

}  // namespace fermiac::network
