/// The exact energy of a restricted Boltzmann machine with few hidden units, and its gradient.
#pragma once

#include <armadillo>

#include "fermiac/vmc/rbm.hpp"
#include "fermiac/vmc/system.hpp"

namespace fermiac::vmc {

/// Expectation values <Psi|..|Psi> / <Psi|Psi>, in atomic units.
struct ExactEnergy {
  double total = 0;  ///< kinetic + trap + interaction
  double kinetic = 0;
  double trap = 0;
  double interaction = 0;
  arma::vec gradient;  ///< of the total, by the parameters as `flatten` orders them
};

/// Most hidden units that `exact_energy` takes: it sums over 2^16 and 3^10 Gaussians.
constexpr arma::uword max_hidden_exact(Convention convention) { return convention == Convention::sqrt_f ? 16 : 10; }

/// The energy of the machine at its parameters, and its gradient.
///
/// |Psi|^2 is a mixture of Gaussians of equal width. With m = 1 for Psi = sqrt(F) and 2 for Psi = F (F^2 is a machine with
/// every hidden unit doubled, sigma^2 / 2 and W / 2), its components are numbered by n in {0 ... m}^H and have
///
///     centre    c_n = a + W n / m,                                          variance  sigma^2 / m in each coordinate,
///     weight    p_n ~ prod_j binomial(m, n_j) exp(b . n + a . W n / sigma^2 + |W n|^2 / (2 m sigma^2)).
///
/// Trap and interaction (`mean_interaction`: the distance of two particles has twice the variance) are means over single
/// components. The kinetic energy is the Fisher information of |Psi|^2, <|grad ln |Psi|^2|^2> / 8 = -<del^2 ln |Psi|^2> / 8:
///
///     T = (m / 8) (M / sigma^2 - sum_j |W_j|^2 / sigma^4 <s_j (1 - s_j)>),       s_j = 1 / (1 + exp(-theta_j)).
///
/// For m = 2, <s_j (1 - s_j)> is half the probability of n_j = 1. For m = 1 it is the mean of a bell over the normal theta_j of
/// each component, taken by the trapezoidal rule: it converges exponentially, truncated below 1e-15 absolute.
/// The gradient is that of these formulas, not of differences.
///
/// @param system      any number of particles; Coulomb in two and three dimensions only
/// @param shape       n_coordinates = particles times dimensions, n_hidden at most `max_hidden_exact`
/// @param parameters  of that shape
/// @throws InputError   where the system is refused by `check`, or there are too many hidden units
/// @throws ItemFailure  where a parameter is not finite, sigma^2 is not above 0, or the energy is not finite
///
/// Accuracy: 1e-13 of the largest of the parts in `total`, where weights do not overflow (|W|^2 / sigma^2 < 1e300).
/// Cost: (m + 1)^H times (M H + one `mean_interaction` for each pair of particles, and for m = 1 about 100 H exponentials).
/// Bits: `simd` functions and a fixed order, the same everywhere.
ExactEnergy exact_energy(System const& system, RbmShape const& shape, RbmParameters const& parameters);

}  // namespace fermiac::vmc
