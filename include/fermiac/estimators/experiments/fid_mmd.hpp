/// Experiment `fid_mmd`: how biased are the Fréchet distance and the kernel distances by which generated samples are judged?
///
/// Generated vectors x ~ N(shift e_1, I), reference y ~ N(0, I), in d dimensions; N of each.
///
/// `fid`, the Fréchet (Wasserstein 2) distance of Gaussians, from the sample's mean m and covariance S to the reference, whose
/// moments are known: |m|^2 + tr(S + I - 2 S^(1/2)). The true one is shift^2.
///
/// | estimator    | of fid                                                                                     |
/// |--------------|--------------------------------------------------------------------------------------------|
/// | plug_in      | S = W / (N - 1), W the scatter: what is published as FID                                   |
/// | ml           | S = W / N                                                                                  |
/// | extrapolated | 2 plug_in(N) - mean of plug_in of the two halves: linear in 1/N, O(1/N^2) of bias is left  |
///
/// W is Wishart, and mean and variance of plug_in and ml follow from those of sums of lambda and lambda^(1/2) over its
/// eigenvalues, exact for every N and d (`spectral_sum`). For large N the bias is d/N + d(d + 1)/(4 N).
///
/// `mmd2` with the kernel exp(-|x - y|^2 / (2 L)), L = kernel.length2, and `kid` with ((x.y)/d + 1)^3: E k(x,x') + E k(y,y') -
/// 2 E k(x,y).
///
/// | estimator    | of mmd2 and kid                                                                            |
/// |--------------|--------------------------------------------------------------------------------------------|
/// | u            | means over i != j, and over all (i, j) of k(x_i, y_j): unbiased                            |
/// | v            | i = j too (mmd2 only): bias [2 - E k(x,x') - E k(y,y')] / N                                |
/// | linear       | mean over N/2 quadruples of k(x,x') + k(y,y') - k(x,y') - k(x',y): unbiased, 2 N kernels   |
///
/// Means and variances of all are exact: all expectations of a kernel, of its square, and of products of its means over one
/// argument are Gaussian integrals, and make the variances of U-statistics. FID and kernels use separate random numbers.
///
/// M. Heusel et al., GANs trained by a two time-scale update rule converge to a local Nash equilibrium, NeurIPS (2017);
/// M. J. Chong, D. Forsyth, Effectively unbiased FID and inception score, CVPR (2020); A. Gretton et al., A kernel two-sample
/// test, J. Mach. Learn. Res. 13, 723 (2012); M. Binkowski et al., Demystifying MMD GANs, ICLR (2018); W. Hoeffding, A class of
/// statistics with asymptotically normal distribution, Ann. Math. Statist. 19, 293 (1948).
///
/// @throws InputError  naming sample.n where it is odd
#pragma once

#include "fermiac/estimators/experiment.hpp"

namespace fermiac::estimators {

std::unique_ptr<Experiment const> fid_mmd();

}  // namespace fermiac::estimators
