#include "fermiac/vmc/rbm.hpp"

#include "fermiac/base/error.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::vmc {

arma::vec flatten(RbmShape const& shape, RbmParameters const& parameters) {
  FERMIAC_ASSERT(parameters.a.n_elem == shape.n_coordinates && parameters.b.n_elem == shape.n_hidden);
  FERMIAC_ASSERT(parameters.W.n_rows == shape.n_coordinates && parameters.W.n_cols == shape.n_hidden);
  arma::vec flat = arma::join_cols(parameters.a, parameters.b, arma::vectorise(parameters.W));
  if (shape.sigma_trainable) {
    flat.resize(flat.n_elem + 1);
    flat.back() = 0.5 * simd::log(parameters.sigma_squared);
  }
  return flat;
}

RbmParameters unflatten(RbmShape const& shape, arma::vec const& flat, double sigma_squared) {
  FERMIAC_ASSERT(flat.n_elem == shape.n_parameters());
  auto const M = shape.n_coordinates;
  auto const H = shape.n_hidden;
  RbmParameters parameters;
  parameters.a = flat.head(M);
  parameters.b = arma::vec(flat.memptr() + M, H);
  parameters.W = arma::mat(flat.memptr() + M + H, M, H);
  parameters.sigma_squared = shape.sigma_trainable ? simd::exp(2 * flat.back()) : sigma_squared;
  return parameters;
}

}  // namespace fermiac::vmc
