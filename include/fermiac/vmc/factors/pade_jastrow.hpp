/// The Padé-Jastrow factor: correlations of pairs with the exact cusps.
///
///     Psi = exp( sum_{i<j} a r_ij / (1 + beta r_ij) ),     a = 1 / (D - 1) for unlike pairs, 1 / (D + 1) for like ones
///
/// Parameters: ln(beta / sqrt(omega)) of unlike pairs, then of like ones, of those classes that are present; beta is an inverse
/// length and stays positive. With both cusps exact, E_L is bounded where particles meet: like ones beside a factor that
/// vanishes there to first order (`slater`).
///
/// Symmetric under exchange of like particles. In two or three dimensions; refused in one, where no finite cusp is asked for.
/// The cusps are those of Coulomb interaction: with another one, the factor brings a pole into E_L.
///
/// At the minimum for N = 2, D = 2, beside the Gaussian factor: beta / sqrt(omega) = 0.40 at omega = 1, 0.56 at 0.1.
///
/// Drummond, Towler & Needs, Phys. Rev. B 70, 235119 (2004) (Jastrow factors and cusps); Kato, Commun. Pure Appl. Math. 10, 151
/// (1957).
#pragma once

#include "fermiac/vmc/factor.hpp"

namespace fermiac::vmc {

/// Options: pade_jastrow.beta, in sqrt(omega), greater than 0, where both begin.
FactorKind pade_jastrow_kind();

}  // namespace fermiac::vmc
