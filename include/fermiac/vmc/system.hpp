/// The quantum dot: particles, trap, interaction.
///
///     H = sum_i [ -1/2 del_i^2 + 1/2 omega^2 r_i^2 ] + sum_{i<j} v(r_ij)     in (effective) atomic units
#pragma once

namespace fermiac::vmc {

enum class Interaction {
  none,     ///< v = 0
  coulomb,  ///< v = 1 / r; refused in one dimension, where a wave function that does not vanish at contact has infinite energy
  soft_coulomb  ///< v = 1 / sqrt(r^2 + softening^2)
};

struct System {
  int particles = 2;   ///< at least 1
  int dimensions = 2;  ///< 1, 2 or 3
  double omega = 1;    ///< trap frequency, inverse atomic time, greater than 0
  Interaction interaction = Interaction::coulomb;
  double softening = 0;  ///< length, greater than 0 for soft_coulomb
};

/// @throws InputError  naming the key of `system` that is out of range: particles, dimensions, omega, interaction, softening
void check(System const& system);

}  // namespace fermiac::vmc
