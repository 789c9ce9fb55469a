#include <algorithm>
#include <cmath>

#include "fermiac/simd/functions.hpp"
#include "rbm_tiles.hpp"

namespace fermiac::vmc::kernels {
namespace {

using std::size_t;

/// What a tile's walkers are offered, and what they take.
template <size_t D>
struct Offer {
  alignas(64) double shift[D][tile_size];
  alignas(64) double gain[tile_size];  ///< of the exponent: of -|x - a|^2 / sigma^2, and far of sum_j theta_j
  alignas(64) double new_size[tile_size];
  alignas(64) double new_P[tile_size];
  alignas(64) double taken[tile_size];  ///< 1 or 0
};

template <size_t D, Form form, class Count>
[[gnu::always_inline]] inline void propose(Machine const& machine, Walkers const& walkers, size_t particle, double step,
                                           std::uint32_t const* const words[4], size_t first, Count count, Offer<D>& offer) {
  size_t const n = count;
  double const width = machine.inverse_sigma_squared;
  double const scale = step * 0x1p-32;
  double const* __restrict x[D];
  std::uint32_t const* __restrict word[D];
  double a[D];
  double V_sum[D];
  for (size_t c = 0; c < D; ++c) {
    x[c] = walkers.x + (particle * D + c) * walkers.stride + first;
    word[c] = words[c] + first;
    a[c] = machine.a[particle * D + c];
    V_sum[c] = form == Form::far ? machine.V_sum[particle * D + c] : 0.0;
  }
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    double gain = 0;
    FERMIAC_UNROLL
    for (size_t c = 0; c < D; ++c) {
      double const shift = centred(word[c][k]) * scale;
      double const twice = std::fma(2.0, x[c][k] - a[c], shift);
      double const slope = form == Form::far ? std::fma(-width, twice, V_sum[c]) : -width * twice;
      gain = std::fma(shift, slope, gain);
      offer.shift[c][k] = shift;
    }
    offer.gain[k] = gain;
    offer.new_P[k] = 1;
    if constexpr (form == Form::far) offer.new_size[k] = 0;
  }
}

/// e' of R hidden units from `j` on, a factor of P' each; far also theta' and a term of the size. `slight`: near, and no theta
/// changes by more than ln 2.
template <size_t R, size_t D, Form form, bool slight, class Count>
[[gnu::always_inline]] inline void propose_units(Machine const& machine, Walkers const& walkers, Scratch const& scratch,
                                                 size_t particle, size_t j, size_t first, Count count, Offer<D>& offer) {
  size_t const n = count;
  size_t const stride = walkers.stride;
  double const* __restrict theta = walkers.theta + j * stride + first;
  double const* __restrict e = walkers.e + j * stride + first;
  double* __restrict new_theta = scratch.new_theta(j);
  double* __restrict new_e = scratch.new_e(j);
  double V[R][D];
  for (size_t r = 0; r < R; ++r)
    for (size_t c = 0; c < D; ++c) V[r][c] = (slight ? 0.5 : 1.0) * machine.V[(particle * D + c) * machine.hidden + j + r];
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    double size = form == Form::far ? offer.new_size[k] : 0;
    double P = offer.new_P[k];
    FERMIAC_UNROLL
    for (size_t r = 0; r < R; ++r) {
      double t = form == Form::far ? std::fma(V[r][0], offer.shift[0][k], theta[r * stride + k]) : V[r][0] * offer.shift[0][k];
      FERMIAC_UNROLL
      for (size_t c = 1; c < D; ++c) t = std::fma(V[r][c], offer.shift[c][k], t);
      double offered;
      if constexpr (form == Form::far) {
        offered = simd::exp_decay(t);
        new_theta[r * tile_size + k] = t;
        size += std::fabs(t);
      } else {
        offered = e[r * stride + k] * (slight ? simd::exp_of_twice(t) : simd::exp_unheld(t));
      }
      new_e[r * tile_size + k] = offered;
      P = std::fma(P, offered, P);
    }
    offer.new_P[k] = P;
    if constexpr (form == Form::far) offer.new_size[k] = size;
  }
}

template <size_t D, Form form, class Count>
[[gnu::always_inline]] inline std::uint64_t decide(Machine const& machine, Walkers const& walkers,
                                                   std::uint32_t const* last_words, size_t first, Count count,
                                                   Offer<D>& offer) {
  size_t const n = count;
  double* __restrict size = walkers.size + first;
  double* __restrict P = walkers.P + first;
  std::uint32_t const* __restrict last_word = last_words + first;
  double const s = machine.s;
  bool const squared = s == 1;
  std::uint64_t accepted = 0;
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    double const change = form == Form::far ? offer.gain[k] + (offer.new_size[k] - size[k]) : offer.gain[k];
    double const ratio = simd::exp_held(s * change);
    double const u = std::fma(centred(last_word[k]), 0x1p-32, 0.5);
    double const old_weight = squared ? P[k] * P[k] : P[k];
    double const new_weight = squared ? offer.new_P[k] * offer.new_P[k] : offer.new_P[k];
    bool const take = u * old_weight < new_weight * ratio;
    offer.taken[k] = take ? 1.0 : 0.0;
    if constexpr (form == Form::far) size[k] = take ? offer.new_size[k] : size[k];
    P[k] = take ? offer.new_P[k] : P[k];
    accepted += take ? 1 : 0;
  }
  return accepted;
}

