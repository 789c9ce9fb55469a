#include "fermiac/study/schedule.hpp"

#include <algorithm>
#include <numeric>

#include "fermiac/base/error.hpp"

namespace fermiac::study {

Schedule::Schedule(std::vector<std::uint64_t> items, std::vector<double> const& work, std::uint64_t n_claimants) {
  FERMIAC_ASSERT(items.size() == work.size() && n_claimants > 0);
  std::vector<std::uint64_t> place(items.size());
  std::iota(place.begin(), place.end(), 0u);
  std::ranges::stable_sort(place, [&](auto a, auto b) { return work[a] > work[b]; });

  double const all = std::accumulate(work.begin(), work.end(), 0.0);
  auto const claimants = static_cast<double>(n_claimants);
  double left = all;
  double target = 0;
  double in_chunk = 0;
  for (auto const i : place) {
    if (in_chunk == 0 || in_chunk + work[i] > target) {
      left -= in_chunk;
      in_chunk = 0;
      target = std::min(left / (8 * claimants), all / (256 * claimants));
      starts_.push_back(order_.size());
    }
    order_.push_back(items[i]);
    in_chunk += work[i];
  }
  starts_.push_back(order_.size());
}

std::vector<std::uint64_t> Schedule::chunk(std::uint64_t index) const {
  if (index >= n_chunks()) return {};
  return {order_.begin() + static_cast<std::ptrdiff_t>(starts_[index]),
          order_.begin() + static_cast<std::ptrdiff_t>(starts_[index + 1])};
}

}  // namespace fermiac::study
