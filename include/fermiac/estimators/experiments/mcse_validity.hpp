/// Experiment `mcse_validity`: is the reported Monte Carlo error of a measure its true one?
///
/// A replicate is a whole little study: R estimates e_1 ... e_R, independent, of a known law with mean mu, variance s2,
/// kurtosis kappa; their target is mu - b. From it each measure is estimated, and its Monte Carlo error is reported by four
/// formulas:
///
///     formula    bias         variance               standard error       mse
///     normal     s / sqrt(R)  s^2 sqrt(2 / (R - 1))  s / sqrt(2 (R - 1))  sqrt((2 s^4 + 4 b^2 s^2) / R)
///     kurtosis   as this program reports them: estimators/performance.hpp
///     jackknife  delete-one
///     bootstrap  spread over `bootstrap.resamples` resamples
///
/// The quantities `bias`, `variance`, `standard_error`, `mse` are ratios reported / true, whose target is 1. True errors: those
/// of bias, variance (s2 sqrt((kappa - 3)/R + 2/(R - 1))) and mse are exact; that of the standard error is half the relative
/// error of the variance, to order 1/R. Ratios have no closed expectation, their squares do: `bias_squared`,
/// `variance_squared`, `mse_squared` are those of the reported variance over the true one, 1 on average for bias, for the
/// kurtosis form of the variance and for the mse, and 2 (1 + v) / ((R - 1) v), v = (kappa - 3)/R + 2/(R - 1), for the
/// normal form of the variance.
///
/// Laws: normal (kappa 3), uniform (1.8), gamma of integer shape k (3 + 6/k), Laplace (6).
///
/// T. P. Morris, I. R. White, M. J. Crowther, Stat. Med. 38, 2074 (2019), table 6 has the normal form.
#pragma once

#include "fermiac/estimators/experiment.hpp"

namespace fermiac::estimators {

std::unique_ptr<Experiment const> mcse_validity();

}  // namespace fermiac::estimators
