#include "fermiac/optimise/lbfgs.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "fermiac/base/error.hpp"

using fermiac::optimise::LbfgsOptions;
using fermiac::optimise::minimise;
using fermiac::optimise::SmoothFunction;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// Minimum 0 at (1, ..., 1), at the end of a bent valley.
double rosenbrock(arma::vec const& x, arma::vec& gradient) {
  double value = 0;
  gradient.zeros();
  for (arma::uword i = 0; i + 1 < x.n_elem; ++i) {
    double const u = x[i + 1] - x[i] * x[i];
    double const v = 1 - x[i];
    value += 100 * u * u + v * v;
    gradient[i] -= 400 * u * x[i] + 2 * v;
    gradient[i + 1] += 200 * u;
  }
  return value;
}

// Curvatures 1, 10, ..., 10^5; minimum 3 at (1, 2, ..., 6).
double ill_conditioned(arma::vec const& x, arma::vec& gradient) {
  double value = 3;
  for (arma::uword i = 0; i < x.n_elem; ++i) {
    double const curvature = std::pow(10.0, static_cast<double>(i));
    double const u = x[i] - static_cast<double>(i + 1);
    value += 0.5 * curvature * u * u;
    gradient[i] = curvature * u;
  }
  return value;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lbfgs)

BOOST_AUTO_TEST_CASE(finds_the_minimum_of_an_ill_conditioned_quadratic) {
  auto const found = minimise(ill_conditioned, arma::vec(6, arma::fill::zeros));
  BOOST_TEST(found.converged);
  BOOST_TEST(found.gradient_norm <= 1e-8);
  BOOST_TEST(found.value == 3, boost::test_tools::tolerance(1e-15));
  for (arma::uword i = 0; i < 6; ++i) BOOST_TEST(std::abs(found.point[i] - static_cast<double>(i + 1)) <= 1e-8);
  BOOST_TEST(found.evaluations < 200);
}

BOOST_AUTO_TEST_CASE(finds_the_minimum_of_rosenbrock_from_far_away) {
  for (arma::uword const n : {2, 3, 10}) {
    arma::vec start(n, arma::fill::zeros);
    if (n < 4) start[0] = -1.2;  // longer chains have a second minimum on that side
    auto const found = minimise(rosenbrock, start);
    BOOST_TEST(found.converged);
    BOOST_TEST(found.value < 1e-16);
    for (double const x : found.point) BOOST_TEST(std::abs(x - 1) < 1e-7);
    BOOST_TEST(found.evaluations < 200);
  }
}

// f = x^4: the Hessian vanishes at the minimum, |x| <= (tolerance / 4)^(1/3).
BOOST_AUTO_TEST_CASE(finds_a_degenerate_minimum) {
  auto const quartic = [](arma::vec const& x, arma::vec& gradient) {
    gradient[0] = 4 * x[0] * x[0] * x[0];
    return x[0] * x[0] * x[0] * x[0];
  };
  auto const found = minimise(quartic, {3}, {.gradient_tolerance = 1e-12});
  BOOST_TEST(found.converged);
  BOOST_TEST(std::abs(found.point[0]) < 1e-4);
}

BOOST_AUTO_TEST_CASE(leaves_directions_without_influence_alone) {
  auto const flat = [](arma::vec const& x, arma::vec& gradient) {
    gradient = {2 * (x[0] - 1), 0};
    return (x[0] - 1) * (x[0] - 1);
  };
  auto const found = minimise(flat, {-5, 7});
  BOOST_TEST(found.converged);
  BOOST_TEST(std::abs(found.point[0] - 1) < 1e-8);
  BOOST_TEST(found.point[1] == 7);
}

BOOST_AUTO_TEST_CASE(stays_where_it_starts_at_a_minimum) {
  auto const found = minimise(rosenbrock, {1, 1});
  BOOST_TEST(found.converged);
  BOOST_TEST(found.iterations == 0);
  BOOST_TEST(found.evaluations == 1);
}

// f = x - ln x is defined for x > 0 only and has its minimum 1 at 1. Long first steps leave the domain.
BOOST_AUTO_TEST_CASE(steps_back_where_the_function_is_not_defined) {
  for (double const outside : {infinity, -infinity, not_a_number}) {
    auto const barrier = [&](arma::vec const& x, arma::vec& gradient) {
      gradient[0] = x[0] > 0 ? 1 - 1 / x[0] : not_a_number;
      return x[0] > 0 ? x[0] - std::log(x[0]) : outside;
    };
    for (double const start : {1e-3, 0.3, 20.0}) {
      auto const found = minimise(barrier, {start}, {.first_step = 1e3});
      BOOST_TEST(found.converged);
      BOOST_TEST(std::abs(found.point[0] - 1) < 1e-7);
    }
  }
}

