/// Experiment `grad_gauss`: estimators of the gradient of E f(z), z ~ N(mu 1, sigma^2 I) in d dimensions.
///
/// f(z) = a |z|^2 + k sum_{i<j} z_i z_j + b sum_i z_i + c, of Hessian H (2 a on the diagonal, k off it) and gradient
/// g = 2 a mu + k (d - 1) mu + b in each direction at the mean. Quantities are d/dmu_1 E f = g (the other directions are alike,
/// so that the total variance is d times this one) and d/dsigma E f = sigma t. With A = f(mu 1), t = tr H = 2 a d,
/// h = tr H^2 = d (4 a^2 + k^2 (d - 1)), h_1 = h / d, z = mu + sigma e, and the scores
/// s_mu = e_1 / sigma, s_sigma = (|e|^2 - d) / sigma, one draw has
///
///  * score, score_mean, score_best: (f - B) s with B = 0, E f = A + sigma^2 t / 2, E[f s^2] / E[s^2];
///    sigma^2 Var = M(B) - (sigma target)^2
///  * score_antithetic: f s, mean over e and -e; sigma^2 Var = (d + 1) (sigma g)^2; of sigma as `score` without the g^2 of M
///  * reparam: df/dz_1, of sigma e . grad f; Var = sigma^2 h_1; of sigma d g^2 + 2 sigma^2 h
///  * reparam_antithetic: mean over e and -e; Var = 0; of sigma 2 sigma^2 h
///  * mvd_coupled: (f(z_1 = mu + sigma W) - f(z_1 = mu - sigma W)) w; sigma^2 Var = 4 G / pi - (sigma g)^2
///  * mvd_independent: (f(z_1 = mu + sigma W) - f(z_1 = mu - sigma V)) w; sigma^2 Var = P - (sigma g)^2
///
/// W and V are Rayleigh, w = 1 / (sigma sqrt(2 pi)), G = (sigma g)^2 + sigma^4 k^2 (d - 1),
/// P = (4 + pi) G / (2 pi) + 4 a^2 sigma^4 / pi.
///
/// M(B), the second moment of (f - B) s, with x = A - B and S = sigma^4 (t^2 + 2 h) / 4:
///
///  * mu:    x^2 + sigma^2 g^2 (d + 2) + sigma^4 (t^2 + 2 h + 8 a t + 8 h_1) / 4 + x sigma^2 (t + 4 a)
///  * sigma: 2 d x^2 + sigma^2 d g^2 (2 d + 8) + S (2 d + 24) + x sigma^2 t (2 d + 8)
///
/// The measure-valued sigma is sum_j (f(z_j = mu + sigma M_j) - f(z_j = mu + sigma N_j)) / sigma, M double-sided Maxwell and N
/// normal: coupled N_j = U_j M_j with U uniform: variance d g^2 + sigma^2 (5/4 (h - 4 a^2 d) + 4 a^2 d); independent:
/// 4 d g^2 + sigma^2 (5 (h - 4 a^2 d) + 8 a^2 d).
///
/// Everything is an average over K draws (K/2 pairs where antithetic); `rloo` is the sample covariance of f and s, the score
/// with leave-one-out means for baselines: variance [m - c^2 (K - 2)/(K - 1) + Var f Var s / (K - 1)] / K with c the target and
/// m = E[(f - E f)^2 s^2]. Kurtoses of the score and path estimators by product quadrature, exact for these polynomials.
///
/// S. Mohamed, M. Rosca, M. Figurnov, A. Mnih, J. Mach. Learn. Res. 21(132) (2020); leave-one-out: W. Kool, H. van Hoof,
/// M. Welling, ICLR workshop (2019). The variances follow from Isserlis' theorem.
#pragma once

#include "fermiac/estimators/experiment.hpp"

namespace fermiac::estimators {

std::unique_ptr<Experiment const> grad_gauss();

}  // namespace fermiac::estimators
