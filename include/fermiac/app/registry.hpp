/// The kinds this program knows.
#pragma once

#include <memory>
#include <vector>

#include "fermiac/study/kind.hpp"

namespace fermiac::app {

/// One line a kind: this is where a new one is added.
study::Registry all_kinds();

// One adapter per family makes its kinds.
std::unique_ptr<study::Kind const> count_kind();
std::unique_ptr<study::Kind const> flow_gradient_kind();
std::unique_ptr<study::Kind const> flow_kind();
std::unique_ptr<study::Kind const> flow_training_kind();
std::unique_ptr<study::Kind const> vmc_kind();
std::vector<std::unique_ptr<study::Kind const>> estimator_kinds();  ///< one an experiment

}  // namespace fermiac::app
