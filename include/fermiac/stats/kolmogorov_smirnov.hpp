/// Whether numbers are uniform: what the p-values of independent tests are where all hypotheses hold.
#pragma once

#include <span>

namespace fermiac::stats {

/// Largest distance D between the empirical distribution function of `p` and that of uniform numbers on [0, 1]; 0 for none.
double kolmogorov_distance(std::span<double const> p);

/// P(D at least this large) for independent uniform numbers, Stephens' approximation to finite n:
///
///     Q(x) = 2 sum_{k>=1} (-1)^(k-1) exp(-2 k^2 x^2),   x = D (sqrt(n) + 0.12 + 0.11 / sqrt(n)),
///
/// within 0.01 of it for n >= 5 (conservative in the tail). 1 for no numbers, NaN where one is NaN.
///
/// M. A. Stephens, J. R. Stat. Soc. B 32, 115 (1970); Press et al., Numerical Recipes, 3rd ed. (2007), section 14.3.3.
double uniformity_p_value(std::span<double const> p);

}  // namespace fermiac::stats
