/// The Gaussian-binary restricted Boltzmann machine on raw coordinates as a factor (formulas: rbm.hpp).
///
///     ln Psi = s [ -|x - a|^2 / (2 sigma^2) + sum_j ln(1 + exp(theta_j)) ],   theta_j = b_j + sum_i x_i W_ij / sigma^2,   s =
///     1/2, 1
///
/// Parameters in the order of `flatten`: a, b, W column by column, ln sigma where it is trained. It confines the particles by
/// itself. It knows which particle is which: neither symmetric nor antisymmetric under exchange, except for two unlike ones,
/// where nothing is asked. Smooth at contact: no cusp of its own.
#pragma once

#include "fermiac/vmc/factor.hpp"

namespace fermiac::vmc {

/// Its options are the members of `AnsatzSettings`.
FactorKind rbm_kind();

/// Sizes of the machine of these settings.
RbmShape rbm_shape(System const& system, AnsatzSettings const& ansatz);
/// Its width squared at the beginning, length^2.
double initial_sigma_squared(System const& system, AnsatzSettings const& ansatz);

}  // namespace fermiac::vmc
