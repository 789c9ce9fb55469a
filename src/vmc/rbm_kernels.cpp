#include "rbm_kernels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

#include "fermiac/simd/functions.hpp"
#include "fermiac/vmc/rbm_pack.hpp"

// Loops over walkers are innermost and over full tiles of a constant size where there is one, so that GCC makes straight vector
// code of them. The walkers' columns never overlap.
#define FERMIAC_VECTORISE _Pragma("GCC ivdep")
#define FERMIAC_UNROLL _Pragma("GCC unroll 16")

namespace fermiac::vmc::kernels {
namespace {

using std::size_t;
using FullTile = std::integral_constant<size_t, tile_size>;

/// Calls body(first walker, number of walkers) for each tile, the number a constant for full ones.
template <class Body>
[[gnu::always_inline]] inline void for_each_tile(size_t n, Body const& body) {
  size_t first = 0;
  for (; first + tile_size <= n; first += tile_size) body(first, FullTile{});
  if (first < n) body(first, n - first);
}

/// (word + 1/2) 2^-32 - 1/2, times 2^32: exact. A signed conversion, for there is no unsigned one below AVX-512.
[[gnu::always_inline]] inline double centred(std::uint32_t word) {
  return static_cast<double>(std::bit_cast<std::int32_t>(word ^ 0x80000000U)) + 0.5;
}

/// Columns of the scratch, `tile_size` doubles each.
struct Scratch {
  Scratch(Machine const& machine, double* memory)
      : M(machine.particles * machine.dimensions), H(machine.hidden), data(memory) {}
  double* probability(size_t j) const { return data + j * tile_size; }
  double* slope(size_t j) const { return data + (H + j) * tile_size; }
  double* drift(size_t i) const { return data + (2 * H + i) * tile_size; }
  double* pair_gradient(size_t i) const { return data + (2 * H + M + i) * tile_size; }
  double* energy_x(size_t i) const { return data + (2 * H + 2 * M + i) * tile_size; }
  double* sigma_feature() const { return data + (2 * H + 3 * M) * tile_size; }
  double* feature(size_t k) const { return data + (2 * H + 3 * M + 1 + k) * tile_size; }

  size_t M;
  size_t H;
  double* data;
};

// ------------------------------------------------------------------------------------------------------------------- moves
/// Everything of one walker in registers: for few hidden units.
template <size_t D, size_t H>
std::uint64_t move_fused(Machine const& machine, Walkers const& walkers, size_t particle, double step,
                         std::uint32_t const* const words[4]) {
  size_t const stride = walkers.stride;
  double* __restrict x = walkers.x + particle * D * stride;
  double* __restrict theta = walkers.theta;
  double* __restrict e = walkers.e;
  double* __restrict size = walkers.size;
  double* __restrict P = walkers.P;
  std::uint32_t const* __restrict word[3] = {words[0], words[1], words[2]};
  std::uint32_t const* __restrict last_word = words[3];
  double a[D];
  double V[D][H];
  double V_sum[D];
  for (size_t c = 0; c < D; ++c) {
    a[c] = machine.a[particle * D + c];
    V_sum[c] = machine.V_sum[particle * D + c];
    for (size_t j = 0; j < H; ++j) V[c][j] = machine.V[(particle * D + c) * H + j];
  }
  double const scale = step * 0x1p-32;
  double const width = machine.inverse_sigma_squared;
  double const s = machine.s;
  bool const squared = machine.s == 1;

  std::uint64_t accepted = 0;
  size_t const n = walkers.n;
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    double shift[D];
    double gain = 0;
    FERMIAC_UNROLL
    for (size_t c = 0; c < D; ++c) {
      shift[c] = centred(word[c][k]) * scale;
      double const slope = std::fma(-width, std::fma(2.0, x[c * stride + k] - a[c], shift[c]), V_sum[c]);
      gain = std::fma(shift[c], slope, gain);
    }
    double new_theta[H];
    double new_e[H];
    double new_size = 0;
    double new_P = 1;
    FERMIAC_UNROLL
    for (size_t j = 0; j < H; ++j) {
      double t = theta[j * stride + k];
      FERMIAC_UNROLL
      for (size_t c = 0; c < D; ++c) t = std::fma(V[c][j], shift[c], t);
      new_theta[j] = t;
      new_e[j] = simd::exp_decay(t);
      new_size += std::fabs(t);
      new_P = std::fma(new_P, new_e[j], new_P);
    }
    double const ratio = simd::exp_held(s * (gain + (new_size - size[k])));
    double const u = std::fma(centred(last_word[k]), 0x1p-32, 0.5);
    double const old_weight = squared ? P[k] * P[k] : P[k];
    double const new_weight = squared ? new_P * new_P : new_P;
    bool const take = u * old_weight < new_weight * ratio;
    size[k] = take ? new_size : size[k];
    P[k] = take ? new_P : P[k];
    FERMIAC_UNROLL
    for (size_t c = 0; c < D; ++c) x[c * stride + k] = take ? x[c * stride + k] + shift[c] : x[c * stride + k];
    FERMIAC_UNROLL
    for (size_t j = 0; j < H; ++j) {
      theta[j * stride + k] = take ? new_theta[j] : theta[j * stride + k];
      e[j * stride + k] = take ? new_e[j] : e[j * stride + k];
    }
    accepted += take ? 1 : 0;
  }
  return accepted;
}

/// theta' = theta + V . shift and e' of R hidden units from `j` on, a factor of P' and a term of the new size for each.
template <size_t R, size_t D, class Count>
[[gnu::always_inline]] inline void propose_units(Machine const& machine, Walkers const& walkers, Scratch const& scratch,
                                                 size_t particle, size_t j, size_t first, Count count,
                                                 double const (&shift)[D][tile_size], double* __restrict new_size,
                                                 double* __restrict new_P) {
  size_t const n = count;
  size_t const stride = walkers.stride;
  double const* __restrict theta = walkers.theta + j * stride + first;
  double* __restrict new_theta = scratch.probability(j);
  double* __restrict new_e = scratch.slope(j);
  double V[R][D];
  for (size_t r = 0; r < R; ++r)
    for (size_t c = 0; c < D; ++c) V[r][c] = machine.V[(particle * D + c) * machine.hidden + j + r];
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    double size = new_size[k];
    double P = new_P[k];
    FERMIAC_UNROLL
    for (size_t r = 0; r < R; ++r) {
      double t = theta[r * stride + k];
      FERMIAC_UNROLL
      for (size_t c = 0; c < D; ++c) t = std::fma(V[r][c], shift[c][k], t);
      double const e = simd::exp_decay(t);
      new_theta[r * tile_size + k] = t;
      new_e[r * tile_size + k] = e;
      size += std::fabs(t);
      P = std::fma(P, e, P);
    }
    new_size[k] = size;
    new_P[k] = P;
  }
}

