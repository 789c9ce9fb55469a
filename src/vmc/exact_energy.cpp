#include "fermiac/vmc/exact_energy.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/simd/functions.hpp"
#include "fermiac/vmc/mean_interaction.hpp"

namespace fermiac::vmc {

namespace {

// Mean of bell(theta) = sigmoid(theta) (1 - sigmoid(theta)) for theta normal, and its derivatives.
struct MeanBell {
  double value = 0;
  double by_mean = 0;
  double by_variance = 0;
};

MeanBell mean_bell(double mean, double variance) {
  auto const deviation = std::sqrt(variance);
  // The poles of the bell lie pi off the axis; the bell ends where |theta| is 48, the normal at 9.6 deviations.
  auto const width = std::min(0.6, 0.4 / deviation);
  auto const first = std::ceil(std::max(-9.6, (-48 - mean) / deviation) / width);
  auto const last = std::floor(std::min(9.6, (48 - mean) / deviation) / width);
  MeanBell sum;
  for (auto k = first; k <= last; ++k) {
    auto const y = k * width;
    auto const fall = simd::exp(-std::abs(mean + deviation * y));
    auto const bell = fall / ((1 + fall) * (1 + fall));
    auto const slope = std::copysign(bell * (1 - fall) / (1 + fall), -(mean + deviation * y));
    auto const weight = simd::exp(-0.5 * y * y);
    sum.value += weight * bell;
    sum.by_mean += weight * slope;
    sum.by_variance += weight * bell * (1 - 6 * bell);
  }
  auto const scale = width / std::sqrt(2 * std::numbers::pi);
  return {scale * sum.value, scale * sum.by_mean, 0.5 * scale * sum.by_variance};
}

class Mixture {
 public:
  Mixture(System const& system, RbmShape const& shape, RbmParameters const& parameters)
      : system_(system),
        parameters_(parameters),
        m_(shape.convention == Convention::sqrt_f ? 1 : 2),
        M_(shape.n_coordinates),
        H_(shape.n_hidden),
        occupation_(H_, arma::fill::zeros),
        shift_(M_),
        centre_(M_),
        W_squares_(H_),
        by_a_(M_, arma::fill::zeros),
        by_b_(H_, arma::fill::zeros),
        by_W_(M_, H_, arma::fill::zeros) {
    for (arma::uword j = 0; j < H_; ++j)
      for (arma::uword i = 0; i < M_; ++i) W_squares_[j] += parameters_.W(i, j) * parameters_.W(i, j);
  }

  ExactEnergy energy() {
    weigh();
    auto const sigma_squared = parameters_.sigma_squared;
    ExactEnergy result;
    result.kinetic = 0.125 * m_ * static_cast<double>(M_) / sigma_squared;
    by_sigma_squared_ = -result.kinetic / sigma_squared;

    std::vector<double> energies(weights_.size());
    for (std::size_t n = 0; n < weights_.size(); ++n) {
      place(n);
      auto const kinetic = add_kinetic(weights_[n]);
      auto const trap = add_trap(weights_[n]);
      auto const interaction = add_interaction(weights_[n]);
      energies[n] = kinetic + trap + interaction;
      result.kinetic += weights_[n] * kinetic;
      result.trap += weights_[n] * trap;
      result.interaction += weights_[n] * interaction;
    }
    double mean = 0;
    for (std::size_t n = 0; n < weights_.size(); ++n) mean += weights_[n] * energies[n];
    for (std::size_t n = 0; n < weights_.size(); ++n) {
      place(n);
      add_weight(weights_[n] * (energies[n] - mean));
    }
    result.total = result.kinetic + result.trap + result.interaction;
    return result;
  }

  arma::vec gradient(RbmShape const& shape) const {
    arma::vec flat = arma::join_cols(by_a_, by_b_, arma::vectorise(by_W_));
    if (shape.sigma_trainable) {
      flat.resize(flat.n_elem + 1);
      flat.back() = 2 * parameters_.sigma_squared * by_sigma_squared_;
    }
    return flat;
  }

