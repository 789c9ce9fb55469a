#include "fermiac/estimators/experiments/nested_mc.hpp"

#include <boost/math/quadrature/exp_sinh.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/test/unit_test.hpp>
#include <numbers>

#include "fermiac/base/error.hpp"
#include "support/experiment_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;
using boost::test_tools::tolerance;

namespace {

auto const experiment = estimators::nested_mc();
enum : std::size_t { plain, exact_inner, multilevel, single_term };
enum : std::size_t { square, positive_part };

using Settings = std::vector<std::pair<std::string, Value>>;
Settings fixed(std::int64_t draws, std::int64_t inner) {
  return {{"nested.draws", draws}, {"nested.allocation", std::string("fixed")}, {"nested.inner", inner}};
}
Settings balanced(std::int64_t draws) { return {{"nested.draws", draws}}; }

double g(std::size_t q, double x) { return q == square ? x * x : std::max(x - 5, 0.0); }

}  // namespace

BOOST_AUTO_TEST_SUITE(nested_mc)

BOOST_AUTO_TEST_CASE(targets_are_moments_of_gamma) {
  ExperimentPoint const point(*experiment, fixed(100, 8));
  auto const targets = experiment->at(*point)->targets();
  BOOST_TEST(targets[square] == 1.4 * 1.4 * 12, tolerance(1e-14));
  // E (1.4 Y - 5)+ of Gamma(3): 1.4 * 3 Q(4, x) - 5 Q(3, x), x = 5/1.4, Q(3, x) = e^-x (1 + x + x^2/2).
  double const x = 5 / 1.4, q3 = std::exp(-x) * (1 + x + x * x / 2), q4 = q3 + std::exp(-x) * x * x * x / 6;
  BOOST_TEST(targets[positive_part] == 4.2 * q4 - 5 * q3, tolerance(1e-13));
}

BOOST_AUTO_TEST_CASE(bias_of_squares_is_the_inner_variance) {
  for (std::int64_t const n : {1, 8, 50}) {
    ExperimentPoint const point(*experiment, fixed(100, n));
    BOOST_TEST(experiment->at(*point)->truth(plain, square).bias.value == 0.6 * 3 / static_cast<double>(n), tolerance(1e-14));
  }
}

BOOST_AUTO_TEST_CASE(truths_of_the_kink_are_those_of_another_quadrature) {
  // Over Y from 0 to infinity, of the conditional moments of a cut Gaussian.
  boost::math::quadrature::exp_sinh<double> rule;
  for (std::int64_t const n : {1, 4}) {
    ExperimentPoint const point(*experiment, fixed(4 * n, n));
    auto const at = experiment->at(*point);
    auto const moment = [&](int power) {
      return rule.integrate([&](double y) {
        if (y > 700 || y == 0) return 0.0;
        double const m = 1.4 * y - 5, s = std::sqrt(0.6 * y / static_cast<double>(n)), u = m / s;
        double const density = std::exp(-u * u / 2) / std::sqrt(2 * std::numbers::pi),
                     below = boost::math::erfc(-u / std::numbers::sqrt2) / 2;
        double const conditional = power == 1 ? m * below + s * density : (m * m + s * s) * below + m * s * density;
        return y * y / 2 * std::exp(-y) * conditional;
      });
    };
    double const mean = moment(1), second = moment(2);
    auto const truth = at->truth(plain, positive_part);
    BOOST_TEST(truth.bias.value == mean - at->targets()[positive_part], tolerance(1e-7));
    BOOST_TEST(truth.variance.value == (second - mean * mean) / 4, tolerance(1e-8));
    BOOST_TEST(truth.bias.error < 1e-8);
  }
}

