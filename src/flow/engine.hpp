/// Explicit Runge-Kutta steps of samples in lanes, one instance a method: see `flow/solver.hpp`.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/flow/solver.hpp"
#include "fermiac/simd/functions.hpp"
#include "weights.hpp"

namespace fermiac::flow {

class Solver::Engine {
 public:
  virtual ~Engine() = default;
  virtual void solve(Samples& samples, std::function<void()> const& tick, Wanted* wanted) = 0;
};

namespace detail {

inline constexpr std::size_t L = 64;  ///< lanes of a block: all stages of two or three components stay in the first-level cache
inline constexpr double epsilon = std::numeric_limits<double>::epsilon();
inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// What the lanes know beside where they are.
struct alignas(64) LaneStates {
  using Reals = double[L];
  using Counts = std::uint64_t[L];

  Reals t, h, end;                 ///< the step that is tried: from t by h to end
  Reals next_t, next_h, next_end;  ///< the one after it
  Reals log_error;                 ///< logarithm of the last accepted step's error, in parts of what is allowed
  Reals estimate;                  ///< of the error, per h: largest of all components
  Reals factor;                    ///< on the estimate: more than 1 in a sample's first step
  Reals extent, poison;            ///< largest value; 0, or NaN where anything is not finite
  Reals stage_t;
  Counts sample, steps, rejected;
  Counts held;      ///< 1 after a rejected step: the next does not grow
  Counts accepted;  ///< all ones where the step was, else 0
  Counts outcome;
  Counts stiff, calm;  ///< steps on the border of stability, and off it since
  std::size_t next_time[L];
};
inline constexpr std::uint64_t going_on = 99;  ///< else a Status

[[gnu::always_inline]] inline double larger(double a, double b) noexcept { return a > b ? a : b; }
[[gnu::always_inline]] inline double smaller(double a, double b) noexcept { return a < b ? a : b; }
[[gnu::always_inline]] inline double chosen(std::uint64_t mask, double yes, double no) noexcept {
  return simd::detail::from_bits((simd::detail::bits(yes) & mask) | (simd::detail::bits(no) & ~mask));
}

}  // namespace detail

template <typename T>
class LaneEngine final : public Solver::Engine {
 public:
  LaneEngine(Field const& field, SolverSettings const& settings, double t0, double t1)
      : d_(field.dimension()),
        m_(n_integrals(settings.divergence)),
        settings_(settings),
        adaptive_(settings.steps == 0),
        autonomous_(field.is_autonomous()),
        closed_(settings.divergence.trace == Trace::exact),
        has_probes_(n_probe_numbers(settings.divergence, d_) > 0),
        t0_(t0),
        t1_(t1),
        length_(std::abs(t1 - t0)),
        kernel_(field.make_kernel(L)),
        divergence_(make_divergence_kernel(settings.divergence, d_, L)),
        waiting_divergence_(make_divergence_kernel(settings.divergence, d_, L)),
        z_(L, d_),
        z_new_(L, d_),
        argument_(L, d_),
        change_(L, m_),
        change_new_(L, m_),
        waiting_z_(L, d_),
        waiting_f_(L, d_),
        waiting_div_(L, m_),
        probe_z_(L, d_),
        states_(std::make_unique<detail::LaneStates>()) {
    f_.fill(Columns(L, d_));
    probe_f_.fill(Columns(L, d_));
    probe_div_.fill(Columns(L, m_));
    div_.fill(Columns(L, m_));
    *states_ = {};
    if constexpr (Estimate::exists) allowed_ = Estimate::safety(settings.tolerance) * settings.tolerance / length_;
  }

