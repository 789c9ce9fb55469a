#include "fermiac/flow/solver.hpp"

#include <array>

#include "engine.hpp"

namespace fermiac::flow {
namespace {

std::unique_ptr<Solver::Engine> make_engine(Field const& field, SolverSettings const& settings, double t0, double t1) {
  switch (settings.method) {
    case Method::euler:
      return std::make_unique<LaneEngine<tableaus::Euler>>(field, settings, t0, t1);
    case Method::heun:
      return std::make_unique<LaneEngine<tableaus::Heun>>(field, settings, t0, t1);
    case Method::rk4:
      return std::make_unique<LaneEngine<tableaus::RungeKutta4>>(field, settings, t0, t1);
    case Method::dopri5:
      return std::make_unique<LaneEngine<tableaus::DormandPrince>>(field, settings, t0, t1);
    case Method::dop853:
      break;
  }
  return std::make_unique<LaneEngine<tableaus::Dop853>>(field, settings, t0, t1);
}

}  // namespace

bool is_adaptive(Method method) { return method == Method::dopri5 || method == Method::dop853; }

int order_of(Method method) {
  constexpr int orders[] = {tableaus::Euler::order, tableaus::Heun::order, tableaus::RungeKutta4::order,
                            tableaus::DormandPrince::order, tableaus::Dop853::order};
  return orders[static_cast<std::size_t>(method)];
}

std::size_t n_stages(Method method) {
  constexpr std::size_t numbers[] = {tableaus::Euler::n_stages, tableaus::Heun::n_stages, tableaus::RungeKutta4::n_stages,
                                     tableaus::DormandPrince::n_stages, tableaus::Dop853::n_stages};
  return numbers[static_cast<std::size_t>(method)];
}

std::string const& name(Status status) {
  static std::array<std::string, n_statuses> const names{"done", "not finite", "step too small", "too many steps", "stiff"};
  return names[static_cast<std::size_t>(status)];
}

void check(SolverSettings const& settings) {
  if (settings.steps == 0 && !is_adaptive(settings.method))
    throw InputError("flow.steps", "this method has no estimate of its error: give a number of steps, 1 or more");
  if (settings.steps == 0 && !(settings.tolerance >= least_tolerance))
    throw InputError("flow.tolerance", "a tolerance below 1e-13 is below the rounding of double precision");
}

Samples::Samples(std::size_t n, std::size_t dimension, DivergenceSettings const& divergence)
    : z(n, dimension),
      log_change(n, n_integrals(divergence)),
      probes(n, n_probe_numbers(divergence, dimension)),
      status(n, Status::done),
      n_steps(n),
      n_rejected(n),
      n_evaluations(n) {}

Solver::Solver(Field const& field, SolverSettings const& settings, double t0, double t1) {
  check(settings);
  FERMIAC_ASSERT(t0 != t1);
  engine_ = make_engine(field, settings, t0, t1);
}
Solver::~Solver() = default;
Solver::Solver(Solver&&) noexcept = default;

void Solver::solve(Samples& samples, std::function<void()> const& tick, Wanted* wanted) {
  engine_->solve(samples, tick, wanted);
}

}  // namespace fermiac::flow
