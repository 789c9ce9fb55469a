#include "fermiac/vmc/factors/rbm.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "fermiac/simd/functions.hpp"

namespace fermiac::vmc {
namespace {

using std::size_t;

class Rbm final : public Factor {
 public:
  Rbm(System const& system, RbmShape const& shape, double sigma_squared, arma::uword n_walkers)
      : shape_(shape),
        D_(static_cast<size_t>(system.dimensions)),
        n_(n_walkers),
        s_(exponent(shape.convention)),
        sigma_squared_(sigma_squared),
        theta_(n_walkers, shape.n_hidden),
        new_theta_(n_walkers, shape.n_hidden),
        size_P_(n_walkers, 2),
        new_size_P_(n_walkers, 2),
        work_(n_walkers, 3),
        probability_(n_walkers, shape.n_hidden) {}

  void set_parameters(std::span<double const> parameters) override {
    p_ = unflatten(shape_, arma::vec(parameters.data(), parameters.size()), sigma_squared_);
    width_ = 1 / p_.sigma_squared;
    V_ = p_.W * width_;
  }

  void refresh(Columns const& x) override {
    for (size_t j = 0; j < shape_.n_hidden; ++j) {
      double* __restrict theta = theta_.column(j);
      std::fill_n(theta, n_, p_.b[j]);
      for (size_t i = 0; i < shape_.n_coordinates; ++i) {
        double const* __restrict xi = x.column(i);
        double const weight = V_(i, j);
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) theta[k] = std::fma(weight, xi[k], theta[k]);
      }
    }
    weigh(theta_, size_P_);
  }

