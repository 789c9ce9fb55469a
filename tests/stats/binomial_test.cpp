#include "fermiac/stats/binomial.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace fermiac::stats;

namespace {

// P(K = k), by multiplication.
double probability(int k, int n, double p) {
  double result = 1;
  for (int i = 1; i <= k; ++i) result *= p * (n - k + i) / i;
  for (int i = 0; i < n - k; ++i) result *= 1 - p;
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(binomial)

BOOST_AUTO_TEST_CASE(tails_are_sums_of_probabilities) {
  for (int const n : {1, 2, 17, 40})
    for (double const p : {0., 0.1, 0.5, 0.97, 1.})
      for (int k = 0; k <= n; ++k) {
        double below = 0, above = 0;
        for (int i = 0; i <= n; ++i) (i <= k ? below : above) += probability(i, n, p);
        BOOST_CHECK_SMALL(binomial_at_most(k, n, p) - below, 1e-12);
        BOOST_CHECK_SMALL(binomial_at_least(k, n, p) - above - probability(k, n, p), 1e-12);
      }
  BOOST_TEST(binomial_at_least(3, 2, 0.5) == 0);
  BOOST_TEST(binomial_at_most(3, 2, 0.5) == 1);
}

BOOST_AUTO_TEST_CASE(interval_of_none_and_of_all_is_in_closed_form) {
  auto const none = clopper_pearson(0, 10, 0.95);
  BOOST_TEST(none.low == 0);
  BOOST_CHECK_CLOSE(none.high, 1 - std::pow(0.025, 0.1), 1e-10);
  auto const all = clopper_pearson(10, 10, 0.95);
  BOOST_TEST(all.high == 1);
  BOOST_CHECK_CLOSE(all.low, std::pow(0.025, 0.1), 1e-10);
  auto const nothing = clopper_pearson(0, 0, 0.95);
  BOOST_TEST(nothing.low == 0);
  BOOST_TEST(nothing.high == 1);
}

BOOST_AUTO_TEST_CASE(interval_ends_where_the_tails_are_half_of_what_is_left) {
  for (int const n : {2, 17, 1000})
    for (int const k : {1, n / 2, n - 1})
      for (double const confidence : {0.5, 0.95, 1 - 1e-6}) {
        auto const [low, high] = clopper_pearson(k, n, confidence);
        double const tail = (1 - confidence) / 2;
        // An end within 5e-10 of 1 is rounded by 1e-16: 2e-5 % of what it leaves.
        BOOST_CHECK_CLOSE(binomial_at_least(k, n, low), tail, 1e-4);
        BOOST_CHECK_CLOSE(binomial_at_most(k, n, high), tail, 1e-4);
      }
}

// Exact: the coverage summed over all outcomes is at least the confidence at every p.
BOOST_AUTO_TEST_CASE(interval_covers_at_least_as_often_as_it_says) {
  int const n = 20;
  for (double p = 0.005; p < 1; p += 0.005) {
    double coverage = 0;
    for (int k = 0; k <= n; ++k)
      if (clopper_pearson(k, n, 0.9).contains(p)) coverage += probability(k, n, p);
    BOOST_TEST(coverage >= 0.9);
  }
}

BOOST_AUTO_TEST_CASE(acceptance_has_two_sides) {
  BOOST_TEST(binomial_accepts(500, 1000, {0.5, 0.5}, 1e-9));
  BOOST_TEST(!binomial_accepts(600, 1000, {0.5, 0.5}, 1e-9));  // 6.3 sigma
  BOOST_TEST(!binomial_accepts(400, 1000, {0.5, 0.5}, 1e-9));
  BOOST_TEST(binomial_accepts(600, 1000, {0.5, 0.6}, 1e-9));
  BOOST_TEST(!binomial_accepts(400, 1000, {0.5, 0.6}, 1e-9));
}

BOOST_AUTO_TEST_CASE(refuses_more_successes_than_trials_and_no_probabilities) {
  BOOST_CHECK_THROW(clopper_pearson(3, 2, 0.9), std::logic_error);
  BOOST_CHECK_THROW(clopper_pearson(1, 2, 1), std::logic_error);
  BOOST_CHECK_THROW(binomial_at_most(1, 2, 1.1), std::logic_error);
  BOOST_CHECK_THROW(binomial_at_least(1, 2, -0.1), std::logic_error);
}

BOOST_AUTO_TEST_SUITE_END()