/// The new values of R hidden units where they are taken.
template <size_t R, class Count>
[[gnu::always_inline]] inline void take_units(Walkers const& walkers, Scratch const& scratch, size_t j, size_t first,
                                              Count count, double const* __restrict taken) {
  size_t const n = count;
  size_t const stride = walkers.stride;
  double* __restrict theta = walkers.theta + j * stride + first;
  double* __restrict e = walkers.e + j * stride + first;
  double const* __restrict new_theta = scratch.probability(j);
  double const* __restrict new_e = scratch.slope(j);
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    bool const take = taken[k] > 0;
    FERMIAC_UNROLL
    for (size_t r = 0; r < R; ++r) {
      theta[r * stride + k] = take ? new_theta[r * tile_size + k] : theta[r * stride + k];
      e[r * stride + k] = take ? new_e[r * tile_size + k] : e[r * stride + k];
    }
  }
}

/// In steps, two hidden units at a time: for any number of them.
template <size_t D, class Count>
std::uint64_t move_tile(Machine const& machine, Walkers const& walkers, size_t particle, double step,
                        std::uint32_t const* const words[4], size_t first, Count count) {
  size_t const n = count;
  size_t const stride = walkers.stride;
  size_t const H = machine.hidden;
  Scratch const scratch(machine, walkers.scratch);
  alignas(64) double shift[D][tile_size];
  alignas(64) double gain[tile_size];
  alignas(64) double new_size[tile_size];
  alignas(64) double new_P[tile_size];
  alignas(64) double taken[tile_size];
  double* x = walkers.x + particle * D * stride + first;
  double* size = walkers.size + first;
  double* P = walkers.P + first;

  double const width = machine.inverse_sigma_squared;
  double const scale = step * 0x1p-32;
  for (size_t k = 0; k < n; ++k) {
    gain[k] = 0;
    new_size[k] = 0;
    new_P[k] = 1;
  }
  for (size_t c = 0; c < D; ++c) {
    std::uint32_t const* word = words[c] + first;
    double const a = machine.a[particle * D + c];
    double const V_sum = machine.V_sum[particle * D + c];
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n; ++k) {
      shift[c][k] = centred(word[k]) * scale;
      double const slope = std::fma(-width, std::fma(2.0, x[c * stride + k] - a, shift[c][k]), V_sum);
      gain[k] = std::fma(shift[c][k], slope, gain[k]);
    }
  }
  for (size_t j = 0; j < H;) {
    if (j > 0 && j % group_size == 0)
      for (size_t k = 0; k < n; ++k) {
        new_size[k] += 2 * simd::log(new_P[k]);
        new_P[k] = 1;
      }
    if (j + 2 <= H) {
      propose_units<2>(machine, walkers, scratch, particle, j, first, count, shift, new_size, new_P);
      j += 2;
    } else {
      propose_units<1>(machine, walkers, scratch, particle, j, first, count, shift, new_size, new_P);
      ++j;
    }
  }
  double const s = machine.s;
  bool const squared = s == 1;
  std::uint32_t const* last_word = words[3] + first;
  std::uint64_t accepted = 0;
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    double const ratio = simd::exp_held(s * (gain[k] + (new_size[k] - size[k])));
    double const u = std::fma(centred(last_word[k]), 0x1p-32, 0.5);
    double const old_weight = squared ? P[k] * P[k] : P[k];
    double const new_weight = squared ? new_P[k] * new_P[k] : new_P[k];
    bool const take = u * old_weight < new_weight * ratio;
    taken[k] = take ? 1.0 : 0.0;
    size[k] = take ? new_size[k] : size[k];
    P[k] = take ? new_P[k] : P[k];
    accepted += take ? 1 : 0;
  }
  for (size_t c = 0; c < D; ++c) {
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n; ++k) x[c * stride + k] = taken[k] > 0 ? x[c * stride + k] + shift[c][k] : x[c * stride + k];
  }
  size_t j = 0;
  for (; j + 2 <= H; j += 2) take_units<2>(walkers, scratch, j, first, count, taken);
  for (; j < H; ++j) take_units<1>(walkers, scratch, j, first, count, taken);
  return accepted;
}

