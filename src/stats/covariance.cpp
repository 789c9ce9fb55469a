#include "fermiac/stats/covariance.hpp"

#include <cmath>
#include <limits>

#include "fermiac/base/error.hpp"

namespace fermiac::stats {

Covariance::Covariance(arma::uword dimension)
    : mean_(dimension, arma::fill::zeros), sums_(dimension, dimension, arma::fill::zeros), delta_(dimension) {}

void Covariance::add(std::span<double const> x) {
  FERMIAC_ASSERT(x.size() == dimension());
  double const before = static_cast<double>(count_);
  double const n = static_cast<double>(++count_);
  for (arma::uword i = 0; i < dimension(); ++i) {
    delta_[i] = x[i] - mean_[i];
    mean_[i] += delta_[i] / n;
  }
  for (arma::uword j = 0; j < dimension(); ++j) {
    double const weighted = delta_[j] * (before / n);
    for (arma::uword i = 0; i <= j; ++i) sums_(i, j) += delta_[i] * weighted;
  }
}

void Covariance::merge(Covariance const& other) {
  FERMIAC_ASSERT(other.dimension() == dimension());
  if (other.count_ == 0) return;
  double const a = static_cast<double>(count_);
  double const b = static_cast<double>(other.count_);
  double const n = a + b;
  for (arma::uword i = 0; i < dimension(); ++i) delta_[i] = other.mean_[i] - mean_[i];
  for (arma::uword j = 0; j < dimension(); ++j) {
    double const weighted = delta_[j] * (a * b / n);
    for (arma::uword i = 0; i <= j; ++i) sums_(i, j) += other.sums_(i, j) + delta_[i] * weighted;
  }
  for (arma::uword i = 0; i < dimension(); ++i) mean_[i] += delta_[i] * (b / n);
  count_ += other.count_;
}

arma::vec Covariance::mean() const {
  if (count_ == 0) return arma::vec(dimension()).fill(arma::datum::nan);
  return mean_;
}

arma::mat Covariance::covariance() const {
  arma::mat result(dimension(), dimension());
  double const freedom = static_cast<double>(count_) - 1;
  for (arma::uword j = 0; j < dimension(); ++j)
    for (arma::uword i = 0; i <= j; ++i) result(i, j) = result(j, i) = count_ > 1 ? sums_(i, j) / freedom : arma::datum::nan;
  return result;
}

arma::mat Covariance::correlation() const {
  arma::mat result(dimension(), dimension());
  for (arma::uword j = 0; j < dimension(); ++j)
    for (arma::uword i = 0; i <= j; ++i) {
      double const scale = std::sqrt(sums_(i, i)) * std::sqrt(sums_(j, j));
      double const ratio = sums_(i, j) / scale;
      result(i, j) = result(j, i) = i == j && ratio == ratio ? 1 : ratio;
    }
  return result;
}

arma::mat Covariance::covariance_of_mean() const { return covariance() / static_cast<double>(count_); }

void Covariance::save(std::span<double> state) const {
  FERMIAC_ASSERT(state.size() == state_size());
  std::size_t at = 0;
  state[at++] = static_cast<double>(count_);
  for (arma::uword i = 0; i < dimension(); ++i) state[at++] = mean_[i];
  for (arma::uword j = 0; j < dimension(); ++j)
    for (arma::uword i = 0; i <= j; ++i) state[at++] = sums_(i, j);
}

void Covariance::load(std::span<double const> state) {
  FERMIAC_ASSERT(state.size() == state_size());
  std::size_t at = 0;
  count_ = static_cast<std::uint64_t>(state[at++]);
  for (arma::uword i = 0; i < dimension(); ++i) mean_[i] = state[at++];
  for (arma::uword j = 0; j < dimension(); ++j)
    for (arma::uword i = 0; i <= j; ++i) sums_(i, j) = state[at++];
}

}  // namespace fermiac::stats
