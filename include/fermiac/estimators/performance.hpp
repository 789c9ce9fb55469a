/// From moments to measures: bias, variance, mean squared error, coverage and width with Monte Carlo errors, beside truth.
///
/// With n replicates, d = x - target of mean b and central moments m_2, m_3, m_4, and kappa = m_4 / m_2^2:
///
///     measure         estimate         Monte Carlo standard error
///     bias            b                s / sqrt(n)
///     variance        s^2              by the fourth k-statistic: about s^2 sqrt((kappa - 1) / n)
///     standard_error  s                that of s^2 over 2 s: about s sqrt((kappa - 1) / (4 n))
///     mse             mean of d^2      sqrt((m_4 + 4 b m_3 + 6 b^2 m_2 + b^4 - mse^2) / (n - 1))
///     signal_to_noise S = |mean| / s   of one replicate: sqrt((1 + S^2 (kappa - 1) / 4 -+ S skewness) / n), - for mean > 0
///     coverage        hits / n         sqrt(c (1 - c) / n)
///     width           mean width       its s / sqrt(n)
///     differences     of x_e - x_p, of squared errors, of hits, by pairs: their s / sqrt(n)
///
/// Normal-theory errors (kappa = 3) are too small by sqrt(2 / (kappa - 1)) where kappa is larger: 0.756 for Gamma(4).
///
/// T. P. Morris, I. R. White, M. J. Crowther, Stat. Med. 38, 2074 (2019), table 6, has the normal-theory forms; the variance
/// is `stats::Moments::variance_estimate`.
#pragma once

#include "fermiac/estimators/tally.hpp"
#include "fermiac/stats/estimate.hpp"

namespace fermiac::estimators {

/// The first four lines of the table, from the moments of d; NaN where there are too few replicates.
struct Measures {
  stats::Estimate bias, variance, standard_error, mse;
};
Measures measures_of(stats::Moments const& d);

/// One measure of one cell.
struct Finding {
  double value = std::numeric_limits<double>::quiet_NaN();
  double error = std::numeric_limits<double>::quiet_NaN();  ///< Monte Carlo standard error
  Truth truth = {};
  /// Standard normal where everything is right; 0 or infinite for a constant, NaN without a truth. How it is taken: below.
  double z = std::numeric_limits<double>::quiet_NaN();
  bool is_constant = false;  ///< judged by equality: its z is no normal variable
};

struct EstimatorFindings {
  double n = 0, failures = 0;
  double minimum = std::numeric_limits<double>::quiet_NaN(), maximum = minimum;  ///< of x
  Finding mean, bias, variance, standard_error, mse, signal_to_noise, skewness, kurtosis;
  Finding bias_difference, mse_difference;  ///< against the partner; empty for the partner itself
};

struct IntervalFindings {
  double n = 0, failures = 0;
  Finding coverage, width;
  Finding coverage_difference;  ///< from the first rule; empty for that one and where only one of them is declared to cover
};

/// z-scores. All but coverage are means of some y over replicates (y = x, (x - mean)^2, (x - target)^2, differences), of which
/// truth says E y = T and, where moments of x are known, the variance v = Var y:
///
/// * v known: (value - T) / sqrt((error^2 + 2 v/n) / 3). As e^(x - x^2/6) <= 1 + x + x^2/3, with M = sum (y - T) and any l,
///   E exp(l M - l^2/2 [sum (y - T)^2 + 2 n v]/3) <= 1: both tails of z are about those of a normal variable or below, whatever
///   the tails of y, if only v is finite. A sample that lacks the rare values of a heavy tail lacks them in its error too, and
///   (value - T)/error alone then goes far down (for variances of importance weights with moments below 5, below -4 in one of
///   11 samples of 4000); with the exact error alone it goes far up. At these weights the skewness of z is 0 to first order in
///   n^(-1/2). Where v/n is above T^2 (rare values rule) z hardly moves: no false alarm, and no power.
/// * v unknown, E y^4 finite: (value - T) / error; for variance and mse the cube root of a multiple of chi-square instead,
///   ((value / T)^(1/3) - (1 - 2/(9 f))) / sqrt(2/(9 f)) with f = 2 (value / error)^2 degrees of freedom.
/// * v unknown, E y^4 infinite (E x^8 for variance and mse, E x^4 for bias): none, for the error has no variance.
///
/// v is the variance for bias, V^2 ((kappa - 3) + 2 n/(n - 1)) for the variance V, and V^2 (kappa - 1) + 4 b V^(3/2) skewness
/// + 4 b^2 V for mse. standard_error has the z of the variance. Besides:
///
/// * coverage: the exact binomial P(K < hits) + P(K = hits)/2 as a normal quantile;
/// * where truth says that the variance is 0: 0 if |value - T| <= 1e-11 scale, else infinite;
/// * widths and differences that were all equal: the same, but NaN up to 10 scale / n, for rare values may have been missed.
///
/// A truth's own error is added in quadrature. Inequality: B. Delyon, Exponential inequalities for sums of weakly dependent
/// variables, Electron. J. Probab. 14, 752 (2009); self-normalised sums: V. H. de la Pena, Ann. Probab. 27, 537 (1999). Cube
/// root: Wilson & Hilferty, PNAS 17, 684 (1931); f: G. E. P. Box, Biometrika 40, 318 (1953), section 2.
EstimatorFindings findings(Tally const& tally, AtPoint const& experiment, Layout const& layout, std::size_t e, std::size_t q);
/// Adds the errors of skewness and kurtosis, whose own moments are not kept: delete-one jackknife over `groups` of about
/// equally many replicates each, at least 8 (else nothing is added).
void add_shape_errors(EstimatorFindings& findings, std::span<Tally const> groups, std::size_t e, std::size_t q);

IntervalFindings interval_findings(Tally const& tally, AtPoint const& experiment, std::size_t i, std::size_t q);

/// `truth` with its mse filled in.
CellTruth completed(CellTruth truth);

}  // namespace fermiac::estimators