template <size_t D>
std::uint64_t move_any(Machine const& machine, Walkers const& walkers, size_t particle, double step,
                       std::uint32_t const* const words[4]) {
  std::uint64_t accepted = 0;
  for_each_tile(walkers.n,
                [&](size_t first, auto n) { accepted += move_tile<D>(machine, walkers, particle, step, words, first, n); });
  return accepted;
}

// ---------------------------------------------------------------------------------------------------- slope of ln Psi
/// p = 1 / (1 + exp(-theta)) and p (1 - p) of R hidden units from `j` on, added to the Laplacian. One division for all of them:
/// they are the dearest part of a local energy otherwise.
template <size_t R, class Count>
[[gnu::always_inline]] inline void probabilities(Machine const& machine, Walkers const& walkers, Scratch const& scratch,
                                                 size_t j, size_t first, Count count, double* __restrict laplacian) {
  static_assert(R == 1 || R == 2 || R == 4);
  size_t const n = count;
  size_t const stride = walkers.stride;
  double const* __restrict theta = walkers.theta + j * stride + first;
  double const* __restrict e = walkers.e + j * stride + first;
  double* __restrict probability = scratch.probability(j);
  double* __restrict slope = scratch.slope(j);
  double V_square[R];
  for (size_t r = 0; r < R; ++r) V_square[r] = machine.V_square[j + r];
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    double inverse[R];
    if constexpr (R == 1) {
      inverse[0] = 1.0 / (1.0 + e[k]);
    } else {
      double pair[R / 2];
      FERMIAC_UNROLL
      for (size_t r = 0; r < R / 2; ++r) pair[r] = (1.0 + e[2 * r * stride + k]) * (1.0 + e[(2 * r + 1) * stride + k]);
      double inverse_pair[R / 2];
      if constexpr (R == 2) {
        inverse_pair[0] = 1.0 / pair[0];
      } else {
        double const inverse_all = 1.0 / (pair[0] * pair[1]);
        inverse_pair[0] = inverse_all * pair[1];
        inverse_pair[1] = inverse_all * pair[0];
      }
      FERMIAC_UNROLL
      for (size_t r = 0; r < R / 2; ++r) {
        inverse[2 * r] = inverse_pair[r] * (1.0 + e[(2 * r + 1) * stride + k]);
        inverse[2 * r + 1] = inverse_pair[r] * (1.0 + e[2 * r * stride + k]);
      }
    }
    double sum = laplacian[k];
    FERMIAC_UNROLL
    for (size_t r = 0; r < R; ++r) {
      double const other = e[r * stride + k] * inverse[r];
      probability[r * tile_size + k] = theta[r * stride + k] > 0 ? inverse[r] : other;
      double const product = other * inverse[r];
      slope[r * tile_size + k] = product;
      sum = std::fma(V_square[r], product, sum);
    }
    laplacian[k] = sum;
  }
}

