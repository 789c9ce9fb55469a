#include "fermiac/flow/adjoint.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "fermiac/base/error.hpp"
#include "weights.hpp"

namespace fermiac::flow {

class Adjoint::Engine {
 public:
  virtual ~Engine() = default;
  virtual void solve(Samples& samples, std::function<void()> const& tick) = 0;
  virtual void pull_back(Columns& z_bar, double const* log_change_bar, double* theta_bar,
                         std::function<void()> const& tick) = 0;
  virtual std::size_t n_solved_again() const = 0;
};

namespace {

using std::size_t;

constexpr size_t max_lanes = 48;    // two tiles of a network's products; part of the order of sums
constexpr size_t first_slice = 16;  // samples that tell how long paths are
constexpr size_t slice = 256;       // samples solved between two looks at the budget

/// What the stages after stage S took of it.
template <typename T, size_t S>
struct LaterWeights {
  static constexpr size_t n = T::n_stages - 1 - S;
  static constexpr double at(size_t j) { return T::a[S + 1 + j][S]; }
};

template <typename T>
class ReverseSweep final : public Adjoint::Engine {
 public:
  ReverseSweep(Field const& field, SolverSettings const& settings, double t0, double t1, double memory_mb)
      : d_(field.dimension()),
        t1_(t1),
        budget_(1e6 * memory_mb),
        solver_(field, Adjoint::forward(settings), t0, t1),
        kernel_(field.make_kernel(max_lanes)),
        z_(max_lanes, d_),
        lambda_(max_lanes, d_),
        kappa_(max_lanes, d_) {
    argument_.assign(n_stages, Columns(max_lanes, d_));
    f_.assign(n_stages, Columns(max_lanes, d_));
  }

  void solve(Samples& samples, std::function<void()> const& tick) override {
    size_t const n = samples.size();
    start_ = samples.z;
    kept_.assign(n, {});
    n_steps_.assign(n, 0);
    n_kept_bytes_ = 0;
    for (size_t first = 0; first < n;) {
      size_t const size = std::min(n - first, most_steps_ == 0 ? first_slice : slice);
      Wanted wanted;
      wanted.steps = fits(size, step_bytes());
      wanted.stages = fits(size, step_bytes() + stage_bytes());
      Samples part(size, d_);
      copy(start_, first, part.z, 0, size);
      solver_.solve(part, tick, wanted.steps ? &wanted : nullptr);
      copy(part.z, 0, samples.z, first, size);
      copy(part.log_change, 0, samples.log_change, first, size);
      for (size_t k = 0; k < size; ++k) {
        samples.status[first + k] = part.status[k];
        samples.n_steps[first + k] = n_steps_[first + k] = part.n_steps[k];
        samples.n_rejected[first + k] = part.n_rejected[k];
        samples.n_evaluations[first + k] = part.n_evaluations[k];
        most_steps_ = std::max<size_t>(most_steps_, part.n_steps[k]);
        if (wanted.steps) keep(first + k, std::move(wanted.kept[k]));
      }
      first += size;
    }
  }

  void pull_back(Columns& z_bar, double const* log_change_bar, double* theta_bar, std::function<void()> const& tick) override {
    FERMIAC_ASSERT(z_bar.n_rows() == n_steps_.size());
    std::vector<size_t> queue(n_steps_.size());
    std::iota(queue.begin(), queue.end(), size_t{0});
    std::ranges::stable_sort(queue, std::greater<>(), [&](size_t sample) { return n_steps_[sample]; });
    n_solved_again_ = 0;
    size_t next = 0;
    auto const take_next = [&](size_t lane) {
      if (next == queue.size()) return false;
      if (kept_[queue[next]].h.empty()) solve_again(std::span(queue).subspan(next), tick);
      sample_[lane] = queue[next++];
      left_[lane] = n_steps_[sample_[lane]];
      FERMIAC_ASSERT(left_[lane] > 0 && left_[lane] == kept_[sample_[lane]].h.size());
      mu_[lane] = log_change_bar == nullptr ? 0.0 : log_change_bar[sample_[lane]];
      for (size_t i = 0; i < d_; ++i) lambda_.column(i)[lane] = z_bar.column(i)[sample_[lane]];
      return true;
    };
    size_t n = 0;
    while (n < max_lanes && take_next(n)) ++n;
    while (n > 0) {
      bool has_stages = true;
      for (size_t k = 0; k < n; ++k) {
        auto const& path = kept_[sample_[k]];
        size_t const step = --left_[k];
        t_[k] = path.t[step];
        h_[k] = path.h[step];
        end_[k] = step + 1 < path.t.size() ? path.t[step + 1] : t1_;
        for (size_t i = 0; i < d_; ++i) z_.column(i)[k] = path.z[step * d_ + i];
        has_stages = has_stages && !path.k.empty();
      }
      for (size_t k = 0; has_stages && k < n; ++k) {
        double const* const from = kept_[sample_[k]].k.data() + left_[k] * n_stages * d_;
        for (size_t stage = 0; stage + 1 < n_stages; ++stage)
          for (size_t i = 0; i < d_; ++i) f_[stage].column(i)[k] = from[stage * d_ + i];
      }
      recompute(n, std::make_index_sequence<n_stages>(), has_stages);
      sweep(n, std::make_index_sequence<n_stages>(), log_change_bar != nullptr, theta_bar);
      for (size_t k = n; k-- > 0;) {
        if (left_[k] > 0) continue;
        for (size_t i = 0; i < d_; ++i) z_bar.column(i)[sample_[k]] = lambda_.column(i)[k];
        kept_[sample_[k]] = {};
        if (take_next(k)) continue;
        if (k != --n) {
          sample_[k] = sample_[n];
          left_[k] = left_[n];
          mu_[k] = mu_[n];
          for (size_t i = 0; i < d_; ++i) lambda_.column(i)[k] = lambda_.column(i)[n];
        }
      }
      if (tick) tick();
    }
    n_steps_.clear();
  }

