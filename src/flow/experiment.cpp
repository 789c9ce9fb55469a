#include "fermiac/flow/experiment.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include "fermiac/base/error.hpp"
#include "fermiac/flow/expression.hpp"
#include "fermiac/simd/functions.hpp"
#include "fermiac/simd/sum.hpp"
#include "fermiac/stats/moments.hpp"

namespace fermiac::flow {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t per_pack = 4096;  // samples; enters the order of sums

std::uint64_t packs_of(std::uint64_t n) { return (n + per_pack - 1) / per_pack; }

/// Where each sum of a pack stands.
struct Layout {
  std::size_t d;
  std::uint64_t n_cells;

  std::size_t status() const { return 0; }
  std::size_t steps() const { return n_statuses; }
  std::size_t evaluations() const { return steps() + 1; }
  std::size_t n_done() const { return steps() + 2; }
  std::size_t log_p() const { return steps() + 3; }     // and its square
  std::size_t kl() const { return steps() + 5; }        // and its square
  std::size_t variance() const { return steps() + 7; }  // of the probes
  std::size_t n_events() const { return steps() + 8; }  // events, samples with one, first times, their squares
  std::size_t powers(std::size_t i) const { return steps() + 12 + 8 * i; }  // sums of z^1 ... z^8
  std::size_t product(std::size_t i, std::size_t j) const { return powers(d) + i * d + j; }
  std::size_t count(std::size_t i) const { return product(d, 0) + i * n_cells; }
  std::size_t size() const { return count(d); }
};

/// Carries packs of samples on all threads of all members.
class Runner {
 public:
  Runner(Field const& field, BaseDensity const& base, BaseDensity const* target, ExperimentSettings const& settings,
         rng::Key key, std::uint32_t replicate, Team& team, Context& context)
      : field_(field),
        base_(base),
        target_(target),
        s_(settings),
        key_(key),
        replicate_(replicate),
        team_(team),
        context_(context),
        d_(field.dimension()),
        m_(n_integrals(settings.solver.divergence)) {}

  ExperimentOutcome run() {
    ExperimentOutcome outcome;
    sample(outcome);
    check(outcome);
    follow(outcome);
    if (s_.points_per_cell > 0 && d_ <= 2 && base_.has_density()) grid(outcome);
    return outcome;
  }

 private:
  rng::StreamId stream(rng::Purpose purpose) const { return {key_, purpose, replicate_}; }

  /// The samples of numbers first ... as they start, with their probes.
  Samples draw(std::uint64_t first, std::uint64_t n, DivergenceSettings const& divergence) const {
    Samples samples(n, d_, divergence);
    base_.draw(stream(rng::Purpose::draw), first, samples.z);
    if (samples.probes.n_columns() > 0) {
      arma::mat probes(n, samples.probes.n_columns());
      rng::PackStream random(stream(rng::Purpose::probe), first, n);
      if (divergence.probe == ProbeKind::rademacher)
        random.rademachers(probes);
      else
        random.normals(probes);
      samples.probes.assign(probes);
    }
    return samples;
  }

  /// work(solver, pack, first, size) for the packs of this member, on its threads.
  void for_packs(std::uint64_t n, SolverSettings const& settings, double t0, double t1,
                 std::function<void(Solver&, std::uint64_t, std::uint64_t, std::uint64_t)> const& work) {
    Range const mine = team_.share(packs_of(n));
#pragma omp parallel
    {
      Solver solver(field_, settings, t0, t1);
#pragma omp for schedule(dynamic)
      for (std::uint64_t pack = mine.first; pack < mine.last; ++pack) {
        std::uint64_t const first = pack * per_pack;
        work(solver, pack, first, std::min(per_pack, n - first));
      }
    }
  }

  std::vector<double> tree(std::vector<double> const& parts, std::size_t n_values) const {
    std::vector<double> total(n_values);
    simd::tree_sum(parts, total);
    return total;
  }

  static stats::Estimate mean_of(double n, double sum, double sum_of_squares) {
    double const mean = sum / n;
    double const variance = std::max(0.0, sum_of_squares / n - mean * mean) * n / (n - 1);
    return {mean, std::sqrt(variance / n), n - 1};
  }