/// p_j = 1 / (1 + exp(-theta_j)), p_j (1 - p_j), drift and Laplacian of a tile.
template <size_t D, size_t H_fixed, class Count>
[[gnu::always_inline]] inline void slope_tile(Machine const& machine, Walkers const& walkers, Scratch const& scratch,
                                              size_t first, Count count, double* __restrict laplacian) {
  size_t const n = count;
  size_t const stride = walkers.stride;
  size_t const H = H_fixed > 0 ? H_fixed : machine.hidden;
  double const s = machine.s;
  double const width = machine.inverse_sigma_squared;
  double const constant = -static_cast<double>(machine.particles * D) * width;
  for (size_t k = 0; k < n; ++k) laplacian[k] = constant;
  size_t j = 0;
  for (; j + 4 <= H; j += 4) probabilities<4>(machine, walkers, scratch, j, first, count, laplacian);
  for (; j + 2 <= H; j += 2) probabilities<2>(machine, walkers, scratch, j, first, count, laplacian);
  for (; j < H; ++j) probabilities<1>(machine, walkers, scratch, j, first, count, laplacian);
  for (size_t k = 0; k < n; ++k) laplacian[k] *= s;

  for (size_t p = 0; p < machine.particles; ++p) {
    double const* __restrict x = walkers.x + p * D * stride + first;
    double* __restrict drift = scratch.drift(p * D);
    double const* a = machine.a + p * D;
    double const* V = machine.V + p * D * H;
    double const* __restrict probability = scratch.probability(0);
    if constexpr (H_fixed > 0) {
      FERMIAC_VECTORISE
      for (size_t k = 0; k < n; ++k) {
        double f[D];
        FERMIAC_UNROLL
        for (size_t c = 0; c < D; ++c) f[c] = (a[c] - x[c * stride + k]) * width;
        FERMIAC_UNROLL
        for (size_t h = 0; h < H_fixed; ++h) {
          FERMIAC_UNROLL
          for (size_t c = 0; c < D; ++c) f[c] = std::fma(V[c * H_fixed + h], probability[h * tile_size + k], f[c]);
        }
        FERMIAC_UNROLL
        for (size_t c = 0; c < D; ++c) drift[c * tile_size + k] = s * f[c];
      }
    } else {
      for (size_t c = 0; c < D; ++c) {
        for (size_t k = 0; k < n; ++k) drift[c * tile_size + k] = (a[c] - x[c * stride + k]) * width;
        for (size_t h = 0; h < H; ++h) {
          double const weight = V[c * H + h];
          FERMIAC_VECTORISE
          for (size_t k = 0; k < n; ++k)
            drift[c * tile_size + k] = std::fma(weight, probability[h * tile_size + k], drift[c * tile_size + k]);
        }
        for (size_t k = 0; k < n; ++k) drift[c * tile_size + k] *= s;
      }
    }
  }
}

template <size_t D, size_t H>
void slope_any(Machine const& machine, Walkers const& walkers, double* drift, size_t drift_stride, double* laplacian) {
  Scratch const scratch(machine, walkers.scratch);
  for_each_tile(walkers.n, [&](size_t first, auto n) {
    slope_tile<D, H>(machine, walkers, scratch, first, n, laplacian + first);
    for (size_t i = 0; i < scratch.M; ++i) std::copy_n(scratch.drift(i), size_t{n}, drift + i * drift_stride + first);
  });
}

// ------------------------------------------------------------------------------------------------------------- measurements
/// Adds rows[r] * b, walker by walker, to the lanes at sums[r]. Unrolled over lanes and compiled by itself, for GCC then keeps
/// the lanes in registers; R up to 4, for with more it does not.
template <size_t R, class Count>
[[gnu::noinline]] void add_products(double const* const (&rows)[R], double const* __restrict b, double* const (&sums)[R],
                                    Count count) {
  size_t const n = count;
  double const* row[R];
  for (size_t r = 0; r < R; ++r) row[r] = rows[r];
  double lanes[R][n_lanes];
  for (size_t r = 0; r < R; ++r)
    for (size_t l = 0; l < n_lanes; ++l) lanes[r][l] = sums[r][l];
  size_t k = 0;
  for (; k + n_lanes <= n; k += n_lanes) {
    FERMIAC_UNROLL
    for (size_t r = 0; r < R; ++r) {
      FERMIAC_UNROLL
      for (size_t l = 0; l < n_lanes; ++l) lanes[r][l] = std::fma(row[r][k + l], b[k + l], lanes[r][l]);
    }
  }
  if constexpr (!std::is_same_v<Count, FullTile>)
    for (; k < n; ++k)
      for (size_t r = 0; r < R; ++r) lanes[r][k % n_lanes] = std::fma(row[r][k], b[k], lanes[r][k % n_lanes]);
  for (size_t r = 0; r < R; ++r)
    for (size_t l = 0; l < n_lanes; ++l) sums[r][l] = lanes[r][l];
}

