/// Experiment `beta_vae_linear`: what a linear beta-VAE learns from N vectors, and when its axes collapse.
///
/// Data x ~ N(0, diag(lambda)) in three dimensions. Decoder p(x | z) = N(W z, r I), prior p(z) = N(0, I), encoder
/// q(z | x) = N(A x, diag(s^2)). Maximised is the mean over the sample of
///
///     E_q log p(x | z) - beta KL(q(z | x) || p(z)).
///
/// Along an axis of second moment l, with theta = beta r, the maximum has w^2 = (l - theta)+, a = w / (w^2 + theta) and
/// s^2 = theta / (w^2 + theta): below theta an axis collapses, w = 0 and q = p. There rate and distortion are
///
///     R = E KL = log+(l / theta) / 2,   D = E_q |x - w z|^2 = min(l, theta),
///
/// summed over axes: the rate-distortion function of a Gaussian (reverse water-filling), of which beta is the multiplier,
/// dR / d(D / 2 r) = -1 / beta. beta = 1 is probabilistic PCA.
///
/// | estimator  | of w2_first, ..._third, rate, distortion, active (number of axes with w != 0)                             |
/// |------------|-----------------------------------------------------------------------------------------------------------|
/// | known_axes | l_i = mean of x_i^2                                                                                       |
/// | pca        | l_i = eigenvalues of the second moments, the largest first                                                |
/// | sgd        | w_i^2 after stochastic gradient ascent (w2 only)                                                          |
///
/// For known_axes l_i = lambda_i chi^2_N / N, and everything is exact: for w2, distortion and active by incomplete Gamma
/// functions, for the rate by quadrature. An axis that is active (for distortion: collapses) in fewer than one of 100 samples
/// but more than one of 1e15 makes values to which z-scores do not apply; no truth is stated where nothing else varies.
///
/// sgd takes one vector and one draw z = a x + s e at a time, in the order of the sample, `sgd.passes` times, with steps
/// sgd.step / (1 + t / sgd.decay_after) along the gradient in (w, a, log s) from (1, 1/2, -1/2), axis by axis.
///
/// J. Lucas, G. Tucker, R. Grosse, M. Norouzi, Don't blame the ELBO! A linear VAE perspective on posterior collapse, NeurIPS
/// (2019); I. Higgins et al., beta-VAE, ICLR (2017); A. A. Alemi et al., Fixing a broken ELBO, ICML (2018); T. M. Cover,
/// J. A. Thomas, Elements of Information Theory, 2nd ed. (2006), section 10.3.
#pragma once

#include "fermiac/estimators/experiment.hpp"

namespace fermiac::estimators {

std::unique_ptr<Experiment const> beta_vae_linear();

}  // namespace fermiac::estimators
