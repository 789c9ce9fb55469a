/// What every experiment owes: the same bits however replicates are packed, outputs where they are declared, truths that hold.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "fermiac/estimators/agreement.hpp"
#include "fermiac/estimators/performance.hpp"

namespace fermiac::testing {

/// The parameters of an experiment with some of them set.
class ExperimentPoint {
 public:
  explicit ExperimentPoint(estimators::Experiment const& experiment,
                           std::vector<std::pair<std::string, Value>> const& settings = {})
      : declared_(experiment.parameters()), point_(declared_) {
    for (auto const& [key, value] : settings) point_.set(key, value);
    experiment.check(point_);
  }
  ExperimentPoint(ExperimentPoint const&) = delete;
  Parameters const& operator*() const { return point_; }

 private:
  std::vector<Parameter> declared_;
  Parameters point_;
};

inline estimators::Outputs replicated(estimators::Experiment const& experiment, estimators::AtPoint const& at, rng::Key key,
                                      Range replicates) {
  Quiet context;
  estimators::Outputs outputs(experiment.estimators().size(), experiment.interval_rules().size(),
                              experiment.quantities().size(), replicates.size());
  at.replicate({key, replicates}, outputs, context);
  return outputs;
}

/// Equal bits, or both NaN.
inline bool same(double a, double b) { return a == b || (a != a && b != b); }

/// A replicate is the same alone, in packs of 1, 2, 17 and 64, and in the one that another instance computes.
inline void check_streams(estimators::Experiment const& experiment, Parameters const& point) {
  auto const at = experiment.at(point), again = experiment.at(point);
  auto const key = rng::make_key(3, point.canonical());
  auto const whole = replicated(experiment, *at, key, {5, 69});
  for (std::uint64_t const n : {1u, 2u, 17u, 64u}) {
    auto const part = replicated(experiment, *again, key, {69 - n, 69});
    bool equal = true;
    for (arma::uword c = 0; c < whole.all().n_cols; ++c)
      for (std::uint64_t r = 0; r < n; ++r) equal = equal && same(part.all()(r, c), whole.all()(64 - n + r, c));
    BOOST_TEST(equal, experiment.name() << " in a pack of " << n);
  }
  auto const other = replicated(experiment, *at, rng::make_key(4, point.canonical()), {5, 69});
  BOOST_TEST(arma::any(arma::vectorise(other.all() != whole.all())), experiment.name() << " ignores the seed");
}

/// What is declared is consistent, and estimates are there where they are declared and nowhere else.
inline void check_declarations(estimators::Experiment const& experiment, Parameters const& point) {
  auto const at = experiment.at(point);
  auto const outputs = replicated(experiment, *at, {}, {0, 16});
  auto const Q = experiment.quantities().size(), E = experiment.estimators().size(), I = experiment.interval_rules().size();
  BOOST_TEST(at->targets().size() == Q);
  BOOST_TEST(at->draws() > 0);
  for (std::size_t q = 0; q < Q; ++q) {
    for (std::size_t e = 0; e < E; ++e) {
      auto const truth = at->truth(e, q);
      auto const x = outputs.value(e, q);
      auto const what = experiment.name() + " " + experiment.estimators()[e].name + " of " + experiment.quantities()[q];
      bool const any = std::any_of(x.begin(), x.end(), [](double v) { return std::isfinite(v); });
      BOOST_TEST(any == truth.reported, what);
      if (truth.variance.is_known()) BOOST_TEST(truth.variance.value >= 0, what);
      if (truth.mse.is_known() && truth.bias.is_known() && truth.variance.is_known())
        BOOST_TEST(std::abs(truth.mse.value - truth.variance.value - truth.bias.value * truth.bias.value) <=
                       1e-9 * truth.mse.value + truth.mse.error,
                   what);
    }
    for (std::size_t i = 0; i < I; ++i) {
      auto const truth = at->truth_of_interval(i, q);
      bool all = true;
      for (std::uint64_t r = 0; r < 16; ++r) all = all && outputs.low(i, q)[r] <= outputs.high(i, q)[r];
      BOOST_TEST(all == truth.reported, experiment.interval_rules()[i].name);
      if (truth.coverage.is_known()) BOOST_TEST((truth.coverage.value >= 0 && truth.coverage.value <= 1));
    }
  }
  for (auto const& test : at->independent()) {
    bool const of_interval = test.measure == estimators::Measure::coverage || test.measure == estimators::Measure::width;
    BOOST_TEST((test.which < (of_interval ? I : E) && test.quantity < Q));
    BOOST_TEST((of_interval ? at->truth_of_interval(test.which, test.quantity).reported
                            : at->truth(test.which, test.quantity).reported));
  }
}

/// What replicates of a point say.
inline estimators::Tally tally_of(estimators::Experiment const& experiment, Parameters const& point, Range replicates,
                                  std::uint64_t seed) {
  using namespace estimators;
  auto const at = experiment.at(point);
  auto const key = rng::make_key(seed, point.canonical());
  auto const targets = at->targets();
  std::vector<Tally> tallies;
  for (auto first = replicates.first; first < replicates.last; first += 256) {
    Tally tally{Layout(experiment)};
    tally.add(replicated(experiment, *at, key, {first, std::min(first + 256, replicates.last)}), targets);
    tallies.push_back(std::move(tally));
  }
  return merge_all(tallies);
}

/// Every z-score of a point from `n_replicates`.
inline std::vector<std::pair<std::string, double>> scores_of(estimators::Experiment const& experiment, Parameters const& point,
                                                             std::uint64_t n_replicates, std::uint64_t seed) {
  using namespace estimators;
  auto const at = experiment.at(point);
  Layout const layout(experiment);
  auto const whole = tally_of(experiment, point, {0, n_replicates}, seed);
  std::vector<std::pair<std::string, double>> scores;
  for (std::size_t q = 0; q < layout.n_quantities; ++q) {
    auto const quantity = experiment.quantities()[q];
    for (std::size_t e = 0; e < layout.n_estimators; ++e) {
      auto const found = findings(whole, *at, layout, e, q);
      auto const who = experiment.estimators()[e].name + " " + quantity + " ";
      for (auto const& [name, finding] : {std::pair{"bias", &found.bias},
                                          {"variance", &found.variance},
                                          {"mse", &found.mse},
                                          {"bias difference", &found.bias_difference},
                                          {"mse difference", &found.mse_difference}})
        scores.emplace_back(who + name, finding->z);
    }
    for (std::size_t i = 0; i < layout.n_intervals; ++i) {
      auto const found = interval_findings(whole, *at, i, q);
      scores.emplace_back(experiment.interval_rules()[i].name + " " + quantity + " coverage", found.coverage.z);
      scores.emplace_back(experiment.interval_rules()[i].name + " " + quantity + " width", found.width.z);
      scores.emplace_back(experiment.interval_rules()[i].name + " " + quantity + " coverage difference",
                          found.coverage_difference.z);
    }
  }
  return scores;
}

/// All truths hold at this seed: |z| < 5 in each cell, 6e-7 by chance for each.
inline void check_truths(estimators::Experiment const& experiment, Parameters const& point, std::uint64_t n_replicates,
                         std::uint64_t seed = 1) {
  std::size_t n = 0;
  for (auto const& [what, z] : scores_of(experiment, point, n_replicates, seed)) {
    if (std::isnan(z)) continue;
    ++n;
    BOOST_TEST(std::abs(z) < 5, experiment.name() << " " << what << ": z = " << z);
  }
  BOOST_TEST(n > 0, experiment.name() << " has no truth");
}

/// Skewness and kurtosis, on which the exact errors of variances rest, are those of samples: within 6 jackknife errors of 64
/// groups (1e-7 by chance for each: Student's t) wherever they are declared and these errors are below `precision` (in units of
/// the kurtosis for a kurtosis). There must be at least `fewest` such: samples say little of heavy tails.
inline void check_shapes(estimators::Experiment const& experiment, Parameters const& point, std::uint64_t per_group,
                         std::size_t fewest, double precision = 0.05, std::uint64_t seed = 1) {
  using namespace estimators;
  auto const at = experiment.at(point);
  Layout const layout(experiment);
  std::vector<Tally> groups;
  for (std::uint64_t g = 0; g < 64; ++g)
    groups.push_back(tally_of(experiment, point, {g * per_group, (g + 1) * per_group}, seed));
  auto const whole = merge_all(groups);
  std::size_t n = 0;
  for (std::size_t e = 0; e < layout.n_estimators; ++e)
    for (std::size_t q = 0; q < layout.n_quantities; ++q) {
      auto found = findings(whole, *at, layout, e, q);
      add_shape_errors(found, groups, e, q);
      auto const who = experiment.name() + " " + experiment.estimators()[e].name + " of " + experiment.quantities()[q];
      for (auto const& [name, shape, unit] :
           {std::tuple{"skewness", &found.skewness, 1.0}, {"kurtosis", &found.kurtosis, found.kurtosis.truth.value}}) {
        if (!shape->truth.is_known() || !(shape->error < precision * unit)) continue;
        ++n;
        double const z = (shape->value - shape->truth.value) / shape->error;
        BOOST_TEST(std::abs(z) < 6,
                   who << ": " << name << " " << shape->value << " +- " << shape->error << ", truth " << shape->truth.value);
      }
    }
  BOOST_TEST(n >= fewest, experiment.name() << " knows " << n << " shapes of estimates");
}

}  // namespace fermiac::testing
