/// The rate at which an error falls with n, with its own error.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "fermiac/stats/estimate.hpp"

namespace fermiac::stats {

/// e = prefactor n^exponent, fitted.
struct Rate {
  Estimate exponent;                                             ///< -1/2 for the error of a Monte Carlo mean
  Estimate log_prefactor;                                        ///< natural logarithm
  double covariance = std::numeric_limits<double>::quiet_NaN();  ///< of the two
  double chi_square = std::numeric_limits<double>::quiet_NaN();  ///< sum of squared, normalised residuals
  std::uint64_t n_points = 0;                                    ///< that entered the fit
  double degrees_of_freedom = 0;                                 ///< of chi_square: n_points - 2
  double p_value = std::numeric_limits<double>::quiet_NaN();     ///< P(chi-square at least this large); NaN without freedom
};

/// Weighted least squares of ln e_i = ln c + p ln n_i with standard deviation s_i = error_i / e_i of ln e_i:
///
///     p = S_w[(x - xbar) y] / S_w[(x - xbar)^2],   error of p = 1 / sqrt(S_w[(x - xbar)^2]),   w_i = 1 / s_i^2, x = ln n, y =
///     ln e.
///
/// Errors are taken as known, not rescaled by chi-square: look at `p_value` before believing them (a low one says that
/// it is not a power law yet, or that the errors are too small). Errors of the e_i should be small against e_i.
///
/// @param n       counts or step sizes, greater than 0
/// @param e       errors, rmse, |bias|: greater than 0
/// @param e_error standard errors of e, greater than 0
/// @throws std::logic_error  where lengths differ
///
/// Points where one of the three is not finite and positive are left out (`n_points` says how many are in). All NaN below
/// two different n.
///
/// Press et al., Numerical Recipes, 3rd ed. (2007), section 15.2.
Rate fit_rate(std::span<double const> n, std::span<double const> e, std::span<double const> e_error);

}  // namespace fermiac::stats
