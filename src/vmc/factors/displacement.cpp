#include "displacement.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "fermiac/simd/functions.hpp"

#define FERMIAC_UNROLL _Pragma("GCC unroll 16")
#define FERMIAC_EACH_WALKER _Pragma("GCC ivdep") for (std::size_t k = 0; k < tile_walkers; ++k)

namespace fermiac::vmc {
namespace {

using std::size_t;

/// 1 / (1 + e^-x), for kernels to which underflow is nothing.
[[gnu::always_inline]] inline double sigmoid(double x) {
  double const e = simd::exp_decay(x);
  return (x < 0 ? e : 1.0) / (1.0 + e);
}

/// sum_k c_k t^k, t = 1 / (1 + kappa omega U); parameters c_1 ... c_n, ln kappa.
class PairDisplacement final : public Displacement {
 public:
  PairDisplacement(double omega, size_t terms) : omega_(omega), c_(terms, 0.0) {}

  size_t n_parameters() const override { return c_.size() + 1; }
  std::vector<std::string> parameter_names() const override {
    std::vector<std::string> names;
    for (size_t k = 1; k <= c_.size(); ++k) names.push_back("c_" + std::to_string(k));
    names.push_back("ln_kappa");
    return names;
  }
  void begin(rng::Stream& stream, double* parameters) const override {
    for (size_t i = 0; i < c_.size(); ++i) parameters[i] = 0.01 * stream.normal();
    parameters[c_.size()] = simd::log(0.5);
  }
  void set_parameters(double const* parameters) override {
    std::copy_n(parameters, c_.size(), c_.begin());
    kappa_ = simd::exp(parameters[c_.size()]) * omega_;
  }
  bool is_symmetric() const override { return true; }

  void value(double const* __restrict U, double const*, double const*, double* __restrict eta) const override {
    alignas(64) Tile t;
    power(U, t);
    polynomial(t, eta, nullptr, nullptr);
  }

  void slopes(double const* __restrict U, double const*, double const*, Slopes& s) const override {
    alignas(64) Tile t, first, second;
    power(U, t);
    polynomial(t, s.eta, first, second);
    double const kappa = kappa_;
    FERMIAC_EACH_WALKER {
      // dt/dU = -kappa t^2
      double const slope = -kappa * t[k] * t[k];
      s.U[k] = first[k] * slope;
      s.UU[k] = std::fma(second[k] * slope, slope, -2 * kappa * t[k] * first[k] * slope);
      s.A[k] = s.B[k] = s.UA[k] = s.UB[k] = s.AA[k] = s.BB[k] = 0;
    }
  }

  void add_derivatives(double const* __restrict U, double const*, double const*, double const* __restrict weight, double* O,
                       Rates const* rates, double* along) const override {
    alignas(64) Tile t, first, second, value, term, t_rate;
    power(U, t);
    polynomial(t, value, first, second);
    size_t const n = c_.size();
    std::copy_n(weight, tile_walkers, term);
    for (size_t i = 0; i < n; ++i) {
      double* __restrict to = O + i * tile_walkers;
      FERMIAC_EACH_WALKER {
        term[k] *= t[k];
        to[k] += term[k];
      }
    }
    // dt / d ln kappa = -t (1 - t)
    double* __restrict last = O + n * tile_walkers;
    FERMIAC_EACH_WALKER last[k] = std::fma(-weight[k] * first[k], t[k] * (1 - t[k]), last[k]);
    if (rates == nullptr) return;
    double const kappa = kappa_;
    FERMIAC_EACH_WALKER t_rate[k] = -kappa * t[k] * t[k] * rates->U[k];
    std::fill_n(term, tile_walkers, 1.0);  // t^(i-1)
    for (size_t i = 1; i <= n; ++i) {
      double* __restrict to = along + (i - 1) * tile_walkers;
      double const power = static_cast<double>(i);
      FERMIAC_EACH_WALKER {
        to[k] += term[k] * std::fma(rates->weight[k], t[k], weight[k] * power * t_rate[k]);
        term[k] *= t[k];
      }
    }
    double* __restrict to = along + n * tile_walkers;
    FERMIAC_EACH_WALKER {
      double const moved = t[k] * (1 - t[k]);
      double const rate = std::fma(second[k], moved, first[k] * (1 - 2 * t[k])) * t_rate[k];
      to[k] -= std::fma(rates->weight[k] * first[k], moved, weight[k] * rate);
    }
  }

