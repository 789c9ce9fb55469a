/// The experiments there are.
#pragma once

#include <memory>
#include <vector>

#include "fermiac/estimators/experiment.hpp"

namespace fermiac::estimators {

/// One of each, in the order in which `fermiac list estimator` prints them.
std::vector<std::unique_ptr<Experiment const>> all_experiments();

}  // namespace fermiac::estimators
