#include "fermiac/estimators/experiments/iwae.hpp"

#include <boost/test/unit_test.hpp>
#include <numbers>

#include "fermiac/base/error.hpp"
#include "fermiac/estimators/draw_moments.hpp"
#include "support/experiment_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;
using estimators::DrawMoments;
using estimators::normal_rule;

namespace {

auto const experiment = estimators::iwae();
enum : std::size_t { elbo, iwae_bound, iwae_controlled, jackknife, stl, iwae_stl, dreg };
enum : std::size_t { bound, evidence, d_w, d_a };

constexpr double w = 1.2, r = 0.7, x = 1.5, total = w * w + r, v = r / total, m = w * x / total;

std::vector<std::pair<std::string, Value>> settings(std::int64_t K, double ratio = 1.6, double shift = 0.7) {
  return {{"sample.k", K}, {"proposal.ratio", ratio}, {"proposal.shift", shift}};
}

double log_normal(double y, double mean, double variance) {
  return -(y - mean) * (y - mean) / (2 * variance) - std::log(2 * std::numbers::pi * variance) / 2;
}

/// A weight and its gradients at e, from the densities themselves.
struct Weight {
  double log_w, h_w, h_a, h_p;

  Weight(double e, double ratio, double shift) {
    double const a = m + shift * std::sqrt(v), S = ratio * v, z = a + std::sqrt(S) * e;
    log_w = log_normal(z, 0, 1) + log_normal(x, w * z, r) - log_normal(z, a, S);
    h_w = (x - w * z) * z / r;
    h_a = -z + w * (x - w * z) / r;
    h_p = h_a + (z - a) / S;
  }
};

double const log_p = log_normal(x, 0, total);

}  // namespace

BOOST_AUTO_TEST_SUITE(iwae)

BOOST_AUTO_TEST_CASE(has_the_gaps_of_another_program) {
  // Frullani's integral by adaptive quadrature, with a - m = 0.4.
  auto const nearly = boost::test_tools::tolerance(1e-8);
  struct Known {
    std::int64_t K;
    double gap;
  };
  for (auto const& [K, gap] : {Known{1, -0.30956961394856},
                               {2, -0.11861790949959},
                               {16, -0.01122263074043},
                               {128, -0.00136223068541},
                               {1024, -0.00016967276710}}) {
    ExperimentPoint const point(*experiment, settings(K, 1.6, 0.4 / std::sqrt(v)));
    auto const at = experiment->at(*point);
    BOOST_TEST(at->targets()[bound] == log_p, nearly);
    auto const truth = at->truth(iwae_bound, bound);
    BOOST_TEST(truth.bias.value == gap, nearly);
    BOOST_TEST(truth.bias.error < 1e-11);
  }
}