  void solve(Samples& samples, std::function<void()> const& tick, Wanted* wanted) override {
    FERMIAC_ASSERT(samples.z.n_columns() == d_ && samples.log_change.n_columns() == m_);
    samples_ = &samples;
    wanted_ = wanted;
    waiting_first_ = waiting_next_ = waiting_end_ = 0;
    if (wanted_ != nullptr) begin_wanted();
    std::size_t n_active = 0;
    while (n_active < L && take_next(n_active)) ++n_active;
    while (n_active > 0) {
      // Whole vectors: the lanes beyond the active ones are idle, and what is computed there is nobody's.
      std::size_t const n = (n_active + 7) / 8 * 8;
      try_step(n);
      if (adaptive_)
        control(n);
      else
        count(n);
      if (wanted_ != nullptr) look_along(n, n_active);
      adopt(n);
      // A list first, for a branch on each lane's outcome would be foreseen half of the time.
      std::size_t ended[L];
      std::size_t n_ended = 0;
      for (std::size_t k = 0; k < n_active; ++k) {
        ended[n_ended] = k;
        n_ended += s().outcome[k] != detail::going_on ? 1 : 0;
      }
      while (n_ended-- > 0) {
        std::size_t const k = ended[n_ended];
        unload(k);
        if (take_next(k)) continue;
        if (k != --n_active) copy_lane(n_active, k);
      }
      if (tick) tick();
    }
    if (wanted_ != nullptr) end_wanted();
  }

 private:
  static constexpr std::size_t L = detail::L;
  static constexpr std::size_t S = T::n_stages;
  using Estimate = detail::Estimate<T>;
  static constexpr std::size_t n_stored = detail::Dense<T>::n_stages;
  static constexpr std::uint64_t stiff_after = 200;

  detail::LaneStates& s() noexcept { return *states_; }
  double direction() const noexcept { return t1_ < t0_ ? -1 : 1; }
  static constexpr double first_factor() {
    if constexpr (Estimate::exists)
      return Estimate::first_factor;
    else
      return 1;
  }

  // --------------------------------------------------------------------------------------------------------- one step
  template <typename Weights>
  void add_stages(std::size_t n, double const* __restrict h, Columns const& z, Columns& result) const {
    for (std::size_t i = 0; i < d_; ++i) {
      double const* k[n_stored];
      for (std::size_t j = 0; j < Weights::n; ++j) k[j] = f_[j].column(i);
      double const* __restrict from = z.column(i);
      double* __restrict to = result.column(i);
#pragma GCC ivdep
      for (std::size_t lane = 0; lane < n; ++lane) to[lane] = std::fma(h[lane], detail::weigh<Weights>(k, lane), from[lane]);
    }
  }

  void stage_times(std::size_t n, double c) {
    if (autonomous_) return;  // nobody looks
    auto& x = s();
    if (c == 1)
      std::copy_n(x.end, n, x.stage_t);
    else
      for (std::size_t k = 0; k < n; ++k) x.stage_t[k] = std::fma(c, x.h[k], x.t[k]);
  }

  void evaluate(std::size_t n, double const* t, Columns const& z, std::size_t stage) {
    if (closed_)
      kernel_->evaluate({n, t, z}, f_[stage], div_[stage].column(0));
    else
      divergence_->evaluate(*kernel_, {n, t, z}, f_[stage], div_[stage]);
  }

  template <std::size_t... Stage>
  void stages([[maybe_unused]] std::size_t n, std::index_sequence<Stage...>) {
    (
        [&] {
          add_stages<detail::StageWeights<T, Stage + 1>>(n, s().h, z_, argument_);
          stage_times(n, T::c[Stage + 1]);
          // Where the result has no weight, neither has an estimate nor the dense output.
          if constexpr (T::b[Stage + 1] != 0)
            evaluate(n, s().stage_t, argument_, Stage + 1);
          else
            kernel_->evaluate({n, s().stage_t, argument_}, f_[Stage + 1], nullptr);
        }(),
        ...);
  }

