/// The Slater factor: a determinant of harmonic-oscillator orbitals for each spin.
///
///     Psi = det[phi_j(r_i)]_up det[phi_j(r_i)]_down exp(-alpha/2 sum_{i,c} omega_c x_ic^2)
///
/// phi_j are the lowest polynomials of `orbitals.hpp`, as many as there are particles of the spin (`system.up`), any number:
/// closed shells, open shells (the first orbitals of the last shell, x first), one spin alone. Antisymmetric under the exchange
/// of like particles; where each spin has one particle at most, the Gaussian alone.
///
/// **Parameter** ln alpha, where `slater.width_trainable` and the envelope is on. The width of the polynomials is no parameter:
/// it multiplies Psi by a constant and moves no node, for any number of particles and any frequencies (`orbitals.hpp` says
/// why). So the nodes of this factor are fixed, and d ln Psi / d ln alpha = -alpha/2 sum omega_c x_c^2 has all its moments.
///
/// **Envelope.** Every orbital has the same Gaussian, so it comes out of the determinants. `slater.envelope` = "off" leaves it
/// out where another factor confines the particles; "auto" does so where `rbm` or `gaussian` is a factor. Without it there is
/// no parameter.
///
/// Since p'' = 2 y p' - 2 m p, the Laplacian of the determinants needs first derivatives only:
///
///     del^2 D / D = sum_i 2 sum_c omega_c x_ic v_ic - 2 sum over orbitals of omega_c m_c,     v_i = grad_i ln |D|.
///
/// **Cost** for a particle of a spin of n: 2 n^2 multiplications for the update of the inverse, n for the ratio, D n for the
/// slope. `update_error` compares the inverse by updates with that of `refresh`. Of walkers on a node nothing is finite.
#pragma once

#include "fermiac/vmc/factor.hpp"

namespace fermiac::vmc {

/// Options: slater.width (default 1), slater.width_trainable (true), slater.envelope ("auto").
/// @throws InputError  (from `make`) naming ansatz.factors where the particles are bosons, slater.envelope where it is "off"
/// and nothing
///                     else confines the particles
FactorKind slater_kind();

/// The Gaussian of the orbitals as chosen by `slater.width`, `slater.width_trainable` and `slater.envelope`.
struct Envelope {
  bool on;
  bool trainable;  ///< not without it
  double width;    ///< alpha to begin with
};

/// For the factors `slater` and `backflow`.
/// @param factor  its name, for the message
/// @throws InputError  see `slater_kind`
Envelope envelope(System const& system, AnsatzSettings const& ansatz, std::string const& factor);

}  // namespace fermiac::vmc
