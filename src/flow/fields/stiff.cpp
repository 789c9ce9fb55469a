#include "fermiac/flow/fields/stiff.hpp"

#include <cmath>

#include "fermiac/simd/functions.hpp"

namespace fermiac::flow {
namespace {

class Kernel final : public FieldKernel {
 public:
  Kernel(std::size_t dimension, double rate) : d_(dimension), rate_(rate) {}

  void evaluate(Lanes const& lanes, Columns& f, double* divergence) override {
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict z = lanes.z.column(i);
      double* __restrict to = f.column(i);
#pragma GCC ivdep
      for (std::size_t k = 0; k < lanes.n; ++k) {
        auto const [sin, cos] = simd::sincos(lanes.t[k]);
        to[k] = std::fma(-rate_, z[k] - cos, -sin);
      }
    }
    if (divergence != nullptr) std::fill_n(divergence, lanes.n, -rate_ * static_cast<double>(d_));
  }
  void jacobian_product(Lanes const& lanes, Columns const& v, Columns& Jv) override {
    Jv.zero();
    add_scaled(lanes.n, v, Jv);
  }
  void pull_back(Lanes const& lanes, Columns const& a, double const*, Columns& z_bar, double*) override {
    add_scaled(lanes.n, a, z_bar);
  }

 private:
  void add_scaled(std::size_t n, Columns const& from, Columns& to) const {
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict x = from.column(i);
      double* __restrict y = to.column(i);
      for (std::size_t k = 0; k < n; ++k) y[k] = std::fma(-rate_, x[k], y[k]);
    }
  }

  std::size_t d_;
  double rate_;
};

class Stiff final : public Field {
 public:
  Stiff(std::size_t dimension, double rate) : d_(dimension), rate_(rate) {}
  std::size_t dimension() const override { return d_; }
  bool is_autonomous() const override { return false; }
  std::optional<End> exact_end(std::span<double const> z, double t0, double t1) const override {
    double const decay = simd::exp(-rate_ * (t1 - t0));
    End end{{z.begin(), z.end()}, rate_ * static_cast<double>(d_) * (t1 - t0)};
    for (double& x : end.z) x = simd::sincos(t1).cos + (x - simd::sincos(t0).cos) * decay;
    return end;
  }
  std::unique_ptr<FieldKernel> make_kernel(std::size_t) const override { return std::make_unique<Kernel>(d_, rate_); }

 private:
  std::size_t d_;
  double rate_;
};

}  // namespace

FieldKind stiff_kind() {
  return {"stiff",
          "f = -k (z - cos t) - sin t",
          {real("stiff.rate", 1000, "k").unit("1/time").at_least(0)},
          [](std::size_t dimension, Parameters const& options) {
            return std::make_unique<Stiff>(dimension, options.real("stiff.rate"));
          }};
}

}  // namespace fermiac::flow
