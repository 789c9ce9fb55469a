#include "fermiac/stats/moments.hpp"

#include <cmath>

#include "fermiac/base/error.hpp"

namespace fermiac::stats {

namespace {
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
}

void Moments::add(double x) {
  double const before = static_cast<double>(count_);
  double const n = static_cast<double>(++count_);
  double const delta = x - mean_;
  double const delta_n = delta / n;
  double const delta_n_sq = delta_n * delta_n;
  double const term = delta * delta_n * before;
  m4_ += term * delta_n_sq * (n * n - 3 * n + 3) + 6 * delta_n_sq * m2_ - 4 * delta_n * m3_;
  m3_ += term * delta_n * (n - 2) - 3 * delta_n * m2_;
  m2_ += term;
  mean_ += delta_n;
}

void Moments::add(std::span<double const> xs) {
  for (double const x : xs) add(x);
}

void Moments::merge(Moments const& other) {
  if (other.count_ == 0) return;
  if (count_ == 0) {
    *this = other;
    return;
  }
  double const a = static_cast<double>(count_);
  double const b = static_cast<double>(other.count_);
  double const n = a + b;
  double const delta = other.mean_ - mean_;
  double const delta_sq = delta * delta;
  double const ab = a * b / n;
  double const share_a = a / n;
  double const share_b = b / n;
  double const m2 = m2_, m3 = m3_;  // `other` may be this very object, and the lower sums enter the higher ones
  double const other_m2 = other.m2_, other_m3 = other.m3_;
  m4_ = m4_ + other.m4_ + delta_sq * delta_sq * ab * (share_a * share_a - share_a * share_b + share_b * share_b) +
        6 * delta_sq * (share_a * share_a * other_m2 + share_b * share_b * m2) +
        4 * delta * (share_a * other_m3 - share_b * m3);
  m3_ = m3 + other_m3 + delta_sq * delta * ab * (share_a - share_b) + 3 * delta * (share_a * other_m2 - share_b * m2);
  m2_ = m2 + other_m2 + delta_sq * ab;
  mean_ += delta * share_b;
  count_ += other.count_;
}

double Moments::mean() const noexcept { return count_ ? mean_ : nan; }

double Moments::variance() const noexcept { return count_ > 1 ? m2_ / static_cast<double>(count_ - 1) : nan; }

double Moments::skewness() const noexcept {
  double const n = static_cast<double>(count_);
  return m2_ == 0 ? nan : std::sqrt(n / m2_) * (m3_ / m2_);
}

double Moments::kurtosis() const noexcept {
  double const n = static_cast<double>(count_);
  return m2_ == 0 ? nan : n * (m4_ / m2_) / m2_;
}

double Moments::central_moment(int k) const {
  FERMIAC_ASSERT(k >= 2 && k <= 4);
  if (count_ == 0) return nan;
  return (k == 2 ? m2_ : k == 3 ? m3_ : m4_) / static_cast<double>(count_);
}

Estimate Moments::mean_estimate() const {
  double const n = static_cast<double>(count_);
  return {.value = mean(), .error = std::sqrt(variance() / n), .degrees_of_freedom = n - 1, .how = How::independent};
}

Estimate Moments::variance_estimate() const {
  double const n = static_cast<double>(count_);
  double error = nan;
  if (count_ >= 4) {
    double const k2 = variance();
    double const k4 = (n * (n + 1) * m4_ - 3 * (n - 1) * m2_ * m2_) / ((n - 1) * (n - 2) * (n - 3));
    double const variance_of_k2 = (2 * n * k2 * k2 + (n - 1) * k4) / (n * (n + 1));
    error = std::sqrt(variance_of_k2 < 0 ? 0 : variance_of_k2);  // NaN stays NaN
  }
  return {.value = variance(), .error = error, .degrees_of_freedom = n - 1, .how = How::independent};
}

void Moments::save(std::span<double> state) const {
  FERMIAC_ASSERT(state.size() == state_size);
  state[0] = static_cast<double>(count_);
  state[1] = mean_;
  state[2] = m2_;
  state[3] = m3_;
  state[4] = m4_;
}

void Moments::load(std::span<double const> state) {
  FERMIAC_ASSERT(state.size() == state_size);
  count_ = static_cast<std::uint64_t>(state[0]);
  mean_ = state[1];
  m2_ = state[2];
  m3_ = state[3];
  m4_ = state[4];
}

}  // namespace fermiac::stats
