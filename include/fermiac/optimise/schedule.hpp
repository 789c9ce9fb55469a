/// How a rate or a shift changes in the course of an optimisation.
#pragma once

#include <cstdint>

namespace fermiac::optimise {

/// A value for each iteration t = 0, 1, 2, ...:
///
/// | schedule    | value; f = final_fraction                                                     |
/// |-------------|-------------------------------------------------------------------------------|
/// | constant    | initial                                                                       |
/// | inverse     | initial / (1 + t / half_life)                                                 |
/// | exponential | initial f^(t / length), from t = length on initial f                          |
/// | cosine      | initial [f + (1 - f) (1 + cos(pi t / length)) / 2], from t = length on initial f |
///
/// The sum of the inverse schedule over t diverges and that of its squares does not, as convergence to a point asks for.
///
/// Depends on t alone: nothing to be saved. Bits are the same everywhere (functions of `simd`).
///
/// Robbins & Monro, Ann. Math. Statist. 22, 400 (1951) (inverse); Loshchilov & Hutter, ICLR 2017, arXiv:1608.03983 (cosine).
class Schedule {
 public:
  /// @param initial         at least 0, finite
  /// @param half_life       iterations, greater than 0, finite
  /// @param length          iterations, greater than 0, finite
  /// @param final_fraction  at most 1; greater than 0 (exponential), at least 0 (cosine)
  /// @throws InputError  where they are outside these ranges
  static Schedule constant(double initial);
  static Schedule inverse(double initial, double half_life);
  static Schedule exponential(double initial, double length, double final_fraction);
  static Schedule cosine(double initial, double length, double final_fraction);

  double at(std::uint64_t iteration) const noexcept;

 private:
  enum class Shape { constant, inverse, exponential, cosine };
  Schedule(Shape shape, double initial, double length, double final_fraction)
      : shape_(shape), initial_(initial), length_(length), final_fraction_(final_fraction) {}

  Shape shape_;
  double initial_;
  double length_;
  double final_fraction_;
};

}  // namespace fermiac::optimise
