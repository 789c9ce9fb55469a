#include "fermiac/flow/fields/mixture_flow.hpp"

#include <cmath>

#include "fermiac/flow/number_list.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::flow {
namespace {

struct Mixture {
  arma::mat centres;  ///< a row each
  double variance;
  double rate;
};

/// With d_k = m_k(t) - z, r_k the share of component k at z, m = sum r_k d_k and q = sum r_k |d_k|^2:
///     grad log p = m / v,    H = -1/v + (sum r_k d_k d_k^T - m m^T) / v^2,    tr H = -d/v + (q - |m|^2) / v^2.
class Kernel final : public FieldKernel {
 public:
  Kernel(Mixture const& mixture, std::size_t max_lanes)
      : mixture_(mixture),
        n_(mixture.centres.n_rows),
        d_(mixture.centres.n_cols),
        share_(max_lanes, n_),
        mean_(max_lanes, d_),
        shrink_(max_lanes),
        inverse_(max_lanes),
        square_(max_lanes),
        work_(max_lanes) {}

  void evaluate(Lanes const& lanes, Columns& f, double* divergence) override {
    auto const n = lanes.n;
    double const rate = mixture_.rate;
    for (std::size_t k = 0; k < n; ++k) {
      double const shrink = simd::exp(-0.5 * rate * lanes.t[k]);
      shrink_[k] = shrink;
      inverse_[k] = 1 / std::fma(mixture_.variance - 1, shrink * shrink, 1.0);
    }
    std::vector<double>& largest = work_;
    std::fill_n(largest.begin(), n, -1e300);
    for (std::size_t c = 0; c < n_; ++c) {
      double* exponent = share_.column(c);
      std::fill_n(exponent, n, 0.0);
      for (std::size_t i = 0; i < d_; ++i)
        for (std::size_t k = 0; k < n; ++k) {
          double const way = distance(lanes, c, i, k);
          exponent[k] = std::fma(way, way, exponent[k]);
        }
      for (std::size_t k = 0; k < n; ++k) {
        exponent[k] *= -0.5 * inverse_[k];
        largest[k] = exponent[k] > largest[k] ? exponent[k] : largest[k];
      }
    }
    std::fill_n(square_.begin(), n, 0.0);
    for (std::size_t c = 0; c < n_; ++c)
      for (std::size_t k = 0; k < n; ++k) {
        double const weight = simd::exp(share_.column(c)[k] - largest[k]);
        share_.column(c)[k] = weight;
        square_[k] += weight;
      }
    for (std::size_t c = 0; c < n_; ++c)
      for (std::size_t k = 0; k < n; ++k) share_.column(c)[k] /= square_[k];
    std::fill_n(square_.begin(), n, 0.0);
    mean_.zero();
    for (std::size_t c = 0; c < n_; ++c)
      for (std::size_t i = 0; i < d_; ++i)
        for (std::size_t k = 0; k < n; ++k) {
          double const way = distance(lanes, c, i, k);
          mean_.column(i)[k] = std::fma(share_.column(c)[k], way, mean_.column(i)[k]);
          square_[k] = std::fma(share_.column(c)[k], way * way, square_[k]);
        }
    for (std::size_t i = 0; i < d_; ++i)
      for (std::size_t k = 0; k < n; ++k)
        f.column(i)[k] = -0.5 * rate * std::fma(mean_.column(i)[k], inverse_[k], lanes.z.column(i)[k]);
    if (divergence == nullptr) return;
    for (std::size_t k = 0; k < n; ++k) {
      double spread = square_[k];
      for (std::size_t i = 0; i < d_; ++i) spread = std::fma(-mean_.column(i)[k], mean_.column(i)[k], spread);
      double const v = inverse_[k];
      divergence[k] = -0.5 * rate * std::fma(static_cast<double>(d_), 1 - v, spread * v * v);
    }
  }

  void jacobian_product(Lanes const& lanes, Columns const& v, Columns& Jv) override {
    Jv.zero();
    add_product(lanes, v, Jv);
  }

