/// The stiff field of Prothero & Robinson (Math. Comp. 28 (1974) 145), in every component:
///
///     f = -k (z - cos t) - sin t,     z(t) = cos t + (z(t0) - cos t0) exp(-k (t - t0)),     div f = -k d
///
/// Smooth and slow, and yet explicit methods must take steps of order 1/k.
#pragma once

#include "fermiac/flow/field.hpp"

namespace fermiac::flow {

/// Option: stiff.rate, k.
FieldKind stiff_kind();

}  // namespace fermiac::flow
