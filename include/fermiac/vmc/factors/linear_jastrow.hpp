/// The factor (1 + c r) of two particles: with it, some ground states are exact.
///
///     Psi = 1 + c r_12,     c = 1 / (D - 1) for an unlike pair, 1 / (D + 1) for a like one, where it is not chosen
///
/// Beside the Gaussian factor (alpha = 1), and `slater` for like spins, an eigenfunction with Coulomb interaction:
///
/// | pair   | D | omega | c   | E   |
/// |--------|---|-------|-----|-----|
/// | unlike | 2 | 1     | 1   | 3   |
/// | unlike | 3 | 1/2   | 1/2 | 2   |
/// | like   | 2 | 1/3   | 1/3 | 4/3 |
/// | like   | 3 | 1/4   | 1/4 | 5/4 |
///
/// so that E_L has no variance. Parameter, where it is trained: ln(c / sqrt(omega)); c is an inverse length and stays positive.
/// Its cusp is c. Symmetric under exchange. Two particles in two or three dimensions; others are refused.
///
/// Taut, Phys. Rev. A 48, 3561 (1993); J. Phys. A 27, 1045 (1994).
#pragma once

#include "fermiac/vmc/factor.hpp"

namespace fermiac::vmc {

/// Options: linear_jastrow.c, an inverse length, 0 for the exact cusp (default); linear_jastrow.trainable (default false).
FactorKind linear_jastrow_kind();

}  // namespace fermiac::vmc
