/// Mean and error from independent walkers, without a correlation time.
#pragma once

#include <span>

#include "fermiac/stats/estimate.hpp"

namespace fermiac::stats {

/// Mean of independent walkers' means, error from their spread:
///
///     value = (1/M) sum_m x_m,   error^2 = sum_m (x_m - value)^2 / (M (M - 1)),   M - 1 degrees of freedom.
///
/// Needs no correlation time, only that walkers are independent of one another, equally long, and started from (or burnt in
/// to) the sampled density. `means` holds one number a walker; one walker has an error of NaN.
///
/// The method of independent replications: Law, Simulation Modeling and Analysis, 5th ed. (2015), section 9.5.2.
Estimate mean_of_walkers(std::span<double const> means);

}  // namespace fermiac::stats
