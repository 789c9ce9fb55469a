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
/// **Tolerance.** Estimates see errors of z and log p, not those of their derivatives, which are larger where paths part. Steps
/// of dop853, which spends most of the tolerance, are therefore chosen for half of it; on trained networks the error of
/// the gradient is then below the tolerance times its largest component.
///
/// **Memory.** Of a step its beginning (t, h, z) is kept, 8 (d + 2) bytes, and f at its stages, 8 d bytes each, as long as what
/// is kept of all samples is within a budget; where it is not, stages go first, then whole paths. What was not kept is computed
/// again: stages from the step's beginning, paths from the checkpoint that every sample has, its start (8 d bytes), for no
/// sample's steps depend on its neighbours. Paths are computed again just before they are needed, as many at a time as there
/// are lanes, and go when they are done. So a gradient costs one solve more at worst, and never needs more than
///
///     the larger of the budget and 16 (d + 2) bytes for every step of the 96 longest paths
///
/// (and once, where no path has been solved yet whose length could be foreseen, with the stages of 16 paths). The budget
/// changes no bits. Of a network's own values nothing is kept.
///
/// **Order of sums**: samples take the lanes of a block in the order of their numbers of steps, longest first, and a lane that
/// is done takes the next. Sums over samples follow that order, so their bits depend on the samples alone.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "fermiac/flow/field.hpp"
#include "fermiac/flow/solver.hpp"

namespace fermiac::flow {

/// Solves and sweeps back, one thread. Its field outlives it.
class Adjoint {
 public:
  /// Megabytes (10^6 bytes) of steps and stages.
  static constexpr double default_memory_mb = 40;

  /// @param settings  exact divergence: one integral
  /// @throws InputError  as `check`
  Adjoint(Field const& field, SolverSettings const& settings, double t0, double t1, double memory_mb = default_memory_mb);
  ~Adjoint();
  Adjoint(Adjoint&&) noexcept;

  /// Settings of the solver that goes forward: half of the tolerance, or least_tolerance, with dop853.
  static SolverSettings forward(SolverSettings settings);

  /// As `Solver::solve`.
  void solve(Samples& samples, std::function<void()> const& tick = {});

  /// Of what was solved last, all of whose samples came through, with the field's parameters as they were then.
  ///
  /// @param z_bar           samples x dimension: dL/dz at t1 on entry, dL/dz at t0 on return
  /// @param log_change_bar  dL/dlog_change of each sample; null for 0
  /// @param theta_bar       dL/dtheta is added, n_parameters values; null where it is not wanted
  /// @param tick            called now and then
  void pull_back(Columns& z_bar, double const* log_change_bar, double* theta_bar, std::function<void()> const& tick = {});

  /// Paths of the last sweep that had not been kept.
  std::size_t n_solved_again() const;

  class Engine;

 private:
  std::unique_ptr<Engine> engine_;
};

}  // namespace fermiac::flow
