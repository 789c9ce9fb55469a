/// Experiment `cov_mvn`: mean, covariance, its inverse, determinant and eigenvalues, and the fitted density, of a Gaussian in d
/// dimensions.
///
/// A replicate draws x_1 ... x_N ~ N(mu, Sigma), mu = 0. Sigma = H Lambda H: eigenvalues falling geometrically from 1 to
/// 1 / condition, H the reflection I - 2 v v' at v ~ (1, 2, ..., d), so that nothing is diagonal. With n = N - 1 and W the
/// scatter about the sample mean, which is Wishart (n, Sigma), the covariance is estimated by
///
/// | estimator | covariance C                                                                              |
/// |-----------|-------------------------------------------------------------------------------------------|
/// | mle       | W / N                                                                                     |
/// | sample    | S = W / n                                                                                 |
/// | unbiased  | of precision and log-determinant only: (N - d - 2) W^-1; log det S minus its bias         |
/// | shrunk    | (1 - a) S + a (tr S / d) I, a fixed (shrinkage.intensity)                                 |
/// | oas       | the same with a = [(1 - 2/d) tr S^2 + tr^2 S] / [(n + 1 - 2/d)(tr S^2 - tr^2 S / d)] <= 1 |
///
/// | quantity           | of the estimate C               | what is known                                          |
/// |--------------------|---------------------------------|--------------------------------------------------------|
/// | mean_1             | xbar_1                          | 0, Sigma_11 / N                                        |
/// | sigma_11, sigma_12 | C_11, C_12                      | sample: unbiased, variance (S_ij^2 + S_ii S_jj)/n      |
/// | frobenius_loss     | sum (C - Sigma)^2               | sample: (tr^2 + q)/n, mle: (n (tr^2 + q) + q)/N^2      |
/// | precision_dd       | (C^-1)_dd                       | (W^-1)_dd = (Sigma^-1)_dd / chi^2 of N - d             |
/// | log_det            | log det C                       | sum of log chi^2 of n, n - 1, ..., n - d + 1           |
/// | largest, smallest  | eigenvalues of C                | d = 2: `eigenvalues_of_two`; else biases of O(1/N)     |
/// | sum_of_squares     | of the eigenvalues of C         | E tr S^2 = q + (q + tr^2)/n                            |
/// | kl                 | KL(N(mu, Sigma), N(xbar, C))    | mle: [N d (1 + 1/N)/(N - d - 2) - d + e]/2             |
/// | t2                 | N (xbar - mu)' S^-1 (xbar - mu) | d n/(N - d) F(d, N - d)                                |
///
/// Here tr = tr Sigma, q = tr Sigma^2, e = E log det(C Sigma^-1); numbers after chi^2 are degrees of freedom.
///
/// What is estimated of the losses `frobenius_loss`, `kl` and of `t2` is 0, so that their bias is their mean. Those that
/// contain an inverse have finite moments below (N - d)/2 only.
///
/// Intervals, `exact` and `wald`. Of sigma_11: [n S/q_+, n S/q_-] with quantiles of chi^2, and S (1 -+ z sqrt(2/n)). Of t2:
/// [t2 - c, t2], which holds 0 exactly where the confidence region {m : N (xbar - m)' S^-1 (xbar - m) <= c} holds mu, c the
/// quantile of t2 (Hotelling) and that of chi^2 with d degrees of freedom. Coverage of all four is known exactly.
///
/// R. J. Muirhead, Aspects of Multivariate Statistical Theory (1982), chapters 3 and 5; D. N. Lawley, Tests of significance for
/// the latent roots of covariance and correlation matrices, Biometrika 43, 128 (1956); Y. Chen, A. Wiesel, Y. C. Eldar,
/// A. O. Hero, Shrinkage algorithms for MMSE covariance estimation, IEEE Trans. Signal Process. 58, 5016 (2010).
///
/// @throws InputError  naming sample.n unless N > d
#pragma once

#include "fermiac/estimators/experiment.hpp"

namespace fermiac::estimators {

std::unique_ptr<Experiment const> cov_mvn();

}  // namespace fermiac::estimators
