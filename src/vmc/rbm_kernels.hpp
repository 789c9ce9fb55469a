/// Loops over the walkers of a pack, compiled for common numbers of dimensions and hidden units and for any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fermiac::vmc::kernels {

inline constexpr std::size_t tile_size = 128;   ///< walkers whose intermediate values stay in the first cache; a multiple of 16
inline constexpr std::size_t group_size = 256;  ///< hidden units whose product of 1 + e stays below 2^256
inline constexpr std::size_t n_lanes = 16;

/// The wave function and the Hamiltonian as numbers. `hidden` and `particles` are the only sizes that a kernel reads from here
/// where it is compiled for the others.
struct Machine {
  std::size_t particles;
  std::size_t dimensions;
  std::size_t hidden;
  std::size_t parameters;
  double const* a;         ///< M
  double const* b;         ///< H
  double const* V;         ///< W / sigma^2, M x H, row after row
  double const* V_square;  ///< sum_i V_ij^2, H
  double const* V_sum;     ///< sum_j V_ij, M
  double inverse_sigma_squared;
  double s;  ///< 1/2 or 1
  bool sigma_trainable;
  double omega;
  bool interacting;
  double softening_squared;
  bool control;          ///< whether the control variate is added
  double control_decay;  ///< k of g = r exp(-k r) / (D - 1)
};

/// Columns of a pack: walkers contiguous, columns `stride` apart.
struct Walkers {
  std::size_t n;
  std::size_t stride;
  double* x;
  double* theta;
  double* e;
  double* size;     ///< sum_j |theta_j|, and 2 ln of the factors that P does not hold
  double* P;        ///< prod_j (1 + e_j), of the last groups of units
  double* scratch;  ///< `scratch_columns` columns of `tile_size` rows
};

/// Columns of scratch that moves and measurements of this machine need.
std::size_t scratch_columns(Machine const& machine);

/// theta, e, size and P of all walkers from x.
void refresh(Machine const& machine, Walkers const& walkers);

/// Offers `particle` of every walker a move; returns how many take it. Random words as in `RbmPack`.
using Move = std::uint64_t (*)(Machine const& machine, Walkers const& walkers, std::size_t particle, double step,
                               std::uint32_t const* const words[4]);

/// Writes the terms of `LocalEnergies` to the columns `terms` (term_stride apart); adds to the lanes of `sums`, where given,
/// and the products of features where asked for.
using Measure = void (*)(Machine const& machine, Walkers const& walkers, double* terms, std::size_t term_stride, double* sums,
                         bool with_products);

/// grad ln Psi (walkers x M) and del^2 ln Psi.
using Slope = void (*)(Machine const& machine, Walkers const& walkers, double* drift, std::size_t drift_stride,
                       double* laplacian);

struct Kernels {
  Move move;
  Measure measure;
  Slope slope;
};

/// The kernels compiled for these sizes, or the generic ones.
Kernels kernels_for(std::size_t dimensions, std::size_t hidden);

}  // namespace fermiac::vmc::kernels
