#include "fermiac/stats/estimate.hpp"

#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

#include "fermiac/base/error.hpp"

namespace fermiac::stats {

std::string_view name(How how) {
  switch (how) {
    case How::independent:
      return "independent";
    case How::blocking:
      return "blocking";
    case How::autocorrelation:
      return "autocorrelation";
    case How::walkers:
      return "walkers";
    case How::jackknife:
      return "jackknife";
    case How::fit:
      return "fit";
  }
  return "unknown";
}

Interval interval(Estimate const& estimate, double confidence) {
  FERMIAC_ASSERT(confidence > 0 && confidence < 1);
  double const upper_tail = (1 - confidence) / 2;
  double const freedom = estimate.degrees_of_freedom;
  double t = std::numeric_limits<double>::quiet_NaN();
  if (std::isinf(freedom))
    t = quantile(complement(boost::math::normal(), upper_tail));
  else if (freedom > 0)
    t = quantile(complement(boost::math::students_t(freedom), upper_tail));
  return {estimate.value - t * estimate.error, estimate.value + t * estimate.error};
}

}  // namespace fermiac::stats
