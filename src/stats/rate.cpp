#include "fermiac/stats/rate.hpp"

#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <vector>

#include "fermiac/base/error.hpp"

namespace fermiac::stats {

Rate fit_rate(std::span<double const> n, std::span<double const> e, std::span<double const> e_error) {
  FERMIAC_ASSERT(n.size() == e.size() && e.size() == e_error.size());
  struct Point {
    double x, y, weight;
  };
  auto const usable = [](double v) { return std::isfinite(v) && v > 0; };
  std::vector<Point> points;
  for (std::size_t i = 0; i < n.size(); ++i)
    if (usable(n[i]) && usable(e[i]) && usable(e_error[i])) {
      double const relative = e_error[i] / e[i];
      points.push_back({std::log(n[i]), std::log(e[i]), 1 / (relative * relative)});
    }

  Rate result;
  result.exponent.how = result.log_prefactor.how = How::fit;
  result.n_points = points.size();
  double weight = 0, x_mean = 0, y_mean = 0;
  bool distinct = false;
  for (auto const& p : points) {
    weight += p.weight;
    x_mean += p.weight * p.x;
    y_mean += p.weight * p.y;
    distinct = distinct || p.x != points[0].x;
  }
  if (!distinct) return result;
  x_mean /= weight;
  y_mean /= weight;
  double xx = 0, xy = 0;
  for (auto const& p : points) {
    xx += p.weight * (p.x - x_mean) * (p.x - x_mean);
    xy += p.weight * (p.x - x_mean) * (p.y - y_mean);
  }
  double const slope = xy / xx;
  double chi_square = 0;
  for (auto const& p : points) {
    double const residual = p.y - y_mean - slope * (p.x - x_mean);
    chi_square += p.weight * residual * residual;
  }
  result.exponent.value = slope;
  result.exponent.error = 1 / std::sqrt(xx);
  result.log_prefactor.value = y_mean - slope * x_mean;
  result.log_prefactor.error = std::sqrt(1 / weight + x_mean * x_mean / xx);
  result.covariance = -x_mean / xx;
  result.chi_square = chi_square;
  result.degrees_of_freedom = static_cast<double>(points.size()) - 2;
  if (result.degrees_of_freedom > 0) result.p_value = boost::math::gamma_q(result.degrees_of_freedom / 2, chi_square / 2);
  return result;
}

}  // namespace fermiac::stats
