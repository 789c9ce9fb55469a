#include "fermiac/flow/fields/tanh_cubed.hpp"

#include <cmath>
#include <cstddef>

#include "fermiac/flow/tableaus.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::flow {
namespace {

/// f at z, z^2 = square, and df/dz from them: of a component, or of a group of them.
template <typename T>
[[gnu::always_inline]] inline T f_at(T const& square, T const& z) noexcept {
  return simd::tanh(simd::each([](double y, double x) { return y * x; }, square, z));
}
template <typename T>
[[gnu::always_inline]] inline T slope_at(T const& square, T const& f) noexcept {
  return simd::each([](double y, double u) { return 3 * y * std::fma(-u, u, 1.0); }, square, f);
}
template <typename T>
[[gnu::always_inline]] inline T square_of(T const& z) noexcept {
  return simd::each([](double x) { return x * x; }, z);
}

/// What becomes of the slopes: nothing, or the divergence of the first components, or an addition to it.
enum class Slopes { not_wanted, first, further };

template <Slopes slopes>
[[gnu::always_inline]] inline void take(double slope, double& divergence) noexcept {
  if constexpr (slopes == Slopes::first) divergence = slope;
  if constexpr (slopes == Slopes::further) divergence += slope;
}

template <Slopes slopes>
void two_components(std::size_t n, double const* __restrict z0, double const* __restrict z1, double* __restrict f0,
                    double* __restrict f1, double* __restrict divergence) {
  constexpr std::size_t w = 8;  // a vector of AVX-512
  std::size_t from = 0;
  for (; from + 2 * w <= n; from += 2 * w) {
#pragma GCC unroll 1
#pragma GCC ivdep
    for (std::size_t i = 0; i < w; ++i) {
      std::size_t const k = from + i;
      simd::Group<4> const z{{z0[k], z1[k], z0[k + w], z1[k + w]}};
      auto const square = square_of(z);
      auto const u = f_at(square, z);
      f0[k] = u.at[0];
      f1[k] = u.at[1];
      f0[k + w] = u.at[2];
      f1[k + w] = u.at[3];
      if constexpr (slopes != Slopes::not_wanted) {
        auto const slope = slope_at(square, u);
        take<slopes>(slope.at[0] + slope.at[1], divergence[k]);
        take<slopes>(slope.at[2] + slope.at[3], divergence[k + w]);
      }
    }
  }
#pragma GCC ivdep
  for (std::size_t k = from; k < n; ++k) {
    simd::Group<2> const z{{z0[k], z1[k]}};
    auto const square = square_of(z);
    auto const u = f_at(square, z);
    f0[k] = u.at[0];
    f1[k] = u.at[1];
    if constexpr (slopes != Slopes::not_wanted) {
      auto const slope = slope_at(square, u);
      take<slopes>(slope.at[0] + slope.at[1], divergence[k]);
    }
  }
}

template <Slopes slopes>
void one_component(std::size_t n, double const* __restrict z, double* __restrict f, double* __restrict divergence) {
#pragma GCC ivdep
  for (std::size_t k = 0; k < n; ++k) {
    double const square = z[k] * z[k];
    double const u = f_at(square, z[k]);
    f[k] = u;
    if constexpr (slopes != Slopes::not_wanted) take<slopes>(slope_at(square, u), divergence[k]);
  }
}

class Kernel final : public FieldKernel {
 public:
  explicit Kernel(std::size_t dimension) : d_(dimension) {}

  void evaluate(Lanes const& lanes, Columns& f, double* divergence) override {
    for (std::size_t i = 0; i < d_; i += 2) {
      if (divergence == nullptr)
        from_component<Slopes::not_wanted>(i, lanes, f, divergence);
      else if (i == 0)
        from_component<Slopes::first>(i, lanes, f, divergence);
      else
        from_component<Slopes::further>(i, lanes, f, divergence);
    }
  }

  void jacobian_product(Lanes const& lanes, Columns const& v, Columns& Jv) override {
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict z = lanes.z.column(i);
      double const* __restrict from = v.column(i);
      double* __restrict to = Jv.column(i);
      for (std::size_t k = 0; k < lanes.n; ++k) to[k] = slope_at(z[k] * z[k], f_at(z[k] * z[k], z[k])) * from[k];
    }
  }

  void pull_back(Lanes const& lanes, Columns const& a, double const* b, Columns& z_bar, double*) override {
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict z = lanes.z.column(i);
      double const* __restrict from = a.column(i);
      double* __restrict to = z_bar.column(i);
      for (std::size_t k = 0; k < lanes.n; ++k)
        to[k] = std::fma(slope_at(z[k] * z[k], f_at(z[k] * z[k], z[k])), from[k], to[k]);
      if (b == nullptr) continue;
      for (std::size_t k = 0; k < lanes.n; ++k) {
        double const f = f_at(z[k] * z[k], z[k]);
        // f'' = 6 z (1 - f^2) (1 - 3 z^3 f)
        double const curvature = 6 * z[k] * std::fma(-f, f, 1.0) * std::fma(-3 * (z[k] * z[k] * z[k]), f, 1.0);
        to[k] = std::fma(b[k], curvature, to[k]);
      }
    }
  }

 private:
  template <Slopes slopes>
  void from_component(std::size_t i, Lanes const& lanes, Columns& f, double* divergence) const {
    if (i + 1 < d_)
      two_components<slopes>(lanes.n, lanes.z.column(i), lanes.z.column(i + 1), f.column(i), f.column(i + 1), divergence);
    else
      one_component<slopes>(lanes.n, lanes.z.column(i), f.column(i), divergence);
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
