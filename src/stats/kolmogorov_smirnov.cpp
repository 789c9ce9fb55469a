#include "fermiac/stats/kolmogorov_smirnov.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

namespace fermiac::stats {

double kolmogorov_distance(std::span<double const> p) {
  if (std::ranges::any_of(p, [](double v) { return std::isnan(v); })) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> sorted(p.begin(), p.end());
  std::ranges::sort(sorted);
  double const n = static_cast<double>(sorted.size());
  double distance = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    double const x = std::clamp(sorted[i], 0.0, 1.0);
    distance = std::max({distance, static_cast<double>(i + 1) / n - x, x - static_cast<double>(i) / n});
  }
  return distance;
}

double uniformity_p_value(std::span<double const> p) {
  if (p.empty()) return 1;
  double const root = std::sqrt(static_cast<double>(p.size()));
  double const x = kolmogorov_distance(p) * (root + 0.12 + 0.11 / root);
  if (std::isnan(x)) return x;
  if (x < 1.18) {
    // The series of the distribution function itself, which converges here.
    double const t = std::exp(-std::numbers::pi * std::numbers::pi / (8 * x * x));
    double const below =
        x > 0 ? std::sqrt(2 * std::numbers::pi) / x * (t + std::pow(t, 9) + std::pow(t, 25) + std::pow(t, 49)) : 0;
    return std::clamp(1 - below, 0.0, 1.0);
  }
  double sum = 0;
  for (int k = 1; k <= 6; ++k) sum += (k % 2 ? 2 : -2) * std::exp(-2 * k * k * x * x);
  return std::clamp(sum, 0.0, 1.0);
}

}  // namespace fermiac::stats
