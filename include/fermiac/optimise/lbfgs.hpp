/// L-BFGS: minimum of a smooth function given with its gradient.
#pragma once

#include <armadillo>
#include <functional>

namespace fermiac::optimise {

/// Value at `point`; writes the gradient, of the length of `point`. A value or gradient that is not finite says that the
/// function is not defined there.
using SmoothFunction = std::function<double(arma::vec const& point, arma::vec& gradient)>;

struct LbfgsOptions {
  int memory = 10;                   ///< pairs of steps and gradient changes that make the Hessian, at least 1
  int max_iterations = 1000;         ///< at least 0
  int max_evaluations = 10000;       ///< at least 1
  double gradient_tolerance = 1e-8;  ///< converged where no component of the gradient exceeds this, at least 0
  double value_tolerance = 0;        ///< at least 0: converged, too, where ten iterations together lower the value by no more
                                     ///< than this times its magnitude; 0 to leave that out
  double first_step = 1;             ///< greater than 0: longest trial step of the first iteration, in the unit of the point
};

struct Minimum {
  double value = 0;
  arma::vec point;
  double gradient_norm = 0;  ///< largest magnitude of a component
  int iterations = 0;
  int evaluations = 0;
  bool converged = false;  ///< false where an evaluation limit or the rounding of the value ended the search
};

/// A local minimum, downhill of `start`.
///
/// Two-loop recursion with a line search for the strong Wolfe conditions (c1 = 1e-4, c2 = 0.9) by bracketing and cubic
/// interpolation. The condition of sufficient decrease forgives the rounding of the value, so that the gradient can be brought
/// down further than the value can resolve. Where the function is not defined, the step is too long. Never uphill: the value is
/// at most that at `start` (but for rounding). Sequential and of fixed order: the same bits wherever the function gives them.
///
/// @throws ItemFailure  where the function is not defined at `start`
/// @throws InputError   where an option is outside its range
///
/// Nocedal & Wright, Numerical Optimization, 2nd ed., Springer 2006, algorithms 3.5, 3.6, 7.4 and 7.5.
Minimum minimise(SmoothFunction const& function, arma::vec const& start, LbfgsOptions const& options = {});

}  // namespace fermiac::optimise
