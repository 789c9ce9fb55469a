// Distributions of the streams. Fixed seed; every threshold is 6 standard deviations of the statistic, two-sided: 2e-9 false
// alarms a statistic under a normal law.
#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <vector>

#include "fermiac/rng/stream.hpp"
#include "fermiac/simd/sum.hpp"

using namespace fermiac;
using namespace fermiac::rng;

namespace {

constexpr double sigmas = 6;
Key const key = make_key(20230427, "distributions");

StreamId replicate(std::uint64_t number) { return {key, Purpose::test, number}; }

/// z-score of a mean of n values with known expectation and variance.
double z_of_mean(double sum, double n, double expectation, double variance) {
  return (sum / n - expectation) / std::sqrt(variance / n);
}

/// z-score of a count that is binomial(n, p).
double z_of_count(double count, double n, double p) { return (count - n * p) / std::sqrt(n * p * (1 - p)); }

/// Wilson and Hilferty: (chi^2 / k)^(1/3) is normal with mean 1 - 2/(9k) and variance 2/(9k), well enough at 6 sigma for k > 5.
double z_of_chi_squared(double chi_squared, double k) {
  return (std::cbrt(chi_squared / k) - (1 - 2 / (9 * k))) / std::sqrt(2 / (9 * k));
}

double chi_squared_of(std::vector<double> const& counts, double expected) {
  double total = 0;
  for (auto const count : counts) total += (count - expected) * (count - expected) / expected;
  return total;
}

/// Calls visit(batch) on n_batches batches of 2^16 numbers.
template <typename Fill, typename Visit>
void over_batches(int n_batches, Fill fill, Visit visit) {
  Stream stream(replicate(0), 0);
  std::vector<double> batch(std::size_t{1} << 16);
  for (int i = 0; i < n_batches; ++i) {
    fill(stream, batch);
    visit(batch);
  }
}

double correlation_z(std::vector<double> const& x, std::vector<double> const& y) {
  // The products of independent standard variables have mean 0 and variance 1.
  return z_of_mean(simd::dot(x, y), static_cast<double>(x.size()), 0, 1);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(distributions, *boost::unit_test::label("stat"))

BOOST_AUTO_TEST_CASE(of_normals_have_the_moments_of_theory) {
  // 10 485 760 draws. E x^k = (k-1)!! for even k, 0 for odd k; the variance of x^k is E x^2k - (E x^k)^2.
  std::array<double, 5> sums{};
  int const n_batches = 160;
  over_batches(
      n_batches, [](Stream& s, auto& x) { s.normals(x); },
      [&](auto const& x) {
        for (int k = 1; k <= 4; ++k)
          sums[static_cast<std::size_t>(k)] += simd::sum_terms(x.size(), [&](double s, std::size_t i) {
            double power = x[i];
            for (int j = 1; j < k; ++j) power *= x[i];
            return s + power;
          });
      });
  double const n = n_batches * 65536.0;
  BOOST_TEST(std::abs(z_of_mean(sums[1], n, 0, 1)) < sigmas);
  BOOST_TEST(std::abs(z_of_mean(sums[2], n, 1, 3 - 1)) < sigmas);
  BOOST_TEST(std::abs(z_of_mean(sums[3], n, 0, 15)) < sigmas);
  BOOST_TEST(std::abs(z_of_mean(sums[4], n, 3, 105 - 9)) < sigmas);
}

BOOST_AUTO_TEST_CASE(of_normals_have_both_tails_and_the_middle_of_theory) {
  std::vector<double> const edges = {-4.5, -4, -3, -2, -1, -0.1, 0, 0.1, 1, 2, 3, 4, 4.5};
  std::vector<double> below(edges.size());
  double greatest = 0;
  int const n_batches = 160;
  over_batches(
      n_batches, [](Stream& s, auto& x) { s.normals(x); },
      [&](auto const& x) {
        for (auto const value : x) {
          greatest = std::max(greatest, std::abs(value));
          for (std::size_t e = 0; e < edges.size(); ++e) below[e] += value < edges[e] ? 1 : 0;
        }
      });
  double const n = n_batches * 65536.0;
  for (std::size_t e = 0; e < edges.size(); ++e) {
    // Counted on the side of the tail, where a binomial count of 35 or more is normal enough at 6 sigma.
    bool const left = edges[e] < 0;
    double const p = 0.5 * std::erfc(std::abs(edges[e]) / std::sqrt(2.0));
    BOOST_TEST(std::abs(z_of_count(left ? below[e] : n - below[e], n, p)) < sigmas, "edge " << edges[e]);
  }
  // P(none beyond 4.9 in 10^7) = exp(-10.05); P(any beyond 8) = 1.3e-8.
  BOOST_TEST(greatest > 4.9);
  BOOST_TEST(greatest < 8);
}

BOOST_AUTO_TEST_CASE(of_the_two_normals_of_a_block_are_independent) {
  // Both normals of a block come from one radius and one angle: their squares too must be uncorrelated.
  double sum_xy = 0, sum_squares = 0;
  int const n_batches = 64;
  over_batches(
      n_batches, [](Stream& s, auto& x) { s.normals(x); },
      [&](auto const& x) {
        for (std::size_t i = 0; i < x.size(); i += 2) {
          sum_xy += x[i] * x[i + 1];
          sum_squares += (x[i] * x[i] - 1) * (x[i + 1] * x[i + 1] - 1);
        }
      });
  double const n = n_batches * 32768.0;
  BOOST_TEST(std::abs(z_of_mean(sum_xy, n, 0, 1)) < sigmas);
  BOOST_TEST(std::abs(z_of_mean(sum_squares, n, 0, 2 * 2)) < sigmas);
}

BOOST_AUTO_TEST_CASE(of_uniforms_are_flat_inside_the_open_interval) {
  std::size_t const n_cells = 1024;
  std::vector<double> counts(n_cells), low_bits(n_cells);
  double sum = 0, square = 0, least = 1, greatest = 0;
  int const n_batches = 80;
  over_batches(
      n_batches, [](Stream& s, auto& x) { s.uniforms(x); },
      [&](auto const& x) {
        for (auto const u : x) {
          ++counts[static_cast<std::size_t>(u * n_cells)];
          // The ten lowest of the 52 bits: u is k + 1/2 in units of 2^-52.
          ++low_bits[static_cast<std::size_t>(static_cast<std::uint64_t>(u * 0x1p52) % n_cells)];
          sum += u;
          square += u * u;
          least = std::min(least, u);
          greatest = std::max(greatest, u);
        }
      });
  double const n = n_batches * 65536.0;
  double const expected = n / n_cells;
  BOOST_TEST(least > 0);
  BOOST_TEST(greatest < 1);
  BOOST_TEST(std::abs(z_of_mean(sum, n, 0.5, 1.0 / 12)) < sigmas);
  BOOST_TEST(std::abs(z_of_mean(square, n, 1.0 / 3, 1.0 / 5 - 1.0 / 9)) < sigmas);
  BOOST_TEST(std::abs(z_of_chi_squared(chi_squared_of(counts, expected), n_cells - 1)) < sigmas);
  BOOST_TEST(std::abs(z_of_chi_squared(chi_squared_of(low_bits, expected), n_cells - 1)) < sigmas);
}

BOOST_AUTO_TEST_CASE(of_integers_are_flat) {
  for (std::uint64_t const bound : {7, 10, 1000}) {
    std::vector<double> counts(bound);
    std::vector<std::uint32_t> numbers(1 << 20);
    Stream(replicate(bound), 0).integers(bound, numbers);
    bool inside = true;
    for (auto const number : numbers) {
      inside = inside && number < bound;
      if (number < bound) ++counts[number];
    }
    BOOST_TEST(inside);
    double const expected = static_cast<double>(numbers.size()) / static_cast<double>(bound);
    BOOST_TEST(std::abs(z_of_chi_squared(chi_squared_of(counts, expected), static_cast<double>(bound - 1))) < sigmas,
               "bound " << bound);
  }
  // The whole range of a word: the mean of 0 ... 2^32 - 1 and its variance (n^2 - 1) / 12.
  std::vector<std::uint32_t> words(1 << 20);
  Stream(replicate(0), 9).integers(std::uint64_t{1} << 32, words);
  double sum = 0;
  for (auto const word : words) sum += word;
  BOOST_TEST(std::abs(z_of_mean(sum, static_cast<double>(words.size()), (0x1p32 - 1) / 2, 0x1p64 / 12)) < sigmas);
}

BOOST_AUTO_TEST_CASE(of_signs_and_coins_have_their_probabilities) {
  std::vector<double> x(1 << 22);
  double const n = static_cast<double>(x.size());
  Stream(replicate(1), 0).rademachers(x);
  BOOST_TEST(std::all_of(x.begin(), x.end(), [](double v) { return v == 1 || v == -1; }));
  BOOST_TEST(std::abs(z_of_mean(simd::sum(x), n, 0, 1)) < sigmas);
  for (auto const p : {0.001, 0.3, 0.5, 0.97}) {
    Stream(replicate(2), 0).bernoullis(p, x);
    BOOST_TEST(std::all_of(x.begin(), x.end(), [](double v) { return v == 1 || v == 0; }));
    BOOST_TEST(std::abs(z_of_count(simd::sum(x), n, p)) < sigmas, "p = " << p);
  }
}

BOOST_AUTO_TEST_CASE(of_neighbouring_streams_and_indices_are_uncorrelated) {
  std::size_t const n = 1 << 20;
  auto const normals = [&](StreamId const& id, std::uint64_t walker) {
    std::vector<double> x(n);
    Stream(id, walker).normals(x);
    return x;
  };
  auto const mine = normals(replicate(4), 8);
  BOOST_TEST(std::abs(correlation_z(mine, normals(replicate(4), 9))) < sigmas, "next walker");
  BOOST_TEST(std::abs(correlation_z(mine, normals(replicate(5), 8))) < sigmas, "next replicate");
  BOOST_TEST(std::abs(correlation_z(mine, normals({key, Purpose::sample, 4}, 8))) < sigmas, "other purpose");
  BOOST_TEST(std::abs(correlation_z(mine, normals({make_key(20230428, "distributions"), Purpose::test, 4}, 8))) < sigmas,
             "next seed");
  for (std::size_t const lag : {1, 2, 3, 4}) {
    std::vector<double> const early(mine.begin(), mine.end() - static_cast<long>(lag));
    std::vector<double> const late(mine.begin() + static_cast<long>(lag), mine.end());
    BOOST_TEST(std::abs(correlation_z(early, late)) < sigmas, "lag " << lag);
  }
  // Across the walkers of one index, as a Metropolis kernel draws: walker w against walker w + 1.
  arma::mat across(n, 2);
  PackStream(replicate(6), 0, n).normals(across);
  std::vector<double> const left(across.colptr(0), across.colptr(0) + n - 1);
  std::vector<double> const right(across.colptr(0) + 1, across.colptr(0) + n);
  BOOST_TEST(std::abs(correlation_z(left, right)) < sigmas, "walkers of one index");
  BOOST_TEST(std::abs(z_of_mean(simd::sum(left), static_cast<double>(n - 1), 0, 1)) < sigmas);
}

BOOST_AUTO_TEST_SUITE_END()
