/// Rounds of the items of a point, after each of which a kind may say that they are enough: pure planning, no MPI.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fermiac/study/study_file.hpp"

namespace fermiac::study {

/// The rounds of one point. Round k ends before item `ends[k]`: first, 2 first, 4 first, ..., and the last one at all items.
///
/// Decisions fall in order, each from the items before the end of its round and from nothing else; so whoever computes a
/// study, in however many runs, decides the same.
class Rounds {
 public:
  /// @param n_items  of the point, at least 1
  /// @param first    items of the first round; 0: one round of all
  Rounds(std::uint64_t n_items, std::uint64_t first);

  std::vector<std::uint64_t> const& ends() const noexcept { return ends_; }

  /// The round to be computed next, by its number: the first that has pending items; none (ends().size()) where all is
  /// finished.
  /// @param states  of the point's items
  std::uint64_t open_round(std::span<State const> states) const;

  /// Decisions that can fall now: rounds that are complete, the last one not, for after it nothing is left.
  std::uint64_t n_decidable(std::span<State const> states) const;

 private:
  std::vector<std::uint64_t> ends_;
};

}  // namespace fermiac::study