  void pull_back(Lanes const& lanes, Columns const& a, double const* b, Columns& z_bar, double*) override {
    add_product(lanes, a, z_bar);  // J is symmetric
    if (b == nullptr) return;
    // grad (q - |m|^2) = sum r_k (|d_k|^2 - 2 d_k . m) (d_k - m) / v, for the terms -2 m and 2 m cancel.
    for (std::size_t c = 0; c < n_; ++c) {
      std::fill_n(work_.begin(), lanes.n, 0.0);
      for (std::size_t i = 0; i < d_; ++i)
        for (std::size_t k = 0; k < lanes.n; ++k) {
          double const way = distance(lanes, c, i, k);
          work_[k] = std::fma(way, way - 2 * mean_.column(i)[k], work_[k]);
        }
      for (std::size_t i = 0; i < d_; ++i)
        for (std::size_t k = 0; k < lanes.n; ++k) {
          double const v = inverse_[k];
          double const term = share_.column(c)[k] * work_[k] * (distance(lanes, c, i, k) - mean_.column(i)[k]);
          z_bar.column(i)[k] = std::fma(-0.5 * mixture_.rate * b[k] * v * v * v, term, z_bar.column(i)[k]);
        }
    }
  }

 private:
  [[gnu::always_inline]] double distance(Lanes const& lanes, std::size_t c, std::size_t i, std::size_t k) const {
    return std::fma(mixture_.centres(c, i), shrink_[k], -lanes.z.column(i)[k]);
  }

  void add_product(Lanes const& lanes, Columns const& x, Columns& to) {
    auto const n = lanes.n;
    double const factor = -0.5 * mixture_.rate;
    auto const add_outer = [&](auto weight, auto direction) {
      std::fill_n(work_.begin(), n, 0.0);
      for (std::size_t i = 0; i < d_; ++i)
        for (std::size_t k = 0; k < n; ++k) work_[k] = std::fma(direction(i, k), x.column(i)[k], work_[k]);
      for (std::size_t i = 0; i < d_; ++i)
        for (std::size_t k = 0; k < n; ++k) {
          double const v = inverse_[k];
          to.column(i)[k] = std::fma(factor * v * v * weight(k) * work_[k], direction(i, k), to.column(i)[k]);
        }
    };
    for (std::size_t i = 0; i < d_; ++i)
      for (std::size_t k = 0; k < n; ++k)
        to.column(i)[k] = std::fma(factor * (1 - inverse_[k]), x.column(i)[k], to.column(i)[k]);
    for (std::size_t c = 0; c < n_; ++c)
      add_outer([&](std::size_t k) { return share_.column(c)[k]; },
                [&](std::size_t i, std::size_t k) { return distance(lanes, c, i, k); });
    add_outer([](std::size_t) { return -1.0; }, [&](std::size_t i, std::size_t k) { return mean_.column(i)[k]; });
  }

  Mixture const& mixture_;
  std::size_t n_, d_;
  Columns share_, mean_;
  std::vector<double> shrink_, inverse_, square_, work_;
};

class MixtureFlow final : public Field {
 public:
  explicit MixtureFlow(Mixture mixture) : mixture_(std::move(mixture)) {}
  std::size_t dimension() const override { return mixture_.centres.n_cols; }
  bool is_autonomous() const override { return false; }
  std::unique_ptr<FieldKernel> make_kernel(std::size_t max_lanes) const override {
    return std::make_unique<Kernel>(mixture_, max_lanes);
  }

 private:
  Mixture mixture_;
};

}  // namespace

FieldKind mixture_flow_kind() {
  return {"mixture_flow",
          "probability flow of a diffusing mixture of Gaussians (Song et al. 2021)",
          {text("mixture_flow.centres", "2, 0; -2, 0", "centres at t = 0, rows separated by semicolons"),
           real("mixture_flow.deviation", 0.5, "deviation of every component at t = 0").above(0),
           real("mixture_flow.rate", 1, "of the diffusion, b").unit("1/time").above(0)},
          [](std::size_t dimension, Parameters const& options) {
            double const deviation = options.real("mixture_flow.deviation");
            return std::make_unique<MixtureFlow>(
                Mixture{rows_of(options.text("mixture_flow.centres"), dimension, "mixture_flow.centres"), deviation * deviation,
                        options.real("mixture_flow.rate")});
          }};
}

}  // namespace fermiac::flow
