/// Experiment `rates`: how fast do errors of classical estimators fall with the sample size?
///
/// `rates.family` chooses what is estimated from n draws. Unit scales lose nothing: all these estimators are equivariant.
///
///     family       draws           estimators                      what is exact
///     normal       N(0, 1)         mean; median                    1/n; order-statistic quadrature (n odd), -> pi/(2n)
///     uniform      U(0, 1)         maximum; corrected; twice_mean  Beta(n, 1): bias -1/(n+1), variance n/((n+1)^2 (n+2))
///     exponential  Exp(1)          reciprocal; unbiased            bias 1/(n-1), variance n^2/((n-1)^2 (n-2))
///     density      N(0, 1)         kde, h = c n^(-1/5)             mean integrated squared error (below), rate -4/5
///     entropy      m equal cells   plug_in; miller_madow           bias by binomial, variance by trinomial sums
///     shrinkage    N(theta, I/n)   mle; james_stein                risks d/n and (d - (d-2)^2 E[1/(d-2+2K)])/n
///
/// corrected is (n+1)/n maximum (rate -2 against -1 of twice_mean), reciprocal 1/xbar with finite moments below order n,
/// unbiased (n-1)/(n xbar), miller_madow plug_in + (occupied - 1)/(2n), K ~ Poisson(n |theta|^2/2).
///
/// Of `density` an estimate is the integrated squared error, of `shrinkage` the squared distance from theta: their target is 0
/// and their bias the risk.
///
///     MISE = (1/(2 sqrt(pi))) [1/(n h) + (1 - 1/n)/sqrt(1 + h^2) - 2 sqrt(2)/sqrt(2 + h^2) + 1].
///
/// M. P. Wand, M. C. Jones, Kernel Smoothing (1995), section 2.6; L. Paninski, Neural Comput. 15, 1191 (2003); W. James,
/// C. Stein, Proc. 4th Berkeley Symp. 1, 361 (1961); H. A. David, H. N. Nagaraja, Order Statistics, 3rd ed. (2003).
#pragma once

#include "fermiac/estimators/experiment.hpp"

namespace fermiac::estimators {

std::unique_ptr<Experiment const> rates();

}  // namespace fermiac::estimators
