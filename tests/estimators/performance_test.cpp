#include "fermiac/estimators/performance.hpp"

#include <boost/math/special_functions/erf.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "fermiac/estimators/agreement.hpp"
#include "fermiac/rng/stream.hpp"
#include "fermiac/stats/binomial.hpp"
#include "fermiac/stats/z_score.hpp"
#include "fixed_experiment.hpp"
#include "support/scores.hpp"

using namespace fermiac;
using testing::FixedExperiment;

namespace {

double const infinity = std::numeric_limits<double>::infinity();
auto const nearly = boost::test_tools::tolerance(1e-12);

}  // namespace

BOOST_AUTO_TEST_SUITE(performance)

BOOST_AUTO_TEST_CASE(of_five_estimates_is_that_of_the_hand) {
  FixedExperiment experiment({0});
  experiment.target = 3;
  experiment.truths[0].bias.value = 0.1;
  auto const tally = experiment.tally({{1, 2, 4, 5, 6}}, 1.5);
  auto const found = experiment.found(tally);
  BOOST_TEST(found.bias.value == 0.6, nearly);
  BOOST_TEST(found.mean.value == 3.6, nearly);
  BOOST_TEST(found.variance.value == 4.3, nearly);
  BOOST_TEST(found.bias.error == std::sqrt(4.3 / 5), nearly);
  BOOST_TEST(found.mse.value == 3.8, nearly);  // (4 + 1 + 1 + 4 + 9) / 5
  BOOST_TEST(found.mse.error == std::sqrt((16 + 1 + 1 + 16 + 81) / 5.0 / 4 - 3.8 * 3.8 / 4), nearly);
  BOOST_TEST(found.standard_error.value == std::sqrt(4.3), nearly);
  BOOST_TEST(found.standard_error.error == found.variance.error / (2 * std::sqrt(4.3)), nearly);
  BOOST_TEST(found.bias.z == 0.5 / std::sqrt(4.3 / 5), nearly);
  BOOST_TEST(found.minimum == 1);
  BOOST_TEST(found.maximum == 6);
  auto const interval = estimators::interval_findings(tally, experiment, 0, 0);
  BOOST_TEST(interval.coverage.value == 0.4, nearly);
  BOOST_TEST(interval.coverage.error == std::sqrt(0.24 / 5), nearly);
  BOOST_TEST(interval.width.value == 3, nearly);
}

BOOST_AUTO_TEST_CASE(scores_are_over_errors_between_the_sampled_and_the_exact) {
  FixedExperiment experiment({0});
  auto& truth = experiment.truths[0];
  truth.signal = true;
  experiment.target = 3;
  truth.bias.value = 0.5;
  truth.variance.value = 4;
  truth.skewness = -0.3;
  truth.kurtosis = 2;
  auto const tally = experiment.tally({{1, 2, 4, 5, 6}});
  auto const found = experiment.found(tally);
  auto const between = [](double error, double variance) { return std::sqrt((error * error + 2 * variance / 5) / 3); };
  BOOST_TEST(found.bias.z == 0.1 / between(found.bias.error, 4), nearly);
  BOOST_TEST(found.variance.z == (4.3 - 4) / between(found.variance.error, 16 * (2 - 3 + 2 * 5 / 4.0)), nearly);
  BOOST_TEST(found.standard_error.z == found.variance.z);
  // E (x - t)^4 - mse^2 = m_4 + 4 b m_3 + 6 b^2 m_2 + b^4 - (m_2 + b^2)^2.
  double const fourth = 2 * 16 + 4 * 0.5 * -0.3 * 8 + 6 * 0.25 * 4 + 0.0625, mse = 4.25;
  BOOST_TEST(found.mse.z == (3.8 - mse) / between(found.mse.error, fourth - mse * mse), nearly);
  truth.variance.error = 1;  // and what of truth is not known
  BOOST_TEST(experiment.found(tally).variance.z == 0.3 / std::hypot(0.3 / found.variance.z, 1), nearly);
  truth.variance.error = 0;
  truth.skewness = std::numeric_limits<double>::quiet_NaN();  // then mse is judged by its sample alone
  double const f = 2 * std::pow(3.8 / found.mse.error, 2);
  BOOST_TEST(experiment.found(tally).mse.z == (std::cbrt(3.8 / 4.25) - 1 + 2 / (9 * f)) / std::sqrt(2 / (9 * f)), nearly);
  truth.bias.value = 0;  // without bias it does not matter
  BOOST_TEST(experiment.found(tally).mse.z == (3.8 - 4) / between(found.mse.error, 16), nearly);
}

