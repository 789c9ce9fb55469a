/// How a block becomes two numbers, for each kind of number.
#pragma once

#include <cmath>
#include <cstdint>

#include "fermiac/rng/philox.hpp"
#include "fermiac/rng/stream.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::rng {

template <typename Number>
struct Pair {
  Number first;
  Number second;
};

/// A kind whose numbers come from one half each.
template <typename OfHalf>
struct HalfByHalf {
  static constexpr auto left = StreamPlace::Left::half_of_bits;
  OfHalf of_half;

  [[gnu::always_inline]] auto operator()(std::uint32_t w0, std::uint32_t w1, std::uint32_t w2,
                                         std::uint32_t w3) const noexcept {
    return Pair<decltype(of_half(w0, w1))>{of_half(w0, w1), of_half(w2, w3)};
  }
};

struct UniformOfHalf {
  [[gnu::always_inline]] double operator()(std::uint32_t low, std::uint32_t high) const noexcept {
    return uniform_of(low, high);
  }
};

struct RademacherOfHalf {
  [[gnu::always_inline]] double operator()(std::uint32_t, std::uint32_t high) const noexcept {
    return std::bit_cast<double>(0x3ff0000000000000U | (std::uint64_t{high >> 31} << 63));
  }
};

struct BernoulliOfHalf {
  double p;
  [[gnu::always_inline]] double operator()(std::uint32_t low, std::uint32_t high) const noexcept {
    return uniform_of(low, high) < p ? 1.0 : 0.0;
  }
};

struct IntegerOfHalf {
  std::uint64_t bound;
  [[gnu::always_inline]] std::uint32_t operator()(std::uint32_t low, std::uint32_t high) const noexcept {
    // Below 2^32 (2^32 - 1) + 2^32: no carry out of 64 bits.
    return static_cast<std::uint32_t>((high * bound + ((low * bound) >> 32)) >> 32);
  }
};

using Uniform = HalfByHalf<UniformOfHalf>;
using Rademacher = HalfByHalf<RademacherOfHalf>;
using Bernoulli = HalfByHalf<BernoulliOfHalf>;
using Integer = HalfByHalf<IntegerOfHalf>;

struct Normal {
  static constexpr auto left = StreamPlace::Left::half_of_normals;

  [[gnu::always_inline]] Pair<double> operator()(std::uint32_t w0, std::uint32_t w1, std::uint32_t w2,
                                                 std::uint32_t w3) const noexcept {
    // Uniforms are normal numbers inside (0, 1), so the functions' limits need no care here.
    double const radius = std::sqrt(-2.0 * simd::detail::log_of_normal(uniform_of(w0, w1)));
    auto const [sine, cosine] = simd::detail::sincos_turns_inside(uniform_of(w2, w3));
    return {radius * cosine, radius * sine};
  }
};

}  // namespace fermiac::rng
