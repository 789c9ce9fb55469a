#include "fermiac/vmc/published.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace fermiac::vmc {

namespace {

struct Cell {
  double value;
  double error;
};
constexpr Cell none{std::numeric_limits<double>::quiet_NaN(), 0};

struct Row {
  int dimensions;
  int particles;
  double omega;
  std::array<Cell, 6> methods;  // in the order of PublishedMethod
};

// clang-format off
constexpr Row rows[] = {
    {2, 2, 0.1, {{{0.4728, 1e-4}, {0.44856, 1e-5}, {0.440975, 8e-6}, {0.525635, 0}, {0.44129, 1e-5}, {0.44079, 1e-5}}}},
    {2, 2, 1.0 / 6, {{{0.7036, 1e-4}, {0.67684, 7e-5}, {0.66715, 6e-5}, {0.768675, 0}, {0.66710, 1e-5}, none}}},
    {2, 2, 0.28, {{{1.07050, 4e-5}, {1.03470, 7e-5}, {1.021668, 7e-6}, {1.14171, 0}, {1.02192, 1e-5}, {1.02164, 1e-5}}}},
    {2, 2, 0.5, {{{1.72293, 7e-5}, {1.67739, 9e-5}, {1.659637, 6e-6}, {1.79974, 0}, {1.65974, 1e-5}, {1.65977, 1e-5}}}},
    {2, 2, 1.0, {{{3.0803, 2e-4}, {3.02108, 5e-5}, {2.999587, 5e-6}, {3.16190, 0}, {2.99936, 1e-5}, {3.00000, 1e-5}}}},
    {2, 6, 0.1, {{{3.697, 1e-3}, {3.63825, 9e-5}, {3.5700, 2e-4}, {3.85238, 0}, {3.5695, 1e-4}, {3.55385, 5e-5}}}},
    {2, 6, 0.28, {{{7.9273, 9e-4}, {7.7313, 2e-4}, {7.6203, 2e-4}, {8.01957, 0}, {7.6219, 1e-4}, {7.60019, 6e-5}}}},
    {2, 6, 0.5, {{{12.241, 1e-3}, {11.9659, 5e-4}, {11.8074, 2e-4}, {12.2713, 0}, {11.8104, 2e-4}, {11.78484, 6e-5}}}},
    {2, 6, 1.0, {{{20.716, 1e-3}, {20.3393, 8e-4}, {20.1832, 2e-4}, {20.7192, 0}, {20.1918, 2e-4}, {20.15932, 8e-5}}}},
    {2, 12, 0.1, {{{12.679, 1e-3}, {12.5964, 7e-4}, {12.3416, 4e-4}, {12.9247, 0}, {12.29962, 9e-5}, {12.26984, 8e-5}}}},
    {2, 12, 0.28, {{{26.389, 2e-3}, {26.051, 1e-3}, {25.7331, 5e-4}, {26.5500, 0}, {25.7049, 4e-4}, {25.63577, 9e-5}}}},
    {2, 12, 0.5, {{{40.440, 3e-3}, {39.6340, 7e-4}, {39.2743, 6e-4}, {40.2161, 0}, {39.2421, 5e-4}, {39.1596, 1e-4}}}},
    {2, 12, 1.0, {{{67.632, 3e-3}, {66.1898, 8e-4}, {65.7911, 7e-4}, {66.9113, 0}, {65.7026, 4e-4}, {65.7001, 1e-4}}}},
    {2, 20, 0.1, {{{30.824, 2e-3}, {30.567, 3e-3}, {30.1553, 9e-4}, {31.1902, 0}, {30.0403, 2e-4}, {29.9779, 1e-4}}}},
    {2, 20, 0.28, {{{63.788, 4e-3}, {62.786, 3e-3}, {62.148, 1e-3}, {63.5390, 0}, {62.0755, 7e-4}, {61.9268, 1e-4}}}},
    {2, 20, 0.5, {{{96.410, 1e-3}, {94.920, 4e-3}, {94.104, 1e-3}, {95.7328, 0}, {94.0433, 9e-4}, {93.8752, 1e-4}}}},
    {2, 20, 1.0, {{{159.428, 3e-3}, {156.816, 4e-3}, {156.104, 1e-3}, {158.004, 0}, {155.8900, 4e-4}, {155.8822, 1e-4}}}},
    {2, 30, 0.1, {{{61.829, 5e-3}, {61.198, 2e-3}, {60.774, 2e-3}, none, {60.585, 1e-3}, {60.4205, 2e-4}}}},
    {2, 30, 0.28, {{{126.958, 6e-3}, {125.413, 2e-3}, {124.437, 2e-3}, none, {124.195, 2e-3}, {123.9683, 2e-4}}}},
    {2, 30, 0.5, {{{191.495, 7e-3}, {188.995, 5e-3}, {187.488, 2e-3}, none, {187.325, 3e-3}, {187.0426, 2e-4}}}},
    {2, 30, 1.0, {{{315.364, 8e-3}, {309.997, 6e-3}, {308.989, 2e-3}, none, {308.576, 1e-3}, {308.5627, 2e-4}}}},
    {2, 42, 0.1, {{{109.892, 6e-3}, {109.48, 2e-2}, {108.183, 1e-3}, none, {107.928, 2e-3}, {107.6389, 2e-4}}}},
    {2, 42, 0.28, {{{224.462, 8e-3}, {224.184, 9e-3}, {222.200, 5e-3}, none, {220.224, 2e-3}, {219.8426, 2e-4}}}},
    {2, 42, 0.5, {{{337.523, 8e-3}, {333.582, 9e-3}, {331.410, 3e-3}, none, {331.276, 3e-3}, {330.6306, 2e-4}}}},
    {2, 42, 1.0, {{{553.40, 1e-2}, {545.817, 9e-3}, {543.746, 3e-3}, none, {542.977, 2e-3}, {542.9428, 8e-4}}}},
    {2, 56, 0.1, {{{179.789, 6e-3}, {179.59, 1e-2}, {178.501, 5e-3}, none, {176.774, 3e-3}, {175.9553, 7e-4}}}},
    {2, 56, 0.28, {{{364.85, 1e-2}, {364.165, 9e-3}, {359.83, 2e-2}, none, {359.63, 1e-2}, {358.145, 2e-3}}}},
    {2, 56, 0.5, {{{547.46, 1e-2}, {545.74, 1e-2}, {538.810, 7e-3}, none, {538.686, 9e-3}, {537.353, 2e-3}}}},
    {2, 56, 1.0, {{{894.12, 2e-2}, {882.93, 1e-2}, {881.010, 5e-3}, none, {879.514, 3e-3}, {879.3986, 6e-4}}}},
    {3, 2, 0.1, {{{0.5177, 1e-4}, {0.50214, 3e-5}, {0.500080, 6e-6}, {0.529065, 0}, {0.500083, 7e-6}, {0.499997, 3e-6}}}},
    {3, 2, 0.28, {{{1.2261, 1e-4}, {1.20475, 4e-5}, {1.201710, 6e-6}, {1.23722, 0}, {1.201752, 6e-6}, {1.201725, 2e-6}}}},
    {3, 2, 0.5, {{{2.0269, 1e-4}, {2.00371, 4e-5}, {1.999912, 5e-6}, {2.03851, 0}, {1.999977, 5e-6}, {2.000000, 2e-6}}}},
    {3, 2, 1.0, {{{3.7574, 1e-4}, {3.73543, 4e-5}, {3.729827, 5e-6}, {3.77157, 0}, {3.730030, 5e-6}, {3.730123, 3e-6}}}},
    {3, 8, 0.1, {{{5.8910, 6e-4}, {5.7498, 4e-4}, {5.718, 4e-3}, {5.86255, 0}, {5.7126, 1e-4}, {5.7028, 1e-4}}}},
    {3, 8, 0.28, {{{12.650, 1e-3}, {12.2492, 4e-4}, {12.2056, 2e-4}, {12.3987, 0}, {12.2050, 2e-4}, {12.1927, 1e-4}}}},
    {3, 8, 0.5, {{{19.487, 2e-3}, {19.0241, 4e-4}, {18.9747, 2e-4}, {19.1916, 0}, {18.9759, 1e-4}, {18.9611, 1e-4}}}},
    {3, 8, 1.0, {{{33.302, 1e-3}, {32.7159, 6e-4}, {32.6820, 2e-4}, {32.9246, 0}, {32.6863, 2e-4}, {32.6680, 1e-4}}}},
    {3, 20, 0.1, {{{27.813, 2e-3}, {27.470, 1e-3}, {27.3382, 8e-4}, none, {27.3144, 5e-4}, {27.2717, 2e-4}}}},
    {3, 20, 0.28, {{{57.700, 4e-3}, {56.600, 1e-3}, {56.4477, 6e-4}, none, {56.4297, 5e-4}, {56.3868, 2e-4}}}},
    {3, 20, 0.5, {{{87.840, 4e-3}, {85.893, 1e-3}, {85.7153, 6e-4}, none, {85.7161, 5e-4}, {85.6555, 2e-4}}}},
    {3, 20, 1.0, {{{146.292, 4e-3}, {143.209, 2e-3}, {142.9409, 6e-4}, none, {142.9560, 7e-4}, {142.8875, 2e-4}}}},
    {3, 40, 0.1, {{{89.45, 8e-2}, {89.618, 4e-3}, {88.596, 4e-3}, none, {88.182, 1e-3}, none}}},
    {3, 40, 0.28, {{{182.714, 6e-3}, {181.877, 4e-3}, {179.630, 1e-3}, none, {179.567, 1e-3}, none}}},
    {3, 40, 0.5, {{{275.262, 7e-3}, {271.030, 4e-3}, {269.782, 2e-3}, none, {269.746, 1e-3}, none}}},
    {3, 40, 1.0, {{{452.732, 8e-3}, {442.874, 4e-3}, {442.630, 1e-3}, none, {442.602, 2e-3}, none}}},
};
// clang-format on

}  // namespace