  /// log p of each sample at the end: the mean over its probes, and its variance.
  struct LogP {
    std::vector<double> value, variance;
  };
  LogP log_p_of(std::vector<double> const& at_start, Samples const& samples) const {
    LogP result{at_start, std::vector<double>(samples.size(), m_ > 1 ? 0 : nan)};
    for (std::size_t k = 0; k < samples.size(); ++k) {
      auto const change = log_density_of(samples.log_change.data() + k, m_, samples.log_change.stride());
      result.value[k] += change.value.value;
      if (m_ > 1) result.variance[k] = change.value.error * change.value.error;
    }
    return result;
  }

  void sample(ExperimentOutcome& outcome) {
    Layout const at{d_, s_.n_cells};
    auto const n_packs = packs_of(s_.n_samples);
    std::vector<double> parts(n_packs * at.size());
    std::vector<double> kept(n_packs * per_pack * (d_ + 1), nan);
    std::optional<Formulas> formulas;
    Formulas::Node event = 0;
    if (!s_.event.empty()) {
      formulas.emplace(d_);
      event = formulas->parse(s_.event, "flow.event");
    }
    for_packs(s_.n_samples, s_.solver, s_.t0, s_.t1,
              [&](Solver& solver, std::uint64_t pack, std::uint64_t first, std::uint64_t size) {
                Samples samples = draw(first, size, s_.solver.divergence);
                std::vector<double> start(size), target(size, nan);
                base_.log_density(samples.z, size, start.data());
                Wanted wanted;
                std::optional<FormulaTape> tape;
                if (formulas) {
                  tape.emplace(*formulas, std::vector{event}, std::size_t{64});
                  wanted.event = [&](Lanes const& lanes, double* g) {
                    tape->compute(lanes);
                    std::copy_n(tape->value(0), lanes.n, g);
                  };
                }
                solver.solve(
                    samples, [this] { context_.tick(); }, formulas ? &wanted : nullptr);
                LogP const log_p = log_p_of(start, samples);
                if (target_ != nullptr) target_->log_density(samples.z, size, target.data());
                add(at, samples, log_p, target, wanted, parts.data() + pack * at.size());
                for (std::uint64_t k = 0; k < size; ++k) {
                  double* row = kept.data() + (first + k) * (d_ + 1);
                  for (std::size_t i = 0; i < d_; ++i) row[i] = samples.z.column(i)[k];
                  row[d_] = log_p.value[k];
                }
              });
    team_.gather(parts, at.size(), n_packs);
    summarise(at, tree(parts, at.size()), outcome);
    if (s_.n_kept > 0) {
      team_.gather(kept, per_pack * (d_ + 1), n_packs);
      outcome.kept.set_size(s_.n_kept, d_);
      outcome.kept_log_density.set_size(s_.n_kept);
      for (std::uint64_t k = 0; k < s_.n_kept; ++k) {
        for (std::size_t i = 0; i < d_; ++i) outcome.kept(k, i) = kept[k * (d_ + 1) + i];
        outcome.kept_log_density[k] = kept[k * (d_ + 1) + d_];
      }
    }
  }

  void add(Layout const& at, Samples const& samples, LogP const& log_p, std::vector<double> const& target, Wanted const& wanted,
           double* sums) const {
    double const per_width = static_cast<double>(s_.n_cells) / (s_.upper - s_.lower);
    for (std::size_t k = 0; k < samples.size(); ++k) {
      sums[at.status() + static_cast<std::size_t>(samples.status[k])] += 1;
      sums[at.steps()] += samples.n_steps[k];
      sums[at.evaluations()] += samples.n_evaluations[k];
      if (samples.status[k] != Status::done) continue;
      sums[at.n_done()] += 1;
      double const log = log_p.value[k];
      sums[at.log_p()] += log;
      sums[at.log_p() + 1] += log * log;
      double const gap = log - target[k];
      sums[at.kl()] += gap;
      sums[at.kl() + 1] += gap * gap;
      sums[at.variance()] += log_p.variance[k];
      for (std::size_t i = 0; i < d_; ++i) {
        double const z = samples.z.column(i)[k];
        double power = 1;
        for (std::size_t p = 0; p < 8; ++p) sums[at.powers(i) + p] += power *= z;
        for (std::size_t j = 0; j < d_; ++j) sums[at.product(i, j)] += z * samples.z.column(j)[k];
        double const cell = (z - s_.lower) * per_width;
        if (cell >= 0 && cell < static_cast<double>(s_.n_cells)) sums[at.count(i) + static_cast<std::size_t>(cell)] += 1;
      }
    }
    std::size_t last = samples.size();
    for (auto const& event : wanted.events) {
      sums[at.n_events()] += 1;
      if (event.sample == last) continue;
      last = event.sample;
      sums[at.n_events() + 1] += 1;
      sums[at.n_events() + 2] += event.t;
      sums[at.n_events() + 3] += event.t * event.t;
    }
  }

