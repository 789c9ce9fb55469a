#include "fermiac/estimators/count.hpp"

#include <algorithm>
#include <array>

namespace fermiac::estimators {

std::uint64_t count_below(double probability, std::uint64_t n_draws, rng::Key key, std::uint32_t replicate, Context& context) {
  constexpr std::uint64_t batch = 1024;
  std::array<std::array<std::uint32_t, batch>, 4> words;
  std::uint64_t hits = 0;
  std::uint64_t const n_blocks = n_draws / 2 + n_draws % 2;  // a block makes two uniforms
  for (std::uint64_t first = 0; first < n_blocks; first += batch) {
    auto const n = std::min(batch, n_blocks - first);
    rng::blocks_over_index(key, rng::Purpose::draw, replicate, 0, first, n, words[0].data(), words[1].data(), words[2].data(),
                           words[3].data());
    std::uint64_t low_hits = 0;
    std::uint64_t high_hits = 0;
    for (std::uint64_t i = 0; i < n; ++i) {
      low_hits += rng::uniform_of(words[0][i], words[1][i]) < probability;
      high_hits += rng::uniform_of(words[2][i], words[3][i]) < probability;
    }
    if (n_draws % 2 && first + n == n_blocks) high_hits -= rng::uniform_of(words[2][n - 1], words[3][n - 1]) < probability;
    hits += low_hits + high_hits;
    context.tick();
  }
  return hits;
}

}  // namespace fermiac::estimators
