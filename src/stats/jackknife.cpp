#include "fermiac/stats/jackknife.hpp"

#include <cmath>

#include "fermiac/base/error.hpp"
#include "fermiac/base/range.hpp"

namespace fermiac::stats {

Jackknifed jackknife(arma::mat const& samples, arma::uword n_blocks, FunctionOfMeans const& f) {
  FERMIAC_ASSERT(n_blocks >= 2 && n_blocks <= samples.n_rows);
  double const n = static_cast<double>(samples.n_rows);
  double const g = static_cast<double>(n_blocks);

  arma::mat block_means(samples.n_cols, n_blocks);
  arma::vec sizes(n_blocks);
  for (arma::uword j = 0; j < n_blocks; ++j) {
    auto const rows = share_of(samples.n_rows, n_blocks, j);
    sizes[j] = static_cast<double>(rows.size());
    for (arma::uword d = 0; d < samples.n_cols; ++d) {
      double sum = 0;
      for (auto i = rows.first; i < rows.last; ++i) sum += samples(i, d);
      block_means(d, j) = sum / sizes[j];
    }
  }
  arma::vec means(samples.n_cols, arma::fill::zeros);
  for (arma::uword j = 0; j < n_blocks; ++j) means += (sizes[j] / n) * block_means.col(j);

  Jackknifed result;
  result.plain = f(means);
  arma::vec without(n_blocks);
  double corrected = g * result.plain;
  for (arma::uword j = 0; j < n_blocks; ++j) {
    double const rest = n - sizes[j];
    // Taken from the mean, not summed anew: all but one block differ little from all, so this loses no digits that matter.
    without[j] = f(means + (means - block_means.col(j)) * (sizes[j] / rest));
    corrected -= (1 - sizes[j] / n) * without[j];
  }
  double variance = 0;
  for (arma::uword j = 0; j < n_blocks; ++j) {
    double const h = n / sizes[j];
    double const pseudo = h * result.plain - (h - 1) * without[j];
    variance += (pseudo - corrected) * (pseudo - corrected) / (h - 1);
  }
  result.estimate = {.value = corrected, .error = std::sqrt(variance / g), .degrees_of_freedom = g - 1, .how = How::jackknife};
  result.bias = result.plain - corrected;
  return result;
}

Jackknifed jackknife(arma::mat const& samples, FunctionOfMeans const& f) { return jackknife(samples, samples.n_rows, f); }

}  // namespace fermiac::stats
