/// Exact ground states: the floors below which no wave function's energy lies.
#pragma once

#include <optional>

#include "fermiac/vmc/system.hpp"

namespace fermiac::vmc {

/// Ground state energy of two electrons with Coulomb interaction (singlet), in atomic units, exact to 1e-13 relative.
///
/// The centre of mass contributes dimensions omega / 2. The relative motion, mass 1/2 and energy eps, has the regular solution
///
///     u(r) = e^{-omega r^2 / 4} sum_k a_k r^k,     k (k + dimensions - 2) a_k = a_{k-1} - (eps - omega (k - 2 + dimensions /
///     2)) a_{k-2},
///
/// a_0 = 1, which decays where eps is an eigenvalue: eps is the lowest at which the sum vanishes at r = 11 / sqrt(omega), in
/// 60-digit arithmetic (1e-20 from the eigenvalue). At countably many omega the series ends and the energy is in closed form:
/// 3 at omega = 1 and 2/3 at 1/6 in two dimensions, 2 at 1/2 and 1/2 at 1/10 in three.
///
/// @param omega       0.001 to 1000
/// @param dimensions  2 or 3
/// @throws InputError  where they are outside these ranges
///
/// Cost: about 10 ms.
///
/// Taut, Phys. Rev. A 48, 3561 (1993); Taut, J. Phys. A 27, 1045 (1994) (two dimensions).
double two_electron_ground_state(double omega, int dimensions);

/// The exact lowest energy of the dot over wave functions of any symmetry, where it is known here: particles dimensions omega /
/// 2 without interaction or with one particle, that of two electrons in two and three dimensions; none otherwise (soft Coulomb,
/// more interacting particles, two electrons with omega outside the range above).
/// @throws InputError  where the system is refused by `check`
std::optional<double> ground_state_energy(System const& system);

}  // namespace fermiac::vmc
