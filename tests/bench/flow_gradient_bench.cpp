/// The gradient of the likelihood of 1000 samples under a 2-64-64-2 concat-squash flow, T = 1/2, exact divergence, tolerance
/// 1e-6: time, floor, error and memory, for the initial network and one trained for 400 iterations.
#include <fmt/core.h>
#include <omp.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "fermiac/base/cpu_clock.hpp"
#include "fermiac/flow/data_sets.hpp"
#include "fermiac/flow/training.hpp"
#include "timing.hpp"

using namespace fermiac;
using namespace fermiac::flow;

namespace {

/// Fused multiply-adds a nanosecond that one core does: 24 chains of eight lanes.
double peak_fma() {
  constexpr int n = 192;
  alignas(64) static double x[n];
  double const ns = bench::ns_per_value(n, [] {
    double sums[n];
#pragma GCC unroll 192
    for (int i = 0; i < n; ++i) sums[i] = x[i];
    for (int k = 0; k < 64; ++k) {
#pragma GCC unroll 192
      for (int i = 0; i < n; ++i) sums[i] = std::fma(sums[i], 0.999, 1e-3);
    }
#pragma GCC unroll 192
    for (int i = 0; i < n; ++i) x[i] = sums[i];
  });
  return 64 / ns;
}

double memory_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// Best of some rounds by a clock in seconds.
template <typename Work, typename Clock>
double best_ms(Work const& work, Clock const& clock, int rounds) {
  double best = 1e300;
  for (int round = 0; round < rounds; ++round) {
    double const start = clock();
    work();
    best = std::min(best, clock() - start);
  }
  return 1e3 * best;
}

double wall_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

void measure(std::string const& what, Field const& field, arma::mat const& data, double fma_per_ns, bool gate) {
  Solo team;
  Quiet context;
  LikelihoodSettings settings;
  settings.solver = {.method = Method::dop853, .tolerance = 1e-12};
  arma::vec reference;
  omp_set_num_threads(2);
  Likelihood(field, 2, settings).loss(data, &reference, team, context);
  for (auto const method : {Method::dopri5, Method::dop853})
    for (double const tolerance : {1e-6, 1e-9}) {
      double const before = memory_mb();
      settings.solver = {.method = method, .tolerance = tolerance};
      arma::vec gradient;
      Likelihood::Loss loss;
      auto const timed = [&](int threads, auto const& clock) {
        omp_set_num_threads(threads);
        Likelihood likelihood(field, 2, settings);
        return best_ms([&] { loss = likelihood.loss(data, &gradient, team, context); }, clock, tolerance < 1e-8 ? 3 : 8);
      };
      double const cpu_ms = timed(1, thread_cpu_s);
      double const wall_ms[] = {timed(1, wall_s), timed(2, wall_s)};
      // Products of 64 x 64 for each evaluation: f and the divergence forward and again in the reverse sweep, where twice as
      // many pull back.
      double const products = 64.0 * 64 * (gate ? 3 : 2) * (2 + 2);
      double const floor = 1000 * loss.n_evaluations * products / fma_per_ns * 1e-6;
      double const error = arma::norm(gradient - reference, 2) / arma::norm(reference, 2);
      fmt::print(
          "  {:8} {:7} {:6.0e}  evaluations {:5.1f}  processor {:6.1f} ms, {:4.1f} x floor; wall {:6.1f} ms, 2 threads {:6.1f} "
          "ms  "
          "error {:7.1e}  memory + {:.0f} MB\n",
          what, method == Method::dopri5 ? "dopri5" : "dop853", tolerance, loss.n_evaluations, cpu_ms, cpu_ms / floor,
          wall_ms[0], wall_ms[1], error, memory_mb() - before);
    }
}

}  // namespace

int main() {
  double const fma_per_ns = peak_fma();
  fmt::print("fused multiply-adds of one core: {:.0f} a ns; the floor is the products of 64 x 64 at that rate\n", fma_per_ns);
  rng::Stream stream({{1, 2}, rng::Purpose::test, 0}, 0);
  arma::mat const data = draw_data("eight_gaussians", 1000, stream);
  for (bool const gate : {true, false}) {
    TrainingSettings training;
    training.shape = {2, {64, 64}, 2, network::Layer::concat_squash, gate};
    auto const field = make_neural_field(training.shape);
    rng::Stream initial({{1, 2}, rng::Purpose::initialise, 0}, 0);
    field->initialise(initial);
    fmt::print("2-64-64-2, output layer {} gate\n", gate ? "with" : "without");
    measure("initial", *field, data, fma_per_ns, gate);
    training.likelihood.solver = {.method = Method::dopri5, .tolerance = 1e-3};
    training.iterations = 400;
    training.batch = 250;
    training.rate = 1e-2;
    training.check_every = 400;
    Solo team;
    Quiet context;
    auto const trained = train(training, {data, data, data.head_rows(2)}, {1, 2}, 0, team, context);
    field->set_parameters({trained.parameters.memptr(), trained.parameters.n_elem});
    measure("trained", *field, data, fma_per_ns, gate);
  }
}
