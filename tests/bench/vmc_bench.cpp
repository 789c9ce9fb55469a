// Nanoseconds a single-particle move of sampling restricted Boltzmann machines takes, beside the measured floor: the vector
// exponentials that a move cannot do without, and the random blocks.
//
// Columns, in ns per single-particle move unless said otherwise:
//   sampling      moves alone
//   + E_L         and the local energy with its control variate after each sweep
//   + gradient    and the sums of all derivatives
//   exp           simd::exp over a pack, times the exponentials of the algorithm: hidden + 1 for a move, and for each sweep one
//                 for each pair of particles, in the control variate. (Where no theta changes by more than ln 2, as here, moves
//                 take a cheaper exponential than this one.)
//   s/exp, g/exp  sampling, and everything, divided by exp (sampling: by its hidden + 1)
//   random        one block of Philox a move
//   eff           millions of effective samples of the energy a second, with the local energy after each sweep
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "effective_samples.hpp"
#include "fermiac/simd/functions.hpp"
#include "fermiac/vmc/rbm_pack.hpp"
#include "timing.hpp"

namespace {

using namespace fermiac;
using namespace fermiac::vmc;

RbmParameters some_parameters(arma::uword M, arma::uword H) {
  RbmParameters parameters{arma::vec(M), arma::vec(H), arma::mat(M, H), 1};
  for (arma::uword i = 0; i < M; ++i) parameters.a[i] = 0.01 * static_cast<double>(i);
  for (arma::uword j = 0; j < H; ++j) parameters.b[j] = 0.02 * static_cast<double>(j) - 0.03;
  for (arma::uword i = 0; i < M; ++i)
    for (arma::uword j = 0; j < H; ++j) parameters.W(i, j) = 0.1 * (static_cast<double>((i * 7 + j * 3) % 5) - 2);
  return parameters;
}

void report(int particles, arma::uword H, std::uint32_t n_walkers) {
  auto const N = static_cast<std::uint64_t>(particles);
  arma::uword const M = 2 * N;
  System const system{.particles = particles, .dimensions = 2, .omega = 1, .interaction = Interaction::coulomb};
  RbmShape const shape{.n_coordinates = M, .n_hidden = H, .convention = Convention::sqrt_f};
  MoveStream const stream{{1, 2}, rng::Purpose::test, 0};
  RbmPack pack(system, shape, 0, n_walkers);
  pack.set_parameters(some_parameters(M, H));
  arma::arma_rng::set_seed(1);
  pack.place(arma::randn(n_walkers, M));
  LocalEnergies energies(n_walkers);
  DerivativeSums sums(shape.n_parameters(), false);
  double const step = 2.5;
  std::uint64_t number = 0;
  auto const move = [&] { return pack.sweep(step, stream, number++); };
  auto const gibbs = [&] { return pack.gibbs_sweep(stream, number++); };
  for (int i = 0; i < 200; ++i) move();

  auto const sweeps = static_cast<std::uint64_t>(4e6 / static_cast<double>(n_walkers * N * (H + 4)));
  double const moves = static_cast<double>(sweeps * n_walkers * N);
  std::uint64_t accepted = 0;
  auto const ns_per_move = [&](auto const& sweep, int measured) {
    return 1e9 / moves * bench::least_cpu_s(7, [&] {
             accepted = 0;
             for (std::uint64_t i = 0; i < sweeps; ++i) {
               accepted += sweep();
               if (measured > 0) pack.measure(energies, measured > 1 ? &sums : nullptr);
             }
           });
  };
  double const sampling = ns_per_move(move, 0);
  double const acceptance = static_cast<double>(accepted) / moves;
  double const with_energy = ns_per_move(move, 1);
  double const with_gradient = ns_per_move(move, 2);
  double const gibbs_sampling = ns_per_move(gibbs, 0);
  double const metropolis_samples = bench::effective_samples(pack, 1500, move);
  double const gibbs_samples = bench::effective_samples(pack, 1500, gibbs);

  std::vector<std::uint32_t> words(4 * n_walkers);
  double const random = bench::ns_per_value(n_walkers, [&] {
    rng::blocks_over_walkers(stream.key, stream.purpose, 0, 0, n_walkers, 0, words.data(), words.data() + n_walkers,
                             words.data() + 2 * n_walkers, words.data() + 3 * n_walkers);
  });
  Columns argument(n_walkers, 1);
  Columns value(n_walkers, 1);
  for (std::uint32_t k = 0; k < n_walkers; ++k) argument.column(0)[k] = -0.01 * k;
  double const exponential = bench::ns_per_value(n_walkers, [&] {
    double const* __restrict x = argument.column(0);
    double* __restrict y = value.column(0);
    for (std::uint32_t k = 0; k < n_walkers; ++k) y[k] = simd::exp(x[k]);
  });
  double const move_exponentials = exponential * static_cast<double>(H + 1);
  double const all_exponentials = move_exponentials + exponential * static_cast<double>(N - 1) / 2;

  fmt::print(
      "{:9} {:6} {:7} | {:8.2f} {:6.2f} {:10.2f} | {:6.2f} {:5.2f} {:5.2f} {:6.2f} | {:4.2f} {:6.2f} | {:8.2f} {:6.2f}\n",
      particles, H, n_walkers, sampling, with_energy, with_gradient, all_exponentials, sampling / move_exponentials,
      with_gradient / all_exponentials, random, acceptance, metropolis_samples, gibbs_sampling, gibbs_samples);
}

}  // namespace

int main() {
  fmt::print("                         | Metropolis                 |                            | Metropolis  | Gibbs\n");
  fmt::print("{:>9} {:>6} {:>7} | {:>8} {:>6} {:>10} | {:>6} {:>5} {:>5} {:>6} | {:>4} {:>6} | {:>8} {:>6}\n", "electrons",
             "hidden", "walkers", "sampling", "+ E_L", "+ gradient", "exp", "s/exp", "g/exp", "random", "acc", "eff",
             "sampling", "eff");
  for (auto const& [H, n_walkers] : {std::pair{2, 256}, {3, 256}, {4, 256}, {10, 128}, {10, 256}, {20, 128}})
    report(2, static_cast<arma::uword>(H), static_cast<std::uint32_t>(n_walkers));
  for (auto const& [H, n_walkers] : {std::pair{12, 128}, {24, 128}})
    report(6, static_cast<arma::uword>(H), static_cast<std::uint32_t>(n_walkers));
}
