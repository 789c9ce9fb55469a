#include "fermiac/vmc/published.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using fermiac::vmc::Interaction;
using fermiac::vmc::published_rbm_energy;
using fermiac::vmc::System;

BOOST_AUTO_TEST_SUITE(published)

BOOST_AUTO_TEST_CASE(two_electrons_are_found_by_dimensions_and_omega) {
  auto const flat = published_rbm_energy({2, 2, 1, Interaction::coulomb, 0});
  BOOST_REQUIRE(flat.has_value());
  BOOST_TEST(flat->value == 3.0803);
  BOOST_TEST(flat->error == 2e-4);
  BOOST_TEST(std::string(flat->source).find("Nordhagen 2019") == 0);
  auto const solid = published_rbm_energy({2, 3, 0.28, Interaction::coulomb, 0});
  BOOST_REQUIRE(solid.has_value());
  BOOST_TEST(solid->value == 1.2261);
}

BOOST_AUTO_TEST_CASE(a_rounded_sixth_is_a_sixth_and_a_seventh_is_not) {
  for (double const omega : {1.0 / 6, 0.166667, 0.16666666666666666})
    BOOST_TEST(published_rbm_energy({2, 2, omega, Interaction::coulomb, 0}).has_value());
  for (double const omega : {1.0 / 7, 0.1667, 0.11, 2.0})
    BOOST_TEST(!published_rbm_energy({2, 2, omega, Interaction::coulomb, 0}).has_value());
}

BOOST_AUTO_TEST_CASE(other_systems_are_not_taken_for_two_electrons) {
  BOOST_TEST(!published_rbm_energy({6, 2, 1, Interaction::coulomb, 0}).has_value());
  BOOST_TEST(!published_rbm_energy({2, 2, 1, Interaction::none, 0}).has_value());
  BOOST_TEST(!published_rbm_energy({2, 2, 1, Interaction::soft_coulomb, 0.1}).has_value());
  BOOST_TEST(!published_rbm_energy({2, 3, 1.0 / 6, Interaction::coulomb, 0}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
