/// The regularisation at nodes of `ProductPack`.
#pragma once

#include <algorithm>
#include <cmath>

namespace fermiac::vmc {

/// What the kinetic energy from the gradient, 1/2 |grad ln Psi|^2, is at this distance from a node.
inline double near_node(double length) { return 0.5 / (length * length); }

/// The factor f by which terms are multiplied near nodes; the squared distance to one is half over the kinetic energy from the
/// gradient.
/// @param unit  `near_node` of the length within which that is done
[[gnu::always_inline]] inline double node_weight(double unit, double from_gradient) {
  double const y2 = std::min(1.0, unit / from_gradient);
  return y2 * std::fma(y2, std::fma(7.0, y2, -15.0), 9.0);
}

}  // namespace fermiac::vmc
