#include <algorithm>
#include <cmath>

#include "rbm_tiles.hpp"

namespace fermiac::vmc::kernels {
namespace {

using std::size_t;

/// Chooses `n_units` hidden units from `j` on, one with each word, and adds `weight` V_ij for those that are 1 to the
/// coordinates.
template <Form form, class Count>
void choose_units(Machine const& machine, Walkers const& walkers, size_t j, size_t n_units, double weight,
                  std::uint32_t const* const words[4], size_t first, Count count) {
  size_t const n = count;
  alignas(64) double chosen[4][tile_size];
  for (size_t r = 0; r < n_units; ++r) {
    double const* __restrict theta = walkers.theta + (j + r) * walkers.stride + first;
    double const* __restrict e = walkers.e + (j + r) * walkers.stride + first;
    std::uint32_t const* __restrict word = words[r] + first;
    double* __restrict one = chosen[r];
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n; ++k) {
      // u < p with p = numerator / (1 + e), without a division.
      double const u = std::fma(centred(word[k]), 0x1p-32, 0.5);
      double const numerator = form == Form::far && theta[k] > 0 ? 1.0 : e[k];
      one[k] = u * (1.0 + e[k]) < numerator ? 1.0 : 0.0;
    }
  }
  for (size_t i = 0; i < machine.particles * machine.dimensions; ++i) {
    double* __restrict x = walkers.x + i * walkers.stride + first;
    for (size_t r = 0; r < n_units; ++r) {
      double const* __restrict one = chosen[r];
      double const shift = weight * machine.V[i * machine.hidden + j + r];
      FERMIAC_VECTORISE
      for (size_t k = 0; k < n; ++k) x[k] = std::fma(shift, one[k], x[k]);
    }
  }
}

}  // namespace

void choose_hidden(Machine const& machine, Walkers const& walkers, Form form, size_t j, size_t n_units, double weight,
                   std::uint32_t const* const words[4]) {
  for_each_tile(walkers.n, [&](size_t first, auto n) {
    if (form == Form::near)
      choose_units<Form::near>(machine, walkers, j, n_units, weight, words, first, n);
    else
      choose_units<Form::far>(machine, walkers, j, n_units, weight, words, first, n);
  });
}

}  // namespace fermiac::vmc::kernels
