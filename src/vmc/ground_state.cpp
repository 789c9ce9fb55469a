#include "fermiac/vmc/ground_state.hpp"

#include <boost/math/tools/toms748_solve.hpp>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cstdint>
#include <string>

#include "fermiac/base/error.hpp"

namespace fermiac::vmc {

namespace {

using Real = boost::multiprecision::number<boost::multiprecision::cpp_bin_float<60>, boost::multiprecision::et_off>;

constexpr double least_omega = 0.001;
constexpr double greatest_omega = 1000;

// The series at r = radius, lengths and energies in units of omega = 1: there the interaction is 1 / (r sqrt(omega)).
Real series_at(Real const& radius, Real const& eps, Real const& coupling, int dimensions) {
  Real before = 0;  // a_{k-2} r^{k-2}
  Real last = 1;    // a_{k-1} r^{k-1}
  Real sum = 1;
  Real largest = 1;
  for (int k = 1;; ++k) {
    Real const pull = eps - (k - 2 + Real(dimensions) / 2);
    Real const term = (coupling * radius * last - pull * radius * radius * before) / (k * (k + dimensions - 2));
    sum += term;
    before = last;
    last = term;
    Real const size = abs(before) + abs(last);
    if (size > largest) largest = size;
    if (k > 2 * radius * radius && size < largest * std::numeric_limits<Real>::epsilon()) return sum;
  }
}

}  // namespace

double two_electron_ground_state(double omega, int dimensions) {
  if (dimensions != 2 && dimensions != 3)
    throw InputError("system.dimensions", "two electrons are solved in 2 or 3 dimensions, not " + std::to_string(dimensions));
  if (!(omega >= least_omega && omega <= greatest_omega))
    throw InputError("system.omega", "two electrons are solved for omega from 0.001 to 1000, not " + std::to_string(omega));
  Real const radius = 11;
  Real const coupling = 1 / sqrt(Real(omega));
  auto const series = [&](Real const& eps) { return series_at(radius, eps, coupling, dimensions); };

  // Levels are at least sqrt(3) apart, so steps of 1 upwards from the level without interaction meet the lowest alone.
  Real low = Real(dimensions) / 2;
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

std::optional<double> ground_state_energy(System const& system) {
  check(system);
  if (system.interaction == Interaction::none || system.particles == 1)
    return 0.5 * system.particles * system.dimensions * system.omega;
  if (system.interaction == Interaction::coulomb && system.particles == 2 && system.omega >= least_omega &&
      system.omega <= greatest_omega)
    return two_electron_ground_state(system.omega, system.dimensions);
  return std::nullopt;
}

}  // namespace fermiac::vmc
