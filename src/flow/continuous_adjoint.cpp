#include "fermiac/flow/continuous_adjoint.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "fermiac/base/error.hpp"
#include "weights.hpp"

namespace fermiac::flow {
namespace {

using std::size_t;

constexpr size_t block = 48;

/// Calls body(tableau) for a method.
template <typename Body>
void with_tableau(Method method, Body const& body) {
  switch (method) {
    case Method::euler:
      return body(tableaus::Euler{});
    case Method::heun:
      return body(tableaus::Heun{});
    case Method::rk4:
      return body(tableaus::RungeKutta4{});
    case Method::dopri5:
      return body(tableaus::DormandPrince{});
    case Method::dop853:
      break;
  }
  body(tableaus::Dop853{});
}

/// A step of a sample.
struct StepOf {
  size_t sample, step;
};

std::vector<StepOf> all_steps(std::span<Steps const> steps) {
  std::vector<StepOf> all;
  for (size_t sample = 0; sample < steps.size(); ++sample)
    for (size_t step = 0; step < steps[sample].h.size(); ++step) all.push_back({sample, step});
  return all;
}

/// z + h sum_j weight_j k_j
template <typename Weights>
void add_stages(size_t n, double const* h, Columns const& z, std::vector<Columns> const& k, Columns& result) {
  for (size_t i = 0; i < z.n_columns(); ++i) {
    double const* stages[32];
    for (size_t j = 0; j < Weights::n; ++j) stages[j] = k[j].column(i);
    for (size_t lane = 0; lane < n; ++lane)
      result.column(i)[lane] = std::fma(h[lane], detail::weigh<Weights>(stages, lane), z.column(i)[lane]);
  }
}

/// The stages of steps that were taken, a block of them at a time.
template <typename T>
class Replay {
 public:
  explicit Replay(size_t dimension) : z(block, dimension), argument(block, dimension) {
    k.assign(detail::Dense<T>::n_stages, Columns(block, dimension));
  }

  void load(std::span<Steps const> steps, std::span<StepOf const> these) {
    n = these.size();
    for (size_t lane = 0; lane < n; ++lane) {
      auto const& kept = steps[these[lane].sample];
      t[lane] = kept.t[these[lane].step];
      h[lane] = kept.h[these[lane].step];
      for (size_t i = 0; i < z.n_columns(); ++i) z.column(i)[lane] = kept.z[these[lane].step * z.n_columns() + i];
    }
  }

  /// evaluate(stage) after the arguments of each.
  template <typename Evaluate>
  void stages(Evaluate const& evaluate) {
    stages(evaluate, std::make_index_sequence<T::n_stages>());
  }

  /// Those of the dense output too.
  template <typename Evaluate>
  void dense_stages(Evaluate const& evaluate) {
    stages(evaluate);
    add_stages<detail::ResultWeights<T>>(n, h, z, k, argument);
    set_time(1);
    evaluate(T::n_stages);
    if constexpr (detail::Dense<T>::n_extra > 0) extra_stages(evaluate, std::make_index_sequence<detail::Dense<T>::n_extra>());
  }

  size_t n = 0;
  double t[block], h[block], stage_t[block];
  Columns z, argument;
  std::vector<Columns> k;

 private:
  void set_time(double c) {
    for (size_t lane = 0; lane < n; ++lane) stage_t[lane] = std::fma(c, h[lane], t[lane]);
  }
  template <typename Evaluate, size_t... Stage>
  void stages(Evaluate const& evaluate, std::index_sequence<Stage...>) {
    (
        [&] {
          add_stages<detail::StageWeights<T, Stage>>(n, h, z, k, argument);
          set_time(T::c[Stage]);
          evaluate(Stage);
        }(),
        ...);
  }
  template <typename Evaluate, size_t... Extra>
  void extra_stages(Evaluate const& evaluate, std::index_sequence<Extra...>) {
    (
        [&] {
          add_stages<detail::ExtraWeights<T, Extra>>(n, h, z, k, argument);
          set_time(T::dense_c[Extra]);
          evaluate(T::n_stages + 1 + Extra);
        }(),
        ...);
  }
};

/// z(t) of every sample, anywhere between its ends.
class Track {
 public:
  virtual ~Track() = default;
  virtual void at(size_t sample, double t, double* z) const = 0;
};

template <typename T>
class DenseTrack final : public Track {
 public:
  DenseTrack(Field const& field, std::span<Steps const> steps) : d_(field.dimension()), steps_(steps), first_(steps.size()) {
    auto const kernel = field.make_kernel(block);
    auto const all = all_steps(steps);
    for (size_t i = all.size(); i-- > 0;) first_[all[i].sample] = i;
    coefficients_.resize(all.size() * d_ * per_component);
    Replay<T> replay(d_);
    for (size_t begin = 0; begin < all.size(); begin += block) {
      auto const these = std::span(all).subspan(begin, std::min(block, all.size() - begin));
      replay.load(steps, these);
      replay.dense_stages([&](size_t stage) {
        kernel->evaluate({replay.n, replay.stage_t, replay.argument}, replay.k[stage], nullptr);
      });
      // Where the step ends.
      add_stages<detail::ResultWeights<T>>(replay.n, replay.h, replay.z, replay.k, replay.argument);
      for (size_t lane = 0; lane < replay.n; ++lane)
        for (size_t i = 0; i < d_; ++i) {
          double* const to = coefficients_.data() + ((begin + lane) * d_ + i) * per_component;
          to[0] = replay.z.column(i)[lane];
          to[1] = replay.argument.column(i)[lane];
          for (size_t j = 0; j < detail::Dense<T>::n_stages; ++j) to[2 + j] = replay.k[j].column(i)[lane];
        }
    }
  }

