/// What the kernels of moves and of measurements share: tiles of walkers, and the scratch of one tile.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "rbm_kernels.hpp"

// Loops over walkers are innermost and over full tiles of a constant size where there is one, so that GCC makes straight vector
// code of them. The walkers' columns never overlap.
#define FERMIAC_VECTORISE _Pragma("GCC ivdep")
#define FERMIAC_UNROLL _Pragma("GCC unroll 16")

namespace fermiac::vmc::kernels {

using FullTile = std::integral_constant<std::size_t, tile_size>;

/// Calls body(first walker, number of walkers) for each tile, the number a constant for full ones.
template <class Body>
[[gnu::always_inline]] inline void for_each_tile(std::size_t n, Body const& body) {
  std::size_t first = 0;
  for (; first + tile_size <= n; first += tile_size) body(first, FullTile{});
  if (first < n) body(first, n - first);
}

/// Calls body(j, constant R) for blocks of R = 4, then 2, then 1 numbers j ... j + R - 1 below n.
template <class Body>
[[gnu::always_inline]] inline void for_each_block(std::size_t n, Body const& body) {
  std::size_t j = 0;
  for (; j + 4 <= n; j += 4) body(j, std::integral_constant<std::size_t, 4>{});
  for (; j + 2 <= n; j += 2) body(j, std::integral_constant<std::size_t, 2>{});
  for (; j < n; ++j) body(j, std::integral_constant<std::size_t, 1>{});
}

/// The same for blocks of 8, 4, 2 and 1.
template <class Body>
[[gnu::always_inline]] inline void for_each_large_block(std::size_t n, Body const& body) {
  std::size_t j = 0;
  for (; j + 8 <= n; j += 8) body(j, std::integral_constant<std::size_t, 8>{});
  if (j + 4 <= n) {
    body(j, std::integral_constant<std::size_t, 4>{});
    j += 4;
  }
  if (j + 2 <= n) {
    body(j, std::integral_constant<std::size_t, 2>{});
    j += 2;
  }
  if (j < n) body(j, std::integral_constant<std::size_t, 1>{});
}

/// The same for blocks of 2 and 1.
template <class Body>
[[gnu::always_inline]] inline void for_each_pair(std::size_t n, Body const& body) {
  std::size_t j = 0;
  for (; j + 2 <= n; j += 2) body(j, std::integral_constant<std::size_t, 2>{});
  for (; j < n; ++j) body(j, std::integral_constant<std::size_t, 1>{});
}

/// (word + 1/2) 2^-32 - 1/2, times 2^32: exact. A signed conversion, for there is no unsigned one below AVX-512.
[[gnu::always_inline]] inline double centred(std::uint32_t word) {
  return static_cast<double>(std::bit_cast<std::int32_t>(word ^ 0x80000000U)) + 0.5;
}

/// Columns of the scratch, `tile_size` doubles each. Moves keep what they propose where measurements keep probabilities and
/// their slopes.
struct Scratch {
  Scratch(Machine const& machine, double* memory)
      : M(machine.particles * machine.dimensions), H(machine.hidden), data(memory) {}
  double* probability(std::size_t j) const { return data + j * tile_size; }
  double* slope(std::size_t j) const { return data + (H + j) * tile_size; }
  double* new_e(std::size_t j) const { return probability(j); }
  double* new_theta(std::size_t j) const { return slope(j); }
  double* drift(std::size_t i) const { return data + (2 * H + i) * tile_size; }
  double* pair_gradient(std::size_t i) const { return data + (2 * H + M + i) * tile_size; }
  double* ones() const { return data + (2 * H + 2 * M) * tile_size; }
  double* sigma_feature() const { return data + (2 * H + 2 * M + 1) * tile_size; }
  double* feature(std::size_t k) const { return data + (2 * H + 2 * M + 2 + k) * tile_size; }

  std::size_t M;
  std::size_t H;
  double* data;
};

}  // namespace fermiac::vmc::kernels
