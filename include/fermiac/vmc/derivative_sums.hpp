/// Sums over samples from which the gradient of the energy and the metric of the wave function are made.
#pragma once

#include <armadillo>
#include <cstdint>

#include "fermiac/vmc/columns.hpp"
#include "fermiac/vmc/rbm.hpp"

namespace fermiac::vmc {

/// Each log-derivative of the machine is a feature phi, shifted and scaled:
///
///     parameter   phi                                                O = d ln Psi / d parameter
///     a_i         x_i                                                s (phi - a_i) / sigma^2
///     b_j         p_j = 1 / (1 + exp(-theta_j))                      s phi
///     W_ij        x_i p_j                                            s phi / sigma^2
///     ln sigma    |x - a|^2 / sigma^2 - 2 sum_j (theta_j - b_j) p_j  s phi
///
/// Summed are, in this order, E (1 column), phi (K columns), E phi (K), and phi_k phi_l for l = 0 ... k, k = 0 ... K-1, where
/// products are wanted (K (K + 1) / 2); K = `n_parameters`, E the controlled energy, E phi with its correction (`RbmPack`).
/// Walker w of a pack adds to lane w mod 16, so lanes are sums over disjoint sets of independent walkers.
class DerivativeSums {
 public:
  static constexpr arma::uword n_lanes = 16;

  DerivativeSums() = default;
  DerivativeSums(RbmShape const& shape, bool with_products)
      : with_products_(with_products), lanes(n_lanes, n_columns(shape, with_products)) {}

  static arma::uword n_columns(RbmShape const& shape, bool with_products) {
    auto const K = shape.n_parameters();
    return 1 + 2 * K + (with_products ? K * (K + 1) / 2 : 0);
  }

  bool with_products() const noexcept { return with_products_; }
  void zero() { lanes.zero(); }

  /// The sums over lanes, by a fixed tree; n_columns values.
  arma::rowvec total() const;

 private:
  bool with_products_ = false;

 public:
  Columns lanes;  ///< 16 x n_columns
};

/// The factor of phi in O, for each parameter.
arma::vec log_derivative_scale(RbmShape const& shape, RbmParameters const& parameters);

/// What the sums say about the energy as a function of the parameters.
struct EnergySlope {
  double energy = 0;
  arma::vec gradient;  ///< dE/d parameter = 2 cov(E, O), in the order of `flatten`
  arma::mat S;         ///< cov(O_k, O_l); empty where products were not summed
};

/// @param sums      n_columns values, in the order of `DerivativeSums`
/// @param n_samples  how many samples were summed, greater than 0
EnergySlope energy_slope(RbmShape const& shape, RbmParameters const& parameters, arma::rowvec const& sums, double n_samples);

}  // namespace fermiac::vmc
