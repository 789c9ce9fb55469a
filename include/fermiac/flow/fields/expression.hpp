/// A field of formulas, one a component, given in the study file: `flow/expression.hpp` says what may be written. Its Jacobian,
/// divergence and the gradient of that are derived formulas: exact, with nothing to compile.
#pragma once

#include "fermiac/flow/field.hpp"

namespace fermiac::flow {

/// Option: expression.components, separated by semicolons.
FieldKind expression_kind();

}  // namespace fermiac::flow
