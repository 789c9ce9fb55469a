#include "fermiac/optimise/reconfiguration.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "fermiac/base/error.hpp"
#include "fermiac/simd/sum.hpp"

namespace fermiac::optimise {

namespace {

void check(ReconfigurationOptions const& options) {
  if (!(options.rate > 0) || !std::isfinite(options.rate))
    throw InputError("the rate must be greater than 0 and finite, not " + std::to_string(options.rate));
  if (!(options.shift_relative >= 0 && options.shift_absolute >= 0) || !std::isfinite(options.shift_relative) ||
      !std::isfinite(options.shift_absolute))
    throw InputError("the shifts of the metric must be at least 0 and finite, not " + std::to_string(options.shift_relative) +
                     " and " + std::to_string(options.shift_absolute));
  if (!(options.max_metric_step > 0))
    throw InputError("the bound on the step must be greater than 0, not " + std::to_string(options.max_metric_step));
}

void check(ConjugateGradientOptions const& solver) {
  if (!(solver.tolerance >= 0) || !std::isfinite(solver.tolerance))
    throw InputError("the tolerance of conjugate gradients must be at least 0 and finite, not " +
                     std::to_string(solver.tolerance));
  if (solver.max_iterations < 1)
    throw InputError("conjugate gradients need at least 1 iteration, not " + std::to_string(solver.max_iterations));
}

double inner(arma::vec const& x, arma::vec const& y) { return simd::dot({x.memptr(), x.n_elem}, {y.memptr(), y.n_elem}); }

[[noreturn]] void fail_without_influence() {
  throw ItemFailure("the metric vanishes: no parameter has any influence on the wave function");
}

arma::vec solve_on_range(arma::mat const& A, arma::vec const& right) {
  arma::vec eigenvalues;
  arma::mat eigenvectors;
  if (!arma::eig_sym(eigenvalues, eigenvectors, A)) throw ItemFailure("the metric has no eigenvalue decomposition");
  auto const largest = eigenvalues.max();
  if (!(largest > 0)) fail_without_influence();
  auto const smallest = largest * static_cast<double>(A.n_rows) * std::numeric_limits<double>::epsilon();
  arma::vec solution(A.n_rows, arma::fill::zeros);
  for (arma::uword k = 0; k < A.n_rows; ++k)
    if (eigenvalues[k] > smallest) solution += (arma::dot(eigenvectors.col(k), right) / eigenvalues[k]) * eigenvectors.col(k);
  return solution;
}

arma::vec solve_positive(arma::mat const& A, arma::vec const& right) {
  arma::mat R;
  if (!arma::chol(R, A)) return solve_on_range(A, right);
  arma::vec const half = arma::solve(arma::trimatl(R.t()), right, arma::solve_opts::fast);
  return arma::solve(arma::trimatu(R), half, arma::solve_opts::fast);
}

// `change` solves A change = right wherever A is inverted, hence change' A change = change' right.
void bound_length(arma::vec& change, arma::vec const& right, double max_metric_step) {
  if (!change.is_finite()) throw ItemFailure("the step of stochastic reconfiguration is not finite");
  auto const length = std::sqrt(std::max(0.0, arma::dot(change, right)));
  if (length > max_metric_step) change *= max_metric_step / length;
}

}  // namespace

arma::vec reconfiguration_step(arma::mat const& S, arma::vec const& gradient, ReconfigurationOptions const& options) {
  FERMIAC_ASSERT(S.n_rows == gradient.n_elem && S.n_cols == gradient.n_elem);
  check(options);
  if (!S.is_finite()) throw ItemFailure("the covariance of the log-derivatives is not finite");
  if (!gradient.is_finite()) throw ItemFailure("the gradient of the energy is not finite");
  arma::vec const right = (-0.5 * options.rate) * gradient;
  if (!arma::any(right)) return arma::vec(gradient.n_elem, arma::fill::zeros);

  arma::mat A = arma::symmatu(S);
  A.diag() += options.shift_relative * S.diag() + options.shift_absolute;
  arma::vec change = solve_positive(A, right);
  bound_length(change, right, options.max_metric_step);
  return change;
}

arma::mat centred_samples(arma::mat samples) {
  if (samples.is_empty()) return samples;
  auto const n = static_cast<double>(samples.n_rows);
  double const scale = 1 / std::sqrt(n);
  for (arma::uword k = 0; k < samples.n_cols; ++k) {
    double* const column = samples.colptr(k);
    double const mean = simd::sum({column, samples.n_rows}) / n;
    for (arma::uword i = 0; i < samples.n_rows; ++i) column[i] = (column[i] - mean) * scale;
  }
  return samples;
}

arma::vec reconfiguration_step_from_samples(arma::mat const& Obar, arma::vec const& residuals,
                                            ReconfigurationOptions const& options, arma::vec const& correction) {
  auto const P = Obar.n_cols;
  auto const n = Obar.n_rows;
  FERMIAC_ASSERT(residuals.n_elem == n && (correction.is_empty() || correction.n_elem == P));
  check(options);
  bool const shifted = options.shift_relative > 0 || options.shift_absolute > 0;
  if (!correction.is_empty() && !shifted)
    throw InputError("a correction of the gradient needs a shift of the metric greater than 0");
  if (!Obar.is_finite()) throw ItemFailure("the log-derivatives are not finite");
  if (!residuals.is_finite()) throw ItemFailure("the local energies are not finite");
  if (!correction.is_finite()) throw ItemFailure("the correction of the gradient is not finite");
  if (Obar.is_empty()) return arma::vec(P, arma::fill::zeros);

  arma::vec right(P);
  arma::vec shift(P);
  bool influence = false;
  for (arma::uword k = 0; k < P; ++k) {
    std::span<double const> const column{Obar.colptr(k), n};
    right[k] = -options.rate * (simd::dot(column, {residuals.memptr(), n}) + (correction.is_empty() ? 0 : correction[k]));
    double const diagonal = simd::dot(column, column);
    shift[k] = options.shift_relative * diagonal + options.shift_absolute;
    influence = influence || diagonal + shift[k] > 0;
  }
  if (!arma::any(right)) return arma::vec(P, arma::fill::zeros);
  if (!influence) fail_without_influence();

  double const m = shift.max();
  arma::vec inverse_Q(P, arma::fill::ones);
  if (m > 0)
    for (arma::uword k = 0; k < P; ++k) inverse_Q[k] = shift[k] > 0 ? 1 / std::sqrt(shift[k] / m) : 0;
  arma::mat X = Obar;
  for (arma::uword k = 0; k < P; ++k) X.col(k) *= inverse_Q[k];
  arma::mat T = X * X.t();
  T.diag() += m;

  arma::vec change;
  if (correction.is_empty()) {
    // Unshifted, T has the null vector of the centring: Cholesky could only succeed by rounding.
    change = X.t() * (m > 0 ? solve_positive(T, residuals) : solve_on_range(T, residuals));
  } else {
    arma::vec const c = (inverse_Q % correction) / m;
    change = X.t() * solve_positive(T, residuals - X * c) + c;
  }
  change %= -options.rate * inverse_Q;
  bound_length(change, right, options.max_metric_step);
  return change;
}

IterativeStep reconfiguration_step_matrix_free(MetricProduct const& S_times, arma::vec const& diagonal,
                                               arma::vec const& gradient, ReconfigurationOptions const& options,
                                               ConjugateGradientOptions const& solver) {
  auto const P = gradient.n_elem;
  FERMIAC_ASSERT(diagonal.n_elem == P);
  check(options);
  check(solver);
  if (!diagonal.is_finite()) throw ItemFailure("the variance of a log-derivative is not finite");
  if (!gradient.is_finite()) throw ItemFailure("the gradient of the energy is not finite");
  IterativeStep result;
  result.step.zeros(P);
  arma::vec const right = (-0.5 * options.rate) * gradient;
  if (!arma::any(right)) return result;

  arma::vec shift(P);
  arma::vec inverse_diagonal(P);
  for (arma::uword k = 0; k < P; ++k) {
    shift[k] = options.shift_relative * diagonal[k] + options.shift_absolute;
    inverse_diagonal[k] = diagonal[k] + shift[k] > 0 ? 1 / (diagonal[k] + shift[k]) : 0;
  }
  if (!arma::any(inverse_diagonal)) fail_without_influence();

  arma::vec remainder = right;
  arma::vec preconditioned = inverse_diagonal % remainder;
  arma::vec direction = preconditioned;
  double const first_square = inner(remainder, preconditioned);
  double square = first_square;
  if (!std::isfinite(first_square)) throw ItemFailure("the step of stochastic reconfiguration is not finite");
  auto const unconverged = [&] { return square > solver.tolerance * solver.tolerance * first_square; };
  while (unconverged() && result.iterations < solver.max_iterations) {
    arma::vec product = S_times(direction);
    FERMIAC_ASSERT(product.n_elem == P);
    product += shift % direction;
    double const curvature = inner(direction, product);
    ++result.iterations;
    if (!std::isfinite(curvature)) throw ItemFailure("the product of the metric with a direction is not finite");
    // A direction without curvature lies in the null space: there is nothing to gain, or no solution.
    if (!(curvature > 0)) break;
    double const length = square / curvature;
    result.step += length * direction;
    remainder -= length * product;
    preconditioned = inverse_diagonal % remainder;
    double const next_square = inner(remainder, preconditioned);
    direction = preconditioned + (next_square / square) * direction;
    square = next_square;
  }
  result.residual = first_square > 0 ? std::sqrt(square / first_square) : 0;
  result.converged = !unconverged();
  bound_length(result.step, right, options.max_metric_step);
  return result;
}

}  // namespace fermiac::optimise
