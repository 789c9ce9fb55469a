#include "rbm_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "fermiac/simd/functions.hpp"
#include "fermiac/vmc/rbm_pack.hpp"
#include "pair_terms.hpp"
#include "rbm_tiles.hpp"

namespace fermiac::vmc::kernels {
namespace {

using std::size_t;

// ---------------------------------------------------------------------------------------------------- slope of ln Psi
/// 1 / factor of each of R factors by one division: divisions are the dearest part of a local energy otherwise. No product of
/// some of the factors may overflow.
template <size_t R>
[[gnu::always_inline]] inline void invert(double const (&factor)[R], double (&inverse)[R]) {
  if constexpr (R == 1) {
    inverse[0] = 1.0 / factor[0];
  } else {
    double pair[R / 2];
    double inverse_pair[R / 2];
    FERMIAC_UNROLL
    for (size_t r = 0; r < R / 2; ++r) pair[r] = factor[2 * r] * factor[2 * r + 1];
    invert<R / 2>(pair, inverse_pair);
    FERMIAC_UNROLL
    for (size_t r = 0; r < R / 2; ++r) {
      inverse[2 * r] = inverse_pair[r] * factor[2 * r + 1];
      inverse[2 * r + 1] = inverse_pair[r] * factor[2 * r];
    }
  }
}

/// p = 1 / (1 + exp(-theta)) and p (1 - p) of R hidden units from `j` on, added to the Laplacian, and to the drift where there
/// are `particles` = 2 (0: left to `add_to_drift`).
template <size_t R, size_t D, size_t particles, Form form, class Count>
[[gnu::always_inline]] inline void probabilities(Machine const& machine, Walkers const& walkers, Scratch const& scratch,
                                                 size_t j, size_t first, Count count, double* __restrict laplacian) {
  static_assert(R == 1 || R == 2 || R == 4 || R == 8);
  size_t const n = count;
  size_t const stride = walkers.stride;
  double const* __restrict theta = walkers.theta + j * stride + first;
  double const* __restrict e = walkers.e + j * stride + first;
  double* __restrict probability = scratch.probability(j);
  double* __restrict slope = scratch.slope(j);
  double* __restrict drift = scratch.drift(0);
  constexpr size_t M = particles * D;
  double V_square[R];
  double V[R][M + 1];
  for (size_t r = 0; r < R; ++r) {
    // s is a power of two, so that it may be multiplied at any time.
    V_square[r] = machine.s * machine.V_square[j + r];
    for (size_t i = 0; i < M; ++i) V[r][i] = machine.s * machine.V[i * machine.hidden + j + r];
  }
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    double factor[R];
    double inverse[R];
    FERMIAC_UNROLL
    for (size_t r = 0; r < R; ++r) factor[r] = 1.0 + e[r * stride + k];
    invert<R>(factor, inverse);
    double sum = laplacian[k];
    double f[M + 1];
    FERMIAC_UNROLL
    for (size_t i = 0; i < M; ++i) f[i] = drift[i * tile_size + k];
    FERMIAC_UNROLL
    for (size_t r = 0; r < R; ++r) {
      double const other = e[r * stride + k] * inverse[r];
      double p = other;
      if constexpr (form == Form::far) p = theta[r * stride + k] > 0 ? inverse[r] : other;
      probability[r * tile_size + k] = p;
      double const product = other * inverse[r];
      slope[r * tile_size + k] = product;
      sum = std::fma(V_square[r], product, sum);
      FERMIAC_UNROLL
      for (size_t i = 0; i < M; ++i) f[i] = std::fma(V[r][i], p, f[i]);
    }
    laplacian[k] = sum;
    FERMIAC_UNROLL
    for (size_t i = 0; i < M; ++i) drift[i * tile_size + k] = f[i];
  }
}

/// Adds s V p of R hidden units from `j` on to the drift of one particle.
template <size_t R, size_t D, class Count>
[[gnu::always_inline]] inline void add_to_drift(Machine const& machine, Scratch const& scratch, size_t particle, size_t j,
                                                Count count) {
  size_t const n = count;
  double* __restrict drift = scratch.drift(particle * D);
  double const* __restrict probability = scratch.probability(j);
  double V[R][D];
  for (size_t r = 0; r < R; ++r)
    for (size_t c = 0; c < D; ++c) V[r][c] = machine.s * machine.V[(particle * D + c) * machine.hidden + j + r];
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    double f[D];
    FERMIAC_UNROLL
    for (size_t c = 0; c < D; ++c) f[c] = drift[c * tile_size + k];
    FERMIAC_UNROLL
    for (size_t r = 0; r < R; ++r) {
      double const p = probability[r * tile_size + k];
      FERMIAC_UNROLL
      for (size_t c = 0; c < D; ++c) f[c] = std::fma(V[r][c], p, f[c]);
    }
    FERMIAC_UNROLL
    for (size_t c = 0; c < D; ++c) drift[c * tile_size + k] = f[c];
  }
}

