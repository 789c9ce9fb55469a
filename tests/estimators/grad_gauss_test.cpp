#include "fermiac/estimators/experiments/grad_gauss.hpp"

#include <boost/math/quadrature/gauss.hpp>
#include <boost/test/unit_test.hpp>
#include <numbers>

#include "fermiac/base/error.hpp"
#include "fermiac/estimators/draw_moments.hpp"
#include "support/experiment_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;
using estimators::chi_rule;
using estimators::DrawMoments;
using estimators::normal_rule;
using estimators::QuadratureRule;

namespace {

auto const experiment = estimators::grad_gauss();
enum : std::size_t {
  score,
  score_mean,
  score_best,
  rloo,
  score_antithetic,
  reparam,
  reparam_antithetic,
  mvd_coupled,
  mvd_independent
};
enum : std::size_t { of_mu, of_sigma };

constexpr double mu = 0.7, s = 1.3, a = 0.8, b = -0.5, c = 2, k = 0.6;
auto const nearly = boost::test_tools::tolerance(1e-9);

double f(std::vector<double> const& z) {
  double sum = c;
  for (std::size_t i = 0; i < z.size(); ++i) {
    sum += a * z[i] * z[i] + b * z[i];
    for (std::size_t j = 0; j < i; ++j) sum += k * z[i] * z[j];
  }
  return sum;
}

QuadratureRule uniform_rule() {
  using Gauss = boost::math::quadrature::gauss<double, 7>;
  QuadratureRule rule{{0.5}, {Gauss::weights()[0] / 2}};
  for (std::size_t i = 1; i < Gauss::abscissa().size(); ++i)
    for (double const sign : {-1.0, 1.0}) {
      rule.node.push_back(0.5 + sign * Gauss::abscissa()[i] / 2);
      rule.weight.push_back(Gauss::weights()[i] / 2);
    }
  return rule;
}

std::vector<std::pair<std::string, Value>> settings(std::int64_t d, std::int64_t K = 2) {
  return {{"gauss.d", d}, {"integrand.product", k}, {"sample.k", K}};
}

void check(estimators::AtPoint const& at, std::size_t e, std::size_t q, double n, DrawMoments const& moments) {
  auto const truth = at.truth(e, q);
  BOOST_TEST_CONTEXT(experiment->estimators()[e].name << " of " << experiment->quantities()[q]) {
    BOOST_TEST(moments.mean() == at.targets()[q], nearly);
    BOOST_TEST(truth.variance.value * n == moments.variance(), nearly);
    if (!std::isnan(truth.kurtosis)) BOOST_TEST(3 + (truth.kurtosis - 3) * n == moments.kurtosis(), nearly);
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(grad_gauss)

BOOST_AUTO_TEST_CASE(has_the_moments_of_quadrature_over_all_directions) {
  for (std::size_t const d : {1, 2, 3}) {
    ExperimentPoint const point(*experiment, settings(static_cast<std::int64_t>(d)));
    auto const at = experiment->at(*point);
    std::vector<double> const centre(d, mu);
    double const D = static_cast<double>(d), t = 2 * a * D, mean = f(centre) + s * s * t / 2;
    double const best[] = {f(centre) + s * s * (t + 4 * a) / 2, f(centre) + s * s * t * (D + 4) / (2 * D)};
    auto const rule = normal_rule();
    DrawMoments moments[9][2];
    auto const add = [&](double w, std::vector<double> const& e) {
      std::vector<double> z[] = {centre, centre};
      double score_of[] = {e[0] / s, -D / s};
      for (std::size_t i = 0; i < d; ++i) {
        z[0][i] += s * e[i];
        z[1][i] -= s * e[i];
        score_of[1] += e[i] * e[i] / s;
      }
      double const value[] = {f(z[0]), f(z[1])};
      double path[2][2];
      for (int mirrored : {0, 1}) {
        double sum = 0;
        for (double const x : z[mirrored]) sum += x;
        auto const slope = [&](double x) { return 2 * a * x + k * (sum - x) + b; };
        path[mirrored][of_mu] = slope(z[mirrored][0]);
        path[mirrored][of_sigma] = 0;
        for (std::size_t i = 0; i < d; ++i) path[mirrored][of_sigma] += (mirrored ? -e[i] : e[i]) * slope(z[mirrored][i]);
      }
      for (std::size_t q : {of_mu, of_sigma}) {
        moments[score][q].add(w, value[0] * score_of[q]);
        moments[score_mean][q].add(w, (value[0] - mean) * score_of[q]);
        moments[score_best][q].add(w, (value[0] - best[q]) * score_of[q]);
        moments[score_antithetic][q].add(w, (value[0] + (q == of_mu ? -1 : 1) * value[1]) / 2 * score_of[q]);
        moments[reparam][q].add(w, path[0][q]);
        moments[reparam_antithetic][q].add(w, (path[0][q] + path[1][q]) / 2);
      }
    };
    std::vector<double> e(d);
    auto const over = [&](auto const& self, std::size_t i, double w) -> void {
      if (i == d) return add(w, e);
      for (std::size_t n = 0; n < rule.size(); ++n) {
        e[i] = rule.node[n];
        self(self, i + 1, w * rule.weight[n]);
      }
    };
    over(over, 0, 1);
    for (std::size_t q : {of_mu, of_sigma}) {
      for (auto const which : {score, score_mean, score_best, reparam}) check(*at, which, q, 2, moments[which][q]);
      check(*at, score_antithetic, q, 1, moments[score_antithetic][q]);
    }
    check(*at, reparam_antithetic, of_sigma, 1, moments[reparam_antithetic][of_sigma]);
    BOOST_TEST(at->truth(reparam_antithetic, of_mu).variance.value == 0);
  }
}

BOOST_AUTO_TEST_CASE(leaves_one_out_as_quadrature_over_pairs_does) {
  ExperimentPoint const point(*experiment, settings(1));
  auto const at = experiment->at(*point);
  auto const rule = normal_rule();
  DrawMoments moments[2];
  for (std::size_t i = 0; i < rule.size(); ++i)
    for (std::size_t j = 0; j < rule.size(); ++j) {
      double const x = rule.node[i], y = rule.node[j], difference = (f({mu + s * x}) - f({mu + s * y})) / 2;
      moments[of_mu].add(rule.weight[i] * rule.weight[j], difference * (x - y) / s);
      moments[of_sigma].add(rule.weight[i] * rule.weight[j], difference * (x * x - y * y) / s);
    }
  for (std::size_t q : {of_mu, of_sigma}) check(*at, rloo, q, 1, moments[q]);
}

BOOST_AUTO_TEST_CASE(measures_have_the_moments_of_quadrature) {
  ExperimentPoint const point(*experiment, settings(2));
  auto const at = experiment->at(*point);
  auto const rayleigh = chi_rule(2), maxwell = chi_rule(3), normal = normal_rule(), uniform = uniform_rule();
  double const scale = 1 / (s * std::sqrt(2 * std::numbers::pi));
  DrawMoments coupled, independent;
  auto const at_first = [](double x, double y) { return f({mu + s * x, mu + s * y}); };
  for (std::size_t j = 0; j < normal.size(); ++j)
    for (std::size_t i = 0; i < rayleigh.size(); ++i) {
      double const w = normal.weight[j] * rayleigh.weight[i], y = normal.node[j], W = rayleigh.node[i];
      coupled.add(w, scale * (at_first(W, y) - at_first(-W, y)));
      for (std::size_t l = 0; l < rayleigh.size(); ++l)
        independent.add(w * rayleigh.weight[l], scale * (at_first(W, y) - at_first(-rayleigh.node[l], y)));
    }
  check(*at, mvd_coupled, of_mu, 2, coupled);
  check(*at, mvd_independent, of_mu, 2, independent);

  // Two-sided Maxwell M and what it is coupled to, M U, in either direction.
  struct Pair {
    double weight, m, base;
  };
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < maxwell.size(); ++i)
    for (double const sign : {-1.0, 1.0}) {
      double const m = sign * maxwell.node[i], w = maxwell.weight[i] / 2;
      for (std::size_t j = 0; j < uniform.size(); ++j) pairs.push_back({w * uniform.weight[j], m, m * uniform.node[j]});
    }
  auto const replaced = [&](Pair const& p, Pair const& q) {
    double const here = at_first(p.base, q.base);
    return (at_first(p.m, q.base) + at_first(p.base, q.m) - 2 * here) / s;
  };
  DrawMoments one;
  for (auto const& p : pairs)
    for (auto const& q : pairs) one.add(p.weight * q.weight, replaced(p, q));
  check(*at, mvd_coupled, of_sigma, 2, one);
}

BOOST_AUTO_TEST_CASE(has_the_closed_forms_of_one_dimension) {
  // With A = f(mu), B = sigma f'(mu), C = a sigma^2.
  ExperimentPoint const point(*experiment, settings(1, 4));
  auto const at = experiment->at(*point);
  double const A = f({mu}), B = s * (2 * a * mu + b), C = a * s * s, pi = std::numbers::pi;
  auto const holds = [&](std::size_t e, std::size_t q, double variance) {
    BOOST_TEST(at->truth(e, q).variance.value == variance / (s * s * 4), nearly);
  };
  holds(score, of_mu, A * A + 2 * B * B + 6 * A * C + 15 * C * C);
  holds(score_mean, of_mu, 2 * B * B + 10 * C * C);
  holds(score_best, of_mu, 2 * B * B + 6 * C * C);
  holds(score, of_sigma, 2 * A * A + 10 * B * B + 20 * A * C + 74 * C * C);
  holds(score_mean, of_sigma, 10 * B * B + 56 * C * C);
  holds(score_best, of_sigma, 10 * B * B + 24 * C * C);
  holds(reparam, of_sigma, B * B + 8 * C * C);
  holds(mvd_coupled, of_mu, B * B * (4 / pi - 1));
  holds(mvd_independent, of_mu, B * B * (2 / pi - 0.5) + 4 * C * C / pi);
  holds(mvd_coupled, of_sigma, B * B + 4 * C * C);
  holds(mvd_independent, of_sigma, 4 * B * B + 8 * C * C);
}

BOOST_AUTO_TEST_CASE(refuses_odd_numbers_of_draws) {
  BOOST_CHECK_THROW(ExperimentPoint(*experiment, settings(1, 3)), InputError);
}

BOOST_AUTO_TEST_CASE(owes_what_every_experiment_owes) {
  for (std::int64_t const d : {1, 2, 5}) {
    ExperimentPoint const point(*experiment, settings(d, 4));
    check_streams(*experiment, *point);
    check_declarations(*experiment, *point);
  }
  // Linear: paths are constants. Flat: so is everything but the score.
  ExperimentPoint const linear(*experiment, {{"integrand.square", 0.0}, {"gauss.d", std::int64_t{3}}});
  check_streams(*experiment, *linear);
  BOOST_TEST(experiment->at(*linear)->truth(reparam, of_mu).variance.value == 0);
  check_truths(*experiment, *linear, 20000);
}

BOOST_AUTO_TEST_CASE(its_truths_hold, *boost::unit_test::label("stat")) {
  for (std::int64_t const d : {1, 2, 7}) {
    ExperimentPoint const point(*experiment, settings(d, 8));
    check_truths(*experiment, *point, 100000);
  }
}

BOOST_AUTO_TEST_CASE(its_shapes_hold, *boost::unit_test::label("stat")) {
  for (std::int64_t const d : {1, 3, 7}) {
    ExperimentPoint const point(*experiment, settings(d, 8));
    check_shapes(*experiment, *point, 2048, 7);
  }
}

BOOST_AUTO_TEST_SUITE_END()
