/// The lowest energy that a restricted Boltzmann machine can reach: the bound of every optimisation of it.
#pragma once

#include "fermiac/vmc/rbm.hpp"
#include "fermiac/vmc/system.hpp"

namespace fermiac::vmc {

struct AnsatzMinimum {
  double energy = 0;
  RbmParameters
      parameters;  ///< where it is reached; one of many, for turning the dot and permuting hidden units change nothing
  int n_starts = 0;
  int n_agreeing = 0;      ///< starts that ended within 1e-6 of the energy, relative
  bool converged = false;  ///< whether the search that found it converged
};

/// The lowest `exact_energy` over the trained parameters, found by L-BFGS from `n_starts` starts.
///
/// Half of the starts, and the first of them, are antisymmetric: every hidden unit pushes neighbouring particles apart
/// (weights of alternating sign from particle to particle, hidden units in opposite pairs, with noise); the others are
/// random. Sizes of the weights go from sigma / 2 to 4 sigma; all are centred on the trap. Starts are fixed: the same call
/// gives the same bits everywhere. Local minima are common (Psi = F, two units, omega = 0.1: 3 of the 16 starts end in one),
/// so `n_agreeing` tells how much to trust the result, which is an upper bound of the infimum in any case.
///
/// @param shape          n_hidden at most `max_hidden_exact`
/// @param sigma_squared  width squared, greater than 0: fixed, or of the starts where sigma is trained
/// @param n_starts       at least 1
/// @throws InputError   as `exact_energy`, and where sigma_squared or n_starts is out of range
/// @throws ItemFailure  where the energy is not finite at any of the starts
///
/// Cost: some hundred `exact_energy` for each start; two electrons and two hidden units: some 10 ms altogether.
AnsatzMinimum ansatz_minimum(System const& system, RbmShape const& shape, double sigma_squared, int n_starts = 16);

}  // namespace fermiac::vmc
