/// What a way of differentiating through a flow gives for its work, beside a gradient of high accuracy.
#pragma once

#include <armadillo>
#include <cstdint>

#include "fermiac/base/context.hpp"
#include "fermiac/flow/field.hpp"
#include "fermiac/flow/solver.hpp"

namespace fermiac::flow {

enum class GradientWay : std::uint8_t { discrete, backsolve, interpolated, forward };

struct GradientComparison {
  double error = 0;                ///< |g - g*| / |g*| over the parameters, Euclidean norms
  double start_error = 0;          ///< the same over all dL/dz at the data; NaN (forward)
  double loss_error = 0;           ///< |loss - loss*|
  double forward_evaluations = 0;  ///< of f, mean over the samples
  double backward_evaluations =
      0;  ///< of f, most with a pull-back (forward: of f and all sensitivities), mean over the samples
};

/// The gradient of the mean of -log p of data at t1 (`flow/likelihood.hpp`), by solves with `settings`, against the discrete
/// adjoint at a tolerance of 1e-12 by dop853. The discrete way goes forward with `Adjoint::forward(settings)`.
///
/// @param data       a sample a row; the field's dimension
/// @param memory_mb  of steps of the discrete adjoint; changes no bits
/// @throws ItemFailure  where a path, or an adjoint's, cannot be computed
GradientComparison compare_gradient(Field const& field, arma::mat const& data, GradientWay way, SolverSettings const& settings,
                                    double t0, double t1, double memory_mb, Context& context);

}  // namespace fermiac::flow
