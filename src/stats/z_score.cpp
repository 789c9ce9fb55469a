#include "fermiac/stats/z_score.hpp"

#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace fermiac::stats {

namespace {

double score(double difference, double error, double other_error) {
  double const total = std::hypot(error, other_error);
  if (total == 0 && difference == 0) return 0;
  return difference / total;
}

// Student's distribution function below zero is the small tail itself: no cancellation.
double lower_tail(double z, double degrees_of_freedom) {
  if (std::isnan(z) || !(degrees_of_freedom > 0)) return std::numeric_limits<double>::quiet_NaN();
  if (std::isinf(degrees_of_freedom)) return 0.5 * std::erfc(-z / std::sqrt(2.0));
  if (std::isinf(z)) return z < 0 ? 0 : 1;
  return cdf(boost::math::students_t(degrees_of_freedom), z);
}

}  // namespace

double z_score(Estimate const& estimate, double truth, double truth_error) {
  return score(estimate.value - truth, estimate.error, truth_error);
}

double z_score(Estimate const& estimate, Bound side, double bound, double bound_error) {
  double const difference = estimate.value - bound;
  return score(side == Bound::lower ? difference : -difference, estimate.error, bound_error);
}

double two_sided_p_value(double z, double degrees_of_freedom) { return 2 * lower_tail(-std::abs(z), degrees_of_freedom); }

double one_sided_p_value(double z, double degrees_of_freedom) { return lower_tail(z, degrees_of_freedom); }

}  // namespace fermiac::stats
