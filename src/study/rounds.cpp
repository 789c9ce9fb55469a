#include "fermiac/study/rounds.hpp"

#include <algorithm>

#include "fermiac/base/error.hpp"

namespace fermiac::study {

Rounds::Rounds(std::uint64_t n_items, std::uint64_t first) {
  FERMIAC_ASSERT(n_items > 0);
  if (first > 0)
    for (std::uint64_t end = first; end < n_items; end *= 2) ends_.push_back(end);
  ends_.push_back(n_items);
}

std::uint64_t Rounds::open_round(std::span<State const> states) const {
  FERMIAC_ASSERT(states.size() == ends_.back());
  auto const pending = static_cast<std::uint64_t>(std::ranges::find(states, State::pending) - states.begin());
  return static_cast<std::uint64_t>(std::ranges::upper_bound(ends_, pending) - ends_.begin());
}

std::uint64_t Rounds::n_decidable(std::span<State const> states) const {
  if (std::ranges::find(states, State::not_needed) != states.end()) return 0;
  return std::min<std::uint64_t>(open_round(states), ends_.size() - 1);
}

}  // namespace fermiac::study
