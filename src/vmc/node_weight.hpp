/// The regularisation at nodes of `ProductPack`.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace fermiac::vmc {

/// Writes f of n walkers, from the kinetic energies of their gradients, 1/2 |grad ln Psi|^2.
inline void node_weights(double node_length, double const* __restrict kinetic_from_gradient, std::size_t n,
                         double* __restrict weight) {
  // The squared distance to the node is half over that energy.
  double const unit = 0.5 / (node_length * node_length);
#pragma GCC ivdep
  for (std::size_t w = 0; w < n; ++w) {
    double const y2 = std::min(1.0, unit / kinetic_from_gradient[w]);
    weight[w] = y2 * std::fma(y2, std::fma(7.0, y2, -15.0), 9.0);
  }
}

}  // namespace fermiac::vmc