  void try_step(std::size_t n) {
    auto& x = s();
    stages(n, std::make_index_sequence<S - 1>());
    std::fill_n(x.poison, n, 0.0);
    std::fill_n(x.extent, n, 0.0);
    std::fill_n(x.estimate, n, 0.0);
    // Where the estimate needs f at the result, the result comes first.
    constexpr bool at_once = !Estimate::needs_result;
    for (std::size_t i = 0; i < d_; ++i) finish<at_once>(n, f_, i, 1, z_.column(i), z_new_.column(i));
    evaluate(n, x.end, z_new_, S);
    for (std::size_t j = 0; j < m_; ++j) finish<at_once>(n, div_, j, -1, change_.column(j), change_new_.column(j));
    if constexpr (!at_once) {
      for (std::size_t i = 0; i < d_; ++i) judge(n, f_, i, z_new_.column(i));
      for (std::size_t j = 0; j < m_; ++j) judge(n, div_, j, change_new_.column(j));
    }
  }

  static auto stage_columns(std::array<Columns, n_stored> const& stages, std::size_t column) {
    std::array<double const*, S + 1> k;
    for (std::size_t stage = 0; stage <= S; ++stage) k[stage] = stages[stage].column(column);
    return k;
  }

  /// The result of one component, and with `and_judge` its part in the estimates of the error.
  template <bool and_judge>
  void finish(std::size_t n, std::array<Columns, n_stored> const& stages, std::size_t column, double sign,
              double const* __restrict from, double* __restrict to) {
    auto const k = stage_columns(stages, column);
    auto& x = s();
#pragma GCC ivdep
    for (std::size_t lane = 0; lane < n; ++lane) {
      double const value = std::fma(sign * x.h[lane], detail::weigh<detail::ResultWeights<T>>(k.data(), lane), from[lane]);
      // The store comes last, for the compiler does not know that it spares the stages.
      if constexpr (and_judge) judge_lane(x, k.data(), lane, value);
      to[lane] = value;
    }
  }

  void judge(std::size_t n, std::array<Columns, n_stored> const& stages, std::size_t column, double const* __restrict value) {
    auto const k = stage_columns(stages, column);
    auto& x = s();
#pragma GCC ivdep
    for (std::size_t lane = 0; lane < n; ++lane) judge_lane(x, k.data(), lane, value[lane]);
  }

  /// Adds one component to the estimates of the error.
  [[gnu::always_inline]] static void judge_lane(detail::LaneStates& x, [[maybe_unused]] double const* const* k,
                                                std::size_t lane, double value) {
    double poison = std::fma(0.0, value, x.poison[lane]);
    if constexpr (Estimate::exists) {
      x.extent[lane] = detail::larger(simd::detail::magnitude(value), x.extent[lane]);
      double estimate = simd::detail::magnitude(detail::weigh<typename Estimate::Fine>(k, lane));
      if constexpr (Estimate::is_product) {
        double const middle = simd::detail::magnitude(detail::weigh<typename Estimate::Middle>(k, lane));
        double const coarse = simd::detail::magnitude(detail::weigh<typename Estimate::Coarse>(k, lane));
        estimate *= middle / (std::fma(0.05, coarse, middle) + 1e-300);
      }
      poison = std::fma(0.0, estimate, poison);
      x.estimate[lane] = detail::larger(estimate, x.estimate[lane]);
    }
    x.poison[lane] = poison;
  }

