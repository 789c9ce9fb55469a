// Nanoseconds a single-particle move of sampling restricted Boltzmann machines takes, beside the measured floor: the vector
// exponentials and the random blocks that no such move can do without.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <vector>

#include "fermiac/simd/functions.hpp"
#include "fermiac/vmc/rbm_pack.hpp"

namespace {

using namespace fermiac;
using namespace fermiac::vmc;

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Shortest of several times, a repetition.
template <class Work>
double best_of(int times, Work const& work) {
  double best = 1e300;
  for (int i = 0; i < times; ++i) {
    double const start = seconds();
    work();
    best = std::min(best, seconds() - start);
  }
  return best;
}

RbmParameters some_parameters(arma::uword M, arma::uword H) {
  RbmParameters parameters{arma::vec(M), arma::vec(H), arma::mat(M, H), 1};
  for (arma::uword i = 0; i < M; ++i) parameters.a[i] = 0.01 * static_cast<double>(i);
  for (arma::uword j = 0; j < H; ++j) parameters.b[j] = 0.02 * static_cast<double>(j) - 0.03;
  for (arma::uword i = 0; i < M; ++i)
    for (arma::uword j = 0; j < H; ++j) parameters.W(i, j) = 0.1 * (static_cast<double>((i * 7 + j * 3) % 5) - 2);
  return parameters;
}

void report(arma::uword H, std::uint32_t n_walkers) {
  System const system{.particles = 2, .dimensions = 2, .omega = 1, .interaction = Interaction::coulomb};
  RbmShape const shape{.n_coordinates = 4, .n_hidden = H, .convention = Convention::sqrt_f};
  MoveStream const stream{{1, 2}, rng::Purpose::test, 0};
  RbmPack pack(system, shape, 0, n_walkers);
  pack.set_parameters(some_parameters(4, H));
  arma::arma_rng::set_seed(1);
  pack.place(arma::randn(n_walkers, 4));
  LocalEnergies energies(n_walkers);
  DerivativeSums sums(shape.n_parameters(), false);
  double const step = 2.5;
  std::uint64_t number = 0;
  std::uint64_t accepted = 0;
  for (int i = 0; i < 200; ++i) pack.sweep(step, stream, number++);

  auto const sweeps = static_cast<std::uint64_t>(4e6 / static_cast<double>(n_walkers * 2 * (H + 4)));
  double const moves = static_cast<double>(sweeps) * n_walkers * 2;
  auto const time = [&](int what) {
    return 1e9 / moves * best_of(7, [&] {
             accepted = 0;
             for (std::uint64_t i = 0; i < sweeps; ++i) {
               accepted += pack.sweep(step, stream, number++);
               if (what == 1) pack.measure(energies);
               if (what == 2) pack.measure(energies, &sums);
             }
           });
  };
  double const sampling = time(0);
  double const acceptance = static_cast<double>(accepted) / moves;
  double const with_energy = time(1);
  double const with_derivatives = time(2);

  std::vector<std::uint32_t> words(4 * n_walkers);
  double const random =
      1e9 / moves * best_of(7, [&] {
        for (std::uint64_t i = 0; i < 2 * sweeps; ++i)
          rng::blocks_over_walkers(stream.key, stream.purpose, 0, 0, n_walkers, i, words.data(), words.data() + n_walkers,
                                   words.data() + 2 * n_walkers, words.data() + 3 * n_walkers);
      });
  Columns argument(n_walkers, 1);
  Columns value(n_walkers, 1);
  for (std::uint32_t k = 0; k < n_walkers; ++k) argument.column(0)[k] = -0.01 * k;
  double const exponentials = 1e9 / moves * best_of(7, [&] {
                                double const* __restrict x = argument.column(0);
                                double* __restrict y = value.column(0);
                                for (std::uint64_t i = 0; i < 2 * sweeps * (H + 1); ++i) {
                                  for (std::uint32_t k = 0; k < n_walkers; ++k) y[k] = simd::exp(x[k]);
                                  asm volatile("" : : "r"(y) : "memory");
                                }
                              });
  double const floor = random + exponentials;

  // Effective samples: from the spread of the walkers' means over a run long against the correlation.
  constexpr int n_sweeps = 2000;
  arma::vec sum(n_walkers, arma::fill::zeros);
  double mean = 0;
  double square = 0;
  double const start = seconds();
  for (int i = 0; i < n_sweeps; ++i) {
    pack.sweep(step, stream, number++);
    pack.measure(energies);
    double const* E = energies.term(LocalEnergies::energy);
    for (std::uint32_t k = 0; k < n_walkers; ++k) {
      sum[k] += E[k];
      mean += E[k];
      square += E[k] * E[k];
    }
  }
  double const time_s = seconds() - start;
  mean /= n_sweeps * static_cast<double>(n_walkers);
  double const variance = square / (n_sweeps * static_cast<double>(n_walkers)) - mean * mean;
  double const effective = n_walkers * variance / arma::var(arma::vec(sum / n_sweeps));

  fmt::print(
      "H = {:2}, {} walkers: sampling {:5.2f}  with E_L {:5.2f}  with E_L and derivatives {:5.2f} ns/move | floor {:5.2f} = "
      "{:.2f} random + {:.2f} exp, ratios {:.2f} {:.2f} {:.2f} | acceptance {:.2f}, {:.1f} M effective samples/s\n",
      H, n_walkers, sampling, with_energy, with_derivatives, floor, random, exponentials, sampling / floor, with_energy / floor,
      with_derivatives / floor, acceptance, effective / time_s * 1e-6);
}

}  // namespace

int main() {
  for (std::uint32_t const n_walkers : {128U, 256U})
    for (arma::uword const H : {2U, 4U, 10U, 3U, 20U}) report(H, n_walkers);
}
