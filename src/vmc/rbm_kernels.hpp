/// Loops over the walkers of a pack, compiled for each number of dimensions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fermiac::vmc::kernels {

inline constexpr std::size_t tile_size =
    128;  ///< walkers whose intermediate values stay in the nearest caches; a multiple of 16
inline constexpr std::size_t group_size = 256;  ///< hidden units whose product of 1 + e stays below 2^256, e at most 1
inline constexpr double near_limit = 0x1p300;   ///< P of walkers that are near
inline constexpr std::size_t n_lanes = 16;

/// The wave function and the Hamiltonian as numbers.
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

/// How a pack keeps its hidden units.
///
/// | form | e_j              | P                             | ln F + |x - a|^2 / (2 sigma^2)       |
/// |------|------------------|-------------------------------|--------------------------------------|
/// | near | exp(theta_j)     | prod_j (1 + e_j)              | ln P                                 |
/// | far  | exp(-|theta_j|)  | the same, of the last groups  | ln P + (size + sum_j theta_j) / 2    |
///
/// Moves multiply near e_j by exp(delta theta_j), so theta is not kept, and nothing needs to be held between bounds as long as
/// no P exceeds `near_limit` and no single move changes theta by much.
enum class Form { near, far };

/// Columns of a pack: walkers contiguous, columns `stride` apart.
struct Walkers {
  std::size_t n;
  std::size_t stride;
  double* x;
  double* theta;  ///< far only
  double* e;
  double* size;     ///< far only: sum_j |theta_j|, and 2 ln of the factors that P does not hold
  double* P;        ///< prod_j (1 + e_j); far: of the last groups of units
  double* scratch;  ///< `scratch_columns` columns of `tile_size` rows
};

/// Columns of scratch that moves and measurements of this machine need.
std::size_t scratch_columns(Machine const& machine);

/// e and P of all walkers from x, for moves that stay near. Returns false, and has written nonsense, where some P is not below
/// `near_limit`.
bool refresh_near(Machine const& machine, Walkers const& walkers);

/// theta, e, size and P of all walkers from x, for any x.
void refresh_far(Machine const& machine, Walkers const& walkers);

struct Moved {
  std::uint64_t accepted;
  bool near;  ///< whether every P is below `near_limit`
};

/// Offers `particle` of every walker a move. Random words as in `RbmPack`.
using Move = Moved (*)(Machine const& machine, Walkers const& walkers, std::size_t particle, double step,
                       std::uint32_t const* const words[4]);

/// Half of a Gibbs sweep. Chooses `n_units` (1 to 4) hidden units from `j` on, unit j + r to be 1 where (word + 1/2) 2^-32 of
/// words[r] is below its probability, and adds `weight` V_ij to all coordinates of the walkers where it is. Reads e, and theta
/// where far, of which x then is no longer the coordinate.
void choose_hidden(Machine const& machine, Walkers const& walkers, Form form, std::size_t j, std::size_t n_units, double weight,
                   std::uint32_t const* const words[4]);

/// Writes the terms of `LocalEnergies` to the columns `terms` (term_stride apart); adds to the lanes of `sums`, where given,
/// and the products of features where asked for.
using Measure = void (*)(Machine const& machine, Walkers const& walkers, double* terms, std::size_t term_stride, double* sums,
                         bool with_products);

/// grad ln Psi (walkers x M) and del^2 ln Psi.
using Slope = void (*)(Machine const& machine, Walkers const& walkers, double* drift, std::size_t drift_stride,
                       double* laplacian);

Move move_for(std::size_t dimensions, Form form);
Measure measure_for(std::size_t dimensions, Form form);
Slope slope_for(std::size_t dimensions, Form form);

}  // namespace fermiac::vmc::kernels
