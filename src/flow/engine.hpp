/// Explicit Runge-Kutta steps of samples in lanes, one instance a method: see `flow/solver.hpp`.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
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

  Reals t, h, end;                  ///< the step that is tried: from t by h to end
  Reals next_t, next_h, next_end;   ///< the one after it
  Reals estimate;                   ///< of the error, per h, squared: largest of all components
  Reals delay;                      ///< square of the error of z as one of t, per h
  Reals extent;                     ///< largest value; NaN where anything is not finite
  Reals slope_before, slope_after;  ///< squares of |f|
  Reals least;                      ///< this step over the next one, at least
  Reals stage_t;
  Counts sample, steps, attempts;
  Counts accepted;  ///< all ones where the step was, else 0
  Counts outcome;
  Counts stiff, calm;  ///< steps on the border of stability, and off it since
  std::size_t next_time[L];
};
inline constexpr std::uint64_t going_on = 99;  ///< else a Status

/// f(lane) of lanes 0 ... n-1, n a multiple of 8: whole vectors, and none of what loops of any length need beside them.
template <typename F>
[[gnu::always_inline]] inline void for_lanes(std::size_t n, F f) {
  for (std::size_t first = 0; first < n; first += 8) {
    // Unrolled, short ones would be vectorised no longer.
#pragma GCC unroll 1
#pragma GCC ivdep
    for (std::size_t i = 0; i < 8; ++i) f(first + i);
  }
}

