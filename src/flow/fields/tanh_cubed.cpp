#include "fermiac/flow/fields/tanh_cubed.hpp"

#include <cmath>
#include <utility>

#include "fermiac/flow/tableaus.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::flow {
namespace {

/// f and df/dz of one component.
struct Value {
  double f;
  double slope;
};
[[gnu::always_inline]] inline Value value_at(double z) noexcept {
  double const square = z * z;
  double const f = simd::tanh(square * z);
  return {f, 3 * square * std::fma(-f, f, 1.0)};
}

class Kernel final : public FieldKernel {
 public:
  explicit Kernel(std::size_t dimension) : d_(dimension) {}

  void evaluate(Lanes const& lanes, Columns& f, double* divergence) override {
    // Two components at a time, for a block is short and what comes before its loop is not.
    std::size_t i = 0;
    for (; i + 2 <= d_; i += 2) components<2>(lanes, i, f, divergence);
    if (i < d_) components<1>(lanes, i, f, divergence);
  }

  void jacobian_product(Lanes const& lanes, Columns const& v, Columns& Jv) override {
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict z = lanes.z.column(i);
      double const* __restrict from = v.column(i);
      double* __restrict to = Jv.column(i);
      for (std::size_t k = 0; k < lanes.n; ++k) to[k] = value_at(z[k]).slope * from[k];
    }
  }

  void pull_back(Lanes const& lanes, Columns const& a, double const* b, Columns& z_bar, double*) override {
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict z = lanes.z.column(i);
      double const* __restrict from = a.column(i);
      double* __restrict to = z_bar.column(i);
      for (std::size_t k = 0; k < lanes.n; ++k) to[k] = std::fma(value_at(z[k]).slope, from[k], to[k]);
      if (b == nullptr) continue;
      for (std::size_t k = 0; k < lanes.n; ++k) {
        auto const value = value_at(z[k]);
        // f'' = 6 z (1 - f^2) (1 - 3 z^3 f)
        double const curvature =
            6 * z[k] * std::fma(-value.f, value.f, 1.0) * std::fma(-3 * (z[k] * z[k] * z[k]), value.f, 1.0);
        to[k] = std::fma(b[k], curvature, to[k]);
      }
    }
  }

 private:
  template <std::size_t N>
  static void components(Lanes const& lanes, std::size_t first, Columns& f, double* divergence) {
    constexpr auto all = std::make_index_sequence<N>();
    if (divergence == nullptr)
      loop(
          lanes, first, f, [](std::size_t, double) {}, all);
    else if (first == 0)
      loop(
          lanes, first, f, [divergence](std::size_t k, double slope) { divergence[k] = slope; }, all);
    else
      loop(
          lanes, first, f, [divergence](std::size_t k, double slope) { divergence[k] += slope; }, all);
  }

  template <typename Take, std::size_t... I>
  [[gnu::always_inline]] static void loop(Lanes const& lanes, std::size_t first, Columns& f, Take take,
                                          std::index_sequence<I...>) {
    double const* const z[] = {lanes.z.column(first + I)...};
    double* const to[] = {f.column(first + I)...};
#pragma GCC ivdep
    for (std::size_t k = 0; k < lanes.n; ++k) {
      // No inner loop: the compiler may leave it whole, and then the outer one is not vectorised.
      Value const values[] = {value_at(z[I][k])...};
      ((to[I][k] = values[I].f), ...);
      take(k, (values[I].slope + ...));
    }
  }

  std::size_t d_;
};

/// Steps of order 8 and 1/48 in long double: up to t = 1/2 their error is below 1e-16.
long double component_end(long double z, double time) {
  using T = tableaus::Dop853;
  int const n_steps = static_cast<int>(std::ceil(48 * std::abs(time)));
  long double const h = static_cast<long double>(time) / n_steps;
  for (int step = 0; step < n_steps; ++step) {
    long double k[T::n_stages];
    long double way = 0;
    for (std::size_t s = 0; s < T::n_stages; ++s) {
      long double at = z;
      for (std::size_t j = 0; j < s; ++j) at += h * T::a[s][j] * k[j];
      k[s] = std::tanh(at * at * at);
      way += T::b[s] * k[s];
    }
    z += h * way;
  }
  return z;
}

class TanhCubed final : public Field {
 public:
  explicit TanhCubed(std::size_t dimension) : d_(dimension) {}
  std::size_t dimension() const override { return d_; }
  std::optional<End> exact_end(std::span<double const> z, double t0, double t1) const override {
    End end{std::vector<double>(d_), 0};
    long double log_stretch = 0;
    for (std::size_t i = 0; i < d_; ++i) {
      long double const x = component_end(z[i], t1 - t0);
      end.z[i] = static_cast<double>(x);
      if (z[i] != 0) log_stretch += std::log(std::tanh(x * x * x) / std::tanh(std::pow(static_cast<long double>(z[i]), 3)));
    }
    end.log_change = static_cast<double>(-log_stretch);
    return end;
  }
  std::unique_ptr<FieldKernel> make_kernel(std::size_t) const override { return std::make_unique<Kernel>(d_); }

 private:
  std::size_t d_;
};

}  // namespace

FieldKind tanh_cubed_kind() {
  return {"tanh_cubed", "f_i = tanh(z_i^3)", {}, [](std::size_t dimension, Parameters const&) {
            return std::make_unique<TanhCubed>(dimension);
          }};
}

}  // namespace fermiac::flow
