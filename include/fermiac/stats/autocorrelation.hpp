/// Autocorrelation time, effective sample size and convergence of stored series.
///
/// Convention: tau = 1/2 + sum_{t>0} rho(t) with rho the autocorrelation function, in samples. Independent samples have
/// tau = 1/2, n samples are worth n / (2 tau) independent ones, and an AR(1) process with coefficient phi has
/// tau = (1 + phi) / (2 (1 - phi)).
///
/// Shapes: `chains` is n x M, one chain of n samples a column. Chains are independent and equally long.
#pragma once

#include <armadillo>
#include <cstdint>

#include "fermiac/stats/estimate.hpp"

namespace fermiac::stats {

struct Autocorrelation {
  Estimate mean;             ///< of all samples; the error has 2 (tau / its error)^2 degrees of freedom (Satterthwaite)
  Estimate tau;              ///< in samples
  std::uint64_t window = 0;  ///< W
  double n_effective = 0;    ///< samples / (2 tau)
};

/// Mean, its error and tau by summing the autocorrelation function over a window chosen from the series:
///
///     Gamma(t) = sum_m sum_i (x_im - xbar)(x_{i+t,m} - xbar) / (N - M t),   N = n M,
///     C(W) = Gamma(0) + 2 sum_{t=1}^W Gamma(t),   tau(W) = C(W) / (2 Gamma(0)),
///     W the first with  exp(-W / T) < T / sqrt(W N)  and  0 <= T < W,
///     T = window_factor / ln |(2 tau(W) + 1) / (2 tau(W) - 1)|,
///
/// then Gamma(t) += C(W) / N against the bias from the estimated mean, and
///
///     error of the mean = sqrt(C / N),   error of tau = tau sqrt(4 (W + 1/2 - tau) / N).
///
/// `converged` is false where no W up to n / 4 fulfils the condition (then W = n / 4), where N < 50 tau (a series that long
/// shows too little of itself), and where C comes out negative (then tau = 1/2 is taken, an upper bound for anticorrelated
/// samples). Cost: N W multiplications, so block series of more than about 1e6 samples first. NaN for fewer than 2 samples; a
/// constant series has error 0 and tau NaN.
///
/// @param window_factor  ratio of the exponential to the integrated time; 1 to 2 is usual
///
/// Wolff, Comput. Phys. Commun. 156 (2004) 143, section 3 (erratum 176 (2007) 383); the absolute value
/// and T < W are ours, for anticorrelated samples;
/// error of tau after Madras & Sokal, J. Stat. Phys. 50 (1988) 109.
Autocorrelation autocorrelation(arma::mat const& chains, double window_factor = 1.5);

/// Number of independent samples that the mean of several chains is worth, between-chain spread included:
///
///     rho(t) = 1 - (W - (1/M) sum_m acov_m(t)) / var_plus,   var_plus = (n - 1)/n W + B/n,
///     n_effective = n M / tau_hat,   tau_hat = -1 + 2 sum_k P_k,   P_k = rho(2k) + rho(2k + 1)
///
/// over Geyer's initial positive sequence of P_k made monotone; at most n M log10(n M), so that antithetic chains do not
/// promise infinity. Chains are split in halves first. NaN below 4 samples a half, for a constant and for non-finite samples.
///
/// Vehtari, Gelman, Simpson, Carpenter & Buerkner, Bayesian Anal. 16 (2021) 667, eqs. 10 to 13 and section 3.2;
/// Geyer, Stat. Sci. 7 (1992) 473, section 3.3.
double effective_sample_size(arma::mat const& chains);

/// Split R-hat = sqrt(var_plus / W): each chain is cut in halves (a middle sample is left out), then with B the between-half
/// and W the within-half variance as above. Near 1 where all halves sample the same; above 1.01 they do not.
///
/// NaN below 2 samples a half, for a constant and for non-finite samples; infinite where halves are constant and differ.
///
/// Gelman & Rubin, Stat. Sci. 7 (1992) 457; Vehtari et al. (2021), eqs. 1 to 4.
double split_r_hat(arma::mat const& chains);

/// The larger of the split R-hats of the rank-normalised samples z = Phi^-1((rank - 3/8) / (N + 1/4)) (location) and of the
/// rank-normalised |x - median| (scale); equal samples share their mean rank. Holds for heavy tails, where variances do not.
///
/// Vehtari et al. (2021), eq. 14 and section 4.
double rank_normalised_r_hat(arma::mat const& chains);

}  // namespace fermiac::stats
