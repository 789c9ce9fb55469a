/// Random series whose mean, variance and autocorrelation are known exactly.
#pragma once

#include <armadillo>
#include <cmath>
#include <cstdint>
#include <vector>

#include "fermiac/rng/stream.hpp"

namespace fermiac::test {

inline constexpr double one_sigma = 0.682689492137085897;  // confidence within 1 standard error of a normal
inline constexpr double two_sigma = 0.954499736103641585;  // within 2

inline rng::StreamId stream_id(std::uint64_t seed) {
  static rng::Key const key = rng::make_key(20230427, "tests/stats");
  return {key, rng::Purpose::test, seed};
}

/// x_{t+1} = phi x_t + sqrt(1 - phi^2) xi_t with normal xi, started in equilibrium: mean 0, variance 1, rho(t) = phi^t.
struct Ar1 {
  double phi;

  /// n x n_chains.
  arma::mat chains(arma::uword n, arma::uword n_chains, std::uint64_t seed) const {
    double const kick = std::sqrt(1 - phi * phi);
    arma::mat result(n, n_chains);
    for (arma::uword c = 0; c < n_chains; ++c) {
      double* const x = result.colptr(c);
      rng::Stream(stream_id(seed), c).normals({x, n});
      for (arma::uword t = 1; t < n; ++t) x[t] = phi * x[t - 1] + kick * x[t];
    }
    return result;
  }

  double tau() const { return (1 + phi) / (2 * (1 - phi)); }

  /// Of the mean of n consecutive samples.
  double variance_of_mean(double n) const {
    return (2 * tau() - 2 * phi * (1 - std::pow(phi, n)) / (n * (1 - phi) * (1 - phi))) / n;
  }
};

/// Independent exponentials less one: mean 0, variance 1, skewness 2, kurtosis 9.
inline std::vector<double> exponentials(std::size_t n, std::uint64_t seed) {
  std::vector<double> result(n);
  rng::Stream(stream_id(seed), 0).uniforms(result);
  for (auto& x : result) x = -std::log(x) - 1;
  return result;
}

}  // namespace fermiac::test
