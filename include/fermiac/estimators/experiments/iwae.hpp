/// Experiment `iwae`: importance-weighted bounds of log p(x) and their gradients, in a linear-Gaussian latent-variable model.
///
/// p(z) = N(0, 1), p(x|z) = N(w z, r), posterior N(m, v) with v = 1 / (1 + w^2 / r), m = v w x / r; proposal q = N(a, S), S =
/// rho v, a = m + delta sqrt(v); z = a + sqrt(S) e. A weight over p(x), omega = p(x, z) / (q(z) p(x)), is a function of e
/// alone: log omega = (log rho - delta^2) / 2 - delta sqrt(rho) e + (1 - rho) e^2 / 2, and E omega = 1. E omega^s is finite for
/// s (1 - rho) < 1, so that weights have no variance where 2 S <= v. Logarithms and ratios of weights have all moments, but
/// far tails all the same: their skewness and kurtosis are computed too, so that z-scores hold (`performance.hpp`). Those of
/// iwae_controlled cancel in double precision; where E omega^8 is infinite its variance is shown without z, its bias with one.
///
/// With K weights, W their mean, w_i = omega_i / sum omega, and the gradients h_w = d/dw log p(x|z), h_a = -(z - m) / v along
/// the whole path and h_p = h_a + e / sqrt(S) without that through log q's own parameter (sticking the landing):
///
///  * bound (of log p(x)): elbo mean log omega + log p; iwae log W + log p; iwae_controlled log W - (W - 1) + log p, which
///    knows p(x) and so shows the gap with less noise; jackknife K log W - (K - 1) mean_i log W without omega_i
///  * evidence (of 1): iwae W, with variance chi2 / K, chi2 = rho e^(delta^2 / (2 rho - 1)) / sqrt(2 rho - 1) - 1
///  * d_w (of d/dw log p): elbo mean h_w; iwae sum w_i h_w
///  * d_a (of 0, for p(x) does not know a; the bias is the gradient of the bound): elbo mean h_a; stl mean h_p;
///    iwae sum w_i h_a; iwae_stl sum w_i h_p; dreg sum w_i^2 h_p
///
/// Truth for every K: with M(t) = E e^(-t omega), E log W = int_0^inf (e^(-K t) - M(t)^K) / t dt (Frullani's integral), and in
/// the same way E log^2 W = -2 [int (e^(-K t) - M^K) log(K t) / t dt + gamma E log W], its third and fourth cumulants by those
/// of log T - log(T / W), T exponential, P(T / W > K t) = M^K; E W log W = int (e^(-K t) - M^(K-1) E[omega e^(-t omega)]) / t
/// dt, E sum w_i h = K int E[omega h e^(-t omega)] M^(K-1) dt, E (sum w_i h)^2 = int t (K E[omega^2 h^2 e^(-t omega)] M^(K-1) +
/// K (K - 1) E[omega h e^(-t omega)]^2 M^(K-2)) dt, and with t^3 / 6 and squared weights for dreg; third and fourth powers
/// likewise, with t^2 / 2 and t^3 / 6 (dreg: t^5 / 120, t^7 / 5040). Trapezoidal rules in log t and in e, exact to rounding;
/// errors judged by twice the steps.
///
/// For large K the gap is chi2 / (2 K), that of the jackknife O(K^-2); signal-to-noise ratios |mean| / deviation grow as
/// K^(1/2) for d_w and dreg, and fall as K^(-1/2) for iwae of d_a.
///
/// Y. Burda, R. Grosse, R. Salakhutdinov, ICLR (2016); S. Nowozin, ICLR (2018) (jackknife); T. Rainforth et al., ICML (2018)
/// (signal-to-noise); G. Roeder, Y. Wu, D. Duvenaud, NeurIPS (2017) (stl); G. Tucker et al., ICLR (2019) (dreg).
#pragma once

#include "fermiac/estimators/experiment.hpp"

namespace fermiac::estimators {

std::unique_ptr<Experiment const> iwae();

}  // namespace fermiac::estimators
