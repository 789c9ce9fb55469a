#include "fermiac/vmc/ansatz_minimum.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/optimise/lbfgs.hpp"
#include "fermiac/vmc/exact_energy.hpp"

namespace fermiac::vmc {

namespace {

// Of fixed bits, unlike the distributions of the standard library.
double symmetric_uniform(std::mt19937_64& source) { return std::ldexp(static_cast<double>(source() >> 11), -52) - 1; }

RbmParameters starting_point(System const& system, RbmShape const& shape, double sigma_squared, int start) {
  constexpr std::array sizes = {1.0, 2.0, 0.5, 4.0};
  auto const size = sizes[static_cast<std::size_t>(start / 2) % sizes.size()] * std::sqrt(sigma_squared);
  bool const antisymmetric = start % 2 == 0;
  auto const noise = antisymmetric ? 0.2 : 1.0;
  std::mt19937_64 source(static_cast<std::uint64_t>(start) + 1);

  RbmParameters parameters;
  parameters.sigma_squared = sigma_squared;
  parameters.W.zeros(shape.n_coordinates, shape.n_hidden);
  auto const d = static_cast<arma::uword>(system.dimensions);
  std::vector<double> push(d);
  for (arma::uword j = 0; j < shape.n_hidden; ++j) {
    for (auto& component : push) component = j % 2 == 0 ? symmetric_uniform(source) : -component;
    for (arma::uword i = 0; i < shape.n_coordinates; ++i) {
      parameters.W(i, j) = noise * size * symmetric_uniform(source);
      if (antisymmetric) parameters.W(i, j) += size * (i / d % 2 == 0 ? push[i % d] : -push[i % d]);
    }
  }
  // With these centres and biases theta vanishes at the origin but for noise: no hidden unit starts frozen.
  parameters.a = -0.5 * arma::sum(parameters.W, 1);
  parameters.b.zeros(shape.n_hidden);
  for (double& bias : parameters.b) bias = 0.5 * symmetric_uniform(source);
  // Without hidden units, centres at the origin are a stationary point that is no minimum.
  if (shape.n_hidden == 0)
    for (double& centre : parameters.a) centre = 0.5 * std::sqrt(sigma_squared) * symmetric_uniform(source);
  return parameters;
}

}  // namespace

AnsatzMinimum ansatz_minimum(System const& system, RbmShape const& shape, double sigma_squared, int n_starts) {
  if (!(sigma_squared > 0) || !std::isfinite(sigma_squared))
    throw InputError("ansatz.sigma_squared", fmt::format("must be greater than 0 and finite, not {}", sigma_squared));
  if (n_starts < 1) throw InputError(fmt::format("there must be at least 1 start, not {}", n_starts));

  auto const energy = [&](arma::vec const& point, arma::vec& gradient) {
    try {
      auto const exact = exact_energy(system, shape, unflatten(shape, point, sigma_squared));
      gradient = exact.gradient;
      return exact.total;
    } catch (ItemFailure const&) {
      return std::numeric_limits<double>::quiet_NaN();  // too far out: the search turns back
    }
  };
  optimise::LbfgsOptions const options{
      .memory = 20,
      .max_iterations = 2000,
      .gradient_tolerance = 1e-8 * system.omega,
      .value_tolerance = 1e-12,
      .first_step = 0.5,
  };

  std::optional<optimise::Minimum> lowest;
  std::vector<double> energies;
  for (int start = 0; start < n_starts; ++start) {
    auto minimum = optimise::minimise(energy, flatten(shape, starting_point(system, shape, sigma_squared, start)), options);
    energies.push_back(minimum.value);
    if (!lowest || minimum.value < lowest->value) lowest = std::move(minimum);
  }
  AnsatzMinimum result{lowest->value, unflatten(shape, lowest->point, sigma_squared), n_starts, 0, lowest->converged};
  for (double const value : energies)
    if (value - result.energy <= 1e-6 * std::abs(result.energy)) ++result.n_agreeing;
  return result;
}

}  // namespace fermiac::vmc
