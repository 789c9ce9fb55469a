/// The planar field f = u tanh(w . z + b): the continuous planar flow of Chen, Rubanova, Bettencourt & Duvenaud, NeurIPS 2018.
///
///     div f = (u . w) (1 - tanh^2(w . z + b)),     parameters u, w, b: 2 d + 1
#pragma once

#include "fermiac/flow/field.hpp"

namespace fermiac::flow {

/// Options: planar.u, planar.w (d numbers each), planar.b.
FieldKind planar_kind();

}  // namespace fermiac::flow
