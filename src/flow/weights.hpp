/// What a method's loops are unrolled by: its weights, its estimates of the error, its dense output.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "fermiac/flow/tableaus.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::flow::detail {

template <typename T, std::size_t Stage>
struct StageWeights {
  static constexpr std::size_t n = Stage;
  static constexpr double at(std::size_t j) { return T::a[Stage][j]; }
};
template <typename T>
struct ResultWeights {
  static constexpr std::size_t n = T::n_stages;
  static constexpr double at(std::size_t j) { return T::b[j]; }
};
template <typename T, std::size_t Extra>
struct ExtraWeights {
  static constexpr std::size_t n = T::n_stages + 1 + Extra;
  static constexpr double at(std::size_t j) { return T::dense_a[Extra][j]; }
};

template <typename Weights, typename Stages, std::size_t... J>
[[gnu::always_inline]] inline double weigh([[maybe_unused]] Stages const& k, [[maybe_unused]] std::size_t lane,
                                           std::index_sequence<J...>) {
  double sum = 0;
  (
      [&] {
        if constexpr (Weights::at(J) != 0) sum = std::fma(Weights::at(J), k[J][lane], sum);
      }(),
      ...);
  return sum;
}
/// sum_j weight_j k[j][lane]
template <typename Weights, typename Stages>
[[gnu::always_inline]] inline double weigh(Stages const& k, std::size_t lane) {
  return weigh<Weights>(k, lane, std::make_index_sequence<Weights::n>());
}

/// (a / b)^(1 / n) to 2 %, for n a power of 2 and a, b not negative, by the bits of doubles: read as a number they are nearly
/// their logarithm. 0 gives something small or large, NaN anything.
template <int n>
[[gnu::always_inline]] inline double root_of_ratio(double a, double b) noexcept {
  constexpr std::uint64_t one = 0x3ff0000000000000U;
  constexpr std::uint64_t offset = 0x7ff0000000000000U;  // keeps the difference positive
  static_assert(n > 0 && (n & (n - 1)) == 0);
  std::uint64_t const root = (simd::detail::bits(a) - simd::detail::bits(b) + offset) / n + (one - offset / n);
  // What is linear between powers of 2 becomes 2^m: it is divided by u = 1 + m and multiplied by 2^m.
  double const u = simd::detail::from_bits((root & 0x000fffffffffffffU) | one);
  return simd::detail::from_bits(root) * std::fma(u - 1, 0.2288 * (u - 2), 1.0);
}

/// The embedded estimate of a step's error, and what goes with it.
template <typename T>
struct Estimate {
  static constexpr bool exists = false;
  static constexpr bool needs_result = false;
};
template <>
struct Estimate<tableaus::DormandPrince> {
  using T = tableaus::DormandPrince;
  struct Fine {
    static constexpr std::size_t n = 7;
    static constexpr double at(std::size_t j) { return T::e[j]; }
  };
  static constexpr bool exists = true;
  static constexpr bool needs_result = true;  ///< f at the result has a weight
  static constexpr int order = 4;             ///< of the estimate per unit of time, in h
  /// Part of the tolerance that estimates may add up to.
  static double safety(double) { return 0.25; }
  static constexpr double rounding = 4;       ///< epsilons of the value that an estimate may always have
  static constexpr double first_factor = 40;  ///< on the estimate of a first step; b_0 / e_0 is 74
  static constexpr double first_step = 1;     ///< factor of its length
  static constexpr double stability_border =
      2;  ///< h times rate, below the 3.3 and 6.4 at which a step is unstable: control stays off