/// Adds rows[r] * b + other_rows[r] * c likewise.
template <size_t R, class Count>
[[gnu::noinline]] void add_products(double const* const (&rows)[R], double const* __restrict b,
                                    double const* const (&other_rows)[R], double const* __restrict c, double* const (&sums)[R],
                                    Count count) {
  size_t const n = count;
  double const* row[R];
  double const* other_row[R];
  for (size_t r = 0; r < R; ++r) {
    row[r] = rows[r];
    other_row[r] = other_rows[r];
  }
  double lanes[R][n_lanes];
  for (size_t r = 0; r < R; ++r)
    for (size_t l = 0; l < n_lanes; ++l) lanes[r][l] = sums[r][l];
  size_t k = 0;
  for (; k + n_lanes <= n; k += n_lanes) {
    FERMIAC_UNROLL
    for (size_t r = 0; r < R; ++r) {
      FERMIAC_UNROLL
      for (size_t l = 0; l < n_lanes; ++l)
        lanes[r][l] = std::fma(row[r][k + l], b[k + l], std::fma(other_row[r][k + l], c[k + l], lanes[r][l]));
    }
  }
  if constexpr (!std::is_same_v<Count, FullTile>)
    for (; k < n; ++k)
      for (size_t r = 0; r < R; ++r)
        lanes[r][k % n_lanes] = std::fma(row[r][k], b[k], std::fma(other_row[r][k], c[k], lanes[r][k % n_lanes]));
  for (size_t r = 0; r < R; ++r)
    for (size_t l = 0; l < n_lanes; ++l) sums[r][l] = lanes[r][l];
}

/// Adds rows[r] likewise.
template <size_t R, class Count>
[[gnu::noinline]] void add_values(double const* const (&rows)[R], double* const (&sums)[R], Count count) {
  size_t const n = count;
  double const* row[R];
  for (size_t r = 0; r < R; ++r) row[r] = rows[r];
  double lanes[R][n_lanes];
  for (size_t r = 0; r < R; ++r)
    for (size_t l = 0; l < n_lanes; ++l) lanes[r][l] = sums[r][l];
  size_t k = 0;
  for (; k + n_lanes <= n; k += n_lanes) {
    FERMIAC_UNROLL
    for (size_t r = 0; r < R; ++r) {
      FERMIAC_UNROLL
      for (size_t l = 0; l < n_lanes; ++l) lanes[r][l] += row[r][k + l];
    }
  }
  if constexpr (!std::is_same_v<Count, FullTile>)
    for (; k < n; ++k)
      for (size_t r = 0; r < R; ++r) lanes[r][k % n_lanes] += row[r][k];
  for (size_t r = 0; r < R; ++r)
    for (size_t l = 0; l < n_lanes; ++l) sums[r][l] = lanes[r][l];
}

/// Adds row(r) to sum(r) for r = 0 ... n_rows - 1, or row(r) * b, four rows at a time.
template <class Row, class Sum, class Count>
[[gnu::always_inline]] inline void add_all_values(size_t n_rows, Row const& row, Sum const& sum, Count count) {
  size_t r = 0;
  for (; r + 4 <= n_rows; r += 4)
    add_values<4>({row(r), row(r + 1), row(r + 2), row(r + 3)}, {sum(r), sum(r + 1), sum(r + 2), sum(r + 3)}, count);
  for (; r < n_rows; ++r) add_values<1>({row(r)}, {sum(r)}, count);
}
template <class Row, class Sum, class Count>
[[gnu::always_inline]] inline void add_all_products(size_t n_rows, Row const& row, double const* b, Sum const& sum,
                                                    Count count) {
  size_t r = 0;
  for (; r + 4 <= n_rows; r += 4)
    add_products<4>({row(r), row(r + 1), row(r + 2), row(r + 3)}, b, {sum(r), sum(r + 1), sum(r + 2), sum(r + 3)}, count);
  for (; r < n_rows; ++r) add_products<1>({row(r)}, b, {sum(r)}, count);
}

/// Columns of `DerivativeSums`.
struct SumColumns {
  double* data;
  size_t K;
  double* energy() const { return data; }
  double* feature(size_t k) const { return data + (1 + k) * n_lanes; }
  double* energy_feature(size_t k) const { return data + (1 + K + k) * n_lanes; }
  double* product(size_t k, size_t l) const { return data + (1 + 2 * K + k * (k + 1) / 2 + l) * n_lanes; }
};

/// Sums of x_i p_j and of E x_i p_j - 1/2 grad G . grad (x_i p_j) for R coordinates from `i` on.
template <size_t R, class Count>
[[gnu::always_inline]] inline void add_weights(Machine const& machine, Walkers const& walkers, Scratch const& scratch,
                                               SumColumns const& sums, size_t i, size_t j, size_t first, Count n) {
  double const* x[R];
  double const* energy_x[R];
  double* lanes[R];
  double* energy_lanes[R];
  for (size_t r = 0; r < R; ++r) {
    size_t const k = scratch.M + scratch.H + (i + r) + scratch.M * j;
    x[r] = walkers.x + (i + r) * walkers.stride + first;
    energy_x[r] = scratch.energy_x(i + r);
    lanes[r] = sums.feature(k);
    energy_lanes[r] = sums.energy_feature(k);
  }
  add_products<R>(x, scratch.probability(j), lanes, n);
  if (machine.control)
    add_products<R>(energy_x, scratch.probability(j), x, scratch.slope(j), energy_lanes, n);
  else
    add_products<R>(energy_x, scratch.probability(j), energy_lanes, n);
}

