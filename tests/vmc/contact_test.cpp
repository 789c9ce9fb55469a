#include "fermiac/vmc/contact.hpp"

#include <boost/test/unit_test.hpp>

#include "fermiac/base/error.hpp"

using namespace fermiac::vmc;

BOOST_AUTO_TEST_SUITE(contact)

BOOST_AUTO_TEST_CASE(a_smooth_wave_function_has_a_pole_with_coulomb) {
  for (int const particles : {2, 6}) {
    System const dot{particles, 2, 1, Interaction::coulomb};
    auto const flat = contact_behaviour(dot);
    BOOST_TEST((flat.kind == Contact::infinite_variance));
    BOOST_TEST(flat.limit == 1);
    BOOST_TEST(flat.text.find("infinite variance") != std::string::npos);
    auto const solid = contact_behaviour({particles, 3, 1, Interaction::coulomb, 0});
    BOOST_TEST((solid.kind == Contact::finite_variance));
    BOOST_TEST(solid.limit == 1);
    BOOST_TEST(solid.text.find("finite variance") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(there_is_no_pole_without_contact_or_without_coulomb) {
  for (int const dimensions : {1, 2, 3}) {
    BOOST_TEST((contact_behaviour({2, dimensions, 1, Interaction::none, 0}).kind == Contact::regular));
    BOOST_TEST((contact_behaviour({2, dimensions, 1, Interaction::soft_coulomb, 0.1}).kind == Contact::regular));
    if (dimensions > 1) BOOST_TEST((contact_behaviour({1, dimensions, 1, Interaction::coulomb, 0}).kind == Contact::regular));
  }
}

// (1 + r) times a Gaussian is exact in two dimensions at omega = 1, (1 + r / 2) in three at omega = 1 / 2.
BOOST_AUTO_TEST_CASE(katos_cusp_removes_the_pole_and_any_other_leaves_one) {
  System const flat{2, 2, 1, Interaction::coulomb, 0};
  System const solid{2, 3, 1, Interaction::coulomb, 0};
  BOOST_TEST((contact_behaviour(flat, {1, 0}).kind == Contact::regular));
  BOOST_TEST((contact_behaviour(solid, {0.5, 0}).kind == Contact::regular));
  BOOST_TEST(contact_behaviour(flat, {0.5, 0}).limit == 0.5);
  BOOST_TEST(contact_behaviour(solid, {1, 0}).limit == -1);
  BOOST_TEST((contact_behaviour({2, 2, 1, Interaction::none, 0}, {0.5, 0}).kind == Contact::infinite_variance));
}

// (1 + r / 3) (x_1 - x_2) times a Gaussian is exact for two like electrons in two dimensions at omega = 1 / 3, (1 + r / 4) in
// three.
BOOST_AUTO_TEST_CASE(like_particles_have_a_cusp_of_their_own) {
  for (int const dimensions : {2, 3}) {
    System const polarised{.particles = 2, .dimensions = dimensions, .up = 2};
    BOOST_TEST((contact_behaviour(polarised, {0, 1.0 / (dimensions + 1)}).kind == Contact::regular));
    BOOST_TEST((contact_behaviour(polarised, {7, 0}).kind == Contact::finite_variance));
    BOOST_TEST(contact_behaviour(polarised, {7, 0}).limit == 1);
    auto const flagged = contact_behaviour(polarised, {0, 1.0 / (dimensions + 1)}, WaveFunction::Symmetry::none);
    BOOST_TEST((flagged.kind == Contact::finite_variance));
    BOOST_TEST(flagged.text.find("not antisymmetric") != std::string::npos);
  }
  // Bosons of any number are unlike.
  BOOST_TEST((contact_behaviour({.particles = 5, .statistics = Statistics::bosons}, {1, 0}).kind == Contact::regular));
}

BOOST_AUTO_TEST_CASE(refuses_what_is_no_dot) {
  BOOST_CHECK_THROW(contact_behaviour({2, 1, 1, Interaction::coulomb, 0}), fermiac::InputError);
}

BOOST_AUTO_TEST_SUITE_END()
