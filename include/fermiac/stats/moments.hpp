/// Mean, variance, skewness and kurtosis of independent samples, one at a time or merged.
#pragma once

#include <cstdint>
#include <span>

#include "fermiac/stats/estimate.hpp"

namespace fermiac::stats {

/// Accumulator of the first four moments.
///
/// Keeps n, the mean m and the central sums M_k = sum_i (x_i - m)^k for k = 2, 3, 4, updated without cancellation; relative
/// rounding grows like the logarithm of n when merged in a tree, like n in the worst case when added one by one.
/// Merging equals adding the other's samples, up to rounding; the order of merging therefore has to be fixed where
/// the same bits are wanted. A non-finite sample makes mean and sums non-finite for good.
///
/// Chan, Golub & LeVeque, Am. Stat. 37 (1983) 242; Pebay, Sandia report SAND2008-6212 (2008).
class Moments {
 public:
  void add(double x);
  void add(std::span<double const> xs);
  void merge(Moments const& other);

  std::uint64_t count() const noexcept { return count_; }
  double mean() const noexcept;        ///< NaN without samples
  double variance() const noexcept;    ///< M_2 / (n - 1), unbiased; NaN below 2 samples
  double skewness() const noexcept;    ///< sqrt(n) M_3 / M_2^(3/2), as of the samples themselves; NaN where constant
  double kurtosis() const noexcept;    ///< n M_4 / M_2^2, 3 for a normal; NaN where constant
  double central_moment(int k) const;  ///< M_k / n, k = 2, 3 or 4 (biased); NaN without samples

  /// Mean with error sqrt(variance / n), n - 1 degrees of freedom: for independent samples only.
  Estimate mean_estimate() const;

  /// Unbiased variance k2 with its standard error, whatever the kurtosis:
  ///
  ///     error^2 = (2 n k2^2 + (n - 1) k4) / (n (n + 1)),
  ///     k4 = [n (n + 1) M_4 - 3 (n - 1) M_2^2] / ((n - 1)(n - 2)(n - 3))  (the fourth k-statistic),
  ///
  /// an unbiased estimate of var k2 = kappa_4 / n + 2 kappa_2^2 / (n - 1). NaN below 4 samples; 0 where it comes out negative.
  ///
  /// Kenney & Keeping, Mathematics of Statistics II, 2nd ed. (1951), sections 7.5 to 7.8.
  Estimate variance_estimate() const;

  /// The state as doubles (the count is exact up to 2^53): what a checkpoint or a results file keeps. Adding to a reloaded
  /// accumulator gives the same bits as never having stopped.
  static constexpr std::size_t state_size = 5;
  void save(std::span<double> state) const;
  /// @throws std::logic_error  where a span has not `state_size` values
  void load(std::span<double const> state);

 private:
  std::uint64_t count_ = 0;
  double mean_ = 0, m2_ = 0, m3_ = 0, m4_ = 0;
};

}  // namespace fermiac::stats