[[gnu::always_inline]] inline double larger(double a, double b) noexcept { return a > b ? a : b; }
[[gnu::always_inline]] inline double smaller(double a, double b) noexcept { return a < b ? a : b; }
/// Of two that are not negative the larger, and NaN where one is: their bits are in the same order as they are, NaN on top.
[[gnu::always_inline]] inline double larger_or_nan(double a, double b) noexcept {
  auto const x = simd::detail::bits(a), y = simd::detail::bits(b);
  return simd::detail::from_bits(x > y ? x : y);
}
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
        f_stages_(n_stored * L, d_),
        div_stages_(n_stored * L, m_),
        z_(L, d_),
        z_new_(L, d_),
        argument_(L, d_),
        change_(L, m_),
        change_new_(L, m_),
        waiting_z_(L, d_),
        waiting_f_(L, d_),
        waiting_div_(L, m_),
        probe_z_(L, d_),
        probe_f_(L, d_),
        probe_div_(L, m_),
        states_(std::make_unique<detail::LaneStates>()) {
    for (std::size_t stage = 0; stage < n_stored; ++stage) {
      f_[stage] = f_stages_.window(stage * L, L);
      div_[stage] = div_stages_.window(stage * L, L);
    }
    *states_ = {};
    if constexpr (Estimate::exists) allowed_ = Estimate::safety(settings.tolerance) * settings.tolerance / length_;
  }

  void solve(Samples& samples, std::function<void()> const& tick, Wanted* wanted) override {
    FERMIAC_ASSERT(samples.z.n_columns() == d_ && samples.log_change.n_columns() == m_);
    samples_ = &samples;
    wanted_ = wanted;
    std::ranges::fill(samples.status, Status::done);
    waiting_first_ = waiting_next_ = waiting_end_ = 0;
    if (wanted_ != nullptr) begin_wanted();
    std::array<std::size_t, L> lanes;
    std::iota(lanes.begin(), lanes.end(), 0);
    std::size_t n_active = 0;
    while (n_active < L) {
      std::size_t const n_next = take_next(std::span(lanes).subspan(n_active));
      if (n_next == 0) break;
      n_active += n_next;
    }
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
      unload({ended, n_ended});
      std::size_t n_taken = 0;
      while (n_taken < n_ended) {
        std::size_t const n_next = take_next({ended + n_taken, n_ended - n_taken});
        if (n_next == 0) break;
        n_taken += n_next;
      }
      for (std::size_t k = n_ended; k-- > n_taken;)
        if (ended[k] != --n_active) copy_lane(n_active, ended[k]);
      if (tick) tick();
    }
    count_evaluations();
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

  // --------------------------------------------------------------------------------------------------------- one step
  using Stages = double const (*)[L];
  static Stages stages_of(Columns const& stages, std::size_t column) { return reinterpret_cast<Stages>(stages.column(column)); }

  template <typename Weights>
  void add_stages(std::size_t n, Columns const& z, Columns& result) {
    double const* __restrict h = s().h;
    for (std::size_t i = 0; i < d_; ++i) {
      auto const k = stages_of(f_stages_, i);
      double const* __restrict from = z.column(i);
      double* __restrict to = result.column(i);
      detail::for_lanes(
          n, [=](std::size_t lane)
                 __attribute__((always_inline)) { to[lane] = std::fma(h[lane], detail::weigh<Weights>(k, lane), from[lane]); });
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
          add_stages<detail::StageWeights<T, Stage + 1>>(n, z_, argument_);
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
    if constexpr (Estimate::exists) squares_of_slopes(n, f_[0], x.slope_before);
    detail::for_lanes(
        n, [&](std::size_t k) __attribute__((always_inline)) { x.extent[k] = x.estimate[k] = x.delay[k] = 0; });
    // Where the estimate needs f at the result, the result comes first.
    constexpr bool at_once = !Estimate::needs_result;
    for (std::size_t i = 0; i < d_; ++i) finish<at_once, true>(n, f_stages_, i, 1, z_.column(i), z_new_.column(i));
    evaluate(n, x.end, z_new_, S);
    for (std::size_t j = 0; j < m_; ++j)
      finish<at_once, false>(n, div_stages_, j, -1, change_.column(j), change_new_.column(j));
    if constexpr (!at_once) {
      for (std::size_t i = 0; i < d_; ++i) judge<true>(n, f_stages_, i, z_new_.column(i));
      for (std::size_t j = 0; j < m_; ++j) judge<false>(n, div_stages_, j, change_new_.column(j));
    }
  }

  /// The result of one component, and with `and_judge` its part in the estimate of the error.
  template <bool and_judge, bool of_z>
  void finish(std::size_t n, Columns const& stages, std::size_t column, double sign, double const* __restrict from,
              double* __restrict to) {
    auto const k = stages_of(stages, column);
    auto& x = s();
    detail::for_lanes(
        n, [&, k, sign, from, to ](std::size_t lane) __attribute__((always_inline)) {
          double const value = std::fma(sign * x.h[lane], detail::weigh<detail::ResultWeights<T>>(k, lane), from[lane]);
          // The store comes last, for the compiler does not know that it spares the stages.
          if constexpr (and_judge) judge_lane<of_z>(x, k, lane, value);
          to[lane] = value;
        });
  }

  template <bool of_z>
  void judge(std::size_t n, Columns const& stages, std::size_t column, double const* __restrict value) {
    auto const k = stages_of(stages, column);
    auto& x = s();
    detail::for_lanes(
        n, [&, k, value ](std::size_t lane) __attribute__((always_inline)) { judge_lane<of_z>(x, k, lane, value[lane]); });
  }

  /// Adds one component to the estimate of the error. An error in z is one in time, too, of error / |f|: over it the divergence
  /// changes as it does in the step, and so its integral has a part of the error in z that its own stages need not show.
  template <bool of_z>
  [[gnu::always_inline]] static void judge_lane(detail::LaneStates& x, [[maybe_unused]] Stages k, std::size_t lane,
                                                double value) {
    x.extent[lane] = detail::larger_or_nan(x.extent[lane], simd::detail::magnitude(value));
    if constexpr (Estimate::exists) {
      double const square = Estimate::square(k, lane, x.steps[lane] == 0);
      if constexpr (of_z) {
        double const slope = detail::larger(k[0][lane] * k[0][lane], k[S - 1][lane] * k[S - 1][lane]);
        x.estimate[lane] = detail::larger_or_nan(x.estimate[lane], square);
        // Where a component alone is at rest, its slope is rounding.
        x.delay[lane] = detail::larger(square / std::fma(1e-6, x.slope_before[lane], slope), x.delay[lane]);
      } else {
        double const change = k[S][lane] - k[0][lane];
        x.estimate[lane] =
            detail::larger_or_nan(x.estimate[lane], detail::larger(9 * x.delay[lane] * (change * change), square));
      }
    }
  }

  // ------------------------------------------------------------------------------------------------------- what follows
  void control(std::size_t n) {
    if constexpr (Estimate::exists) {
      auto& x = s();
      squares_of_slopes(n, f_[S], x.slope_after);
      for (std::size_t j = 0; j < m_; ++j) {
        double const* __restrict divergence = div_[S].column(j);
        detail::for_lanes(
            n, [&, divergence ](std::size_t k) __attribute__((always_inline)) {
              x.slope_after[k] = std::fma(0.0, divergence[k], x.slope_after[k]);  // NaN where it is not finite
            });
      }
      double const allowed_per_h = allowed_;
      double const t1 = t1_;
      double const most_growth = autonomous_ ? 2.0 : 0.0;
      auto const most = static_cast<std::uint64_t>(settings_.max_steps);
      detail::for_lanes(
          n, [&, allowed_per_h, t1, most ](std::size_t k) __attribute__((always_inline)) {
            double const per_size = simd::detail::magnitude(1 / x.h[k]);
            // An error made now grows as what is next to the sample moves away from it. So does f along the path, df/dt = J f:
            // if log |f| grows by g in this step and on at this rate by G until the end, an error may grow by e^G, here 1 + G +
            // G^2/2.
            double const a = x.slope_before[k], b = x.slope_after[k];
            double const foreseen = (b - a) / (b + a) * (simd::detail::magnitude(t1 - x.t[k]) * per_size);
            double const growth = detail::smaller(detail::larger(foreseen, 0.0), most_growth);
            double const grown = std::fma(growth, std::fma(growth, 0.5, 1.0), 1.0);
            double const allowed = detail::larger(allowed_per_h, Estimate::rounding * detail::epsilon * x.extent[k] * per_size);
            double const square = x.estimate[k] * (grown * grown);
            double const judged = x.steps[k] == 0 ? Estimate::first_factor * Estimate::first_factor * square : square;
            double const worst = detail::larger_or_nan(detail::larger_or_nan(x.extent[k], judged), b);
            bool const finite = worst < simd::detail::infinity;
            bool const ok = judged <= allowed * allowed && finite;
            double const counted = finite ? (ok ? square : judged) : 1e300;
            double const wanted = detail::root_of_ratio<2 * Estimate::order>(counted, allowed * allowed) * (1 / 0.93);
            double const least = ok ? x.least[k] : 1 / 0.9;
            double const parts = detail::smaller(detail::larger(wanted, least), 10.0);  // of this step's size, in the next
            double const from = ok ? x.end[k] : x.t[k];
            double const rest = t1 - from;
            // Equal steps to the end; a twentieth more than is wanted rather than one step more.
            double const n_left = detail::larger(std::ceil(simd::detail::magnitude(rest) * per_size * parts - 0.05), 1.0);
            // The step that t takes, or rounding of many equal steps would add up.
            double const next_end = n_left > 1 ? from + rest / n_left : t1;
            x.next_t[k] = from;
            x.next_h[k] = next_end - from;
            x.next_end[k] = next_end;
            x.least[k] = ok ? 1.0 / 6 : 1.0;
            x.steps[k] = x.steps[k] + (ok ? 1 : 0);
            ++x.attempts[k];
            x.accepted[k] = ok ? ~std::uint64_t{0} : 0;
            bool const done = ok && rest == 0;
            double const ulp =
                16 * detail::epsilon * detail::larger(simd::detail::magnitude(from), simd::detail::magnitude(t1));
            auto const failure = static_cast<std::uint64_t>(finite ? Status::step_too_small : Status::not_finite);
            std::uint64_t outcome = detail::going_on;
            outcome = x.attempts[k] >= most ? static_cast<std::uint64_t>(Status::too_many_steps) : outcome;
            outcome = ulp * per_size > 1 ? failure : outcome;
            x.outcome[k] = done ? static_cast<std::uint64_t>(Status::done) : outcome;
          });
      std::uint64_t any = 0;
      for (std::size_t k = 0; k < n; ++k) any |= x.steps[k] > stiff_after ? 1 : 0;
      if (any != 0) look_for_stiffness(n);
    }
  }

  void squares_of_slopes(std::size_t n, Columns const& f, double* __restrict squares) const {
    detail::for_lanes(
        n, [=](std::size_t k) __attribute__((always_inline)) { squares[k] = 1e-300; });
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict slope = f.column(i);
      detail::for_lanes(
          n, [=](std::size_t k) __attribute__((always_inline)) { squares[k] = std::fma(slope[k], slope[k], squares[k]); });
    }
  }

  void look_for_stiffness(std::size_t n) {
    if constexpr (Estimate::exists) {
      auto& x = s();
      for (std::size_t k = 0; k < n; ++k) {
        if (x.accepted[k] == 0 || x.steps[k] <= stiff_after) continue;
        if (x.steps[k] == stiff_after + 1) x.stiff[k] = x.calm[k] = 0;
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
      ++x.attempts[k];
      bool const finite = x.extent[k] < simd::detail::infinity;
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
        detail::for_lanes(
            n, [&, from, to ](std::size_t k)
                   __attribute__((always_inline)) { to[k] = detail::chosen(x.accepted[k], from[k], to[k]); });
      }
    };
    take(z_, z_new_);
    take(f_[0], f_[S]);
    take(change_, change_new_);
    take(div_[0], div_[S]);
    detail::for_lanes(
        n, [&](std::size_t k) __attribute__((always_inline)) {
          x.t[k] = x.next_t[k];
          x.h[k] = x.next_h[k];
          x.end[k] = x.next_end[k];
        });
  }

  // -------------------------------------------------------------------------------------------------- samples come and go
  using Places = std::span<std::size_t const>;  ///< lanes

  void unload(Places lanes) {
    auto& x = s();
    auto& samples = *samples_;
    auto const give = [&](Columns const& from, Columns& to) {
      for (std::size_t i = 0; i < from.n_columns(); ++i) {
        double const* __restrict values = from.column(i);
        double* __restrict results = to.column(i);
        for (std::size_t const k : lanes) results[x.sample[k]] = values[k];
      }
    };
    give(z_, samples.z);
    give(change_, samples.log_change);
    for (std::size_t const k : lanes) {
      auto const sample = x.sample[k];
      samples.n_steps[sample] = static_cast<std::uint32_t>(x.steps[k]);
      samples.n_evaluations[sample] = static_cast<std::uint32_t>(x.attempts[k]);  // as yet
      if (x.outcome[k] != static_cast<std::uint64_t>(Status::done)) fail(sample, static_cast<Status>(x.outcome[k]));
    }
  }

  void fail(std::size_t sample, Status status) {
    samples_->status[sample] = status;
    for (std::size_t i = 0; i < d_; ++i) samples_->z.column(i)[sample] = detail::nan;
    for (std::size_t j = 0; j < m_; ++j) samples_->log_change.column(j)[sample] = detail::nan;
  }

  void count_evaluations() {
    auto& samples = *samples_;
    auto const for_first = static_cast<std::uint32_t>(adaptive_ ? 2 : 1);
    for (std::size_t k = 0; k < samples.size(); ++k) {
      auto const attempts = samples.n_evaluations[k];
      samples.n_rejected[k] = attempts - samples.n_steps[k];
      samples.n_evaluations[k] = static_cast<std::uint32_t>(S) * attempts + for_first;
    }
  }

  /// The next of the queue, for as many of these lanes as there are ready.
  std::size_t take_next(Places lanes) {
    if (waiting_next_ == waiting_end_ && !prepare_waiting()) return 0;
    auto& x = s();
    std::size_t const first = waiting_next_ - waiting_first_;
    std::size_t const n = std::min(lanes.size(), waiting_end_ - waiting_next_);
    auto const take = [&](Columns& to, Columns const& from) {
      for (std::size_t i = 0; i < to.n_columns(); ++i) {
        double* __restrict place = to.column(i);
        double const* __restrict value = from.column(i) + first;
        for (std::size_t w = 0; w < n; ++w) place[lanes[w]] = value[w];
      }
    };
    take(z_, waiting_z_);
    take(f_[0], waiting_f_);
    take(div_[0], waiting_div_);
    for (std::size_t j = 0; j < m_; ++j)
      for (std::size_t w = 0; w < n; ++w) change_.column(j)[lanes[w]] = 0;
    for (std::size_t w = 0; w < n; ++w) {
      std::size_t const k = lanes[w];
      x.t[k] = t0_;
      x.end[k] = waiting_end_time_[first + w];
      x.h[k] = waiting_h_[first + w];
      x.least[k] = 1.0 / 6;
      x.sample[k] = waiting_next_ + w;
      x.steps[k] = x.attempts[k] = 0;
    }
    for (std::size_t w = 0; has_probes_ && w < n; ++w) divergence_->copy(lanes[w], *waiting_divergence_, first + w);
    waiting_next_ += n;
    for (std::size_t w = 0; wanted_ != nullptr && w < n; ++w) start_lane(lanes[w]);
    return n;
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
    for (double* values : {x.t, x.h, x.end, x.least}) values[to] = values[from];
    for (std::uint64_t* values : {x.sample, x.steps, x.attempts, x.stiff, x.calm, x.outcome}) values[to] = values[from];
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
    constexpr int p = Estimate::order;
    static_assert(p == 8 || p == 4);
    auto& x = s();
    double* __restrict demand = x.estimate;  // largest a r^p
    double* __restrict way = x.next_h;
    double* __restrict extent = x.extent;
    detail::for_lanes(
        n, [=](std::size_t k) __attribute__((always_inline)) {
          demand[k] = way[k] = 0;
          extent[k] = 1;
        });
    auto const enlarge = [&](double* __restrict to, Columns const& values) {
      for (std::size_t i = 0; i < values.n_columns(); ++i) {
        double const* __restrict value = values.column(i);
        detail::for_lanes(
            n, [=](std::size_t k)
                   __attribute__((always_inline)) { to[k] = detail::larger(simd::detail::magnitude(value[k]), to[k]); });
      }
    };
    enlarge(extent, waiting_z_);
    enlarge(way, waiting_f_);
    // As far as the sample moves by 1/32, of itself where it is larger than 1; at most 1/32 of the interval.
    double const sign = direction(), length = length_, t0 = t0_;
    detail::for_lanes(
        n, [&, sign, length ](std::size_t k) __attribute__((always_inline)) {
          way[k] = sign * detail::smaller(extent[k] / way[k], length) * 0x1p-5;
          x.stage_t[k] = t0 + way[k];
        });
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict z = waiting_z_.column(i);
      double const* __restrict f = waiting_f_.column(i);
      double* __restrict to = probe_z_.column(i);
      detail::for_lanes(
          n, [=](std::size_t k) __attribute__((always_inline)) { to[k] = std::fma(way[k], f[k], z[k]); });
    }
    waiting_divergence_->evaluate(*kernel_, {n, x.stage_t, probe_z_}, probe_f_, probe_div_);
    auto const ask = [&](Columns const& now, Columns const& old) {
      for (std::size_t i = 0; i < now.n_columns(); ++i) {
        double const* __restrict a = now.column(i);
        double const* __restrict b = old.column(i);
        detail::for_lanes(
            n, [=](std::size_t k) __attribute__((always_inline)) {
              double const size = detail::larger(simd::detail::magnitude(a[k]), simd::detail::magnitude(b[k])) + 1e-300;
              double const rate = (a[k] - b[k]) / (way[k] * size);
              double const square = rate * rate;
              double const fourth = square * square;
              demand[k] = detail::larger(size * (p == 8 ? fourth * fourth : fourth), demand[k]);
            });
      }
    };
    ask(probe_f_, waiting_f_);
    ask(probe_div_, waiting_div_);
    double const allowed = allowed_, t1 = t1_;
    detail::for_lanes(
        n, [&, allowed, length, t0, t1 ](std::size_t k) __attribute__((always_inline)) {
          double const wanted = Estimate::first_step * detail::root_of_ratio<p>(allowed, demand[k]);
          // Where nothing moves, and where nothing is finite, the whole interval is tried.
          double const n_steps = wanted < length ? std::ceil(length / wanted - 0.05) : 1.0;
          double const end = n_steps > 1 ? t0 + (t1 - t0) / n_steps : t1;
          waiting_end_time_[k] = end;
          waiting_h_[k] = end - t0;
        });
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
    x.next_time[k] = 0;
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
          add_stages<detail::ExtraWeights<T, Extra>>(n, z_, argument_);
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

  Columns f_stages_, div_stages_;          ///< a column holds the stages of a component one after the other
  std::array<Columns, n_stored> f_, div_;  ///< windows on them, stage after stage; stage S is at the result
  Columns z_, z_new_, argument_;
  Columns change_, change_new_;

  Columns waiting_z_, waiting_f_, waiting_div_;
  Columns probe_z_, probe_f_, probe_div_;
  double waiting_h_[L] = {};
  double waiting_end_time_[L] = {};
  std::size_t waiting_first_ = 0, waiting_next_ = 0, waiting_end_ = 0;  ///< samples

  std::unique_ptr<detail::LaneStates> states_;
  Samples* samples_ = nullptr;
  Wanted* wanted_ = nullptr;
};

}  // namespace fermiac::flow
