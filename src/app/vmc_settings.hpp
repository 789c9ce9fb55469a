/// The keys of a vmc study, and the settings of the experiment that they make.
#pragma once

#include <vector>

#include "fermiac/base/parameter.hpp"
#include "fermiac/vmc/experiment.hpp"

namespace fermiac::app {

/// Tables system, ansatz, sampler, observables, optimiser, and one for each factor with options.
std::vector<Parameter> vmc_parameters();

/// Without `Settings::start_from` and `Settings::compare_with`, which come from files.
vmc::Settings vmc_settings(Parameters const& point);

}  // namespace fermiac::app