BOOST_AUTO_TEST_CASE(levels_telescope) {
  // The finest level of 2, 4, 8 is that of the plain estimator with 8 inner draws.
  ExperimentPoint const point(*experiment, fixed(400, 8));
  auto const at = experiment->at(*point);
  for (std::size_t const q : {square, positive_part})
    BOOST_TEST(at->truth(multilevel, q).bias.value == at->truth(plain, q).bias.value, tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(infinite_moments_of_single_terms_are_flagged) {
  for (auto const& [r, of_square, of_part] : {std::tuple{1.25, 5.0, 7.0 / 3}, {1.5, 3.0, 2.0}, {2.0, 2.0, 5.0 / 3}}) {
    auto settings = balanced(1000);
    settings.emplace_back("single_term.decay", r);
    ExperimentPoint const point(*experiment, settings);
    auto const at = experiment->at(*point);
    BOOST_TEST(at->truth(single_term, square).finite_moments == of_square, tolerance(1e-14));
    BOOST_TEST(at->truth(single_term, positive_part).finite_moments == of_part, tolerance(1e-14));
    BOOST_TEST(at->truth(single_term, positive_part).variance.is_known() == (of_part > 2));
    BOOST_TEST(at->truth(multilevel, positive_part).variance.is_known());
  }
}

BOOST_AUTO_TEST_CASE(single_terms_of_squares_have_a_geometric_sum) {
  // E D_l^2 = 3 b^2 k (k + 1) / n_l^2, p_l = (1 - 2^-r) 2^(-r l): ratio 2^(r - 2).
  ExperimentPoint const point(*experiment, balanced(1000));
  auto const at = experiment->at(*point);
  double const p = 1 - std::pow(2.0, -1.25), rest = 3 * 0.36 * 12 / 4;
  double const fourth = std::pow(1.4, 4) * 360 + 6 * 1.96 * 0.6 * 60 / 2 + rest;
  double const ratio = std::pow(2.0, -0.75), target = at->targets()[square];
  double const terms = std::round(1000 / (2 * p / (1 - std::pow(2.0, -0.25))));
  BOOST_TEST(
      at->truth(single_term, square).variance.value == ((fourth + rest * ratio / (1 - ratio)) / p - target * target) / terms,
      tolerance(1e-8));
}

BOOST_AUTO_TEST_CASE(costs_are_what_was_to_be_spent) {
  for (std::int64_t const draws : {1000, 100000}) {
    ExperimentPoint const point(*experiment, balanced(draws));
    auto const at = experiment->at(*point);
    for (std::size_t const e : {plain, multilevel, single_term})
      BOOST_TEST(at->cost(e) == static_cast<double>(draws), tolerance(0.02));
  }
}

BOOST_AUTO_TEST_CASE(replicates_are_those_of_an_obvious_loop) {
  // T = 40, n = 8: 5 outer draws; levels 2, 4, 8 of 40 w_l / n_l draws; single terms.
  ExperimentPoint const point(*experiment, fixed(40, 8));
  auto const at = experiment->at(*point);
  auto const key = rng::make_key(9, "twin");
  auto const outputs = replicated(*experiment, *at, key, {100, 117});
  double const h = std::pow(2.0, -0.25), sum = 1 + h + h * h, p = 1 - std::pow(2.0, -1.25);
  for (std::uint64_t r = 0; r < 17; ++r) {
    auto const stream = [&](std::uint64_t walker) { return rng::Stream({key, rng::Purpose::draw, 100 + r}, walker); };
    auto const gamma = [](rng::Stream& uniforms) {
      double y = 0;
      for (int i = 0; i < 3; ++i) y -= std::log(uniforms.uniform());
      return y;
    };
    double expected[4][2] = {};
    {
      auto uniforms = stream(0), normals = stream(1);
      for (int i = 0; i < 5; ++i) {
        double const y = gamma(uniforms), x = 1.4 * y + std::sqrt(0.6 * y / 8) * normals.normal();
        for (std::size_t const q : {square, positive_part}) {
          expected[plain][q] += g(q, x) / 5;
          expected[exact_inner][q] += g(q, 1.4 * y) / 5;
        }
      }
    }
    auto const term = [&](double y, double n, bool coarsest, double z, double zz, std::size_t q) {
      double const s = std::sqrt(0.6 * y / n), x = 1.4 * y + s * z, w = s * zz;
      return coarsest ? g(q, x) : g(q, x) - (g(q, x + w) + g(q, x - w)) / 2;
    };
    {
      auto uniforms = stream(4), normals = stream(5);
      for (int l = 0; l < 3; ++l) {
        double const n = 2 << l, M = std::round(40 * std::pow(h, l) / sum / n);
        for (int i = 0; i < M; ++i) {
          double const y = gamma(uniforms), z = normals.normal(), zz = normals.normal();
          for (std::size_t const q : {square, positive_part}) expected[multilevel][q] += term(y, n, l == 0, z, zz, q) / M;
        }
      }
    }
    {
      auto uniforms = stream(6), normals = stream(7);
      double const M = std::round(40 / (2 * p / (1 - h)));
      for (int i = 0; i < M; ++i) {
        double const y = gamma(uniforms), l = std::floor(-std::log2(uniforms.uniform()) / 1.25);
        double const z = normals.normal(), zz = normals.normal();
        for (std::size_t const q : {square, positive_part})
          expected[single_term][q] += term(y, 2 * std::pow(2.0, l), l == 0, z, zz, q) * std::pow(2.0, 1.25 * l) / p / M;
      }
    }
    for (std::size_t e = 0; e < 4; ++e)
      for (std::size_t const q : {square, positive_part})
        BOOST_TEST(std::abs(outputs.value(e, q)[r] - expected[e][q]) < 1e-11 * std::max(1.0, expected[e][q]), e << " " << q);
  }
}

BOOST_AUTO_TEST_CASE(refuses_more_inner_draws_than_there_are) {
  BOOST_CHECK_EXCEPTION(ExperimentPoint(*experiment, fixed(10, 11)), InputError, [](InputError const& e) {
    return std::string(e.what()).find("nested.inner = 11") != std::string::npos;
  });
}

BOOST_AUTO_TEST_CASE(owes_what_every_experiment_owes) {
  for (auto const& settings : {fixed(8, 8), fixed(30, 1), balanced(1000)}) {
    ExperimentPoint const point(*experiment, settings);
    check_streams(*experiment, *point);
    check_declarations(*experiment, *point);
  }
}

BOOST_AUTO_TEST_CASE(its_truths_hold, *boost::unit_test::label("stat")) {
  for (auto const& settings : {fixed(8, 8), fixed(64, 4), balanced(1000)}) {
    ExperimentPoint const point(*experiment, settings);
    check_truths(*experiment, *point, 40000);
  }
}

BOOST_AUTO_TEST_SUITE_END()
