/// Several doubles that go through a formula side by side.
///
/// A processor waits for each step of a long formula, a polynomial say, and looks ahead over a few turns of a loop only. With a
/// group the source takes N independent values through every step before the next, so that one is computed while others are
/// waited for: four tanh side by side take three quarters of the time of four in turn. Values are those of the formula with a
/// double; groups are a matter of speed alone.
///
///     for (std::size_t k = 0; k < n; ++k) {                       // vectorised as any loop
///       auto const tanh = simd::tanh(simd::Group<2>{{x[k], y[k]}});
///       u[k] = tanh.at[0];
///       v[k] = tanh.at[1];
///     }
///
/// Groups of four fill the vector registers; larger ones spill.
#pragma once

#include <array>
#include <cstddef>
#include <utility>

namespace fermiac::simd {

template <std::size_t N>
struct Group {
  std::array<double, N> at;
};

/// One step of a formula: f of doubles, or of each place of groups.
template <typename F, typename... X>
[[gnu::always_inline]] inline double each(F f, double x, X... others) noexcept {
  return f(x, others...);
}
template <typename F, std::size_t N, typename... X>
[[gnu::always_inline]] inline Group<N> each(F f, Group<N> const& x, X const&... others) noexcept {
  Group<N> result;
  // No loop: the compiler may leave it whole, and then the one around it is not vectorised.
  [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
    auto const place = [&](std::size_t i) __attribute__((always_inline)) { return f(x.at[i], others.at[i]...); };
    ((result.at[I] = place(I)), ...);
  }
  (std::make_index_sequence<N>());
  return result;
}

}  // namespace fermiac::simd