  void propose(Columns const& x, Proposal const& proposal, Ratio const& ratio) override {
    double* __restrict power = ratio.exponent;
    for (size_t c = 0; c < D_; ++c) {
      size_t const i = proposal.particle * D_ + c;
      double const* __restrict from = x.column(i);
      double const* __restrict to = proposal.x.column(c);
      double const twice_a = 2 * p_.a[i];
      double const scale = -s_ * width_;
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) power[k] = std::fma(scale * (to[k] - from[k]), to[k] + from[k] - twice_a, power[k]);
    }
    for (size_t j = 0; j < shape_.n_hidden; ++j) {
      double const* __restrict theta = theta_.column(j);
      double* __restrict new_theta = new_theta_.column(j);
      std::copy_n(theta, n_, new_theta);
      for (size_t c = 0; c < D_; ++c) {
        size_t const i = proposal.particle * D_ + c;
        double const* __restrict from = x.column(i);
        double const* __restrict to = proposal.x.column(c);
        double const weight = V_(i, j);
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) new_theta[k] = std::fma(weight, to[k] - from[k], new_theta[k]);
      }
    }
    weigh(new_theta_, new_size_P_);
    double const* __restrict size = size_P_.column(0);
    double const* __restrict P = size_P_.column(1);
    double const* __restrict new_size = new_size_P_.column(0);
    double const* __restrict new_P = new_size_P_.column(1);
    double* __restrict numerator = ratio.numerator;
    double* __restrict denominator = ratio.denominator;
    bool const squared = s_ == 1;
#pragma GCC ivdep
    for (size_t k = 0; k < n_; ++k) {
      power[k] = std::fma(2 * s_, new_size[k] - size[k], power[k]);
      numerator[k] *= squared ? new_P[k] * new_P[k] : new_P[k];
      denominator[k] *= squared ? P[k] * P[k] : P[k];
    }
  }

  void take(Columns const&, Proposal const&, double const* taken) override {
    for (size_t j = 0; j < shape_.n_hidden; ++j) select(theta_.column(j), new_theta_.column(j), taken);
    for (size_t c = 0; c < 2; ++c) select(size_P_.column(c), new_size_P_.column(c), taken);
  }

  void add_drift(Columns const& x, size_t particle, Columns& drift) override {
    add_force(
        theta_, particle, [&](size_t c) { return x.column(particle * D_ + c); }, drift, 0);
  }

  void add_proposed_drift(Columns const&, Proposal const& proposal, Columns& drift) override {
    add_force(
        new_theta_, proposal.particle, [&](size_t c) { return proposal.x.column(c); }, drift, 0);
  }

  void add_slope(Columns const& x, Columns& drift, double* laplacian) override {
    double* __restrict sum = laplacian;
    double const constant = -s_ * static_cast<double>(shape_.n_coordinates) * width_;
    for (size_t k = 0; k < n_; ++k) sum[k] += constant;
    for (size_t j = 0; j < shape_.n_hidden; ++j) {
      double const* __restrict theta = theta_.column(j);
      double* __restrict p = probability_.column(j);
      double const weight = s_ * arma::dot(V_.col(j), V_.col(j));
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) {
        p[k] = simd::sigmoid(theta[k]);
        sum[k] = std::fma(weight * p[k], 1 - p[k], sum[k]);
      }
    }
    for (size_t particle = 0; particle < shape_.n_coordinates / D_; ++particle)
      add_force_of_probabilities(
          particle, [&](size_t c) { return x.column(particle * D_ + c); }, drift, particle * D_);
  }

  void log_derivatives(Columns const& x, Columns& O, arma::uword first, Columns const* direction, Columns* along) override {
    size_t const M = shape_.n_coordinates;
    size_t const H = shape_.n_hidden;
    size_t const last = first + shape_.n_parameters() - 1;
    double const scale = s_ * width_;
    if (shape_.sigma_trainable) {
      std::fill_n(O.column(last), n_, 0.0);
      if (direction != nullptr) std::fill_n(along->column(last), n_, 0.0);
    }
    for (size_t i = 0; i < M; ++i) {
      double const* __restrict xi = x.column(i);
      double* __restrict Oi = O.column(first + i);
      double const a = p_.a[i];
      for (size_t k = 0; k < n_; ++k) Oi[k] = scale * (xi[k] - a);
      if (shape_.sigma_trainable) {
        double* __restrict of_sigma = O.column(last);
        for (size_t k = 0; k < n_; ++k) of_sigma[k] = std::fma(Oi[k], xi[k] - a, of_sigma[k]);
      }
      if (direction == nullptr) continue;
      double const* __restrict d = direction->column(i);
      double* __restrict slope = along->column(first + i);
      for (size_t k = 0; k < n_; ++k) slope[k] = scale * d[k];
      if (shape_.sigma_trainable) {
        double* __restrict of_sigma = along->column(last);
        for (size_t k = 0; k < n_; ++k) of_sigma[k] = std::fma(2 * d[k], Oi[k], of_sigma[k]);
      }
    }
    double* __restrict turn = work_.column(0);    // grad theta_j . direction
    double* __restrict p_turn = work_.column(1);  // grad p_j . direction
    for (size_t j = 0; j < H; ++j) {
      double const* __restrict theta = theta_.column(j);
      double* __restrict p = probability_.column(j);
      double* __restrict Oj = O.column(first + M + j);
      double const b = p_.b[j];
      for (size_t k = 0; k < n_; ++k) {
        p[k] = simd::sigmoid(theta[k]);
        Oj[k] = s_ * p[k];
      }
      if (direction != nullptr) {
        std::fill_n(turn, n_, 0.0);
        for (size_t i = 0; i < M; ++i) {
          double const* __restrict d = direction->column(i);
          double const weight = V_(i, j);
          for (size_t k = 0; k < n_; ++k) turn[k] = std::fma(weight, d[k], turn[k]);
        }
        double* __restrict slope = along->column(first + M + j);
        for (size_t k = 0; k < n_; ++k) {
          p_turn[k] = p[k] * (1 - p[k]) * turn[k];
          slope[k] = s_ * p_turn[k];
        }
      }
      for (size_t i = 0; i < M; ++i) {
        double const* __restrict xi = x.column(i);
        double* __restrict Oij = O.column(first + M + H + i + M * j);
        for (size_t k = 0; k < n_; ++k) Oij[k] = scale * xi[k] * p[k];
        if (direction == nullptr) continue;
        double const* __restrict d = direction->column(i);
        double* __restrict slope = along->column(first + M + H + i + M * j);
        for (size_t k = 0; k < n_; ++k) slope[k] = scale * std::fma(xi[k], p_turn[k], d[k] * p[k]);
      }
      if (!shape_.sigma_trainable) continue;
      double* __restrict of_sigma = O.column(last);
      for (size_t k = 0; k < n_; ++k) of_sigma[k] = std::fma(-2 * s_ * (theta[k] - b), p[k], of_sigma[k]);
      if (direction == nullptr) continue;
      double* __restrict slope = along->column(last);
      for (size_t k = 0; k < n_; ++k) slope[k] = std::fma(-2 * s_, std::fma(theta[k] - b, p_turn[k], turn[k] * p[k]), slope[k]);
    }
  }

  void add_log_psi(Columns const& x, double* log_psi, double*) override {
    for (size_t i = 0; i < shape_.n_coordinates; ++i) {
      double const* xi = x.column(i);
      for (size_t k = 0; k < n_; ++k) log_psi[k] -= 0.5 * s_ * width_ * (xi[k] - p_.a[i]) * (xi[k] - p_.a[i]);
    }
    for (size_t k = 0; k < n_; ++k) log_psi[k] += s_ * (size_P_.column(0)[k] + simd::log(size_P_.column(1)[k]));
  }

 private:
  static constexpr size_t group_size = 256;  // hidden units whose product of 1 + e stays below 2^256

  /// sum_j max(theta_j, 0), with the logarithm of all factors but those of the last group, and the product of those,
  /// 1 + exp(-|theta_j|).
  void weigh(Columns const& theta, Columns& size_P) const {
    double* __restrict size = size_P.column(0);
    double* __restrict P = size_P.column(1);
    std::fill_n(size, n_, 0.0);
    std::fill_n(P, n_, 1.0);
    for (size_t j = 0; j < shape_.n_hidden; ++j) {
      if (j > 0 && j % group_size == 0)
        for (size_t k = 0; k < n_; ++k) {
          size[k] += simd::log(P[k]);
          P[k] = 1;
        }
      double const* __restrict t = theta.column(j);
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) {
        size[k] += 0.5 * (t[k] + std::fabs(t[k]));
        P[k] = std::fma(P[k], simd::exp_decay(t[k]), P[k]);
      }
    }
  }

  void select(double* __restrict held, double const* __restrict offered, double const* __restrict taken) const {
#pragma GCC ivdep
    for (size_t k = 0; k < n_; ++k) held[k] = taken[k] > 0 ? offered[k] : held[k];
  }

  template <class Coordinate>
  void add_force(Columns const& theta, size_t particle, Coordinate const& coordinate, Columns& drift, size_t first) {
    for (size_t j = 0; j < shape_.n_hidden; ++j) {
      double const* __restrict t = theta.column(j);
      double* __restrict p = probability_.column(j);
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) p[k] = simd::sigmoid(t[k]);
    }
    add_force_of_probabilities(particle, coordinate, drift, first);
  }

  template <class Coordinate>
  void add_force_of_probabilities(size_t particle, Coordinate const& coordinate, Columns& drift, size_t first) const {
    for (size_t c = 0; c < D_; ++c) {
      size_t const i = particle * D_ + c;
      double const* __restrict x = coordinate(c);
      double* __restrict f = drift.column(first + c);
      double const a = p_.a[i];
      double const scale = s_ * width_;
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) f[k] = std::fma(scale, a - x[k], f[k]);
      for (size_t j = 0; j < shape_.n_hidden; ++j) {
        double const* __restrict p = probability_.column(j);
        double const weight = s_ * V_(i, j);
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) f[k] = std::fma(weight, p[k], f[k]);
      }
    }
  }

  RbmShape shape_;
  size_t D_;
  size_t n_;
  double s_;
  double sigma_squared_;  ///< where it is not trained
  RbmParameters p_;
  double width_ = 1;  ///< 1 / sigma^2
  arma::mat V_;       ///< W / sigma^2, M x H

  Columns theta_;
  Columns new_theta_;
  Columns size_P_;
  Columns new_size_P_;
  Columns work_;
  Columns probability_;
};

