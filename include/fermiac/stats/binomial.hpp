/// Exact statements about a probability from a count of successes: what coverage is judged by.
#pragma once

#include <cstdint>

#include "fermiac/stats/estimate.hpp"

namespace fermiac::stats {

/// Clopper-Pearson interval of the probability behind k successes in n trials:
///
///     low  = a/2 quantile of Beta(k, n - k + 1)      (0 where k = 0),
///     high = 1 - a/2 quantile of Beta(k + 1, n - k)  (1 where k = n),    a = 1 - confidence.
///
/// Covers at least with `confidence` whatever the probability. 0 to 1 for no trials.
///
/// @throws std::logic_error  where k > n or `confidence` lies outside (0, 1)
///
/// Clopper & Pearson, Biometrika 26 (1934) 404.
Interval clopper_pearson(std::uint64_t k, std::uint64_t n, double confidence);

/// P(K <= k) and P(K >= k) of n trials with success probability p (0 to 1).
double binomial_at_most(std::uint64_t k, std::uint64_t n, double p);
double binomial_at_least(std::uint64_t k, std::uint64_t n, double p);

/// Whether k successes in n trials are compatible with some probability in `p`, each side tested exactly at half of
/// `false_alarm`: false where P(K >= k | p.high) or P(K <= k | p.low) is below that.
bool binomial_accepts(std::uint64_t k, std::uint64_t n, Interval p, double false_alarm);

}  // namespace fermiac::stats
