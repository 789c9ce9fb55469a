#include "fermiac/vmc/ansatz_minimum.hpp"

#include <algorithm>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>

#include "fermiac/base/error.hpp"
#include "fermiac/vmc/exact_energy.hpp"
#include "fermiac/vmc/ground_state.hpp"

using fermiac::vmc::ansatz_minimum;
using fermiac::vmc::AnsatzMinimum;
using fermiac::vmc::Convention;
using fermiac::vmc::exact_energy;
using fermiac::vmc::Interaction;
using fermiac::vmc::RbmShape;
using fermiac::vmc::System;

namespace {

System two_electrons(int dimensions, double omega) { return {2, dimensions, omega, Interaction::coulomb, 0}; }

RbmShape shape_of(int dimensions, arma::uword n_hidden, Convention convention, bool sigma_trainable = false) {
  return {static_cast<arma::uword>(2 * dimensions), n_hidden, convention, sigma_trainable};
}

// sigma^2 of the ground state without interaction.
double natural_width(Convention convention, double omega) { return (convention == Convention::f ? 1 : 0.5) / omega; }

AnsatzMinimum minimum(int dimensions, double omega, arma::uword n_hidden, Convention convention, bool sigma_trainable) {
  return ansatz_minimum(two_electrons(dimensions, omega), shape_of(dimensions, n_hidden, convention, sigma_trainable),
                        natural_width(convention, omega));
}

// `expected` is the lowest energy found by an independent program (random starts, BFGS without gradients), rounded to
// `half_digit` and above the infimum like ours: ours may be lower, by little, but not higher than its rounding.
void reaches(AnsatzMinimum const& found, double expected, double half_digit) {
  BOOST_TEST(found.converged);
  BOOST_TEST(found.n_starts == 16);
  BOOST_TEST(found.energy <= expected + half_digit);
  BOOST_TEST(found.energy >= expected - 1e-5);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ansatz_minima)

BOOST_AUTO_TEST_CASE(of_sqrt_f_with_two_units_are_those_of_an_independent_program) {
  double const expected[][2] = {{0.1, 0.46143}, {1.0 / 6, 0.69495}, {0.28, 1.05923}, {0.5, 1.70925}, {1, 3.06494}};
  for (auto const& [omega, energy] : expected) {
    auto const found = minimum(2, omega, 2, Convention::sqrt_f, false);
    reaches(found, energy, 5e-6);
    BOOST_TEST(found.n_agreeing >= 12);
  }
  reaches(minimum(2, 1, 2, Convention::sqrt_f, true), 3.0601, 5e-5);
}

BOOST_AUTO_TEST_CASE(of_f_with_two_units_are_those_of_an_independent_program) {
  double const expected[][3] = {{0.1, 0.467689, 0.463681},
                                {1.0 / 6, 0.703290, 0.698489},
                                {0.28, 1.069668, 1.064423},
                                {0.5, 1.721645, 1.716519},
                                {1, 3.078614, 3.074407}};
  for (auto const& [omega, fixed, free] : expected) {
    reaches(minimum(2, omega, 2, Convention::f, false), fixed, 1e-6);
    reaches(minimum(2, omega, 2, Convention::f, true), free, 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(in_three_dimensions_are_those_of_an_independent_program) {
  double const expected[][3] = {{0.5, 2.028266, 2.026595}, {1, 3.761964, 3.759678}};
  for (auto const& [omega, fixed, free] : expected) {
    reaches(minimum(3, omega, 2, Convention::f, false), fixed, 1e-6);
    reaches(minimum(3, omega, 2, Convention::f, true), free, 1e-6);
  }
}

BOOST_AUTO_TEST_CASE(of_f_with_four_units_are_those_of_an_independent_program_or_lower) {
  double const expected[][2] = {{1.0 / 6, 0.690911}, {0.28, 1.053226}, {0.5, 1.700370}, {1, 3.051831}};
  for (auto const& [omega, energy] : expected) reaches(minimum(2, omega, 4, Convention::f, true), energy, 1e-6);
  // That program stopped in a local minimum here, at 0.461929.
  auto const lower = minimum(2, 0.1, 4, Convention::f, true);
  BOOST_TEST(lower.energy == 0.4578875, boost::test_tools::tolerance(1e-6));
  BOOST_TEST(lower.n_agreeing >= 4);
}

// sigma = 1 at omega = 1, Psi = sqrt(F): hidden units do not help, the Gaussian's energy 1/2 + 2 + sqrt(pi) / 2 is the minimum.
BOOST_AUTO_TEST_CASE(of_too_wide_a_gaussian_is_the_gaussian_itself) {
  auto const found = ansatz_minimum(two_electrons(2, 1), shape_of(2, 2, Convention::sqrt_f), 1);
  BOOST_TEST(found.energy == 2.5 + 0.5 * std::sqrt(std::acos(-1.0)), boost::test_tools::tolerance(1e-9));
}

// Two Gaussians of the trap's width whose centres lie 2 sqrt(2 u) apart: E = 2 + u + sqrt(pi/2) e^-u I_0(u), lowest off the
// centre of the trap.
BOOST_AUTO_TEST_CASE(without_hidden_units_two_particles_part) {
  double lowest = std::numeric_limits<double>::infinity();
  for (double u = 0; u < 2; u += 1e-4)
    lowest = std::min(lowest, 2 + u + std::sqrt(std::acos(0.0)) * std::exp(-u) * std::cyl_bessel_i(0, u));
  for (auto const convention : {Convention::sqrt_f, Convention::f})
    BOOST_TEST(minimum(2, 1, 0, convention, false).energy == lowest, boost::test_tools::tolerance(1e-8));
}

BOOST_AUTO_TEST_CASE(without_interaction_are_the_ground_states) {
  for (auto const convention : {Convention::sqrt_f, Convention::f})
    for (int const d : {1, 2, 3}) {
      System const system{3, d, 0.28, Interaction::none, 0};
      RbmShape const shape{static_cast<arma::uword>(3 * d), 2, convention, true};
      auto const found = ansatz_minimum(system, shape, 1);
      BOOST_TEST(found.energy == 1.5 * d * 0.28, boost::test_tools::tolerance(1e-9));
      BOOST_TEST(found.energy >= 1.5 * d * 0.28 * (1 - 1e-14));
    }
}

BOOST_AUTO_TEST_CASE(lie_between_the_ground_state_and_any_other_parameters) {
  for (auto const convention : {Convention::sqrt_f, Convention::f})
    for (int const d : {2, 3}) {
      auto const system = two_electrons(d, 0.28);
      auto const shape = shape_of(d, 3, convention);
      double const width = natural_width(convention, 0.28);
      auto const found = ansatz_minimum(system, shape, width);
      BOOST_TEST(found.energy > *fermiac::vmc::ground_state_energy(system));
      BOOST_TEST(found.parameters.sigma_squared == width);
      auto const there = exact_energy(system, shape, found.parameters);
      BOOST_TEST(there.total == found.energy);
      BOOST_TEST(arma::abs(there.gradient).max() < 1e-4);
      auto moved = found.parameters;
      for (double const step : {-0.1, 0.1}) {
        moved.a[0] = found.parameters.a[0] + step;
        moved.W(1, 0) = found.parameters.W(1, 0) + step;
        BOOST_TEST(exact_energy(system, shape, moved).total > found.energy);
      }
    }
}

// A machine holds those with fewer units (W = 0) and with sigma fixed. 1e-9 relative is what convergence leaves open.
BOOST_AUTO_TEST_CASE(fall_with_every_freedom) {
  for (auto const convention : {Convention::sqrt_f, Convention::f}) {
    double previous = std::numeric_limits<double>::infinity();
    for (arma::uword const H : {0, 1, 2, 3}) {
      double const fixed = minimum(2, 0.5, H, convention, false).energy;
      double const free = minimum(2, 0.5, H, convention, true).energy;
      BOOST_TEST(free <= fixed * (1 + 1e-9));
      BOOST_TEST(free <= previous * (1 + 1e-9));
      previous = free;
    }
  }
}

BOOST_AUTO_TEST_CASE(exist_for_soft_particles_on_a_line) {
  System const system{2, 1, 1, Interaction::soft_coulomb, 0.1};
  auto const shape = shape_of(1, 2, Convention::sqrt_f, true);
  auto const found = ansatz_minimum(system, shape, 0.5);
  BOOST_TEST(found.converged);
  BOOST_TEST(found.energy > 1);
  BOOST_TEST(found.energy < 0.96 * ansatz_minimum(system, shape_of(1, 0, Convention::sqrt_f, true), 0.5).energy);
}

// Whatever the mode and architecture. These digits change with the algorithm and with the functions of `simd`, nothing else.
BOOST_AUTO_TEST_CASE(have_the_same_bits_in_every_build) {
  auto const f = minimum(2, 0.1, 2, Convention::f, false);
  auto const sqrt_f = minimum(2, 1, 2, Convention::sqrt_f, true);
  BOOST_TEST(std::bit_cast<std::uint64_t>(f.energy) == 4602096747421358744U);
  BOOST_TEST(std::bit_cast<std::uint64_t>(f.parameters.W(0, 0)) == 13839695507840266751U);
  BOOST_TEST(std::bit_cast<std::uint64_t>(sqrt_f.energy) == 4614073132224734492U);
  BOOST_TEST(std::bit_cast<std::uint64_t>(sqrt_f.parameters.W(0, 0)) == 4605508800486994551U);
  BOOST_TEST(f.n_agreeing == 13);
}

BOOST_AUTO_TEST_CASE(are_refused_where_there_are_none) {
  auto const system = two_electrons(2, 1);
  auto const shape = shape_of(2, 1, Convention::f);
  for (double const bad : {0.0, -1.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
    BOOST_CHECK_THROW(ansatz_minimum(system, shape, bad), fermiac::InputError);
  BOOST_CHECK_THROW(ansatz_minimum(system, shape, 1, 0), fermiac::InputError);
  BOOST_CHECK_THROW(ansatz_minimum(system, shape_of(2, 11, Convention::f), 1), fermiac::InputError);
  BOOST_CHECK_THROW(ansatz_minimum({2, 1, 1, Interaction::coulomb, 0}, shape_of(1, 1, Convention::f), 1), fermiac::InputError);
}

BOOST_AUTO_TEST_SUITE_END()