std::optional<PublishedEnergy> published_energy(System const& system, PublishedMethod method) {
  bool const is_closed = 2 * n_up(system) == static_cast<std::size_t>(system.particles);
  if (!is_closed || system.statistics != Statistics::fermions || system.interaction != Interaction::coulomb ||
      !is_isotropic(system))
    return std::nullopt;
  for (auto const& row : rows) {
    if (row.dimensions != system.dimensions || row.particles != system.particles ||
        !(std::abs(system.omega - row.omega) <= 1e-5 * row.omega))
      continue;
    auto const& cell = row.methods[static_cast<std::size_t>(method)];
    if (std::isnan(cell.value)) return std::nullopt;
    return PublishedEnergy{cell.value, cell.error,
                           method == PublishedMethod::diffusion ? "Hogberget 2013, MSc thesis, University of Oslo"
                                                                : "Nordhagen 2019, MSc thesis, University of Oslo"};
  }
  return std::nullopt;
}

std::optional<PublishedMethod> published_method(WaveFunction const& wave_function, AnsatzSettings const& ansatz) {
  auto const& parts = wave_function.parts();
  auto const has = [&](char const* name) { return std::ranges::find(parts, name, &WaveFunction::Part::name) != parts.end(); };
  bool const machine = has("rbm");
  bool const simple = has("simple_jastrow");
  bool const pade = has("pade_jastrow");
  std::size_t const n_known = std::size_t{has("slater")} + machine + simple + pade + (has("gaussian") && !machine);
  if (n_known != parts.size() || (simple && pade)) return std::nullopt;
  if (machine &&
      (ansatz.convention != Convention::f || ansatz.sigma_trainable || ansatz.sigma_squared != 0 || ansatz.hidden < 2))
    return std::nullopt;
  if (machine)
    return simple ? PublishedMethod::rbm_simple_jastrow : pade ? PublishedMethod::rbm_pade_jastrow : PublishedMethod::rbm;
  if (pade) return PublishedMethod::slater_pade_jastrow;
  return std::nullopt;
}

}  // namespace fermiac::vmc
