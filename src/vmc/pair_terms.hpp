/// What one pair of particles adds to the control variate of a local energy: for loops over walkers.
#pragma once

#include <cmath>
#include <cstddef>

#include "fermiac/simd/functions.hpp"

namespace fermiac::vmc {

struct PairControl {
  double half_Z;     ///< Z/2, of which the local energy takes -1
  double g1_over_r;  ///< grad_p G = d g'(r) / r, grad_q G = -grad_p G, with d = x_p - x_q
};

/// G = sum of g(r), g = weight r exp(-k r) / (D - 1), whose Z/2 = 1/2 del^2 G + grad G . grad ln Psi takes weight / r from the
/// energy (in one dimension D - 1 counts as 1). `slope` is d . (drift_p - drift_q).
template <std::size_t D>
[[gnu::always_inline]] inline PairControl pair_control(double r, double inverse_r, double slope, double decay, double weight) {
  constexpr double transverse = D > 1 ? static_cast<double>(D - 1) : 1.0;
  double const kr = decay * r;
  double const envelope = simd::exp_decay(kr) * (weight * (1.0 / transverse));
  double const g1_over_r = (1.0 - kr) * envelope * inverse_r;
  double const g2 = decay * (kr - 2.0) * envelope;
  return {std::fma(g1_over_r, slope + transverse, g2), g1_over_r};
}

}  // namespace fermiac::vmc