/// p_j = 1 / (1 + exp(-theta_j)), p_j (1 - p_j), drift s ((a - x) / sigma^2 + V p) and Laplacian of a tile.
template <size_t D, Form form, class Count>
[[gnu::always_inline]] inline void slope_tile(Machine const& machine, Walkers const& walkers, Scratch const& scratch,
                                              size_t first, Count count, double* __restrict laplacian) {
  size_t const n = count;
  double const width = machine.s * machine.inverse_sigma_squared;
  double const constant = -static_cast<double>(machine.particles * D) * width;
  for (size_t k = 0; k < n; ++k) laplacian[k] = constant;
  for (size_t i = 0; i < scratch.M; ++i) {
    double const* __restrict x = walkers.x + i * walkers.stride + first;
    double* __restrict drift = scratch.drift(i);
    double const a = machine.a[i];
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n; ++k) drift[k] = (a - x[k]) * width;
  }
  if (machine.particles == 2) {
    for_each_large_block(machine.hidden, [&](size_t j, auto R) {
      probabilities<R, D, 2, form>(machine, walkers, scratch, j, first, count, laplacian);
    });
    return;
  }
  for_each_large_block(machine.hidden, [&](size_t j, auto R) {
    probabilities<R, D, 0, form>(machine, walkers, scratch, j, first, count, laplacian);
  });
  for (size_t p = 0; p < machine.particles; ++p)
    for_each_block(machine.hidden, [&](size_t j, auto R) { add_to_drift<R, D>(machine, scratch, p, j, count); });
}

template <size_t D, Form form>
void slope(Machine const& machine, Walkers const& walkers, double* drift, size_t drift_stride, double* laplacian) {
  Scratch const scratch(machine, walkers.scratch);
  for_each_tile(walkers.n, [&](size_t first, auto n) {
    slope_tile<D, form>(machine, walkers, scratch, first, n, laplacian + first);
    for (size_t i = 0; i < scratch.M; ++i) std::copy_n(scratch.drift(i), size_t{n}, drift + i * drift_stride + first);
  });
}

// ------------------------------------------------------------------------------------------------------------- derivatives
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

/// Adds row(r) * b to sum(r) for r = 0 ... n_rows - 1, four rows at a time.
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

/// Walkers that a vector register holds, a divisor of `n_lanes`.
#if defined(__AVX512F__)
constexpr size_t width_of_register = 8;
#elif defined(__AVX2__)
constexpr size_t width_of_register = 4;
#else
constexpr size_t width_of_register = 2;
#endif

/// R coordinates, U hidden units, and where their sums are.
template <size_t R, size_t U>
struct WeightBlock {
  double const* x[R];
  double const* g[R];
  double const* p[U];
  double const* T[U];
  double* feature[U][R];
  double* energy_feature[U][R];
  double* p_sum[U];
  double* T_sum[U];
};

