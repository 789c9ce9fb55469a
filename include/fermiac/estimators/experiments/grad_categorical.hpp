/// Experiment `grad_categorical`: estimators of the gradient of E f(z) over a categorical z with respect to its logits.
///
/// C classes with logits theta_k = spread ((k + 1/2) / C - 1/2), k = 0 ... C - 1, so that the last class is the most probable;
/// p = softmax(theta). On the simplex f(x) = sum_k c_k x_k^2 + level with c_k = cos(2 k): f_k = c_k + level at the corners.
/// Quantities are the derivatives p_j (f_j - E f) to the logits of the first and of the last class. With s_j = [z = j] - p_j:
///
///  * score, score_mean, score_best: (f_z - B) s_j, B = 0, E f, E[f s_j^2] / E[s_j^2]
///  * rloo: the same with the mean of the other draws; variance [m - g^2 (K - 2)/(K - 1) + Var f p_j (1 - p_j) / (K - 1)] / K,
///    m = E[(f - E f)^2 s_j^2], g the target
///  * straight_through: sum_k f'_k dp_k/dtheta_j at the corner of z: 2 c_z p_z s_j, biased
///  * rao_blackwell: the `summed` most probable classes by their expectation, z drawn from the others; variance P^2 Var(f s_j |
///    others), P their probability
///  * gumbel_softmax: d/dtheta_j f(x), x = softmax((theta + g) / tau), biased
///  * gumbel_straight: the same with f' taken at the corner of z, the largest of theta + g, biased
///
/// Everything is an average over K draws. Truth by enumeration; the last two by quadrature (`gumbel_softmax.hpp`).
///
/// W. Kool, H. van Hoof, M. Welling, ICLR workshop (2019); E. Jang, S. Gu, B. Poole, ICLR (2017); R. Liu, J. Regier, N.
/// Tripuraneni, M. Jordan, J. McAuliffe, ICML (2019) (Rao and Blackwell).
#pragma once

#include "fermiac/estimators/experiment.hpp"

namespace fermiac::estimators {

std::unique_ptr<Experiment const> grad_categorical();

}  // namespace fermiac::estimators
