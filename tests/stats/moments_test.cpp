#include "fermiac/stats/moments.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "fermiac/base/archive.hpp"
#include "stats/samples.hpp"

using fermiac::stats::Moments;
using fermiac::test::exponentials;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

Moments moments_of(std::span<double const> xs) {
  Moments result;
  result.add(xs);
  return result;
}

// The obvious way, in two passes and with 64 bits of mantissa.
struct TwoPass {
  long double mean = 0, m2 = 0, m3 = 0, m4 = 0;

  explicit TwoPass(std::span<double const> xs) {
    for (double const x : xs) mean += x;
    mean /= static_cast<long double>(xs.size());
    for (double const x : xs) {
      long double const d = x - mean;
      m2 += d * d;
      m3 += d * d * d;
      m4 += d * d * d * d;
    }
    auto const n = static_cast<long double>(xs.size());
    m2 /= n, m3 /= n, m4 /= n;
  }
};

void check_agree(Moments const& moments, TwoPass const& twin, double tolerance) {
  double const sigma = std::sqrt(static_cast<double>(twin.m2));
  // Odd moments may be near zero by cancellation: their scale is that of the even ones.
  BOOST_CHECK_SMALL(moments.mean() - static_cast<double>(twin.mean),
                    tolerance * (sigma + std::abs(static_cast<double>(twin.mean))));
  BOOST_CHECK_SMALL(moments.central_moment(2) - static_cast<double>(twin.m2), tolerance * std::pow(sigma, 2));
  BOOST_CHECK_SMALL(moments.central_moment(3) - static_cast<double>(twin.m3), tolerance * std::pow(sigma, 3) * 10);
  BOOST_CHECK_SMALL(moments.central_moment(4) - static_cast<double>(twin.m4), tolerance * std::pow(sigma, 4) * 10);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(moments)

BOOST_AUTO_TEST_CASE(of_a_small_sample_are_those_by_hand) {
  double const xs[] = {1, 2, 4, 9};  // mean 4; deviations -3, -2, 0, 5: sums of powers 38, 90, 722
  auto const m = moments_of(xs);
  BOOST_TEST(m.count() == 4);
  BOOST_TEST(m.mean() == 4);
  BOOST_CHECK_CLOSE(m.variance(), 38. / 3, 1e-12);
  BOOST_CHECK_CLOSE(m.central_moment(2), 38. / 4, 1e-12);
  BOOST_CHECK_CLOSE(m.central_moment(3), 90. / 4, 1e-12);
  BOOST_CHECK_CLOSE(m.central_moment(4), 722. / 4, 1e-12);
  BOOST_CHECK_CLOSE(m.skewness(), 90. / 4 / std::pow(38. / 4, 1.5), 1e-12);
  BOOST_CHECK_CLOSE(m.kurtosis(), 722. / 4 / std::pow(38. / 4, 2), 1e-12);
  BOOST_CHECK_CLOSE(m.mean_estimate().error, std::sqrt(38. / 12), 1e-12);
  BOOST_TEST(m.mean_estimate().degrees_of_freedom == 3);
  // k2 = 38/3, k4 = (4 x 5 x 722 - 3 x 3 x 38^2) / (3 x 2 x 1) = 1444 / 6; (8 k2^2 + 3 k4) / 20 = 100.277...
  BOOST_CHECK_CLOSE(m.variance_estimate().error, std::sqrt((8 * 38. * 38 / 9 + 3 * 1444. / 6) / 20), 1e-12);
}

BOOST_AUTO_TEST_CASE(agree_with_two_passes_in_long_double) {
  for (std::size_t const n : {1, 2, 3, 17, 1000, 100001})
    for (double const offset : {0., 1e3, -1e6}) {
      auto xs = exponentials(n, n);
      for (auto& x : xs) x += offset;
      // Adding an offset rounds each sample by 2^-53 |offset|; the update rounds as much again, without growth in a random
      // walk.
      check_agree(moments_of(xs), TwoPass(xs), 1e-13 * (1 + std::abs(offset)));
    }
}

BOOST_AUTO_TEST_CASE(merged_equal_those_of_the_union) {
  auto const xs = exponentials(1001, 5);
  TwoPass const twin(xs);
  for (std::size_t const cut : {0, 1, 2, 17, 500, 1000, 1001}) {
    auto first = moments_of(std::span(xs).first(cut));
    first.merge(moments_of(std::span(xs).subspan(cut)));
    BOOST_TEST(first.count() == xs.size());
    check_agree(first, twin, 1e-13);
  }
  Moments many;
  for (std::size_t i = 0; i < xs.size(); i += 7)
    many.merge(moments_of(std::span(xs).subspan(i, std::min<std::size_t>(7, xs.size() - i))));
  check_agree(many, twin, 1e-13);
}

BOOST_AUTO_TEST_CASE(merged_with_themselves_keep_their_shape) {
  auto m = moments_of(exponentials(101, 6));
  auto const before = m;
  m.merge(m);
  BOOST_TEST(m.count() == 202);
  BOOST_CHECK_CLOSE(m.mean(), before.mean(), 1e-11);
  BOOST_CHECK_CLOSE(m.skewness(), before.skewness(), 1e-11);
  BOOST_CHECK_CLOSE(m.kurtosis(), before.kurtosis(), 1e-11);
}

BOOST_AUTO_TEST_CASE(shift_and_scale_as_they_must) {
  auto const xs = exponentials(999, 7);
  std::vector<double> ys(xs);
  for (auto& y : ys) y = 3 - 2 * y;
  auto const x = moments_of(xs), y = moments_of(ys);
  BOOST_CHECK_CLOSE(y.mean(), 3 - 2 * x.mean(), 1e-11);
  BOOST_CHECK_CLOSE(y.variance(), 4 * x.variance(), 1e-11);
  BOOST_CHECK_CLOSE(y.skewness(), -x.skewness(), 1e-10);
  BOOST_CHECK_CLOSE(y.kurtosis(), x.kurtosis(), 1e-10);
}

BOOST_AUTO_TEST_CASE(of_nothing_one_and_a_constant_are_what_is_known) {
  Moments m;
  BOOST_TEST(std::isnan(m.mean()));
  BOOST_TEST(std::isnan(m.variance()));
  BOOST_TEST(std::isnan(m.central_moment(2)));
  BOOST_TEST(std::isnan(m.mean_estimate().error));
  m.add(0.1);
  BOOST_TEST(m.mean() == 0.1);
  BOOST_TEST(std::isnan(m.variance()));
  BOOST_TEST(m.central_moment(2) == 0);
  BOOST_TEST(std::isnan(m.mean_estimate().error));
  for (int i = 0; i < 9; ++i) m.add(0.1);
  BOOST_TEST(m.mean() == 0.1);
  BOOST_TEST(m.variance() == 0);
  BOOST_TEST(m.mean_estimate().error == 0);
  BOOST_TEST(m.variance_estimate().error == 0);
  BOOST_TEST(std::isnan(m.skewness()));
  BOOST_TEST(std::isnan(m.kurtosis()));
}

BOOST_AUTO_TEST_CASE(stay_non_finite_after_a_non_finite_sample) {
  for (double const bad : {inf, -inf, not_a_number}) {
    auto m = moments_of(std::vector<double>{1, 2, bad, 3, 4, 5});
    BOOST_TEST(!std::isfinite(m.mean()));
    BOOST_TEST(std::isnan(m.mean_estimate().error));
    BOOST_TEST(std::isnan(m.variance_estimate().error));
    auto other = moments_of(std::vector<double>{1, 2, 3});
    other.merge(m);
    BOOST_TEST(!std::isfinite(other.mean()));
  }
}

BOOST_AUTO_TEST_CASE(continued_after_a_reload_are_those_never_stopped) {
  auto const xs = exponentials(257, 8);
  Moments whole;
  whole.add(xs);
  for (std::size_t const cut : {0, 1, 100, 257}) {
    std::array<double, Moments::state_size> state;
    moments_of(std::span(xs).first(cut)).save(state);
    fermiac::Archive archive;
    archive.put("energy", state);
    state.fill(not_a_number);
    archive.take("energy", state);
    Moments resumed;
    resumed.load(state);
    resumed.add(std::span(xs).subspan(cut));
    std::array<double, Moments::state_size> a, b;
    resumed.save(a);
    whole.save(b);
    BOOST_TEST(a == b, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(refuse_states_and_orders_that_they_do_not_have) {
  Moments m;
  std::vector<double> state(4);
  BOOST_CHECK_THROW(m.save(state), std::logic_error);
  BOOST_CHECK_THROW(m.load(state), std::logic_error);
  BOOST_CHECK_THROW(m.central_moment(1), std::logic_error);
  BOOST_CHECK_THROW(m.central_moment(5), std::logic_error);
}

// Of 20000 variances of 40 samples each the mean of error^2 must be the variance of k2, for an exponential
// kappa4 / n + 2 kappa2^2 / (n - 1) = 6/40 + 2/39, and so must their scatter. Both at 6 standard errors (2e-9), themselves
// taken from the scatter; the assumed normality ignores no more than the errors themselves.
BOOST_AUTO_TEST_CASE(know_the_error_of_a_variance_whatever_the_kurtosis, *boost::unit_test::label("stat")) {
  Moments error_sq, variance;
  for (std::uint64_t seed = 0; seed < 20000; ++seed) {
    auto const estimate = moments_of(exponentials(40, seed)).variance_estimate();
    error_sq.add(estimate.error * estimate.error);
    variance.add(estimate.value);
  }
  double const truth = 6. / 40 + 2. / 39;
  BOOST_CHECK_SMALL(error_sq.mean() - truth, 6 * error_sq.mean_estimate().error);
  BOOST_CHECK_SMALL(variance.mean() - 1, 6 * variance.mean_estimate().error);
  BOOST_CHECK_SMALL(variance.variance() - truth, 6 * variance.variance_estimate().error);
  BOOST_TEST(variance.variance_estimate().error < 0.1 * truth);
}

BOOST_AUTO_TEST_SUITE_END()
