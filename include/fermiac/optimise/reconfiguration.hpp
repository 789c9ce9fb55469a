/// Stochastic reconfiguration: gradient descent in the metric of the wave function (natural gradient, imaginary time).
///
/// One step, in three forms with the same options and, wherever the shifts make the equations regular, the same answer:
///
/// | form            | given                         | cost, P parameters, n samples     | where          |
/// |-----------------|-------------------------------|-----------------------------------|----------------|
/// | dense           | S, P x P                      | P^3 / 3, and n P^2 / 2 to sum S   | P up to 1e4    |
/// | in sample space | the log-derivatives, n x P    | n^2 P + n^3 / 3                   | n < P          |
/// | matrix-free     | v -> S v                      | 4 n P for each iteration          | both are large |
#pragma once

#include <armadillo>
#include <functional>
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

/// The samples of each column less their mean, divided by sqrt(n): then S = Obar' Obar, and Obar' eps = cov(E, O).
///
/// @param samples  n x K; the means by `simd::sum`
arma::mat centred_samples(arma::mat samples);

/// The same d with A = Obar' Obar + D, D = shift_relative diag(S) + shift_absolute 1, from n equations instead of P:
///
///     d = -rate Q^-1 Obar_Q' y,     (Obar_Q Obar_Q' + m 1) y = eps,     Obar_Q = Obar Q^-1,   D = m Q^2,   m = max D.
///
/// Without a relative shift Q = 1 and m = shift_absolute: d = -rate Obar' (T + m)^-1 eps with T = Obar Obar', as published.
/// That this is the dense step is the push-through identity (X' X + m) X' = X' (X X' + m), for X = Obar_Q: multiplying by both
/// inverses, (X' X + m)^-1 X' = X' (X X' + m)^-1. A relative shift is one of the scaled parameters Q d, in which D is m 1.
///
/// A gradient that is not 2 Obar' eps, as with control variates or regularised derivatives, is given by what it has in
/// addition: gradient = 2 (Obar' eps + correction). Then, with c = Q^-1 correction,
///
///     d = -rate Q^-1 (Obar_Q' y + c / m),     (Obar_Q Obar_Q' + m 1) y = eps - Obar_Q c / m.
///
/// Without shifts, the solution of least length as in the dense form (eigenvalues of T above n 2^-52 times the largest).
/// Parameters whose D vanishes beside others that have one are without influence, and stay. Without samples there is no step.
///
/// @param Obar        n x P: `centred_samples` of the log-derivatives O = d ln Psi / d parameter
/// @param residuals   n values, eps: `centred_samples` of the local energies
/// @param correction  P values, or none
/// @throws InputError   where an option is outside its range, or where there is a correction and no shift
/// @throws ItemFailure  where Obar, eps, the correction or the solution is not finite, or where Obar vanishes and the gradient
///                      does not
///
/// Memory: n^2 + 2 n P. BLAS and LAPACK on shapes of the whole item.
///
/// Chen & Heyl, Nature Physics 20, 1476 (2024), arXiv:2302.01941; Rende et al., Commun. Phys. 7, 260 (2024), arXiv:2310.05715.
arma::vec reconfiguration_step_from_samples(arma::mat const& Obar, arma::vec const& residuals,
                                            ReconfigurationOptions const& options, arma::vec const& correction = {});

/// S v for P values v. Whoever computes it sees to a fixed order of its sums; `S` need not exist.
using MetricProduct = std::function<arma::vec(arma::vec const& v)>;

struct ConjugateGradientOptions {
  double tolerance = 1e-6;   ///< at least 0: of the residual below
  int max_iterations = 500;  ///< at least 1
};

struct IterativeStep {
  arma::vec step;
  int iterations = 0;     ///< as many calls of the product
  double residual = 0;    ///< of the last iterate, before it was shortened; carried along by the recurrence
  bool converged = true;  ///< false where the iterations, or the digits, ended before the tolerance was reached
};

/// The same d by conjugate gradients from d = 0, preconditioned by the diagonal of A. Ends where
///
///     residual = |b - A d|_M / |b|_M <= tolerance,     b = -rate gradient / 2,   |x|_M^2 = sum_k x_k^2 / A_kk,
///
/// which does not depend on the units of the parameters. Each iterate minimises d' A d / 2 - b' d over the directions so far:
/// one that did not converge still goes downhill, and d' A d = b' d holds for it, by which it is shortened.
///
/// Without shifts and with a singular S it yields a solution where there is one, not the one of least length. Parameters with
/// A_kk = 0 stay.
///
/// @param S_times   linear, symmetric, not negative
/// @param diagonal  P values: diag(S)
/// @param gradient  P values, of the energy
/// @throws InputError   where an option is outside its range
/// @throws ItemFailure  where the diagonal, the gradient, a product or the solution is not finite, or where the diagonal of A
///                      vanishes and the gradient does not
///
/// Deterministic: inner products by `simd::dot`, no BLAS.
///
/// Hestenes & Stiefel, J. Res. NBS 49, 409 (1952); for this use Neuscamman, Umrigar & Chan, Phys. Rev. B 85, 045103 (2012).
IterativeStep reconfiguration_step_matrix_free(MetricProduct const& S_times, arma::vec const& diagonal,
                                               arma::vec const& gradient, ReconfigurationOptions const& options,
                                               ConjugateGradientOptions const& solver = {});

}  // namespace fermiac::optimise
