/// An experiment whose truths a test sets, for tests of what is made of its outputs.
#pragma once

#include "fermiac/estimators/performance.hpp"

namespace fermiac::testing {

class FixedExperiment final : public estimators::Experiment, public estimators::AtPoint {
 public:
  double target = 0;
  std::vector<estimators::CellTruth> truths;
  estimators::IntervalTruth of_interval;

  explicit FixedExperiment(std::vector<int> groups, std::size_t n_rules = 1)
      : truths(groups.size()), groups_(std::move(groups)), rules_(n_rules, {"i", ""}) {}

  std::string name() const override { return "fixed"; }
  std::string question() const override { return ""; }
  std::string truth() const override { return ""; }
  std::string conventions() const override { return ""; }
  std::vector<Parameter> parameters() const override { return {}; }
  std::vector<estimators::Estimator> estimators() const override {
    std::vector<estimators::Estimator> all;
    for (int const group : groups_) all.push_back({"e" + std::to_string(all.size()), "", group});
    return all;
  }
  std::vector<estimators::IntervalRule> interval_rules() const override { return rules_; }
  std::vector<std::string> quantities() const override { return {"q"}; }
  std::unique_ptr<estimators::AtPoint const> at(Parameters const&) const override { return nullptr; }

  std::vector<double> targets() const override { return {target}; }
  estimators::CellTruth truth(std::size_t e, std::size_t) const override { return truths[e]; }
  estimators::IntervalTruth truth_of_interval(std::size_t, std::size_t) const override { return of_interval; }
  std::vector<estimators::Test> independent() const override { return {}; }
  double draws() const override { return 1; }
  void replicate(estimators::Pack const&, estimators::Outputs&, Context&) const override {}

  /// The tally of given estimates, one vector an estimator; intervals are estimate 0 +- reach.
  estimators::Tally tally(std::vector<std::vector<double>> const& values, double reach = 1) const {
    estimators::Outputs outputs(groups_.size(), 1, 1, values[0].size());
    for (std::size_t e = 0; e < values.size(); ++e) std::copy(values[e].begin(), values[e].end(), outputs.value(e).begin());
    for (std::size_t r = 0; r < values[0].size(); ++r) {
      outputs.low(0)[r] = values[0][r] - reach;
      outputs.high(0)[r] = values[0][r] + reach;
    }
    estimators::Tally result{estimators::Layout(*this)};
    result.add(outputs, targets());
    return result;
  }
  estimators::EstimatorFindings found(estimators::Tally const& tally, std::size_t e = 0) const {
    return estimators::findings(tally, *this, estimators::Layout(*this), e, 0);
  }

 private:
  std::vector<int> groups_;
  std::vector<estimators::IntervalRule> rules_;
};

}  // namespace fermiac::testing