 private:
  void power(double const* __restrict U, double* __restrict t) const {
    double const kappa = kappa_;
    FERMIAC_EACH_WALKER t[k] = 1.0 / std::fma(kappa, U[k], 1.0);
  }
  /// The sum and its derivatives in t.
  void polynomial(double const* __restrict t, double* __restrict value, double* __restrict first,
                  double* __restrict second) const {
    std::fill_n(value, tile_walkers, 0.0);
    if (first != nullptr) {
      std::fill_n(first, tile_walkers, 0.0);
      std::fill_n(second, tile_walkers, 0.0);
    }
    for (size_t i = c_.size() + 1; i-- > 0;) {
      double const c = i > 0 ? c_[i - 1] : 0.0;
      if (first != nullptr) FERMIAC_EACH_WALKER {
          second[k] = std::fma(second[k], t[k], 2 * first[k]);
          first[k] = std::fma(first[k], t[k], value[k]);
        }
      FERMIAC_EACH_WALKER value[k] = std::fma(value[k], t[k], c);
    }
  }

  double omega_;
  std::vector<double> c_;
  double kappa_ = 0;  ///< times omega
};

/// sum_h w_h sigmoid(b_h + v_h . a), a = sqrt(1 + omega U), and of A and B where it has three inputs; parameters w, b, v by h.
template <size_t n_inputs>
class NetworkDisplacement final : public Displacement {
 public:
  NetworkDisplacement(double omega, size_t hidden) : omega_(omega), hidden_(hidden), parameters_((2 + n_inputs) * hidden) {}

  size_t n_parameters() const override { return parameters_.size(); }
  std::vector<std::string> parameter_names() const override {
    std::vector<std::string> names;
    for (std::string const name : {"w", "b", "v1", "v2", "v3"}) {
      if (names.size() == parameters_.size()) break;
      for (size_t h = 0; h < hidden_; ++h) names.push_back(name + "_" + std::to_string(h));
    }
    return names;
  }
  void begin(rng::Stream& stream, double* parameters) const override {
    for (size_t h = 0; h < hidden_; ++h) {
      parameters[h] = 0.01 * stream.normal();
      parameters[hidden_ + h] = 1.5 + stream.normal();
      for (size_t f = 0; f < n_inputs; ++f) parameters[(2 + f) * hidden_ + h] = (f == 0 ? -1.0 : 0.0) + 0.3 * stream.normal();
    }
  }
  void set_parameters(double const* parameters) override { std::copy_n(parameters, parameters_.size(), parameters_.begin()); }
  bool is_symmetric() const override { return n_inputs == 1; }

  void value(double const* U, double const* a_i, double const* a_j, double* __restrict eta) const override {
    Inputs a;
    inputs(U, a_i, a_j, a);
    std::fill_n(eta, tile_walkers, 0.0);
    size_t h = 0;
    for (; h + 2 <= hidden_; h += 2) add_units<2>(h, a, eta);
    for (; h < hidden_; ++h) add_units<1>(h, a, eta);
  }

