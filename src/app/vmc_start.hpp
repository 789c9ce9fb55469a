/// Parameters to begin with, taken from the results of another vmc study.
#pragma once

#include <armadillo>
#include <map>
#include <memory>
#include <string>

#include "fermiac/base/parameter.hpp"
#include "fermiac/vmc/experiment.hpp"

namespace fermiac::app {

/// The results files that `ansatz.start_from` names, each read once.
///
/// **Which point of the file.** Axes of its tables [system] and [ansatz], and of the options of factors, must agree with the
/// point that asks, unless there is but one value along them; `system.omega` may differ: of those that agree, the one nearest
/// on a logarithmic scale. Over all other axes (samplers, optimisers) and replicates, the lowest energy.
///
/// **What is taken of it.** The parameters of every factor that both wave functions have, with as many of them (and the same
/// convention of `rbm`, the same words in their options), in the units of the other trap: lengths change by sqrt(omega there /
/// omega here).
class StartingPoints {
 public:
  StartingPoints();
  ~StartingPoints();

  /// `Settings::start_from` for a point; empty where it asks for no file.
  /// @param here  its settings
  /// @throws InputError  naming ansatz.start_from: no such file, no results of a vmc study, no finished point that agrees, no
  ///                     factor in common
  std::map<std::string, arma::vec> of(Parameters const& point, vmc::Settings const& here);

 private:
  struct Source;
  std::map<std::string, std::unique_ptr<Source const>> sources_;  ///< by path
};

}  // namespace fermiac::app