  // ------------------------------------------------------------------------------------------------------- what follows
  void control(std::size_t n) {
    if constexpr (Estimate::exists) {
      auto& x = s();
      constexpr double beta = Estimate::damping / Estimate::order;
      constexpr double alpha = 1 / Estimate::order - 0.75 * beta;
      double const allowed_per_h = allowed_;
      double const t1 = t1_;
      auto const most = static_cast<std::uint64_t>(settings_.max_steps);
#pragma GCC ivdep
      for (std::size_t k = 0; k < n; ++k) {
        double const size = simd::detail::magnitude(x.h[k]);
        double const allowed = detail::larger(allowed_per_h * size, Estimate::rounding * detail::epsilon * x.extent[k]);
        double const error = x.estimate[k] * (size / allowed);
        double const judged = std::fma(x.factor[k], error, x.poison[k]);
        bool const ok = judged <= 1;  // false where it is NaN
        double const counted = ok ? error : judged;
        double const held = counted <= 1e15 ? detail::larger(counted, 1e-15) : 1e15;  // NaN: as large as can be
        double const log_error = simd::detail::log_of_normal(held);
        double const exponent = ok ? std::fma(-alpha, log_error, beta * x.log_error[k]) : log_error * (-1 / Estimate::order);
        double const most_growth = ok ? (x.held[k] != 0 ? 1.0 : 6.0) : 0.9;
        double const factor = detail::larger(detail::smaller(0.9 * simd::exp_unheld(exponent), most_growth), 0.1);
        double const from = ok ? x.end[k] : x.t[k];
        double const rest = t1 - from;
        // Equal steps to the end; a twentieth more than is wanted rather than one step more.
        double const n_left = detail::larger(std::ceil(simd::detail::magnitude(rest) / (size * factor) - 0.05), 1.0);
        x.next_t[k] = from;
        // The step that t takes, or rounding of many equal steps would add up.
        double const next_end = n_left > 1 ? from + rest / n_left : t1;
        x.next_h[k] = next_end - from;
        x.next_end[k] = next_end;
        x.log_error[k] = ok ? detail::larger(log_error, -9.0) : x.log_error[k];
        x.held[k] = ok ? 0 : 1;
        x.factor[k] = ok ? 1.0 : x.factor[k];
        x.steps[k] += ok ? 1 : 0;
        x.rejected[k] += ok ? 0 : 1;
        x.accepted[k] = ok ? ~std::uint64_t{0} : 0;
        bool const done = ok && rest == 0;
        bool const small =
            size < 16 * detail::epsilon * detail::larger(simd::detail::magnitude(from), simd::detail::magnitude(t1));
        auto const failure = static_cast<std::uint64_t>(x.poison[k] == 0 ? Status::step_too_small : Status::not_finite);
        std::uint64_t outcome = detail::going_on;
        outcome = x.steps[k] + x.rejected[k] >= most ? static_cast<std::uint64_t>(Status::too_many_steps) : outcome;
        outcome = small ? failure : outcome;
        x.outcome[k] = done ? static_cast<std::uint64_t>(Status::done) : outcome;
      }
      std::uint64_t any = 0;
      for (std::size_t k = 0; k < n; ++k) any |= x.steps[k] > stiff_after ? 1 : 0;
      if (any != 0) look_for_stiffness(n);
    }
  }

  void look_for_stiffness(std::size_t n) {
    if constexpr (Estimate::exists) {
      auto& x = s();
      for (std::size_t k = 0; k < n; ++k) {
        if (x.accepted[k] == 0 || x.steps[k] <= stiff_after) continue;
        double slope = 0;
        double way = 0;
        for (std::size_t i = 0; i < d_; ++i) {
          double const df = f_[S].column(i)[k] - f_[S - 1].column(i)[k];
          double const dz = z_new_.column(i)[k] - argument_.column(i)[k];
          slope = std::fma(df, df, slope);
          way = std::fma(dz, dz, way);
        }
        bool const border = x.h[k] * x.h[k] * slope > Estimate::stability_border * Estimate::stability_border * way && way > 0;
        x.stiff[k] += border ? 1 : 0;
        x.calm[k] = border ? 0 : x.calm[k] + 1;
        if (x.calm[k] == 6) x.stiff[k] = 0;
        if (x.stiff[k] == 15 && x.outcome[k] == detail::going_on) x.outcome[k] = static_cast<std::uint64_t>(Status::stiff);
      }
    }
  }

  void count(std::size_t n) {
    auto& x = s();
    for (std::size_t k = 0; k < n; ++k) {
      x.next_t[k] = x.end[k];
      ++x.steps[k];
      bool const finite = x.poison[k] == 0;
      x.accepted[k] = finite ? ~std::uint64_t{0} : 0;
      x.next_end[k] = equal_end(x.steps[k] + 1);
      x.next_h[k] = x.next_end[k] - x.next_t[k];
      auto const outcome = x.steps[k] == settings_.steps ? static_cast<std::uint64_t>(Status::done) : detail::going_on;
      x.outcome[k] = finite ? outcome : static_cast<std::uint64_t>(Status::not_finite);
    }
  }
  double equal_end(std::uint64_t step) const {
    if (step >= settings_.steps) return t1_;
    return std::fma(static_cast<double>(step) / settings_.steps, t1_ - t0_, t0_);
  }

