/// Energies of the same wave function that others have published, to print beside ours. They are no truth and no bound.
#pragma once

#include <optional>

#include "fermiac/vmc/system.hpp"

namespace fermiac::vmc {

struct PublishedEnergy {
  double value = 0;  ///< atomic units
  double error = 0;  ///< as published: it takes correlated samples for independent ones, so it is too small
  char const* source = "";
};

/// The published energy of a pure restricted Boltzmann machine, Psi = F with sigma^2 = 1 / omega, for two electrons with
/// Coulomb interaction: in two dimensions at omega = 0.1, 1/6, 0.28, 0.5, 1, in three at 0.1, 0.28, 0.5, 1; none otherwise.
///
/// omega may differ by 1e-5 relative from these (0.166667 for 1/6), which moves the energy by less than the published error.
std::optional<PublishedEnergy> published_rbm_energy(System const& system);

}  // namespace fermiac::vmc
