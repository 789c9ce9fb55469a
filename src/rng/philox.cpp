#include "fermiac/rng/philox.hpp"

#include <Random123/philox.h>

#include <algorithm>
#include <limits>
#include <string>

#include "fermiac/base/error.hpp"
#include "fermiac/base/sha256.hpp"
#include "philox_lanes.hpp"

namespace fermiac::rng {

namespace {

constexpr std::uint64_t stride = 2 * n_lanes;

void require_walkers(std::uint64_t first, std::uint64_t n) {
  if (first + n > walker_limit)
    throw InputError("walker " + std::to_string(first + n - 1) + " overflows the random streams: at most 2^24 = " +
                     std::to_string(walker_limit) + " walkers in a replicate");
}

void require_replicates(std::uint64_t first, std::uint64_t n) {
  if (first + n > replicate_limit)
    throw InputError("replicate " + std::to_string(first + n - 1) +
                     " overflows the random streams: at most 2^32 replicates of a point");
}

/// Fills n blocks, whole strides straight into the arrays, the last ones by way of the stack. `counters(i, c)` sets the lanes c
/// to the counters of the blocks i, i + 1, ...
template <typename Counters>
[[gnu::always_inline]] inline void fill_blocks(Key key, std::uint64_t n, Counters counters, std::uint32_t* const (&w)[4]) {
  for (std::uint64_t i = 0; i < n; i += stride) {
    Lanes c[2][4];
    counters(i, c[0]);
    counters(i + n_lanes, c[1]);
    philox_lanes(key, c);
    if (n - i >= stride) {
      for (int word = 0; word < 4; ++word) {
        store_words(c[0][word], w[word] + i);
        store_words(c[1][word], w[word] + i + n_lanes);
      }
    } else {
      for (int word = 0; word < 4; ++word) {
        std::uint32_t last[stride];
        store_words(c[0][word], last);
        store_words(c[1][word], last + n_lanes);
        std::copy_n(last, n - i, w[word] + i);
      }
    }
  }
}

}  // namespace

Key make_key(std::uint64_t seed, std::string_view canonical_point) {
  std::string text = "fermiac-stream/1";
  for (int byte = 0; byte < 8; ++byte) text += static_cast<char>((seed >> (8 * byte)) & 0xff);
  text += canonical_point;
  auto const leading = leading_64_bits(sha256(text));
  return {static_cast<std::uint32_t>(leading), static_cast<std::uint32_t>(leading >> 32)};
}

Counter make_counter(Purpose purpose, std::uint64_t replicate, std::uint64_t walker, std::uint64_t index) {
  require_replicates(replicate, 1);
  require_walkers(walker, 1);
  return {static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), static_cast<std::uint32_t>(replicate),
          (static_cast<std::uint32_t>(purpose) << 24) | static_cast<std::uint32_t>(walker)};
}

Block philox(Key key, Counter const& counter) noexcept {
  auto const words = r123::Philox4x32{}({{counter[0], counter[1], counter[2], counter[3]}}, {{key.k0, key.k1}});
  return {words[0], words[1], words[2], words[3]};
}

void blocks_over_walkers(Key key, Purpose purpose, std::uint32_t replicate, std::uint32_t first_walker, std::uint32_t n_walkers,
                         std::uint64_t index, std::uint32_t* w0, std::uint32_t* w1, std::uint32_t* w2, std::uint32_t* w3) {
  require_walkers(first_walker, n_walkers);
  std::uint64_t const first = (static_cast<std::uint64_t>(purpose) << 24) | first_walker;
  fill_blocks(key, n_walkers,
              [=](std::uint64_t i, Lanes(&c)[4]) {
                c[0] = broadcast(index & 0xffffffffU);
                c[1] = broadcast(index >> 32);
                c[2] = broadcast(replicate);
                c[3] = lane_numbers() + (first + i);
              },
              {w0, w1, w2, w3});
}

void blocks_over_replicates(Key key, Purpose purpose, std::uint64_t first_replicate, std::uint32_t n_replicates,
                            std::uint32_t walker, std::uint64_t index, std::uint32_t* w0, std::uint32_t* w1, std::uint32_t* w2,
                            std::uint32_t* w3) {
  require_walkers(walker, 1);
  require_replicates(first_replicate, n_replicates);
  std::uint64_t const last_word = (static_cast<std::uint64_t>(purpose) << 24) | walker;
  fill_blocks(key, n_replicates,
              [=](std::uint64_t i, Lanes(&c)[4]) {
                c[0] = broadcast(index & 0xffffffffU);
                c[1] = broadcast(index >> 32);
                c[2] = lane_numbers() + (first_replicate + i);
                c[3] = broadcast(last_word);
              },
              {w0, w1, w2, w3});
}

void blocks_over_index(Key key, Purpose purpose, std::uint32_t replicate, std::uint32_t walker, std::uint64_t first_index,
                       std::uint64_t n, std::uint32_t* w0, std::uint32_t* w1, std::uint32_t* w2, std::uint32_t* w3) {
  require_walkers(walker, 1);
  if (n > std::numeric_limits<std::uint64_t>::max() - first_index)
    throw InputError("index " + std::to_string(first_index) + " + " + std::to_string(n) +
                     " overflows the random streams: at most 2^64 - 1 blocks in a stream");
  std::uint64_t const last_word = (static_cast<std::uint64_t>(purpose) << 24) | walker;
  fill_blocks(key, n,
              [=](std::uint64_t i, Lanes(&c)[4]) {
                Lanes const index = lane_numbers() + (first_index + i);
                c[0] = index;
                c[1] = index >> 32;
                c[2] = broadcast(replicate);
                c[3] = broadcast(last_word);
              },
              {w0, w1, w2, w3});
}

}  // namespace fermiac::rng