  void adopt(std::size_t n) {
    auto& x = s();
    auto const take = [&](Columns& old, Columns const& now) {
      for (std::size_t i = 0; i < old.n_columns(); ++i) {
        double* __restrict to = old.column(i);
        double const* __restrict from = now.column(i);
        for (std::size_t k = 0; k < n; ++k) to[k] = detail::chosen(x.accepted[k], from[k], to[k]);
      }
    };
    take(z_, z_new_);
    take(f_[0], f_[S]);
    take(change_, change_new_);
    take(div_[0], div_[S]);
    std::copy_n(x.next_t, n, x.t);
    std::copy_n(x.next_h, n, x.h);
    std::copy_n(x.next_end, n, x.end);
  }

  // -------------------------------------------------------------------------------------------------- samples come and go
  void unload(std::size_t k) {
    auto& x = s();
    auto const sample = x.sample[k];
    auto const status = static_cast<Status>(x.outcome[k]);
    auto& samples = *samples_;
    bool const done = status == Status::done;
    for (std::size_t i = 0; i < d_; ++i) samples.z.column(i)[sample] = done ? z_.column(i)[k] : detail::nan;
    for (std::size_t j = 0; j < m_; ++j) samples.log_change.column(j)[sample] = done ? change_.column(j)[k] : detail::nan;
    samples.status[sample] = status;
    samples.n_steps[sample] = static_cast<std::uint32_t>(x.steps[k]);
    samples.n_rejected[sample] = static_cast<std::uint32_t>(x.rejected[k]);
    samples.n_evaluations[sample] = static_cast<std::uint32_t>(S * (x.steps[k] + x.rejected[k]) + (adaptive_ ? 3 : 1));
  }

  bool take_next(std::size_t k) {
    if (waiting_next_ == waiting_end_ && !prepare_waiting()) return false;
    auto& x = s();
    std::size_t const w = waiting_next_ - waiting_first_;
    for (std::size_t i = 0; i < d_; ++i) {
      z_.column(i)[k] = waiting_z_.column(i)[w];
      f_[0].column(i)[k] = waiting_f_.column(i)[w];
    }
    for (std::size_t j = 0; j < m_; ++j) {
      change_.column(j)[k] = 0;
      div_[0].column(j)[k] = waiting_div_.column(j)[w];
    }
    if (has_probes_) divergence_->copy(k, *waiting_divergence_, w);
    x.t[k] = t0_;
    x.end[k] = waiting_end_time_[w];
    x.h[k] = waiting_h_[w];
    x.log_error[k] = 0;
    x.factor[k] = first_factor();
    x.sample[k] = waiting_next_;
    x.steps[k] = x.rejected[k] = x.held[k] = x.stiff[k] = x.calm[k] = 0;
    x.next_time[k] = 0;
    if (wanted_ != nullptr) start_lane(k);
    ++waiting_next_;
    return true;
  }

  void copy_lane(std::size_t from, std::size_t to) {
    auto& x = s();
    auto const copy = [&](Columns& values) {
      for (std::size_t i = 0; i < values.n_columns(); ++i) values.column(i)[to] = values.column(i)[from];
    };
    copy(z_);
    copy(f_[0]);
    copy(change_);
    copy(div_[0]);
    if (has_probes_) divergence_->copy(to, *divergence_, from);
    for (double* values : {x.t, x.h, x.end, x.log_error, x.factor}) values[to] = values[from];
    for (std::uint64_t* values : {x.sample, x.steps, x.rejected, x.held, x.stiff, x.calm, x.outcome}) values[to] = values[from];
    x.next_time[to] = x.next_time[from];
  }