BOOST_AUTO_TEST_CASE(signals_are_means_over_deviations) {
  FixedExperiment experiment({0});
  experiment.truths[0].signal = true;
  experiment.truths[0].bias.value = 5;
  experiment.truths[0].variance.value = 4;
  // Mean 3.6, s^2 = 4.3, central moments 3.44, -1.008 and 17.8592.
  for (double const sign : {1.0, -1.0}) {
    std::vector<double> x;
    for (double const v : {1, 2, 4, 5, 6}) x.push_back(sign * v);
    auto const found = experiment.found(experiment.tally({x})).signal_to_noise;
    double const S = 3.6 / std::sqrt(4.3);
    BOOST_TEST(found.value == S, nearly);
    double const kurtosis = 17.8592 / (3.44 * 3.44), skewness = -1.008 / std::pow(3.44, 1.5);
    BOOST_TEST(found.error == std::sqrt((1 + S * S * (kurtosis - 1) / 4 - S * skewness) / 5), nearly);
    BOOST_TEST(found.truth.value == 2.5, nearly);
  }
  experiment.truths[0].signal = false;
  BOOST_TEST(std::isnan(experiment.found(experiment.tally({{1, 2, 4, 5, 6}})).signal_to_noise.value));
}

BOOST_AUTO_TEST_CASE(coverage_is_judged_by_the_exact_binomial) {
  FixedExperiment experiment({0});
  experiment.of_interval.coverage.value = 0.3;
  for (std::size_t const hits : {0, 1, 6, 19, 20}) {
    std::vector<double> x(20, 5);
    std::fill_n(x.begin(), hits, 0.0);
    auto const z = estimators::interval_findings(experiment.tally({x}), experiment, 0, 0).coverage.z;
    double const below = hits == 0 ? 0 : stats::binomial_at_most(hits - 1, 20, 0.3);
    double const here = stats::binomial_at_most(hits, 20, 0.3) - below;
    BOOST_TEST(stats::one_sided_p_value(z) == below + here / 2, boost::test_tools::tolerance(1e-7));
  }
}

BOOST_AUTO_TEST_CASE(constants_are_judged_by_equality) {
  FixedExperiment experiment({0});
  experiment.target = 2;
  experiment.truths[0].bias.value = 0;
  experiment.truths[0].variance.value = 0;
  auto const right = experiment.found(experiment.tally({{2 + 4e-16, 2, 2 - 4e-16}}));
  BOOST_TEST(right.bias.z == 0);
  BOOST_TEST(right.variance.z == 0);
  BOOST_TEST(right.mse.z == 0);
  BOOST_TEST(right.bias.is_constant);
  auto const wrong = experiment.found(experiment.tally({{2 + 1e-9, 2 + 1e-9}}));
  BOOST_TEST(wrong.bias.z == infinity);
  auto const random = experiment.found(experiment.tally({{2 - 1e-6, 2 + 1e-6}}));
  BOOST_TEST(random.variance.z == infinity);
}

BOOST_AUTO_TEST_CASE(seeming_constants_are_wrong_only_where_no_rare_value_explains_them) {
  FixedExperiment experiment({0, 0});
  experiment.truths[0].bias.value = 0;
  auto const z_of = [&](double expected) {
    experiment.truths[1].bias.value = expected;
    std::vector<double> x(1000, 2), y(1000, 3);
    return experiment.found(experiment.tally({x, y}), 1).bias_difference.z;
  };
  BOOST_TEST(z_of(1) == 0);
  BOOST_TEST(std::isnan(z_of(1.005)));
  BOOST_TEST(z_of(1.02) == -infinity);
}