  void slopes(double const* U, double const* a_i, double const* a_j, Slopes& s) const override {
    Inputs a;
    inputs(U, a_i, a_j, a);
    input_slopes(a);
    std::fill_n(s.eta, tile_walkers, 0.0);
    alignas(64) double first[n_inputs][tile_walkers] = {};
    alignas(64) double own[n_inputs][tile_walkers] = {};
    alignas(64) double mixed[n_inputs][tile_walkers] = {};
    for (size_t h = 0; h < hidden_; ++h) {
      auto const [w, b, v] = unit(h);
      FERMIAC_EACH_WALKER {
        double theta = b;
        FERMIAC_UNROLL for (size_t f = 0; f < n_inputs; ++f) theta = std::fma(v[f], a.value[f][k], theta);
        double const p = sigmoid(theta);
        double const slope = w * p * (1 - p);
        double const curvature = slope * (1 - 2 * p);
        s.eta[k] = std::fma(w, p, s.eta[k]);
        FERMIAC_UNROLL
        for (size_t f = 0; f < n_inputs; ++f) {
          first[f][k] = std::fma(slope, v[f], first[f][k]);
          own[f][k] = std::fma(curvature * v[f], v[f], own[f][k]);
          mixed[f][k] = std::fma(curvature * v[f], v[0], mixed[f][k]);
        }
      }
    }
    // From a to U, A, B: a' = omega / (2 a), a'' = -a'^2 / a.
    double* const to_first[3] = {s.U, s.A, s.B};
    double* const to_own[3] = {s.UU, s.AA, s.BB};
    double* const to_mixed[3] = {nullptr, s.UA, s.UB};
    for (size_t f = 0; f < 3; ++f) {
      if (f >= n_inputs) {
        for (double* to : {to_first[f], to_own[f], to_mixed[f]}) std::fill_n(to, tile_walkers, 0.0);
        continue;
      }
      double* __restrict gradient = to_first[f];
      double* __restrict square = to_own[f];
      FERMIAC_EACH_WALKER {
        double const slope = a.slope[f][k];
        gradient[k] = first[f][k] * slope;
        square[k] = slope * slope * (own[f][k] - first[f][k] / a.value[f][k]);
      }
      if (f == 0) continue;
      double* __restrict product = to_mixed[f];
      FERMIAC_EACH_WALKER product[k] = mixed[f][k] * a.slope[f][k] * a.slope[0][k];
    }
  }

  void add_derivatives(double const* U, double const* a_i, double const* a_j, double const* __restrict weight, double* O,
                       Rates const* rates, double* along) const override {
    Inputs a;
    inputs(U, a_i, a_j, a);
    alignas(64) double a_rate[n_inputs][tile_walkers] = {};
    if (rates != nullptr) {
      input_slopes(a);
      double const* const rate[3] = {rates->U, rates->A, rates->B};
      for (size_t f = 0; f < n_inputs; ++f) FERMIAC_EACH_WALKER a_rate[f][k] = a.slope[f][k] * rate[f][k];
    }
    for (size_t h = 0; h < hidden_; ++h) {
      auto const [w, b, v] = unit(h);
      double* __restrict to_w = O + h * tile_walkers;
      double* __restrict to_b = O + (hidden_ + h) * tile_walkers;
      double* __restrict to_v = O + (2 * hidden_ + h) * tile_walkers;
      size_t const step = hidden_ * tile_walkers;
      FERMIAC_EACH_WALKER {
        double theta = b;
        FERMIAC_UNROLL for (size_t f = 0; f < n_inputs; ++f) theta = std::fma(v[f], a.value[f][k], theta);
        double const p = sigmoid(theta);
        double const slope = weight[k] * w * p * (1 - p);
        to_w[k] = std::fma(weight[k], p, to_w[k]);
        to_b[k] += slope;
        FERMIAC_UNROLL
        for (size_t f = 0; f < n_inputs; ++f) to_v[f * step + k] = std::fma(slope, a.value[f][k], to_v[f * step + k]);
      }
      if (rates == nullptr) continue;
      double* __restrict w_along = along + h * tile_walkers;
      double* __restrict b_along = along + (hidden_ + h) * tile_walkers;
      double* __restrict v_along = along + (2 * hidden_ + h) * tile_walkers;
      FERMIAC_EACH_WALKER {
        double theta = b;
        double theta_rate = 0;
        FERMIAC_UNROLL
        for (size_t f = 0; f < n_inputs; ++f) {
          theta = std::fma(v[f], a.value[f][k], theta);
          theta_rate = std::fma(v[f], a_rate[f][k], theta_rate);
        }
        double const p = sigmoid(theta);
        double const q = p * (1 - p);
        double const rate = w * std::fma(rates->weight[k], q, weight[k] * q * (1 - 2 * p) * theta_rate);
        w_along[k] += std::fma(rates->weight[k], p, weight[k] * q * theta_rate);
        b_along[k] += rate;
        FERMIAC_UNROLL
        for (size_t f = 0; f < n_inputs; ++f)
          v_along[f * step + k] += std::fma(rate, a.value[f][k], weight[k] * w * q * a_rate[f][k]);
      }
    }
  }

