#include "fermiac/app/registry.hpp"

namespace fermiac::app {

study::Registry all_kinds() {
  study::Registry registry;
  registry.add(vmc_kind());
  registry.add(count_kind());
  for (auto& kind : estimator_kinds()) registry.add(std::move(kind));
  return registry;
}

}  // namespace fermiac::app