/// Sums of x_i p_j and of x_i T_j + g_i p_j, and those of p_j and T_j where wanted. One register of lanes after the other, so
/// that all sums of a block stay in registers: the walkers of the others are skipped, and the bits do not know.
template <size_t R, size_t U, bool control, bool with_units, class Count>
[[gnu::noinline]] void add_weights(WeightBlock<R, U> const& block, Count count) {
  constexpr size_t w = width_of_register;
  constexpr size_t bytes = w * sizeof(double);
  size_t const n = count;
  auto const b = block;
  for (size_t group = 0; group < n_lanes; group += w) {
    double lanes[U][R][w];
    double energy_lanes[U][R][w];
    double p_lanes[U][w];
    double T_lanes[U][w];
    // Copied as loops they would go lane by lane through memory.
    for (size_t u = 0; u < U; ++u) {
      for (size_t r = 0; r < R; ++r) {
        std::memcpy(lanes[u][r], b.feature[u][r] + group, bytes);
        std::memcpy(energy_lanes[u][r], b.energy_feature[u][r] + group, bytes);
      }
      if constexpr (with_units) {
        std::memcpy(p_lanes[u], b.p_sum[u] + group, bytes);
        std::memcpy(T_lanes[u], b.T_sum[u] + group, bytes);
      }
    }
    size_t k = group;
    for (; k + w <= n; k += n_lanes) {
      FERMIAC_UNROLL
      for (size_t u = 0; u < U; ++u) {
        double const* p = b.p[u] + k;
        double const* T = b.T[u] + k;
        FERMIAC_UNROLL
        for (size_t r = 0; r < R; ++r) {
          double const* x = b.x[r] + k;
          double const* g = b.g[r] + k;
          FERMIAC_UNROLL
          for (size_t l = 0; l < w; ++l) lanes[u][r][l] = std::fma(x[l], p[l], lanes[u][r][l]);
          if constexpr (control) {
            FERMIAC_UNROLL
            for (size_t l = 0; l < w; ++l) energy_lanes[u][r][l] = std::fma(g[l], p[l], energy_lanes[u][r][l]);
          }
          FERMIAC_UNROLL
          for (size_t l = 0; l < w; ++l) energy_lanes[u][r][l] = std::fma(x[l], T[l], energy_lanes[u][r][l]);
        }
        if constexpr (with_units) {
          FERMIAC_UNROLL
          for (size_t l = 0; l < w; ++l) p_lanes[u][l] += p[l];
          FERMIAC_UNROLL
          for (size_t l = 0; l < w; ++l) T_lanes[u][l] += T[l];
        }
      }
    }
    if constexpr (!std::is_same_v<Count, FullTile>)
      for (size_t l = 0; k + l < n && l < w; ++l)
        for (size_t u = 0; u < U; ++u) {
          double const p = b.p[u][k + l];
          double const T = b.T[u][k + l];
          for (size_t r = 0; r < R; ++r) {
            lanes[u][r][l] = std::fma(b.x[r][k + l], p, lanes[u][r][l]);
            if constexpr (control) energy_lanes[u][r][l] = std::fma(b.g[r][k + l], p, energy_lanes[u][r][l]);
            energy_lanes[u][r][l] = std::fma(b.x[r][k + l], T, energy_lanes[u][r][l]);
          }
          if constexpr (with_units) {
            p_lanes[u][l] += p;
            T_lanes[u][l] += T;
          }
        }
    for (size_t u = 0; u < U; ++u) {
      for (size_t r = 0; r < R; ++r) {
        std::memcpy(b.feature[u][r] + group, lanes[u][r], bytes);
        std::memcpy(b.energy_feature[u][r] + group, energy_lanes[u][r], bytes);
      }
      if constexpr (with_units) {
        std::memcpy(b.p_sum[u] + group, p_lanes[u], bytes);
        std::memcpy(b.T_sum[u] + group, T_lanes[u], bytes);
      }
    }
  }
}

/// What up to two particles from coordinate `i` on contribute to grad G . grad theta_j of U hidden units from `j` on.
template <size_t D, size_t U, bool begin, class Count>
[[gnu::always_inline]] inline void add_directional_slopes(Machine const& machine, Scratch const& scratch, size_t i, size_t j,
                                                          Count count, double (&product)[U][tile_size]) {
  size_t const n = count;
  bool const second = i + D < scratch.M;
  double V[U][2 * D];
  for (size_t u = 0; u < U; ++u)
    for (size_t c = 0; c < 2 * D; ++c) V[u][c] = c < D || second ? machine.V[(i + c) * machine.hidden + j + u] : 0.0;
  double const* __restrict G = scratch.pair_gradient(i);
  double const* __restrict other = scratch.pair_gradient(second ? i + D : i);
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    FERMIAC_UNROLL
    for (size_t u = 0; u < U; ++u) {
      double sum = begin ? V[u][0] * G[k] : std::fma(V[u][0], G[k], product[u][k]);
      FERMIAC_UNROLL
      for (size_t c = 1; c < D; ++c) sum = std::fma(V[u][c], G[c * tile_size + k], sum);
      FERMIAC_UNROLL
      for (size_t c = 0; c < D; ++c) sum = std::fma(V[u][D + c], other[c * tile_size + k], sum);
      product[u][k] = sum;
    }
  }
}

