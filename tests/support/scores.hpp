/// Scores of many independent runs: whether their mean, their spread and each of their tails are those of errors that hold.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "fermiac/stats/binomial.hpp"
#include "fermiac/stats/estimate.hpp"

namespace fermiac::testing {

inline double score(stats::Estimate const& estimate, double truth) { return (estimate.value - truth) / estimate.error; }

/// Sums of squares of n normal scores have mean n and deviation sqrt(2 n), means of scores have deviation 1 / sqrt(n): at 6
/// sigma, two-sided, 2e-9 a test. `inflation` is what the squares have more than 1 in the mean, by errors of few degrees of
/// freedom f: 2 / (f - 2).
inline void check_scores(std::vector<double> const& scores, double inflation, std::string const& what) {
  double const n = static_cast<double>(scores.size());
  double mean = 0;
  double square = 0;
  for (double const z : scores) {
    BOOST_TEST(std::abs(z) < 7, what << " " << z);
    mean += z / n;
    square += z * z;
  }
  BOOST_TEST(std::abs(mean) < 6 * (1 + inflation) / std::sqrt(n), what << " mean score " << mean);
  BOOST_TEST(square < (1 + inflation) * (n + 6 * std::sqrt(2 * n)), what << " squares " << square << " of " << n);
  BOOST_TEST(square > n - 6 * std::sqrt(2 * n), what << " squares " << square << " of " << n);
}

/// How often intervals of 95 % missed the truth.
struct Misses {
  std::uint64_t low = 0;   ///< the whole interval below the truth
  std::uint64_t high = 0;  ///< above
  std::uint64_t n = 0;

  void add(stats::Estimate const& estimate, double truth) {
    auto const interval = stats::interval(estimate, 0.95);
    low += interval.high < truth ? 1 : 0;
    high += interval.low > truth ? 1 : 0;
    ++n;
  }
  /// Each tail against the binomial of probability 2.5 %, give or take `slack`: false alarms 1e-6 a tail.
  void check(double slack, std::string const& what) const {
    stats::Interval const tail{0.025 - slack, 0.025 + slack};
    BOOST_TEST(stats::binomial_accepts(low, n, tail, 1e-6), what << ": " << low << " of " << n << " intervals are too low");
    BOOST_TEST(stats::binomial_accepts(high, n, tail, 1e-6), what << ": " << high << " of " << n << " intervals are too high");
  }
};

}  // namespace fermiac::testing
