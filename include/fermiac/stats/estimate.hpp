/// A value with its standard error, and how both were got: what every accumulator and estimator of this module yields.
#pragma once

#include <limits>
#include <string_view>

namespace fermiac::stats {

/// Where a standard error comes from.
enum class How {
  independent,      ///< spread of independent samples
  blocking,         ///< Flyvbjerg-Petersen blocking of a correlated series
  autocorrelation,  ///< sum of the autocorrelation function over a window
  walkers,          ///< spread of the means of independent walkers
  jackknife,        ///< delete-one or delete-block jackknife
  fit               ///< least squares
};

/// "independent", "blocking", ...: as written into results files.
std::string_view name(How how);

/// A value and its standard error.
///
/// What is not known is NaN: the value of no sample, the error of one. `error` is never negative. A non-finite sample makes
/// both non-finite.
struct Estimate {
  double value = std::numeric_limits<double>::quiet_NaN();
  double error = std::numeric_limits<double>::quiet_NaN();              ///< standard error of `value`
  double degrees_of_freedom = std::numeric_limits<double>::infinity();  ///< of the error; infinite where it is exactly known
  How how = How::independent;
  bool converged = true;  ///< false: the error was got from too short a series (no plateau, no window) and may be too small
};

/// A closed interval.
struct Interval {
  double low;
  double high;

  bool contains(double x) const noexcept { return low <= x && x <= high; }
};

/// value +- t error, with t the two-sided Student quantile at the estimate's degrees of freedom (normal where infinite).
///
/// @param confidence  probability that the interval holds the truth, in (0, 1): 0.682689492 for one sigma
/// @throws std::logic_error  where `confidence` lies outside (0, 1)
///
/// NaN ends where the error is NaN or there are no degrees of freedom.
Interval interval(Estimate const& estimate, double confidence);

}  // namespace fermiac::stats
