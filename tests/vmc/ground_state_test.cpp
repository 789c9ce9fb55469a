#include "fermiac/vmc/ground_state.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "fermiac/base/error.hpp"

using boost::test_tools::tolerance;
using namespace fermiac::vmc;

namespace {

// Eigenvalue of the relative motion, mass 1/2, by central differences on n intervals of (0, radius), from the number of sign
// changes of the solution (Sturm), for the reduced radial function: -u'' + ((l^2 - 1/4) / r^2 + omega^2 r^2 / 4 + 1 / r) u =
// eps u. Three dimensions, l = 1/2.
double eigenvalue_on_a_grid(double omega, int n) {
  double const radius = 12 / std::sqrt(omega);
  double const h = radius / n;
  double low = 0;
  double high = 20 * omega + 20;
  for (int bisection = 0; bisection < 60; ++bisection) {
    double const eps = 0.5 * (low + high);
    double before = 0;
    double u = h;
    bool changed = false;
    for (int k = 1; k < n && !changed; ++k) {
      double const r = k * h;
      double const next = 2 * u - before + h * h * (0.25 * omega * omega * r * r + 1 / r - eps) * u;
      before = u;
      u = next;
      changed = u < 0;
    }
    (changed ? high : low) = eps;
  }
  return 0.5 * (low + high);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(two_electron_ground_states)

BOOST_AUTO_TEST_CASE(series_that_end_give_the_closed_forms) {
  BOOST_TEST(two_electron_ground_state(1, 2) == 3, tolerance(1e-15));
  BOOST_TEST(two_electron_ground_state(1.0 / 6, 2) == 2.0 / 3, tolerance(1e-15));
  BOOST_TEST(two_electron_ground_state(0.5, 3) == 2, tolerance(1e-15));
  BOOST_TEST(two_electron_ground_state(0.1, 3) == 0.5, tolerance(1e-15));
}

// Computed with 60 digits from the same recurrence by another program, printed to 13.
BOOST_AUTO_TEST_CASE(other_values_are_those_of_an_independent_program) {
  BOOST_TEST(two_electron_ground_state(0.1, 2) == 0.4407918880141, tolerance(2e-13));
  BOOST_TEST(two_electron_ground_state(0.28, 2) == 1.021644013601, tolerance(1e-12));
  BOOST_TEST(two_electron_ground_state(0.5, 2) == 1.659772149994, tolerance(1e-12));
  BOOST_TEST(two_electron_ground_state(0.28, 3) == 1.201717852438, tolerance(1e-12));
  BOOST_TEST(two_electron_ground_state(1, 3) == 3.730120954341, tolerance(1e-12));
}

// Errors of the grid are C h^2 + O(h^4); after one extrapolation the rest is that of h^4, measured 1e-7 and below.
BOOST_AUTO_TEST_CASE(three_dimensions_agree_with_the_equation_on_a_grid) {
  for (double const omega : {0.01, 0.28, 1.0, 10.0}) {
    double const coarse = eigenvalue_on_a_grid(omega, 4000);
    double const fine = eigenvalue_on_a_grid(omega, 8000);
    BOOST_TEST(two_electron_ground_state(omega, 3) == fine + (fine - coarse) / 3 + 1.5 * omega, tolerance(1e-7));
  }
}

// Small omega: two particles at the classical distance r0 = (2 / omega^2)^(1/3), 3 / (2 r0), with the breathing mode sqrt(3)
// omega / 2 and the centre of mass; the next terms (rotation, anharmonic) are of order 1 / r0^2.
BOOST_AUTO_TEST_CASE(weak_traps_approach_the_classical_crystal) {
  double const omega = 0.001;
  double const r0 = std::cbrt(2 / (omega * omega));
  for (int const dimensions : {2, 3}) {
    double const crystal = 1.5 / r0 + 0.5 * std::sqrt(3) * omega + 0.5 * dimensions * omega;
    BOOST_TEST(std::abs(two_electron_ground_state(omega, dimensions) - crystal) < 1 / (r0 * r0));
  }
}

// Strong traps: 2 (dimensions omega / 2) plus the mean of 1 / r in the ground state without interaction, sqrt(pi omega / 2) in
// two dimensions and sqrt(2 omega / pi) in three, an upper bound; second order is a constant below 1/2.
BOOST_AUTO_TEST_CASE(strong_traps_approach_first_order_from_below) {
  double const pi = std::acos(-1.0);
  for (double const omega : {100.0, 1000.0}) {
    double const flat = 2 * omega + std::sqrt(pi * omega / 2) - two_electron_ground_state(omega, 2);
    double const solid = 3 * omega + std::sqrt(2 * omega / pi) - two_electron_ground_state(omega, 3);
    BOOST_TEST(flat > 0);
    BOOST_TEST(flat < 0.5);
    BOOST_TEST(solid > 0);
    BOOST_TEST(solid < 0.5);
  }
}

BOOST_AUTO_TEST_CASE(energy_rises_with_omega) {
  for (int const dimensions : {2, 3}) {
    double previous = 0;
    for (double omega = 0.001; omega <= 1000; omega *= 3.7) {
      double const energy = two_electron_ground_state(omega, dimensions);
      BOOST_TEST(energy > previous);
      previous = energy;
    }
  }
}

BOOST_AUTO_TEST_CASE(refuses_what_it_does_not_solve) {
  for (double const omega : {0.0, 0.0009, 1001.0, -1.0, std::numeric_limits<double>::quiet_NaN()})
    BOOST_CHECK_THROW(two_electron_ground_state(omega, 2), fermiac::InputError);
  for (int const dimensions : {0, 1, 4}) BOOST_CHECK_THROW(two_electron_ground_state(1, dimensions), fermiac::InputError);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(ground_state_energies)

BOOST_AUTO_TEST_CASE(without_interaction_it_is_the_zero_point_energy) {
  BOOST_TEST(*ground_state_energy({1, 1, 0.5, Interaction::none, 0}) == 0.25);
  BOOST_TEST(
      *ground_state_energy(
          {.particles = 5, .dimensions = 3, .omega = 2, .interaction = Interaction::none, .statistics = Statistics::bosons}) ==
      15);
  BOOST_TEST(*ground_state_energy({1, 3, 2, Interaction::coulomb, 0}) == 3);
  BOOST_TEST(*ground_state_energy({1, 1, 2, Interaction::soft_coulomb, 0.1}) == 1);
}

// 2D: 2, 10, 28, 60, 110, 182, 280 omega for 2 to 56 electrons; 3D: 3, 18, 60, 150 for 2 to 40.
BOOST_AUTO_TEST_CASE(shells_fill_up_without_interaction) {
  auto const energy = [](int particles, int dimensions, int up = -1) {
    return *ground_state_energy(
        {.particles = particles, .dimensions = dimensions, .omega = 0.5, .interaction = Interaction::none, .up = up});
  };
  double const flat[][2] = {{2, 2}, {6, 10}, {12, 28}, {20, 60}, {30, 110}, {42, 182}, {56, 280}};
  for (auto const& [n, quanta] : flat) BOOST_TEST(energy(static_cast<int>(n), 2) == 0.5 * quanta);
  double const solid[][2] = {{2, 3}, {8, 18}, {20, 60}, {40, 150}};
  for (auto const& [n, quanta] : solid) BOOST_TEST(energy(static_cast<int>(n), 3) == 0.5 * quanta);
  BOOST_TEST(energy(5, 1) == 0.5 * (3 * 1.5 + 2 * 1));  // levels 0.5, 1.5, 2.5 and 0.5, 1.5
  BOOST_TEST(energy(3, 2, 3) == 0.5 * 5);               // polarised
  System const stretched{
      .particles = 6, .dimensions = 2, .omega = 1, .interaction = Interaction::none, .frequency_ratio = {1, 3, 1}};
  BOOST_TEST(*ground_state_energy(stretched) == 2 * (2 + 3 + 4));  // three quanta along x cost less than one along y
}

BOOST_AUTO_TEST_CASE(two_like_electrons_are_solved) {
  BOOST_TEST(two_electron_ground_state(1.0 / 3, 2, true) == 4.0 / 3, tolerance(1e-15));
  BOOST_TEST(two_electron_ground_state(0.25, 3, true) == 1.25, tolerance(1e-15));
  BOOST_TEST(*ground_state_energy({.particles = 2, .dimensions = 3, .omega = 0.25, .up = 2}) == 1.25, tolerance(1e-15));
}

BOOST_AUTO_TEST_CASE(two_electrons_are_solved) {
  BOOST_TEST(*ground_state_energy({2, 2, 1, Interaction::coulomb, 0}) == 3, tolerance(1e-15));
}

BOOST_AUTO_TEST_CASE(the_rest_is_not_known) {
  BOOST_TEST(!ground_state_energy({2, 1, 1, Interaction::soft_coulomb, 0.1}).has_value());
  BOOST_TEST(!ground_state_energy({2, 2, 1, Interaction::soft_coulomb, 0.1}).has_value());
  BOOST_TEST(!ground_state_energy({3, 2, 1, Interaction::coulomb, 0}).has_value());
  BOOST_TEST(!ground_state_energy({2, 2, 1e-4, Interaction::coulomb, 0}).has_value());
  BOOST_CHECK_THROW(ground_state_energy({2, 1, 1, Interaction::coulomb, 0}), fermiac::InputError);
}

BOOST_AUTO_TEST_SUITE_END()
