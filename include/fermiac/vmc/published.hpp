/// Energies of quantum dots that others have published, to print beside ours. They are no truth and no bound.
#pragma once

#include <optional>

#include "fermiac/vmc/system.hpp"
#include "fermiac/vmc/wave_function.hpp"

namespace fermiac::vmc {

struct PublishedEnergy {
  double value = 0;  ///< atomic units
  double error = 0;  ///< as published: where correlated samples were taken for independent ones it is too small; 0 for none
  char const* source = "";
};

/// The columns of the table. RBM: Gaussian-binary machines on raw coordinates, Psi = F with sigma^2 = 1 / omega, times Slater
/// determinants where there is more than one electron of a spin.
enum class PublishedMethod {
  rbm,                  ///< slater * rbm
  rbm_simple_jastrow,   ///< slater * rbm * simple_jastrow (with a strength for each pair of electrons)
  rbm_pade_jastrow,     ///< slater * rbm * pade_jastrow
  hartree_fock,         ///< in a finite basis
  slater_pade_jastrow,  ///< slater * pade_jastrow
  diffusion             ///< fixed-node diffusion Monte Carlo with nodes of oscillator orbitals
};

/// Closed shells of electrons, as many of each spin, with Coulomb interaction in the isotropic harmonic trap: in two dimensions
/// 2 to 56 electrons, omega = 0.1, 0.28, 0.5, 1 (and 1/6 for two), in three 2, 8, 20 and 40 at the former; none otherwise, nor
/// where the method was not applied.
///
/// Some of them lie below the exact energy, or below diffusion Monte Carlo with the same nodes, by more than their errors.
/// omega may differ by 1e-5 relative from these (0.166667 for 1/6), which moves the energy by less than the published error.
///
/// Nordhagen, MSc thesis, University of Oslo (2019); diffusion: Hogberget, MSc thesis, University of Oslo (2013).
std::optional<PublishedEnergy> published_energy(System const& system, PublishedMethod method);

/// Which of them a wave function, made of `ansatz`, is of the kind of. Not always the same: theirs has a Jastrow strength for
/// each pair of electrons, and its hidden units are not stated here (with the trap's own width two do what more can, two
/// electrons).
std::optional<PublishedMethod> published_method(WaveFunction const& wave_function, AnsatzSettings const& ansatz);

}  // namespace fermiac::vmc