 private:
  struct Inputs {
    alignas(64) double of_pair[tile_walkers];
    double const* value[n_inputs];
    alignas(64) double slope[n_inputs][tile_walkers];
  };
  /// a of all inputs.
  void inputs(double const* U, double const* a_i, double const* a_j, Inputs& a) const {
    radial_feature(omega_, U, a.of_pair);
    double const* const values[3] = {a.of_pair, a_i, a_j};
    std::copy_n(values, n_inputs, a.value);
  }
  /// And da/dU, da/dA, da/dB.
  void input_slopes(Inputs& a) const {
    double const half = 0.5 * omega_;
    for (size_t f = 0; f < n_inputs; ++f) {
      double const* __restrict value = a.value[f];
      FERMIAC_EACH_WALKER a.slope[f][k] = half / value[k];
    }
  }
  /// Adds w sigmoid(theta) of R hidden units from `h` on, by one division.
  template <size_t R>
  void add_units(size_t h, Inputs const& a, double* __restrict eta) const {
    static_assert(R == 1 || R == 2);
    double w[R], b[R], v[R][n_inputs];
    for (size_t r = 0; r < R; ++r) {
      auto const one = unit(h + r);
      w[r] = one.w;
      b[r] = one.b;
      std::copy_n(one.v.begin(), n_inputs, v[r]);
    }
    double const* __restrict input[n_inputs];
    std::copy_n(a.value, n_inputs, input);
    FERMIAC_EACH_WALKER {
      double above[R];
      double below[R];
      FERMIAC_UNROLL
      for (size_t r = 0; r < R; ++r) {
        double theta = b[r];
        FERMIAC_UNROLL
        for (size_t f = 0; f < n_inputs; ++f) theta = std::fma(v[r][f], input[f][k], theta);
        double const e = simd::exp_decay(theta);
        above[r] = theta < 0 ? w[r] * e : w[r];
        below[r] = 1 + e;
      }
      if constexpr (R == 1)
        eta[k] += above[0] / below[0];
      else
        eta[k] += std::fma(above[0], below[1], above[1] * below[0]) / (below[0] * below[1]);
    }
  }
  struct Unit {
    double w, b;
    std::array<double, n_inputs> v;
  };
  Unit unit(size_t h) const {
    Unit result{parameters_[h], parameters_[hidden_ + h], {}};
    for (size_t f = 0; f < n_inputs; ++f) result.v[f] = parameters_[(2 + f) * hidden_ + h];
    return result;
  }

  double omega_;
  size_t hidden_;
  std::vector<double> parameters_;
};

}  // namespace

void radial_feature(double omega, double const* __restrict square, double* __restrict result) {
  FERMIAC_EACH_WALKER result[k] = std::sqrt(std::fma(omega, square[k], 1.0));
}

std::unique_ptr<Displacement> make_displacement(DisplacementForm form, double omega, std::size_t terms, bool central) {
  if (form == DisplacementForm::pair) return std::make_unique<PairDisplacement>(omega, terms);
  if (central) return std::make_unique<NetworkDisplacement<1>>(omega, terms);
  return std::make_unique<NetworkDisplacement<3>>(omega, terms);
}

}  // namespace fermiac::vmc