 private:
  // Sets occupation, shift W n and centre of component n, whose digits to the base m + 1 are the n_j.
  void place(std::size_t n) {
    shift_.zeros();
    for (arma::uword j = 0; j < H_; ++j) {
      occupation_[j] = static_cast<double>(n % static_cast<std::size_t>(m_ + 1));
      n /= static_cast<std::size_t>(m_ + 1);
      if (occupation_[j] > 0)
        for (arma::uword i = 0; i < M_; ++i) shift_[i] += occupation_[j] * parameters_.W(i, j);
    }
    for (arma::uword i = 0; i < M_; ++i) centre_[i] = parameters_.a[i] + shift_[i] / m_;
  }

  void weigh() {
    std::size_t n_components = 1;
    for (arma::uword j = 0; j < H_; ++j) n_components *= static_cast<std::size_t>(m_ + 1);
    weights_.resize(n_components);
    double largest = -std::numeric_limits<double>::infinity();
    for (std::size_t n = 0; n < n_components; ++n) {
      place(n);
      double quadratic = 0;
      double linear = 0;
      for (arma::uword i = 0; i < M_; ++i) quadratic += shift_[i] * (parameters_.a[i] + 0.5 * shift_[i] / m_);
      for (arma::uword j = 0; j < H_; ++j) {
        linear += parameters_.b[j] * occupation_[j];
        if (m_ == 2 && occupation_[j] == 1) linear += std::numbers::ln2;
      }
      weights_[n] = linear + quadratic / parameters_.sigma_squared;
      largest = std::max(largest, weights_[n]);
    }
    double sum = 0;
    for (double& weight : weights_) sum += weight = simd::exp(weight - largest);
    for (double& weight : weights_) weight /= sum;
  }

  // Each of these gives the energy of the placed component and adds `weight` times its derivatives at fixed weights.

  double add_kinetic(double weight) {
    auto const sigma_squared = parameters_.sigma_squared;
    auto const scale = -0.125 * m_ / (sigma_squared * sigma_squared);
    double energy = 0;
    for (arma::uword j = 0; j < H_; ++j) {
      MeanBell bell;
      if (m_ == 1) {
        double mean = parameters_.b[j];
        for (arma::uword i = 0; i < M_; ++i) mean += parameters_.W(i, j) * centre_[i] / sigma_squared;
        bell = mean_bell(mean, W_squares_[j] / sigma_squared);
        auto const outer = weight * scale * W_squares_[j];
        by_b_[j] += outer * bell.by_mean;
        double product = 0;  // of W_j and c
        for (arma::uword i = 0; i < M_; ++i) {
          product += parameters_.W(i, j) * centre_[i];
          by_W_(i, j) += outer * (bell.by_mean * centre_[i] + bell.by_variance * 2 * parameters_.W(i, j)) / sigma_squared;
          add_centre(i, outer * bell.by_mean * parameters_.W(i, j) / sigma_squared);
        }
        by_sigma_squared_ -=
            outer * (bell.by_mean * product + bell.by_variance * W_squares_[j]) / (sigma_squared * sigma_squared);
      } else {
        bell.value = occupation_[j] == 1 ? 0.5 : 0;
      }
      energy += scale * W_squares_[j] * bell.value;
      for (arma::uword i = 0; i < M_; ++i) by_W_(i, j) += weight * scale * 2 * parameters_.W(i, j) * bell.value;
    }
    by_sigma_squared_ -= weight * 2 * energy / sigma_squared;
    return energy;
  }

  double add_trap(double weight) {
    auto const stiffness = system_.omega * system_.omega;
    double square = 0;
    for (arma::uword i = 0; i < M_; ++i) {
      square += centre_[i] * centre_[i];
      add_centre(i, weight * stiffness * centre_[i]);
    }
    by_sigma_squared_ += weight * 0.5 * stiffness * static_cast<double>(M_) / m_;
    return 0.5 * stiffness * (square + static_cast<double>(M_) * parameters_.sigma_squared / m_);
  }