/// grad G . grad theta_j, two particles at a time.
template <size_t D, class Count>
[[gnu::always_inline]] inline void directional_slope(Machine const& machine, Scratch const& scratch, size_t j, Count count,
                                                     double* __restrict product) {
  size_t const n = count;
  for (size_t i = 0; i < scratch.M; i += 2 * D) {
    bool const first = i == 0;
    bool const second = i + D < scratch.M;
    double weight[2 * D];
    FERMIAC_UNROLL
    for (size_t c = 0; c < 2 * D; ++c) weight[c] = c < D || second ? machine.V[(i + c) * machine.hidden + j] : 0.0;
    double const* __restrict G = scratch.pair_gradient(i);
    double const* __restrict other = scratch.pair_gradient(second ? i + D : i);
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n; ++k) {
      double sum = first ? 0.0 : product[k];
      FERMIAC_UNROLL
      for (size_t c = 0; c < D; ++c) sum = std::fma(weight[c], G[c * tile_size + k], sum);
      FERMIAC_UNROLL
      for (size_t c = 0; c < D; ++c) sum = std::fma(weight[D + c], other[c * tile_size + k], sum);
      product[k] = sum;
    }
  }
}

/// Adds this sample of a tile to the sums of the derivatives. `scratch` holds what `slope_tile` and `measure_tile` left there.
template <size_t D, class Count>
void add_derivatives(Machine const& machine, Walkers const& walkers, Scratch const& scratch, double const* __restrict energy,
                     size_t first, Count count, SumColumns const& sums, bool with_products) {
  size_t const n = count;
  size_t const M = scratch.M;
  size_t const H = scratch.H;
  size_t const K = sums.K;
  size_t const stride = walkers.stride;
  double const width = machine.inverse_sigma_squared;
  alignas(64) double product[tile_size];
  alignas(64) double correction[tile_size];

  // The features of ln sigma need p (1 - p), which is then overwritten.
  if (machine.sigma_trainable) {
    double* __restrict feature = scratch.sigma_feature();
    for (size_t k = 0; k < n; ++k) feature[k] = correction[k] = 0;
    for (size_t i = 0; i < M; ++i) {
      double const* __restrict x = walkers.x + i * stride + first;
      double const* __restrict G = scratch.pair_gradient(i);
      double const a = machine.a[i];
      FERMIAC_VECTORISE
      for (size_t k = 0; k < n; ++k) {
        double const offset = x[k] - a;
        feature[k] = std::fma(offset * width, offset, feature[k]);
        if (machine.control) correction[k] = std::fma(-width * offset, G[k], correction[k]);
      }
    }
  }
  for (size_t j = 0; j < H; ++j) {
    double const* __restrict probability = scratch.probability(j);
    double* __restrict slope = scratch.slope(j);
    double const* __restrict theta = walkers.theta + j * stride + first;
    double const b = machine.b[j];
    if (machine.control) directional_slope<D>(machine, scratch, j, count, product);
    if (machine.sigma_trainable) {
      double* __restrict feature = scratch.sigma_feature();
      FERMIAC_VECTORISE
      for (size_t k = 0; k < n; ++k) {
        double const offset = theta[k] - b;
        feature[k] = std::fma(-2 * offset, probability[k], feature[k]);
        if (machine.control) correction[k] = std::fma(product[k], std::fma(offset, slope[k], probability[k]), correction[k]);
      }
    }
    // From here on the column holds -1/2 grad G . grad p_j.
    if (machine.control) {
      FERMIAC_VECTORISE
      for (size_t k = 0; k < n; ++k) slope[k] *= -0.5 * product[k];
    }
  }
  for (size_t i = 0; i < M; ++i) {
    double const* __restrict x = walkers.x + i * stride + first;
    double const* __restrict G = scratch.pair_gradient(i);
    double* __restrict energy_x = scratch.energy_x(i);
    if (machine.control) {
      FERMIAC_VECTORISE
      for (size_t k = 0; k < n; ++k) energy_x[k] = std::fma(energy[k], x[k], -0.5 * G[k]);
    } else {
      FERMIAC_VECTORISE
      for (size_t k = 0; k < n; ++k) energy_x[k] = energy[k] * x[k];
    }
  }

  auto const coordinate = [&](size_t i) { return walkers.x + i * stride + first; };
  auto const energy_x = [&](size_t i) { return scratch.energy_x(i); };
  auto const probability = [&](size_t j) { return scratch.probability(j); };
  auto const feature = [&](size_t offset) { return [&sums, offset](size_t k) { return sums.feature(offset + k); }; };
  auto const energy_feature = [&](size_t offset) {
    return [&sums, offset](size_t k) { return sums.energy_feature(offset + k); };
  };
  add_values<1>({energy}, {sums.energy()}, count);
  add_all_values(M, coordinate, feature(0), count);
  add_all_values(M, energy_x, energy_feature(0), count);
  add_all_values(H, probability, feature(M), count);
  add_all_products(H, probability, energy, energy_feature(M), count);
  if (machine.control)
    add_all_values(
        H, [&](size_t j) { return scratch.slope(j); }, energy_feature(M), count);
  for (size_t j = 0; j < H; ++j) {
    size_t i = 0;
    for (; i + 4 <= M; i += 4) add_weights<4>(machine, walkers, scratch, sums, i, j, first, count);
    for (; i < M; ++i) add_weights<1>(machine, walkers, scratch, sums, i, j, first, count);
  }
  if (machine.sigma_trainable) {
    add_values<1>({scratch.sigma_feature()}, {sums.feature(K - 1)}, count);
    add_products<1>({energy}, scratch.sigma_feature(), {sums.energy_feature(K - 1)}, count);
    if (machine.control) add_values<1>({correction}, {sums.energy_feature(K - 1)}, count);
  }
  if (!with_products) return;

  for (size_t i = 0; i < M; ++i) std::copy_n(walkers.x + i * stride + first, n, scratch.feature(i));
  for (size_t j = 0; j < H; ++j) {
    double const* __restrict p = scratch.probability(j);
    std::copy_n(p, n, scratch.feature(M + j));
    for (size_t i = 0; i < M; ++i) {
      double const* __restrict x = walkers.x + i * stride + first;
      double* __restrict x_p = scratch.feature(M + H + i + M * j);
      FERMIAC_VECTORISE
      for (size_t k = 0; k < n; ++k) x_p[k] = x[k] * p[k];
    }
  }
  if (machine.sigma_trainable) std::copy_n(scratch.sigma_feature(), n, scratch.feature(K - 1));
  for (size_t k = 0; k < K; ++k)
    add_all_products(
        k + 1, [&](size_t l) { return scratch.feature(l); }, scratch.feature(k), [&](size_t l) { return sums.product(k, l); },
        count);
}

