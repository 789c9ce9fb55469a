/// The backflow factor, as plainly as can be: textbook determinants of displaced coordinates.
#pragma once

#include "slater_twin.hpp"

namespace fermiac::testing {

inline Real sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }

/// eta of the parameters from `first` on; mu where `inputs` has one entry.
inline Real displacement(std::string const& form, std::size_t terms, Real omega, Reals const& squares, Reals const& parameters,
                         std::size_t first) {
  Real sum = 0;
  if (form == "pair") {
    Real const t = 1 / (1 + std::exp(parameters[first + terms]) * omega * squares[0]);
    for (std::size_t k = 0; k < terms; ++k) sum += parameters[first + k] * std::pow(t, static_cast<Real>(k + 1));
    return sum;
  }
  for (std::size_t h = 0; h < terms; ++h) {
    Real theta = parameters[first + terms + h];
    for (std::size_t f = 0; f < squares.size(); ++f)
      theta += parameters[first + (2 + f) * terms + h] * std::sqrt(1 + omega * squares[f]);
    sum += parameters[first + h] * sigmoid(theta);
  }
  return sum;
}

struct BackflowShape {
  std::string form;
  std::size_t terms;
  bool central = true;
};

inline Reals displaced(vmc::System const& system, BackflowShape const& shape, Reals const& x, Reals const& parameters,
                       std::size_t first) {
  auto const D = static_cast<std::size_t>(system.dimensions);
  auto const N = static_cast<std::size_t>(system.particles);
  std::size_t const own = shape.form == "pair" ? shape.terms + 1 : 5 * shape.terms;
  std::size_t const first_unlike = first + (vmc::has_like_pairs(system) ? own : 0);
  std::size_t const first_central = first_unlike + (vmc::has_unlike_pairs(system) ? own : 0);
  if (!vmc::has_like_pairs(system)) return x;
  auto const square = [&](std::size_t i, std::size_t j) {
    Real sum = 0;
    for (std::size_t c = 0; c < D; ++c) {
      Real const apart = x[i * D + c] - (i == j ? 0 : x[j * D + c]);
      sum += apart * apart;
    }
    return sum;
  };
  Real const omega = system.omega;
  Reals q = x;
  for (std::size_t i = 0; i < N; ++i) {
    if (shape.central) {
      Real const mu = displacement(shape.form, shape.terms, omega, {square(i, i)}, parameters, first_central);
      for (std::size_t c = 0; c < D; ++c) q[i * D + c] += x[i * D + c] * mu;
    }
    for (std::size_t j = 0; j < N; ++j) {
      if (i == j) continue;
      Real const eta = displacement(shape.form, shape.terms, omega, {square(i, j), square(i, i), square(j, j)}, parameters,
                                    vmc::are_like(system, i, j) ? first : first_unlike);
      for (std::size_t c = 0; c < D; ++c) q[i * D + c] += (x[i * D + c] - x[j * D + c]) * eta;
    }
  }
  return q;
}

inline FactorCheck backflow(vmc::System const& system, std::vector<vmc::Quanta> const& quanta, BackflowShape const& shape,
                            std::uint64_t replicate) {
  FactorCheck check{.system = system, .ansatz = {}, .factor = "backflow", .parameters = {}, .log_psi = {}, .sign = {}};
  check.ansatz.factors = "backflow";
  check.ansatz.options.set("backflow.form", shape.form);
  check.ansatz.options.set("backflow.terms", static_cast<std::int64_t>(shape.terms));
  check.ansatz.options.set("backflow.central", shape.central);
  check.parameters = noisy_parameters(*make_form(system, check.ansatz, "backflow"), replicate, 0.1);
  check.log_psi = [=](Reals const& x, Reals const& p) {
    return determinants(system, quanta, 1, displaced(system, shape, x, p, 1)).first + log_envelope(system, std::exp(p[0]), x);
  };
  check.sign = [=](Reals const& x, Reals const& p) {
    return determinants(system, quanta, 1, displaced(system, shape, x, p, 1)).second;
  };
  return check;
}

}  // namespace fermiac::testing
