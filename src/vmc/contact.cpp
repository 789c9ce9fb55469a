#include "fermiac/vmc/contact.hpp"

#include "fermiac/base/error.hpp"

namespace fermiac::vmc {

ContactBehaviour contact_behaviour(System const& system, double cusp) {
  check(system);
  FERMIAC_ASSERT(system.dimensions > 1 || cusp == 0);
  if (system.particles == 1) return {Contact::regular, 0, "one particle: the local energy is bounded"};
  auto const limit = (system.interaction == Interaction::coulomb ? 1.0 : 0.0) - (system.dimensions - 1) * cusp;
  if (limit == 0) return {Contact::regular, 0, "the local energy is bounded at contact"};
  if (system.dimensions == 2)
    return {Contact::infinite_variance, limit, "the local energy has a pole 1/r at contact: infinite variance in 2 dimensions"};
  return {Contact::finite_variance, limit, "the local energy has a pole 1/r at contact: finite variance in 3 dimensions"};
}

}  // namespace fermiac::vmc