template <size_t D, size_t H, class Count>
void measure_tile(Machine const& machine, Walkers const& walkers, size_t first, Count count, double* terms, size_t term_stride,
                  double* sums, bool with_products) {
  size_t const n = count;
  size_t const stride = walkers.stride;
  Scratch const scratch(machine, walkers.scratch);
  auto const term = [&](LocalEnergies::Term t) { return terms + t * term_stride + first; };
  double* __restrict energy = term(LocalEnergies::energy);
  double* __restrict kinetic = term(LocalEnergies::kinetic);
  double* __restrict from_gradient = term(LocalEnergies::kinetic_from_gradient);
  double* __restrict trap = term(LocalEnergies::trap);
  double* __restrict interaction = term(LocalEnergies::interaction);
  double* __restrict control = term(LocalEnergies::control);
  double* __restrict stein = term(LocalEnergies::stein);

  // Laplacian, squared drift, squared distance and their product stand in the columns of the terms that are made of them.
  slope_tile<D, H>(machine, walkers, scratch, first, count, kinetic);
  for (size_t k = 0; k < n; ++k) from_gradient[k] = trap[k] = stein[k] = interaction[k] = control[k] = 0;
  for (size_t p = 0; p < machine.particles; ++p) {
    double const* __restrict x = walkers.x + p * D * stride + first;
    double const* __restrict drift = scratch.drift(p * D);
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n; ++k) {
      double f2 = from_gradient[k];
      double x2 = trap[k];
      double xf = stein[k];
      FERMIAC_UNROLL
      for (size_t c = 0; c < D; ++c) {
        double const xc = x[c * stride + k];
        double const fc = drift[c * tile_size + k];
        f2 = std::fma(fc, fc, f2);
        x2 = std::fma(xc, xc, x2);
        xf = std::fma(xc, fc, xf);
      }
      from_gradient[k] = f2;
      trap[k] = x2;
      stein[k] = xf;
    }
  }
  if (machine.interacting) {
    if (machine.control)
      for (size_t i = 0; i < scratch.M; ++i)
        for (size_t k = 0; k < n; ++k) scratch.pair_gradient(i)[k] = 0;
    for (size_t q = 1; q < machine.particles; ++q)
      for (size_t p = 0; p < q; ++p) {
        double const* __restrict xp = walkers.x + p * D * stride + first;
        double const* __restrict xq = walkers.x + q * D * stride + first;
        if (!machine.control) {
          double const softening_squared = machine.softening_squared;
          FERMIAC_VECTORISE
          for (size_t k = 0; k < n; ++k) {
            double r2 = softening_squared;
            FERMIAC_UNROLL
            for (size_t c = 0; c < D; ++c) {
              double const d = xp[c * stride + k] - xq[c * stride + k];
              r2 = std::fma(d, d, r2);
            }
            interaction[k] += 1.0 / std::sqrt(r2);
          }
          continue;
        }
        double const* __restrict fp = scratch.drift(p * D);
        double const* __restrict fq = scratch.drift(q * D);
        double* __restrict Gp = scratch.pair_gradient(p * D);
        double* __restrict Gq = scratch.pair_gradient(q * D);
        double const decay = machine.control_decay;
        constexpr double transverse = D > 1 ? static_cast<double>(D - 1) : 1.0;
        FERMIAC_VECTORISE
        for (size_t k = 0; k < n; ++k) {
          double d[D];
          double r2 = 0;
          double df = 0;
          FERMIAC_UNROLL
          for (size_t c = 0; c < D; ++c) {
            d[c] = xp[c * stride + k] - xq[c * stride + k];
            r2 = std::fma(d[c], d[c], r2);
            df = std::fma(d[c], fp[c * tile_size + k] - fq[c * tile_size + k], df);
          }
          double const r = std::sqrt(r2);
          double const inverse = 1.0 / r;
          interaction[k] += inverse;
          double const kr = decay * r;
          double const envelope = simd::exp_decay(kr) * (1.0 / transverse);
          double const g1_over_r = (1.0 - kr) * envelope * inverse;
          double const g2 = decay * (kr - 2.0) * envelope;
          control[k] -= std::fma(g1_over_r, df + transverse, g2);
          FERMIAC_UNROLL
          for (size_t c = 0; c < D; ++c) {
            Gp[c * tile_size + k] = std::fma(g1_over_r, d[c], Gp[c * tile_size + k]);
            Gq[c * tile_size + k] = std::fma(-g1_over_r, d[c], Gq[c * tile_size + k]);
          }
        }
      }
  }
  double const half_omega_squared = 0.5 * machine.omega * machine.omega;
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    kinetic[k] = -0.5 * (kinetic[k] + from_gradient[k]);
    from_gradient[k] *= 0.5;
    trap[k] *= half_omega_squared;
    stein[k] *= 2;
    energy[k] = kinetic[k] + trap[k] + (interaction[k] + control[k]);
  }
  if (sums != nullptr)
    add_derivatives<D>(machine, walkers, scratch, energy, first, count, SumColumns{sums, machine.parameters}, with_products);
}