/// The terms of hidden unit `j` in the feature of ln sigma and in its correction.
template <bool control, class Count>
void add_sigma_feature(Machine const& machine, Walkers const& walkers, Scratch const& scratch, size_t j, size_t first,
                       Count count, double const* __restrict product, double* __restrict correction) {
  size_t const n = count;
  double const* __restrict probability = scratch.probability(j);
  double const* __restrict slope = scratch.slope(j);
  double* __restrict feature = scratch.sigma_feature();
  alignas(64) double shift[tile_size];  // theta - b
  for (size_t k = 0; k < n; ++k) shift[k] = 0;
  for (size_t i = 0; i < scratch.M; ++i) {
    double const* __restrict x = walkers.x + i * walkers.stride + first;
    double const weight = machine.V[i * scratch.H + j];
    for (size_t k = 0; k < n; ++k) shift[k] = std::fma(weight, x[k], shift[k]);
  }
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    feature[k] = std::fma(-2 * shift[k], probability[k], feature[k]);
    if constexpr (control) correction[k] = std::fma(product[k], std::fma(shift[k], slope[k], probability[k]), correction[k]);
  }
}

/// T_j of U hidden units, in the place of p_j (1 - p_j).
template <size_t U, bool control, class Count>
[[gnu::always_inline]] inline void times_energy(Scratch const& scratch, size_t j, double const* __restrict energy,
                                                double const (&product)[U][tile_size], Count count) {
  size_t const n = count;
  double const* __restrict probability = scratch.probability(j);
  double* __restrict slope = scratch.slope(j);
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    FERMIAC_UNROLL
    for (size_t u = 0; u < U; ++u) {
      double const of_energy = energy[k] * probability[u * tile_size + k];
      if constexpr (control)
        slope[u * tile_size + k] = std::fma(-0.5 * product[u][k], slope[u * tile_size + k], of_energy);
      else
        slope[u * tile_size + k] = of_energy;
    }
  }
}

/// T_j of U hidden units of two particles, whose grad G are opposite, in the place of p_j (1 - p_j).
template <size_t D, size_t U, class Count>
[[gnu::always_inline]] inline void energy_of_two(Machine const& machine, Scratch const& scratch, size_t j,
                                                 double const* __restrict energy, Count count) {
  size_t const n = count;
  double const* __restrict G = scratch.pair_gradient(0);
  double const* __restrict probability = scratch.probability(j);
  double* __restrict slope = scratch.slope(j);
  double V[U][D];
  for (size_t u = 0; u < U; ++u)
    for (size_t c = 0; c < D; ++c)
      V[u][c] = -0.5 * (machine.V[c * machine.hidden + j + u] - machine.V[(D + c) * machine.hidden + j + u]);
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    FERMIAC_UNROLL
    for (size_t u = 0; u < U; ++u) {
      double product = V[u][0] * G[k];
      FERMIAC_UNROLL
      for (size_t c = 1; c < D; ++c) product = std::fma(V[u][c], G[c * tile_size + k], product);
      slope[u * tile_size + k] = std::fma(product, slope[u * tile_size + k], energy[k] * probability[u * tile_size + k]);
    }
  }
}

