// Single-particle moves a second of products of factors, alone, with the local energy and with all derivatives after each
// sweep, and effective samples a second.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "effective_samples.hpp"
#include "fermiac/rng/stream.hpp"
#include "fermiac/vmc/product_pack.hpp"
#include "fermiac/vmc/wave_function.hpp"

namespace {

using namespace fermiac;
using namespace fermiac::vmc;

void report(std::string const& factors, int particles, arma::uword n_walkers, Sampler sampler) {
  System const system{.particles = particles, .dimensions = 2, .omega = 1};
  AnsatzSettings ansatz;
  ansatz.factors = factors;
  ansatz.hidden = static_cast<arma::uword>(particles);
  WaveFunction const wave_function(system, ansatz);
  auto const pack_owner = wave_function.make_pack(sampler, 0, n_walkers, 0.05);
  Pack& pack = *pack_owner;
  rng::Stream stream({{1, 2}, rng::Purpose::test, 0}, 0);
  pack.set_parameters(wave_function.initial_parameters(stream));
  rng::PackStream places({{1, 2}, rng::Purpose::place, 0}, 0, n_walkers);
  arma::mat X(n_walkers, 2 * static_cast<arma::uword>(particles));
  places.normals(X);
  pack.place(X);
  MoveStream const moves{{1, 2}, rng::Purpose::sample, 0};
  LocalEnergies energies(n_walkers);
  DerivativeSums sums(wave_function.n_parameters(), false);
  double step = sampler == Sampler::metropolis ? 1.0 : 0.1;
  double const wanted = sampler == Sampler::metropolis ? 0.5 : 0.8;
  std::uint64_t number = 0;
  double const per_sweep = static_cast<double>(n_walkers) * particles;
  double acceptance = 0;
  for (int i = 0; i < 300; ++i) {
    acceptance = static_cast<double>(pack.sweep(step, moves, number++, nullptr)) / per_sweep;
    step *= std::exp(0.3 * (acceptance - wanted));
  }
  auto const time = [&](int what) {
    auto const sweeps = static_cast<int>(std::max(4.0, 4e6 / (per_sweep * 20)));
    return 1e9 / (sweeps * per_sweep) * bench::least_cpu_s(7, [&] {
             for (int i = 0; i < sweeps; ++i) {
               pack.sweep(step, moves, number++, nullptr);
               if (what > 0) pack.measure(energies, what > 1 ? &sums : nullptr);
             }
           });
  };
  double const sampling = time(0);
  double const with_energy = time(1);
  double const with_derivatives = time(2);

  double const effective = bench::effective_samples(pack, 400, [&] { pack.sweep(step, moves, number++, nullptr); });
  fmt::print(
      "{:32} N = {:2} {:10} {:3} walkers, {:4} parameters: sampling {:6.1f}  with E_L {:6.1f}  with all derivatives {:6.1f} "
      "ns/move "
      "= {:5.2f} M moves/s | acceptance {:.2f}, {:.2f} M effective samples/s\n",
      factors, particles, sampler == Sampler::metropolis ? "metropolis" : "langevin", n_walkers, wave_function.n_parameters(),
      sampling, with_energy, with_derivatives, 1e3 / with_derivatives, acceptance, effective);
}

}  // namespace

int main() {
  for (int const particles : {6, 12, 20}) {
    for (arma::uword const n_walkers : {64U, 128U}) {
      report("slater", particles, n_walkers, Sampler::metropolis);
      report("slater * pade_jastrow", particles, n_walkers, Sampler::metropolis);
      report("slater * rbm * pade_jastrow", particles, n_walkers, Sampler::metropolis);
    }
    report("slater * pade_jastrow", particles, 64, Sampler::langevin);
  }
}
