/// What the flow of f = tanh(z^3), component by component, does to a sample: the truth that solvers are held against.
#pragma once

#include <cmath>

#include "fermiac/flow/tableaus.hpp"

namespace fermiac::testing {

/// Where a component is after a time, in long double: 24 steps of order 8, whose error up to t = 1/2 is below 1e-16.
inline long double tanh_cubed_end(long double z, long double time, int n_steps = 24) {
  using T = flow::tableaus::Dop853;
  long double const h = time / n_steps;
  for (int step = 0; step < n_steps; ++step) {
    long double k[T::n_stages];
    for (std::size_t s = 0; s < T::n_stages; ++s) {
      long double at = z;
      for (std::size_t j = 0; j < s; ++j) at += h * T::a[s][j] * k[j];
      k[s] = std::tanh(at * at * at);
    }
    for (std::size_t s = 0; s < T::n_stages; ++s) z += h * T::b[s] * k[s];
  }
  return z;
}

/// log dz_t/dz_0 = log(f(z_t) / f(z_0)); 0 at the fixed point. f ~ z^3 there, so nothing cancels.
inline long double tanh_cubed_log_stretch(long double z0, long double zt) {
  if (z0 == 0) return 0;
  return std::log(std::tanh(zt * zt * zt) / std::tanh(z0 * z0 * z0));
}

}  // namespace fermiac::testing
