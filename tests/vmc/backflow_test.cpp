#include "fermiac/vmc/factors/backflow.hpp"

#include "fermiac/vmc/factors/orbitals.hpp"
#include "fermiac/vmc/product_pack.hpp"
#include "slater_twin.hpp"
#include "support/factor_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;

namespace {

Real sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }

/// eta of the parameters from `first` on; mu where `inputs` has one entry.
Real displacement(std::string const& form, std::size_t terms, Real omega, Reals const& squares, Reals const& parameters,
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

struct Shape {
  std::string form;
  std::size_t terms;
  bool central = true;
};

Reals displaced(vmc::System const& system, Shape const& shape, Reals const& x, Reals const& parameters, std::size_t first) {
  auto const D = static_cast<std::size_t>(system.dimensions);
  auto const N = static_cast<std::size_t>(system.particles);
  std::size_t const own = shape.form == "pair" ? shape.terms + 1 : 5 * shape.terms;
  std::size_t const first_unlike = first + (vmc::has_like_pairs(system) ? own : 0);
  std::size_t const first_central = first_unlike + (vmc::has_unlike_pairs(system) ? own : 0);
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

FactorCheck backflow(vmc::System const& system, std::vector<vmc::Quanta> const& quanta, Shape const& shape,
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

vmc::System dot(int particles, int dimensions, double omega, int up = -1) {
  return {.particles = particles, .dimensions = dimensions, .omega = omega, .interaction = vmc::Interaction::none, .up = up};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(backflow_factor)

BOOST_AUTO_TEST_CASE(is_what_its_twin_says_for_pairs) {
  check_factor(backflow(dot(6, 2, 1), plane, {"pair", 3}, 1), 1);
  check_factor(backflow(dot(5, 2, 0.4, 1), plane, {"pair", 1, false}, 2), 2);
  check_factor(backflow(dot(3, 3, 0.7, 3), space, {"pair", 2}, 3), 3);
}

BOOST_AUTO_TEST_CASE(is_what_its_twin_says_for_networks) {
  check_factor(backflow(dot(6, 2, 1), plane, {"network", 2}, 4), 4);
  check_factor(backflow(dot(4, 1, 0.4), {{0, 0, 0}, {1, 0, 0}}, {"network", 1, false}, 5), 5);
  auto system = dot(5, 3, 0.7);
  system.frequency_ratio = {1, 1.5, 1.25};
  check_factor(backflow(system, {{0, 0, 0}, {1, 0, 0}, {0, 0, 1}}, {"network", 2}, 6), 6);
}

BOOST_AUTO_TEST_SUITE_END()
