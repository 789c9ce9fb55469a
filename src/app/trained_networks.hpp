/// Networks that an earlier study trained, as fields of a later one.
#pragma once

#include <armadillo>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "fermiac/base/parameter.hpp"
#include "fermiac/study/kind.hpp"

namespace fermiac::app {

/// Results files of kind flow_training in memory, as `neural.from` names them.
class TrainedNetworks {
 public:
  TrainedNetworks();
  ~TrainedNetworks();

  /// The file that a point reads; none where it names none.
  static std::vector<study::Input> inputs(Parameters const& point);

  /// Parameters of the network with the lowest negative_log among the done replicates of all points that have this point's
  /// neural.hidden, layer and output_gate; empty where no file is named. Read once.
  /// @throws InputError  naming neural.from, where there is no such file, or none such network in it
  arma::vec of(Parameters const& point, std::size_t n_parameters);

 private:
  struct Source;
  std::map<std::string, std::unique_ptr<Source const>> sources_;
};

}  // namespace fermiac::app
