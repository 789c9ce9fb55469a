/// Scores of many independent runs: whether their mean, their spread and each of their tails are those of errors that hold.
#pragma once

#include <algorithm>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "fermiac/stats/binomial.hpp"
#include "fermiac/stats/estimate.hpp"
#include "fermiac/stats/z_score.hpp"

namespace fermiac::testing {

/// What a test of this file says of errors that hold, by chance and at most: that they do not.
inline constexpr double false_alarm = 1e-6;

/// The normal deviate as rare as a score z whose error has `degrees_of_freedom`.
inline double normal_score(double z, double degrees_of_freedom) {
  double const tail = std::max(stats::one_sided_p_value(-std::abs(z), degrees_of_freedom), std::numeric_limits<double>::min());
  return std::copysign(boost::math::quantile(boost::math::normal(), tail), z);
}

inline double score(stats::Estimate const& estimate, double truth) {
  return normal_score((estimate.value - truth) / estimate.error, estimate.degrees_of_freedom);
}

/// The same scores had the errors been `factor` times as large.
inline std::vector<double> with_errors_times(double factor, std::vector<double> scores) {
  for (auto& z : scores) z /= factor;
  return scores;
}

/// Whether the square's sum, over n independent normal scores, lies between the chi-square quantiles of half of `false_alarm`.
inline bool spread_holds(std::vector<double> const& scores) {
  boost::math::chi_squared const distribution(static_cast<double>(scores.size()));
  double square = 0;
  for (double const z : scores) square += z * z;
  return square > boost::math::quantile(distribution, false_alarm / 2) &&
         square < boost::math::quantile(boost::math::complement(distribution, false_alarm / 2));
}

/// Spread, mean and largest of independent normal scores, each at `false_alarm`; NaN fails.
inline void check_scores(std::vector<double> const& scores, std::string const& what) {
  double const n = static_cast<double>(scores.size());
  double sum = 0;
  double square = 0;
  double largest = 0;
  for (double const z : scores) {
    sum += z;
    square += z * z;
    largest = std::max(largest, std::abs(z));
  }
  BOOST_TEST(spread_holds(scores), what << ": squares of " << n << " scores add up to " << square);
  auto const limit = [&](double chance) { return -boost::math::quantile(boost::math::normal(), chance / 2); };
  BOOST_TEST(std::abs(sum) < limit(false_alarm) * std::sqrt(n), what << ": mean of " << n << " scores " << sum / n);
  BOOST_TEST(largest < limit(false_alarm / n), what << ": largest of " << n << " scores " << largest);
}

/// That there are enough of them to tell: errors of 0.75 and 1.5 times their size would fail. (From about 250 scores on, in 99
/// of 100 cases.)
inline void check_power_of(std::vector<double> const& scores, std::string const& what) {
  for (double const factor : {0.75, 1.5})
    BOOST_TEST(!spread_holds(with_errors_times(factor, scores)),
               what << ": errors " << factor << " times as large would pass with " << scores.size() << " scores");
}

/// The mean of independent values in units of its error by their spread.
inline double score_of_mean(std::vector<double> const& values) {
  double const n = static_cast<double>(values.size());
  double mean = 0;
  double square = 0;
  for (double const x : values) mean += x / n;
  for (double const x : values) square += (x - mean) * (x - mean);
  return normal_score(mean / std::sqrt(square / (n * (n - 1))), n - 1);
}

/// Differences of mean 0 from independent runs, with the errors that the runs give them. Where their distribution has a heavy
/// tail on one side a run's difference and error are correlated, and scores of single runs are not normal; yet the mean
/// difference is 0, and so is that of difference^2 - error^2. Each is tested by its spread over runs, at `false_alarm`.
struct Differences {
  std::vector<double> values;
  std::vector<double> errors;

  static bool is_zero(double score) { return std::abs(score) < -boost::math::quantile(boost::math::normal(), false_alarm / 2); }
  double score_of_errors(double factor = 1) const {
    std::vector<double> excess;
    for (std::size_t i = 0; i < values.size(); ++i) excess.push_back(values[i] * values[i] - std::pow(factor * errors[i], 2));
    return score_of_mean(excess);
  }
  void check(std::string const& what) const {
    BOOST_TEST(is_zero(score_of_mean(values)), what << ": mean off by " << score_of_mean(values) << " errors");
    BOOST_TEST(is_zero(score_of_errors()), what << ": errors off, score " << score_of_errors());
  }
  /// Tails cost power: errors of 0.6 and 1.5 times their size.
  void check_power(std::string const& what) const {
    for (double const factor : {0.6, 1.5})
      BOOST_TEST(!is_zero(score_of_errors(factor)), what << ": errors " << factor << " times as large would pass");
  }
};

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
  /// Each tail against the binomial of probability 2.5 %, at `false_alarm` a tail: of 1600, 13 to 74 misses pass.
  static bool tail_holds(std::uint64_t misses, std::uint64_t n) {
    return stats::binomial_accepts(misses, n, {0.025, 0.025}, false_alarm);
  }
  bool hold() const { return tail_holds(low, n) && tail_holds(high, n); }
  void check(std::string const& what) const {
    BOOST_TEST(tail_holds(low, n), what << ": " << low << " of " << n << " intervals are too low");
    BOOST_TEST(tail_holds(high, n), what << ": " << high << " of " << n << " intervals are too high");
  }
};

}  // namespace fermiac::testing