  /// The next samples of the queue, with f where they start and their first steps.
  bool prepare_waiting() {
    auto const& samples = *samples_;
    waiting_first_ = waiting_next_ = waiting_end_;
    waiting_end_ = std::min(waiting_first_ + L, samples.size());
    if (waiting_first_ == waiting_end_) return false;
    std::size_t const n_waiting = waiting_end_ - waiting_first_;
    for (std::size_t i = 0; i < d_; ++i) std::copy_n(samples.z.column(i) + waiting_first_, n_waiting, waiting_z_.column(i));
    for (std::size_t k = 0; has_probes_ && k < n_waiting; ++k) waiting_divergence_->load(k, samples.probes, waiting_first_ + k);
    std::size_t const n = (n_waiting + 7) / 8 * 8;
    auto& x = s();
    std::fill_n(x.stage_t, n, t0_);
    waiting_divergence_->evaluate(*kernel_, {n, x.stage_t, waiting_z_}, waiting_f_, waiting_div_);
    if constexpr (Estimate::exists) {
      if (adaptive_) {
        choose_first_steps(n);
        return true;
      }
    }
    for (std::size_t k = 0; k < n; ++k) {
      waiting_end_time_[k] = equal_end(1);
      waiting_h_[k] = waiting_end_time_[k] - t0_;
    }
    return true;
  }

  /// With a the size of a component of f, or of the divergence, and r = |da/dt| / a its rate, an error of order p per unit of
  /// time is about a (r h)^p, up to a factor. The component that allows least counts, for one that is small may be fast.
  void choose_first_steps(std::size_t n) {
    auto& x = s();
    double* __restrict demand = x.estimate;  // largest a r^p
    double* __restrict way = x.next_h;
    double* __restrict extent = x.extent;
    std::fill_n(demand, n, 0.0);
    std::fill_n(way, n, 0.0);
    std::fill_n(extent, n, 1.0);
    auto const enlarge = [&](double* __restrict to, Columns const& values) {
      for (std::size_t i = 0; i < values.n_columns(); ++i) {
        double const* __restrict value = values.column(i);
        for (std::size_t k = 0; k < n; ++k) to[k] = detail::larger(simd::detail::magnitude(value[k]), to[k]);
      }
    };
    enlarge(extent, waiting_z_);
    enlarge(way, waiting_f_);
    double const sign = direction();
    // As far as the sample moves by 1/64, of itself where it is larger than 1; at most 1/64 of the interval.
    for (std::size_t k = 0; k < n; ++k) way[k] = sign * detail::smaller(extent[k] / way[k], length_) * 0x1p-6;
    auto const ask = [&](Columns const& now, Columns const& old, double part) {
      for (std::size_t i = 0; i < now.n_columns(); ++i) {
        double const* __restrict a = now.column(i);
        double const* __restrict b = old.column(i);
        for (std::size_t k = 0; k < n; ++k) {
          double const size = detail::larger(simd::detail::magnitude(a[k]), simd::detail::magnitude(b[k])) + 1e-300;
          double const rate = simd::detail::magnitude((a[k] - b[k]) / (part * way[k] * size));
          double power = rate * rate * rate;
          power *= Estimate::first_order == 7 ? power * rate : rate;
          demand[k] = detail::larger(size * power, demand[k]);
        }
      }
    };
    // Between two places what is fast may hide behind what is slow and runs against it; not between three.
    auto const probe = [&](double factor, std::size_t which) {
      for (std::size_t k = 0; k < n; ++k) x.stage_t[k] = std::fma(factor, way[k], t0_);
      for (std::size_t i = 0; i < d_; ++i) {
        double const* __restrict z = waiting_z_.column(i);
        double const* __restrict f = waiting_f_.column(i);
        double* __restrict to = probe_z_.column(i);
        for (std::size_t k = 0; k < n; ++k) to[k] = std::fma(factor * way[k], f[k], z[k]);
      }
      waiting_divergence_->evaluate(*kernel_, {n, x.stage_t, probe_z_}, probe_f_[which], probe_div_[which]);
    };
    probe(1, 0);
    probe(4, 1);
    ask(probe_f_[0], waiting_f_, 1);
    ask(probe_div_[0], waiting_div_, 1);
    ask(probe_f_[1], probe_f_[0], 3);
    ask(probe_div_[1], probe_div_[0], 3);
    for (std::size_t k = 0; k < n; ++k) {
      double const wanted = Estimate::first_step * simd::exp_held(simd::log(allowed_ / demand[k]) / Estimate::first_order);
      // Where nothing moves, and where nothing is finite, the whole interval is tried.
      double const size = wanted < length_ && wanted > 0 ? wanted : length_;
      double const n_steps = std::ceil(length_ / size - 0.05);
      double const rest = t1_ - t0_;
      waiting_end_time_[k] = n_steps > 1 ? t0_ + rest / n_steps : t1_;
      waiting_h_[k] = waiting_end_time_[k] - t0_;
    }
  }

