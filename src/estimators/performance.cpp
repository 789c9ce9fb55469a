#include "fermiac/estimators/performance.hpp"

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>

#include "fermiac/stats/binomial.hpp"
#include "fermiac/stats/z_score.hpp"

namespace fermiac::estimators {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double equality = 1e-11;

double equality_z(double value, Truth const& truth, double scale) {
  double const difference = value - truth.value;
  return std::abs(difference) <= equality * scale + truth.error ? 0.0 : std::copysign(infinity, difference);
}

Finding constant(double value, Truth const& truth, double scale) {
  return {value, 0, truth, truth.is_known() ? equality_z(value, truth, scale) : nan, true};
}

double cube_root_z(double value, Truth const& truth, double degrees_of_freedom) {
  double const v = 2 / (9 * degrees_of_freedom);
  double const own = truth.error / (3 * truth.value);
  return (std::cbrt(value / truth.value) - (1 - v)) / std::sqrt(v + own * own);
}

/// z of a mean whose exact error is known.
double z_between(double value, double error, double exact_error, Truth const& truth) {
  double const squares = (error * error + 2 * exact_error * exact_error) / 3;
  return stats::z_score({value, std::sqrt(squares)}, truth.value, truth.error);
}

/// A mean of squares; its exact error may not be known (NaN).
Finding of_squares(double value, double error, double exact_error, Truth const& truth, double finite_moments) {
  Finding result{value, error, truth};
  if (!truth.is_known()) return result;
  if (exact_error > 0)
    result.z = z_between(value, error, exact_error, truth);
  else if (error > 0 && finite_moments > 8)
    result.z = cube_root_z(value, truth, 2 * (value / error) * (value / error));
  return result;
}

Finding from_mean(stats::Moments const& moments, Truth const& truth) {
  auto const mean = moments.mean_estimate();
  Finding result{mean.value, mean.error, truth};
  if (truth.is_known() && mean.error > 0) result.z = stats::z_score(mean, truth.value, truth.error);
  return result;
}

/// From values of a mean that were all equal up to rounding although nobody promised it: rarer ones than one in n / 10 may have
/// been missed.
Finding seemingly_constant(stats::Moments const& moments, Truth const& truth, double scale) {
  auto result = constant(moments.mean(), truth, scale);
  double const missed = 10 * scale / static_cast<double>(moments.count());
  if (std::isinf(result.z) && std::abs(result.value - truth.value) <= missed) result.z = nan;
  return result;
}

/// A mean with its error, or the constant that it seems to be.
Finding from_values(stats::Moments const& moments, Truth const& truth, double scale) {
  bool const is_rounding = moments.variance() <= (equality * scale) * (equality * scale);
  return is_rounding ? seemingly_constant(moments, truth, scale) : from_mean(moments, truth);
}

Truth known(double value, double error) { return {value, error}; }

/// Exact errors of n replicates; NaN where what they need is not known.
struct ExactErrors {
  double bias, variance, mse, signal;

  ExactErrors(CellTruth const& truth, double target, double n) {
    double const V = truth.variance.value, kurtosis = truth.kurtosis, b = truth.bias.value;
    // Without bias, mse does not depend on the skewness.
    double const third = b == 0 ? 0 : b * std::sqrt(V) * truth.skewness;
    bias = std::sqrt(V / n);
    variance = V * std::sqrt((kurtosis - 3) / n + 2 / (n - 1));
    mse = std::sqrt(V * (V * (kurtosis - 1) + 4 * third + 4 * b * b) / n);
    double const S = (target + b) / std::sqrt(V);
    signal = std::sqrt((1 + S * (S * (kurtosis - 1) / 4 - truth.skewness)) / n);
  }
};

/// Bias, variance and mse of a pair as far as both are known.
Truth minus(Truth const& a, Truth const& b) {
  return a.is_known() && b.is_known() ? known(a.value - b.value, a.error + b.error) : Truth{};
}

}  // namespace

Measures measures_of(stats::Moments const& d) {
  Measures result{d.mean_estimate(), d.variance_estimate(), {}, {}};
  double const n = static_cast<double>(d.count());
  double const s = std::sqrt(result.variance.value);
  result.standard_error = {s, result.variance.error / (2 * s), n - 1};
  double const b = d.mean();
  double const m2 = d.central_moment(2), m3 = d.central_moment(3), m4 = d.central_moment(4);
  double const mse = m2 + b * b;
  double const fourth = m4 + 4 * b * m3 + 6 * b * b * m2 + b * b * b * b;
  result.mse = {mse, std::sqrt(std::max(0.0, fourth - mse * mse) / (n - 1)), n - 1};
  return result;
}