  size_t n_solved_again() const override { return n_solved_again_; }

 private:
  static constexpr size_t n_stages = T::n_stages;

  // ---------------------------------------------------------------------------------------------------------- memory
  double step_bytes() const { return 8.0 * static_cast<double>(d_ + 2); }
  double stage_bytes() const { return 8.0 * static_cast<double>(d_ * n_stages); }
  /// Lists have room for up to twice what is in them.
  bool fits(size_t n_paths, double bytes_per_step) const {
    return n_kept_bytes_ + 2 * bytes_per_step * static_cast<double>(n_paths * most_steps_) <= budget_;
  }
  static double bytes_of(std::vector<double> const& list) { return 8.0 * static_cast<double>(list.capacity()); }
  static void copy(Columns const& from, size_t first_from, Columns& to, size_t first_to, size_t n) {
    for (size_t i = 0; i < from.n_columns(); ++i) std::copy_n(from.column(i) + first_from, n, to.column(i) + first_to);
  }

  /// What of it is within the budget.
  void keep(size_t sample, Steps path) {
    double const steps = bytes_of(path.t) + bytes_of(path.h) + bytes_of(path.z);
    if (n_kept_bytes_ + steps + bytes_of(path.k) > budget_) path.k = {};
    if (n_kept_bytes_ + steps > budget_) return;
    n_kept_bytes_ += steps + bytes_of(path.k);
    kept_[sample] = std::move(path);
  }

  /// Those of the next samples that were not kept.
  void solve_again(std::span<size_t const> samples, std::function<void()> const& tick) {
    std::vector<size_t> missing;
    for (auto const sample : samples) {
      if (missing.size() == max_lanes) break;
      if (kept_[sample].h.empty()) missing.push_back(sample);
    }
    Samples part(missing.size(), d_);
    for (size_t k = 0; k < missing.size(); ++k) copy(start_, missing[k], part.z, k, 1);
    Wanted wanted;
    wanted.steps = true;
    solver_.solve(part, tick, &wanted);
    for (size_t k = 0; k < missing.size(); ++k) kept_[missing[k]] = std::move(wanted.kept[k]);
    n_solved_again_ += missing.size();
  }

  // ----------------------------------------------------------------------------------------------------------- sweep
  template <size_t Stage>
  void evaluate(size_t n, bool with_divergence) {
    // The solver's own times, to the bit.
    for (size_t k = 0; k < n; ++k) stage_t_[k] = T::c[Stage] == 1 ? end_[k] : std::fma(T::c[Stage], h_[k], t_[k]);
    kernel_->evaluate({n, stage_t_, argument_[Stage]}, f_[Stage], with_divergence ? divergence_ : nullptr);
  }

  /// The arguments of all stages, and f there but at the last, where nobody needs it.
  template <size_t... Stage>
  void recompute(size_t n, std::index_sequence<Stage...>, bool kept) {
    (
        [&] {
          for (size_t i = 0; i < d_; ++i) {
            double const* k[n_stages];
            for (size_t j = 0; j < Stage; ++j) k[j] = f_[j].column(i);
            double const* __restrict from = z_.column(i);
            double* __restrict to = argument_[Stage].column(i);
            for (size_t lane = 0; lane < n; ++lane)
              to[lane] = std::fma(h_[lane], detail::weigh<detail::StageWeights<T, Stage>>(k, lane), from[lane]);
          }
          if constexpr (Stage + 1 < n_stages)
            if (!kept) evaluate<Stage>(n, false);
        }(),
        ...);
  }

