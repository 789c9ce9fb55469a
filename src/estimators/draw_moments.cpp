#include "fermiac/estimators/draw_moments.hpp"

#include <boost/math/quadrature/gauss.hpp>
#include <cmath>

#include "fermiac/simd/functions.hpp"

namespace fermiac::estimators {

namespace {

void normalise(std::vector<double>& weight) {
  double total = 0;
  for (double const w : weight) total += w;
  for (double& w : weight) w /= total;
}

}  // namespace

QuadratureRule normal_rule(double step, double reach) {
  QuadratureRule rule;
  auto const half = static_cast<int>(std::ceil(reach / step));
  for (int i = -half; i <= half; ++i) {
    double const x = i * step;
    rule.node.push_back(x);
    rule.weight.push_back(simd::exp(-x * x / 2));
  }
  normalise(rule.weight);
  return rule;
}

QuadratureRule chi_rule(double degrees_of_freedom) {
  if (degrees_of_freedom == 0) return {{0}, {1}};
  using Gauss = boost::math::quadrature::gauss<double, 60>;
  double const mode = std::sqrt(std::max(0.0, degrees_of_freedom - 1));
  double const low = std::max(0.0, mode - 9), high = mode + 9;
  double const centre = (low + high) / 2, half = (high - low) / 2;
  QuadratureRule rule;
  for (std::size_t i = 0; i < Gauss::abscissa().size(); ++i)
    for (double const sign : {-1.0, 1.0}) {
      double const r = centre + sign * half * Gauss::abscissa()[i];
      // The density over that at the mode.
      double const relative = mode > 0 ? mode * mode * (simd::log(r / mode)) : 0;
      rule.node.push_back(r);
      rule.weight.push_back(Gauss::weights()[i] * simd::exp(relative - (r * r - mode * mode) / 2));
    }
  normalise(rule.weight);
  return rule;
}

void DrawMoments::add(double weight, double x) {
  double const d = x - centre_;
  double const square = d * d;
  first_ += weight * d;
  second_ += weight * square;
  third_ += weight * square * d;
  fourth_ += weight * square * square;
}

double DrawMoments::skewness() const {
  double const m = first_;
  return (third_ - 3 * m * second_ + 2 * m * m * m) / (variance() * std::sqrt(variance()));
}

double DrawMoments::kurtosis() const {
  double const m = first_;
  double const fourth = fourth_ - 4 * m * third_ + 6 * m * m * second_ - 3 * m * m * m * m;
  return fourth / (variance() * variance());
}

CellTruth truth_of_average(double n, double mean, double variance, double kurtosis, double target, double skewness) {
  CellTruth truth;
  truth.bias.value = mean - target;
  truth.variance.value = variance / n;
  if (variance > 0) {
    truth.skewness = skewness / std::sqrt(n);
    truth.kurtosis = 3 + (kurtosis - 3) / n;
    truth.variance_rate = -1;
    if (truth.bias.value == 0) truth.mse_rate = -1;
  }
  if (truth.bias.value != 0) truth.bias_rate = 0;
  return truth;
}

}  // namespace fermiac::estimators
