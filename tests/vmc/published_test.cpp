#include "fermiac/vmc/published.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

#include "fermiac/vmc/ground_state.hpp"

using namespace fermiac::vmc;
using Method = PublishedMethod;

namespace {

double value(System const& system, Method method) { return published_energy(system, method).value().value; }

bool is_known(System const& system, Method method = Method::rbm) { return published_energy(system, method).has_value(); }

std::optional<Method> method_of(std::string const& factors, System const& system = {}, Convention convention = Convention::f) {
  AnsatzSettings ansatz;
  ansatz.factors = factors;
  ansatz.convention = convention;
  return published_method(WaveFunction(system, ansatz), ansatz);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(published)

BOOST_AUTO_TEST_CASE(dots_are_found_by_dimensions_particles_and_omega) {
  auto const flat = published_energy({2, 2, 1}, Method::rbm);
  BOOST_REQUIRE(flat.has_value());
  BOOST_TEST(flat->value == 3.0803);
  BOOST_TEST(flat->error == 2e-4);
  BOOST_TEST(std::string(flat->source).find("Nordhagen 2019") == 0);
  BOOST_TEST(value({2, 3, 0.28}, Method::rbm) == 1.2261);
  BOOST_TEST(value({12, 2, 0.5}, Method::rbm_simple_jastrow) == 39.6340);
  BOOST_TEST(value({20, 2, 0.1}, Method::rbm_pade_jastrow) == 30.1553);
  BOOST_TEST(value({6, 2, 0.28}, Method::hartree_fock) == 8.01957);
  BOOST_TEST(value({56, 2, 1}, Method::slater_pade_jastrow) == 879.514);
  BOOST_TEST(value({40, 3, 1}, Method::rbm) == 452.732);
  auto const walked = published_energy({20, 2, 1}, Method::diffusion);
  BOOST_TEST(walked.value().value == 155.8822);
  BOOST_TEST(walked->error == 1e-4);
  BOOST_TEST(std::string(walked->source).find("Hogberget 2013") == 0);
}

BOOST_AUTO_TEST_CASE(a_rounded_sixth_is_a_sixth_and_a_seventh_is_not) {
  for (double const omega : {1.0 / 6, 0.166667, 0.16666666666666666}) BOOST_TEST(is_known({2, 2, omega}));
  for (double const omega : {1.0 / 7, 0.1667, 0.11, 2.0}) BOOST_TEST(!is_known({2, 2, omega}));
}

BOOST_AUTO_TEST_CASE(other_systems_are_not_taken_for_these) {
  BOOST_TEST(!is_known({5, 2, 1}));
  BOOST_TEST(!is_known({2, 2, 1, Interaction::none}));
  BOOST_TEST(!is_known({2, 2, 1, Interaction::soft_coulomb, 0.1}));
  BOOST_TEST(!is_known({2, 3, 1.0 / 6}));
  System system{6, 2, 1};
  BOOST_TEST(is_known(system));
  system.up = 6;
  BOOST_TEST(!is_known(system));
  system.up = 3;
  BOOST_TEST(is_known(system));
  system.statistics = Statistics::bosons;
  BOOST_TEST(!is_known(system));
  system.statistics = Statistics::fermions;
  system.frequency_ratio[1] = 2;
  BOOST_TEST(!is_known(system));
  BOOST_TEST(!is_known({30, 2, 1}, Method::hartree_fock));
  BOOST_TEST(!is_known({40, 3, 1}, Method::diffusion));
}

BOOST_AUTO_TEST_CASE(errors_are_digits_of_their_values_and_methods_are_in_order) {
  for (int const dimensions : {2, 3})
    for (int const particles : {2, 6, 8, 12, 20, 30, 40, 42, 56})
      for (double const omega : {0.1, 0.28, 0.5, 1.0}) {
        System const system{particles, dimensions, omega};
        if (!is_known(system)) continue;
        for (Method const method :
             {Method::rbm, Method::rbm_simple_jastrow, Method::rbm_pade_jastrow, Method::slater_pade_jastrow}) {
          auto const cell = published_energy(system, method);
          BOOST_REQUIRE(cell.has_value());
          BOOST_TEST(cell->error > 1e-7 * cell->value);
          BOOST_TEST(cell->error < 1e-3 * cell->value);
        }
        // The more a wave function knows, the lower its energy; diffusion is lowest, but for what errors leave out.
        double const pade = value(system, Method::rbm_pade_jastrow);
        if (particles != 40) {
          BOOST_TEST(value(system, Method::rbm) > value(system, Method::rbm_simple_jastrow));
          BOOST_TEST(value(system, Method::diffusion) < pade * (1 + 2e-4));
        }
        BOOST_TEST(value(system, Method::rbm_simple_jastrow) > pade);
      }
  // Two electrons: diffusion is exact.
  for (int const dimensions : {2, 3})
    for (double const omega : {0.1, 0.28, 0.5, 1.0}) {
      auto const walked = published_energy({2, dimensions, omega}, Method::diffusion).value();
      BOOST_TEST(std::abs(walked.value - two_electron_ground_state(omega, dimensions)) < 4 * walked.error);
    }
}

BOOST_AUTO_TEST_CASE(a_wave_function_knows_its_column) {
  System const two;
  System const six{6, 2, 1};
  BOOST_TEST((method_of("rbm") == Method::rbm));
  BOOST_TEST((method_of("slater * rbm", six) == Method::rbm));
  BOOST_TEST((method_of("slater * rbm * simple_jastrow", six) == Method::rbm_simple_jastrow));
  BOOST_TEST((method_of("pade_jastrow * rbm * slater", six) == Method::rbm_pade_jastrow));
  BOOST_TEST((method_of("slater * pade_jastrow", six) == Method::slater_pade_jastrow));
  BOOST_TEST((method_of("gaussian * pade_jastrow") == Method::slater_pade_jastrow));
  BOOST_TEST(!method_of("rbm", two, Convention::sqrt_f).has_value());
  BOOST_TEST((method_of("slater * pade_jastrow", six, Convention::sqrt_f) == Method::slater_pade_jastrow));
  BOOST_TEST(!method_of("slater", six).has_value());
  AnsatzSettings ansatz{.convention = Convention::f};
  for (arma::uword const hidden : {0, 1, 2, 6}) {
    ansatz.hidden = hidden;
    BOOST_TEST(published_method(WaveFunction(two, ansatz), ansatz).has_value() == (hidden >= 2));
  }
  ansatz.sigma_squared = 2;
  BOOST_TEST(!published_method(WaveFunction(two, ansatz), ansatz).has_value());
  BOOST_TEST(!method_of("gaussian * linear_jastrow").has_value());
  BOOST_TEST(!method_of("slater * rbm * pade_jastrow * simple_jastrow", six).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
