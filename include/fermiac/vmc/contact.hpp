/// What the local energy does where two particles meet: the origin of heavy tails, told without sampling.
#pragma once

#include <string>

#include "fermiac/vmc/system.hpp"
#include "fermiac/vmc/wave_function.hpp"

namespace fermiac::vmc {

enum class Contact {
  regular,           ///< the local energy stays bounded
  finite_variance,   ///< it has a pole whose square is integrable
  infinite_variance  ///< it has a pole whose square is not: error bars of plain means do not hold
};

struct ContactBehaviour {
  Contact kind = Contact::regular;
  double limit = 0;  ///< of r E_L for r -> 0, atomic units
  std::string text;  ///< one line for tables and files
};

/// Limit of r E_L at the contact of two particles, and whether the variance of E_L is finite: the worse of unlike and like
/// pairs.
///
/// A wave function that does not vanish at contact and behaves there as 1 + cusp r + O(r^2) has
///
///     E_L = (g - (dimensions - 1) cusp) / r + O(1),     g = 1 for Coulomb interaction and 0 otherwise,
///
/// and |Psi|^2 gives distances below r the probability ~ r^dimensions: the square of the pole has a finite mean in three
/// dimensions, and one that diverges as ln r in two. Where like particles meet, Psi ~ x_12 (1 + cusp r): dimensions + 1 in the
/// place of dimensions - 1, and the node gives the pole's square a finite mean. Kato's conditions remove the poles of
/// Coulomb's. A factor that is not symmetric beside an antisymmetric one leaves a pole at like contact whose size depends on
/// place and direction: of finite variance, its limit is NaN.
///
/// @param system    as accepted by `check`
/// @param cusp      of the whole wave function; {}, the default, for a pure restricted Boltzmann machine, which is smooth; 0 in
///                  one dimension, where anything else would be a kink
/// @param symmetry  of the wave function
///
/// Kato, Commun. Pure Appl. Math. 10, 151 (1957); Pack & Byers Brown, J. Chem. Phys. 45, 556 (1966).
ContactBehaviour contact_behaviour(System const& system, Cusp const& cusp = {},
                                   WaveFunction::Symmetry symmetry = WaveFunction::Symmetry::exact);

}  // namespace fermiac::vmc