/// column = new values where they are taken, R columns.
template <size_t R, class Count>
[[gnu::always_inline]] inline void take(double* __restrict column, size_t stride, double const* __restrict offered,
                                        double const* __restrict taken, Count count) {
  size_t const n = count;
  FERMIAC_VECTORISE
  for (size_t k = 0; k < n; ++k) {
    bool const take = taken[k] > 0;
    FERMIAC_UNROLL
    for (size_t r = 0; r < R; ++r) {
      double const old_value = column[r * stride + k];
      double const new_value = offered[r * tile_size + k];
      column[r * stride + k] = take ? new_value : old_value;
    }
  }
}

template <size_t D, Form form, bool slight, class Count>
std::uint64_t move_tile(Machine const& machine, Walkers const& walkers, size_t particle, double step,
                        std::uint32_t const* const words[4], size_t first, Count count) {
  size_t const n = count;
  size_t const stride = walkers.stride;
  Scratch const scratch(machine, walkers.scratch);
  Offer<D> offer;
  propose<D, form>(machine, walkers, particle, step, words, first, count, offer);
  for_each_block(machine.hidden, [&](size_t j, auto R) {
    if (form == Form::far && j > 0 && j % group_size == 0)
      for (size_t k = 0; k < n; ++k) {
        offer.new_size[k] += 2 * simd::log(offer.new_P[k]);
        offer.new_P[k] = 1;
      }
    propose_units<R, D, form, slight>(machine, walkers, scratch, particle, j, first, count, offer);
  });
  std::uint64_t const accepted = decide<D, form>(machine, walkers, words[3], first, count, offer);
  for (size_t c = 0; c < D; ++c) {
    double* __restrict x = walkers.x + (particle * D + c) * stride + first;
    double const* __restrict shift = offer.shift[c];
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n; ++k) {
      double const moved = x[k] + shift[k];
      x[k] = offer.taken[k] > 0 ? moved : x[k];
    }
  }
  for_each_block(machine.hidden, [&](size_t j, auto R) {
    take<R>(walkers.e + j * stride + first, stride, scratch.new_e(j), offer.taken, count);
    if constexpr (form == Form::far)
      take<R>(walkers.theta + j * stride + first, stride, scratch.new_theta(j), offer.taken, count);
  });
  return accepted;
}

bool all_near(Walkers const& walkers) {
  double const* __restrict P = walkers.P;
  std::uint64_t n_near = 0;
  FERMIAC_VECTORISE
  for (size_t k = 0; k < walkers.n; ++k) n_near += P[k] < near_limit ? 1 : 0;
  return n_near == walkers.n;
}

/// Whether no theta changes by more than ln 2 where no coordinate of `particle` changes by more than half a step.
bool is_slight(Machine const& machine, size_t particle, double step) {
  double largest = 0;
  for (size_t j = 0; j < machine.hidden; ++j) {
    double change = 0;
    for (size_t c = 0; c < machine.dimensions; ++c)
      change += std::fabs(machine.V[(particle * machine.dimensions + c) * machine.hidden + j]);
    largest = std::max(largest, change);
  }
  return 0.5 * step * largest <= 0.693;
}

template <size_t D, Form form>
Moved move(Machine const& machine, Walkers const& walkers, size_t particle, double step, std::uint32_t const* const words[4]) {
  std::uint64_t accepted = 0;
  bool const slight = form == Form::near && is_slight(machine, particle, step);
  for_each_tile(walkers.n, [&](size_t first, auto n) {
    if (slight)
      accepted += move_tile<D, form, form == Form::near>(machine, walkers, particle, step, words, first, n);
    else
      accepted += move_tile<D, form, false>(machine, walkers, particle, step, words, first, n);
  });
  return {accepted, form == Form::near && all_near(walkers)};
}

/// theta_j of all walkers.
void activation(Machine const& machine, Walkers const& walkers, size_t j, double* __restrict theta) {
  size_t const M = machine.particles * machine.dimensions;
  size_t const n = walkers.n;
  for (size_t k = 0; k < n; ++k) theta[k] = machine.b[j];
  for (size_t i = 0; i < M; ++i) {
    double const* __restrict x = walkers.x + i * walkers.stride;
    double const weight = machine.V[i * machine.hidden + j];
    for (size_t k = 0; k < n; ++k) theta[k] = std::fma(weight, x[k], theta[k]);
  }
}

}  // namespace

bool refresh_near(Machine const& machine, Walkers const& walkers) {
  double* __restrict P = walkers.P;
  for (size_t k = 0; k < walkers.n; ++k) P[k] = 1;
  for (size_t j = 0; j < machine.hidden; ++j) {
    double* __restrict e = walkers.e + j * walkers.stride;
    activation(machine, walkers, j, e);
    FERMIAC_VECTORISE
    for (size_t k = 0; k < walkers.n; ++k) {
      e[k] = simd::exp_held(e[k]);
      P[k] = std::fma(P[k], e[k], P[k]);
    }
  }
  return all_near(walkers);
}

void refresh_far(Machine const& machine, Walkers const& walkers) {
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
    activation(machine, walkers, j, theta);
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n; ++k) {
      e[k] = simd::exp_decay(theta[k]);
      size[k] += std::fabs(theta[k]);
      P[k] = std::fma(P[k], e[k], P[k]);
    }
  }
}

Move move_for(std::size_t dimensions, Form form) {
  static constexpr Move moves[3][2] = {{move<1, Form::near>, move<1, Form::far>},
                                       {move<2, Form::near>, move<2, Form::far>},
                                       {move<3, Form::near>, move<3, Form::far>}};
  return moves[dimensions - 1][form == Form::near ? 0 : 1];
}

}  // namespace fermiac::vmc::kernels
