// Samples and log-densities through dz/dt = tanh(z^3), t = 0 to 1/2: time a sample, the largest error over all of them, and how
// far from the floor (the evaluations of tanh alone) and from Boost.odeint that is.
#include <fmt/core.h>
#include <omp.h>

#include <boost/numeric/odeint.hpp>
#include <chrono>
#include <cmath>
#include <vector>

#include "bench/timing.hpp"
#include "fermiac/flow/solver.hpp"
#include "fermiac/rng/stream.hpp"
#include "fermiac/simd/arrays.hpp"
#include "fermiac/simd/functions.hpp"

using namespace fermiac;

namespace {

constexpr double t1 = 0.5;
constexpr std::size_t d = 2;
constexpr std::size_t per_pack = 4096;

struct Truth {
  arma::mat z;
  arma::vec log_change;
};

arma::mat starts(std::size_t n) {
  arma::mat z(n, d);
  rng::PackStream stream({{1, 2}, rng::Purpose::test, 0}, 0, n);
  stream.normals(z);
  return z;
}

Truth truth_of(arma::mat const& z0) {
  auto const field = flow::make_field("tanh_cubed", d, Parameters(flow::field_options()));
  Truth truth{z0, arma::vec(z0.n_rows, arma::fill::zeros)};
#pragma omp parallel for schedule(static)
  for (std::size_t k = 0; k < z0.n_rows; ++k) {
    double const start[d] = {z0(k, 0), z0(k, 1)};
    auto const end = field->exact_end(start, 0, t1);
    for (std::size_t i = 0; i < d; ++i) truth.z(k, i) = end->z[i];
    truth.log_change[k] = end->log_change;
  }
  return truth;
}

struct Errors {
  double z = 0, log_p = 0, share = 0;
};
Errors errors_of(arma::mat const& z, arma::vec const& log_change, Truth const& truth, double tolerance) {
  Errors e;
  std::size_t n_beyond = 0;
  std::size_t const n = truth.z.n_rows;
  for (std::size_t k = 0; k < n; ++k) {
    double error_z = 0;
    for (std::size_t i = 0; i < d; ++i) error_z = std::max(error_z, std::abs(z(k, i) - truth.z(k, i)));
    double const error_p = std::abs(log_change[k] - truth.log_change[k]);
    if (!(error_z <= tolerance && error_p <= tolerance)) ++n_beyond;
    e.z = std::max(e.z, error_z);
    e.log_p = std::max(e.log_p, error_p);
  }
  e.share = static_cast<double>(n_beyond) / static_cast<double>(n);
  return e;
}

struct Run {
  double ns = 1e300;
  double evaluations = 0;
  arma::mat z;
  arma::vec log_change;
};

Run run_ours(arma::mat const& z0, flow::SolverSettings const& settings, int n_threads, int n_repeats) {
  Run run;
  auto const field = flow::make_field("tanh_cubed", d, Parameters(flow::field_options()));
  std::size_t const n = z0.n_rows;
  run.z.set_size(n, d);
  run.log_change.set_size(n);
  std::size_t const n_packs = (n + per_pack - 1) / per_pack;
  for (int repeat = 0; repeat < n_repeats; ++repeat) {
    double evaluations = 0;
    auto const start = std::chrono::steady_clock::now();
#pragma omp parallel num_threads(n_threads) reduction(+ : evaluations)
    {
      flow::Solver solver(*field, settings, 0, t1);
      flow::Samples samples(per_pack, d);
#pragma omp for schedule(dynamic)
      for (std::size_t pack = 0; pack < n_packs; ++pack) {
        std::size_t const first = pack * per_pack;
        std::size_t const size = std::min(per_pack, n - first);
        if (size != samples.size()) samples = flow::Samples(size, d);
        for (std::size_t i = 0; i < d; ++i) std::copy_n(z0.colptr(i) + first, size, samples.z.column(i));
        solver.solve(samples);
        for (std::size_t i = 0; i < d; ++i) std::copy_n(samples.z.column(i), size, run.z.colptr(i) + first);
        std::copy_n(samples.log_change.column(0), size, run.log_change.memptr() + first);
        for (auto const count : samples.n_evaluations) evaluations += count;
      }
    }
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - start;
    run.ns = std::min(run.ns, seconds.count() * 1e9 / static_cast<double>(n));
    run.evaluations = evaluations / static_cast<double>(n);
  }
  return run;
}

/// Blocks of 64 samples, components one after the other: the layout that is fastest for Boost.
Run run_boost(arma::mat const& z0, double tolerance, int n_threads, int n_repeats) {
  using State = std::vector<double>;
  constexpr std::size_t B = 64;
  Run run;
  std::size_t const n = z0.n_rows / B * B;
  run.z.set_size(n, d);
  run.log_change.set_size(n);
  for (int repeat = 0; repeat < n_repeats; ++repeat) {
    double evaluations = 0;
    auto const start = std::chrono::steady_clock::now();
#pragma omp parallel num_threads(n_threads) reduction(+ : evaluations)
    {
      State x((d + 1) * B);
      auto const f = [&evaluations](State const& state, State& slope, double) {
        evaluations += B;
        double const* __restrict z = state.data();
        double* __restrict to = slope.data();
#pragma GCC ivdep
        for (std::size_t k = 0; k < B; ++k) {
          double const square = z[k] * z[k], other = z[B + k] * z[B + k];
          double const u = simd::tanh(square * z[k]), v = simd::tanh(other * z[B + k]);
          to[k] = u;
          to[B + k] = v;
          to[2 * B + k] = -3 * (square * ((1 - u) * (1 + u)) + other * ((1 - v) * (1 + v)));
        }
      };
#pragma omp for schedule(dynamic, 16)
      for (std::size_t block = 0; block < n / B; ++block) {
        for (std::size_t i = 0; i < d; ++i) std::copy_n(z0.colptr(i) + block * B, B, x.data() + i * B);
        std::fill_n(x.data() + d * B, B, 0.0);
        using namespace boost::numeric::odeint;
        integrate_adaptive(make_controlled<runge_kutta_dopri5<State>>(tolerance, tolerance), f, x, 0.0, t1, 0.1);
        for (std::size_t i = 0; i < d; ++i) std::copy_n(x.data() + i * B, B, run.z.colptr(i) + block * B);
        std::copy_n(x.data() + d * B, B, run.log_change.memptr() + block * B);
      }
    }
    std::chrono::duration<double> const seconds = std::chrono::steady_clock::now() - start;
    run.ns = std::min(run.ns, seconds.count() * 1e9 / static_cast<double>(n));
    run.evaluations = evaluations / static_cast<double>(n);
  }
  return run;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t const n = argc > 1 ? std::stoul(argv[1]) : 100'000;
  int const n_repeats = argc > 2 ? std::stoi(argv[2]) : 15;
  std::vector<double> x(1024), y(1024);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = -3 + 6 * static_cast<double>(i * 389 % 1024) / 1024;
  double const tanh_ns = bench::ns_per_value(x.size(), [&] { simd::tanh(x, y); });
  auto const z0 = starts(n);
  auto const truth = truth_of(z0);
  fmt::print("{} samples; tanh {:.3f} ns; floor: evaluations x {} tanh\n", n, tanh_ns, d);
  fmt::print("{:22s} {:>6s} {:>8s} {:>8s} {:>6s} {:>8s} {:>8s} {:>8s} {:>9s} {:>9s} {:>8s}\n", "ns a sample", "tol", "1 thread",
             "2", "gain", "evals", "x floor", "x boost", "err z", "err log p", "beyond");
  for (double const tolerance : {1e-6, 1e-9, 1e-12}) {
    double boost_ns = 0;
    auto const report = [&](char const* name, auto run_with) {
      Run const one = run_with(1);
      Run const two = run_with(2);
      if (boost_ns == 0) boost_ns = one.ns;
      Truth const part{truth.z.head_rows(one.z.n_rows), truth.log_change.head(one.z.n_rows)};
      auto const e = errors_of(one.z, one.log_change, part, tolerance);
      fmt::print("{:22s} {:6.0e} {:8.1f} {:8.1f} {:6.2f} {:8.1f} {:8.2f} {:8.2f} {:9.1e} {:9.1e} {:8.5f}\n", name, tolerance,
                 one.ns, two.ns, one.ns / two.ns, one.evaluations, one.ns / (one.evaluations * d * tanh_ns), boost_ns / one.ns,
                 e.z, e.log_p, e.share);
    };
    report("Boost dopri5, 64 lanes", [&](int threads) { return run_boost(z0, tolerance, threads, std::min(n_repeats, 3)); });
    for (auto const method : {flow::Method::dop853, flow::Method::dopri5})
      report(method == flow::Method::dop853 ? "dop853" : "dopri5",
             [&](int threads) { return run_ours(z0, {.method = method, .tolerance = tolerance}, threads, n_repeats); });
  }
}