class RbmForm final : public FactorForm {
 public:
  RbmForm(System const& system, AnsatzSettings const& ansatz)
      : system_(system), ansatz_(ansatz), shape_(rbm_shape(system, ansatz)) {}

  arma::uword n_parameters() const override { return shape_.n_parameters(); }
  std::vector<std::string> parameter_names() const override {
    std::vector<std::string> names;
    auto const coordinates = coordinate_names(system_);
    for (auto const& x : coordinates) names.push_back("a_" + x);
    for (arma::uword j = 0; j < shape_.n_hidden; ++j) names.push_back("b_" + std::to_string(j));
    for (arma::uword j = 0; j < shape_.n_hidden; ++j)
      for (auto const& x : coordinates) names.push_back("W_" + x + "_" + std::to_string(j));
    if (shape_.sigma_trainable) names.push_back("ln_sigma");
    return names;
  }
  std::string fixed_settings() const override {
    std::string const text = shape_.convention == Convention::f ? "Psi = F" : "Psi = sqrt(F)";
    if (shape_.sigma_trainable) return text;
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.12g", initial_sigma_squared(system_, ansatz_) * system_.omega);
    return text + ", sigma^2 = " + digits + " / omega";
  }
  Exchange exchange() const override { return Exchange::none; }

  /// The antisymmetric machine is centred: about the origin without interaction, whatever its hidden units do.
  arma::vec initial_parameters(rng::Stream& stream) const override {
    auto const D = static_cast<arma::uword>(system_.dimensions);
    auto const M = shape_.n_coordinates;
    auto const H = shape_.n_hidden;
    double const sigma_squared = initial_sigma_squared(system_, ansatz_);
    double const sigma = std::sqrt(sigma_squared);
    auto const normals = [&](arma::uword rows, arma::uword columns) {
      arma::mat values(rows, columns);
      stream.normals({values.memptr(), values.n_elem});
      return values;
    };
    RbmParameters p{arma::vec(M, arma::fill::zeros), arma::vec(H), arma::mat(M, H), sigma_squared};
    if (ansatz_.initialisation == Initialisation::random) {
      p.a = 0.5 * sigma * normals(M, 1);
      p.b = 0.5 * normals(H, 1);
      p.W = 0.5 * sigma * normals(M, H);
      return flatten(shape_, p);
    }
    for (arma::uword j = 0; j < H; ++j) {
      // Hidden units 0 and 1 push along one direction and its opposite, 2 and 3 along another one.
      arma::vec direction = arma::normalise(normals(D, 1).as_col());
      if (j % 2 == 1) direction = -arma::normalise(p.W.col(j - 1).head(D));
      for (arma::uword i = 0; i < M; ++i) p.W(i, j) = (i / D % 2 == 0 ? sigma : -sigma) * direction[i % D];
    }
    p.W += ansatz_.noise * sigma * normals(M, H);
    p.b = ansatz_.noise * normals(H, 1);
    // The mean of a + W h over all h is the origin, and there every theta_j is its noise.
    p.a = -0.5 * arma::sum(p.W, 1);
    return flatten(shape_, p);
  }

