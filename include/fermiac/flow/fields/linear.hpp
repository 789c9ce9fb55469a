/// The linear field f = M z, in any dimension.
///
///     z(t) = exp(M (t - t0)) z(t0),     div f = tr M
///
/// so that a Gaussian stays one. With `linear.of_map`, M is the real logarithm of the matrix that is given, and the flow over a
/// unit of time is that map: y = A z, log p(y) = log p(z) - log |det A|.
#pragma once

#include "fermiac/flow/field.hpp"

namespace fermiac::flow {

/// Options: linear.matrix (rows by semicolons), linear.of_map.
FieldKind linear_kind();

}  // namespace fermiac::flow
