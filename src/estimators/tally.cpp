#include "fermiac/estimators/tally.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "fermiac/base/error.hpp"
#include "fermiac/simd/sum.hpp"

namespace fermiac::estimators {

namespace {

constexpr std::size_t n_moments = stats::Moments::state_size;

stats::Moments loaded(std::span<double const> state) {
  stats::Moments result;
  result.load(state.first(n_moments));
  return result;
}

void merge_moments(std::span<double> into, std::span<double const> from) {
  auto whole = loaded(into);
  whole.merge(loaded(from));
  whole.save(into.first(n_moments));
}

}  // namespace

stats::Moments moments_of(std::span<double const> x) {
  stats::Moments result;
  if (x.empty()) return result;
  double const n = static_cast<double>(x.size());
  double const* a = x.data();
  double const first = simd::sum(x) / n;
  // The mean of what is left corrects the rounding of the first.
  double const mean = first + simd::sum_terms(x.size(), [=](double s, std::size_t i) { return s + (a[i] - first); }) / n;
  double sums[3];
  for (int k = 0; k < 3; ++k)
    sums[k] = simd::sum_terms(x.size(), [=](double s, std::size_t i) {
      double const d = a[i] - mean;
      double const square = d * d;
      return std::fma(square, k == 0 ? 1.0 : k == 1 ? d : square, s);
    });
  result.load(std::array{n, mean, sums[0], sums[1], sums[2]});
  return result;
}

Layout::Layout(Experiment const& experiment)
    : n_estimators(experiment.estimators().size()),
      n_intervals(experiment.interval_rules().size()),
      n_quantities(experiment.quantities().size()) {
  auto const estimators = experiment.estimators();
  for (auto const& estimator : estimators)
    partner.push_back(
        static_cast<std::size_t>(std::ranges::find(estimators, estimator.group, &Estimator::group) - estimators.begin()));
}

Tally::Tally(Layout const& layout)
    : layout_(layout),
      estimates_(layout.n_estimators * layout.n_quantities * per_estimate),
      intervals_(layout.n_intervals * layout.n_quantities * per_interval),
      differences_(layout.n_estimators * layout.n_quantities * per_difference) {
  for (std::size_t i = 0; i < estimates_.size(); i += per_estimate) {
    estimates_[i + 5] = std::numeric_limits<double>::infinity();
    estimates_[i + 6] = -std::numeric_limits<double>::infinity();
  }
}

void Tally::add(Outputs const& outputs, std::span<double const> targets) {
  FERMIAC_ASSERT(targets.size() == layout_.n_quantities);
  auto const n = outputs.n_replicates();
  std::vector<double> kept(n), other(n);
  for (std::size_t q = 0; q < layout_.n_quantities; ++q) {
    double const target = targets[q];
    for (std::size_t e = 0; e < layout_.n_estimators; ++e) {
      auto const x = outputs.value(e, q);
      auto const state = std::span(estimates_).subspan((e * layout_.n_quantities + q) * per_estimate, per_estimate);
      std::size_t m = 0;
      for (double const v : x)
        if (std::isfinite(v)) {
          state[5] = std::min(state[5], v);
          state[6] = std::max(state[6], v);
          kept[m++] = v - target;
        }
      state[7] += static_cast<double>(n - m);
      std::array<double, n_moments> pack;
      moments_of(std::span(kept).first(m)).save(pack);
      merge_moments(state, pack);

      auto const p = layout_.partner[e];
      if (p == e) continue;
      auto const y = outputs.value(p, q);
      auto const pair = std::span(differences_).subspan((e * layout_.n_quantities + q) * per_difference, per_difference);
      m = 0;
      for (std::uint64_t r = 0; r < n; ++r)
        if (std::isfinite(x[r]) && std::isfinite(y[r])) {
          kept[m] = x[r] - y[r];
          // As a product: the squares of nearly equal errors would cancel.
          other[m++] = (x[r] - y[r]) * ((x[r] - target) + (y[r] - target));
        }
      moments_of(std::span(kept).first(m)).save(pack);
      merge_moments(pair.first(n_moments), pack);
      moments_of(std::span(other).first(m)).save(pack);
      merge_moments(pair.subspan(n_moments), pack);
    }
    for (std::size_t i = 0; i < layout_.n_intervals; ++i) {
      auto const low = outputs.low(i, q);
      auto const high = outputs.high(i, q);
      auto const state = std::span(intervals_).subspan((i * layout_.n_quantities + q) * per_interval, per_interval);
      auto const first_low = outputs.low(0, q), first_high = outputs.high(0, q);
      std::size_t m = 0;
      for (std::uint64_t r = 0; r < n; ++r)
        if (std::isfinite(low[r]) && std::isfinite(high[r])) {
          kept[m++] = high[r] - low[r];
          bool const hit = low[r] <= target && target <= high[r];
          state[5] += hit ? 1.0 : 0.0;
          if (!std::isfinite(first_low[r]) || !std::isfinite(first_high[r])) continue;
          bool const first_hit = first_low[r] <= target && target <= first_high[r];
          state[7] += hit && !first_hit ? 1.0 : 0.0;
          state[8] += !hit && first_hit ? 1.0 : 0.0;
        }
      std::array<double, n_moments> pack;
      moments_of(std::span(kept).first(m)).save(pack);
      merge_moments(state, pack);
      state[6] += static_cast<double>(n - m);
    }
  }
}

void Tally::merge(Tally const& other) {
  FERMIAC_ASSERT(other.state_size() == state_size());
  for (std::size_t i = 0; i < estimates_.size(); i += per_estimate) {
    merge_moments(std::span(estimates_).subspan(i, n_moments), std::span(other.estimates_).subspan(i, n_moments));
    estimates_[i + 5] = std::min(estimates_[i + 5], other.estimates_[i + 5]);
    estimates_[i + 6] = std::max(estimates_[i + 6], other.estimates_[i + 6]);
    estimates_[i + 7] += other.estimates_[i + 7];
  }
  for (std::size_t i = 0; i < intervals_.size(); i += per_interval) {
    merge_moments(std::span(intervals_).subspan(i, n_moments), std::span(other.intervals_).subspan(i, n_moments));
    for (std::size_t count = 5; count < per_interval; ++count) intervals_[i + count] += other.intervals_[i + count];
  }
  for (std::size_t i = 0; i < differences_.size(); i += n_moments)
    merge_moments(std::span(differences_).subspan(i, n_moments), std::span(other.differences_).subspan(i, n_moments));
}

stats::Moments Tally::estimate(std::size_t e, std::size_t q) const { return loaded(estimate_state(e, q)); }
stats::Moments Tally::width(std::size_t i, std::size_t q) const { return loaded(interval_state(i, q)); }
stats::Moments Tally::difference(std::size_t e, std::size_t q) const { return loaded(difference_state(e, q)); }
stats::Moments Tally::difference_of_squares(std::size_t e, std::size_t q) const {
  return loaded(difference_state(e, q).subspan(n_moments));
}

void Tally::save(std::span<double> state) const {
  FERMIAC_ASSERT(state.size() == state_size());
  auto to = state.begin();
  for (auto const* part : {&estimates_, &intervals_, &differences_}) to = std::ranges::copy(*part, to).out;
}

void Tally::load(std::span<double const> state) {
  FERMIAC_ASSERT(state.size() == state_size());
  for (auto* part : {&estimates_, &intervals_, &differences_}) {
    std::ranges::copy(state.first(part->size()), part->begin());
    state = state.subspan(part->size());
  }
}

Tally merge_all(std::span<Tally const> tallies) {
  FERMIAC_ASSERT(!tallies.empty());
  if (tallies.size() == 1) return tallies[0];
  auto const left = std::bit_floor(tallies.size() - 1);
  auto whole = merge_all(tallies.first(left));
  whole.merge(merge_all(tallies.subspan(left)));
  return whole;
}

}  // namespace fermiac::estimators