BOOST_AUTO_TEST_CASE(what_is_infinite_is_left_out) {
  FixedExperiment experiment({0, 0});
  for (auto& truth : experiment.truths) truth.bias.value = truth.variance.value = 1;
  auto const tally = experiment.tally({{1, 2, 4, 4}, {1, 3, 9, 2}});
  auto const with = [&](double moments, double kurtosis = std::numeric_limits<double>::quiet_NaN()) {
    experiment.truths[1].finite_moments = moments;
    experiment.truths[1].kurtosis = kurtosis;
    experiment.truths[1].skewness = 0.5;
    return experiment.found(tally, 1);
  };
  auto const all = with(8.5), no_eighth = with(8), no_fourth = with(4), no_variance = with(2), no_mean = with(1);
  BOOST_TEST(!std::isnan(all.variance.error));
  BOOST_TEST(!std::isnan(all.mse_difference.value));
  BOOST_TEST((!std::isnan(all.variance.z) && !std::isnan(all.mse.z) && !std::isnan(all.mse_difference.z)));
  BOOST_TEST((no_eighth.variance.error == all.variance.error && no_eighth.mse.error == all.mse.error));
  BOOST_TEST((std::isnan(no_eighth.variance.z) && std::isnan(no_eighth.standard_error.z) && std::isnan(no_eighth.mse.z)));
  BOOST_TEST((std::isnan(no_eighth.mse_difference.z) && !std::isnan(no_eighth.mse_difference.error)));
  BOOST_TEST(no_eighth.bias.z == all.bias.z);
  auto const exact = with(5, 30);  // its own error is known
  BOOST_TEST((!std::isnan(exact.variance.z) && !std::isnan(exact.standard_error.z) && !std::isnan(exact.mse.z)));
  BOOST_TEST(std::isnan(exact.mse_difference.z));
  BOOST_TEST(!std::isnan(no_fourth.variance.value));
  BOOST_TEST((std::isnan(no_fourth.variance.error) && std::isnan(no_fourth.variance.z) && std::isnan(no_fourth.mse.z)));
  BOOST_TEST(!std::isnan(no_fourth.bias.z));
  BOOST_TEST((!std::isnan(no_eighth.bias_difference.z) && std::isnan(no_fourth.bias_difference.z)));
  BOOST_TEST(!std::isnan(no_fourth.bias_difference.error));
  experiment.truths[1].variance = {};
  BOOST_TEST((!std::isnan(with(8).bias.z) && std::isnan(with(4).bias.z)));
  experiment.truths[1].variance.value = 1;
  BOOST_TEST(!std::isnan(no_variance.bias.value));
  BOOST_TEST((std::isnan(no_variance.variance.value) && std::isnan(no_variance.bias.error) && std::isnan(no_variance.bias.z)));
  BOOST_TEST(std::isnan(no_variance.bias_difference.value));
  BOOST_TEST(std::isnan(no_mean.bias.value));
  BOOST_TEST(no_mean.n == 4);
}

BOOST_AUTO_TEST_CASE(errors_of_skewness_and_kurtosis_are_those_of_normal_samples, *boost::unit_test::label("stat")) {
  // sqrt(6/n) and sqrt(24/n), known to 13 % and more from 32 groups: three errors of that, averaged over 40 samples.
  FixedExperiment const experiment({0});
  double skewness = 0, kurtosis = 0;
  for (std::uint64_t sample = 0; sample < 40; ++sample) {
    std::vector<estimators::Tally> groups;
    for (std::uint64_t g = 0; g < 32; ++g) {
      std::vector<double> x(500);
      rng::Stream({rng::make_key(7, "shape"), rng::Purpose::test, sample}, g).normals(x);
      groups.push_back(experiment.tally({x}));
    }
    auto found = experiment.found(merge_all(groups));
    add_shape_errors(found, groups, 0, 0);
    skewness += found.skewness.error / std::sqrt(6 / 16000.0) / 40;
    kurtosis += found.kurtosis.error / std::sqrt(24 / 16000.0) / 40;
    auto untouched = experiment.found(groups[0]);
    add_shape_errors(untouched, std::span(groups).first(7), 0, 0);
    BOOST_TEST(std::isnan(untouched.kurtosis.error));
  }
  BOOST_TEST(std::abs(skewness - 1) < 0.1);
  BOOST_TEST(std::abs(kurtosis - 1) < 0.15);
}

