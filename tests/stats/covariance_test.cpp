#include "fermiac/stats/covariance.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "fermiac/stats/moments.hpp"
#include "stats/samples.hpp"

using fermiac::stats::Covariance;

namespace {

// Rows are vectors with correlated components.
arma::mat rows(arma::uword n, arma::uword dimension, std::uint64_t seed) {
  auto const flat = fermiac::test::exponentials(n * dimension, seed);
  arma::mat x(flat.data(), n, dimension);
  for (arma::uword d = 1; d < dimension; ++d) x.col(d) += 0.5 * x.col(d - 1) + 100;
  return x;
}

void add_rows(Covariance& covariance, arma::mat const& x, arma::uword first, arma::uword last) {
  for (arma::uword i = first; i < last; ++i) {
    std::vector<double> const row(x.begin_row(i), x.end_row(i));
    covariance.add(row);
  }
}

arma::mat two_pass(arma::mat const& x) {
  arma::mat result(x.n_cols, x.n_cols);
  for (arma::uword a = 0; a < x.n_cols; ++a)
    for (arma::uword b = 0; b < x.n_cols; ++b) {
      long double mean_a = 0, mean_b = 0, sum = 0;
      for (arma::uword i = 0; i < x.n_rows; ++i) mean_a += x(i, a), mean_b += x(i, b);
      mean_a /= static_cast<long double>(x.n_rows), mean_b /= static_cast<long double>(x.n_rows);
      for (arma::uword i = 0; i < x.n_rows; ++i) sum += (x(i, a) - mean_a) * (x(i, b) - mean_b);
      result(a, b) = static_cast<double>(sum / static_cast<long double>(x.n_rows - 1));
    }
  return result;
}

double largest_difference(arma::mat const& a, arma::mat const& b) { return arma::abs(a - b).max(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(covariance)

BOOST_AUTO_TEST_CASE(of_three_points_is_that_by_hand) {
  Covariance c(2);
  c.add(std::vector<double>{0, 1});
  c.add(std::vector<double>{1, 3});
  c.add(std::vector<double>{2, 2});
  BOOST_TEST(c.mean()[0] == 1);
  BOOST_TEST(c.mean()[1] == 2);
  BOOST_CHECK_SMALL(largest_difference(c.covariance(), {{1, 0.5}, {0.5, 1}}), 1e-15);
  BOOST_CHECK_SMALL(largest_difference(c.correlation(), {{1, 0.5}, {0.5, 1}}), 1e-15);
  BOOST_CHECK_SMALL(largest_difference(c.covariance_of_mean(), arma::mat{{1, 0.5}, {0.5, 1}} / 3), 1e-15);
}

BOOST_AUTO_TEST_CASE(agrees_with_two_passes_in_long_double) {
  for (arma::uword const dimension : {1, 2, 3, 17})
    for (arma::uword const n : {2, 3, 17, 1000}) {
      auto const x = rows(n, dimension, n);
      Covariance c(dimension);
      add_rows(c, x, 0, n);
      // Components near 200 are rounded by 3e-14; deviations are of order 1 to 10.
      BOOST_CHECK_SMALL(largest_difference(c.covariance(), two_pass(x)), 1e-11);
    }
}

BOOST_AUTO_TEST_CASE(has_the_variances_of_the_components_on_its_diagonal) {
  auto const x = rows(333, 3, 1);
  Covariance c(3);
  add_rows(c, x, 0, 333);
  for (arma::uword d = 0; d < 3; ++d) {
    fermiac::stats::Moments m;
    m.add({x.colptr(d), x.n_rows});
    BOOST_CHECK_CLOSE(c.covariance()(d, d), m.variance(), 1e-9);
    BOOST_CHECK_CLOSE(c.mean()[d], m.mean(), 1e-9);
  }
}

BOOST_AUTO_TEST_CASE(merged_equals_that_of_the_union) {
  auto const x = rows(501, 3, 2);
  for (arma::uword const cut : {0, 1, 17, 250, 501}) {
    Covariance a(3), b(3);
    add_rows(a, x, 0, cut);
    add_rows(b, x, cut, 501);
    a.merge(b);
    BOOST_TEST(a.count() == 501);
    BOOST_CHECK_SMALL(largest_difference(a.covariance(), two_pass(x)), 1e-11);
    BOOST_CHECK_SMALL(arma::abs(a.mean() - arma::mean(x).t()).max(), 1e-11);
  }
}

BOOST_AUTO_TEST_CASE(is_not_known_below_two_vectors_and_zero_for_a_constant) {
  Covariance c(2);
  BOOST_TEST(c.mean().has_nan());
  BOOST_TEST(c.covariance().has_nan());
  c.add(std::vector<double>{0.1, 5});
  BOOST_TEST(c.covariance().has_nan());
  c.add(std::vector<double>{0.1, 6});
  BOOST_TEST(c.covariance()(0, 0) == 0);
  BOOST_TEST(c.covariance()(1, 1) == 0.5);
  BOOST_TEST(std::isnan(c.correlation()(0, 0)));
  BOOST_TEST(std::isnan(c.correlation()(0, 1)));
  BOOST_TEST(c.correlation()(1, 1) == 1);
  BOOST_TEST(Covariance(0).covariance().is_empty());
}

BOOST_AUTO_TEST_CASE(keeps_a_non_finite_component_to_its_row_and_column) {
  Covariance c(2);
  for (double const x : {1., 2., std::numeric_limits<double>::quiet_NaN(), 4.}) c.add(std::vector<double>{x, 1 + x * 0 + 1});
  BOOST_TEST(std::isnan(c.covariance()(0, 0)));
  Covariance d(2);
  for (double const x : {1., 2., std::numeric_limits<double>::infinity(), 4.})
    d.add(std::vector<double>{x, static_cast<double>(d.count())});
  BOOST_TEST(std::isnan(d.covariance()(0, 1)));
  BOOST_CHECK_CLOSE(d.covariance()(1, 1), 5. / 3, 1e-12);
}

BOOST_AUTO_TEST_CASE(continued_after_a_reload_is_that_never_stopped) {
  auto const x = rows(100, 3, 3);
  Covariance whole(3), half(3), resumed(3);
  add_rows(whole, x, 0, 100);
  add_rows(half, x, 0, 41);
  std::vector<double> state(half.state_size());
  half.save(state);
  resumed.load(state);
  add_rows(resumed, x, 41, 100);
  BOOST_TEST(resumed.count() == 100);
  BOOST_TEST(largest_difference(resumed.covariance(), whole.covariance()) == 0);
  BOOST_TEST(arma::abs(resumed.mean() - whole.mean()).max() == 0);
}

BOOST_AUTO_TEST_CASE(refuses_other_dimensions) {
  Covariance c(2);
  std::vector<double> state(c.state_size() + 1);
  BOOST_CHECK_THROW(c.add(std::vector<double>{1, 2, 3}), std::logic_error);
  BOOST_CHECK_THROW(c.merge(Covariance(3)), std::logic_error);
  BOOST_CHECK_THROW(c.save(state), std::logic_error);
  BOOST_CHECK_THROW(c.load(state), std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()
