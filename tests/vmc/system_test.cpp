#include "fermiac/vmc/system.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <string>

#include "fermiac/base/error.hpp"

using fermiac::vmc::check;
using fermiac::vmc::Interaction;
using fermiac::vmc::System;

namespace {

void refused(System const& system, std::string const& key) {
  BOOST_CHECK_EXCEPTION(check(system), fermiac::InputError, [&](fermiac::InputError const& error) {
    return error.key() == key && std::string(error.what()).find("000000") == std::string::npos;
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(system_check)

BOOST_AUTO_TEST_CASE(takes_every_dot_that_has_an_energy) {
  for (int const dimensions : {1, 2, 3})
    for (int const particles : {1, 2, 56}) {
      BOOST_CHECK_NO_THROW(check({particles, dimensions, 0.28, Interaction::none, 0}));
      BOOST_CHECK_NO_THROW(check({particles, dimensions, 0.28, Interaction::soft_coulomb, 1e-6}));
      if (dimensions > 1 || particles == 1) BOOST_CHECK_NO_THROW(check({particles, dimensions, 0.28, Interaction::coulomb, 0}));
    }
}

BOOST_AUTO_TEST_CASE(names_the_key_that_is_out_of_range) {
  double const infinity = std::numeric_limits<double>::infinity();
  double const not_a_number = std::numeric_limits<double>::quiet_NaN();
  for (int const particles : {0, -1}) refused({.particles = particles}, "system.particles");
  for (int const dimensions : {0, 4}) refused({.dimensions = dimensions}, "system.dimensions");
  for (double const omega : {0.0, -1.0, infinity, not_a_number}) refused({.omega = omega}, "system.omega");
  refused({.dimensions = 1, .interaction = Interaction::coulomb}, "system.interaction");
  refused({.frequency_ratio = {1, 0, 1}}, "system.ratio_y");
  refused({.frequency_ratio = {1, 1, -1}}, "system.ratio_z");
  for (double const softening : {0.0, -1.0, infinity, not_a_number})
    refused({.interaction = Interaction::soft_coulomb, .softening = softening}, "system.softening");
}

BOOST_AUTO_TEST_SUITE_END()
