/// What a vmc study stores of each experiment.
#pragma once

#include <optional>
#include <vector>

#include "fermiac/study/kind.hpp"
#include "fermiac/vmc/exact_energy.hpp"
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

/// The exact energy of the wave function at these parameters, where it is known: of a restricted Boltzmann machine alone, and
/// of two particles with Jastrow factors.
std::optional<vmc::ExactEnergy> exact_energy_of(vmc::Settings const& settings, arma::vec const& parameters);

}  // namespace fermiac::app
