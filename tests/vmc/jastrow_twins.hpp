/// Jastrow factors, each pair by its formula.
#pragma once

#include "support/factor_checks.hpp"

namespace fermiac::testing {

/// ln Psi = sum over pairs of u(r, like, parameter of the class).
template <class PairFunction>
FactorCheck pairs(std::string const& factor, vmc::System const& system, arma::vec const& parameters, PairFunction u) {
  FactorCheck check{.system = system, .ansatz = {}, .factor = factor, .parameters = parameters, .log_psi = {}, .sign = {}};
  check.log_psi = [system, u](Reals const& x, Reals const& p) {
    auto const D = static_cast<std::size_t>(system.dimensions);
    Real sum = 0;
    for (std::size_t j = 1; j < static_cast<std::size_t>(system.particles); ++j)
      for (std::size_t i = 0; i < j; ++i) {
        Real square = 0;
        for (std::size_t c = 0; c < D; ++c) square += (x[i * D + c] - x[j * D + c]) * (x[i * D + c] - x[j * D + c]);
        bool const like = vmc::are_like(system, i, j);
        sum += u(std::sqrt(square), like, p.empty() ? 0 : like ? p.back() : p.front());
      }
    return sum;
  };
  return check;
}

inline FactorCheck pade(vmc::System const& system, arma::vec const& parameters) {
  return pairs("pade_jastrow", system, parameters, [system](Real r, bool like, Real log_beta) {
    Real const a = Real{1} / (like ? system.dimensions + 1 : system.dimensions - 1);
    return a * r / (1 + std::sqrt(Real{system.omega}) * std::exp(log_beta) * r);
  });
}

inline FactorCheck simple(vmc::System const& system, arma::vec const& parameters) {
  return pairs("simple_jastrow", system, parameters, [](Real r, bool, Real b) { return b * r; });
}

inline FactorCheck linear(vmc::System const& system, double c, arma::vec const& parameters) {
  auto check =
      pairs("linear_jastrow", system, parameters, [system, c, trained = !parameters.is_empty()](Real r, bool like, Real log_c) {
        Real const cusp = Real{1} / (like ? system.dimensions + 1 : system.dimensions - 1);
        return std::log1p((trained ? std::sqrt(Real{system.omega}) * std::exp(log_c) : c > 0 ? c : cusp) * r);
      });
  check.ansatz.options.set("linear_jastrow.c", c);
  check.ansatz.options.set("linear_jastrow.trainable", !parameters.is_empty());
  return check;
}

}  // namespace fermiac::testing
