/// Local energies of the walkers of a pack from the slope of ln Psi.
#pragma once

#include <cstddef>

#include "fermiac/vmc/columns.hpp"
#include "fermiac/vmc/pack.hpp"
#include "fermiac/vmc/system.hpp"

namespace fermiac::vmc {

/// All terms of `LocalEnergies` from coordinates and grad ln Psi (walkers x M) and del^2 ln Psi (walkers). Where `defect` is
/// not 0, the control variate of `Pack` with g - (D - 1) cusp = defect is part of the energy, and grad G (walkers x M) is
/// written to `pair_gradient`.
void local_energies(System const& system, Columns const& x, Columns const& drift, double const* laplacian, double defect,
                    LocalEnergies& energies, Columns& pair_gradient);

}  // namespace fermiac::vmc
