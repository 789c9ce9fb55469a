/// The mean of the interaction over a Gaussian distance.
#pragma once

#include "fermiac/vmc/system.hpp"

namespace fermiac::vmc {

/// A mean and its derivatives.
struct MeanInteraction {
  double value = 0;
  double by_squared_distance = 0;  ///< d value / d |mu|^2
  double by_variance = 0;          ///< d value / d v
};

/// Mean of v(|r|) where r is normal around mu with variance v in each of `dimensions` directions. With q = |mu|^2:
///
///     coulomb, 2D     sqrt(pi / (2 v)) e^{-z} I_0(z),                z = q / (4 v)
///     coulomb, 3D     erf(sqrt(q / (2 v))) / sqrt(q)
///     soft_coulomb    (2 / sqrt(pi)) int_0^inf e^{-t^2 softening^2} (1 + 2 v t^2)^{-dimensions / 2} e^{-t^2 q / (1 + 2 v t^2)}
///     dt
///                     = sqrt(2 / (pi v)) int_0^inf cosh(y)^{1 - dimensions} e^{-q tanh(y)^2 / (2 v) - softening^2 sinh(y)^2 /
///                     (2 v)} dy,
///
/// the last by the trapezoidal rule, which converges exponentially: truncated 1.1e-15 relative to the value (tested against
/// 30 digits for q / v from 0 to 1e4 and softening^2 / v from 1e-8 to 1e3). All three are accurate to 2e-15 relative, the
/// derivatives to 2e-14 of value / q and value / v.
///
/// @param system            for interaction, dimensions, softening; as accepted by `check`
/// @param squared_distance  |mu|^2, at least 0
/// @param variance          v, greater than 0
///
/// Cost: below a microsecond, some microseconds where the Coulomb interaction is soft.
MeanInteraction mean_interaction(System const& system, double squared_distance, double variance);

}  // namespace fermiac::vmc