template <size_t D, size_t H>
void measure_any(Machine const& machine, Walkers const& walkers, double* terms, size_t term_stride, double* sums,
                 bool with_products) {
  for_each_tile(walkers.n, [&](size_t first, auto n) {
    measure_tile<D, H>(machine, walkers, first, n, terms, term_stride, sums, with_products);
  });
}

template <size_t D, size_t H>
Kernels compiled_for() {
  if constexpr (H > 0) return {move_fused<D, H>, measure_any<D, H>, slope_any<D, H>};
  return {move_any<D>, measure_any<D, 0>, slope_any<D, 0>};
}

template <size_t D>
Kernels compiled_for(size_t hidden) {
  switch (hidden) {
    case 2:
      return compiled_for<D, 2>();
    case 4:
      return compiled_for<D, 4>();
    case 10:
      return compiled_for<D, 10>();
    default:
      return compiled_for<D, 0>();
  }
}

}  // namespace

std::size_t scratch_columns(Machine const& machine) {
  return 2 * machine.hidden + 3 * machine.particles * machine.dimensions + 1 + machine.parameters;
}

void refresh(Machine const& machine, Walkers const& walkers) {
  size_t const M = machine.particles * machine.dimensions;
  size_t const n = walkers.n;
  double* __restrict size = walkers.size;
  double* __restrict P = walkers.P;
  for (size_t k = 0; k < n; ++k) {
    size[k] = 0;
    P[k] = 1;
  }
  for (size_t j = 0; j < machine.hidden; ++j) {
    if (j > 0 && j % group_size == 0)
      for (size_t k = 0; k < n; ++k) {
        size[k] += 2 * simd::log(P[k]);
        P[k] = 1;
      }
    double* __restrict theta = walkers.theta + j * walkers.stride;
    double* __restrict e = walkers.e + j * walkers.stride;
    for (size_t k = 0; k < n; ++k) theta[k] = machine.b[j];
    for (size_t i = 0; i < M; ++i) {
      double const* __restrict x = walkers.x + i * walkers.stride;
      double const weight = machine.V[i * machine.hidden + j];
      for (size_t k = 0; k < n; ++k) theta[k] = std::fma(weight, x[k], theta[k]);
    }
    for (size_t k = 0; k < n; ++k) {
      e[k] = simd::exp_decay(theta[k]);
      size[k] += std::fabs(theta[k]);
      P[k] = std::fma(P[k], e[k], P[k]);
    }
  }
}

Kernels kernels_for(std::size_t dimensions, std::size_t hidden) {
  switch (dimensions) {
    case 1:
      return compiled_for<1>(hidden);
    case 2:
      return compiled_for<2>(hidden);
    default:
      return compiled_for<3>(hidden);
  }
}

}  // namespace fermiac::vmc::kernels
