/// The factor `rbm`, on raw coordinates.
#pragma once

#include "support/factor_checks.hpp"

namespace fermiac::testing {

/// From the formula of rbm.hpp, parameters in the order of `flatten`.
inline FactorCheck rbm(vmc::System const& system, arma::uword hidden, vmc::Convention convention, bool sigma_trainable,
                       std::uint64_t replicate) {
  FactorCheck check{.system = system, .ansatz = {}, .factor = "rbm", .parameters = {}, .log_psi = {}, .sign = {}};
  check.ansatz.hidden = hidden;
  check.ansatz.convention = convention;
  check.ansatz.sigma_trainable = sigma_trainable;
  check.ansatz.initialisation = vmc::Initialisation::random;
  check.ansatz.sigma_squared = 0.8 / system.omega;
  check.parameters = noisy_parameters(*make_form(system, check.ansatz, "rbm"), replicate, 0.1);
  check.log_psi = [=, fixed = Real{check.ansatz.sigma_squared}](Reals const& x, Reals const& p) {
    std::size_t const M = x.size();
    Real const sigma_squared = sigma_trainable ? std::exp(2 * p.back()) : fixed;
    Real log_f = 0;
    for (std::size_t i = 0; i < M; ++i) log_f -= (x[i] - p[i]) * (x[i] - p[i]) / (2 * sigma_squared);
    for (std::size_t j = 0; j < hidden; ++j) {
      Real theta = p[M + j];
      for (std::size_t i = 0; i < M; ++i) theta += x[i] * p[M + hidden + i + M * j] / sigma_squared;
      log_f += std::log1p(std::exp(theta));
    }
    return static_cast<Real>(vmc::exponent(convention)) * log_f;
  };
  return check;
}

}  // namespace fermiac::testing
