#include "fermiac/vmc/system.hpp"

#include <cmath>
#include <string>

#include "fermiac/base/error.hpp"

namespace fermiac::vmc {

void check(System const& system) {
  if (system.particles < 1)
    throw InputError("system.particles", "there must be at least 1 particle, not " + std::to_string(system.particles));
  if (system.dimensions < 1 || system.dimensions > 3)
    throw InputError("system.dimensions", "there are 1, 2 or 3 dimensions, not " + std::to_string(system.dimensions));
  if (!(system.omega > 0) || !std::isfinite(system.omega))
    throw InputError("system.omega",
                     "the trap frequency must be greater than 0 and finite, not " + std::to_string(system.omega));
  if (system.interaction == Interaction::coulomb && system.dimensions == 1)
    throw InputError("system.interaction",
                     "in one dimension a wave function that does not vanish at contact has infinite Coulomb energy; "
                     "use \"soft_coulomb\"");
  if (system.interaction == Interaction::soft_coulomb && (!(system.softening > 0) || !std::isfinite(system.softening)))
    throw InputError("system.softening",
                     "the softening must be greater than 0 and finite, not " + std::to_string(system.softening));
}

}  // namespace fermiac::vmc
