/// Exact moments of one draw by quadrature or enumeration, and what they say about averages of draws.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

#include "fermiac/estimators/experiment.hpp"

namespace fermiac::estimators {

/// A rule sum_i weight[i] g(node[i]) for an expectation E g; the weights add up to 1.
struct QuadratureRule {
  std::vector<double> node, weight;

  std::size_t size() const noexcept { return node.size(); }
};

/// E g(Z), Z ~ N(0, 1), by the trapezoidal rule of width `step` on [-reach, reach]: exact to rounding for g analytic in a strip
/// of half-width above 6 step, and for polynomials. What lies outside is below e^(-reach^2 / 2) g.
QuadratureRule normal_rule(double step = 0.5, double reach = 14);

/// E g(R), R^2 ~ chi-square of `degrees_of_freedom` > 0, for g analytic: 60 nodes of Gauss and Legendre on what lies within 9
/// of the mode. 0 degrees of freedom: R = 0.
QuadratureRule chi_rule(double degrees_of_freedom);

/// Mean and central moments of one draw, from weighted values. Values are added about a centre near their mean.
class DrawMoments {
 public:
  explicit DrawMoments(double centre = 0) : centre_(centre) {}

  /// A value x that comes with this probability (or weight of a rule; all weights together are 1).
  void add(double weight, double x);

  double mean() const { return centre_ + first_; }
  double variance() const { return second_ - first_ * first_; }
  /// m_3 / m_2^(3/2) and m_4 / m_2^2; NaN where the variance is 0.
  double skewness() const;
  double kurtosis() const;

 private:
  double centre_;
  double first_ = 0, second_ = 0, third_ = 0, fourth_ = 0;
};

/// The truth about an average of n independent draws of this mean, variance, kurtosis and skewness (NaN: not known).
CellTruth truth_of_average(double n, double mean, double variance, double kurtosis, double target,
                           double skewness = std::numeric_limits<double>::quiet_NaN());

}  // namespace fermiac::estimators