  void summarise(Layout const& at, std::vector<double> const& sums, ExperimentOutcome& o) const {
    auto const n_all = static_cast<double>(s_.n_samples);
    for (std::size_t i = 0; i < n_statuses; ++i) o.n_status[i] = static_cast<std::uint64_t>(sums[at.status() + i]);
    o.steps = sums[at.steps()] / n_all;
    o.evaluations = sums[at.evaluations()] / n_all;
    double const n = sums[at.n_done()];
    if (n < 2) {
      auto const worst = std::max_element(o.n_status.begin() + 1, o.n_status.end()) - o.n_status.begin();
      throw ItemFailure("no samples come through the flow: " + name(static_cast<Status>(worst)));
    }
    for (auto* values : {&o.mean, &o.mean_error, &o.second, &o.second_error, &o.fourth, &o.fourth_error}) values->set_size(d_);
    arma::mat covariance(d_, d_);
    for (std::size_t i = 0; i < d_; ++i) {
      auto const moment = [&](std::size_t p, arma::vec& value, arma::vec& error) {
        auto const estimate = mean_of(n, sums[at.powers(i) + p - 1], sums[at.powers(i) + 2 * p - 1]);
        value[i] = estimate.value;
        error[i] = estimate.error;
      };
      moment(1, o.mean, o.mean_error);
      moment(2, o.second, o.second_error);
      moment(4, o.fourth, o.fourth_error);
    }
    for (std::size_t i = 0; i < d_; ++i)
      for (std::size_t j = 0; j < d_; ++j) covariance(i, j) = sums[at.product(i, j)] / n - o.mean[i] * o.mean[j];
    bool const one_probe =
        s_.solver.divergence.trace != Trace::exact && s_.solver.divergence.trace != Trace::products && m_ == 1;
    auto const log_p = mean_of(n, sums[at.log_p()], sums[at.log_p() + 1]);
    if (!one_probe) o.entropy = {-log_p.value, log_p.error, log_p.degrees_of_freedom};
    o.probe_error = std::sqrt(sums[at.variance()] / n);
    o.jensen_bias = 0.5 * sums[at.variance()] / n;
    if (target_ != nullptr) {
      if (!one_probe) o.kl = mean_of(n, sums[at.kl()], sums[at.kl() + 1]);
      o.w2_gaussian = gelbrich(o.mean, covariance, target_->mean(), target_->covariance());
    } else {
      o.w2_gaussian = nan;
    }
    o.count.set_size(s_.n_cells, d_);
    for (std::size_t i = 0; i < d_; ++i) std::copy_n(sums.data() + at.count(i), s_.n_cells, o.count.colptr(i));
    o.expected.set_size(s_.n_cells, d_);
    o.expected.fill(nan);
    o.chi_square.set_size(d_);
    o.chi_square.fill(nan);
    o.n_classes = o.chi_square;
    o.integral = o.entropy_truth = {nan, nan};
    o.mean_truth.assign(d_, {nan, nan});
    o.second_truth = o.fourth_truth = o.mean_truth;
    o.tail_mass = nan;
    o.n_events = static_cast<std::uint64_t>(sums[at.n_events()]);
    o.n_with_event = static_cast<std::uint64_t>(sums[at.n_events() + 1]);
    if (o.n_with_event > 1) o.first_event = mean_of(sums[at.n_events() + 1], sums[at.n_events() + 2], sums[at.n_events() + 3]);
  }

  static double gelbrich(arma::vec const& m, arma::mat const& C, arma::vec const& n, arma::mat const& D) {
    arma::vec values;
    arma::mat vectors;
    if (!arma::eig_sym(values, vectors, D)) return nan;
    arma::mat const root = vectors * arma::diagmat(arma::sqrt(arma::clamp(values, 0, arma::datum::inf))) * vectors.t();
    arma::mat const inner = root * C * root;
    if (!arma::eig_sym(values, arma::symmatu(inner))) return nan;
    double const cross = arma::accu(arma::sqrt(arma::clamp(values, 0, arma::datum::inf)));
    return std::sqrt(std::max(0.0, arma::dot(m - n, m - n) + arma::trace(C) + arma::trace(D) - 2 * cross));
  }

