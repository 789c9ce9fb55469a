/// What a vmc study stores of each experiment.
#pragma once

#include <vector>

#include "fermiac/study/kind.hpp"
#include "fermiac/vmc/experiment.hpp"

namespace fermiac::app {

/// Variables of replicates, and the coordinates of their own dimensions.
///
/// More than 40 of them: an item takes seconds at the least, so that writing its record counts for nothing, and arrays that are
/// not asked for have no elements.
std::vector<study::Variable> vmc_replicate_variables();

std::vector<study::Dimension> vmc_dimensions(vmc::Settings const& settings);

/// Writes an outcome to entry `entry` of a record.
void record_outcome(vmc::Settings const& settings, vmc::Outcome const& outcome, std::uint64_t entry, study::Record& to);

/// Writes the middles of cells to the record of a point.
void record_coordinates(vmc::Settings const& settings, study::Record& to);

/// Whether the exact energy of the wave function is known: of a restricted Boltzmann machine alone.
bool has_exact_energy(vmc::Settings const& settings);

}  // namespace fermiac::app