BOOST_AUTO_TEST_CASE(no_replicates_have_no_performance) {
  FixedExperiment experiment({0});
  auto const found = experiment.found(experiment.tally({{}}));
  BOOST_TEST(found.n == 0);
  BOOST_TEST(std::isnan(found.bias.value));
}

namespace {

/// Scores of 400 studies of 2000 squares of normals (skewness 2.8, kurtosis 15), of which `known` is said.
struct Studies {
  std::vector<double> bias, variance, mse;

  explicit Studies(estimators::CellTruth const& known) {
    FixedExperiment experiment({0});
    experiment.truths[0] = known;
    for (std::uint64_t study = 0; study < 400; ++study) {
      std::vector<double> x(2000);
      rng::Stream({rng::make_key(6, "scores"), rng::Purpose::test, study}, 0).normals(x);
      for (auto& v : x) v *= v;
      auto const found = experiment.found(experiment.tally({x}));
      bias.push_back(found.bias.z);
      variance.push_back(found.variance.z);
      mse.push_back(found.mse.z);
    }
  }
};

estimators::CellTruth truth_of_squares() {
  estimators::CellTruth truth;
  truth.bias.value = 1;
  truth.variance.value = 2;
  truth.skewness = std::sqrt(8.0);
  truth.kurtosis = 15;
  return truth;
}

std::vector<double> standardised(std::vector<double> scores, double mean, double deviation) {
  for (auto& z : scores) z = (z - mean) / deviation;
  return scores;
}

}  // namespace

BOOST_AUTO_TEST_CASE(scores_are_normal_where_truth_holds, *boost::unit_test::label("stat")) {
  Studies const studies(truth_of_squares());
  testing::check_scores(studies.bias, "bias");
  testing::check_scores(studies.variance, "variance");
  testing::check_scores(studies.mse, "mse");
  for (auto const* scores : {&studies.bias, &studies.variance, &studies.mse}) testing::check_power_of(*scores, "scores");
}

BOOST_AUTO_TEST_CASE(scores_by_samples_alone_are_nearly_normal, *boost::unit_test::label("stat")) {
  // Mean and deviation of these scores are those of 100,000 such studies by numpy's generator, to 0.003.
  auto truth = truth_of_squares();
  truth.kurtosis = truth.skewness = std::numeric_limits<double>::quiet_NaN();
  Studies const studies(truth);
  auto const variance = standardised(studies.variance, -0.0518, 1.0373), mse = standardised(studies.mse, -0.0337, 1.0229);
  testing::check_scores(variance, "variance");
  testing::check_scores(mse, "mse");
  testing::check_power_of(variance, "variance");
  testing::check_power_of(mse, "mse");
}

BOOST_AUTO_TEST_CASE(truths_that_are_half_an_error_off_are_seen_in_scores, *boost::unit_test::label("stat")) {
  // Half an error in each of 400 studies moves the mean score by 10 of its own errors, 5 being allowed.
  auto const mean_of = [](std::vector<double> const& scores) { return testing::score_of_mean(scores); };
  for (double const sign : {-1.0, 1.0}) {
    auto truth = truth_of_squares();
    truth.bias.value += sign * 0.5 * std::sqrt(2 / 2000.0);
    truth.variance.value += sign * 0.5 * std::sqrt(56 / 2000.0);
    Studies const studies(truth);
    BOOST_TEST(-sign * mean_of(studies.bias) > 6);
    BOOST_TEST(-sign * mean_of(studies.variance) > 6);
    BOOST_TEST(-sign * mean_of(studies.mse) > 6);
  }
}

