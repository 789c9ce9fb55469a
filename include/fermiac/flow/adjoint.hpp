/// The discrete adjoint: the exact gradient of the numbers that a solver computed.
///
/// A function L of where samples end (z and log_change at t1) is differentiated through the accepted steps, which are held
/// fixed: no other gradient is that of the numbers themselves, whatever the tolerance. With the step
///
///     Z_s = z + h sum_{j<s} a_sj k_j,   k_s = f(Z_s, t + c_s h),   z' = z + h sum_s b_s k_s,   l' = l - h sum_s b_s div_s
///
/// and lambda = dL/dz', mu = dL/dl (constant), backward from the last step and stage:
///
///     kappa_s = h (b_s lambda + sum_{i>s} a_is zeta_i),     zeta_s = J_s^T kappa_s - h b_s mu grad div_s
///     lambda <- lambda + sum_s zeta_s,     dL/dtheta += (df/dtheta)^T kappa_s - h b_s mu ddiv/dtheta
///
/// (E. Hairer, C. Lubich & G. Wanner, Geometric Numerical Integration, 2nd ed. (2006), section VI.4: for Runge-Kutta methods
/// that is again a Runge-Kutta method, for the adjoint equation, of the same order.)
///
/// **Memory**: of a step its beginning (t, h, z) is kept, 8 (d + 2) bytes, and where the solve kept them f at its stages, 8 d
/// bytes each; otherwise they are computed again. Of a network's own values nothing is kept.
///
/// **Order of sums**: samples take the lanes of a block in the order of their numbers of steps, longest first, and a lane that
/// is done takes the next. Sums over samples follow that order, so their bits depend on the samples alone.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "fermiac/flow/field.hpp"
#include "fermiac/flow/solver.hpp"

namespace fermiac::flow {

/// Sweeps back, one thread. Its field outlives it; its parameters are those of the solve.
class Adjoint {
 public:
  Adjoint(Field const& field, Method method);
  ~Adjoint();
  Adjoint(Adjoint&&) noexcept;

  /// @param steps           of each sample, as `Wanted::kept` has them, with or without stages (exact divergence: one integral)
  /// @param z_bar           samples x dimension: dL/dz at t1 on entry, dL/dz at t0 on return
  /// @param log_change_bar  dL/dlog_change of each sample; null for 0
  /// @param theta_bar       dL/dtheta is added, n_parameters values; null where it is not wanted
  /// @param tick            called now and then
  void pull_back(std::span<Steps const> steps, Columns& z_bar, double const* log_change_bar, double* theta_bar,
                 std::function<void()> const& tick = {});

  class Engine;

 private:
  std::unique_ptr<Engine> engine_;
};

}  // namespace fermiac::flow
