#include "fermiac/estimators/wishart.hpp"

#include <boost/math/special_functions/gamma.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

using namespace fermiac::estimators;
using boost::test_tools::tolerance;

namespace {

SpectralTerm constexpr root{1, 1}, value{1, 2}, square{1, 4};

MeanAndVariance sum_of(std::uint64_t n, std::uint64_t d, SpectralTerm const& term) { return spectral_sum(n, d, {&term, 1}); }

}  // namespace

BOOST_AUTO_TEST_SUITE(wishart)

BOOST_AUTO_TEST_CASE(one_dimension_is_chi_square) {
  for (std::uint64_t const n : {1u, 2u, 7u, 100u}) {
    double const h = static_cast<double>(n) / 2;
    auto const chi = sum_of(n, 1, root);
    double const mean = std::sqrt(2.0) / boost::math::tgamma_delta_ratio(h, 0.5);
    BOOST_TEST(chi.mean.value == mean, tolerance(1e-13));
    BOOST_TEST(chi.variance.value == 2 * h - mean * mean, tolerance(1e-11));
  }
}

BOOST_AUTO_TEST_CASE(traces_of_powers_have_their_known_means) {
  // E tr W^2 = n d (n + d + 1).
  for (std::uint64_t const n : {2u, 5u, 12u, 400u})
    for (std::uint64_t const d : {1u, 2u, 3u, 8u, 13u}) {
      double const m = static_cast<double>(n * d), s = static_cast<double>(n + d + 1);
      BOOST_TEST(sum_of(n, d, value).mean.value == m, tolerance(1e-12));
      BOOST_TEST(sum_of(n, d, value).variance.value == 2 * m, tolerance(1e-12));
      BOOST_TEST(sum_of(n, d, square).mean.value == m * s, tolerance(1e-12));
    }
}

BOOST_AUTO_TEST_CASE(roots_in_two_dimensions_are_those_of_bartlett) {
  // (sum of roots)^2 = tr W + 2 sqrt(det W), and sqrt(det W) = chi_n chi_(n-1).
  for (std::uint64_t const n : {2u, 3u, 20u}) {
    auto const roots = sum_of(n, 2, root);
    double const m = static_cast<double>(n);
    double const chi = std::sqrt(2.0) / boost::math::tgamma_delta_ratio(m / 2, 0.5);
    double const chi_less = std::sqrt(2.0) / boost::math::tgamma_delta_ratio((m - 1) / 2, 0.5);
    BOOST_TEST(roots.mean.value * roots.mean.value + roots.variance.value == 2 * m + 2 * chi * chi_less, tolerance(1e-12));
  }
}

BOOST_AUTO_TEST_CASE(terms_add_up_and_errors_are_stated) {
  SpectralTerm const both[] = {{0.25, 2}, {-1, 1}};
  // Independent evaluation in 80 digits and 2e5 simulated matrices, n = 9 and 7: -3.41925528 and -2.55707449 with lambda / n
  // - 2 sqrt(lambda / n).
  for (auto const& [n, d, mean, variance] : {std::tuple{9u, 4u, -3.41925528, 0.05732617228},
                                             {7u, 3u, -2.55707449, 0.05559229632},
                                             {3u, 5u, -1.933901632, 0.4642319584}}) {
    SpectralTerm const scaled[] = {{1.0 / n, 2}, {-2 / std::sqrt(n), 1}};
    auto const found = spectral_sum(n, d, scaled);
    BOOST_TEST(found.mean.value == mean, tolerance(1e-9));
    BOOST_TEST(found.variance.value == variance, tolerance(1e-9));
    BOOST_TEST(found.mean.error < 1e-12);
  }
  BOOST_TEST(spectral_sum(30, 6, both).mean.value == 0.25 * 180 - sum_of(30, 6, root).mean.value, tolerance(1e-13));
}

BOOST_AUTO_TEST_CASE(large_matrices_keep_their_digits_or_say_nothing) {
  auto const found = sum_of(2000, 16, root);
  BOOST_TEST(found.mean.error < 1e-10);
  BOOST_TEST(found.mean.value / (16 * std::sqrt(2000.0)) == 1 - 17.0 / (8 * 2000), tolerance(1e-4));
}

BOOST_AUTO_TEST_CASE(eigenvalues_of_two_have_right_sums) {
  for (std::uint64_t const n : {2u, 3u, 9u, 100u, 1000u})
    for (double const s2 : {1.0, 0.5, 0.01}) {
      auto const [larger, smaller] = eigenvalues_of_two(n, 1, s2);
      BOOST_TEST(larger.mean.value > smaller.mean.value);
      BOOST_TEST(larger.variance.value > 0);
      BOOST_TEST(larger.mean.error < 1e-9 * larger.mean.value);
      auto const [mirrored, ignored] = eigenvalues_of_two(n, s2, 1);
      BOOST_TEST(larger.mean.value == mirrored.mean.value, tolerance(1e-9));
    }
}

BOOST_AUTO_TEST_CASE(eigenvalues_of_two_equal_ones_have_a_closed_form) {
  // E (l1 - l2) for Sigma = I, n = 2: densities (l1 - l2) (l1 l2)^-1/2 e^-s/2 / 4 give pi; generally
  // sqrt(pi) Gamma((n+1)/2) / Gamma(n/2) 2 (from the beta law of r^2 and chi square of 2n).
  for (std::uint64_t const n : {2u, 5u, 40u}) {
    double const m = static_cast<double>(n);
    double const difference = 2 * m * std::sqrt(std::numbers::pi) / 2 * boost::math::tgamma_delta_ratio((m + 1) / 2, 0.5);
    auto const [larger, smaller] = eigenvalues_of_two(n, 1, 1);
    BOOST_TEST(larger.mean.value - smaller.mean.value == difference, tolerance(1e-10));
  }
}

BOOST_AUTO_TEST_CASE(eigenvalues_of_two_approach_lawley) {
  // n (E l / n - s) -> s1 s2 / (s1 - s2), n Var -> 2 s^2.
  auto const [larger, smaller] = eigenvalues_of_two(4000, 3, 1);
  BOOST_TEST(larger.mean.value - 4000 * 3 == 1.5, tolerance(2e-3));
  BOOST_TEST(smaller.mean.value - 4000 == -1.5, tolerance(2e-3));
  BOOST_TEST(larger.variance.value / 4000 == 18, tolerance(2e-3));
}

BOOST_AUTO_TEST_SUITE_END()