  // -------------------------------------------------------------------------------------------------- beside the end
  void begin_wanted() {
    auto& wanted = *wanted_;
    auto const n = samples_->size();
    wanted.path.assign(wanted.times.size() * (d_ + m_) * n, detail::nan);
    wanted.events.clear();
    wanted.kept.assign(wanted.steps ? n : 0, {});
    for (double const time : wanted.times) FERMIAC_ASSERT(direction() * (time - t0_) >= 0 && direction() * (t1_ - time) >= 0);
  }

  void end_wanted() {
    std::ranges::sort(wanted_->events, [this](Wanted::Event const& a, Wanted::Event const& b) {
      return a.sample != b.sample ? a.sample < b.sample : direction() * a.t < direction() * b.t;
    });
  }

  double& path(std::size_t time, std::size_t column, std::size_t sample) {
    return wanted_->path[(time * (d_ + m_) + column) * samples_->size() + sample];
  }

  void start_lane(std::size_t k) {
    auto& x = s();
    for (; x.next_time[k] < wanted_->times.size() && wanted_->times[x.next_time[k]] == t0_; ++x.next_time[k]) {
      for (std::size_t i = 0; i < d_; ++i) path(x.next_time[k], i, x.sample[k]) = z_.column(i)[k];
      for (std::size_t j = 0; j < m_; ++j) path(x.next_time[k], d_ + j, x.sample[k]) = 0;
    }
  }

  bool reaches_time(std::size_t k) {
    auto& x = s();
    auto const& times = wanted_->times;
    return x.next_time[k] < times.size() && direction() * (x.end[k] - times[x.next_time[k]]) >= 0;
  }

  void look_along(std::size_t n, std::size_t n_active) {
    auto& x = s();
    auto& wanted = *wanted_;
    alignas(64) double before[L];
    alignas(64) double after[L];
    if (wanted.event) {
      wanted.event({n, x.t, z_}, before);
      wanted.event({n, x.end, z_new_}, after);
    }
    bool dense_is_ready = false;
    auto const make_dense = [&] {
      if (!dense_is_ready) prepare_dense(n);
      dense_is_ready = true;
    };
    for (std::size_t k = 0; k < n_active; ++k) {
      if (x.accepted[k] == 0) continue;
      if (wanted.steps) {
        auto& kept = wanted.kept[x.sample[k]];
        kept.t.push_back(x.t[k]);
        kept.h.push_back(x.h[k]);
        for (std::size_t i = 0; i < d_; ++i) kept.z.push_back(z_.column(i)[k]);
        for (std::size_t stage = 0; wanted.stages && stage < S; ++stage)
          for (std::size_t i = 0; i < d_; ++i) kept.k.push_back(f_[stage].column(i)[k]);
      }
      for (; reaches_time(k); ++x.next_time[k]) {
        double const time = wanted.times[x.next_time[k]];
        bool const at_end = time == x.end[k];
        if (!at_end) make_dense();
        for (std::size_t c = 0; c < d_ + m_; ++c) {
          double const end = c < d_ ? z_new_.column(c)[k] : change_new_.column(c - d_)[k];
          path(x.next_time[k], c, x.sample[k]) = at_end ? end : between(k, c, (time - x.t[k]) / x.h[k]);
        }
      }
      if (wanted.event && ((before[k] < 0 && after[k] >= 0) || (before[k] > 0 && after[k] <= 0))) {
        make_dense();
        wanted.events.push_back(find_event(k, before[k], after[k]));
      }
    }
  }

