#include "fermiac/vmc/mean_interaction.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "fermiac/base/error.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::vmc {

namespace {

using std::numbers::pi;

// Relative size from which on a term no longer counts.
constexpr double negligible = 1e-18;

struct ScaledBessel {
  double I0;          // e^{-z} I_0(z)
  double difference;  // e^{-z} (I_0(z) - I_1(z)), which the two alone would not give where z is large
};

ScaledBessel scaled_bessel(double z) {
  if (z < 20) {
    auto const quarter = 0.25 * z * z;
    double I0 = 0;
    double I1 = 0;
    double term = 1;  // (z^2 / 4)^k / k!^2
    for (double k = 1; term > negligible * I0; ++k) {
      I0 += term;
      I1 += term / k;
      term *= quarter / (k * k);
    }
    I1 *= 0.5 * z;
    auto const scale = simd::exp(-z);
    return {scale * I0, scale * (I0 - I1)};
  }
  // Asymptotic series; its smallest term is e^{-2 z}. The terms of I_1 are those of I_0 times -(2 k + 1) / (2 k - 1).
  double I0 = 1;
  double difference = 0;
  double term = 1;  // ((2 k - 1)!!)^2 / (k! (8 z)^k)
  for (double k = 1; k < 40; ++k) {
    term *= (2 * k - 1) * (2 * k - 1) / (8 * k * z);
    if (term < negligible * difference) break;
    I0 += term;
    difference += term * 4 * k / (2 * k - 1);
  }
  auto const scale = 1 / std::sqrt(2 * pi * z);
  return {scale * I0, scale * difference};
}

struct Boys {
  double F0;  // int_0^1 exp(-u t^2) dt
  double F1;  // int_0^1 t^2 exp(-u t^2) dt
};

Boys boys(double u) {
  if (u > 40) {  // where erf is 1
    auto const F0 = 0.5 * std::sqrt(pi / u);
    return {F0, F0 / (2 * u)};
  }
  double sum = 0;
  double term = 1.0 / 3;  // (2 u)^k / (3 5 ... (2 k + 3))
  for (double k = 1; term > negligible * sum; ++k) {
    sum += term;
    term *= 2 * u / (2 * k + 3);
  }
  auto const tail = simd::exp(-u);
  return {tail * (2 * u * sum + 1), tail * sum};
}

// The bare Coulomb mean is homogeneous of degree -1 in mu and sqrt(v).
MeanInteraction homogeneous(double value, double by_squared_distance, double squared_distance, double variance) {
  return {value, by_squared_distance, -(0.5 * value + squared_distance * by_squared_distance) / variance};
}

MeanInteraction mean_coulomb(int dimensions, double q, double v) {
  if (dimensions == 2) {
    auto const [I0, difference] = scaled_bessel(q / (4 * v));
    auto const scale = std::sqrt(pi / (2 * v));
    return homogeneous(scale * I0, -scale * difference / (4 * v), q, v);
  }
  auto const [F0, F1] = boys(q / (2 * v));
  auto const scale = std::sqrt(2 / (pi * v));
  return homogeneous(scale * F0, -scale * F1 / (2 * v), q, v);
}

MeanInteraction mean_soft_coulomb(int dimensions, double q, double v, double softening) {
  auto const Q = q / (2 * v);
  auto const reach = softening / std::sqrt(2 * v);
  auto const width = 0.3 / std::sqrt(std::max(Q + reach * reach, 6.25));
  double sum = 0.5;
  double tanh_squares = 0;
  double sinh_squares = 0;  // times reach^2
  for (int k = 1;; ++k) {
    auto const y = width * k;
    auto const rise = simd::exp(y);
    auto const cosh = 0.5 * (rise + 1 / rise);
    auto const tanh = simd::tanh(y);
    auto const sinh = tanh * cosh;  // (rise - 1 / rise) / 2 would lose digits where y is small
    auto const tanh_square = tanh * tanh;
    auto const sinh_square = (reach * sinh) * (reach * sinh);
    auto const decay = dimensions == 1 ? 1.0 : dimensions == 2 ? 1 / cosh : 1 / (cosh * cosh);
    auto const term = decay * simd::exp(-Q * tanh_square - sinh_square);
    if (!(term >= 0.1 * negligible * sum)) break;
    sum += term;
    tanh_squares += tanh_square * term;
    sinh_squares += sinh_square * term;
  }
  auto const scale = width * std::sqrt(2 / (pi * v));
  return {scale * sum, -scale * tanh_squares / (2 * v), scale * (Q * tanh_squares + sinh_squares - 0.5 * sum) / v};
}

}  // namespace

MeanInteraction mean_interaction(System const& system, double squared_distance, double variance) {
  FERMIAC_ASSERT(squared_distance >= 0 && variance > 0);
  if (system.interaction == Interaction::none) return {};
  if (system.interaction == Interaction::soft_coulomb)
    return mean_soft_coulomb(system.dimensions, squared_distance, variance, system.softening);
  FERMIAC_ASSERT(system.dimensions > 1);
  return mean_coulomb(system.dimensions, squared_distance, variance);
}

}  // namespace fermiac::vmc
