/// The adjoint equation solved as a differential equation of its own, and forward sensitivities: for comparison with the
/// discrete adjoint (`flow/adjoint.hpp`), whose contract they share but for exactness.
///
/// Along the solution z(t) from t0 to t1, with lambda = dL/dz and mu = dL/dlog_change at t1,
///
///     dlambda/dt = -J^T lambda + mu grad div,     dL/dtheta = integral from t0 to t1 of (df/dtheta)^T lambda - mu ddiv/dtheta
///
/// from t1 back to t0 (Pontryagin et al. 1962; Chen et al., NeurIPS 2018, appendix B). Where z comes from:
///
///     backsolve     z is solved back together with lambda. No memory, but errors of z grow where the flow contracts, for back
///                   in time that is unstable
///     interpolated  z is the dense output of the forward solve: stable, at the order of the interpolation
///
/// The integral for theta is taken with the weights of the method's own stages. Neither is the gradient of the numbers
/// computed: both have the error of a tolerance, and restart their own step control.
///
/// Forward sensitivities carry dz/dtheta and dlog_change/dtheta along: (d + 1) n_parameters more components. For few
/// parameters.
#pragma once

#include <functional>
#include <span>

#include "fermiac/flow/field.hpp"
#include "fermiac/flow/solver.hpp"

namespace fermiac::flow {

/// What a gradient took beside the forward solve.
struct AdjointWork {
  double n_evaluations = 0;  ///< of f or its pull-back, all samples together
  double n_failed = 0;       ///< samples whose adjoint could not be solved; their gradient is left out
};

/// As `Adjoint::pull_back`, by solving back from t1 to t0.
/// @param samples   as the forward solve from t0 to t1 left them
/// @param settings  of the solve back: its tolerance is that of z, lambda and, in their units, nothing else
AdjointWork backsolve(Field const& field, SolverSettings const& settings, double t0, double t1, Samples const& samples,
                      Columns& z_bar, double const* log_change_bar, double* theta_bar, std::function<void()> const& tick = {});

/// The same with z interpolated between the `steps` that the forward solve kept, with the same settings.
AdjointWork interpolated_adjoint(Field const& field, SolverSettings const& settings, double t0, double t1,
                                 std::span<Steps const> steps, Columns& z_bar, double const* log_change_bar, double* theta_bar,
                                 std::function<void()> const& tick = {});

/// dL/dtheta by forward sensitivities, for a field with parameters.
/// @param samples  their starts at t0
/// @param z_bar    dL/dz at t1 as a function of the samples at t1, given when they are known
/// @return         evaluations
AdjointWork forward_sensitivities(Field const& field, SolverSettings const& settings, double t0, double t1,
                                  Columns const& start, std::function<void(Samples const& end, Columns& z_bar)> const& z_bar,
                                  double const* log_change_bar, double* theta_bar, std::function<void()> const& tick = {});

}  // namespace fermiac::flow
