/// How far an estimate is from the truth, in standard errors, and how surprising that is.
#pragma once

#include <limits>

#include "fermiac/stats/estimate.hpp"

namespace fermiac::stats {

/// (value - truth) / sqrt(error^2 + truth_error^2), the two taken as independent.
///
/// Without any error: 0 where they are equal, else +-infinity. NaN where a value or an error is NaN.
double z_score(Estimate const& estimate, double truth, double truth_error = 0);

/// Which values a bound forbids.
enum class Bound {
  lower,  ///< those below it: a ground-state energy bounds variational energies from below
  upper   ///< those above it
};

/// One-sided: (value - bound) / error for a lower bound, (bound - value) / error for an upper one, so that a negative
/// score always is a value on the forbidden side. Without error: 0 on the bound, else +-infinity.
double z_score(Estimate const& estimate, Bound side, double bound, double bound_error = 0);

/// P(|Z| >= |z|) of a standard normal, or of Student's t with that many degrees of freedom.
double two_sided_p_value(double z, double degrees_of_freedom = std::numeric_limits<double>::infinity());

/// P(Z <= z): the chance of a score that deep on the forbidden side for a value that sits on the bound.
double one_sided_p_value(double z, double degrees_of_freedom = std::numeric_limits<double>::infinity());

}  // namespace fermiac::stats
