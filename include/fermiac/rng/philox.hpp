/// Philox4x32-10: 128 random bits from a 64-bit key and a 128-bit counter, and what the counter's bits mean.
///
/// A block is a pure function of (key, counter): any number of any stream is computed alone, in any order, by anybody.
///
///     key      leading 64 bits of SHA-256 over (seed, canonical text of the point): k0 = low half, k1 = high half
///     counter  word 0   index, low half        64 bits: number of the block within its stream
///              word 1   index, high half
///              word 2   replicate              32 bits
///              word 3   purpose, walker        8 bits (highest), 24 bits
///
/// Distinct (purpose, replicate, walker, index) are distinct counters, so that within a key no two streams share a block.
/// Two points share a key with probability 2^-64 a pair.
///
/// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, Parallel random numbers: as easy as 1, 2, 3, SC11 (2011), section 4.3.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

#include "fermiac/rng/purpose.hpp"

namespace fermiac::rng {

/// Key of all streams of one point.
struct Key {
  std::uint32_t k0 = 0;
  std::uint32_t k1 = 0;
  friend bool operator==(Key const&, Key const&) = default;
};

/// The key of `seed` and the canonical text of a point's parameters: leading 64 bits of SHA-256 over the 16 bytes
/// "fermiac-stream/1", the seed in 8 bytes, least significant first, and the text. Tag and seed have fixed length, so no two
/// pairs are encoded alike.
Key make_key(std::uint64_t seed, std::string_view canonical_point);

/// Random words of one block.
using Block = std::array<std::uint32_t, 4>;

/// A block's place in the counter space.
using Counter = std::array<std::uint32_t, 4>;

/// Walkers of one (purpose, replicate) are numbered 0 ... walker_limit - 1.
inline constexpr std::uint64_t walker_limit = std::uint64_t{1} << 24;
/// Replicates of one point are numbered 0 ... replicate_limit - 1.
inline constexpr std::uint64_t replicate_limit = std::uint64_t{1} << 32;

/// The counter of a block.
/// @throws InputError  where walker >= walker_limit or replicate >= replicate_limit, naming which
Counter make_counter(Purpose purpose, std::uint64_t replicate, std::uint64_t walker, std::uint64_t index);

/// One block, by the Random123 library.
Block philox(Key key, Counter const& counter) noexcept;

/// The blocks at `index` of the walkers first_walker ... first_walker + n_walkers - 1: word j of walker first_walker + i goes
/// to wj[i]. The four arrays hold n_walkers words each and do not overlap. What a Metropolis kernel calls once a move.
/// @throws InputError  where a walker's number reaches walker_limit
void blocks_over_walkers(Key key, Purpose purpose, std::uint32_t replicate, std::uint32_t first_walker, std::uint32_t n_walkers,
                         std::uint64_t index, std::uint32_t* w0, std::uint32_t* w1, std::uint32_t* w2, std::uint32_t* w3);

/// The blocks at `index` of the replicates first_replicate ... first_replicate + n_replicates - 1 of one walker, laid out as
/// above. @throws InputError  where the walker's number or a replicate's overflows
void blocks_over_replicates(Key key, Purpose purpose, std::uint64_t first_replicate, std::uint32_t n_replicates,
                            std::uint32_t walker, std::uint64_t index, std::uint32_t* w0, std::uint32_t* w1, std::uint32_t* w2,
                            std::uint32_t* w3);

/// The blocks first_index ... first_index + n - 1 of one walker, laid out as above.
/// @throws InputError  where the walker's number or the index overflows
void blocks_over_index(Key key, Purpose purpose, std::uint32_t replicate, std::uint32_t walker, std::uint64_t first_index,
                       std::uint64_t n, std::uint32_t* w0, std::uint32_t* w1, std::uint32_t* w2, std::uint32_t* w3);

/// A uniform in the open interval (0, 1) from one word: (word + 1/2) 2^-32, exactly. From 2^-33 to 1 - 2^-33.
[[gnu::always_inline]] inline double uniform_of(std::uint32_t word) noexcept {
  return std::bit_cast<double>(0x3ff0000000000000U | (std::uint64_t{word} << 20)) - (1.0 - 0x1p-33);
}

/// A uniform in the open interval (0, 1) from two words: (k + 1/2) 2^-52, exactly, where k is the 52 highest bits of the
/// 64-bit number (high, low). From 2^-53 to 1 - 2^-53.
[[gnu::always_inline]] inline double uniform_of(std::uint32_t low, std::uint32_t high) noexcept {
  std::uint64_t const k = ((std::uint64_t{high} << 32) | low) >> 12;
  return std::bit_cast<double>(0x3ff0000000000000U | k) - (1.0 - 0x1p-53);
}

}  // namespace fermiac::rng
