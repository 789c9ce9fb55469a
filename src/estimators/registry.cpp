#include "fermiac/estimators/registry.hpp"

#include "fermiac/estimators/experiments/gauss_mean.hpp"

namespace fermiac::estimators {

std::vector<std::unique_ptr<Experiment const>> all_experiments() {
  std::vector<std::unique_ptr<Experiment const>> experiments;
  experiments.push_back(gauss_mean());
  return experiments;
}

}  // namespace fermiac::estimators
