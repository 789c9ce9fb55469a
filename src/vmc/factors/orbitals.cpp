#include "fermiac/vmc/factors/orbitals.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

namespace fermiac::vmc {
namespace {

/// Energy in steps that rounding does not reach, then x first.
using Rank = std::tuple<double, int, int, int>;

Rank rank(System const& system, Quanta const& quanta) {
  double energy = 0;
  for (std::size_t c = 0; c < 3; ++c) energy += system.frequency_ratio[c] * quanta[c];
  return {std::nearbyint(energy * 0x1p30), -quanta[0], -quanta[1], -quanta[2]};
}

}  // namespace

int Orbitals::highest() const noexcept {
  int result = 0;
  for (Quanta const& m : quanta) result = std::max(result, *std::max_element(m.begin(), m.end()));
  return result;
}

double Orbitals::excitation() const noexcept {
  double result = 0;
  for (Quanta const& m : quanta)
    for (std::size_t c = 0; c < dimensions; ++c) result = std::fma(frequency[c], m[c], result);
  return result;
}

Orbitals lowest_orbitals(System const& system, std::size_t n) {
  Orbitals result;
  result.dimensions = static_cast<std::size_t>(system.dimensions);
  for (std::size_t c = 0; c < result.dimensions; ++c) result.frequency[c] = system.omega * system.frequency_ratio[c];
  // Whatever comes next is one step above an orbital that is already there.
  std::set<Rank> next = {rank(system, {0, 0, 0})};
  while (result.size() < n) {
    auto const [energy, x, y, z] = *next.begin();
    next.erase(next.begin());
    Quanta const found = {-x, -y, -z};
    result.quanta.push_back(found);
    for (std::size_t c = 0; c < result.dimensions; ++c) {
      Quanta above = found;
      ++above[c];
      next.insert(rank(system, above));
    }
  }
  return result;
}

}  // namespace fermiac::vmc
