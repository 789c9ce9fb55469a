// What the tolerance keeps: the largest error of z or log p over all samples, in tolerances, and evaluations a sample, on the
// fields whose solution is known. Argument: samples (100,000).
#include <fmt/core.h>

#include <cmath>
#include <vector>

#include "fermiac/flow/solver.hpp"
#include "fermiac/rng/stream.hpp"

using namespace fermiac;
using namespace fermiac::flow;

namespace {

struct Case {
  std::string field;
  std::size_t dimension;
  double t0, t1;
  std::vector<std::pair<std::string, Value>> options = {};
};

void measure(Case const& c, Method method, std::size_t n) {
  Parameters options(field_options());
  for (auto const& [key, value] : c.options) options.set(key, value);
  auto const field = make_field(c.field, c.dimension, options);
  Samples start(n, c.dimension);
  rng::Stream stream({{5, 1}, rng::Purpose::test, 0}, 0);
  for (std::size_t i = 0; i < c.dimension; ++i) stream.normals({start.z.column(i), n});
  std::vector<Field::End> truth(n);
#pragma omp parallel for schedule(static)
  for (std::size_t k = 0; k < n; ++k) {
    std::vector<double> z(c.dimension);
    for (std::size_t i = 0; i < c.dimension; ++i) z[i] = start.z.column(i)[k];
    truth[k] = *field->exact_end(z, c.t0, c.t1);
  }
  fmt::print("{:10s} {:4.1f} to {:4.1f} {:7s}", c.field, c.t0, c.t1, method == Method::dopri5 ? "dopri5" : "dop853");
  for (double const tolerance : {1e-3, 1e-6, 1e-9, 1e-12}) {
    Samples end = start;
    Solver(*field, {.method = method, .tolerance = tolerance, .max_steps = 100000}, c.t0, c.t1).solve(end);
    double largest = 0, evaluations = 0;
    for (std::size_t k = 0; k < n; ++k) {
      double error = std::abs(end.log_change.column(0)[k] - truth[k].log_change);
      for (std::size_t i = 0; i < c.dimension; ++i) error = std::max(error, std::abs(end.z.column(i)[k] - truth[k].z[i]));
      largest = error <= largest ? largest : error;
      evaluations += end.n_evaluations[k];
    }
    fmt::print("   {:6.0e} {:7.1f} {:6.3f}", tolerance, evaluations / static_cast<double>(n), largest / tolerance);
  }
  fmt::print("\n");
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t const n = argc > 1 ? std::stoul(argv[1]) : 100'000;
  std::vector<Case> const cases = {{"tanh_cubed", 2, 0, 0.5},
                                   {"tanh_cubed", 2, 0.5, 0},
                                   {"tanh_cubed", 1, 0, 0.5},
                                   {"linear", 2, 0, 1, {{"linear.matrix", std::string("-1, 2; -2, -0.5")}}},
                                   {"linear", 2, 1, -1, {{"linear.matrix", std::string("-1, 2; -2, -0.5")}}},
                                   {"rotation", 3, 0, 7},
                                   {"stiff", 2, 0, 2, {{"stiff.rate", 5.0}}}};
  fmt::print("tolerance, evaluations a sample, largest error in tolerances; {} samples\n", n);
  for (auto const method : {Method::dop853, Method::dopri5})
    for (auto const& c : cases) measure(c, method, c.field == "tanh_cubed" ? n : n / 5);
}
