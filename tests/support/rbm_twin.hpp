/// The scalar twin of `RbmPack`: the same quantities of one walker, written down from the formulas in long double.
#pragma once

#include <cmath>
#include <vector>

#include "fermiac/vmc/rbm.hpp"
#include "fermiac/vmc/system.hpp"

namespace fermiac::testing {

using Real = long double;

struct TwinEnergies {
  Real kinetic = 0;
  Real kinetic_from_gradient = 0;
  Real trap = 0;
  Real interaction = 0;
  Real control = 0;
  Real stein = 0;
  Real energy() const { return kinetic + trap + interaction + control; }
};

class RbmTwin {
 public:
  RbmTwin(vmc::System const& system, vmc::RbmShape const& shape, vmc::RbmParameters const& parameters)
      : system_(system), shape_(shape), p_(parameters), s_(vmc::exponent(shape.convention)) {}

  Real theta(std::vector<Real> const& x, std::size_t j) const {
    Real sum = p_.b[j];
    for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * p_.W(i, j) / p_.sigma_squared;
    return sum;
  }

  Real log_psi(std::vector<Real> const& x) const {
    Real log_f = 0;
    for (std::size_t i = 0; i < x.size(); ++i) log_f -= (x[i] - p_.a[i]) * (x[i] - p_.a[i]) / (2 * p_.sigma_squared);
    for (std::size_t j = 0; j < shape_.n_hidden; ++j) {
      Real const t = theta(x, j);
      log_f += t > 0 ? t + std::log1p(std::exp(-t)) : std::log1p(std::exp(t));
    }
    return s_ * log_f;
  }

  Real probability(std::vector<Real> const& x, std::size_t j) const { return 1 / (1 + std::exp(-theta(x, j))); }

  std::vector<Real> drift(std::vector<Real> const& x) const {
    std::vector<Real> f(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      f[i] = -(x[i] - p_.a[i]) / p_.sigma_squared;
      for (std::size_t j = 0; j < shape_.n_hidden; ++j) f[i] += p_.W(i, j) / p_.sigma_squared * probability(x, j);
      f[i] *= s_;
    }
    return f;
  }

  Real laplacian(std::vector<Real> const& x) const {
    Real sum = -static_cast<Real>(x.size()) / p_.sigma_squared;
    for (std::size_t j = 0; j < shape_.n_hidden; ++j)
      for (std::size_t i = 0; i < x.size(); ++i) {
        Real const weight = p_.W(i, j) / p_.sigma_squared;
        sum += weight * weight * probability(x, j) * (1 - probability(x, j));
      }
    return s_ * sum;
  }

  /// G = sum over pairs of r exp(-k r) / (D - 1), whose gradient and Laplacian make the control variate.
  Real pair_function(std::vector<Real> const& x) const {
    Real sum = 0;
    for (int q = 1; q < system_.particles; ++q)
      for (int p = 0; p < q; ++p) {
        Real const r = distance(x, p, q);
        sum += r * std::exp(-std::sqrt(Real{system_.omega}) * r) / (system_.dimensions - 1);
      }
    return sum;
  }

  std::vector<Real> pair_gradient(std::vector<Real> const& x) const {
    std::vector<Real> G(x.size(), 0);
    if (system_.interaction != vmc::Interaction::coulomb) return G;
    Real const k = std::sqrt(Real{system_.omega});
    auto const D = static_cast<std::size_t>(system_.dimensions);
    for (int q = 1; q < system_.particles; ++q)
      for (int p = 0; p < q; ++p) {
        Real const r = distance(x, p, q);
        Real const slope = (1 - k * r) * std::exp(-k * r) / (system_.dimensions - 1);
        for (std::size_t c = 0; c < D; ++c) {
          Real const component = slope * (x[p * D + c] - x[q * D + c]) / r;
          G[p * D + c] += component;
          G[q * D + c] -= component;
        }
      }
    return G;
  }

  TwinEnergies energies(std::vector<Real> const& x) const {
    TwinEnergies result;
    auto const f = drift(x);
    Real f2 = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      f2 += f[i] * f[i];
      result.trap += Real{system_.omega} * system_.omega * x[i] * x[i] / 2;
      result.stein += 2 * x[i] * f[i];
    }
    result.kinetic = -(laplacian(x) + f2) / 2;
    result.kinetic_from_gradient = f2 / 2;
    bool const coulomb = system_.interaction == vmc::Interaction::coulomb;
    if (system_.interaction == vmc::Interaction::none) return result;
    Real const k = std::sqrt(Real{system_.omega});
    Real laplacian_of_pairs = 0;
    for (int q = 1; q < system_.particles; ++q)
      for (int p = 0; p < q; ++p) {
        Real const r = distance(x, p, q);
        result.interaction += coulomb ? 1 / r : 1 / std::sqrt(r * r + Real{system_.softening} * system_.softening);
        if (!coulomb) continue;
        Real const norm = std::exp(-k * r) / (system_.dimensions - 1);
        laplacian_of_pairs += 2 * (k * (k * r - 2) * norm + (system_.dimensions - 1) * (1 - k * r) * norm / r);
      }
    if (!coulomb) return result;
    auto const G = pair_gradient(x);
    Real Z = laplacian_of_pairs;
    for (std::size_t i = 0; i < x.size(); ++i) Z += 2 * f[i] * G[i];
    result.control = -Z / 2;
    return result;
  }

  /// d ln Psi / d parameter, in the order of `flatten`.
  std::vector<Real> log_derivatives(std::vector<Real> const& x) const {
    std::vector<Real> O;
    for (std::size_t i = 0; i < x.size(); ++i) O.push_back(s_ * (x[i] - p_.a[i]) / p_.sigma_squared);
    for (std::size_t j = 0; j < shape_.n_hidden; ++j) O.push_back(s_ * probability(x, j));
    for (std::size_t j = 0; j < shape_.n_hidden; ++j)
      for (std::size_t i = 0; i < x.size(); ++i) O.push_back(s_ * x[i] / p_.sigma_squared * probability(x, j));
    if (shape_.sigma_trainable) {
      Real of_log_sigma = 0;
      for (std::size_t i = 0; i < x.size(); ++i) of_log_sigma += (x[i] - p_.a[i]) * (x[i] - p_.a[i]) / p_.sigma_squared;
      for (std::size_t j = 0; j < shape_.n_hidden; ++j) of_log_sigma -= 2 * (theta(x, j) - p_.b[j]) * probability(x, j);
      O.push_back(s_ * of_log_sigma);
    }
    return O;
  }

 private:
  Real distance(std::vector<Real> const& x, int p, int q) const {
    Real square = 0;
    for (int c = 0; c < system_.dimensions; ++c) {
      Real const d =
          x[static_cast<std::size_t>(p * system_.dimensions + c)] - x[static_cast<std::size_t>(q * system_.dimensions + c)];
      square += d * d;
    }
    return std::sqrt(square);
  }

  vmc::System system_;
  vmc::RbmShape shape_;
  vmc::RbmParameters p_;
  Real s_;
};

}  // namespace fermiac::testing
