/// The quantum dot: particles, spins, trap, interaction.
///
///     H = sum_i [ -1/2 del_i^2 + V(r_i) ] + sum_{i<j} v(r_ij)     in (effective) atomic units
///
/// The first `n_up` particles have spin up, the others spin down. Two fermions of one spin are *like*: a wave function changes
/// sign when they are exchanged, and vanishes where they meet. Two of different spin, and any two bosons, are *unlike*.
#pragma once

#include <array>
#include <cstddef>

namespace fermiac::vmc {

enum class Interaction {
  none,     ///< v = 0
  coulomb,  ///< v = 1 / r; refused for two and more in one dimension, where a wave function that does not vanish at contact has
            ///< infinite energy
  soft_coulomb  ///< v = 1 / sqrt(r^2 + softening^2)
};

enum class Statistics { fermions, bosons };

enum class Trap {
  harmonic,    ///< V = 1/2 sum_c omega_c^2 x_c^2, omega_c = omega times `frequency_ratio`
  double_well  ///< V = that with |x| - well_distance / 2 for the first coordinate: two wells, `well_distance` apart
};

struct System {
  int particles = 2;   ///< at least 1
  int dimensions = 2;  ///< 1, 2 or 3
  double omega = 1;    ///< trap frequency, inverse atomic time, greater than 0
  Interaction interaction = Interaction::coulomb;
  double softening = 0;  ///< length, greater than 0 for soft_coulomb
  int up = -1;           ///< particles of spin up, 0 to `particles`; -1 for half of them, rounded up
  Statistics statistics = Statistics::fermions;
  Trap trap = Trap::harmonic;
  std::array<double, 3> frequency_ratio = {1, 1, 1};  ///< of the directions x, y, z to omega, greater than 0
  double well_distance = 0;                           ///< length, 0 or greater
};

/// @throws InputError  naming the key of `system` that is out of range
void check(System const& system);

/// Particles of spin up.
std::size_t n_up(System const& system);

/// Whether the exchange of particles p and q changes the sign of the wave function.
bool are_like(System const& system, std::size_t p, std::size_t q);

/// Whether any two particles are like, and whether any two are not.
bool has_like_pairs(System const& system);
bool has_unlike_pairs(System const& system);

/// Whether the trap is the isotropic harmonic one, for which closed forms are known.
bool is_isotropic(System const& system);

}  // namespace fermiac::vmc
