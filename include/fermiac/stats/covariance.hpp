/// Mean and covariance of independent vectors, one at a time or merged.
#pragma once

#include <armadillo>
#include <cstdint>
#include <span>

namespace fermiac::stats {

/// Accumulator of the mean m (D values) and of the sums C = sum_i (x_i - m)(x_i - m)^T (D x D, symmetric).
///
/// Merging equals adding the other's vectors, up to rounding. A non-finite component makes the entries it enters non-finite.
///
/// Chan, Golub & LeVeque, Am. Stat. 37 (1983) 242; Pebay, Sandia report SAND2008-6212 (2008).
class Covariance {
 public:
  /// @param dimension  D, may be 0
  explicit Covariance(arma::uword dimension);

  /// @throws std::logic_error  where `x` has not D values
  void add(std::span<double const> x);
  /// @throws std::logic_error  where dimensions differ
  void merge(Covariance const& other);

  arma::uword dimension() const noexcept { return mean_.n_elem; }
  std::uint64_t count() const noexcept { return count_; }
  arma::vec mean() const;         ///< D values; NaN without samples
  arma::mat covariance() const;   ///< D x D, C / (n - 1), exactly symmetric; NaN below 2 samples
  arma::mat correlation() const;  ///< D x D, ones on the diagonal; NaN in rows and columns of constant components

  /// Covariance of the mean, covariance / n: for independent vectors only.
  arma::mat covariance_of_mean() const;

  /// 1 + D + D (D + 1) / 2 doubles: count, mean, upper triangle of C column after column.
  std::size_t state_size() const noexcept { return 1 + dimension() + dimension() * (dimension() + 1) / 2; }
  void save(std::span<double> state) const;
  /// @throws std::logic_error  where a span has not `state_size()` values
  void load(std::span<double const> state);

 private:
  std::uint64_t count_ = 0;
  arma::vec mean_;
  arma::mat sums_;  // upper triangle only
  arma::vec delta_;
};

}  // namespace fermiac::stats
