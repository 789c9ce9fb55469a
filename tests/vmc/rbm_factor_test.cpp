#include "fermiac/vmc/factors/rbm.hpp"
#include "support/factor_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;

namespace {

/// From the formula of rbm.hpp, parameters in the order of `flatten`.
FactorCheck rbm(vmc::System const& system, arma::uword hidden, vmc::Convention convention, bool sigma_trainable,
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

}  // namespace

BOOST_AUTO_TEST_SUITE(rbm_factor)

BOOST_AUTO_TEST_CASE(is_what_its_twin_says) {
  using enum vmc::Convention;
  check_factor(rbm({.particles = 1, .dimensions = 1, .interaction = vmc::Interaction::none}, 1, f, true, 1), 1);
  check_factor(rbm({.particles = 2, .dimensions = 2, .omega = 0.5}, 2, sqrt_f, false, 2), 2);
  check_factor(rbm({.particles = 2, .dimensions = 3, .omega = 0.7}, 0, f, true, 3), 3);
  check_factor(rbm({.particles = 3, .dimensions = 2, .omega = 1.3}, 5, f, true, 4), 4);
}

// A product of 600 factors 1 + e, squared, would be beyond 2^1024.
BOOST_AUTO_TEST_CASE(holds_many_hidden_units) {
  auto check = rbm({.particles = 2, .dimensions = 1, .interaction = vmc::Interaction::none}, 600, vmc::Convention::f, false, 5);
  check.parameters *= 0.02;
  auto const form = make_form(check.system, check.ansatz, "rbm");
  check_moves(check, *form, 3, 51);
}

BOOST_AUTO_TEST_SUITE_END()
