/// The keys of kind `flow`, and what they mean.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fermiac/base/parameter.hpp"
#include "fermiac/flow/base_density.hpp"
#include "fermiac/flow/experiment.hpp"
#include "fermiac/flow/field.hpp"

namespace fermiac::app {

std::vector<Parameter> flow_parameters();

/// The method of that name.
flow::Method flow_method(std::string const& name);

/// What a point says of its field, densities and settings.
struct FlowStudy {
  std::unique_ptr<flow::Field> field;
  std::unique_ptr<flow::BaseDensity> base;
  std::unique_ptr<flow::BaseDensity> target;  ///< none where it has none
  flow::ExperimentSettings settings;

  /// Whether log p of a sample rests on a single probe: a number that is no density.
  bool has_one_probe() const;
};

/// @param table  the samples of base.kind = "table"
/// @throws InputError  naming the key
FlowStudy flow_study(Parameters const& point, arma::mat const& table);

}  // namespace fermiac::app
