/// Rotation in the planes of components 1 and 2, 3 and 4, ...; a last odd component stays.
///
///     f = (-w z2, w z1, -w z4, w z3, ...),     div f = 0
#pragma once

#include "fermiac/flow/field.hpp"

namespace fermiac::flow {

/// Option: rotation.rate, w.
FieldKind rotation_kind();

}  // namespace fermiac::flow
