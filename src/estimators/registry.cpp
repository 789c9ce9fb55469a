#include "fermiac/estimators/registry.hpp"

#include "fermiac/estimators/experiments/beta_vae_linear.hpp"
#include "fermiac/estimators/experiments/cov_mvn.hpp"
#include "fermiac/estimators/experiments/fid_mmd.hpp"
#include "fermiac/estimators/experiments/gauss_mean.hpp"
#include "fermiac/estimators/experiments/grad_bernoulli.hpp"
#include "fermiac/estimators/experiments/grad_categorical.hpp"
#include "fermiac/estimators/experiments/grad_gauss.hpp"
#include "fermiac/estimators/experiments/iwae.hpp"
#include "fermiac/estimators/experiments/mcse_validity.hpp"
#include "fermiac/estimators/experiments/nested_mc.hpp"
#include "fermiac/estimators/experiments/rates.hpp"

namespace fermiac::estimators {

std::vector<std::unique_ptr<Experiment const>> all_experiments() {
  std::vector<std::unique_ptr<Experiment const>> experiments;
  experiments.push_back(gauss_mean());
  experiments.push_back(rates());
  experiments.push_back(mcse_validity());
  experiments.push_back(grad_gauss());
  experiments.push_back(grad_bernoulli());
  experiments.push_back(grad_categorical());
  experiments.push_back(iwae());
  experiments.push_back(beta_vae_linear());
  experiments.push_back(cov_mvn());
  experiments.push_back(fid_mmd());
  experiments.push_back(nested_mc());
  return experiments;
}

}  // namespace fermiac::estimators