  // ------------------------------------------------------------------------------------------------- against the truth
  void check(ExperimentOutcome& outcome) {
    outcome.error_z = outcome.error_log = outcome.beyond = outcome.rms_log = nan;
    if (s_.n_checked == 0) return;
    SolverSettings reference{.method = Method::dop853, .tolerance = std::max(least_tolerance, 1e-3 * s_.solver.tolerance)};
    reference.max_steps = 100 * s_.solver.max_steps;
    double const tolerance = s_.solver.tolerance;
    bool closed = false;
    auto const n_packs = packs_of(s_.n_checked);
    constexpr std::size_t n_values = 8;  // largest z, largest log, beyond, n, squares, exp, its square, failures
    std::vector<double> parts(n_packs * n_values);
    {
      Samples const one = draw(0, 1, {});
      std::vector<double> z(d_);
      for (std::size_t i = 0; i < d_; ++i) z[i] = one.z.column(i)[0];
      closed = field_.exact_end(z, s_.t0, s_.t1).has_value();
    }
    for_packs(s_.n_checked, s_.solver, s_.t0, s_.t1,
              [&](Solver& solver, std::uint64_t pack, std::uint64_t first, std::uint64_t size) {
                Samples ours = draw(first, size, s_.solver.divergence);
                Samples truth = draw(first, size, {});
                solver.solve(ours, [this] { context_.tick(); });
                if (closed) {
                  std::vector<double> z(d_);
                  for (std::uint64_t k = 0; k < size; ++k) {
                    if (k % 64 == 0) context_.tick();
                    for (std::size_t i = 0; i < d_; ++i) z[i] = truth.z.column(i)[k];
                    auto const end = field_.exact_end(z, s_.t0, s_.t1);
                    for (std::size_t i = 0; i < d_; ++i) truth.z.column(i)[k] = end->z[i];
                    truth.log_change.column(0)[k] = end->log_change;
                  }
                } else {
                  Solver(field_, reference, s_.t0, s_.t1).solve(truth, [this] { context_.tick(); });
                }
                LogP const log_change = log_p_of(std::vector<double>(size, 0.0), ours);
                double* values = parts.data() + pack * n_values;
                for (std::uint64_t k = 0; k < size; ++k) {
                  double error_z = 0;
                  for (std::size_t i = 0; i < d_; ++i)
                    error_z = std::max(error_z, std::abs(ours.z.column(i)[k] - truth.z.column(i)[k]));
                  double const error = log_change.value[k] - truth.log_change.column(0)[k];
                  bool const failed = ours.status[k] != Status::done || truth.status[k] != Status::done;
                  if (failed || !(error_z <= tolerance && std::abs(error) <= tolerance)) values[2] += 1;
                  if (failed) continue;
                  values[0] = std::max(values[0], error_z);
                  values[1] = std::max(values[1], std::abs(error));
                  values[3] += 1;
                  values[4] += error * error;
                  double const ratio = simd::exp(error);
                  values[5] += ratio;
                  values[6] += ratio * ratio;
                }
              });
    team_.gather(parts, n_values, n_packs);
    outcome.error_z = outcome.error_log = 0;
    for (std::uint64_t pack = 0; pack < n_packs; ++pack) {
      outcome.error_z = std::max(outcome.error_z, parts[pack * n_values]);
      outcome.error_log = std::max(outcome.error_log, parts[pack * n_values + 1]);
    }
    auto const sums = tree(parts, n_values);
    outcome.beyond = sums[2] / static_cast<double>(s_.n_checked);
    outcome.rms_log = std::sqrt(sums[4] / sums[3]);
    outcome.exp_error = mean_of(sums[3], sums[5], sums[6]);
    outcome.truth_is_closed_form = closed;
  }