CellTruth completed(CellTruth truth) {
  if (!truth.mse.is_known() && truth.bias.is_known() && truth.variance.is_known())
    truth.mse = known(truth.bias.value * truth.bias.value + truth.variance.value,
                      2 * std::abs(truth.bias.value) * truth.bias.error + truth.variance.error);
  return truth;
}

EstimatorFindings findings(Tally const& tally, AtPoint const& experiment, Layout const& layout, std::size_t e, std::size_t q) {
  EstimatorFindings result;
  auto const truth = completed(experiment.truth(e, q));
  if (!truth.reported) return result;
  double const target = experiment.targets()[q];
  auto const moments = tally.estimate(e, q);
  double const n = static_cast<double>(moments.count());
  result.n = n;
  result.failures = tally.failures(e, q);
  if (n == 0) return result;
  result.minimum = tally.minimum(e, q);
  result.maximum = tally.maximum(e, q);
  if (!(truth.finite_moments > 1)) return result;

  auto const measured = measures_of(moments);
  double const b = measured.bias.value;
  double const variance = measured.variance.value;
  double const scale = std::max(truth.scale, std::abs(target));
  if (truth.variance.is_known() && truth.variance.value == 0) {
    result.bias = constant(b, truth.bias, scale);
    result.variance = constant(variance, truth.variance, equality * scale * scale);
    result.standard_error = constant(measured.standard_error.value, truth.variance, scale);
    result.mse = constant(measured.mse.value, truth.mse, scale * scale);
  } else {
    bool const has_variance = truth.finite_moments > 2;
    bool const has_kurtosis = truth.finite_moments > 4;
    result.bias = {b, has_variance ? measured.bias.error : nan, truth.bias};
    ExactErrors const exact(truth, target, n);
    if (truth.bias.is_known() && has_variance) {
      if (truth.variance.is_known())
        result.bias.z = z_between(b, measured.bias.error, exact.bias, truth.bias);
      else if (has_kurtosis)
        result.bias.z = stats::z_score(measured.bias, truth.bias.value, truth.bias.error);
    }
    if (has_variance) {
      double const error = has_kurtosis ? measured.variance.error : nan;
      result.variance = of_squares(variance, error, exact.variance, truth.variance, truth.finite_moments);
      result.standard_error = {
          measured.standard_error.value, has_kurtosis ? measured.standard_error.error : nan, {}, result.variance.z};
      if (truth.variance.is_known()) {
        double const root = std::sqrt(truth.variance.value);
        result.standard_error.truth = known(root, truth.variance.error / (2 * root));
      }
      double const mse = measured.mse.value;
      double const mse_error = has_kurtosis ? measured.mse.error : nan;
      result.mse = of_squares(mse, mse_error, exact.mse, truth.mse, truth.finite_moments);
      if (truth.finite_moments > 3) result.skewness = {moments.skewness(), nan, {truth.skewness}};
      if (has_kurtosis) result.kurtosis = {moments.kurtosis(), nan, {truth.kurtosis}};
    }
  }
  result.mean = {target + b, result.bias.error, {}, result.bias.z};
  if (truth.bias.is_known()) result.mean.truth = known(target + truth.bias.value, truth.bias.error);
  if (truth.signal && truth.finite_moments > 4 && variance > 0 && !result.variance.is_constant) {
    double const signal = result.mean.value / std::sqrt(variance);
    double const error = std::sqrt((1 + signal * (signal * (moments.kurtosis() - 1) / 4 - moments.skewness())) / n);
    result.signal_to_noise = {std::abs(signal), error};
    if (result.mean.truth.is_known() && truth.variance.is_known()) {
      double const exact = std::abs(result.mean.truth.value) / std::sqrt(truth.variance.value);
      double const own =
          (result.mean.truth.error + exact * result.standard_error.truth.error) / std::sqrt(truth.variance.value);
      result.signal_to_noise.truth = known(exact, own);
      double const exact_error = ExactErrors(truth, target, n).signal;
      // The sign of what is mostly noise is lost.
      if (exact > 5 * error && exact_error > 0)
        result.signal_to_noise.z = z_between(std::abs(signal), error, exact_error, {exact, own});
      else if (exact > 5 * error && truth.finite_moments > 8)
        result.signal_to_noise.z = stats::z_score({std::abs(signal), error}, exact, own);
    }
  }

  auto const p = layout.partner[e];
  if (p == e || tally.difference(e, q).count() == 0) return result;
  auto const partner = completed(experiment.truth(p, q));
  if (!partner.reported || !(partner.finite_moments > 2 && truth.finite_moments > 2)) return result;
  double const finite_moments = std::min(truth.finite_moments, partner.finite_moments);
  result.bias_difference = from_values(tally.difference(e, q), minus(truth.bias, partner.bias), scale);
  if (finite_moments <= 4) {
    result.bias_difference.z = nan;
  } else {
    result.mse_difference = from_values(tally.difference_of_squares(e, q), minus(truth.mse, partner.mse), scale * scale);
    if (finite_moments <= 8) result.mse_difference.z = nan;
  }
  return result;
}

