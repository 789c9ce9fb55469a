/// Stochastic reconfiguration: gradient descent in the metric of the wave function (natural gradient, imaginary time).
#pragma once

#include <armadillo>
#include <limits>

namespace fermiac::optimise {

struct ReconfigurationOptions {
  double rate = 0.1;             ///< length of the step in imaginary time, greater than 0
  double shift_relative = 0;     ///< at least 0: this share of the diagonal of S is added to it
  double shift_absolute = 1e-4;  ///< at least 0: added to the diagonal of S
  double max_metric_step =       ///< greater than 0: bound on the length sqrt(d' A d) of the step in the metric
      std::numeric_limits<double>::infinity();
};

/// The change d of the parameters:
///
///     A d = -rate gradient / 2,     A = S + shift_relative diag(S) + shift_absolute 1,
///
/// shortened to sqrt(d' A d) = max_metric_step where it is longer. For a real wave function the gradient of the energy is
/// 2 cov(E_L, O), so that d is the projection of the step -rate H of imaginary time on the tangent space, and sqrt(d' S d) the
/// distance by which it turns the normalised state.
///
/// A is factored by Cholesky. Where it is not positive definite (shifts of 0 and parameters without influence), the solution
/// of least length over its eigenvectors with eigenvalues above P 2^-52 times the largest is taken.
///
/// @param S         P x P, symmetric (the upper triangle is read): covariance of the log-derivatives O = d ln Psi / d parameter
/// @param gradient  P values, of the energy
/// @throws InputError   where an option is outside its range
/// @throws ItemFailure  where S, the gradient or the solution is not finite, or where S vanishes and the gradient does not
///
/// Cost: P^3 / 3. LAPACK on one shape; with one BLAS thread the bits depend on nothing else.
///
/// Sorella, Phys. Rev. B 64, 024512 (2001); Becca & Sorella, Quantum Monte Carlo Approaches, CUP 2017, section 6.4.
arma::vec reconfiguration_step(arma::mat const& S, arma::vec const& gradient, ReconfigurationOptions const& options);

}  // namespace fermiac::optimise
