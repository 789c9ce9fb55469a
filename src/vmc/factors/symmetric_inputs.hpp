/// The smooth functions of a particle's and a pair's place that symmetric machines take in, in units where omega = 1.
#pragma once

#include <cmath>
#include <cstddef>

#include "fermiac/simd/functions.hpp"
#include "fermiac/vmc/system.hpp"

namespace fermiac::vmc {

/// A function of r^2, and its first two derivatives in it.
struct RadialFunction {
  double value;
  double first;
  double second;

  /// (grad f) = 2 first x;  del^2 f in D dimensions.
  [[gnu::always_inline]] double laplacian(double D, double square) const { return std::fma(2 * D, first, 4 * square * second); }
};

/// r^2 / (scale + r^2).
[[gnu::always_inline]] inline RadialFunction saturating(double square, double scale) {
  double const inverse = 1 / (scale + square);
  double const first = scale * inverse * inverse;
  return {square * inverse, first, -2 * first * inverse};
}

/// N^(2/3), about the mean r^2 of a particle in a dot of N.
inline double mean_square(System const& system) {
  return simd::exp(2.0 / 3.0 * simd::log(static_cast<double>(system.particles)));
}

/// t(r) = r^2 / (1 + r).
[[gnu::always_inline]] inline double stretched(double r) { return r * r / (1 + r); }

struct StretchedSlope {
  double first;   ///< t' / r
  double second;  ///< t''
};
[[gnu::always_inline]] inline StretchedSlope stretched_slope(double r) {
  double const inverse = 1 / (1 + r);
  return {(2 + r) * inverse * inverse, 2 * inverse * inverse * inverse};
}

}  // namespace fermiac::vmc
