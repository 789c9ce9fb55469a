#include "fermiac/app/registry.hpp"

namespace fermiac::app {

study::Registry all_kinds() {
  study::Registry registry;
  registry.add(vmc_kind());
  registry.add(flow_kind());
  registry.add(flow_gradient_kind());
  registry.add(flow_training_kind());
  registry.add(count_kind());
  for (auto& kind : estimator_kinds()) registry.add(std::move(kind));
  return registry;
}

}  // namespace fermiac::app
