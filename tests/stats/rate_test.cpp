#include "fermiac/stats/rate.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "fermiac/stats/moments.hpp"
#include "stats/samples.hpp"

using namespace fermiac::stats;

BOOST_AUTO_TEST_SUITE(rate_of_convergence)

BOOST_AUTO_TEST_CASE(of_an_exact_power_law_is_its_exponent) {
  std::vector<double> const n = {10, 100, 1000, 10000};
  for (double const p : {-0.5, -1., 2.}) {
    std::vector<double> e, s;
    for (double const x : n) e.push_back(3 * std::pow(x, p)), s.push_back(0.1 * e.back());
    auto const rate = fit_rate(n, e, s);
    BOOST_CHECK_SMALL(rate.exponent.value - p, 1e-12);
    BOOST_CHECK_SMALL(rate.log_prefactor.value - std::log(3.), 1e-12);
    BOOST_CHECK_SMALL(rate.chi_square, 1e-20);
    BOOST_CHECK_CLOSE(rate.p_value, 1, 1e-9);
    BOOST_TEST(rate.degrees_of_freedom == 2);
    // Equal weights 1/0.01 and abscissae L (1, 2, 3, 4), L = ln 10: the sum of squares about their mean is 5 L^2.
    BOOST_CHECK_CLOSE(rate.exponent.error, 0.1 / (std::log(10.) * std::sqrt(5.)), 1e-9);
    BOOST_CHECK_CLOSE(rate.log_prefactor.error, 0.1 * std::sqrt(1. / 4 + 2.5 * 2.5 / 5), 1e-9);
    BOOST_CHECK_CLOSE(rate.covariance, -0.01 * 2.5 / (5 * std::log(10.)), 1e-9);
  }
}

BOOST_AUTO_TEST_CASE(weighs_points_by_their_relative_errors) {
  // Two good points fix the line, the third is off by a factor e with a relative error of 2: chi-square about 1/4.
  std::vector<double> const n = {1, std::exp(1.), std::exp(2.)}, e = {1, std::exp(-1.), std::exp(-1.)};
  std::vector<double> const s = {1e-6, 1e-6 * e[1], 2 * e[2]};
  auto const rate = fit_rate(n, e, s);
  BOOST_CHECK_SMALL(rate.exponent.value + 1, 1e-9);
  BOOST_CHECK_CLOSE(rate.chi_square, 0.25, 1e-3);
  BOOST_CHECK_CLOSE(rate.p_value, std::erfc(0.5 / std::sqrt(2.)), 1e-2);  // one degree of freedom
}

BOOST_AUTO_TEST_CASE(leaves_out_what_carries_no_information_and_says_so) {
  double const not_a_number = std::nan(""), inf = INFINITY;
  std::vector<double> const n = {10, 100, 1000, 1000, 1000, 1000, 0}, e = {0.1, 0.01, 0, not_a_number, 1, 1, 1},
                            s = {0.01, 0.001, 1, 1, inf, 0, 1};
  auto const rate = fit_rate(n, e, s);
  BOOST_TEST(rate.n_points == 2);
  BOOST_CHECK_SMALL(rate.exponent.value + 1, 1e-12);
  BOOST_TEST(std::isnan(rate.p_value));
}

BOOST_AUTO_TEST_CASE(is_not_known_from_fewer_than_two_different_n) {
  std::vector<double> const n = {10, 10}, e = {1, 2}, s = {1, 1};
  BOOST_TEST(std::isnan(fit_rate(n, e, s).exponent.value));
  BOOST_TEST(std::isnan(fit_rate(n, e, s).exponent.error));
  BOOST_TEST(std::isnan(fit_rate({}, {}, {}).exponent.value));
  BOOST_CHECK_THROW(fit_rate(n, e, {}), std::logic_error);
}

// 2000 fits to points with 5 % log-normal errors: exponents scatter with the claimed error, chi-square has mean and
// variance of its law (6 and 12), p-values are uniform in their mean. 6 standard errors each (2e-9).
BOOST_AUTO_TEST_CASE(scatters_as_it_claims, *boost::unit_test::label("stat")) {
  fermiac::rng::Stream stream(fermiac::test::stream_id(1), 0);
  Moments z, chi_square, p_value;
  for (int trial = 0; trial < 2000; ++trial) {
    std::vector<double> n, e, s;
    for (int k = 0; k < 8; ++k) {
      n.push_back(std::pow(2., k));
      e.push_back(std::exp(-0.5 * std::log(n.back()) + 0.05 * stream.normal()));
      s.push_back(0.05 * e.back());
    }
    auto const rate = fit_rate(n, e, s);
    z.add((rate.exponent.value + 0.5) / rate.exponent.error);
    chi_square.add(rate.chi_square);
    p_value.add(rate.p_value);
  }
  BOOST_TEST(std::abs(z.mean()) < 6 * z.mean_estimate().error);
  BOOST_TEST(std::abs(z.variance() - 1) < 6 * z.variance_estimate().error);
  BOOST_TEST(std::abs(chi_square.mean() - 6) < 6 * chi_square.mean_estimate().error);
  BOOST_TEST(std::abs(chi_square.variance() - 12) < 6 * chi_square.variance_estimate().error);
  BOOST_TEST(std::abs(p_value.mean() - 0.5) < 6 * p_value.mean_estimate().error);
}

BOOST_AUTO_TEST_SUITE_END()
