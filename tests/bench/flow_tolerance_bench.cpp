// What the tolerance keeps: over all samples of three seeds, evaluations a sample, the largest error of z or log p in
// tolerances, and the number of samples that err by more than the tolerance, on fields whose solution is known or can be had to
// rounding. Argument: samples a seed (100,000).
#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "fermiac/flow/solver.hpp"
#include "fermiac/rng/stream.hpp"

using namespace fermiac;
using namespace fermiac::flow;

namespace {

constexpr std::uint32_t n_seeds = 3;

struct Case {
  std::string field;
  std::size_t dimension;
  double t0, t1;
  std::vector<std::pair<std::string, Value>> options = {};
};

/// tanh(H z), H a Hadamard matrix of d = 2, 4, 8 rows.
std::string hadamard(unsigned d) {
  std::string components;
  for (unsigned row = 0; row < d; ++row) {
    std::string sum;
    for (unsigned column = 0; column < d; ++column)
      sum += fmt::format("{}z{}", std::popcount(row & column) % 2 == 0 ? "+" : "-", column + 1);
    components += fmt::format("{}tanh({})", row == 0 ? "" : "; ", sum.substr(sum[0] == '+' ? 1 : 0));
  }
  return components;
}

Samples starts(Case const& c, std::size_t n) {
  Samples start(n_seeds * n, c.dimension);
  for (std::uint32_t seed = 0; seed < n_seeds; ++seed) {
    rng::Stream stream({{5, 1}, rng::Purpose::test, 0}, seed);
    for (std::size_t i = 0; i < c.dimension; ++i) stream.normals({start.z.column(i) + seed * n, n});
  }
  return start;
}

Samples truth_of(Case const& c, Field const& field, Samples const& start) {
  Samples truth = start;
  std::vector<double> origin(c.dimension);
  if (!field.exact_end(origin, c.t0, c.t1)) {
    Solver(field, {.method = Method::dop853, .steps = 512}, c.t0, c.t1).solve(truth);
    return truth;
  }
#pragma omp parallel for schedule(static)
  for (std::size_t k = 0; k < start.size(); ++k) {
    std::vector<double> z(c.dimension);
    for (std::size_t i = 0; i < c.dimension; ++i) z[i] = start.z.column(i)[k];
    auto const end = *field.exact_end(z, c.t0, c.t1);
    for (std::size_t i = 0; i < c.dimension; ++i) truth.z.column(i)[k] = end.z[i];
    truth.log_change.column(0)[k] = end.log_change;
  }
  return truth;
}

void measure(Case const& c, Method method, std::size_t n) {
  Parameters options(field_options());
  for (auto const& [key, value] : c.options) options.set(key, value);
  auto const field = make_field(c.field, c.dimension, options);
  auto const start = starts(c, n);
  auto const truth = truth_of(c, *field, start);
  fmt::print("{:12s} {} {:4.1f} to {:4.1f} {:7s}", c.field, c.dimension, c.t0, c.t1,
             method == Method::dopri5 ? "dopri5" : "dop853");
  for (double const tolerance : {1e-3, 1e-6, 1e-9, 1e-12}) {
    Samples end = start;
    Solver(*field, {.method = method, .tolerance = tolerance, .max_steps = 100000}, c.t0, c.t1).solve(end);
    double largest = 0, evaluations = 0;
    std::size_t n_beyond = 0;
    for (std::size_t k = 0; k < end.size(); ++k) {
      double error = std::abs(end.log_change.column(0)[k] - truth.log_change.column(0)[k]);
      for (std::size_t i = 0; i < c.dimension; ++i)
        error = std::max(error, std::abs(end.z.column(i)[k] - truth.z.column(i)[k]));
      largest = error <= largest ? largest : error;
      n_beyond += error <= tolerance ? 0 : 1;
      evaluations += end.n_evaluations[k];
    }
    fmt::print("   {:6.0e} {:7.1f} {:6.3f} {:5d}", tolerance, evaluations / static_cast<double>(end.size()),
               largest / tolerance, n_beyond);
  }
  fmt::print("\n");
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t const n = argc > 1 ? std::stoul(argv[1]) : 100'000;
  std::string const matrix = "-1, 2; -2, -0.5";
  std::vector<Case> const cases = {{"tanh_cubed", 2, 0, 0.5},
                                   {"tanh_cubed", 2, 0.5, 0},
                                   {"tanh_cubed", 2, 0, 2},
                                   {"tanh_cubed", 1, 0, 0.5},
                                   {"linear", 2, 0, 1, {{"linear.matrix", matrix}}},
                                   {"linear", 2, 1, -1, {{"linear.matrix", matrix}}},
                                   {"rotation", 3, 0, 7},
                                   {"mixture_flow", 2, 0, 2},
                                   {"mixture_flow", 2, 2, 0},
                                   {"expression", 2, 0, 0.5, {{"expression.components", hadamard(2)}}},
                                   {"expression", 4, 0, 0.5, {{"expression.components", hadamard(4)}}},
                                   {"expression", 8, 0, 0.5, {{"expression.components", hadamard(8)}}},
                                   {"stiff", 2, 0, 2, {{"stiff.rate", 5.0}}},
                                   {"stiff", 2, 0, 2, {{"stiff.rate", 50.0}}}};
  fmt::print("tolerance, evaluations a sample, largest error in tolerances, samples beyond; {} seeds of {} samples\n", n_seeds,
             n);
  for (auto const method : {Method::dop853, Method::dopri5})
    for (auto const& c : cases) measure(c, method, c.field == "tanh_cubed" ? n : n / 5);
}
