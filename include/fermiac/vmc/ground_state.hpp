/// Exact ground states: the floors below which no wave function's energy lies.
#pragma once

#include <optional>

#include "fermiac/vmc/system.hpp"

namespace fermiac::vmc {

/// Ground state energy of two electrons with Coulomb interaction, in atomic units, exact to 1e-13 relative: of the singlet
/// (unlike spins, l = 0) or of the triplet (like spins, l = 1).
///
/// The centre of mass contributes dimensions omega / 2. The relative motion, mass 1/2 and energy eps, has the regular solution
///
///     u(r) = r^l e^{-omega r^2 / 4} sum_k a_k r^k,
///     k (k + 2 l + dimensions - 2) a_k = a_{k-1} - (eps - omega (k - 2 + l + dimensions / 2)) a_{k-2},
///
/// a_0 = 1, which decays where eps is an eigenvalue: eps is the lowest at which the sum vanishes at r = 11 / sqrt(omega), in
/// 60-digit arithmetic (1e-20 from the eigenvalue). At countably many omega the series ends and the energy is in closed form:
/// 3 at omega = 1 and 2/3 at 1/6 in two dimensions, 2 at 1/2 and 1/2 at 1/10 in three; like spins: 4/3 at 1/3 in two, 5/4 at
/// 1/4 in three.
///
/// @param omega       0.001 to 1000
/// @param dimensions  2 or 3
/// @throws InputError  where they are outside these ranges
///
/// Cost: about 10 ms.
///
/// Taut, Phys. Rev. A 48, 3561 (1993); Taut, J. Phys. A 27, 1045 (1994) (two dimensions).
double two_electron_ground_state(double omega, int dimensions, bool like = false);

/// The lowest energy in a harmonic trap, isotropic or not, without interaction: the lowest orbitals filled once for each spin,
/// or all bosons in the lowest.
/// @throws InputError  where the system is refused by `check`
double non_interacting_ground_state(System const& system);

/// The exact lowest energy of the dot for its statistics and spins, where it is known here: without interaction or with one
/// particle in a harmonic trap, two particles with Coulomb interaction in an isotropic one; none otherwise (double well, soft
/// Coulomb, more interacting particles, two electrons with omega outside the range above).
/// @throws InputError  where the system is refused by `check`
std::optional<double> ground_state_energy(System const& system);

}  // namespace fermiac::vmc
