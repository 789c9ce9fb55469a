/// The componentwise field f_i(z) = tanh(z_i^3), in any dimension.
///
///     df_i/dz_i = 3 z_i^2 (1 - f_i^2)
///
/// Fixed point 0, where the density is kept. Autonomous in one dimension a component, so f itself is carried by the flow:
/// dz_t/dz_0 = f(z_t) / f(z_0) for each component, from which the density is known to any accuracy:
/// log p_t(z_t) = log p_0(z_0) - sum_i log(f(z_ti) / f(z_0i)).
#pragma once

#include "fermiac/flow/field.hpp"

namespace fermiac::flow {

/// No options.
FieldKind tanh_cubed_kind();

}  // namespace fermiac::flow
