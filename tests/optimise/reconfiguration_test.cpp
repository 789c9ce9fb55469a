#include "fermiac/optimise/reconfiguration.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "fermiac/base/error.hpp"

using fermiac::optimise::reconfiguration_step;
using fermiac::optimise::ReconfigurationOptions;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

arma::mat random_matrix(arma::uword rows, arma::uword columns, unsigned seed) {
  std::mt19937_64 source(seed);
  arma::mat A(rows, columns);
  for (double& value : A) value = std::ldexp(static_cast<double>(source() >> 11), -52) - 1;
  return A;
}

ReconfigurationOptions plain(double rate) { return {.rate = rate, .shift_relative = 0, .shift_absolute = 0}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(reconfiguration)

// Inverse of [[2, 1], [1, 1]] is [[1, -1], [-1, 2]].
BOOST_AUTO_TEST_CASE(step_is_the_one_computed_by_hand) {
  arma::vec const d = reconfiguration_step({{2, 1}, {1, 1}}, {4, 2}, plain(0.5));
  BOOST_TEST(d[0] == -0.5 * (2 - 1), boost::test_tools::tolerance(1e-14));
  BOOST_TEST(std::abs(d[1] - -0.5 * (-2 + 2)) < 1e-15);
}

BOOST_AUTO_TEST_CASE(step_solves_the_shifted_equations) {
  for (arma::uword const P : {1, 2, 3, 14, 41}) {
    arma::mat const B = random_matrix(P, P + 2, 7);
    arma::mat const S = B * B.t();
    arma::vec const g = random_matrix(P, 1, 8);
    arma::vec const d = reconfiguration_step(S, g, {.rate = 0.3, .shift_relative = 0.1, .shift_absolute = 0.01});
    arma::vec const residual = S * d + 0.1 * (S.diag() % d) + 0.01 * d + 0.15 * g;
    BOOST_TEST(arma::abs(residual).max() < 1e-14 * static_cast<double>(P));
  }
}

BOOST_AUTO_TEST_CASE(only_the_upper_triangle_is_read) {
  arma::mat S = {{2, 1}, {1, 3}};
  arma::vec const g = {1, -2};
  arma::vec const expected = reconfiguration_step(S, g, {});
  S(1, 0) = 1e6;
  arma::vec const found = reconfiguration_step(S, g, {});
  BOOST_TEST(found[0] == expected[0]);
  BOOST_TEST(found[1] == expected[1]);
}

// With d = -rate S^-1 g / 2 a linear change T of the parameters (S -> T' S T, g -> T' g) gives T^-1 d.
BOOST_AUTO_TEST_CASE(unshifted_step_does_not_depend_on_the_coordinates) {
  arma::mat const B = random_matrix(4, 9, 1);
  arma::mat const S = B * B.t();
  arma::vec const g = random_matrix(4, 1, 2);
  arma::mat const T = random_matrix(4, 4, 3) + 2 * arma::eye(4, 4);
  arma::vec const d = reconfiguration_step(S, g, plain(1));
  arma::vec const transformed = T * reconfiguration_step(T.t() * S * T, T.t() * g, plain(1));
  for (arma::uword i = 0; i < 4; ++i) BOOST_TEST(transformed[i] == d[i], boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(parameters_without_influence_stay) {
  arma::mat S(3, 3, arma::fill::zeros);
  S(0, 0) = 4;
  S(2, 2) = 1;
  arma::vec const d = reconfiguration_step(S, {8, 1, 2}, plain(1));
  BOOST_TEST(d[0] == -1, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(d[1] == 0);
  BOOST_TEST(d[2] == -1, boost::test_tools::tolerance(1e-15));
}

BOOST_AUTO_TEST_CASE(two_parameters_of_one_influence_share_the_step) {
  arma::vec const d = reconfiguration_step({{1, 1}, {1, 1}}, {2, 2}, plain(1));
  BOOST_TEST(d[0] == -0.5, boost::test_tools::tolerance(1e-14));
  BOOST_TEST(d[1] == -0.5, boost::test_tools::tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(step_is_bounded_in_the_metric_and_keeps_its_direction) {
  arma::mat const B = random_matrix(5, 8, 4);
  arma::mat const S = B * B.t();
  arma::vec const g = random_matrix(5, 1, 5);
  arma::vec const free = reconfiguration_step(S, g, {.rate = 1, .shift_absolute = 0.1});
  arma::mat const A = S + 0.1 * arma::eye(5, 5);
  double const length = std::sqrt(arma::dot(free, A * free));
  arma::vec const bounded = reconfiguration_step(S, g, {.rate = 1, .shift_absolute = 0.1, .max_metric_step = length / 3});
  arma::vec const unbounded = reconfiguration_step(S, g, {.rate = 1, .shift_absolute = 0.1, .max_metric_step = length * 1.01});
  for (arma::uword i = 0; i < 5; ++i) {
    BOOST_TEST(bounded[i] == free[i] / 3, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(unbounded[i] == free[i]);
  }
}

BOOST_AUTO_TEST_CASE(no_gradient_no_step) {
  BOOST_TEST(!arma::any(reconfiguration_step(arma::mat(3, 3, arma::fill::zeros), arma::vec(3, arma::fill::zeros), plain(1))));
  BOOST_TEST(reconfiguration_step(arma::mat(), arma::vec(), {}).is_empty());
}

BOOST_AUTO_TEST_CASE(fails_the_item_where_there_is_no_answer) {
  arma::mat const one = arma::eye(2, 2);
  for (double const bad : {infinity, not_a_number}) {
    BOOST_CHECK_THROW(reconfiguration_step({{1, bad}, {bad, 1}}, {1, 1}, {}), fermiac::ItemFailure);
    BOOST_CHECK_THROW(reconfiguration_step(one, {1, bad}, {}), fermiac::ItemFailure);
  }
  BOOST_CHECK_THROW(reconfiguration_step(arma::mat(2, 2, arma::fill::zeros), {1, 1}, plain(1)), fermiac::ItemFailure);
  BOOST_CHECK_THROW(reconfiguration_step(1e-300 * one, {1e300, 1}, plain(1)), fermiac::ItemFailure);
}

BOOST_AUTO_TEST_CASE(refuses_options_outside_their_ranges) {
  arma::mat const S = arma::eye(1, 1);
  for (double const rate : {0.0, -1.0, infinity, not_a_number})
    BOOST_CHECK_THROW(reconfiguration_step(S, {1}, {.rate = rate}), fermiac::InputError);
  for (double const shift : {-1e-3, infinity, not_a_number}) {
    BOOST_CHECK_THROW(reconfiguration_step(S, {1}, {.shift_relative = shift}), fermiac::InputError);
    BOOST_CHECK_THROW(reconfiguration_step(S, {1}, {.shift_absolute = shift}), fermiac::InputError);
  }
  for (double const bound : {0.0, -1.0, not_a_number})
    BOOST_CHECK_THROW(reconfiguration_step(S, {1}, {.max_metric_step = bound}), fermiac::InputError);
}

BOOST_AUTO_TEST_SUITE_END()
