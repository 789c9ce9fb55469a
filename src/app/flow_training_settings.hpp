/// The keys of kind `flow_training`, and what they mean.
#pragma once

#include <string>
#include <vector>

#include "fermiac/base/parameter.hpp"
#include "fermiac/flow/training.hpp"

namespace fermiac::app {

std::vector<Parameter> flow_training_parameters();

/// Components of a sample.
std::size_t data_dimension(Parameters const& point);

/// @throws InputError  naming the key
flow::TrainingSettings flow_training_settings(Parameters const& point);

/// The key `adjoint.memory_mb`.
Parameter memory_parameter();

/// The keys of the options of the field `neural` alone.
std::vector<Parameter> neural_parameters();

/// The shape of the network that they choose.
network::Shape neural_shape_of(Parameters const& point, std::size_t dimension);

}  // namespace fermiac::app
