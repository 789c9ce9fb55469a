#include "fermiac/estimators/experiments/fid_mmd.hpp"

#include <boost/math/quadrature/trapezoidal.hpp>
#include <boost/test/unit_test.hpp>
#include <numbers>

#include "fermiac/base/error.hpp"
#include "support/experiment_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;
using boost::test_tools::tolerance;

namespace {

auto const experiment = estimators::fid_mmd();
enum : std::size_t { plug_in, ml, extrapolated, u, v, linear };
enum : std::size_t { fid, mmd2, kid };

std::vector<std::pair<std::string, Value>> settings(std::int64_t N, std::int64_t d, double shift, double length2 = 1.5) {
  return {{"sample.n", N}, {"features.dimensions", d}, {"features.shift", shift}, {"kernel.length2", length2}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fid_mmd)

BOOST_AUTO_TEST_CASE(one_dimension_is_chi) {
  // E (m^2 + s^2 + 1 - 2 s) = 1/N + 2 - 2 c4, c4 = 0.9727 at N = 10.
  ExperimentPoint const point(*experiment, settings(10, 1, 0));
  auto const at = experiment->at(*point);
  double const c4 = 0.97265927412158489;
  BOOST_TEST(at->truth(plug_in, fid).bias.value == 0.1 + 2 - 2 * c4, tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(fid_approaches_its_law_for_large_samples) {
  for (std::int64_t const d : {2, 10}) {
    ExperimentPoint const point(*experiment, settings(4000, d, 0));
    auto const at = experiment->at(*point);
    double const D = static_cast<double>(d), law = D / 4000 + D * (D + 1) / 16000;
    BOOST_TEST(at->truth(plug_in, fid).bias.value == law, tolerance(5e-3));
    BOOST_TEST(std::abs(at->truth(extrapolated, fid).bias.value) < 0.02 * law);
    BOOST_TEST(at->truth(plug_in, fid).bias.error < 1e-10);
  }
}

BOOST_AUTO_TEST_CASE(kernel_distances_are_their_closed_forms) {
  // 2 c (1 - exp(-shift^2 / (2 (L + 2)))), c = (L / (L + 2))^(d/2); for the cubic kernel by the expansion of 3 x.y^2 and x.y^3:
  // E k of (a, b) is 1 + 3 ab/d + 3 ((ab)^2 + a^2 + b^2 + d)/d^2 + (ab (3 d + 6) + 3 ab (a^2 + b^2) + (ab)^3)/d^3.
  double const s = 0.5, d = 3, L = 1.5;
  ExperimentPoint const point(*experiment, settings(10, 3, s));
  auto const targets = experiment->at(*point)->targets();
  BOOST_TEST(targets[fid] == 0.25);
  BOOST_TEST(targets[mmd2] == 2 * std::pow(L / (L + 2), d / 2) * (1 - std::exp(-s * s / (2 * (L + 2)))), tolerance(1e-13));
  auto const k = [&](double a, double b) {
    double const ab = a * b, squares = a * a + b * b;
    return 1 + 3 * ab / d + 3 * (ab * ab + squares + d) / (d * d) +
           (ab * (3 * d + 6) + 3 * ab * squares + ab * ab * ab) / (d * d * d);
  };
  BOOST_TEST(targets[kid] == k(s, s) + k(0, 0) - 2 * k(s, 0), tolerance(1e-13));
}

BOOST_AUTO_TEST_CASE(variances_in_one_dimension_are_those_of_quadrature) {
  // Var of `linear` from E h^2 over four normals: by quadrature over z = x - y alone this needs the kernel's own moments, so
  // the check is direct: h = k(x,x') + k(y,y') - k(x,y') - k(x',y), on a grid of 4 dimensions.
  ExperimentPoint const point(*experiment, settings(2 * 2, 1, 0.7));
  auto const at = experiment->at(*point);
  constexpr double step = 0.55;
  constexpr int reach = 13;
  std::vector<double> weight, place;
  for (int i = -reach; i <= reach; ++i) {
    place.push_back(step * i);
    weight.push_back(step * std::exp(-step * i * step * i / 2) / std::sqrt(2 * std::numbers::pi));
  }
  auto const gaussian = [](double a, double b) { return std::exp(-(a - b) * (a - b) / 3); };
  auto const cubic = [](double a, double b) { return (1 + a * b) * (1 + a * b) * (1 + a * b); };
  auto const n = place.size();
  double mean[2] = {}, square[2] = {};
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b < n; ++b)
      for (std::size_t c = 0; c < n; ++c)
        for (std::size_t e = 0; e < n; ++e) {
          double const x = place[a] + 0.7, xx = place[b] + 0.7, y = place[c], yy = place[e];
          double const w = weight[a] * weight[b] * weight[c] * weight[e];
          double const h[] = {gaussian(x, xx) + gaussian(y, yy) - gaussian(x, yy) - gaussian(xx, y),
                              cubic(x, xx) + cubic(y, yy) - cubic(x, yy) - cubic(xx, y)};
          for (int q = 0; q < 2; ++q) {
            mean[q] += w * h[q];
            square[q] += w * h[q] * h[q];
          }
        }
  for (std::size_t const q : {mmd2, kid}) {
    BOOST_TEST(at->targets()[q] == mean[q - 1], tolerance(1e-8));
    // Two quadruples.
    BOOST_TEST(at->truth(linear, q).variance.value == (square[q - 1] - mean[q - 1] * mean[q - 1]) / 2, tolerance(1e-6));
  }
}

BOOST_AUTO_TEST_CASE(replicates_are_those_of_an_obvious_loop) {
  ExperimentPoint const point(*experiment, settings(6, 3, 0.5));
  auto const at = experiment->at(*point);
  auto const key = rng::make_key(9, "twin");
  auto const outputs = replicated(*experiment, *at, key, {100, 150});
  auto const close = tolerance(1e-11);
  for (std::uint64_t r = 0; r < 50; ++r) {
    std::vector<arma::mat> samples;
    for (std::uint64_t const walker : {0u, 1u, 2u}) {
      rng::Stream stream({key, rng::Purpose::draw, 100 + r}, walker);
      arma::mat z(3, 6);
      for (auto& a : z) a = stream.normal();
      if (walker < 2) z.row(0) += 0.5;
      samples.push_back(z);
    }
    auto const frechet = [](arma::mat const& x, bool by_n) {
      arma::vec const mean = arma::mean(x, 1);
      arma::mat const S = arma::cov(x.t(), by_n ? 1 : 0);
      return arma::dot(mean, mean) + arma::trace(S) + 3 - 2 * arma::accu(arma::sqrt(arma::clamp(arma::eig_sym(S), 0, 1e9)));
    };
    double const whole = frechet(samples[0], false);
    double const halves = (frechet(samples[0].cols(0, 2), false) + frechet(samples[0].cols(3, 5), false)) / 2;
    BOOST_TEST(outputs.value(plug_in, fid)[r] == whole, close);
    BOOST_TEST(outputs.value(ml, fid)[r] == frechet(samples[0], true), close);
    // Halves of three vectors in three dimensions have a zero eigenvalue, whose root is that of rounding.
    BOOST_TEST(std::abs(outputs.value(extrapolated, fid)[r] - (2 * whole - halves)) < 1e-7);
    for (std::size_t const q : {mmd2, kid}) {
      auto const k = [&](arma::vec const& a, arma::vec const& b) {
        return q == mmd2 ? std::exp(-arma::dot(a - b, a - b) / 3) : std::pow(1 + arma::dot(a, b) / 3, 3);
      };
      arma::mat const &x = samples[1], &y = samples[2];
      double xx = 0, diagonal = 0, xy = 0, quadruples = 0;
      for (arma::uword i = 0; i < 6; ++i)
        for (arma::uword j = 0; j < 6; ++j) {
          xy += k(x.col(i), y.col(j));
          (i == j ? diagonal : xx) += k(x.col(i), x.col(j)) + k(y.col(i), y.col(j));
        }
      for (arma::uword i = 0; i < 6; i += 2)
        quadruples +=
            k(x.col(i), x.col(i + 1)) + k(y.col(i), y.col(i + 1)) - k(x.col(i), y.col(i + 1)) - k(x.col(i + 1), y.col(i));
      BOOST_TEST(std::abs(outputs.value(u, q)[r] - (xx / 30 - 2 * xy / 36)) < 1e-12);
      BOOST_TEST(std::abs(outputs.value(linear, q)[r] - quadruples / 3) < 1e-12);
      if (q == mmd2) BOOST_TEST(std::abs(outputs.value(v, q)[r] - ((xx + diagonal) / 36 - 2 * xy / 36)) < 1e-12);
    }
  }
}

BOOST_AUTO_TEST_CASE(refuses_odd_samples) {
  BOOST_CHECK_EXCEPTION(ExperimentPoint(*experiment, settings(7, 2, 0)), InputError,
                        [](InputError const& e) { return std::string(e.what()).find("sample.n = 7") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(owes_what_every_experiment_owes) {
  for (auto const& [N, d, shift] : {std::tuple{4, 1, 0.0}, {8, 6, 0.3}, {40, 3, 2.0}}) {
    ExperimentPoint const point(*experiment, settings(N, d, shift));
    check_streams(*experiment, *point);
    check_declarations(*experiment, *point);
  }
}

BOOST_AUTO_TEST_CASE(its_truths_hold, *boost::unit_test::label("stat")) {
  for (auto const& [N, d, shift] : {std::tuple{4, 1, 0.5}, {8, 6, 0.0}, {30, 3, 1.0}}) {
    ExperimentPoint const point(*experiment, settings(N, d, shift));
    check_truths(*experiment, *point, 40000);
  }
}

BOOST_AUTO_TEST_SUITE_END()
