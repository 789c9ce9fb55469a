#include "fermiac/vmc/system.hpp"

#include <fmt/format.h>

#include <cmath>

#include "fermiac/base/error.hpp"

namespace fermiac::vmc {

void check(System const& system) {
  if (system.particles < 1)
    throw InputError("system.particles", fmt::format("there must be at least 1 particle, not {}", system.particles));
  if (system.dimensions < 1 || system.dimensions > 3)
    throw InputError("system.dimensions", fmt::format("there are 1, 2 or 3 dimensions, not {}", system.dimensions));
  if (!(system.omega > 0) || !std::isfinite(system.omega))
    throw InputError("system.omega", fmt::format("the trap frequency must be greater than 0 and finite, not {}", system.omega));
  if (system.interaction == Interaction::coulomb && system.dimensions == 1 && system.particles > 1)
    throw InputError("system.interaction",
                     "in one dimension a wave function that does not vanish at contact has infinite Coulomb energy; "
                     "use \"soft_coulomb\"");
  if (system.interaction == Interaction::soft_coulomb && (!(system.softening > 0) || !std::isfinite(system.softening)))
    throw InputError("system.softening",
                     fmt::format("the softening must be greater than 0 and finite, not {}", system.softening));
  if (system.up < -1 || system.up > system.particles)
    throw InputError("system.up",
                     fmt::format("of {} particles 0 to all may have spin up (-1: half), not {}", system.particles, system.up));
  for (std::size_t c = 0; c < system.frequency_ratio.size(); ++c)
    if (double const ratio = system.frequency_ratio[c]; !(ratio > 0) || !std::isfinite(ratio))
      throw InputError(c == 2 ? "system.ratio_z" : "system.ratio_y",
                       fmt::format("ratios of frequencies must be greater than 0 and finite, not {}", ratio));
  if (!(system.well_distance >= 0) || !std::isfinite(system.well_distance))
    throw InputError("system.well_distance",
                     fmt::format("the distance of the wells must be 0 or greater, not {}", system.well_distance));
}

std::size_t n_up(System const& system) {
  return static_cast<std::size_t>(system.up >= 0 ? system.up : (system.particles + 1) / 2);
}

bool are_like(System const& system, std::size_t p, std::size_t q) {
  return system.statistics == Statistics::fermions && (p < n_up(system)) == (q < n_up(system));
}

bool has_like_pairs(System const& system) {
  auto const n = static_cast<std::size_t>(system.particles);
  return system.statistics == Statistics::fermions && (n_up(system) > 1 || n - n_up(system) > 1);
}

bool has_unlike_pairs(System const& system) {
  auto const n = static_cast<std::size_t>(system.particles);
  return system.statistics == Statistics::bosons ? n > 1 : n_up(system) > 0 && n_up(system) < n;
}

bool is_isotropic(System const& system) {
  if (system.trap == Trap::double_well && system.well_distance > 0) return false;
  for (std::size_t c = 0; c < static_cast<std::size_t>(system.dimensions); ++c)
    if (system.frequency_ratio[c] != 1) return false;
  return true;
}

}  // namespace fermiac::vmc
