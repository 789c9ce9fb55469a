/// The simple Jastrow factor: an exponential of distances whose strength is trained, as other codes have it.
///
///     Psi = exp( sum_{i<j} b r_ij ),     b one number for unlike pairs and one for like ones
///
/// Parameters: b of unlike pairs, then of like ones, of those classes that are present; inverse lengths of either sign. They
/// begin at simple_jastrow.b sqrt(omega). (Codes that train a matrix b_ij have a factor that is not symmetric under exchange.)
///
/// Its cusp is b: not Kato's unless b happens to be, so that E_L has a pole 1/r at contact, and infinite variance in two
/// dimensions without the control variate. For comparison with published tables; `pade_jastrow` is the better factor.
///
/// Symmetric under exchange of like particles. Two or three dimensions; refused in one, where it would be a kink.
///
/// Exact minima beside the Gaussian factor, N = 2: E = 3.012553 (D = 2, omega = 1), 2.002310 (D = 3, omega = 1/2).
#pragma once

#include "fermiac/vmc/factor.hpp"

namespace fermiac::vmc {

/// Options: simple_jastrow.b, in sqrt(omega), where both begin.
FactorKind simple_jastrow_kind();

}  // namespace fermiac::vmc
