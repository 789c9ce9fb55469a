#include "fermiac/estimators/registry.hpp"

#include "fermiac/estimators/experiments/cov_mvn.hpp"
#include "fermiac/estimators/experiments/gauss_mean.hpp"

namespace fermiac::estimators {

std::vector<std::unique_ptr<Experiment const>> all_experiments() {
  std::vector<std::unique_ptr<Experiment const>> experiments;
  experiments.push_back(gauss_mean());
  experiments.push_back(cov_mvn());
  return experiments;
}

}  // namespace fermiac::estimators
