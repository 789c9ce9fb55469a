#include "fermiac/flow/fields/planar.hpp"

#include <cmath>

#include "fermiac/flow/number_list.hpp"
#include "fermiac/simd/functions.hpp"
#include "fermiac/simd/sum.hpp"

namespace fermiac::flow {
namespace {

/// u, w, b in one vector.
class Kernel final : public FieldKernel {
 public:
  Kernel(arma::vec const& parameters, std::size_t max_lanes)
      : p_(parameters), d_((parameters.n_elem - 1) / 2), tanh_(max_lanes), slope_(max_lanes), work_(max_lanes) {}

  void evaluate(Lanes const& lanes, Columns& f, double* divergence) override {
    project(lanes.n, w(), lanes.z, p_[2 * d_], tanh_.data());
    double uw = 0;
    for (std::size_t i = 0; i < d_; ++i) uw = std::fma(u()[i], w()[i], uw);
    for (std::size_t k = 0; k < lanes.n; ++k) {
      double const tanh = simd::tanh(tanh_[k]);
      tanh_[k] = tanh;
      slope_[k] = (1 - tanh) * (1 + tanh);
    }
    for (std::size_t i = 0; i < d_; ++i)
      for (std::size_t k = 0; k < lanes.n; ++k) f.column(i)[k] = u()[i] * tanh_[k];
    if (divergence == nullptr) return;
    for (std::size_t k = 0; k < lanes.n; ++k) divergence[k] = uw * slope_[k];
  }

  void jacobian_product(Lanes const& lanes, Columns const& v, Columns& Jv) override {
    project(lanes.n, w(), v, 0, work_.data());
    for (std::size_t i = 0; i < d_; ++i)
      for (std::size_t k = 0; k < lanes.n; ++k) Jv.column(i)[k] = u()[i] * (slope_[k] * work_[k]);
  }

  void pull_back(Lanes const& lanes, Columns const& a, double const* b, Columns& z_bar, double* theta_bar) override {
    auto const n = lanes.n;
    std::vector<double> inner(n);  // of the argument w . z + b
    std::vector<double> scale(n);  // b times slope: of u . w
    project(n, u(), a, 0, work_.data());
    double uw = 0;
    for (std::size_t i = 0; i < d_; ++i) uw = std::fma(u()[i], w()[i], uw);
    for (std::size_t k = 0; k < n; ++k) {
      double const weight = b == nullptr ? 0 : b[k];
      inner[k] = slope_[k] * std::fma(-2 * weight * uw, tanh_[k], work_[k]);
      scale[k] = weight * slope_[k];
    }
    for (std::size_t i = 0; i < d_; ++i)
      for (std::size_t k = 0; k < n; ++k) z_bar.column(i)[k] = std::fma(w()[i], inner[k], z_bar.column(i)[k]);
    if (theta_bar == nullptr) return;
    double const total_scale = simd::sum(scale);
    for (std::size_t i = 0; i < d_; ++i) {
      theta_bar[i] += simd::dot({a.column(i), n}, {tanh_.data(), n}) + w()[i] * total_scale;
      theta_bar[d_ + i] += simd::dot({lanes.z.column(i), n}, inner) + u()[i] * total_scale;
    }
    theta_bar[2 * d_] += simd::sum(inner);
  }

 private:
  double const* u() const { return p_.memptr(); }
  double const* w() const { return p_.memptr() + d_; }

  void project(std::size_t n, double const* weights, Columns const& from, double start, double* __restrict to) const {
    std::fill_n(to, n, start);
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict x = from.column(i);
      for (std::size_t k = 0; k < n; ++k) to[k] = std::fma(weights[i], x[k], to[k]);
    }
  }

  arma::vec const& p_;
  std::size_t d_;
  std::vector<double> tanh_, slope_, work_;
};

class Planar final : public Field {
 public:
  explicit Planar(arma::vec parameters) : p_(std::move(parameters)) {}
  std::size_t dimension() const override { return (p_.n_elem - 1) / 2; }
  std::size_t n_parameters() const override { return p_.n_elem; }
  std::span<double const> parameters() const override { return {p_.memptr(), p_.n_elem}; }
  void set_parameters(std::span<double const> parameters) override { std::copy_n(parameters.begin(), p_.n_elem, p_.begin()); }
  std::unique_ptr<FieldKernel> make_kernel(std::size_t max_lanes) const override {
    return std::make_unique<Kernel>(p_, max_lanes);
  }

 private:
  arma::vec p_;
};

}  // namespace

FieldKind planar_kind() {
  return {"planar",
          "f = u tanh(w . z + b)",
          {text("planar.u", "1, 0", "u, a number for each component"), text("planar.w", "1, 0", "w, likewise"),
           real("planar.b", 0, "b")},
          [](std::size_t dimension, Parameters const& options) {
            arma::vec const b{options.real("planar.b")};
            return std::make_unique<Planar>(arma::join_cols(vector_of(options.text("planar.u"), dimension, "planar.u"),
                                                            vector_of(options.text("planar.w"), dimension, "planar.w"), b));
          }};
}

}  // namespace fermiac::flow