BOOST_AUTO_TEST_CASE(one_weight_has_closed_forms) {
  for (auto const& [ratio, shift] : {std::pair{1.6, 0.7}, {0.4, -0.5}, {1.0, 0.3}, {3.0, 0.0}}) {
    ExperimentPoint const point(*experiment, settings(1, ratio, shift));
    auto const at = experiment->at(*point);
    auto const same_as = [&](std::size_t e, std::size_t f, std::size_t q) {
      auto const a = at->truth(e, q), b = at->truth(f, q);
      BOOST_TEST(std::abs(a.bias.value - b.bias.value) < 1e-10);
      BOOST_TEST(std::abs(a.variance.value - b.variance.value) < 1e-9 * (1 + b.variance.value));
    };
    double const divergence = (ratio + shift * shift - 1 - std::log(ratio)) / 2;
    BOOST_TEST(at->truth(elbo, bound).bias.value == -divergence, boost::test_tools::tolerance(1e-12));
    double const be = shift * shift * ratio, al = (1 - ratio) / 2;
    BOOST_TEST(at->truth(elbo, bound).variance.value == be + 2 * al * al, boost::test_tools::tolerance(1e-12));
    same_as(iwae_bound, elbo, bound);
    same_as(iwae_bound, elbo, d_w);
    same_as(iwae_bound, elbo, d_a);
    same_as(iwae_stl, stl, d_a);
    same_as(dreg, stl, d_a);
    BOOST_TEST(std::abs(at->truth(jackknife, bound).bias.value + divergence) < 1e-10);
    double const S = ratio * v;
    BOOST_TEST(at->truth(elbo, d_a).variance.value == S / (v * v), boost::test_tools::tolerance(1e-12));
    BOOST_TEST(std::abs(at->truth(stl, d_a).variance.value - std::pow(1 / std::sqrt(S) - std::sqrt(S) / v, 2)) < 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(two_weights_have_the_moments_of_quadrature_over_both) {
  auto const rule = normal_rule(0.05, 10);
  for (auto const& [ratio, shift] : {std::pair{1.6, 0.7}, {0.8, -0.5}}) {
    ExperimentPoint const point(*experiment, settings(2, ratio, shift));
    auto const at = experiment->at(*point);
    std::vector<Weight> weights;
    for (double const e : rule.node) weights.emplace_back(e, ratio, shift);
    DrawMoments plain, controlled, jack, of_evidence(1), gradients[4];
    for (std::size_t i = 0; i < rule.size(); ++i)
      for (std::size_t j = 0; j < rule.size(); ++j) {
        double const p = rule.weight[i] * rule.weight[j];
        auto const &a = weights[i], &b = weights[j];
        double const A = std::exp(a.log_w - log_p), B = std::exp(b.log_w - log_p), W = (A + B) / 2;
        plain.add(p, std::log(W));
        controlled.add(p, std::log(W) - (W - 1));
        jack.add(p, 2 * std::log(W) - (a.log_w + b.log_w - 2 * log_p) / 2);
        of_evidence.add(p, W);
        gradients[0].add(p, (A * a.h_w + B * b.h_w) / (A + B));
        gradients[1].add(p, (A * a.h_a + B * b.h_a) / (A + B));
        gradients[2].add(p, (A * a.h_p + B * b.h_p) / (A + B));
        gradients[3].add(p, (A * A * a.h_p + B * B * b.h_p) / ((A + B) * (A + B)));
      }
    auto const check = [&](std::size_t e, std::size_t q, DrawMoments const& moments) {
      auto const truth = at->truth(e, q);
      BOOST_TEST_CONTEXT(experiment->estimators()[e].name << " of " << experiment->quantities()[q]) {
        double const target = q == bound ? 0 : at->targets()[q];
        BOOST_TEST(std::abs(truth.bias.value + target - moments.mean()) < 1e-8);
        if (truth.variance.is_known())
          BOOST_TEST(truth.variance.value == moments.variance(), boost::test_tools::tolerance(1e-7));
        BOOST_TEST(std::isnan(truth.kurtosis) == (e == iwae_controlled || e == jackknife));
        // At 0.8 E W^4 comes from beyond the reach of the rule.
        if (!std::isnan(truth.kurtosis) && (q != evidence || ratio > 1))
          BOOST_TEST(truth.kurtosis == moments.kurtosis(), boost::test_tools::tolerance(1e-6));
        if (!std::isnan(truth.skewness)) BOOST_TEST(std::abs(truth.skewness - moments.skewness()) < 1e-6);
        BOOST_TEST(std::isnan(truth.skewness) == (std::isnan(truth.kurtosis) || q == evidence));
        BOOST_TEST(truth.variance.error < 1e-8);
      }
    };
    check(iwae_bound, bound, plain);
    check(iwae_controlled, bound, controlled);
    check(jackknife, bound, jack);
    check(iwae_bound, evidence, of_evidence);
    check(iwae_bound, d_w, gradients[0]);
    check(iwae_bound, d_a, gradients[1]);
    check(iwae_stl, d_a, gradients[2]);
    check(dreg, d_a, gradients[3]);
    // Both are gradients of one bound.
    BOOST_TEST(std::abs(at->truth(dreg, d_a).bias.value - at->truth(iwae_bound, d_a).bias.value) < 1e-10);
  }
}

BOOST_AUTO_TEST_CASE(gradients_are_those_of_the_bound) {
  for (std::int64_t const K : {3, 40}) {
    double const step = 1e-4;
    auto const gap = [&](double shift) {
      ExperimentPoint const point(*experiment, settings(K, 1.6, shift));
      return experiment->at(*point)->truth(iwae_bound, bound).bias.value;
    };
    ExperimentPoint const point(*experiment, settings(K));
    double const slope = (gap(0.7 + step) - gap(0.7 - step)) / (2 * step * std::sqrt(v));
    for (std::size_t e : {iwae_bound, dreg})
      BOOST_TEST(experiment->at(*point)->truth(e, d_a).bias.value == slope, boost::test_tools::tolerance(1e-6));
  }
}

BOOST_AUTO_TEST_CASE(many_weights_have_the_asymptotic_laws) {
  std::int64_t const K = 100000;
  ExperimentPoint const point(*experiment, settings(K));
  auto const at = experiment->at(*point);
  double const n = 1e5, chi2 = 1.6 / std::sqrt(2.2) * std::exp(0.49 / 2.2) - 1;
  auto const nearly = boost::test_tools::tolerance(1e-3);
  BOOST_TEST(at->truth(iwae_bound, bound).bias.value == -chi2 / (2 * n), nearly);
  BOOST_TEST(at->truth(iwae_bound, bound).variance.value == chi2 / n, nearly);
  BOOST_TEST(at->truth(iwae_bound, evidence).variance.value == chi2 / n, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(std::abs(at->truth(jackknife, bound).bias.value) < 10 / (n * n) + at->truth(jackknife, bound).bias.error);
  BOOST_TEST(std::abs(at->truth(iwae_bound, d_w).bias.value) < 10 / n);
}

BOOST_AUTO_TEST_CASE(infinite_moments_of_weights_are_flagged) {
  for (auto const& [ratio, moments] : {std::pair{0.4, 1 / 0.6}, {0.6, 2.5}, {0.7, 1 / 0.3}, {0.8, 5.0}}) {
    ExperimentPoint const point(*experiment, settings(4, ratio));
    auto const at = experiment->at(*point);
    for (auto const& [e, q] : {std::pair{iwae_bound, evidence}, {iwae_controlled, bound}}) {
      BOOST_TEST(at->truth(e, q).finite_moments == moments, boost::test_tools::tolerance(1e-12));
      BOOST_TEST(at->truth(e, q).variance.is_known() == (ratio > 0.5));
    }
    BOOST_TEST(at->truth(iwae_bound, bound).finite_moments == 8);  // flagged; judged by its exact kurtosis
    BOOST_TEST(!std::isnan(at->truth(iwae_bound, bound).kurtosis));
    BOOST_TEST(std::isnan(at->truth(iwae_bound, evidence).kurtosis) == !(moments > 4));
    BOOST_TEST(std::isinf(at->truth(elbo, bound).finite_moments));
    BOOST_TEST(at->truth(iwae_bound, bound).variance.is_known());
  }
}

BOOST_AUTO_TEST_CASE(the_posterior_itself_has_no_gap) {
  ExperimentPoint const point(*experiment, settings(8, 1, 0));
  auto const at = experiment->at(*point);
  for (std::size_t e : {elbo, iwae_bound, iwae_controlled, jackknife}) BOOST_TEST(at->truth(e, bound).variance.value == 0);
  check_truths(*experiment, *point, 4000);
}

BOOST_AUTO_TEST_CASE(owes_what_every_experiment_owes) {
  for (std::int64_t const K : {1, 2, 33}) {
    ExperimentPoint const point(*experiment, settings(K));
    check_streams(*experiment, *point);
    check_declarations(*experiment, *point);
  }
  ExperimentPoint const many(*experiment, settings(70000));
  auto const at = experiment->at(*many);
  auto const pair = replicated(*experiment, *at, {}, {3, 5}), alone = replicated(*experiment, *at, {}, {4, 5});
  BOOST_TEST(pair.value(jackknife, bound)[1] == alone.value(jackknife, bound)[0]);
  BOOST_CHECK_THROW(ExperimentPoint(*experiment, settings(0)), InputError);
}

BOOST_AUTO_TEST_CASE(replicates_are_those_of_an_obvious_loop) {
  int const K = 5;
  ExperimentPoint const point(*experiment, settings(K, 0.8, -0.4));
  auto const at = experiment->at(*point);
  auto const key = rng::make_key(9, "twin");
  auto const outputs = replicated(*experiment, *at, key, {100, 117});
  auto const close = boost::test_tools::tolerance(1e-11);
  for (std::uint64_t i = 0; i < 17; ++i) {
    rng::Stream stream({key, rng::Purpose::draw, 100 + i}, 0);
    std::vector<Weight> weights;
    double sum = 0, of_dreg = 0, of_w = 0, of_elbo = 0;
    for (int k = 0; k < K; ++k) {
      weights.emplace_back(stream.normal(), 0.8, -0.4);
      sum += std::exp(weights.back().log_w);
      of_elbo += weights.back().log_w / K;
    }
    double without = 0;
    for (auto const& weight : weights) {
      double const share = std::exp(weight.log_w) / sum;
      of_dreg += share * share * weight.h_p;
      of_w += share * weight.h_w;
      without += std::log((sum - std::exp(weight.log_w)) / (K - 1)) / K;
    }
    BOOST_TEST(outputs.value(elbo, bound)[i] == of_elbo, close);
    BOOST_TEST(outputs.value(iwae_bound, bound)[i] == std::log(sum / K), close);
    BOOST_TEST(outputs.value(iwae_bound, evidence)[i] == sum / K / std::exp(log_p), close);
    BOOST_TEST(outputs.value(jackknife, bound)[i] == K * std::log(sum / K) - (K - 1) * without, close);
    BOOST_TEST(outputs.value(iwae_bound, d_w)[i] == of_w, close);
    BOOST_TEST(outputs.value(dreg, d_a)[i] == of_dreg, boost::test_tools::tolerance(1e-9));
  }
}

BOOST_AUTO_TEST_CASE(its_truths_hold, *boost::unit_test::label("stat")) {
  for (double const ratio : {1.6, 0.8, 0.4})
    for (std::int64_t const K : {1, 4, 32}) {
      ExperimentPoint const point(*experiment, settings(K, ratio));
      check_truths(*experiment, *point, 40000);
    }
}

BOOST_AUTO_TEST_SUITE_END()
