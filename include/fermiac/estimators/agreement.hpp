/// Whether a study as a whole agrees with theory.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace fermiac::estimators {

/// One z-score of a study.
struct Score {
  double z = 0;
  bool is_independent = false;  ///< declared so before anything was computed, and no constant
};

/// All z-scores together. A study agrees where |z| of every one is below the Bonferroni bound at 1e-3, that is below the
/// 1 - 1e-3 / (2 n) quantile of the normal distribution for n of them (whatever their dependence), and where the p-values
/// of the independent ones are uniform (Kolmogorov-Smirnov, p > 1e-3).
///
/// Power: a score that would be z is z + 5 in a cell that is off by 5 of its errors, and such a cell is found with probability
/// 0.82 among 24 scores, 0.54 among 1000; one that is off by 7, with 0.998 and 0.98.
struct Agreement {
  static constexpr double false_alarm = 1e-3;
  static constexpr std::uint64_t fewest_for_distribution = 5;

  std::uint64_t n = 0;              ///< z-scores; those that are NaN are left out
  std::uint64_t n_independent = 0;  ///< of them
  double bound = 0;                 ///< NaN for no scores
  double largest_z = 0;             ///< the one of largest size, with its sign
  std::uint64_t largest = 0;        ///< its number in the list
  double ks_p = 1;                  ///< of the independent ones; 1 where they are fewer than `fewest_for_distribution`

  bool holds() const noexcept;
};

Agreement agreement_of(std::span<Score const> scores);

}  // namespace fermiac::estimators