  void at(size_t sample, double t, double* z) const override {
    auto const& kept = steps_[sample];
    bool const forward = kept.h.front() > 0;
    auto const after =
        std::upper_bound(kept.t.begin(), kept.t.end(), t, [&](double a, double b) { return forward ? a < b : a > b; });
    auto const step = static_cast<size_t>(std::max<std::ptrdiff_t>(0, after - kept.t.begin() - 1));
    double const x = (t - kept.t[step]) / kept.h[step];
    for (size_t i = 0; i < d_; ++i) {
      double const* const from = coefficients_.data() + ((first_[sample] + step) * d_ + i) * per_component;
      z[i] = detail::Dense<T>::value(x, kept.h[step], from[0], from[1], from + 2);
    }
  }

 private:
  static constexpr size_t per_component = 2 + detail::Dense<T>::n_stages;
  size_t d_;
  std::span<Steps const> steps_;
  std::vector<size_t> first_;
  std::vector<double> coefficients_;
};

/// The adjoint equation. Components: z where there is no track, lambda, then mu and the number of the sample, which are
/// constant and travel with a sample from lane to lane.
class AdjointKernel final : public FieldKernel {
 public:
  AdjointKernel(Field const& field, Track const* track, size_t max_lanes)
      : d_(field.dimension()),
        track_(track),
        kernel_(field.make_kernel(max_lanes)),
        z_(max_lanes, d_),
        f_(max_lanes, d_),
        lambda_(max_lanes, d_),
        z_bar_(max_lanes, d_),
        b_(max_lanes),
        divergence_(max_lanes) {}

  void evaluate(Lanes const& lanes, Columns& f, double* divergence) override {
    size_t const n = lanes.n;
    size_t const first = track_ == nullptr ? d_ : 0;
    if (track_ == nullptr) {
      for (size_t i = 0; i < d_; ++i) std::copy_n(lanes.z.column(i), n, z_.column(i));
    } else {
      std::vector<double> z(d_);
      for (size_t k = 0; k < n; ++k) {
        track_->at(static_cast<size_t>(lanes.z.column(d_ + 1)[k]), lanes.t[k], z.data());
        for (size_t i = 0; i < d_; ++i) z_.column(i)[k] = z[i];
      }
    }
    for (size_t k = 0; k < n; ++k) b_[k] = -lanes.z.column(first + d_)[k];
    for (size_t i = 0; i < d_; ++i) std::copy_n(lanes.z.column(first + i), n, lambda_.column(i));
    kernel_->evaluate({n, lanes.t, z_}, f_, divergence_.data());
    z_bar_.zero();
    kernel_->pull_back({n, lanes.t, z_}, lambda_, b_.data(), z_bar_, nullptr);
    for (size_t i = 0; i < d_; ++i) {
      if (track_ == nullptr) std::copy_n(f_.column(i), n, f.column(i));
      for (size_t k = 0; k < n; ++k) f.column(first + i)[k] = -z_bar_.column(i)[k];
    }
    std::fill_n(f.column(first + d_), n, 0.0);
    std::fill_n(f.column(first + d_ + 1), n, 0.0);
    if (divergence != nullptr) std::fill_n(divergence, n, 0.0);
  }