  // ----------------------------------------------------------------------------------------------------------- paths
  void follow(ExperimentOutcome& outcome) {
    if (s_.n_paths == 0) return;
    outcome.times.set_size(s_.n_times);
    for (std::uint64_t j = 0; j < s_.n_times; ++j) {
      double const share = static_cast<double>(j) / static_cast<double>(s_.n_times - 1);
      outcome.times[j] = j + 1 == s_.n_times ? s_.t1 : std::fma(share, s_.t1 - s_.t0, s_.t0);
    }
    // Few samples: every member computes them all.
    Solver solver(field_, s_.solver, s_.t0, s_.t1);
    Samples samples = draw(0, s_.n_paths, s_.solver.divergence);
    std::vector<double> start(s_.n_paths);
    base_.log_density(samples.z, s_.n_paths, start.data());
    Wanted wanted;
    wanted.times = arma::conv_to<std::vector<double>>::from(outcome.times);
    solver.solve(
        samples, [this] { context_.tick(); }, &wanted);
    outcome.paths.set_size(s_.n_paths, d_ + 1, s_.n_times);
    for (std::uint64_t j = 0; j < s_.n_times; ++j)
      for (std::uint64_t k = 0; k < s_.n_paths; ++k) {
        double const* at = wanted.path.data() + j * (d_ + m_) * s_.n_paths + k;
        for (std::size_t i = 0; i < d_; ++i) outcome.paths(k, i, j) = at[i * s_.n_paths];
        outcome.paths(k, d_, j) = start[k] + log_density_of(at + d_ * s_.n_paths, m_, s_.n_paths).value.value;
      }
  }

  // ------------------------------------------------------------------------------------------------------------ grid
  void grid(ExperimentOutcome& outcome) {
    std::uint64_t const n = s_.n_cells * s_.points_per_cell + 1;
    double const h = (s_.upper - s_.lower) / static_cast<double>(n - 1);
    outcome.nodes.set_size(n);
    for (std::uint64_t j = 0; j < n; ++j) outcome.nodes[j] = std::fma(static_cast<double>(j), h, s_.lower);
    std::uint64_t const n_points = d_ == 1 ? n : n * n;
    std::vector<double> values(packs_of(n_points) * per_pack);
    SolverSettings const settings{.method = Method::dop853, .tolerance = s_.grid_tolerance, .max_steps = s_.solver.max_steps};
    for_packs(n_points, settings, s_.t1, s_.t0, [&](Solver& solver, std::uint64_t, std::uint64_t first, std::uint64_t size) {
      Samples samples(size, d_);
      for (std::uint64_t k = 0; k < size; ++k) {
        samples.z.column(0)[k] = outcome.nodes[(first + k) % n];
        if (d_ == 2) samples.z.column(1)[k] = outcome.nodes[(first + k) / n];
      }
      solver.solve(samples, [this] { context_.tick(); });
      double* to = values.data() + first;
      base_.log_density(samples.z, size, to);
      for (std::uint64_t k = 0; k < size; ++k) to[k] -= samples.log_change.column(0)[k];
    });
    team_.gather(values, per_pack, packs_of(n_points));
    outcome.log_density = arma::vec(values.data(), n_points);
    arma::vec density(n_points);
    for (std::uint64_t k = 0; k < n_points; ++k) density[k] = simd::exp(outcome.log_density[k]);
    integrate(density, n, h, outcome);
  }

  /// The integral of g p by the trapezoidal rule, every `stride`-th node.
  template <typename Function>
  double trapezoid(arma::vec const& density, std::uint64_t n, double h, std::uint64_t stride, Function g) const {
    double const step = h * static_cast<double>(stride);
    auto const weight = [&](std::uint64_t j) { return j == 0 || j == n - 1 ? 0.5 * step : step; };
    std::vector<double> rows;
    for (std::uint64_t row = 0; row < (d_ == 1 ? 1 : n); row += stride) {
      std::vector<double> terms;
      for (std::uint64_t j = 0; j < n; j += stride) terms.push_back(weight(j) * g(j, row) * density[row * n + j]);
      rows.push_back(simd::sum(terms) * (d_ == 1 ? 1 : weight(row)));
    }
    return simd::sum(rows);
  }

