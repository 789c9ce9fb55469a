#include "fermiac/vmc/published.hpp"

#include <cmath>

namespace fermiac::vmc {

namespace {

struct Row {
  int dimensions;
  double omega;
  double value;
  double error;
};

// Tables of ground state energies, column RBM, N = 2.
constexpr Row rows[] = {
    {2, 0.1, 0.4728, 1e-4}, {2, 1.0 / 6, 0.7036, 1e-4}, {2, 0.28, 1.07050, 4e-5}, {2, 0.5, 1.72293, 7e-5}, {2, 1, 3.0803, 2e-4},
    {3, 0.1, 0.5177, 1e-4}, {3, 0.28, 1.2261, 1e-4},    {3, 0.5, 2.0269, 1e-4},   {3, 1, 3.7574, 1e-4},
};

}  // namespace

std::optional<PublishedEnergy> published_rbm_energy(System const& system) {
  if (system.particles != 2 || system.interaction != Interaction::coulomb) return std::nullopt;
  for (auto const& row : rows)
    if (row.dimensions == system.dimensions && std::abs(system.omega - row.omega) <= 1e-5 * row.omega)
      return PublishedEnergy{row.value, row.error, "Nordhagen 2019, MSc thesis, University of Oslo"};
  return std::nullopt;
}

}  // namespace fermiac::vmc
