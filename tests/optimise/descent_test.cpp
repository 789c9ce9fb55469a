#include "fermiac/optimise/descent.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "fermiac/base/error.hpp"

using fermiac::Archive;
using fermiac::optimise::Adam;
using fermiac::optimise::GradientDescent;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// A gradient that changes from step to step, in sign too.
arma::vec gradient_at(int step) { return {std::sin(1.0 + step), -0.5 + 0.3 * step, 1e-3 * std::cos(2.0 * step)}; }

template <typename Optimiser>
void continues_with_the_same_bits(Optimiser uninterrupted, Optimiser resumed) {
  for (int step = 0; step < 5; ++step) uninterrupted.step(gradient_at(step));
  Archive archive;
  uninterrupted.save(archive, "optimiser/");
  resumed.restore(archive, "optimiser/");
  for (int step = 5; step < 10; ++step) {
    arma::vec const expected = uninterrupted.step(gradient_at(step));
    arma::vec const found = resumed.step(gradient_at(step));
    for (arma::uword i = 0; i < 3; ++i) BOOST_TEST(found[i] == expected[i]);
  }
}

template <typename Optimiser>
void refuses_a_gradient_that_is_not_finite(Optimiser optimiser) {
  auto twin = optimiser;
  for (double const bad : {infinity, -infinity, not_a_number})
    BOOST_CHECK_THROW(optimiser.step({1, bad, 2}), fermiac::ItemFailure);
  arma::vec const after = optimiser.step(gradient_at(0));
  arma::vec const expected = twin.step(gradient_at(0));
  for (arma::uword i = 0; i < 3; ++i) BOOST_TEST(after[i] == expected[i]);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(gradient_descent)

BOOST_AUTO_TEST_CASE(goes_against_the_gradient_and_keeps_its_momentum) {
  GradientDescent descent(2, 0.5, 0.25);
  arma::vec const first = descent.step({2, -4});
  BOOST_TEST(first[0] == -1);
  BOOST_TEST(first[1] == 2);
  arma::vec const second = descent.step({1, 0});
  BOOST_TEST(second[0] == 0.25 * -1 - 0.5);
  BOOST_TEST(second[1] == 0.25 * 2);
}

BOOST_AUTO_TEST_CASE(contracts_a_quadratic_by_one_minus_rate_times_curvature) {
  GradientDescent descent(1, 0.125);
  arma::vec x = {1};
  for (int step = 0; step < 10; ++step) x += descent.step(2 * x);
  BOOST_TEST(x[0] == std::pow(0.75, 10));
}

BOOST_AUTO_TEST_CASE(takes_no_parameters_at_all) { BOOST_TEST(GradientDescent(0, 1).step({}).is_empty()); }

BOOST_AUTO_TEST_CASE(restored_continues_with_the_same_bits) {
  continues_with_the_same_bits(GradientDescent(3, 0.1, 0.9), GradientDescent(3, 0.1, 0.9));
}

BOOST_AUTO_TEST_CASE(is_not_restored_from_another_length) {
  Archive archive;
  GradientDescent(2, 0.1).save(archive, "");
  GradientDescent other(3, 0.1);
  BOOST_CHECK_THROW(other.restore(archive, ""), fermiac::SystemError);
  BOOST_CHECK_THROW(other.restore(archive, "elsewhere/"), fermiac::SystemError);
}

BOOST_AUTO_TEST_CASE(fails_the_item_where_the_gradient_is_not_finite) {
  refuses_a_gradient_that_is_not_finite(GradientDescent(3, 0.1, 0.9));
}

BOOST_AUTO_TEST_CASE(refuses_options_outside_their_ranges) {
  for (double const rate : {0.0, -1.0, infinity, not_a_number})
    BOOST_CHECK_THROW(GradientDescent(1, rate), fermiac::InputError);
  for (double const momentum : {-0.1, 1.0, not_a_number})
    BOOST_CHECK_THROW(GradientDescent(1, 0.1, momentum), fermiac::InputError);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(adam)

BOOST_AUTO_TEST_CASE(steps_first_by_its_rate_whatever_the_scale) {
  for (double const scale : {1e-3, 1.0, 1e100}) {
    arma::vec const change = Adam(3, 0.01).step({scale, -scale, 0});
    BOOST_TEST(change[0] == -0.01, boost::test_tools::tolerance(2e-5));  // epsilon / scale = 1e-5
    BOOST_TEST(change[1] == 0.01, boost::test_tools::tolerance(2e-5));
    BOOST_TEST(change[2] == 0);
  }
}

// By hand: g = 1 then 3, beta1 = 1/2, beta2 = 3/4. m = 1/2, 7/4; v = 1/4, 39/16; m-hat = 7/3, v-hat = (39/16)/(7/16) = 39/7.
BOOST_AUTO_TEST_CASE(second_step_is_the_one_computed_by_hand) {
  Adam adam(1, 1, 0.5, 0.75, 1e-30);
  BOOST_TEST(adam.step({1})[0] == -1, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(adam.step({3})[0] == -(7.0 / 3) / std::sqrt(39.0 / 7), boost::test_tools::tolerance(1e-15));
}

BOOST_AUTO_TEST_CASE(restored_continues_with_the_same_bits) { continues_with_the_same_bits(Adam(3, 0.1), Adam(3, 0.1)); }

BOOST_AUTO_TEST_CASE(is_not_restored_from_another_length) {
  Archive archive;
  Adam(2, 0.1).save(archive, "");
  Adam other(3, 0.1);
  BOOST_CHECK_THROW(other.restore(archive, ""), fermiac::SystemError);
}

BOOST_AUTO_TEST_CASE(fails_the_item_where_the_gradient_is_not_finite) { refuses_a_gradient_that_is_not_finite(Adam(3, 0.1)); }

BOOST_AUTO_TEST_CASE(refuses_options_outside_their_ranges) {
  for (double const rate : {0.0, -1.0, infinity, not_a_number}) BOOST_CHECK_THROW(Adam(1, rate), fermiac::InputError);
  for (double const beta : {-0.1, 1.0, not_a_number}) {
    BOOST_CHECK_THROW(Adam(1, 0.1, beta), fermiac::InputError);
    BOOST_CHECK_THROW(Adam(1, 0.1, 0.9, beta), fermiac::InputError);
  }
  BOOST_CHECK_THROW(Adam(1, 0.1, 0.9, 0.999, 0), fermiac::InputError);
}

BOOST_AUTO_TEST_SUITE_END()
