/// Exact laws of Wishart matrices W = sum of n terms x x', x ~ N(0, Sigma) in d dimensions: truths of experiments.
#pragma once

#include <cstdint>
#include <span>

#include "fermiac/estimators/experiment.hpp"

namespace fermiac::estimators {

/// Mean and variance of a statistic.
struct MeanAndVariance {
  Truth mean;
  Truth variance;
};

/// One term of a spectral function: coefficient times lambda^(half_power / 2).
struct SpectralTerm {
  double coefficient;
  unsigned half_power;
};

/// Sum over the eigenvalues lambda of W of f(lambda), f the sum of `terms`, for Sigma = I: exact for every n and d.
///
/// E exp(t sum f) is a ratio of Pfaffians (N. G. de Bruijn, On some multiple integrals involving determinants, J. Indian Math.
/// Soc. 19, 133 (1955)) of the skew matrix A_ij(t) = integral of sgn(y - x) w_i(x) w_j(y) exp(t f(x) + t f(y)) with
/// w_i(x) = x^(a_i - 1) e^-x, a_i = (n - d - 1)/2 + i, bordered by the integrals of w_i exp(t f) where d is odd; so
///
///     mean = tr(A^-1 A') / 2,   variance = tr(A^-1 A'' - (A^-1 A')^2) / 2   at t = 0,
///
/// and all elements are incomplete beta functions at 1/2. Where n < d, W has the n eigenvalues of a W(d, n), and zeros.
/// Evaluated in 200 digits, as A is close to singular; the error is that of tr W, whose mean and variance n d and 2 n d come
/// from the same matrices. Cost: d^3 + 3 n products of 200 digits.
///
/// Positive integers n and d, d n <= 1e6 for sensible errors; @throws std::logic_error at zeros
MeanAndVariance spectral_sum(std::uint64_t n, std::uint64_t d, std::span<SpectralTerm const> terms);

/// The larger and the smaller eigenvalue of W for d = 2, Sigma of eigenvalues s1 and s2, n >= 2: by their joint density
/// (R. J. Muirhead, Aspects of Multivariate Statistical Theory (1982), theorem 3.2.18 and section 9.4), which after the
/// integral over their sum leaves one over r = (l1 - l2)/(l1 + l2) of Legendre functions. Quadrature; its error is stated.
struct EigenvaluePair {
  MeanAndVariance larger, smaller;
};
EigenvaluePair eigenvalues_of_two(std::uint64_t n, double s1, double s2);

}  // namespace fermiac::estimators
