#include "fermiac/stats/binomial.hpp"

#include <boost/math/special_functions/beta.hpp>

#include "fermiac/base/error.hpp"

namespace fermiac::stats {

using boost::math::ibeta;
using boost::math::ibeta_inv;
using boost::math::ibetac;
using boost::math::ibetac_inv;

Interval clopper_pearson(std::uint64_t k, std::uint64_t n, double confidence) {
  FERMIAC_ASSERT(k <= n && confidence > 0 && confidence < 1);
  double const tail = (1 - confidence) / 2;
  double const successes = static_cast<double>(k);
  double const failures = static_cast<double>(n - k);
  return {k == 0 ? 0.0 : ibeta_inv(successes, failures + 1, tail), k == n ? 1.0 : ibetac_inv(successes + 1, failures, tail)};
}

double binomial_at_most(std::uint64_t k, std::uint64_t n, double p) {
  FERMIAC_ASSERT(p >= 0 && p <= 1);
  return k >= n ? 1 : ibetac(static_cast<double>(k) + 1, static_cast<double>(n - k), p);
}

double binomial_at_least(std::uint64_t k, std::uint64_t n, double p) {
  FERMIAC_ASSERT(p >= 0 && p <= 1);
  if (k > n) return 0;
  return k == 0 ? 1 : ibeta(static_cast<double>(k), static_cast<double>(n - k) + 1, p);
}

bool binomial_accepts(std::uint64_t k, std::uint64_t n, Interval p, double false_alarm) {
  return binomial_at_least(k, n, p.high) >= false_alarm / 2 && binomial_at_most(k, n, p.low) >= false_alarm / 2;
}

}  // namespace fermiac::stats
