/// Derivatives of scalar twins in long double.
#pragma once

#include <functional>
#include <vector>

namespace fermiac::testing {

using Real = long double;
using Reals = std::vector<Real>;

using Line = std::function<Real(Real)>;

/// f'(0), and f''(0).
inline Real first_difference(Line const& f, Real h) {
  return (4 * (f(h) - f(-h)) / 5 - (f(2 * h) - f(-2 * h)) / 5 + 4 * (f(3 * h) - f(-3 * h)) / 105 -
          (f(4 * h) - f(-4 * h)) / 280) /
         h;
}
inline Real second_difference(Line const& f, Real h) {
  return (8 * (f(h) + f(-h)) / 5 - (f(2 * h) + f(-2 * h)) / 5 + 8 * (f(3 * h) + f(-3 * h)) / 315 -
          (f(4 * h) + f(-4 * h)) / 560 - 205 * f(0) / 72) /
         (h * h);
}

}  // namespace fermiac::testing
