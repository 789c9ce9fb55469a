/// Restricted Boltzmann machines of symmetric inputs: factors that do not know which particle is which.
///
///     Psi = prod_h (1 + exp(theta_h))^{s_h}
///
/// without a Gaussian: beside factors that confine and, for fermions, one that changes sign. `symmetric_rbm.inputs` chooses
/// what theta is made of. Lengths below are in units of 1 / sqrt(omega); parameters have no unit. All inputs grow more slowly
/// than r^2, so that whatever is trained, the wave function stays normalisable. All have no slope where two particles meet: the
/// factor leaves cusps alone, and is allowed in every dimension and with every interaction.
///
/// **pairs** (the default): a machine for every pair, the same for all pairs of a class (unlike, like),
///
///     Psi = prod_{i<j} prod_h (1 + exp(theta_h))^{s_h},     theta_h = b_h + w_h0 t(r_ij) + w_h1 (c_i + c_j) + w_h2 c_i c_j,
///     t(r) = r^2 / (1 + r),     c_i = r_i^2 / (N^(2/3) + r_i^2),     s_h = 1, -1, 1, -1, ...
///
/// The three inputs tell a pair's triangle with the centre apart, and sums and differences of convex functions of them come
/// near any smooth one: with hidden units enough, this is a general correlation u(r_ij, r_i, r_j) between two particles and the
/// centre, one-particle functions included. Units 2 m and 2 m + 1 begin alike, with normal b and w of deviation
/// symmetric_rbm.weights (w_h1 and w_h2 twice that): the factor begins as exactly 1, and training takes units apart along as
/// many directions as there are. A last unit without a partner begins with b = -4 and w = 0. Parameters: for the unlike class,
/// then the like one, where present: unit after unit, b, w_0, w_1, w_2. Cost of a move: (N - 1) (hidden + 1) exponentials or
/// logarithms.
///
/// **power_sums**: one machine for all particles together, the same s_h, of the K symmetric sums
///
///     theta_h = b_h + sum_k W_hk P_k,     P = 1/N sum_i c_i,  1/N sum_i c_i^2,
///                                             1/N sum_{i<j unlike} r_ij^2 / (m^2 + r_ij^2) with m = 1 and 3,  the same of like
///                                             pairs,
///
/// which correlates all particles at once. It begins as the machine of pairs does. Parameters: unit after unit, b, then W_hk.
///
/// **permutations**: the raw machine, summed over all permutations of the particles (at most 4),
///
///     Psi = sum_P prod_h (1 + exp(b_h + sum_i W_hi x_P(i)))
///
/// with coordinates x_i of particle after particle; b and W begin normal with deviation symmetric_rbm.weights / 5. Parameters:
/// unit after unit, b, then W_hi. Cost of a move: N! hidden exponentials.
///
/// Carleo & Troyer, Science 355, 602 (2017) (machines as wave functions); Drummond, Towler & Needs, Phys. Rev. B 70, 235119
/// (2004) (u, chi and f terms, which the machine of pairs holds); symmetric sums in the place of sorted coordinates, which put
/// kinks into Psi.
#pragma once

#include "fermiac/vmc/factor.hpp"

namespace fermiac::vmc {

/// Options: symmetric_rbm.inputs (pairs, power_sums, permutations), symmetric_rbm.hidden (1 to 256; of each class for pairs),
/// symmetric_rbm.weights.
FactorKind symmetric_rbm_kind();

}  // namespace fermiac::vmc