BOOST_AUTO_TEST_CASE(fails_the_item_where_the_function_is_not_defined_at_the_start) {
  SmoothFunction const nowhere = [](arma::vec const&, arma::vec& gradient) {
    gradient.zeros();
    return not_a_number;
  };
  SmoothFunction const no_gradient = [](arma::vec const&, arma::vec& gradient) {
    gradient.fill(not_a_number);
    return 1.0;
  };
  BOOST_CHECK_THROW(minimise(nowhere, {1}), fermiac::ItemFailure);
  BOOST_CHECK_THROW(minimise(no_gradient, {1}), fermiac::ItemFailure);
}

BOOST_AUTO_TEST_CASE(gives_up_on_a_function_without_a_minimum) {
  auto const slope = [](arma::vec const& x, arma::vec& gradient) {
    gradient[0] = 1;
    return x[0];
  };
  auto const found = minimise(slope, {0}, {.max_evaluations = 500});
  BOOST_TEST(!found.converged);
  BOOST_TEST(found.evaluations <= 500);
  BOOST_TEST(found.value < -1e10);
}

BOOST_AUTO_TEST_CASE(keeps_within_its_limits_and_never_ends_above_the_start) {
  arma::vec const start = {-1.2, 1};
  arma::vec gradient(2);
  double previous = rosenbrock(start, gradient);
  for (int const limit : {1, 2, 5, 10, 20}) {
    auto const few = minimise(rosenbrock, start, {.max_evaluations = limit});
    BOOST_TEST(!few.converged);
    BOOST_TEST(few.evaluations <= limit);
    BOOST_TEST(few.value <= previous);
    previous = few.value;
  }
  BOOST_TEST(minimise(rosenbrock, start, {.max_iterations = 3}).iterations == 3);
  BOOST_TEST(minimise(rosenbrock, start, {.max_iterations = 0}).value == rosenbrock(start, gradient));
}

// The value 1 + 1e-20 x^2 cannot resolve its minimum; the iteration ends all the same.
BOOST_AUTO_TEST_CASE(ends_where_rounding_hides_the_decrease) {
  auto const tiny = [](arma::vec const& x, arma::vec& gradient) {
    gradient[0] = 2e-20 * x[0];
    return 1 + 1e-20 * x[0] * x[0];
  };
  auto const found = minimise(tiny, {1}, {.gradient_tolerance = 0, .value_tolerance = 1e-12});
  BOOST_TEST(found.converged);
  BOOST_TEST(found.iterations <= 20);
}

BOOST_AUTO_TEST_CASE(gradient_converges_further_than_the_value_can_resolve) {
  auto const shifted = [](arma::vec const& x, arma::vec& gradient) {
    gradient = arma::vec{std::sinh(x[0] - 0.3), 5 * std::sinh(x[1] + 0.7)};
    return 1e3 + std::cosh(x[0] - 0.3) + 5 * std::cosh(x[1] + 0.7);
  };
  auto const found = minimise(shifted, {2, -3}, {.gradient_tolerance = 1e-13});
  BOOST_TEST(found.converged);
  BOOST_TEST(std::abs(found.point[0] - 0.3) < 1e-12);
  BOOST_TEST(std::abs(found.point[1] + 0.7) < 1e-12);
}

BOOST_AUTO_TEST_CASE(same_search_same_bits) {
  auto const one = minimise(rosenbrock, {-1.2, 1, 0.5});
  auto const two = minimise(rosenbrock, {-1.2, 1, 0.5});
  BOOST_TEST(one.value == two.value);
  BOOST_TEST(one.evaluations == two.evaluations);
  for (arma::uword i = 0; i < 3; ++i) BOOST_TEST(one.point[i] == two.point[i]);
}

// Only additions and products: the same on every machine. A change of these digits is a change of the algorithm.
BOOST_AUTO_TEST_CASE(takes_the_same_number_of_steps_everywhere) {
  auto const found = minimise(rosenbrock, {-1.2, 1});
  BOOST_TEST(found.iterations == 37);
  BOOST_TEST(found.evaluations == 46);
}

BOOST_AUTO_TEST_CASE(refuses_options_outside_their_ranges) {
  auto const refused = [](LbfgsOptions const& options) {
    BOOST_CHECK_THROW(minimise(rosenbrock, {0, 0}, options), fermiac::InputError);
  };
  refused({.memory = 0});
  refused({.max_iterations = -1});
  refused({.max_evaluations = 0});
  refused({.gradient_tolerance = -1});
  refused({.value_tolerance = not_a_number});
  refused({.first_step = 0});
}

BOOST_AUTO_TEST_SUITE_END()
