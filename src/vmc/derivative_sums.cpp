#include "fermiac/vmc/derivative_sums.hpp"

#include <algorithm>

#include "fermiac/base/error.hpp"

namespace fermiac::vmc {

arma::rowvec DerivativeSums::total() const {
  arma::rowvec result(lanes.n_columns());
  for (arma::uword c = 0; c < lanes.n_columns(); ++c) {
    double tree[n_lanes];
    std::copy_n(lanes.column(c), n_lanes, tree);
    for (arma::uword half = n_lanes / 2; half > 0; half /= 2)
      for (arma::uword l = 0; l < half; ++l) tree[l] += tree[l + half];
    result[c] = tree[0];
  }
  return result;
}

arma::vec log_derivative_scale(RbmShape const& shape, RbmParameters const& parameters) {
  auto const M = shape.n_coordinates;
  auto const H = shape.n_hidden;
  double const s = exponent(shape.convention);
  arma::vec scale(shape.n_parameters(), arma::fill::value(s));
  std::fill_n(scale.memptr(), M, s / parameters.sigma_squared);
  std::fill_n(scale.memptr() + M + H, M * H, s / parameters.sigma_squared);
  return scale;
}

EnergySlope energy_slope(RbmShape const& shape, RbmParameters const& parameters, arma::rowvec const& sums, double n_samples) {
  auto const K = shape.n_parameters();
  bool const with_products = sums.n_elem > 1 + 2 * K;
  FERMIAC_ASSERT(sums.n_elem == DerivativeSums::n_columns(shape, with_products) && n_samples > 0);

  arma::vec const scale = log_derivative_scale(shape, parameters);
  EnergySlope slope;
  slope.energy = sums[0] / n_samples;
  arma::vec const phi = sums.subvec(1, K).t() / n_samples;
  arma::vec const energy_phi = sums.subvec(1 + K, 2 * K).t() / n_samples;
  slope.gradient = 2 * scale % (energy_phi - slope.energy * phi);
  if (with_products) {
    slope.S.set_size(K, K);
    arma::uword column = 1 + 2 * K;
    for (arma::uword k = 0; k < K; ++k)
      for (arma::uword l = 0; l <= k; ++l, ++column)
        slope.S(k, l) = slope.S(l, k) = scale[k] * scale[l] * (sums[column] / n_samples - phi[k] * phi[l]);
  }
  return slope;
}

}  // namespace fermiac::vmc
