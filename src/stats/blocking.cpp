#include "fermiac/stats/blocking.hpp"

#include <algorithm>
#include <cmath>

#include "fermiac/base/error.hpp"

namespace fermiac::stats {

void Blocking::Sums::merge(Sums const& other) {
  if (other.count == 0) return;
  double const a = static_cast<double>(count);
  double const b = static_cast<double>(other.count);
  double const delta = other.mean - mean;
  m2 += other.m2 + delta * delta * (a * b / (a + b));
  mean += delta * (b / (a + b));
  count += other.count;
}

Blocking::Blocking(std::size_t n_chains) : n_chains_(n_chains), row_(n_chains) { FERMIAC_ASSERT(n_chains > 0); }

Blocking::Store& Blocking::level(std::size_t k) {
  FERMIAC_ASSERT(k < max_levels);
  while (levels_.size() <= k) {
    auto& made = levels_.emplace_back();
    made.mean.assign(n_chains_, 0);
    made.m2.assign(n_chains_, 0);
    made.pending.assign(n_chains_, 0);
  }
  return levels_[k];
}

void Blocking::add(std::span<double const> row) {
  FERMIAC_ASSERT(row.size() == n_chains_);
  std::copy(row.begin(), row.end(), row_.begin());
  double* const x = row_.data();
  for (std::size_t k = 0;; ++k) {
    Store& store = level(k);
    double* const mean = store.mean.data();
    double* const m2 = store.m2.data();
    double* const pending = store.pending.data();
    double const inverse = 1 / static_cast<double>(++store.n_blocks);
    for (std::size_t c = 0; c < n_chains_; ++c) {
      double const delta = x[c] - mean[c];
      mean[c] += delta * inverse;
      m2[c] += delta * (x[c] - mean[c]);
    }
    store.half_full = !store.half_full;
    if (store.half_full) {
      std::copy(x, x + n_chains_, pending);
      return;
    }
    for (std::size_t c = 0; c < n_chains_; ++c) x[c] = 0.5 * (pending[c] + x[c]);
  }
}

std::vector<Blocking::Sums> Blocking::pooled() const {
  std::vector<Sums> result(levels_.size());
  for (std::size_t k = 0; k < levels_.size(); ++k) {
    Store const& store = levels_[k];
    result[k] = store.merged;
    for (std::size_t c = 0; c < n_chains_; ++c) result[k].merge({store.n_blocks, store.mean[c], store.m2[c]});
  }
  return result;
}

void Blocking::merge(Blocking const& other) {
  auto const theirs = other.pooled();
  for (std::size_t k = 0; k < theirs.size(); ++k) level(k).merged.merge(theirs[k]);
}

std::uint64_t Blocking::count() const noexcept {
  return levels_.empty() ? 0 : levels_[0].n_blocks * n_chains_ + levels_[0].merged.count;
}

std::vector<double> Blocking::chain_means() const {
  if (levels_.empty() || levels_[0].n_blocks == 0)
    return std::vector<double>(n_chains_, std::numeric_limits<double>::quiet_NaN());
  return levels_[0].mean;
}

std::vector<Blocking::Level> Blocking::levels() const {
  std::vector<Level> result;
  auto const sums = pooled();
  for (std::size_t k = 0; k < sums.size() && sums[k].count > 1; ++k) {
    auto const block_size = std::uint64_t{1} << k;
    double const freedom = static_cast<double>(sums[k].count) - 1;
    double const error =
        std::sqrt(static_cast<double>(block_size) * (sums[k].m2 / freedom) / static_cast<double>(sums[0].count));
    result.push_back({block_size, sums[k].count, error, error / std::sqrt(2 * freedom)});
  }
  return result;
}

struct Blocking::Choice {
  double error = std::numeric_limits<double>::quiet_NaN();
  double n_correlated = std::numeric_limits<double>::quiet_NaN();
  double degrees_of_freedom = 0;
  bool converged = false;
};

Blocking::Choice Blocking::choose() const {
  auto const all = levels();
  if (all.empty()) return {};
  double const n = static_cast<double>(count());
  Choice largest;
  for (auto const& level : all) {
    double const ratio = level.error / all[0].error;
    Choice const choice{level.error, ratio * ratio, static_cast<double>(level.n_blocks) - 1, true};
    if (&level == &all[0]) largest = choice;
    if (level.n_blocks < fewest_blocks) break;
    double const size = static_cast<double>(level.block_size);
    bool const constant = all[0].error == 0;
    if (constant || size * size * size > 2 * n * choice.n_correlated * choice.n_correlated) return choice;
    if (choice.error > largest.error) largest = choice;
  }
  largest.converged = false;
  return largest;
}

Estimate Blocking::estimate() const {
  auto const choice = choose();
  Estimate result{.error = choice.error,
                  .degrees_of_freedom = choice.degrees_of_freedom,
                  .how = How::blocking,
                  .converged = choice.converged};
  if (count() > 0) result.value = pooled()[0].mean;
  return result;
}

Estimate Blocking::tau() const {
  auto const choice = choose();
  return {.value = choice.n_correlated / 2,
          .error = choice.n_correlated / 2 * std::sqrt(2 / choice.degrees_of_freedom),
          .degrees_of_freedom = choice.degrees_of_freedom,
          .how = How::blocking,
          .converged = choice.converged};
}

void Blocking::save(std::span<double> state) const {
  FERMIAC_ASSERT(state.size() == state_size());
  std::fill(state.begin(), state.end(), 0.0);
  auto to = state.begin();
  for (auto const& store : levels_) {
    *to++ = static_cast<double>(store.n_blocks);
    *to++ = store.half_full;
    *to++ = static_cast<double>(store.merged.count);
    *to++ = store.merged.mean;
    *to++ = store.merged.m2;
    for (auto const* values : {&store.mean, &store.m2, &store.pending}) to = std::copy(values->begin(), values->end(), to);
  }
}

void Blocking::load(std::span<double const> state) {
  FERMIAC_ASSERT(state.size() == state_size());
  levels_.clear();
  std::size_t const size = 5 + 3 * n_chains_;
  for (std::size_t k = 0; k < max_levels; ++k) {
    auto from = state.subspan(k * size, size).begin();
    // Levels fill from below: the first without a block ends them.
    if (from[0] == 0 && from[2] == 0) return;
    Store& store = level(k);
    store.n_blocks = static_cast<std::uint64_t>(from[0]);
    store.half_full = from[1] != 0;
    store.merged = {static_cast<std::uint64_t>(from[2]), from[3], from[4]};
    from += 5;
    for (auto* values : {&store.mean, &store.m2, &store.pending}) {
      std::copy_n(from, n_chains_, values->begin());
      from += static_cast<std::ptrdiff_t>(n_chains_);
    }
  }
}

}  // namespace fermiac::stats
