#include "fermiac/estimators/agreement.hpp"

#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "fermiac/stats/kolmogorov_smirnov.hpp"
#include "fermiac/stats/z_score.hpp"

namespace fermiac::estimators {

bool Agreement::holds() const noexcept { return n == 0 || (std::abs(largest_z) < bound && ks_p > false_alarm); }

Agreement agreement_of(std::span<Score const> scores) {
  Agreement result;
  std::vector<double> p_values;
  for (std::uint64_t i = 0; i < scores.size(); ++i) {
    auto const& score = scores[i];
    if (std::isnan(score.z)) continue;
    if (result.n++ == 0 || std::abs(score.z) > std::abs(result.largest_z)) {
      result.largest_z = score.z;
      result.largest = i;
    }
    if (score.is_independent) p_values.push_back(stats::two_sided_p_value(score.z));
  }
  result.n_independent = p_values.size();
  result.bound = result.n == 0 ? std::numeric_limits<double>::quiet_NaN()
                               : std::sqrt(2.0) * boost::math::erfc_inv(Agreement::false_alarm / static_cast<double>(result.n));
  if (p_values.size() >= Agreement::fewest_for_distribution) result.ks_p = stats::uniformity_p_value(p_values);
  return result;
}

}  // namespace fermiac::estimators
