/// Experiment `grad_bernoulli`: estimators of the gradient of E f(b), b ~ Bernoulli(p), p = sigmoid(phi), with respect to phi.
///
/// f(x) = (x - t)^2 + c on [0, 1], so that D = f(1) - f(0) = 1 - 2 t may be anything and c shifts both; the gradient is p q D,
/// q = 1 - p. With b = [u > q], u uniform, z = phi + logit(u), w = sigmoid(z / tau), one draw has
///
///  * reinforce, mean_baseline, best_baseline: (f(b) - B)(b - p) with B = 0, E f, q f(1) + p f(0); variance
///    p q (q f(1) + p f(0))^2, p q (1 - 2 p)^2 D^2, 0
///  * straight_through: p q f'(b); mean p q (p f'(1) + q f'(0)), biased by p q (2 p - 1); variance 4 (p q)^3
///  * arm: (f([u > q]) - f([u < p])) (u - 1/2); variance D^2 [2/3 (1/8 - (1/2 - m)^3) - (p q)^2], m = min(p, q)
///  * disarm: half of (f(b) - f(b')) (-1)^b' max(p, q) where b = [u > q] and b' = [u < p] differ; variance
///    D^2 p q (max(p, q) / 2 - p q)
///  * concrete: df(w)/dphi, biased; moments by quadrature
///  * rebar: f(b)(b - p) + eta [ -f(w~)(b - p) + df(w)/dphi - df(w~)/dphi ], w~ from z~ = phi + logit(q + v p) where b = 1,
///    phi + logit(q (1 - v)) where b = 0, v uniform and independent of u; `rebar_coupled` takes v so that z~ = z, but
///    differentiates at fixed v; `_best` with the eta of smallest variance, which is known here
///
/// Everything is an average over K draws; rloo: the score with leave-one-out means for baselines, which is D m (K - m) /
/// (K (K - 1)) for m ones among K; variance (D^2 / K) [p q (1 - 3 p q) - (p q)^2 (K - 3)/(K - 1)].
///
/// Given b, u and v are independent, so that moments of rebar are those of two integrals over one variable each: double
/// exponential quadrature on either side of z = 0, its error judged by twice the step.
///
/// G. Tucker et al., NeurIPS (2017) (REBAR); M. Yin, M. Zhou, ICLR (2019) (ARM); Z. Dong, A. Mnih, G. Tucker, NeurIPS (2020)
/// (DisARM); C. Maddison, A. Mnih, Y. W. Teh, ICLR (2017), E. Jang, S. Gu, B. Poole, ICLR (2017) (Concrete, Gumbel-softmax).
#pragma once

#include "fermiac/estimators/experiment.hpp"

namespace fermiac::estimators {

std::unique_ptr<Experiment const> grad_bernoulli();

}  // namespace fermiac::estimators
