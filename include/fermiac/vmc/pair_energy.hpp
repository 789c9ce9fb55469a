/// The exact energy of two particles in products of Gaussian and Jastrow factors, its gradient, and the lowest there is.
#pragma once

#include <armadillo>
#include <optional>

#include "fermiac/vmc/exact_energy.hpp"
#include "fermiac/vmc/factor.hpp"
#include "fermiac/vmc/system.hpp"

namespace fermiac::vmc {

/// The energy of two particles, and its gradient by all parameters of the wave function in their order.
///
/// Where every factor is a Gaussian of both particles, a function of their distance, or the determinant of two like ones,
///
///     Psi = exp(-alpha omega/2 (r_1^2 + r_2^2) + J(r)) (x_1 - x_2)^l,     r = |r_1 - r_2|,  l = 1 for like spins, else 0,
///
/// the centre of mass contributes dimensions alpha omega / 4 (kinetic) and dimensions omega / (4 alpha) (trap), and the
/// relative motion, u = l/r - alpha omega r/2 + J', integrals over the distance alone:
///
///     < u^2 + l (l + dimensions - 2) / r^2 >  +  < omega^2 r^2 / 4 >  +  < v(r) >,
///     |Psi|^2 ~ r^(dimensions - 1 + 2 l) exp(-alpha omega r^2 / 2 + 2 J).
///
/// The gradient is that under the integral, not of differences. Quadrature: 20 points of Gauss and Legendre (Boost.Math) on
/// panels that double in width from 2^-40 of the largest distance on and end at 2 / sqrt(alpha omega): poles of J at -1 / beta
/// and of v at +-i softening are then a panel's width or more away wherever they are, and leave 1e-20 and less.
///
/// @param system      as accepted by `check`
/// @param ansatz      factors of `gaussian`, `slater`, `pade_jastrow`, `simple_jastrow`, `linear_jastrow`, any product
/// @param parameters  of `WaveFunction(system, ansatz)`
/// @return            nothing where the closed form does not hold: other factors, other than two particles, an anisotropic trap
///                    or a double well
/// @throws InputError   as `WaveFunction`
/// @throws ItemFailure  where a parameter, or an energy, is not finite
///
/// Accuracy: 1e-12 relative to the largest part and component of the gradient. Cost: about 0.1 ms. Bits: `simd` functions and a
/// fixed order, the same everywhere.
std::optional<ExactEnergy> pair_energy(System const& system, AnsatzSettings const& ansatz, arma::vec const& parameters);

struct PairMinimum {
  double energy = 0;
  arma::vec parameters;    ///< where it is reached
  bool converged = false;  ///< whether the search converged
};

/// The lowest `pair_energy` over the parameters that are trained, found by L-BFGS from where the study begins: the bound of
/// every optimisation of this wave function. Nothing where there is no `pair_energy`.
///
/// @throws InputError, ItemFailure  as `pair_energy`
///
/// Cost: some ms.
std::optional<PairMinimum> pair_minimum(System const& system, AnsatzSettings const& ansatz);

}  // namespace fermiac::vmc