void add_shape_errors(EstimatorFindings& findings, std::span<Tally const> groups, std::size_t e, std::size_t q) {
  if (groups.size() < 8) return;
  stats::Moments skewness, kurtosis;
  for (std::size_t left_out = 0; left_out < groups.size(); ++left_out) {
    stats::Moments rest;
    for (std::size_t g = 0; g < groups.size(); ++g)
      if (g != left_out) rest.merge(groups[g].estimate(e, q));
    skewness.add(rest.skewness());
    kurtosis.add(rest.kurtosis());
  }
  double const g = static_cast<double>(groups.size());
  auto const error = [g](stats::Moments const& without) { return (g - 1) * std::sqrt(without.variance() / g); };
  if (!std::isnan(findings.skewness.value)) findings.skewness.error = error(skewness);
  if (!std::isnan(findings.kurtosis.value)) findings.kurtosis.error = error(kurtosis);
}

IntervalFindings interval_findings(Tally const& tally, AtPoint const& experiment, std::size_t i, std::size_t q) {
  IntervalFindings result;
  auto const truth = experiment.truth_of_interval(i, q);
  if (!truth.reported) return result;
  auto const width = tally.width(i, q);
  double const n = static_cast<double>(width.count());
  result.n = n;
  result.failures = tally.interval_failures(i, q);
  if (n == 0) return result;
  double const hits = tally.hits(i, q);
  double const c = hits / n;
  result.coverage = {c, std::sqrt(c * (1 - c) / n), truth.coverage};
  if (truth.coverage.is_known()) {
    double const p = truth.coverage.value;
    auto const k = static_cast<std::uint64_t>(hits);
    auto const total = width.count();
    // Each tail with half of what it shares, the smaller one as a quantile: no cancellation.
    double const below = k == 0 ? 0.0 : stats::binomial_at_most(k - 1, total, p);
    double const above = k == total ? 0.0 : stats::binomial_at_least(k + 1, total, p);
    double const here = std::max(0.0, 1 - below - above);
    double const low = below + here / 2, high = above + here / 2;
    double const tail = std::min(low, high);
    double const size = tail >= 0.5 ? 0.0 : tail > 0 ? boost::math::erfc_inv(2 * tail) * std::sqrt(2.0) : infinity;
    result.coverage.z = low < high ? -size : size;
    if (truth.coverage.error > 0) result.coverage.z = stats::z_score({c, std::sqrt(p * (1 - p) / n)}, p, truth.coverage.error);
  }
  result.width = from_values(width, truth.width, std::abs(width.mean()));
  auto const first = experiment.truth_of_interval(0, q);
  if (i > 0 && first.reported) {
    double const more = tally.hits_alone(i, q) / n, less = tally.misses_alone(i, q) / n;
    auto& difference = result.coverage_difference;
    difference = {more - less, std::sqrt((more + less - (more - less) * (more - less)) / n),
                  minus(truth.coverage, first.coverage)};
    if (difference.truth.is_known() && more + less > 0)
      difference.z = stats::z_score({difference.value, difference.error}, difference.truth.value, difference.truth.error);
  }
  return result;
}

}  // namespace fermiac::estimators
