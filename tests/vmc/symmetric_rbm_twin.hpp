/// Symmetric machines, from the formulas of symmetric_rbm.hpp.
#pragma once

#include "support/factor_checks.hpp"

namespace fermiac::testing {

inline Real softplus(Real x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }
inline Real sign_of(std::size_t h) { return h % 2 == 0 ? 1 : -1; }

/// Distances squared of particles and from the centre, in units where omega = 1.
struct Places {
  Places(vmc::System const& system, Reals const& x) : D(static_cast<std::size_t>(system.dimensions)), at(x) {
    for (auto& value : at) value *= std::sqrt(Real{system.omega});
  }
  Real square(std::size_t p) const {
    Real sum = 0;
    for (std::size_t c = 0; c < D; ++c) sum += at[p * D + c] * at[p * D + c];
    return sum;
  }
  Real square(std::size_t p, std::size_t q) const {
    Real sum = 0;
    for (std::size_t c = 0; c < D; ++c) sum += (at[p * D + c] - at[q * D + c]) * (at[p * D + c] - at[q * D + c]);
    return sum;
  }
  std::size_t D;
  Reals at;
};

inline Real centre(Real square, Real N) { return square / (std::pow(N, Real{2} / 3) + square); }

inline Real log_of_pairs(vmc::System const& system, std::size_t hidden, Reals const& x, Reals const& p) {
  Places const places(system, x);
  Real const N = system.particles;
  Real sum = 0;
  for (std::size_t j = 1; j < static_cast<std::size_t>(system.particles); ++j)
    for (std::size_t i = 0; i < j; ++i) {
      bool const behind = vmc::are_like(system, i, j) && vmc::has_unlike_pairs(system);
      Real const r = std::sqrt(places.square(i, j));
      Real const ci = centre(places.square(i), N);
      Real const cj = centre(places.square(j), N);
      for (std::size_t h = 0; h < hidden; ++h) {
        Real const* unit = p.data() + 4 * (h + (behind ? hidden : 0));
        sum += sign_of(h) * softplus(unit[0] + unit[1] * r * r / (1 + r) + unit[2] * (ci + cj) + unit[3] * ci * cj);
      }
    }
  return sum;
}

inline Real log_of_power_sums(vmc::System const& system, std::size_t hidden, Reals const& x, Reals const& p) {
  Places const places(system, x);
  auto const N = static_cast<std::size_t>(system.particles);
  Reals sums(2 + 2 * (std::size_t{vmc::has_unlike_pairs(system)} + std::size_t{vmc::has_like_pairs(system)}), 0);
  for (std::size_t j = 0; j < N; ++j) {
    Real const c = centre(places.square(j), static_cast<Real>(N));
    sums[0] += c / N;
    sums[1] += c * c / N;
    for (std::size_t i = 0; i < j; ++i) {
      std::size_t const first = vmc::are_like(system, i, j) ? sums.size() - 2 : 2;
      Real const square = places.square(i, j);
      sums[first] += square / (1 + square) / N;
      sums[first + 1] += square / (9 + square) / N;
    }
  }
  Real result = 0;
  for (std::size_t h = 0; h < hidden; ++h) {
    Real const* unit = p.data() + h * (1 + sums.size());
    Real theta = unit[0];
    for (std::size_t k = 0; k < sums.size(); ++k) theta += unit[1 + k] * sums[k];
    result += sign_of(h) * softplus(theta);
  }
  return result;
}

inline Real log_of_permutations(vmc::System const& system, std::size_t hidden, Reals const& x, Reals const& p) {
  auto const D = static_cast<std::size_t>(system.dimensions);
  std::vector<std::size_t> order(static_cast<std::size_t>(system.particles));
  std::iota(order.begin(), order.end(), std::size_t{0});
  Real sum = 0;
  do {
    Real f = 0;
    for (std::size_t h = 0; h < hidden; ++h) {
      Real const* unit = p.data() + h * (1 + x.size());
      Real theta = unit[0];
      for (std::size_t i = 0; i < x.size(); ++i) theta += unit[1 + i] * x[order[i / D] * D + i % D];
      f += softplus(theta);
    }
    sum += std::exp(f);
  } while (std::next_permutation(order.begin(), order.end()));
  return std::log(sum);
}

inline FactorCheck symmetric_rbm(vmc::System const& system, std::string const& inputs, std::int64_t hidden,
                                 std::uint64_t replicate) {
  FactorCheck check{.system = system, .ansatz = {}, .factor = "symmetric_rbm", .parameters = {}, .log_psi = {}, .sign = {}};
  check.ansatz.options.set("symmetric_rbm.inputs", inputs);
  check.ansatz.options.set("symmetric_rbm.hidden", hidden);
  check.parameters = noisy_parameters(*make_form(system, check.ansatz, "symmetric_rbm"), replicate, 0.4);
  auto const twin = inputs == "pairs" ? log_of_pairs : inputs == "power_sums" ? log_of_power_sums : log_of_permutations;
  check.log_psi = [=, H = static_cast<std::size_t>(hidden)](Reals const& x, Reals const& p) { return twin(system, H, x, p); };
  check.symmetric_under_all = system.particles == 2 || inputs == "permutations";
  return check;
}

}  // namespace fermiac::testing
