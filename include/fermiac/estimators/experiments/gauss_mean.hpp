/// Experiment `gauss_mean`: maximum likelihood and maximum a posteriori estimates of the mean of a Gaussian.
///
/// A replicate draws x_1 ... x_N ~ N(mu, s2), with prior mu ~ N(nu, t2) and w = N t2 / (N t2 + s2).
///
///     estimator  of mu                bias             variance    of sigma2                 bias   variance
///     mle        xbar                 0                s2/N        S = sum (x - xbar)^2 / N  -s2/N  2 s2^2 (N-1)/N^2
///     map        w xbar + (1 - w) nu  -(1-w)(mu - nu)  w^2 s2/N
///     unbiased                                                     U = S N / (N - 1)         0      2 s2^2 / (N-1)
///
/// Intervals for mu at confidence c, with z and t the two-sided normal and Student (N - 1) quantiles, p = s2 t2 / (N t2 + s2),
/// b and v^2 bias and variance of map:
///
///     rule      interval              coverage
///     z         xbar +- z sqrt(s2/N)  c
///     t         xbar +- t sqrt(U/N)   c
///     plug_in   xbar +- z sqrt(S/N)   2 F_t(z sqrt((N - 1)/N)) - 1
///     credible  map +- z sqrt(p)      Phi((z sqrt(p) - b)/v) - Phi((-z sqrt(p) - b)/v)
///
/// map beats mle in mean squared error where (mu - nu)^2 < s2/N + 2 t2. E. L. Lehmann, G. Casella, Theory of Point Estimation,
/// 2nd ed. (1998), chapters 2 and 4.
#pragma once

#include "fermiac/estimators/experiment.hpp"

namespace fermiac::estimators {

std::unique_ptr<Experiment const> gauss_mean();

}  // namespace fermiac::estimators
