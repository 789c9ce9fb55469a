// Normals and replicates a second of `gauss_mean`, on one core and on all: what tests/bench/numpy_bench.py measures of numpy.
#include <fmt/core.h>
#include <omp.h>

#include <chrono>

#include "bench/timing.hpp"
#include "fermiac/estimators/experiments/gauss_mean.hpp"
#include "fermiac/estimators/tally.hpp"

using namespace fermiac;
using namespace fermiac::estimators;

namespace {

constexpr std::uint64_t per_pack = 256;

/// Computes packs with `threads` threads: a function of how many, which returns seconds.
auto packs_of(Experiment const& experiment, AtPoint const& at) {
  return [&, layout = Layout(experiment), targets = at.targets(), first = std::uint64_t{0}](int threads,
                                                                                            std::uint64_t n_packs) mutable {
    auto const start = std::chrono::steady_clock::now();
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (std::uint64_t p = 0; p < n_packs; ++p) {
      Quiet context;
      Outputs outputs(layout.n_estimators, layout.n_intervals, layout.n_quantities, per_pack);
      at.replicate({{1, 2}, {first + p * per_pack, first + (p + 1) * per_pack}}, outputs, context);
      Tally tally(layout);
      tally.add(outputs, targets);
      bench::use_memory();
    }
    first += n_packs * per_pack;
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
}

/// Replicates a second, the best of `n_rounds`: everything that disturbs makes a round longer.
template <typename Work>
double best_rate(Work& work, int threads, std::uint64_t n_packs, int n_rounds) {
  double best = 0;
  for (int round = 0; round < n_rounds; ++round)
    best = std::max(best, static_cast<double>(n_packs * per_pack) / work(threads, n_packs));
  return best;
}

}  // namespace

int main() {
  auto const experiment = gauss_mean();
  auto const declared = experiment->parameters();
  int const cores = omp_get_num_procs();
  fmt::print("{:>8s} {:>24s} {:>24s} {:>12s}\n", "n", "replicates/s, one core", "normals/s, one core", "efficiency");
  for (std::int64_t const n : {10, 100, 1000}) {
    Parameters point(declared);
    point.set("sample.n", n);
    auto const at = experiment->at(point);
    auto work = packs_of(*experiment, *at);
    double const one = best_rate(work, 1, 1, 1000);
    auto const n_packs = static_cast<std::uint64_t>(40'000 / n + 64);
    double const one_long = best_rate(work, 1, n_packs, 15);
    double const all = best_rate(work, cores, n_packs * static_cast<std::uint64_t>(cores), 15);
    fmt::print("{:8d} {:24.3e} {:24.3e} {:12.2f}\n", n, one, one * static_cast<double>(n), all / (cores * one_long));
  }
}
