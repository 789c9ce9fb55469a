#include "fermiac/optimise/schedule.hpp"

#include <cmath>
#include <string>

#include "fermiac/base/error.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::optimise {

namespace {

void require_initial(double initial) {
  if (!(initial >= 0) || !std::isfinite(initial))
    throw InputError("the first value of a schedule must be at least 0 and finite, not " + std::to_string(initial));
}

void require_length(double length) {
  if (!(length > 0) || !std::isfinite(length))
    throw InputError("the length of a schedule must be greater than 0 and finite, not " + std::to_string(length));
}

void require_fraction(bool in_range, double fraction) {
  if (!in_range)
    throw InputError("the last value of a schedule must be between 0 and 1 of the first, not " + std::to_string(fraction));
}

}  // namespace

Schedule Schedule::constant(double initial) {
  require_initial(initial);
  return {Shape::constant, initial, 1, 1};
}

Schedule Schedule::inverse(double initial, double half_life) {
  require_initial(initial);
  require_length(half_life);
  return {Shape::inverse, initial, half_life, 0};
}

Schedule Schedule::exponential(double initial, double length, double final_fraction) {
  require_initial(initial);
  require_length(length);
  require_fraction(final_fraction > 0 && final_fraction <= 1, final_fraction);
  return {Shape::exponential, initial, length, final_fraction};
}

Schedule Schedule::cosine(double initial, double length, double final_fraction) {
  require_initial(initial);
  require_length(length);
  require_fraction(final_fraction >= 0 && final_fraction <= 1, final_fraction);
  return {Shape::cosine, initial, length, final_fraction};
}

double Schedule::at(std::uint64_t iteration) const noexcept {
  double const share = static_cast<double>(iteration) / length_;
  switch (shape_) {
    case Shape::constant:
      return initial_;
    case Shape::inverse:
      return initial_ / (1 + share);
    case Shape::exponential:
      return initial_ * (share < 1 ? simd::exp(share * simd::log(final_fraction_)) : final_fraction_);
    case Shape::cosine:
      break;
  }
  if (!(share < 1)) return initial_ * final_fraction_;
  return initial_ * (final_fraction_ + (1 - final_fraction_) * 0.5 * (1 + simd::sincos_turns(0.5 * share).cos));
}

}  // namespace fermiac::optimise
