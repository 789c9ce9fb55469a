#include "fermiac/flow/adjoint.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "fermiac/base/error.hpp"
#include "weights.hpp"

namespace fermiac::flow {

class Adjoint::Engine {
 public:
  virtual ~Engine() = default;
  virtual void pull_back(std::span<Steps const> steps, Columns& z_bar, double const* log_change_bar, double* theta_bar,
                         std::function<void()> const& tick) = 0;
};

namespace {

using std::size_t;

constexpr size_t max_lanes = 48;  // two tiles of a network's products; part of the order of sums

/// What the stages after stage S took of it.
template <typename T, size_t S>
struct LaterWeights {
  static constexpr size_t n = T::n_stages - 1 - S;
  static constexpr double at(size_t j) { return T::a[S + 1 + j][S]; }
};

template <typename T>
class ReverseSweep final : public Adjoint::Engine {
 public:
  explicit ReverseSweep(Field const& field)
      : d_(field.dimension()),
        kernel_(field.make_kernel(max_lanes)),
        z_(max_lanes, d_),
        lambda_(max_lanes, d_),
        kappa_(max_lanes, d_) {
    argument_.assign(n_stages, Columns(max_lanes, d_));
    f_.assign(n_stages, Columns(max_lanes, d_));
  }

  void pull_back(std::span<Steps const> steps, Columns& z_bar, double const* log_change_bar, double* theta_bar,
                 std::function<void()> const& tick) override {
    std::vector<size_t> queue(steps.size());
    std::iota(queue.begin(), queue.end(), size_t{0});
    std::ranges::stable_sort(queue, std::greater<>(), [&](size_t sample) { return steps[sample].h.size(); });
    while (!queue.empty() && steps[queue.back()].h.empty()) queue.pop_back();
    size_t next = 0;
    auto const take_next = [&](size_t lane) {
      if (next == queue.size()) return false;
      sample_[lane] = queue[next++];
      left_[lane] = steps[sample_[lane]].h.size();
      mu_[lane] = log_change_bar == nullptr ? 0.0 : log_change_bar[sample_[lane]];
      for (size_t i = 0; i < d_; ++i) lambda_.column(i)[lane] = z_bar.column(i)[sample_[lane]];
      return true;
    };
    size_t n = 0;
    while (n < max_lanes && take_next(n)) ++n;
    while (n > 0) {
      for (size_t k = 0; k < n; ++k) {
        auto const& kept = steps[sample_[k]];
        size_t const step = --left_[k];
        t_[k] = kept.t[step];
        h_[k] = kept.h[step];
        for (size_t i = 0; i < d_; ++i) z_.column(i)[k] = kept.z[step * d_ + i];
      }
      bool const kept = !steps[sample_[0]].k.empty();
      for (size_t k = 0; kept && k < n; ++k) {
        double const* const from = steps[sample_[k]].k.data() + left_[k] * n_stages * d_;
        for (size_t stage = 0; stage + 1 < n_stages; ++stage)
          for (size_t i = 0; i < d_; ++i) f_[stage].column(i)[k] = from[stage * d_ + i];
      }
      recompute(n, std::make_index_sequence<n_stages>(), kept);
      sweep(n, std::make_index_sequence<n_stages>(), log_change_bar != nullptr, theta_bar);
      for (size_t k = n; k-- > 0;) {
        if (left_[k] > 0) continue;
        for (size_t i = 0; i < d_; ++i) z_bar.column(i)[sample_[k]] = lambda_.column(i)[k];
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
  }

 private:
  static constexpr size_t n_stages = T::n_stages;

  template <size_t Stage>
  void evaluate(size_t n, bool with_divergence) {
    for (size_t k = 0; k < n; ++k) stage_t_[k] = std::fma(T::c[Stage], h_[k], t_[k]);
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
  std::unique_ptr<FieldKernel> kernel_;
  Columns z_, lambda_, kappa_;
  std::vector<Columns> argument_, f_;
  double t_[max_lanes], h_[max_lanes], mu_[max_lanes], stage_t_[max_lanes], divergence_[max_lanes], weight_[max_lanes];
  size_t sample_[max_lanes], left_[max_lanes];
};

std::unique_ptr<Adjoint::Engine> make_engine(Field const& field, Method method) {
  switch (method) {
    case Method::euler:
      return std::make_unique<ReverseSweep<tableaus::Euler>>(field);
    case Method::heun:
      return std::make_unique<ReverseSweep<tableaus::Heun>>(field);
    case Method::rk4:
      return std::make_unique<ReverseSweep<tableaus::RungeKutta4>>(field);
    case Method::dopri5:
      return std::make_unique<ReverseSweep<tableaus::DormandPrince>>(field);
    case Method::dop853:
      break;
  }
  return std::make_unique<ReverseSweep<tableaus::Dop853>>(field);
}

}  // namespace

Adjoint::Adjoint(Field const& field, Method method) : engine_(make_engine(field, method)) {}
Adjoint::~Adjoint() = default;
Adjoint::Adjoint(Adjoint&&) noexcept = default;

void Adjoint::pull_back(std::span<Steps const> steps, Columns& z_bar, double const* log_change_bar, double* theta_bar,
                        std::function<void()> const& tick) {
  engine_->pull_back(steps, z_bar, log_change_bar, theta_bar, tick);
}

}  // namespace fermiac::flow
