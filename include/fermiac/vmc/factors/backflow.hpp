/// The backflow factor: Slater determinants at coordinates that the other particles shift.
///
///     Psi = det[phi_j(q_i)]_up det[phi_j(q_i)]_down exp(-alpha/2 sum_{i,c} omega_c x_ic^2)
///     q_i = x_i (1 + mu(i)) + sum_{j != i} (x_i - x_j) eta_s(i, j),        s = like or unlike
///
/// It takes the place of `slater`: orbitals, envelope and their options are that factor's. The map x -> q does not ask which
/// particle is which, so Psi is exactly antisymmetric under exchange of like particles. eta and mu are smooth functions of
/// squared distances: Psi has no cusp of its own, and those of other factors stay exact. Without shifts it is the plain Slater
/// factor.
///
/// **Forms** (`backflow.form`), u = omega r_ij^2, u_i = omega r_i^2, parameters for like, for unlike pairs and for mu each:
///
///     pair       eta = sum_{k=1}^n c_k t^k,  t = 1 / (1 + kappa u);      mu the same with u_i;     c_1 ... c_n, ln kappa
///     network    eta = sum_h w_h sigmoid(b_h + v_h1 a(u) + v_h2 a(u_i) + v_h3 a(u_j)),  a(u) = sqrt(1 + u);  w, b, v1, v2, v3
///     by h
///                mu = sum_h w_h sigmoid(b_h + v_h a(u_i));   w, b, v by h
///
/// The network is the hidden layer of a restricted Boltzmann machine (sigmoid(theta) is the mean of a hidden unit) with weights
/// that all pairs share. It may decay with distance or not, and knows where in the trap a pair is. It begins decaying.
///
/// **Derivatives**, with L(q) = ln |det det|, a, b pairs of a particle and a direction, F = grad L, B = A^-1 by spin,
/// J_am = dq_a / dx_m, G^c_il = sum_j d_c phi_j(q_i) B(j, l):
///
///     grad ln |Psi| = J^T F,       del^2 ln |Psi| = sum_ab H_ab (J J^T)_ab + F . del^2 q
///     F_ic = G^c_ii,     H_(ic)(ld) = delta_il sum_j d_c d_d phi_j(q_i) B(j, i) - G^c_il G^d_li     of like i, l, else 0
///     d ln |Psi| / dp = F . dq/dp
///
/// **Training.** Steps of stochastic reconfiguration of 0.1 / omega that fall to a tenth (optimiser.rate, optimiser.decay) are
/// safe for both forms; the default of 0.3 is not.
///
/// Parameters move the nodes of Psi: d ln |Psi| / dp goes like 1 / distance to a node, and products of it with the local energy
/// or itself need care (`FactorForm::moves_nodes`).
///
/// **Cost** of a move: new eta of N - 1 pairs, all orbitals and both determinants, by elimination, order n^3. Of a slope: order
/// N^3 multiplications. Walkers are computed 32 at a time, so that packs of multiples of 32 waste nothing.
///
/// Schmidt, Lee, Kalos & Chester, Phys. Rev. Lett. 47, 807 (1981); Kwon, Ceperley & Martin, Phys. Rev. B 48, 12037 (1993)
/// (derivatives); Lopez Rios, Ma, Drummond, Towler & Needs, Phys. Rev. E 74, 066701 (2006) (inhomogeneous systems, cusps).
#pragma once

#include "fermiac/vmc/factor.hpp"

namespace fermiac::vmc {

/// Options: backflow.form ("network"), backflow.terms (n, or h: 4), backflow.central (true: mu too), and slater.width, ...
/// Parameters: ln alpha where it is trained, then those of like pairs, of unlike pairs (where there are any), and of mu; where
/// no two particles are like, ln alpha alone.
/// @throws InputError  (from `make`) as the Slater factor
FactorKind backflow_kind();

}  // namespace fermiac::vmc