/// Adds this sample of a tile to the sums of the derivatives. `scratch` holds what `slope_tile` and `measure_tile` left there.
///
/// With T_j = E p_j - 1/2 grad G . grad p_j and g = -1/2 grad G, E phi - 1/2 grad G . grad phi is x_i E + g_i, T_j and
/// x_i T_j + g_i p_j.
template <size_t D, bool control, class Count>
void add_derivatives(Machine const& machine, Walkers const& walkers, Scratch const& scratch, double const* __restrict energy,
                     size_t first, Count count, SumColumns const& sums, bool with_products) {
  size_t const n = count;
  size_t const M = scratch.M;
  size_t const H = scratch.H;
  size_t const K = sums.K;
  size_t const stride = walkers.stride;
  double const width = machine.inverse_sigma_squared;
  alignas(64) double correction[tile_size];

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
        if constexpr (control) correction[k] = std::fma(-width * offset, G[k], correction[k]);
      }
    }
  }
  if (control && machine.particles == 2 && !machine.sigma_trainable)
    for_each_block(H, [&](size_t j, auto U) { energy_of_two<D, U>(machine, scratch, j, energy, count); });
  else
    for_each_pair(H, [&](size_t j, auto U) {
      alignas(64) double product[U][tile_size];
      if constexpr (control) {
        add_directional_slopes<D, U, true>(machine, scratch, 0, j, count, product);
        for (size_t i = 2 * D; i < M; i += 2 * D) add_directional_slopes<D, U, false>(machine, scratch, i, j, count, product);
      }
      if (machine.sigma_trainable)
        for (size_t u = 0; u < U; ++u)
          add_sigma_feature<control>(machine, walkers, scratch, j + u, first, count, product[u], correction);
      times_energy<U, control>(scratch, j, energy, product, count);
    });
  if constexpr (control)
    for (size_t i = 0; i < M; ++i) {
      double* __restrict G = scratch.pair_gradient(i);
      for (size_t k = 0; k < n; ++k) G[k] *= -0.5;
    }

  // The coordinates alone, and the energy, are the sums of one unit more, with p = 1 and T = E.
  double* __restrict ones = scratch.ones();
  for (size_t k = 0; k < n; ++k) ones[k] = 1;
  alignas(64) double number_of_walkers[n_lanes] = {};
  for_each_pair(H + 1, [&](size_t j, auto U) {
    for_each_block(M, [&](size_t i, auto R) {
      WeightBlock<R, U> block;
      for (size_t r = 0; r < R; ++r) {
        block.x[r] = walkers.x + (i + r) * stride + first;
        block.g[r] = scratch.pair_gradient(i + r);
      }
      for (size_t u = 0; u < U; ++u) {
        bool const unit = j + u < H;
        size_t const k = unit ? M + H + i + M * (j + u) : i;
        block.p[u] = unit ? scratch.probability(j + u) : ones;
        block.T[u] = unit ? scratch.slope(j + u) : energy;
        block.p_sum[u] = unit ? sums.feature(M + j + u) : number_of_walkers;
        block.T_sum[u] = unit ? sums.energy_feature(M + j + u) : sums.energy();
        for (size_t r = 0; r < R; ++r) {
          block.feature[u][r] = sums.feature(k + r);
          block.energy_feature[u][r] = sums.energy_feature(k + r);
        }
      }
      if (i == 0)
        add_weights<R, U, control, true>(block, count);
      else
        add_weights<R, U, control, false>(block, count);
    });
  });
  if (machine.sigma_trainable) {
    add_values<1>({scratch.sigma_feature()}, {sums.feature(K - 1)}, count);
    add_products<1>({energy}, scratch.sigma_feature(), {sums.energy_feature(K - 1)}, count);
    if constexpr (control) add_values<1>({correction}, {sums.energy_feature(K - 1)}, count);
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

// ------------------------------------------------------------------------------------------------------------- measurements
/// Adds |drift|^2, |x|^2 and x . drift of R particles.
template <size_t D, size_t R, class Count>
[[gnu::always_inline]] inline void add_squares(double const* __restrict x, size_t stride, double const* __restrict drift,
                                               Count count, double* __restrict drift_square, double* __restrict square,
                                               double* __restrict product) {
  size_t const n = count;
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    double f2 = drift_square[k];
    double x2 = square[k];
    double xf = product[k];
    FERMIAC_UNROLL
    for (size_t c = 0; c < R * D; ++c) {
      double const xc = x[c * stride + k];
      double const fc = drift[c * tile_size + k];
      f2 = std::fma(fc, fc, f2);
      x2 = std::fma(xc, xc, x2);
      xf = std::fma(xc, fc, xf);
    }
    drift_square[k] = f2;
    square[k] = x2;
    product[k] = xf;
  }
}

/// Adds 1 / sqrt(r^2 + softening^2) of one pair.
template <size_t D, class Count>
[[gnu::always_inline]] inline void add_interaction(double const* __restrict xp, double const* __restrict xq, size_t stride,
                                                   double softening_squared, Count count, double* __restrict interaction) {
  size_t const n = count;
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
}