BOOST_AUTO_TEST_CASE(heavy_tails_raise_no_alarm, *boost::unit_test::label("stat")) {
  // 2000 studies of 1000 u^(-1/5), u uniform, with moments below 5 (E x^k = 5/(5 - k)). Over the sampled error alone more than
  // ten variances of them lie beyond 5, where 0.001 are to be expected; scores here have tails not above those of normal ones.
  FixedExperiment experiment({0});
  auto& truth = experiment.truths[0];
  double const mean = 5 / 4.0, m2 = 5 / 3.0, m3 = 5 / 2.0, m4 = 5, V = m2 - mean * mean;
  truth.bias.value = mean;
  truth.variance.value = V;
  truth.skewness = (m3 - 3 * mean * m2 + 2 * mean * mean * mean) / std::pow(V, 1.5);
  truth.kurtosis = (m4 - 4 * mean * m3 + 6 * mean * mean * m2 - 3 * std::pow(mean, 4)) / (V * V);
  truth.finite_moments = 5;
  std::size_t sampled = 0;
  std::uint64_t far = 0;
  double largest = 0;
  for (std::uint64_t study = 0; study < 2000; ++study) {
    std::vector<double> x(1000);
    rng::Stream stream({rng::make_key(8, "heavy"), rng::Purpose::test, study}, 0);
    for (auto& v : x) v = std::pow(stream.uniform(), -0.2);
    auto const found = experiment.found(experiment.tally({x}));
    sampled += std::abs(found.variance.value - V) > 5 * found.variance.error ? 1 : 0;
    for (double const z : {found.bias.z, found.variance.z, found.mse.z}) {
      largest = std::max(largest, std::abs(z));
      far += std::abs(z) > 3 ? 1 : 0;
    }
  }
  BOOST_TEST(sampled > 10);
  BOOST_TEST(largest < 5.5);  // 2e-4 by chance for 6000 normal scores
  BOOST_TEST(stats::binomial_accepts(far, 6000, {0, 0.0027}, testing::false_alarm));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(agreement)

using estimators::agreement_of;
using estimators::Score;

namespace {
/// What scores of a study that is right look like: normal quantiles.
std::vector<Score> right_scores(std::size_t n) {
  std::vector<Score> scores(n);
  for (std::size_t i = 0; i < n; ++i)
    scores[i] = {std::sqrt(2.0) * boost::math::erfc_inv(2 - (2 * static_cast<double>(i) + 1) / static_cast<double>(n)), true};
  return scores;
}
}  // namespace

BOOST_AUTO_TEST_CASE(the_bound_is_that_of_bonferroni) {
  auto const verdict = agreement_of(right_scores(100));
  BOOST_TEST(verdict.n == 100u);
  BOOST_TEST(stats::two_sided_p_value(verdict.bound) == 1e-5, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(verdict.holds());
  BOOST_TEST(verdict.ks_p > 0.99);
}

BOOST_AUTO_TEST_CASE(a_bias_of_five_errors_in_any_one_cell_is_caught) {
  for (std::size_t const n : {24u, 72u, 1000u}) {
    auto const scores = right_scores(n);
    bool caught = true;
    for (std::size_t i = 0; i < n; ++i)
      for (double const planted : {-5.0, 5.0}) {
        auto wrong = scores;
        wrong[i].z = planted;
        auto const verdict = agreement_of(wrong);
        caught = caught && !verdict.holds() && verdict.largest == i && verdict.largest_z == planted;
      }
    BOOST_TEST(caught);
  }
}

BOOST_AUTO_TEST_CASE(scores_that_are_all_a_little_wrong_are_caught_by_their_distribution) {
  auto scores = right_scores(200);
  for (auto& score : scores) score.z *= 1.6;  // errors too small by this
  auto const verdict = agreement_of(scores);
  BOOST_TEST(std::abs(verdict.largest_z) < 5);
  BOOST_TEST(verdict.ks_p < 1e-3);
  BOOST_TEST(!verdict.holds());
  for (auto& score : scores) score.z *= 0.3;  // and too large
  BOOST_TEST(!agreement_of(scores).holds());
}

BOOST_AUTO_TEST_CASE(what_is_dependent_or_unknown_does_not_enter_the_distribution) {
  std::vector<Score> scores(50, {0.1, false});
  scores.push_back({std::numeric_limits<double>::quiet_NaN(), true});
  auto const verdict = agreement_of(scores);
  BOOST_TEST(verdict.n == 50u);
  BOOST_TEST(verdict.n_independent == 0u);
  BOOST_TEST(verdict.holds());
  scores[3].z = -infinity;  // a constant that is not equal
  BOOST_TEST(!agreement_of(scores).holds());
  BOOST_TEST(agreement_of({}).holds());
}

BOOST_AUTO_TEST_SUITE_END()