  arma::vec units() const override {
    arma::vec unit(n_parameters(), arma::fill::ones);
    double const length = 1 / std::sqrt(system_.omega);
    auto const M = shape_.n_coordinates;
    auto const H = shape_.n_hidden;
    std::fill_n(unit.memptr(), M, length);
    std::fill_n(unit.memptr() + M + H, M * H, length);
    return unit;
  }

  /// ln sigma has a unit too, to be added.
  arma::vec carried_over(arma::vec const& parameters, FactorForm const& from) const override {
    arma::vec result = FactorForm::carried_over(parameters, from);
    if (shape_.sigma_trainable) result.back() += simd::log(units().front() / from.units().front());
    return result;
  }

  bool confines() const override { return true; }

  std::unique_ptr<Factor> make(arma::uword n_walkers) const override {
    return std::make_unique<Rbm>(system_, shape_, initial_sigma_squared(system_, ansatz_), n_walkers);
  }

 private:
  System system_;
  AnsatzSettings ansatz_;
  RbmShape shape_;
};

}  // namespace

FactorKind rbm_kind() {
  return {"rbm",
          "Gaussian-binary restricted Boltzmann machine on raw coordinates",
          {},
          [](System const& system, AnsatzSettings const& ansatz) { return std::make_unique<RbmForm>(system, ansatz); }};
}

RbmShape rbm_shape(System const& system, AnsatzSettings const& ansatz) {
  return {.n_coordinates = static_cast<arma::uword>(system.particles * system.dimensions),
          .n_hidden = ansatz.hidden,
          .convention = ansatz.convention,
          .sigma_trainable = ansatz.sigma_trainable};
}

double initial_sigma_squared(System const& system, AnsatzSettings const& ansatz) {
  return ansatz.sigma_squared > 0 ? ansatz.sigma_squared : exponent(ansatz.convention) / system.omega;
}

}  // namespace fermiac::vmc
