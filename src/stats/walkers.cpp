#include "fermiac/stats/walkers.hpp"

#include "fermiac/stats/moments.hpp"

namespace fermiac::stats {

Estimate mean_of_walkers(std::span<double const> means) {
  Moments moments;
  moments.add(means);
  auto result = moments.mean_estimate();
  result.how = How::walkers;
  return result;
}

}  // namespace fermiac::stats
