/// The order in which items are claimed, and in which portions: pure planning, no MPI.
#pragma once

#include <cstdint>
#include <vector>

#include "fermiac/base/range.hpp"

namespace fermiac::study {

/// Items in the order they are claimed, cut into chunks. Claim number k takes chunk k; whoever claims past the end is done.
///
/// Every rank computes the same schedule, so one shared counter is all that ranks exchange. Results do not depend on it.
class Schedule {
 public:
  /// Longest first (equal ones in order of index), in guided chunks: each chunk holds an eighth of a claimant's share of
  /// the work that is left, at most 1/256 of its share of all, at least one item. So few or long items are claimed one
  /// by one, many cheap ones in portions, and the last claims are single items.
  ///
  /// @param items       indices of the pending items
  /// @param work        work of each of them, same length, any unit, greater than 0
  /// @param n_claimants teams that claim, at least 1
  Schedule(std::vector<std::uint64_t> items, std::vector<double> const& work, std::uint64_t n_claimants);

  std::uint64_t n_chunks() const noexcept { return starts_.size() - 1; }

  /// The items of a chunk, in order; none for a chunk past the end.
  std::vector<std::uint64_t> chunk(std::uint64_t index) const;

 private:
  std::vector<std::uint64_t> order_;
  std::vector<std::uint64_t> starts_;
};

}  // namespace fermiac::study
