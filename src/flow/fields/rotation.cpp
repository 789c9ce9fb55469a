#include "fermiac/flow/fields/rotation.hpp"

#include <cmath>

#include "fermiac/base/error.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::flow {
namespace {

class Kernel final : public FieldKernel {
 public:
  Kernel(std::size_t dimension, double rate) : d_(dimension), rate_(rate) {}

  void evaluate(Lanes const& lanes, Columns& f, double* divergence) override {
    f.zero();
    add_turned(lanes.n, rate_, lanes.z, f);
    if (divergence != nullptr) std::fill_n(divergence, lanes.n, 0.0);
  }
  void jacobian_product(Lanes const& lanes, Columns const& v, Columns& Jv) override {
    Jv.zero();
    add_turned(lanes.n, rate_, v, Jv);
  }
  void pull_back(Lanes const& lanes, Columns const& a, double const*, Columns& z_bar, double*) override {
    add_turned(lanes.n, -rate_, a, z_bar);
  }

 private:
  void add_turned(std::size_t n, double rate, Columns const& from, Columns& to) const {
    for (std::size_t i = 0; i + 1 < d_; i += 2) {
      double const* __restrict x = from.column(i);
      double const* __restrict y = from.column(i + 1);
      double* __restrict to_x = to.column(i);
      double* __restrict to_y = to.column(i + 1);
      for (std::size_t k = 0; k < n; ++k) {
        to_x[k] = std::fma(-rate, y[k], to_x[k]);
        to_y[k] = std::fma(rate, x[k], to_y[k]);
      }
    }
  }

  std::size_t d_;
  double rate_;
};

class Rotation final : public Field {
 public:
  Rotation(std::size_t dimension, double rate) : d_(dimension), rate_(rate) {}
  std::size_t dimension() const override { return d_; }
  std::optional<End> exact_end(std::span<double const> z, double t0, double t1) const override {
    auto const [s, c] = simd::sincos(rate_ * (t1 - t0));
    End end{{z.begin(), z.end()}, 0};
    for (std::size_t i = 0; i + 1 < d_; i += 2) {
      end.z[i] = c * z[i] - s * z[i + 1];
      end.z[i + 1] = s * z[i] + c * z[i + 1];
    }
    return end;
  }
  std::unique_ptr<FieldKernel> make_kernel(std::size_t) const override { return std::make_unique<Kernel>(d_, rate_); }

 private:
  std::size_t d_;
  double rate_;
};

}  // namespace

FieldKind rotation_kind() {
  return {"rotation",
          "f = w (-z2, z1), and so on in pairs",
          {real("rotation.rate", 1, "w").unit("1/time")},
          [](std::size_t dimension, Parameters const& options) {
            if (dimension < 2) throw InputError("flow.dimension", "a rotation needs two dimensions");
            return std::make_unique<Rotation>(dimension, options.real("rotation.rate"));
          }};
}

}  // namespace fermiac::flow
