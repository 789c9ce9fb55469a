/// Machines with random parameters, the same in every run.
#pragma once

#include <armadillo>
#include <cstdint>
#include <vector>

#include "fermiac/rng/philox.hpp"
#include "fermiac/vmc/rbm.hpp"
#include "fermiac/vmc/system.hpp"
#include "support/rbm_twin.hpp"

namespace fermiac::testing {

using namespace vmc;

/// Numbers between -1 and 1, the same in every run.
class Numbers {
 public:
  explicit Numbers(std::uint32_t replicate) : replicate_(replicate) {}
  double operator()() {
    auto const block = rng::philox({7, 8}, rng::make_counter(rng::Purpose::test, replicate_, 0, index_++));
    return 2 * rng::uniform_of(block[0], block[1]) - 1;
  }
  arma::mat matrix(arma::uword rows, arma::uword columns, double scale) {
    arma::mat values(rows, columns);
    for (auto& value : values) value = scale * (*this)();
    return values;
  }

 private:
  std::uint32_t replicate_;
  std::uint64_t index_ = 0;
};

struct Setting {
  System system;
  RbmShape shape;
  RbmParameters parameters;
};

inline Setting setting(int particles, int dimensions, arma::uword hidden, Convention convention, Interaction interaction,
                       bool sigma_trainable, std::uint32_t replicate) {
  auto const M = static_cast<arma::uword>(particles * dimensions);
  Numbers numbers(replicate);
  Setting s{{particles, dimensions, 0.7, interaction, interaction == Interaction::soft_coulomb ? 0.3 : 0.0},
            {M, hidden, convention, sigma_trainable},
            {}};
  s.parameters.a = numbers.matrix(M, 1, 0.3);
  s.parameters.b = numbers.matrix(hidden, 1, 0.8);
  s.parameters.W = numbers.matrix(M, hidden, 0.9);
  s.parameters.sigma_squared = 1 + 0.5 * numbers();
  return s;
}

inline std::vector<Real> row(arma::mat const& X, arma::uword k) {
  std::vector<Real> x(X.n_cols);
  for (arma::uword i = 0; i < X.n_cols; ++i) x[i] = X(k, i);
  return x;
}

}  // namespace fermiac::testing
