#include "fermiac/flow/gradient_comparison.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/flow/adjoint.hpp"
#include "fermiac/flow/continuous_adjoint.hpp"

namespace fermiac::flow {
namespace {

using std::size_t;

constexpr double half_log_two_pi = 0.91893853320467274178;

struct Gradient {
  double loss = 0;
  std::vector<double> theta;
  Columns z;
  double forward_evaluations = 0;
  double backward_evaluations = 0;
};

void require_done(Samples const& samples) {
  for (auto const status : samples.status)
    if (status != Status::done) throw ItemFailure("the path of a sample cannot be computed: " + name(status));
}

Gradient gradient(Field const& field, arma::mat const& data, GradientWay way, SolverSettings const& settings, double t0,
                  double t1, double memory_mb, Context& context) {
  size_t const n = data.n_rows;
  size_t const d = field.dimension();
  double const weight = 1 / static_cast<double>(n);
  Samples samples(n, d);
  samples.z.assign(data);
  Wanted wanted;
  wanted.steps = way == GradientWay::interpolated;
  std::function<void()> const tick = [&] { context.tick(); };
  std::optional<Adjoint> discrete;
  if (way == GradientWay::discrete)
    discrete.emplace(field, settings, t1, t0, memory_mb).solve(samples, tick);
  else
    Solver(field, settings, t1, t0).solve(samples, tick, wanted.steps ? &wanted : nullptr);
  require_done(samples);

  Gradient result{0, std::vector<double>(field.n_parameters(), 0.0), Columns(n, d)};
  std::vector<double> const log_change_bar(n, weight);
  auto const end_cotangents = [&](Samples const& end, Columns& z_bar) {
    for (size_t i = 0; i < d; ++i)
      for (size_t k = 0; k < n; ++k) z_bar.column(i)[k] = weight * end.z.column(i)[k];
  };
  for (size_t k = 0; k < n; ++k) {
    double log_p = -samples.log_change.column(0)[k];
    for (size_t i = 0; i < d; ++i) log_p -= std::fma(0.5 * samples.z.column(i)[k], samples.z.column(i)[k], half_log_two_pi);
    result.loss -= weight * log_p;
    result.forward_evaluations += weight * samples.n_evaluations[k];
  }
  end_cotangents(samples, result.z);
  AdjointWork work;
  switch (way) {
    case GradientWay::discrete:
      discrete->pull_back(result.z, log_change_bar.data(), result.theta.data(), tick);
      for (auto const steps : samples.n_steps) work.n_evaluations += static_cast<double>(steps * n_stages(settings.method));
      break;
    case GradientWay::backsolve:
      work = backsolve(field, settings, t1, t0, samples, result.z, log_change_bar.data(), result.theta.data(), tick);
      break;
    case GradientWay::interpolated:
      work = interpolated_adjoint(field, settings, t1, t0, wanted.kept, result.z, log_change_bar.data(), result.theta.data(),
                                  tick);
      break;
    case GradientWay::forward: {
      Columns start(n, d);
      start.assign(data);
      work = forward_sensitivities(field, settings, t1, t0, start, end_cotangents, log_change_bar.data(), result.theta.data(),
                                   tick);
      break;
    }
  }
  if (work.n_failed > 0) throw ItemFailure("the adjoint of a sample cannot be computed");
  result.backward_evaluations = weight * work.n_evaluations;
  return result;
}

}  // namespace

GradientComparison compare_gradient(Field const& field, arma::mat const& data, GradientWay way, SolverSettings const& settings,
                                    double t0, double t1, double memory_mb, Context& context) {
  FERMIAC_ASSERT(field.n_parameters() > 0 && data.n_cols == field.dimension());
  SolverSettings const accurate{.method = Method::dop853, .tolerance = 1e-12};
  auto const exact = gradient(field, data, GradientWay::discrete, accurate, t0, t1, memory_mb, context);
  auto const found = gradient(field, data, way, settings, t0, t1, memory_mb, context);
  double square = 0;
  double norm = 0;
  for (size_t p = 0; p < exact.theta.size(); ++p) {
    square += (found.theta[p] - exact.theta[p]) * (found.theta[p] - exact.theta[p]);
    norm += exact.theta[p] * exact.theta[p];
  }
  double start_square = 0;
  double start_norm = 0;
  for (size_t i = 0; i < field.dimension(); ++i)
    for (size_t k = 0; k < data.n_rows; ++k) {
      double const difference = found.z.column(i)[k] - exact.z.column(i)[k];
      start_square += difference * difference;
      start_norm += exact.z.column(i)[k] * exact.z.column(i)[k];
    }
  GradientComparison result;
  result.error = std::sqrt(square / norm);
  result.start_error =
      way == GradientWay::forward ? std::numeric_limits<double>::quiet_NaN() : std::sqrt(start_square / start_norm);
  result.loss_error = std::abs(found.loss - exact.loss);
  result.forward_evaluations = found.forward_evaluations;
  result.backward_evaluations = found.backward_evaluations;
  return result;
}

}  // namespace fermiac::flow
