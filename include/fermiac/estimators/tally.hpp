/// What is kept of replicates: partial moments that merge, so that memory does not grow with their number.
#pragma once

#include <span>
#include <vector>

#include "fermiac/estimators/experiment.hpp"
#include "fermiac/stats/moments.hpp"

namespace fermiac::estimators {

/// Moments of finite values that are there all at once: two passes, in the fixed order of `simd::sum_terms`.
stats::Moments moments_of(std::span<double const> x);

/// How many of everything an experiment has, and which estimator each is paired with.
struct Layout {
  explicit Layout(Experiment const& experiment);

  std::size_t n_estimators, n_intervals, n_quantities;
  std::vector<std::size_t> partner;  ///< of each estimator: the first of its group (itself for that one)
};

/// Moments of the estimates of some replicates, each about its target.
///
/// Kept as plain numbers in three arrays, row-major, as a results file holds them:
///
///     estimates    [estimator, quantity, 8]   n, mean, M_2, M_3, M_4 of x - target (`stats::Moments`), min x, max x, failures
///     intervals    [rule, quantity, 9]        the same five of the width, hits, failures; hits where the first rule missed,
///     misses
///                                             where it hit
///     differences  [estimator, quantity, 10]  the same five of x_e - x_p and of (x_e - t)^2 - (x_p - t)^2, p the partner
///
/// A non-finite estimate is a failure, and so is an interval without two finite ends; they enter nothing else. Sums run in the
/// fixed order of `simd::sum_terms` over a pack; merging is not associative to the last bit: merge in `merge_all`'s tree.
class Tally {
 public:
  static constexpr std::size_t per_estimate = 8, per_interval = 9, per_difference = 10;

  explicit Tally(Layout const& layout);

  /// Takes in a pack.
  /// @param targets  one a quantity
  void add(Outputs const& outputs, std::span<double const> targets);
  void merge(Tally const& other);

  stats::Moments estimate(std::size_t e, std::size_t q) const;  ///< of x - target
  double minimum(std::size_t e, std::size_t q) const { return estimate_state(e, q)[5]; }
  double maximum(std::size_t e, std::size_t q) const { return estimate_state(e, q)[6]; }
  double failures(std::size_t e, std::size_t q) const { return estimate_state(e, q)[7]; }
  stats::Moments width(std::size_t i, std::size_t q) const;
  double hits(std::size_t i, std::size_t q) const { return interval_state(i, q)[5]; }
  double interval_failures(std::size_t i, std::size_t q) const { return interval_state(i, q)[6]; }
  /// Replicates where this rule's interval held the target and the first rule's did not, and the reverse.
  double hits_alone(std::size_t i, std::size_t q) const { return interval_state(i, q)[7]; }
  double misses_alone(std::size_t i, std::size_t q) const { return interval_state(i, q)[8]; }
  stats::Moments difference(std::size_t e, std::size_t q) const;             ///< of x_e - x_p
  stats::Moments difference_of_squares(std::size_t e, std::size_t q) const;  ///< of squared errors

  /// The three arrays, to be stored and loaded.
  std::span<double> estimates() { return estimates_; }
  std::span<double> intervals() { return intervals_; }
  std::span<double> differences() { return differences_; }
  std::size_t state_size() const noexcept { return estimates_.size() + intervals_.size() + differences_.size(); }
  void save(std::span<double> state) const;
  void load(std::span<double const> state);

 private:
  std::span<double const> estimate_state(std::size_t e, std::size_t q) const {
    return std::span(estimates_).subspan((e * layout_.n_quantities + q) * per_estimate, per_estimate);
  }
  std::span<double const> interval_state(std::size_t i, std::size_t q) const {
    return std::span(intervals_).subspan((i * layout_.n_quantities + q) * per_interval, per_interval);
  }
  std::span<double const> difference_state(std::size_t e, std::size_t q) const {
    return std::span(differences_).subspan((e * layout_.n_quantities + q) * per_difference, per_difference);
  }

  Layout layout_;
  std::vector<double> estimates_, intervals_, differences_;
};

/// All merged in a binary tree over their numbers, that of `simd::tree_sum`. At least one.
Tally merge_all(std::span<Tally const> tallies);

}  // namespace fermiac::estimators