  void integrate(arma::vec const& density, std::uint64_t n, double h, ExperimentOutcome& o) const {
    o.tail_mass = 0;
    for (std::size_t c = 0; c < d_; ++c) o.tail_mass += mass_outside(marginal(density, n, h, c), h);
    double const reach = std::max(std::abs(s_.lower), std::abs(s_.upper));
    auto const quadrature = [&](auto g, double size_outside) {
      double const fine = trapezoid(density, n, h, 1, g);
      double const coarse = trapezoid(density, n, h, 2, g);
      return Quadrature{fine, std::abs(fine - coarse) + s_.grid_tolerance * std::abs(fine) + size_outside * o.tail_mass};
    };
    o.integral = quadrature([](std::uint64_t, std::uint64_t) { return 1.0; }, 1);
    auto const entropy_term = [&](std::uint64_t i, std::uint64_t j) {
      double const log = o.log_density[j * n + i];
      return std::isfinite(log) ? -log : 0.0;
    };
    o.entropy_truth = quadrature(entropy_term, std::abs(o.log_density.front()) + 1);
    for (std::size_t c = 0; c < d_; ++c) {
      auto const moment = [&](int power) {
        auto const g = [&](std::uint64_t i, std::uint64_t j) {
          double const x = o.nodes[c == 0 ? i : j];
          double const square = x * x;
          return power == 1 ? x : power == 2 ? square : square * square;
        };
        return quadrature(g, power == 1 ? reach : power == 2 ? reach * reach : reach * reach * reach * reach);
      };
      o.mean_truth[c] = moment(1);
      o.second_truth[c] = moment(2);
      o.fourth_truth[c] = moment(4);
      compare_histogram(marginal(density, n, h, c), h, c, o);
    }
  }

  static double mass_outside(std::vector<double> const& p, double h) {
    std::size_t const n = p.size();
    std::size_t const width = std::max<std::size_t>(1, (n - 1) / 20);
    double bound = 0;
    for (bool const upper : {false, true}) {
      auto const mass = [&](std::size_t first) {
        double sum = 0;
        for (std::size_t j = first; j <= first + width; ++j)
          sum += (j == first || j == first + width ? 0.5 * h : h) * p[upper ? n - 1 - j : j];
        return sum;
      };
      double const last = mass(0), next = mass(width);
      if (last == 0) continue;
      bound += last < next ? last * last / (next - last) : std::numeric_limits<double>::infinity();
    }
    return bound;
  }

  std::vector<double> marginal(arma::vec const& density, std::uint64_t n, double h, std::size_t component) const {
    if (d_ == 1) return {density.begin(), density.end()};
    std::vector<double> result(n), terms(n);
    for (std::uint64_t i = 0; i < n; ++i) {
      for (std::uint64_t j = 0; j < n; ++j) terms[j] = component == 0 ? density[j * n + i] : density[i * n + j];
      terms.front() *= 0.5;
      terms.back() *= 0.5;
      result[i] = h * simd::sum(terms);
    }
    return result;
  }

  /// Expected counts by Simpson's rule in every cell, and Pearson's chi-square.
  void compare_histogram(std::vector<double> const& p, double h, std::size_t c, ExperimentOutcome& o) const {
    double n_done = static_cast<double>(o.n_status[0]);
    for (std::uint64_t cell = 0; cell < s_.n_cells; ++cell) {
      double mass = 0;
      for (std::uint64_t j = 0; j < s_.points_per_cell; j += 2) {
        double const* at = p.data() + cell * s_.points_per_cell + j;
        mass += h / 3 * (at[0] + 4 * at[1] + at[2]);
      }
      o.expected(cell, c) = mass * n_done;
    }
    // One class for what lies outside and in sparse cells, the others a cell each.
    double rest = n_done, rest_expected = n_done, chi = 0, classes = 0;
    for (std::uint64_t cell = 0; cell < s_.n_cells; ++cell) {
      double const expected = o.expected(cell, c);
      if (!(expected >= 10)) continue;
      double const gap = o.count(cell, c) - expected;
      chi += gap * gap / expected;
      classes += 1;
      rest -= o.count(cell, c);
      rest_expected -= expected;
    }
    if (rest_expected >= 10) {
      chi += (rest - rest_expected) * (rest - rest_expected) / rest_expected;
      classes += 1;
    }
    o.chi_square[c] = chi;
    o.n_classes[c] = classes;
  }

  Field const& field_;
  BaseDensity const& base_;
  BaseDensity const* target_;
  ExperimentSettings const& s_;
  rng::Key key_;
  std::uint32_t replicate_;
  Team& team_;
  Context& context_;
  std::size_t d_;
  std::size_t m_;
};

}  // namespace

ExperimentOutcome run(Field const& field, BaseDensity const& base, BaseDensity const* target,
                      ExperimentSettings const& settings, rng::Key key, std::uint32_t replicate, Team& team, Context& context) {
  return Runner(field, base, target, settings, key, replicate, team, context).run();
}

}  // namespace fermiac::flow
