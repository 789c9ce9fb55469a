#include "fermiac/vmc/factors/gaussian.hpp"
#include "support/factor_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;

namespace {

FactorCheck gaussian(vmc::System const& system, bool trainable) {
  FactorCheck check{.system = system, .ansatz = {}, .factor = "gaussian", .parameters = {}, .log_psi = {}, .sign = {}};
  check.ansatz.options.set("gaussian.width_trainable", trainable);
  if (trainable) check.parameters = {0.3};
  check.log_psi = [system](Reals const& x, Reals const& parameters) {
    Real sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      sum += system.frequency_ratio[i % static_cast<std::size_t>(system.dimensions)] * x[i] * x[i];
    return -(parameters.empty() ? 1.0L : std::exp(parameters[0])) * static_cast<Real>(system.omega) / 2 * sum;
  };
  check.symmetric_under_all = true;
  return check;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gaussian_factor)

BOOST_AUTO_TEST_CASE(is_what_its_twin_says) {
  check_factor(gaussian({.particles = 1, .dimensions = 1, .omega = 0.5, .interaction = vmc::Interaction::none}, true), 1);
  check_factor(gaussian({.particles = 3, .dimensions = 2, .omega = 0.7}, true), 2);
  check_factor(gaussian({.particles = 4, .dimensions = 3, .omega = 1.3, .frequency_ratio = {1, 0.5, 2}}, false), 3);
}

BOOST_AUTO_TEST_SUITE_END()