/// Adds 1/r, -Z/2 and grad G of one pair.
template <size_t D, class Count>
[[gnu::always_inline]] inline void add_controlled(double const* __restrict xp, double const* __restrict xq, size_t stride,
                                                  double const* __restrict fp, double const* __restrict fq, double decay,
                                                  Count count, double* __restrict interaction, double* __restrict control,
                                                  double* __restrict Gp, double* __restrict Gq) {
  size_t const n = count;
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
    auto const [half_Z, g1_over_r] = pair_control<D>(r, inverse, df, decay, 1.0);
    control[k] -= half_Z;
    FERMIAC_UNROLL
    for (size_t c = 0; c < D; ++c) {
      Gp[c * tile_size + k] = std::fma(g1_over_r, d[c], Gp[c * tile_size + k]);
      Gq[c * tile_size + k] = std::fma(-g1_over_r, d[c], Gq[c * tile_size + k]);
    }
  }
}

/// Where the terms of a tile are; `kinetic` holds the Laplacian until they are finished.
struct Terms {
  Terms(double* terms, size_t term_stride, size_t first) : data(terms + first), stride(term_stride) {}
  double* operator[](LocalEnergies::Term term) const { return data + term * stride; }

  double* data;
  size_t stride;
};

/// All terms of two particles that repel one another, and grad G, in one pass: the sums of `measure_many` in the same order.
template <size_t D, class Count>
[[gnu::always_inline]] inline void measure_two(Machine const& machine, Walkers const& walkers, Scratch const& scratch,
                                               size_t first, Count count, Terms const& terms) {
  size_t const n = count;
  size_t const stride = walkers.stride;
  double const* __restrict x = walkers.x + first;
  double const* __restrict drift = scratch.drift(0);
  double* __restrict G = scratch.pair_gradient(0);
  double* __restrict energy = terms[LocalEnergies::energy];
  double* __restrict kinetic = terms[LocalEnergies::kinetic];
  double* __restrict from_gradient = terms[LocalEnergies::kinetic_from_gradient];
  double* __restrict trap = terms[LocalEnergies::trap];
  double* __restrict interaction = terms[LocalEnergies::interaction];
  double* __restrict control = terms[LocalEnergies::control];
  double* __restrict stein = terms[LocalEnergies::stein];
  double const half_omega_squared = 0.5 * machine.omega * machine.omega;
  double const decay = machine.control_decay;
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    double f2 = 0;
    double x2 = 0;
    double xf = 0;
    FERMIAC_UNROLL
    for (size_t c = 0; c < 2 * D; ++c) {
      double const xc = x[c * stride + k];
      double const fc = drift[c * tile_size + k];
      f2 = std::fma(fc, fc, f2);
      x2 = std::fma(xc, xc, x2);
      xf = std::fma(xc, fc, xf);
    }
    double d[D];
    double r2 = 0;
    double df = 0;
    FERMIAC_UNROLL
    for (size_t c = 0; c < D; ++c) {
      d[c] = x[c * stride + k] - x[(D + c) * stride + k];
      r2 = std::fma(d[c], d[c], r2);
      df = std::fma(d[c], drift[c * tile_size + k] - drift[(D + c) * tile_size + k], df);
    }
    double const r = std::sqrt(r2);
    double const inverse = 1.0 / r;
    auto const [half_Z, g1_over_r] = pair_control<D>(r, inverse, df, decay, 1.0);
    FERMIAC_UNROLL
    for (size_t c = 0; c < D; ++c) {
      G[c * tile_size + k] = g1_over_r * d[c];
      G[(D + c) * tile_size + k] = -g1_over_r * d[c];
    }
    double const all_kinetic = -0.5 * (kinetic[k] + f2);
    double const all_trap = x2 * half_omega_squared;
    kinetic[k] = all_kinetic;
    from_gradient[k] = 0.5 * f2;
    trap[k] = all_trap;
    stein[k] = 2 * xf;
    interaction[k] = inverse;
    control[k] = -half_Z;
    energy[k] = all_kinetic + all_trap + (inverse - half_Z);
  }
}