  /// Illinois's regula falsi along the step.
  Wanted::Event find_event(std::size_t k, double before, double after) {
    auto& x = s();
    Columns z(1, d_);
    double t = 0;
    auto const g = [&](double at) {
      t = std::fma(at, x.h[k], x.t[k]);
      for (std::size_t i = 0; i < d_; ++i) z.column(i)[0] = between(k, i, at);
      double value = 0;
      wanted_->event({1, &t, z}, &value);
      return value;
    };
    double low = 0, high = 1, g_low = before, g_high = after;
    for (int turn = 0; turn < 100 && high - low > 4 * detail::epsilon; ++turn) {
      double at = low + (high - low) * (g_low / (g_low - g_high));
      if (!(at > low && at < high)) at = 0.5 * (low + high);
      if (!(at > low && at < high)) break;
      double const value = g(at);
      bool const is_low = (value < 0) == (before < 0) && value != 0;
      if (is_low) {
        low = at;
        g_low = value;
        g_high *= 0.5;
      } else {
        high = at;
        g_high = value;
        g_low *= 0.5;
        if (value == 0) low = at;
      }
    }
    g(high);
    Wanted::Event event{x.sample[k], t, before < 0, std::vector<double>(d_)};
    for (std::size_t i = 0; i < d_; ++i) event.z[i] = z.column(i)[0];
    return event;
  }

  /// Whatever the dense output of the step needs beyond its stages. Comes last: it overwrites the arguments.
  void prepare_dense([[maybe_unused]] std::size_t n) {
    if constexpr (detail::Dense<T>::n_extra == 3) extra_stages(n, std::make_index_sequence<3>());
  }
  template <std::size_t... Extra>
  void extra_stages(std::size_t n, std::index_sequence<Extra...>) {
    (
        [&] {
          add_stages<detail::ExtraWeights<T, Extra>>(n, s().h, z_, argument_);
          stage_times(n, T::dense_c[Extra]);
          evaluate(n, s().stage_t, argument_, S + 1 + Extra);
        }(),
        ...);
  }

  /// The value of column c (those of z, then of log_change) of lane k at t + x h.
  double between(std::size_t k, std::size_t c, double x) {
    double stage[n_stored];
    bool const is_z = c < d_;
    for (std::size_t j = 0; j < n_stored; ++j) stage[j] = is_z ? f_[j].column(c)[k] : -div_[j].column(c - d_)[k];
    double const from = is_z ? z_.column(c)[k] : change_.column(c - d_)[k];
    double const to = is_z ? z_new_.column(c)[k] : change_new_.column(c - d_)[k];
    return detail::Dense<T>::value(x, s().h[k], from, to, stage);
  }

  std::size_t d_;
  std::size_t m_;
  SolverSettings settings_;
  bool adaptive_;
  bool autonomous_;
  bool closed_;  ///< the divergence is the field's own
  bool has_probes_;
  double t0_, t1_, length_;
  double allowed_ = 0;  ///< estimate per unit of time
  std::unique_ptr<FieldKernel> kernel_;
  std::unique_ptr<DivergenceKernel> divergence_, waiting_divergence_;

  Columns z_, z_new_, argument_;
  Columns change_, change_new_;
  std::array<Columns, n_stored> f_, div_;  ///< stage after stage; stage S is at the result

  Columns waiting_z_, waiting_f_, waiting_div_;
  Columns probe_z_;
  std::array<Columns, 2> probe_f_, probe_div_;
  double waiting_h_[L] = {};
  double waiting_end_time_[L] = {};
  std::size_t waiting_first_ = 0, waiting_next_ = 0, waiting_end_ = 0;  ///< samples

  std::unique_ptr<detail::LaneStates> states_;
  Samples* samples_ = nullptr;
  Wanted* wanted_ = nullptr;
};

}  // namespace fermiac::flow
