/// The Gaussian-binary restricted Boltzmann machine as a wave function: conventions, shape, parameters.
///
///     E(x, h) = sum_i (x_i - a_i)^2 / (2 sigma^2) - sum_j b_j h_j - sum_ij x_i W_ij h_j / sigma^2
///     F(x)    = sum_h e^{-E(x, h)} = exp(-sum_i (x_i - a_i)^2 / (2 sigma^2)) prod_j (1 + exp(theta_j)),
///     theta_j = b_j + sum_i x_i W_ij / sigma^2
///
/// with hidden units h_j in {0, 1} and coordinates x_i of all particles, particle after particle (i = particle * dimensions
/// + dimension). Two wave functions are made of it: Psi = sqrt(F), so that |Psi|^2 is the machine's marginal (the lecture's
/// convention), and Psi = F (that of many codes). Signs and the 1/sigma^2 on W matter once sigma is trained: these are ours.
#pragma once

#include <armadillo>
#include <string>

namespace fermiac::vmc {

/// Which function of the machine's marginal F the wave function is.
enum class Convention {
  sqrt_f,  ///< Psi = sqrt(F): |Psi|^2 = F. Without hidden units the trap's ground state has sigma^2 = 1 / (2 omega).
  f        ///< Psi = F: |Psi|^2 = F^2. Without hidden units the trap's ground state has sigma^2 = 1 / omega.
};

/// s in ln Psi = s ln F: 1/2 or 1.
constexpr double exponent(Convention convention) { return convention == Convention::sqrt_f ? 0.5 : 1.0; }

/// Numbers of coordinates and hidden units, and which parameters are trained.
struct RbmShape {
  arma::uword n_coordinates = 0;  ///< M = particles times dimensions
  arma::uword n_hidden = 0;       ///< H, 0 for a plain Gaussian
  Convention convention = Convention::sqrt_f;
  bool sigma_trainable = false;

  /// Trained parameters: M + H + M H, and one for ln sigma where it is trained.
  arma::uword n_parameters() const { return n_coordinates + n_hidden + n_coordinates * n_hidden + (sigma_trainable ? 1 : 0); }
};

/// Parameters by name, as kernels and oracles use them.
struct RbmParameters {
  arma::vec a;               ///< M centres, the unit of length
  arma::vec b;               ///< H hidden biases, no unit
  arma::mat W;               ///< M x H weights, the unit of length
  double sigma_squared = 1;  ///< width squared, greater than 0
};

/// The trained parameters as one vector: a, b, W column after column (W_ij at M + H + i + M j), then ln sigma where it is
/// trained.
arma::vec flatten(RbmShape const& shape, RbmParameters const& parameters);

/// The inverse of `flatten`. Where sigma is not trained, `sigma_squared` is taken as it is.
RbmParameters unflatten(RbmShape const& shape, arma::vec const& flat, double sigma_squared);

}  // namespace fermiac::vmc