  /// Adds weight times the integrand of dL/dtheta at the lanes that were evaluated.
  void add_integrand(Lanes const& lanes, double const* weight, double* theta_bar) {
    for (size_t k = 0; k < lanes.n; ++k) {
      b_[k] *= weight[k];
      for (size_t i = 0; i < d_; ++i) lambda_.column(i)[k] *= weight[k];
    }
    kernel_->pull_back({lanes.n, lanes.t, z_}, lambda_, b_.data(), z_bar_, theta_bar);
  }

  void jacobian_product(Lanes const&, Columns const&, Columns&) override { FERMIAC_ASSERT(false); }
  void pull_back(Lanes const&, Columns const&, double const*, Columns&, double*) override { FERMIAC_ASSERT(false); }

 private:
  size_t d_;
  Track const* track_;
  std::unique_ptr<FieldKernel> kernel_;
  Columns z_, f_, lambda_, z_bar_;
  std::vector<double> b_, divergence_;
};

class AdjointField final : public Field {
 public:
  AdjointField(Field const& field, Track const* track) : field_(field), track_(track) {}
  size_t dimension() const override { return (track_ == nullptr ? 2 : 1) * field_.dimension() + 2; }
  bool is_autonomous() const override { return false; }
  std::unique_ptr<FieldKernel> make_kernel(size_t max_lanes) const override {
    return std::make_unique<AdjointKernel>(field_, track_, max_lanes);
  }

 private:
  Field const& field_;
  Track const* track_;
};

/// Solves the adjoint equation back and sums up the integral along its steps.
AdjointWork solve_back(Field const& field, SolverSettings const& settings, double t0, double t1, Track const* track,
                       Samples const* samples, Columns& z_bar, double const* log_change_bar, double* theta_bar,
                       std::function<void()> const& tick) {
  size_t const n = z_bar.n_rows();
  size_t const d = field.dimension();
  size_t const first = track == nullptr ? d : 0;
  AdjointField const adjoint(field, track);
  Samples back(n, adjoint.dimension());
  for (size_t k = 0; k < n; ++k) {
    for (size_t i = 0; i < d; ++i) {
      if (track == nullptr) back.z.column(i)[k] = samples->z.column(i)[k];
      back.z.column(first + i)[k] = z_bar.column(i)[k];
    }
    back.z.column(first + d)[k] = log_change_bar == nullptr ? 0.0 : log_change_bar[k];
    back.z.column(first + d + 1)[k] = static_cast<double>(k);
  }
  Wanted wanted;
  wanted.steps = true;
  auto plain = settings;
  plain.divergence = {};
  Solver(adjoint, plain, t1, t0).solve(back, tick, &wanted);
  AdjointWork work;
  for (size_t k = 0; k < n; ++k) {
    work.n_evaluations += back.n_evaluations[k];
    if (back.status[k] == Status::done) {
      for (size_t i = 0; i < d; ++i) z_bar.column(i)[k] = back.z.column(first + i)[k];
    } else {
      work.n_failed += 1;
      wanted.kept[k] = {};
    }
  }
  if (theta_bar == nullptr) return work;
  auto const all = all_steps(wanted.kept);
  work.n_evaluations += static_cast<double>(all.size() * n_stages(settings.method));
  with_tableau(settings.method, [&](auto tableau) {
    using T = decltype(tableau);
    Replay<T> replay(adjoint.dimension());
    AdjointKernel kernel(field, track, block);
    double weight[block];
    for (size_t begin = 0; begin < all.size(); begin += block) {
      replay.load(wanted.kept, std::span(all).subspan(begin, std::min(block, all.size() - begin)));
      replay.stages([&](size_t stage) {
        Lanes const lanes{replay.n, replay.stage_t, replay.argument};
        kernel.evaluate(lanes, replay.k[stage], nullptr);
        if (T::b[stage] == 0) return;
        // The integral runs from t0 to t1, the steps from t1 to t0.
        for (size_t lane = 0; lane < replay.n; ++lane) weight[lane] = -replay.h[lane] * T::b[stage];
        kernel.add_integrand(lanes, weight, theta_bar);
      });
      if (tick) tick();
    }
  });
  return work;
}

/// z, dz_i/dtheta_p at d + i P + p, dlog_change/dtheta_p at d + d P + p.
class SensitivityKernel final : public FieldKernel {
 public:
  SensitivityKernel(Field const& field, size_t max_lanes)
      : d_(field.dimension()),
        P_(field.n_parameters()),
        kernel_(field.make_kernel(max_lanes)),
        single_(field.make_kernel(1)),
        z_(1, d_),
        f_(1, d_),
        a_(1, d_),
        row_(1, d_),
        theta_(P_) {}

