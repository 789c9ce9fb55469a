#include "fermiac/vmc/ground_state.hpp"

#include <algorithm>
#include <boost/math/tools/toms748_solve.hpp>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "fermiac/base/error.hpp"

namespace fermiac::vmc {

namespace {

using Real = boost::multiprecision::number<boost::multiprecision::cpp_bin_float<60>, boost::multiprecision::et_off>;

constexpr double least_omega = 0.001;
constexpr double greatest_omega = 1000;

// The series at r = radius, lengths and energies in units of omega = 1: there the interaction is 1 / (r sqrt(omega)).
Real series_at(Real const& radius, Real const& eps, Real const& coupling, int dimensions, int l) {
  Real before = 0;  // a_{k-2} r^{k-2}
  Real last = 1;    // a_{k-1} r^{k-1}
  Real sum = 1;
  Real largest = 1;
  for (int k = 1;; ++k) {
    Real const pull = eps - (k - 2 + l + Real(dimensions) / 2);
    Real const term = (coupling * radius * last - pull * radius * radius * before) / (k * (k + 2 * l + dimensions - 2));
    sum += term;
    before = last;
    last = term;
    Real const size = abs(before) + abs(last);
    if (size > largest) largest = size;
    if (k > 2 * radius * radius && size < largest * std::numeric_limits<Real>::epsilon()) return sum;
  }
}

}  // namespace

double two_electron_ground_state(double omega, int dimensions, bool like) {
  if (dimensions != 2 && dimensions != 3)
    throw InputError("system.dimensions", "two electrons are solved in 2 or 3 dimensions, not " + std::to_string(dimensions));
  if (!(omega >= least_omega && omega <= greatest_omega))
    throw InputError("system.omega", "two electrons are solved for omega from 0.001 to 1000, not " + std::to_string(omega));
  int const l = like ? 1 : 0;
  Real const radius = 11;
  Real const coupling = 1 / sqrt(Real(omega));
  auto const series = [&](Real const& eps) { return series_at(radius, eps, coupling, dimensions, l); };

  // Levels are at least sqrt(3) apart, so steps of 1 upwards from the level without interaction meet the lowest alone.
  Real low = l + Real(dimensions) / 2;
  Real at_low = series(low);
  Real high = low + 1;
  Real at_high = series(high);
  while (at_high > 0) {
    low = high;
    at_low = at_high;
    high += 1;
    at_high = series(high);
  }
  std::uintmax_t max_iterations = 100;
  auto const [left, right] = boost::math::tools::toms748_solve(series, low, high, at_low, at_high,
                                                               boost::math::tools::eps_tolerance<Real>(80), max_iterations);
  return static_cast<double>(Real(omega) * ((left + right) / 2 + Real(dimensions) / 2));
}

double non_interacting_ground_state(System const& system) {
  check(system);
  auto const D = static_cast<std::size_t>(system.dimensions);
  std::vector<double> frequency;
  for (std::size_t c = 0; c < D; ++c) frequency.push_back(system.omega * system.frequency_ratio[c]);
  double const lowest = 0.5 * std::accumulate(frequency.begin(), frequency.end(), 0.0);
  auto const n = static_cast<std::size_t>(system.particles);
  if (!has_like_pairs(system)) return static_cast<double>(n) * lowest;
  // Levels by filling: n orbitals never need a quantum number of n or more in one direction.
  std::vector<double> levels;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < (D > 1 ? n : 1); ++j)
      for (std::size_t k = 0; k < (D > 2 ? n : 1); ++k) {
        if ((i + 1) * (j + 1) * (k + 1) > n) break;  // so many orbitals lie no higher
        double const quanta[3] = {static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)};
        double level = lowest;
        for (std::size_t c = 0; c < D; ++c) level += quanta[c] * frequency[c];
        levels.push_back(level);
      }
  std::ranges::sort(levels);
  auto const filled = [&](std::size_t m) {
    return std::accumulate(levels.begin(), levels.begin() + static_cast<std::ptrdiff_t>(m), 0.0);
  };
  return filled(n_up(system)) + filled(n - n_up(system));
}

std::optional<double> ground_state_energy(System const& system) {
  check(system);
  if (system.trap == Trap::double_well && system.well_distance > 0) return std::nullopt;
  if (system.interaction == Interaction::none || system.particles == 1) return non_interacting_ground_state(system);
  if (system.interaction == Interaction::coulomb && system.particles == 2 && is_isotropic(system) &&
      system.omega >= least_omega && system.omega <= greatest_omega)
    return two_electron_ground_state(system.omega, system.dimensions, has_like_pairs(system));
  return std::nullopt;
}

}  // namespace fermiac::vmc