  template <size_t... Back>
  void sweep(size_t n, std::index_sequence<Back...>, bool with_log, double* theta_bar) {
    (pull_back_stage<n_stages - 1 - Back>(n, with_log, theta_bar), ...);
    for (size_t i = 0; i < d_; ++i) {
      double* __restrict lambda = lambda_.column(i);
      for (auto const& zeta : f_) {
        double const* __restrict from = zeta.column(i);
        for (size_t k = 0; k < n; ++k) lambda[k] += from[k];
      }
    }
  }

  /// Leaves zeta in the place of the stage's f, which nobody needs any more.
  template <size_t Stage>
  void pull_back_stage(size_t n, bool with_log, double* theta_bar) {
    using Weights = LaterWeights<T, Stage>;
    constexpr double b = T::b[Stage];
    for (size_t i = 0; i < d_; ++i) {
      double const* zeta[n_stages];
      for (size_t j = 0; j < Weights::n; ++j) zeta[j] = f_[Stage + 1 + j].column(i);
      double const* __restrict lambda = lambda_.column(i);
      double* __restrict kappa = kappa_.column(i);
      for (size_t k = 0; k < n; ++k) kappa[k] = h_[k] * std::fma(b, lambda[k], detail::weigh<Weights>(zeta, k));
    }
    bool const with_divergence = with_log && b != 0;
    evaluate<Stage>(n, with_divergence);
    for (size_t k = 0; k < n; ++k) weight_[k] = -h_[k] * b * mu_[k];
    f_[Stage].zero();
    kernel_->pull_back({n, stage_t_, argument_[Stage]}, kappa_, with_divergence ? weight_ : nullptr, f_[Stage], theta_bar);
  }

  size_t d_;
  double t1_;
  double budget_;
  Solver solver_;
  Columns start_{0, 0};
  std::vector<Steps> kept_;  ///< of each sample; empty where they are to be computed again
  std::vector<std::uint32_t> n_steps_;
  double n_kept_bytes_ = 0;
  size_t most_steps_ = 0;  ///< of all samples so far
  size_t n_solved_again_ = 0;

  std::unique_ptr<FieldKernel> kernel_;
  Columns z_, lambda_, kappa_;
  std::vector<Columns> argument_, f_;
  double t_[max_lanes], h_[max_lanes], end_[max_lanes], mu_[max_lanes], stage_t_[max_lanes], divergence_[max_lanes],
      weight_[max_lanes];
  size_t sample_[max_lanes], left_[max_lanes];
};

std::unique_ptr<Adjoint::Engine> make_engine(Field const& field, SolverSettings const& settings, double t0, double t1,
                                             double memory_mb) {
  check(settings);
  FERMIAC_ASSERT(n_integrals(settings.divergence) == 1 && memory_mb >= 0);
  switch (settings.method) {
    case Method::euler:
      return std::make_unique<ReverseSweep<tableaus::Euler>>(field, settings, t0, t1, memory_mb);
    case Method::heun:
      return std::make_unique<ReverseSweep<tableaus::Heun>>(field, settings, t0, t1, memory_mb);
    case Method::rk4:
      return std::make_unique<ReverseSweep<tableaus::RungeKutta4>>(field, settings, t0, t1, memory_mb);
    case Method::dopri5:
      return std::make_unique<ReverseSweep<tableaus::DormandPrince>>(field, settings, t0, t1, memory_mb);
    case Method::dop853:
      break;
  }
  return std::make_unique<ReverseSweep<tableaus::Dop853>>(field, settings, t0, t1, memory_mb);
}

}  // namespace

SolverSettings Adjoint::forward(SolverSettings settings) {
  if (settings.method == Method::dop853) settings.tolerance = std::max(settings.tolerance / 2, least_tolerance);
  return settings;
}

Adjoint::Adjoint(Field const& field, SolverSettings const& settings, double t0, double t1, double memory_mb)
    : engine_(make_engine(field, settings, t0, t1, memory_mb)) {}
Adjoint::~Adjoint() = default;
Adjoint::Adjoint(Adjoint&&) noexcept = default;

void Adjoint::solve(Samples& samples, std::function<void()> const& tick) { engine_->solve(samples, tick); }

void Adjoint::pull_back(Columns& z_bar, double const* log_change_bar, double* theta_bar, std::function<void()> const& tick) {
  engine_->pull_back(z_bar, log_change_bar, theta_bar, tick);
}

std::size_t Adjoint::n_solved_again() const { return engine_->n_solved_again(); }

}  // namespace fermiac::flow
