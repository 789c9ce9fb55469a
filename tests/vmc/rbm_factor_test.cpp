#include "fermiac/vmc/factors/rbm.hpp"
#include "rbm_factor_twin.hpp"

using namespace fermiac;
using namespace fermiac::testing;

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
