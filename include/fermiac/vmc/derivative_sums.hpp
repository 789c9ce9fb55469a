/// Sums over samples from which the gradient of the energy and the metric of the wave function are made.
#pragma once

#include <armadillo>
#include <cstddef>

#include "fermiac/vmc/columns.hpp"

namespace fermiac::vmc {

/// Each log-derivative O = d ln Psi / d parameter is a feature phi, scaled by a constant and shifted by another
/// (`Pack::feature_scale`). Summed are, in this order, E (1 column), phi (K columns), E phi (K), and phi_k phi_l for l = 0 ...
/// k, k = 0 ... K-1, where products are wanted (K (K + 1) / 2); K parameters, E the controlled energy, E phi with its
/// correction
/// (`Pack`). Walker w of a pack adds to lane w mod 16, so lanes are sums over disjoint sets of independent walkers.
class DerivativeSums {
 public:
  static constexpr arma::uword n_lanes = 16;

  DerivativeSums() = default;
  DerivativeSums(arma::uword K, bool with_products)
      : with_products_(with_products), lanes(n_lanes, n_columns(K, with_products)) {}

  static arma::uword n_columns(arma::uword K, bool with_products) { return 1 + 2 * K + (with_products ? K * (K + 1) / 2 : 0); }

  bool with_products() const noexcept { return with_products_; }
  void zero() { lanes.zero(); }

  /// The sums over lanes, by a fixed tree; n_columns values.
  arma::rowvec total() const;

 private:
  bool with_products_ = false;

 public:
  Columns lanes;  ///< 16 x n_columns
};

/// Adds one sample of `n` walkers to the lanes: energy E, features phi (n x K), and, where given, corrections to E phi (n x K).
void add_sample(DerivativeSums& sums, std::size_t n, double const* energy, Columns const& phi, Columns const* corrections);

/// What the sums say about the energy as a function of the parameters.
struct EnergySlope {
  double energy = 0;
  arma::vec gradient;  ///< dE/d parameter = 2 cov(E, O)
  arma::mat S;         ///< cov(O_k, O_l); empty where products were not summed
};

/// @param sums       n_columns values, in the order of `DerivativeSums`
/// @param n_samples  how many samples were summed, greater than 0
/// @param scale      of each feature in O, K values
EnergySlope energy_slope(arma::rowvec const& sums, double n_samples, arma::vec const& scale);

}  // namespace fermiac::vmc
