#include "fermiac/simd/arrays.hpp"

#include "fermiac/base/error.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::simd {

namespace {

using In = std::span<double const>;
using Out = std::span<double>;

template <typename Function>
[[gnu::always_inline]] inline void map(In x, Out y, Function f) {
  FERMIAC_ASSERT(x.size() == y.size());
  auto const n = x.size();
  double const* from = x.data();
  double* to = y.data();
  // Without this, an array that is its own image is taken for an overlap and computed one by one.
#pragma GCC ivdep
  for (std::size_t i = 0; i < n; ++i) to[i] = f(from[i]);
}

template <typename Function>
[[gnu::always_inline]] inline void map_pair(In x, Out first, Out second, Function f) {
  FERMIAC_ASSERT(x.size() == first.size() && x.size() == second.size());
  auto const n = x.size();
  double const* from = x.data();
  double* sin = first.data();
  double* cos = second.data();
#pragma GCC ivdep
  for (std::size_t i = 0; i < n; ++i) {
    SinCos const value = f(from[i]);
    sin[i] = value.sin;
    cos[i] = value.cos;
  }
}

}  // namespace

void exp(In x, Out y) {
  map(x, y, [](double v) { return exp(v); });
}
void log(In x, Out y) {
  map(x, y, [](double v) { return log(v); });
}
void log1p(In x, Out y) {
  map(x, y, [](double v) { return log1p(v); });
}
void tanh(In x, Out y) {
  map(x, y, [](double v) { return tanh(v); });
}
void sigmoid(In x, Out y) {
  map(x, y, [](double v) { return sigmoid(v); });
}
void softplus(In x, Out y) {
  map(x, y, [](double v) { return softplus(v); });
}
void sincos(In x, Out sin, Out cos) {
  map_pair(x, sin, cos, [](double v) { return sincos(v); });
}
void sincos_turns(In x, Out sin, Out cos) {
  map_pair(x, sin, cos, [](double v) { return sincos_turns(v); });
}

}  // namespace fermiac::simd