  void evaluate(Lanes const& lanes, Columns& f, double* divergence) override {
    kernel_->evaluate(lanes, f, divergence);
    for (size_t k = 0; k < lanes.n; ++k) {
      double trace = 0;
      for (size_t i = 0; i < d_; ++i) z_.column(i)[0] = lanes.z.column(i)[k];
      single_->evaluate({1, lanes.t + k, z_}, f_, &trace);
      for (size_t i = 0; i <= d_; ++i) {
        a_.zero();
        row_.zero();
        std::ranges::fill(theta_, 0.0);
        double const minus_one = -1;
        if (i < d_) a_.column(i)[0] = 1;
        single_->pull_back({1, lanes.t + k, z_}, a_, i < d_ ? nullptr : &minus_one, row_, theta_.data());
        for (size_t p = 0; p < P_; ++p) {
          double sum = theta_[p];
          for (size_t j = 0; j < d_; ++j) sum = std::fma(row_.column(j)[0], lanes.z.column(d_ + j * P_ + p)[k], sum);
          f.column(d_ + i * P_ + p)[k] = sum;
        }
      }
    }
  }
  void jacobian_product(Lanes const&, Columns const&, Columns&) override { FERMIAC_ASSERT(false); }
  void pull_back(Lanes const&, Columns const&, double const*, Columns&, double*) override { FERMIAC_ASSERT(false); }

 private:
  size_t d_, P_;
  std::unique_ptr<FieldKernel> kernel_, single_;
  Columns z_, f_, a_, row_;
  std::vector<double> theta_;
};

class SensitivityField final : public Field {
 public:
  explicit SensitivityField(Field const& field) : field_(field) {}
  size_t dimension() const override { return field_.dimension() + (field_.dimension() + 1) * field_.n_parameters(); }
  bool is_autonomous() const override { return field_.is_autonomous(); }
  std::unique_ptr<FieldKernel> make_kernel(size_t max_lanes) const override {
    return std::make_unique<SensitivityKernel>(field_, max_lanes);
  }

 private:
  Field const& field_;
};

}  // namespace

AdjointWork backsolve(Field const& field, SolverSettings const& settings, double t0, double t1, Samples const& samples,
                      Columns& z_bar, double const* log_change_bar, double* theta_bar, std::function<void()> const& tick) {
  return solve_back(field, settings, t0, t1, nullptr, &samples, z_bar, log_change_bar, theta_bar, tick);
}

AdjointWork interpolated_adjoint(Field const& field, SolverSettings const& settings, double t0, double t1,
                                 std::span<Steps const> steps, Columns& z_bar, double const* log_change_bar, double* theta_bar,
                                 std::function<void()> const& tick) {
  AdjointWork work;
  with_tableau(settings.method, [&](auto tableau) {
    DenseTrack<decltype(tableau)> const track(field, steps);
    work = solve_back(field, settings, t0, t1, &track, nullptr, z_bar, log_change_bar, theta_bar, tick);
  });
  return work;
}

AdjointWork forward_sensitivities(Field const& field, SolverSettings const& settings, double t0, double t1,
                                  Columns const& start, std::function<void(Samples const& end, Columns& z_bar)> const& z_bar,
                                  double const* log_change_bar, double* theta_bar, std::function<void()> const& tick) {
  size_t const n = start.n_rows();
  size_t const d = field.dimension();
  size_t const P = field.n_parameters();
  SensitivityField const sensitivities(field);
  Samples samples(n, sensitivities.dimension());
  for (size_t i = 0; i < d; ++i) std::copy_n(start.column(i), n, samples.z.column(i));
  auto plain = settings;
  plain.divergence = {};
  Solver(sensitivities, plain, t0, t1).solve(samples, tick);
  Columns end_bar(n, d);
  z_bar(samples, end_bar);
  AdjointWork work;
  for (size_t k = 0; k < n; ++k) {
    work.n_evaluations += samples.n_evaluations[k];
    if (samples.status[k] != Status::done) {
      work.n_failed += 1;
      continue;
    }
    for (size_t p = 0; p < P; ++p) {
      double sum = log_change_bar == nullptr ? 0.0 : log_change_bar[k] * samples.z.column(d + d * P + p)[k];
      for (size_t i = 0; i < d; ++i) sum = std::fma(end_bar.column(i)[k], samples.z.column(d + i * P + p)[k], sum);
      theta_bar[p] += sum;
    }
  }
  return work;
}

}  // namespace fermiac::flow
