#include "fermiac/vmc/mean_interaction.hpp"

#include <quadmath.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

using boost::test_tools::tolerance;
using fermiac::vmc::Interaction;
using fermiac::vmc::mean_interaction;
using fermiac::vmc::System;

namespace {

__extension__ using Real = __float128;  // 113 bits

Real const pi = acosq(-1);

// e^{-z} I_0(z) as the mean of e^{z (cos t - 1)} over a period; n points leave e^{-z} I_n(z).
Real scaled_bessel(Real z) {
  int const n = 100 + static_cast<int>(20 * std::sqrt(static_cast<double>(z)));
  Real sum = 0;
  for (int k = 0; k < n; ++k) sum += expq(z * (cosq(2 * pi * k / n) - 1));
  return sum / n;
}

// The integral over t, by the trapezoidal rule for ln t: it leaves e^{-pi^2 / (2 h)} = 1e-31, and e^{-50} at the lower end.
Real soft_mean(System const& system, Real q, Real v) {
  Real const h = Real(0.07);
  Real const square = static_cast<Real>(system.softening) * static_cast<Real>(system.softening);
  Real sum = 0;
  for (Real log_t = -50;; log_t += h) {
    Real const t = expq(log_t);
    Real const spread = 1 + 2 * v * t * t;
    Real const fall = system.dimensions == 1 ? sqrtq(spread) : system.dimensions == 2 ? spread : spread * sqrtq(spread);
    Real const exponent = t * t * (square + q / spread);
    if (t * t * square > 80) break;
    sum += t * expq(-exponent) / fall;
  }
  return 2 / sqrtq(pi) * h * sum;
}

Real reference(System const& system, Real q, Real v) {
  if (system.interaction == Interaction::soft_coulomb) return soft_mean(system, q, v);
  if (system.dimensions == 2) return sqrtq(pi / (2 * v)) * scaled_bessel(q / (4 * v));
  return q == 0 ? sqrtq(2 / (pi * v)) : erfq(sqrtq(q / (2 * v))) / sqrtq(q);
}

void agrees_with_the_reference(System const& system, std::vector<double> const& variances, std::vector<double> const& ratios) {
  for (double const v : variances)
    for (double const ratio : ratios) {
      double const q = ratio * v;
      Real const step = Real(1e-9) * v;
      auto const found = mean_interaction(system, q, v);
      auto const value = static_cast<double>(reference(system, q, v));
      // Central differences: (step / v)^2 = 1e-18 and 2^-113 v / step = 1e-25 relative.
      auto const by_variance =
          static_cast<double>((reference(system, q, v + step) - reference(system, q, v - step)) / (2 * step));
      BOOST_TEST_CONTEXT("dimensions " << system.dimensions << ", softening " << system.softening << ", v " << v << ", q "
                                       << q) {
        BOOST_TEST(found.value == value, tolerance(2e-15));
        BOOST_TEST(std::abs(found.by_variance - by_variance) <= 2e-14 * value / v);
        if (ratio > 0.1) {
          auto const by_square =
              static_cast<double>((reference(system, q + step, v) - reference(system, q - step, v)) / (2 * step));
          BOOST_TEST(std::abs(found.by_squared_distance - by_square) <= 2e-14 * value / q);
        }
      }
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mean_interactions)

BOOST_AUTO_TEST_CASE(coulomb_around_the_origin_is_the_closed_form) {
  auto const flat = mean_interaction({2, 2, 1, Interaction::coulomb, 0}, 0, 2);
  BOOST_TEST(flat.value == std::sqrt(std::acos(-1.0) / 4), tolerance(4e-16));
  BOOST_TEST(flat.by_squared_distance == -flat.value / 8, tolerance(4e-16));
  auto const solid = mean_interaction({2, 3, 1, Interaction::coulomb, 0}, 0, 2);
  BOOST_TEST(solid.value == std::sqrt(1 / std::acos(-1.0)), tolerance(4e-16));
  BOOST_TEST(solid.by_squared_distance == -solid.value / 12, tolerance(4e-16));
}

BOOST_AUTO_TEST_CASE(far_apart_it_is_that_of_two_points) {
  for (int const dimensions : {2, 3}) {
    auto const bare = mean_interaction({2, dimensions, 1, Interaction::coulomb, 0}, 1e8, 1e-6);
    BOOST_TEST(bare.value == 1e-4, tolerance(1e-14));
    BOOST_TEST(bare.by_squared_distance == -0.5e-12, tolerance(1e-13));
  }
  for (int const dimensions : {1, 2, 3})
    BOOST_TEST(mean_interaction({2, dimensions, 1, Interaction::soft_coulomb, 3e3}, 16e6, 1e-6).value == 2e-4,
               tolerance(1e-13));
}

BOOST_AUTO_TEST_CASE(coulomb_agrees_with_the_reference_in_113_bits) {
  for (int const dimensions : {2, 3})
    agrees_with_the_reference({2, dimensions, 1, Interaction::coulomb, 0}, {0.02, 1, 7.5},
                              {0, 1e-9, 0.3, 4, 30, 79, 81, 500, 1e4});
}

BOOST_AUTO_TEST_CASE(soft_coulomb_agrees_with_the_reference_in_113_bits) {
  for (int const dimensions : {1, 2, 3})
    for (double const softening : {1e-3, 0.1, 1.0, 20.0})
      agrees_with_the_reference({2, dimensions, 1, Interaction::soft_coulomb, softening}, {1.3}, {0, 0.3, 4, 30, 500, 1e4});
}

// The difference 1/r - 1/sqrt(r^2 + s^2) has the integral 2 pi s in the plane: softening lowers the mean by s e^{-q/(2v)} / v,
// but for terms of order s^2 ln s. In space it is of order s^2 ln s.
BOOST_AUTO_TEST_CASE(soft_coulomb_meets_coulomb_as_the_softening_vanishes) {
  for (double const q : {0.0, 0.7, 30.0})
    for (double const softening : {1e-4, 1e-7, 1e-10}) {
      double const v = 1.3;
      double const rest = 20 * softening * softening * (1 - std::log(softening)) + 1e-15;
      double const flat = mean_interaction({2, 2, 1, Interaction::coulomb, 0}, q, v).value -
                          mean_interaction({2, 2, 1, Interaction::soft_coulomb, softening}, q, v).value;
      BOOST_TEST(std::abs(flat - softening * std::exp(-q / (2 * v)) / v) <= rest);
      double const solid = mean_interaction({2, 3, 1, Interaction::coulomb, 0}, q, v).value -
                           mean_interaction({2, 3, 1, Interaction::soft_coulomb, softening}, q, v).value;
      BOOST_TEST(std::abs(solid) <= rest);
    }
}

BOOST_AUTO_TEST_CASE(nothing_where_there_is_no_interaction) {
  auto const none = mean_interaction({2, 2, 1, Interaction::none, 0}, 1, 1);
  BOOST_TEST(none.value == 0);
  BOOST_TEST(none.by_squared_distance == 0);
  BOOST_TEST(none.by_variance == 0);
}

BOOST_AUTO_TEST_SUITE_END()
