#include "fermiac/flow/fields/tanh_cubed.hpp"

#include <cmath>

#include "fermiac/simd/functions.hpp"

namespace fermiac::flow {
namespace {

class Kernel final : public FieldKernel {
 public:
  Kernel(std::size_t dimension, std::size_t max_lanes) : d_(dimension), slope_(max_lanes, dimension) {}

  void evaluate(Lanes const& lanes, Columns& f, double* divergence) override {
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict z = lanes.z.column(i);
      double* __restrict value = f.column(i);
      double* __restrict slope = slope_.column(i);
#pragma GCC ivdep
      for (std::size_t k = 0; k < lanes.n; ++k) {
        double const square = z[k] * z[k];
        double const tanh = simd::tanh(square * z[k]);
        value[k] = tanh;
        // (1 - f)(1 + f), not 1 - f^2: exact where f is 1.
        slope[k] = 3 * square * ((1 - tanh) * (1 + tanh));
      }
    }
    if (divergence == nullptr) return;
    for (std::size_t k = 0; k < lanes.n; ++k) divergence[k] = 0;
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict slope = slope_.column(i);
      for (std::size_t k = 0; k < lanes.n; ++k) divergence[k] += slope[k];
    }
  }

  void jacobian_product(Lanes const& lanes, Columns const& v, Columns& Jv) override {
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict slope = slope_.column(i);
      double const* __restrict from = v.column(i);
      double* __restrict to = Jv.column(i);
      for (std::size_t k = 0; k < lanes.n; ++k) to[k] = slope[k] * from[k];
    }
  }

  void pull_back(Lanes const& lanes, Columns const& a, double const* b, Columns& z_bar, double*) override {
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict z = lanes.z.column(i);
      double const* __restrict slope = slope_.column(i);
      double const* __restrict from = a.column(i);
      double* __restrict to = z_bar.column(i);
      for (std::size_t k = 0; k < lanes.n; ++k) to[k] = std::fma(slope[k], from[k], to[k]);
      if (b == nullptr) continue;
#pragma GCC ivdep
      for (std::size_t k = 0; k < lanes.n; ++k) {
        double const square = z[k] * z[k];
        double const tanh = simd::tanh(square * z[k]);
        // f'' = 6 z (1 - f^2) (1 - 3 z^3 f)
        double const curvature = 6 * z[k] * ((1 - tanh) * (1 + tanh)) * std::fma(-3 * square * z[k], tanh, 1.0);
        to[k] = std::fma(b[k], curvature, to[k]);
      }
    }
  }

  void time_derivative(Lanes const&, Columns& f_t) override { f_t.zero(); }

 private:
  std::size_t d_;
  Columns slope_;
};

class TanhCubed final : public Field {
 public:
  explicit TanhCubed(std::size_t dimension) : d_(dimension) {}
  std::size_t dimension() const override { return d_; }
  std::unique_ptr<FieldKernel> make_kernel(std::size_t max_lanes) const override {
    return std::make_unique<Kernel>(d_, max_lanes);
  }

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