template <size_t D, class Count>
[[gnu::always_inline]] inline void measure_many(Machine const& machine, Walkers const& walkers, Scratch const& scratch,
                                                size_t first, Count count, Terms const& terms) {
  size_t const n = count;
  size_t const stride = walkers.stride;
  double* __restrict energy = terms[LocalEnergies::energy];
  double* __restrict kinetic = terms[LocalEnergies::kinetic];
  double* __restrict from_gradient = terms[LocalEnergies::kinetic_from_gradient];
  double* __restrict trap = terms[LocalEnergies::trap];
  double* __restrict interaction = terms[LocalEnergies::interaction];
  double* __restrict control = terms[LocalEnergies::control];
  double* __restrict stein = terms[LocalEnergies::stein];

  // Squared drift, squared distance and their product stand in the columns of the terms that are made of them.
  for (size_t k = 0; k < n; ++k) from_gradient[k] = trap[k] = stein[k] = interaction[k] = control[k] = 0;
  for_each_block(machine.particles, [&](size_t p, auto R) {
    add_squares<D, R>(walkers.x + p * D * stride + first, stride, scratch.drift(p * D), count, from_gradient, trap, stein);
  });
  if (machine.control)
    for (size_t i = 0; i < scratch.M; ++i) {
      double* __restrict G = scratch.pair_gradient(i);
      for (size_t k = 0; k < n; ++k) G[k] = 0;
    }
  if (machine.interacting)
    for (size_t q = 1; q < machine.particles; ++q)
      for (size_t p = 0; p < q; ++p) {
        double const* xp = walkers.x + p * D * stride + first;
        double const* xq = walkers.x + q * D * stride + first;
        if (machine.control)
          add_controlled<D>(xp, xq, stride, scratch.drift(p * D), scratch.drift(q * D), machine.control_decay, count,
                            interaction, control, scratch.pair_gradient(p * D), scratch.pair_gradient(q * D));
        else
          add_interaction<D>(xp, xq, stride, machine.softening_squared, count, interaction);
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
}

template <size_t D, Form form, class Count>
void measure_tile(Machine const& machine, Walkers const& walkers, size_t first, Count count, double* terms, size_t term_stride,
                  double* sums, bool with_products) {
  Scratch const scratch(machine, walkers.scratch);
  Terms const columns_of_terms(terms, term_stride, first);
  slope_tile<D, form>(machine, walkers, scratch, first, count, columns_of_terms[LocalEnergies::kinetic]);
  if (machine.control && machine.particles == 2)
    measure_two<D>(machine, walkers, scratch, first, count, columns_of_terms);
  else
    measure_many<D>(machine, walkers, scratch, first, count, columns_of_terms);
  if (sums == nullptr) return;
  double const* energy = columns_of_terms[LocalEnergies::energy];
  SumColumns const columns{sums, machine.parameters};
  if (machine.control)
    add_derivatives<D, true>(machine, walkers, scratch, energy, first, count, columns, with_products);
  else
    add_derivatives<D, false>(machine, walkers, scratch, energy, first, count, columns, with_products);
}

template <size_t D, Form form>
void measure(Machine const& machine, Walkers const& walkers, double* terms, size_t term_stride, double* sums,
             bool with_products) {
  for_each_tile(walkers.n, [&](size_t first, auto n) {
    measure_tile<D, form>(machine, walkers, first, n, terms, term_stride, sums, with_products);
  });
}

}  // namespace

std::size_t scratch_columns(Machine const& machine) {
  return 2 * machine.hidden + 2 * machine.particles * machine.dimensions + 2 + machine.parameters;
}

Measure measure_for(std::size_t dimensions, Form form) {
  static constexpr Measure measures[3][2] = {{measure<1, Form::near>, measure<1, Form::far>},
                                             {measure<2, Form::near>, measure<2, Form::far>},
                                             {measure<3, Form::near>, measure<3, Form::far>}};
  return measures[dimensions - 1][form == Form::near ? 0 : 1];
}

Slope slope_for(std::size_t dimensions, Form form) {
  static constexpr Slope slopes[3][2] = {{slope<1, Form::near>, slope<1, Form::far>},
                                         {slope<2, Form::near>, slope<2, Form::far>},
                                         {slope<3, Form::near>, slope<3, Form::far>}};
  return slopes[dimensions - 1][form == Form::near ? 0 : 1];
}

}  // namespace fermiac::vmc::kernels
