#include "fermiac/optimise/reconfiguration.hpp"

#include <cmath>

#include "fermiac/base/error.hpp"

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

arma::vec solve_on_range(arma::mat const& A, arma::vec const& right) {
  arma::vec eigenvalues;
  arma::mat eigenvectors;
  if (!arma::eig_sym(eigenvalues, eigenvectors, A)) throw ItemFailure("the metric has no eigenvalue decomposition");
  auto const largest = eigenvalues.max();
  if (!(largest > 0)) throw ItemFailure("the metric vanishes: no parameter has any influence on the wave function");
  auto const smallest = largest * static_cast<double>(A.n_rows) * std::numeric_limits<double>::epsilon();
  arma::vec solution(A.n_rows, arma::fill::zeros);
  for (arma::uword k = 0; k < A.n_rows; ++k)
    if (eigenvalues[k] > smallest) solution += (arma::dot(eigenvectors.col(k), right) / eigenvalues[k]) * eigenvectors.col(k);
  return solution;
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
  arma::vec change;
  if (arma::mat R; arma::chol(R, A)) {
    arma::vec const half = arma::solve(arma::trimatl(R.t()), right, arma::solve_opts::fast);
    change = arma::solve(arma::trimatu(R), half, arma::solve_opts::fast);
  } else {
    change = solve_on_range(A, right);
  }
  if (!change.is_finite()) throw ItemFailure("the step of stochastic reconfiguration is not finite");

  // A d = right wherever A is inverted, hence d' A d = d' right.
  auto const length = std::sqrt(std::max(0.0, arma::dot(change, right)));
  if (length > options.max_metric_step) change *= options.max_metric_step / length;
  return change;
}

}  // namespace fermiac::optimise
