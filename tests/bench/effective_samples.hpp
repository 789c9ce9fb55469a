/// What a sampler yields for its time.
#pragma once

#include <algorithm>
#include <limits>

#include "fermiac/base/cpu_clock.hpp"
#include "fermiac/vmc/pack.hpp"

namespace fermiac::bench {

/// Shortest of several times, in seconds of the calling thread's processor time.
template <class Work>
double least_cpu_s(int times, Work const& work) {
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < times; ++i) {
    double const start = thread_cpu_s();
    work();
    least = std::min(least, thread_cpu_s() - start);
  }
  return least;
}

/// Millions of effective samples of the energy a second, each `sweep` being measured: independent samples with whose number the
/// variance of a walker's mean falls. Of five runs of `n_sweeps` (many against the correlation), variances are averaged and the
/// least time counts; with 64 walkers it is good to 8 %.
template <class Sweep>
double effective_samples(vmc::Pack& pack, int n_sweeps, Sweep const& sweep) {
  constexpr int n_runs = 5;
  auto const n_walkers = pack.n_walkers();
  vmc::LocalEnergies energies(n_walkers);
  double mean = 0;
  double square = 0;
  double of_means = 0;
  double const time_s = least_cpu_s(n_runs, [&] {
    arma::vec sum(n_walkers, arma::fill::zeros);
    for (int i = 0; i < n_sweeps; ++i) {
      sweep();
      pack.measure(energies, nullptr);
      double const* E = energies.term(vmc::LocalEnergies::energy);
      for (arma::uword k = 0; k < n_walkers; ++k) {
        sum[k] += E[k];
        mean += E[k];
        square += E[k] * E[k];
      }
    }
    of_means += arma::var(arma::vec(sum / n_sweeps)) / n_runs;
  });
  double const n = n_runs * static_cast<double>(n_sweeps) * static_cast<double>(n_walkers);
  double const variance = square / n - mean / n * (mean / n);
  return static_cast<double>(n_walkers) * variance / of_means / time_s * 1e-6;
}

}  // namespace fermiac::bench
