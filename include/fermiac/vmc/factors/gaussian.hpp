/// The Gaussian factor: the ground state of the trap, with a width that is trained.
///
///     Psi = exp(-alpha omega/2 sum_i r_i^2),     parameter ln alpha, beginning at 0
///
/// Symmetric under any exchange. In an anisotropic trap each direction has its own frequency in the place of omega.
#pragma once

#include "fermiac/vmc/factor.hpp"

namespace fermiac::vmc {

/// Options: gaussian.width_trainable (default true; else alpha = 1).
FactorKind gaussian_kind();

}  // namespace fermiac::vmc