  double add_interaction(double weight) {
    if (system_.interaction == Interaction::none) return 0;
    auto const d = static_cast<arma::uword>(system_.dimensions);
    auto const variance = 2 * parameters_.sigma_squared / m_;
    double energy = 0;
    for (arma::uword first = 0; first < M_; first += d)
      for (arma::uword second = first + d; second < M_; second += d) {
        double square = 0;
        for (arma::uword i = 0; i < d; ++i) {
          auto const distance = centre_[first + i] - centre_[second + i];
          square += distance * distance;
        }
        auto const mean = mean_interaction(system_, square, variance);
        energy += mean.value;
        for (arma::uword i = 0; i < d; ++i) {
          auto const force = weight * mean.by_squared_distance * 2 * (centre_[first + i] - centre_[second + i]);
          add_centre(first + i, force);
          add_centre(second + i, -force);
        }
        by_sigma_squared_ += weight * mean.by_variance * 2 / m_;
      }
    return energy;
  }

  // Adds `amount` times the derivatives of coordinate i of the placed centre.
  void add_centre(arma::uword i, double amount) {
    by_a_[i] += amount;
    for (arma::uword j = 0; j < H_; ++j) by_W_(i, j) += amount * occupation_[j] / m_;
  }

  // Adds `amount` times the derivatives of the placed component's log weight.
  void add_weight(double amount) {
    auto const sigma_squared = parameters_.sigma_squared;
    double quadratic = 0;
    for (arma::uword i = 0; i < M_; ++i) {
      quadratic += shift_[i] * (parameters_.a[i] + 0.5 * shift_[i] / m_);
      by_a_[i] += amount * shift_[i] / sigma_squared;
      for (arma::uword j = 0; j < H_; ++j) by_W_(i, j) += amount * occupation_[j] * centre_[i] / sigma_squared;
    }
    for (arma::uword j = 0; j < H_; ++j) by_b_[j] += amount * occupation_[j];
    by_sigma_squared_ -= amount * quadratic / (sigma_squared * sigma_squared);
  }

  System const& system_;
  RbmParameters const& parameters_;
  int m_;
  arma::uword M_;
  arma::uword H_;
  std::vector<double> weights_;
  arma::vec occupation_;
  arma::vec shift_;
  arma::vec centre_;
  arma::vec W_squares_;
  arma::vec by_a_;
  arma::vec by_b_;
  arma::mat by_W_;
  double by_sigma_squared_ = 0;
};

void check_parameters(RbmShape const& shape, RbmParameters const& parameters) {
  FERMIAC_ASSERT(parameters.a.n_elem == shape.n_coordinates && parameters.b.n_elem == shape.n_hidden);
  FERMIAC_ASSERT(parameters.W.n_rows == shape.n_coordinates && parameters.W.n_cols == shape.n_hidden);
  if (!parameters.a.is_finite() || !parameters.b.is_finite() || !parameters.W.is_finite())
    throw ItemFailure("a parameter of the wave function is not finite");
  if (!(parameters.sigma_squared > 0) || !std::isfinite(parameters.sigma_squared))
    throw ItemFailure("the width of the wave function is not greater than 0 and finite");
}

}  // namespace

ExactEnergy exact_energy(System const& system, RbmShape const& shape, RbmParameters const& parameters) {
  check(system);
  FERMIAC_ASSERT(shape.n_coordinates ==
                 static_cast<arma::uword>(system.particles) * static_cast<arma::uword>(system.dimensions));
  if (shape.n_hidden > max_hidden_exact(shape.convention))
    throw InputError("ansatz.hidden", "the exact energy is computed for up to " +
                                          std::to_string(max_hidden_exact(shape.convention)) + " hidden units, not " +
                                          std::to_string(shape.n_hidden));
  check_parameters(shape, parameters);
  Mixture mixture(system, shape, parameters);
  auto result = mixture.energy();
  result.gradient = mixture.gradient(shape);
  if (!std::isfinite(result.total) || !result.gradient.is_finite())
    throw ItemFailure("the exact energy of the wave function is not finite");
  return result;
}

}  // namespace fermiac::vmc
