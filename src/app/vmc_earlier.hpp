/// What a vmc study takes from the results of earlier ones: parameters to begin with, wave functions to compare with.
#pragma once

#include <armadillo>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "fermiac/base/parameter.hpp"
#include "fermiac/vmc/experiment.hpp"

namespace fermiac::app {

/// The results files that studies name, each read once.
class EarlierResults {
 public:
  EarlierResults();
  ~EarlierResults();

  /// `Settings::start_from` for a point, out of the file that `ansatz.start_from` names; empty where it names none.
  ///
  /// **Which point of the file.** Axes of its tables [system] and [ansatz], and of the options of factors, must agree with the
  /// point that asks, unless there is but one value along them; `system.omega` may differ: of those that agree, the one nearest
  /// on a logarithmic scale. Over all other axes (samplers, optimisers) and replicates, the lowest energy.
  ///
  /// **What is taken of it.** The parameters of every factor that both wave functions have, in the units of the other trap:
  /// lengths change by sqrt(omega there / omega here). They must be the same parameters: those of one name in one order, and
  /// the same `FactorForm::fixed_settings`. Factors that are not there, and those without parameters here, begin afresh.
  ///
  /// @param here  its settings
  /// @throws InputError  naming ansatz.start_from: no such file, no results of a vmc study, no finished point that agrees, a
  ///                     factor whose parameters there are others, no factor in common
  std::map<std::string, arma::vec> start_from(Parameters const& point, vmc::Settings const& here);

  /// `Settings::compare_with` for a point, out of the file that `sampler.compare_with` names; none where it names none.
  ///
  /// Of the points of the file whose system is the same and whose factors are those of `sampler.compare_factors`, the replicate
  /// of lowest energy, with the ansatz that it has there. Where no factors are asked for, the points must all have the same.
  ///
  /// @throws InputError  naming the key: no such file, no results of a vmc study, no finished point of that system and those
  ///                     factors, several factors to choose from
  std::optional<vmc::FrozenWaveFunction> compare_with(Parameters const& point, vmc::Settings const& here);

 private:
  struct Source;
  Source const& source(std::string const& key, std::string const& path);

  std::map<std::string, std::unique_ptr<Source const>> sources_;  ///< by path
};

}  // namespace fermiac::app
