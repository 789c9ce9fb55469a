// Nanoseconds a value of the vector functions on one core, and how many times faster they are than glibc's scalar ones.
#include <fmt/core.h>

#include <cmath>
#include <vector>

#include "bench/timing.hpp"
#include "fermiac/simd/arrays.hpp"
#include "fermiac/simd/sum.hpp"

using namespace fermiac;

namespace {

constexpr std::size_t n = 1024;  // in the first-level cache, as a pack is
using Values = std::vector<double>;

Values between(double low, double high) {
  Values x(n);
  for (std::size_t i = 0; i < n; ++i)
    x[i] = low + (high - low) * (static_cast<double>(i * 389 % n) + 0.5) / static_cast<double>(n);
  return x;
}

template <typename Map, typename Scalar>
void compare(char const* name, double low, double high, Map map, Scalar scalar) {
  auto const x = between(low, high);
  Values y(n);
  double const ours = bench::ns_per_value(n, [&] { map(x, y); });
  double const libm = bench::ns_per_value(n, [&] {
    for (std::size_t i = 0; i < n; ++i) y[i] = scalar(x[i]);
  });
  fmt::print("{:14s} {:8.3f} {:8.3f} {:8.1f}\n", name, ours, libm, libm / ours);
}

}  // namespace

int main() {
  fmt::print("{:14s} {:>8s} {:>8s} {:>8s}\n", "ns a value", "simd", "glibc", "ratio");
  auto const one = [](auto function) { return [function](Values const& x, Values& y) { function(x, y); }; };
  compare("exp", -20, 20, one(simd::exp), [](double x) { return std::exp(x); });
  compare("log", 0.1, 20, one(simd::log), [](double x) { return std::log(x); });
  compare("log1p", -0.9, 20, one(simd::log1p), [](double x) { return std::log1p(x); });
  compare("tanh", -3, 3, one(simd::tanh), [](double x) { return std::tanh(x); });
  compare("sigmoid", -8, 8, one(simd::sigmoid), [](double x) { return 1 / (1 + std::exp(-x)); });
  compare("softplus", -8, 8, one(simd::softplus), [](double x) { return std::log1p(std::exp(x)); });
  Values cosines(n);
  compare(
      "sincos", -30, 30, [&](Values const& x, Values& y) { simd::sincos(x, y, cosines); },
      [&](double x) { return std::sin(x) + std::cos(x); });
  compare(
      "sincos_turns", -1, 1, [&](Values const& x, Values& y) { simd::sincos_turns(x, y, cosines); },
      [&](double x) { return std::sin(6.283185307179586 * x) + std::cos(6.283185307179586 * x); });

  auto const x = between(-1, 1);
  double volatile result;
  fmt::print("{:14s} {:8.3f}\n", "sum", bench::ns_per_value(n, [&] { result = simd::sum(x); }));
  fmt::print("{:14s} {:8.3f}\n", "dot", bench::ns_per_value(n, [&] { result = simd::dot(x, x); }));
  fmt::print("{:14s} {:8.3f}\n", "weighted_dot", bench::ns_per_value(n, [&] { result = simd::weighted_dot(x, x, x); }));
}
