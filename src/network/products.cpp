#include "products.hpp"

#include <cmath>

#define FERMIAC_UNROLL _Pragma("GCC unroll 32")

namespace fermiac::network {
namespace {

using std::size_t;

/// R rows and N columns of C, whose sums stay in registers; compiled by itself, for GCC then keeps them there.
template <size_t R, size_t N>
[[gnu::noinline]] void tile(Entries A, double const* __restrict B, size_t b_stride, double* __restrict C, size_t c_stride,
                            size_t inner) {
  double sums[R][N];
  FERMIAC_UNROLL
  for (size_t r = 0; r < R; ++r) {
    FERMIAC_UNROLL
    for (size_t l = 0; l < N; ++l) sums[r][l] = 0;
  }
  for (size_t k = 0; k < inner; ++k) {
    FERMIAC_UNROLL
    for (size_t r = 0; r < R; ++r) {
      double const a = A.data[r * A.row + k * A.column];
      FERMIAC_UNROLL
      for (size_t l = 0; l < N; ++l) sums[r][l] = std::fma(a, B[k * b_stride + l], sums[r][l]);
    }
  }
  FERMIAC_UNROLL
  for (size_t r = 0; r < R; ++r) {
    FERMIAC_UNROLL
    for (size_t l = 0; l < N; ++l) C[r * c_stride + l] = sums[r][l];
  }
}

template <size_t N>
void strip(Entries A, double const* B, size_t b_stride, double* C, size_t c_stride, size_t rows, size_t inner) {
  size_t i = 0;
  auto const at = [&](size_t row) { return Entries{A.data + row * A.row, A.row, A.column}; };
  for (; i + 8 <= rows; i += 8) tile<8, N>(at(i), B, b_stride, C + i * c_stride, c_stride, inner);
  if (i + 4 <= rows) {
    tile<4, N>(at(i), B, b_stride, C + i * c_stride, c_stride, inner);
    i += 4;
  }
  if (i + 2 <= rows) {
    tile<2, N>(at(i), B, b_stride, C + i * c_stride, c_stride, inner);
    i += 2;
  }
  if (i < rows) tile<1, N>(at(i), B, b_stride, C + i * c_stride, c_stride, inner);
}

}  // namespace

void multiply(Entries A, double const* B, size_t b_stride, double* C, size_t c_stride, size_t rows, size_t inner,
              size_t columns) {
  size_t j = 0;
  for (; j + 24 <= columns; j += 24) strip<24>(A, B + j, b_stride, C + j, c_stride, rows, inner);
  if (j + 16 <= columns) {
    strip<16>(A, B + j, b_stride, C + j, c_stride, rows, inner);
    j += 16;
  }
  if (j < columns) strip<8>(A, B + j, b_stride, C + j, c_stride, rows, inner);
}

void transpose(double const* from, size_t from_stride, double* to, size_t to_stride, size_t rows, size_t columns) {
  // Eight rows at a time: what is written then fills cache lines.
  for (size_t first = 0; first < rows; first += 8) {
    size_t const n = rows - first < 8 ? rows - first : 8;
    for (size_t j = 0; j < columns; ++j)
      for (size_t i = 0; i < n; ++i) to[j * to_stride + first + i] = from[(first + i) * from_stride + j];
  }
}

}  // namespace fermiac::network