  /// Square of the estimate per h, as `flow/solver.hpp` has it.
  template <typename Stages>
  [[gnu::always_inline]] static double square(Stages const& k, std::size_t lane, bool /*is_first*/) {
    double const difference = weigh<Fine>(k, lane);
    return difference * difference;
  }
};
template <>
struct Estimate<tableaus::Dop853> {
  using T = tableaus::Dop853;
  struct Fine {
    static constexpr std::size_t n = 12;
    static constexpr double at(std::size_t j) { return T::e6[j]; }
  };
  struct Coarse {
    static constexpr std::size_t n = 12;
    static constexpr double at(std::size_t j) { return T::e5[j]; }
  };
  static constexpr bool exists = true;
  static constexpr bool needs_result = false;
  static constexpr int order = 8;
  /// With shorter steps errors fall a little less than the estimate does.
  static double safety(double tolerance) {
    return tolerance < 1e-6 ? 0.06 * simd::exp_held(simd::log(1e6 * tolerance) / 24) : 0.06;
  }
  static constexpr double rounding = 0.25;
  static constexpr double first_factor = 2;
  static constexpr double first_step = 2.5;
  static constexpr double stability_border = 4;

  template <typename Stages>
  [[gnu::always_inline]] static double square(Stages const& k, std::size_t lane, bool is_first) {
    double const fine = simd::detail::magnitude(weigh<Fine>(k, lane));
    double const coarse = simd::detail::magnitude(weigh<Coarse>(k, lane));
    // What is left of a constant is rounding.
    double const sum = std::fma(-0x1p-48, simd::detail::magnitude(k[0][lane]), fine + coarse);
    double const seen = sum > 0 ? sum : 0.0;
    double const change = seen + simd::detail::magnitude(k[8][lane] - k[6][lane]) + 1e-300;
    double const other = coarse * coarse * __builtin_sqrt(seen / change);
    double const square = fine * fine;
    double const smooth = (other > square ? other : square) * (seen / change);
    // Only what is in k_0 alone, or chance, has a finer difference that is the larger one: weights e6_0 > e5_0.
    constexpr double left_out = (T::b[0] / T::e6[0]) * (T::b[0] / T::e6[0]);
    double const hidden = is_first && coarse < fine ? left_out * square : 0.0;
    return hidden > smooth ? hidden : smooth;  // NaN where it is
  }
};

/// The value between the ends of a step, `from` and `to`, at t + x h, from the stages.
template <typename T>
struct Dense {
  static constexpr std::size_t n_extra = 0;
  static constexpr std::size_t n_stages = T::n_stages + 1;
  /// Cubic Hermite interpolation.
  static double value(double x, double h, double from, double to, double const* k) {
    double const way = to - from;
    double const bend = std::fma(1 - 2 * x, way, h * std::fma(x - 1, k[0], x * k[T::n_stages]));
    return from + x * way + x * (x - 1) * bend;
  }
};
template <>
struct Dense<tableaus::DormandPrince> {
  using T = tableaus::DormandPrince;
  static constexpr std::size_t n_extra = 0;
  static constexpr std::size_t n_stages = T::n_dense_stages;
  static double value(double x, double h, double from, double, double const* k) {
    double sum = 0;
    for (std::size_t j = T::dense_degree; j-- > 0;) {
      double power = 0;
      for (std::size_t stage = 0; stage < n_stages; ++stage) power = std::fma(T::dense[stage][j], k[stage], power);
      sum = x * (power + sum);
    }
    return std::fma(h, sum, from);
  }
};
template <>
struct Dense<tableaus::Dop853> {
  using T = tableaus::Dop853;
  static constexpr std::size_t n_extra = 3;
  static constexpr std::size_t n_stages = T::n_dense_stages;
  static double value(double x, double h, double from, double to, double const* k) {
    double F[7];
    F[0] = to - from;
    F[1] = std::fma(h, k[0], -F[0]);
    F[2] = std::fma(-h, k[0] + k[12], 2 * F[0]);
    for (std::size_t row = 0; row < 4; ++row) {
      double sum = 0;
      for (std::size_t stage = 0; stage < n_stages; ++stage) sum = std::fma(T::dense_d[row][stage], k[stage], sum);
      F[3 + row] = h * sum;
    }
    double sum = 0;
    for (std::size_t j = 7; j-- > 0;) sum = (j % 2 == 0 ? x : 1 - x) * (F[j] + sum);
    return from + sum;
  }
};

}  // namespace fermiac::flow::detail
