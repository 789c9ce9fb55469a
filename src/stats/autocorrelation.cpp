#include "fermiac/stats/autocorrelation.hpp"

#include <algorithm>
#include <array>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <numeric>
#include <vector>

#include "fermiac/stats/moments.hpp"

namespace fermiac::stats {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// sum_i a_i b_i in sixteen lanes: the order is in the code, so the bits do not follow the vector width.
double dot(double const* a, double const* b, arma::uword n) {
  std::array<double, 16> lanes{};
  arma::uword i = 0;
  for (; i + 16 <= n; i += 16)
    for (arma::uword l = 0; l < 16; ++l) lanes[l] += a[i + l] * b[i + l];
  for (arma::uword l = 0; i < n; ++i, ++l) lanes[l] += a[i] * b[i];
  for (arma::uword width = 8; width > 0; width /= 2)
    for (arma::uword l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  return lanes[0];
}

double lagged_products(arma::mat const& centred, arma::uword lag) {
  double sum = 0;
  for (arma::uword m = 0; m < centred.n_cols; ++m) sum += dot(centred.colptr(m), centred.colptr(m) + lag, centred.n_rows - lag);
  return sum;
}

// Relative to the first sample, so that a constant series has exactly that mean.
double mean_of(double const* x, arma::uword n) {
  double sum = 0;
  for (arma::uword i = 0; i < n; ++i) sum += x[i] - x[0];
  return x[0] + sum / static_cast<double>(n);
}

// Columns are the first and the second half of each chain; a middle sample is left out.
arma::mat halves(arma::mat const& chains) {
  arma::uword const n = chains.n_rows / 2;
  arma::mat result(n, 2 * chains.n_cols);
  for (arma::uword m = 0; m < chains.n_cols; ++m) {
    std::copy_n(chains.colptr(m), n, result.colptr(2 * m));
    std::copy_n(chains.colptr(m) + (chains.n_rows - n), n, result.colptr(2 * m + 1));
  }
  return result;
}

struct Variances {
  double within;  // mean of the chains' variances
  double plus;    // (n - 1) / n within + variance of the chains' means
};

Variances variances(arma::mat const& chains) {
  Moments means;
  double within = 0;
  for (arma::uword m = 0; m < chains.n_cols; ++m) {
    Moments chain;
    chain.add({chains.colptr(m), chains.n_rows});
    means.add(chain.mean());
    within += chain.variance();
  }
  within /= static_cast<double>(chains.n_cols);
  double const n = static_cast<double>(chains.n_rows);
  return {within, (n - 1) / n * within + means.variance()};
}

double r_hat(arma::mat const& chains) {
  if (chains.n_rows < 2) return nan;
  auto const [within, plus] = variances(chains);
  return std::sqrt(plus / within);
}

arma::mat normal_scores(arma::mat const& x) {
  std::vector<arma::uword> order(x.n_elem);
  std::iota(order.begin(), order.end(), arma::uword{0});
  std::sort(order.begin(), order.end(), [&](arma::uword a, arma::uword b) { return x[a] < x[b]; });
  arma::mat z(x.n_rows, x.n_cols);
  double const n = static_cast<double>(x.n_elem);
  for (arma::uword first = 0, last; first < x.n_elem; first = last) {
    for (last = first + 1; last < x.n_elem && x[order[last]] == x[order[first]];) ++last;
    double const rank = 0.5 * static_cast<double>(first + 1 + last);  // ranks first + 1 ... last, averaged
    double const score = -std::sqrt(2.0) * boost::math::erfc_inv(2 * (rank - 0.375) / (n + 0.25));
    for (arma::uword i = first; i < last; ++i) z[order[i]] = score;
  }
  return z;
}

double median_of(arma::mat const& x) {
  std::vector<double> sorted(x.begin(), x.end());
  std::sort(sorted.begin(), sorted.end());
  return 0.5 * (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]);
}

}  // namespace

Autocorrelation autocorrelation(arma::mat const& chains, double window_factor) {
  Autocorrelation result{.mean = {.degrees_of_freedom = 0, .how = How::autocorrelation},
                         .tau = {.degrees_of_freedom = 0, .how = How::autocorrelation}};
  result.n_effective = nan;
  if (chains.is_empty()) return result;
  arma::uword const n = chains.n_rows;
  double const n_chains = static_cast<double>(chains.n_cols);
  double const total = static_cast<double>(chains.n_elem);
  double const mean = mean_of(chains.memptr(), chains.n_elem);
  result.mean.value = mean;
  if (n < 2) return result;

  arma::mat const centred = chains - mean;
  double const gamma_0 = lagged_products(centred, 0) / total;
  if (gamma_0 == 0) result.mean.error = 0;
  if (!(gamma_0 > 0) || std::isinf(gamma_0)) return result;

  double sum = 0;  // of Gamma(t) over t = 1 ... W
  arma::uword const longest = std::max<arma::uword>(1, n / 4);
  arma::uword window = 0;
  bool converged = false;
  while (!converged && window < longest) {
    ++window;
    sum += lagged_products(centred, window) / (total - n_chains * static_cast<double>(window));
    double const tau = 0.5 + sum / gamma_0;
    double const scale = window_factor / std::log(std::abs((2 * tau + 1) / (2 * tau - 1)));  // 0 where tau is 1/2
    double const w = static_cast<double>(window);
    converged = scale == 0 || (scale > 0 && scale < w && std::exp(-w / scale) < scale / std::sqrt(w * total));
  }
  double const w = static_cast<double>(window);
  double const truncated = gamma_0 + 2 * sum;
  double const correction = truncated / total;
  double variance = truncated + (2 * w + 1) * correction;
  double const gamma_0_corrected = gamma_0 + correction;
  double tau = variance / (2 * gamma_0_corrected);
  if (!(variance > 0)) {
    converged = false;
    variance = gamma_0;
    tau = 0.5;
  }
  if (total < 50 * tau) converged = false;
  double const tau_error = tau * std::sqrt(4 * std::max(0.0, w + 0.5 - tau) / total);
  double const freedom = 2 * (tau / tau_error) * (tau / tau_error);
  result.tau = {
      .value = tau, .error = tau_error, .degrees_of_freedom = freedom, .how = How::autocorrelation, .converged = converged};
  result.mean = {.value = mean,
                 .error = std::sqrt(variance / total),
                 .degrees_of_freedom = freedom,
                 .how = How::autocorrelation,
                 .converged = converged};
  result.window = window;
  result.n_effective = total / (2 * tau);
  return result;
}

double effective_sample_size(arma::mat const& chains) {
  arma::mat centred = halves(chains);
  arma::uword const n = centred.n_rows;
  if (n < 4 || centred.n_cols == 0) return nan;
  auto const [within, plus] = variances(centred);
  if (!(plus > 0) || std::isinf(plus)) return nan;
  for (arma::uword m = 0; m < centred.n_cols; ++m) centred.col(m) -= mean_of(centred.colptr(m), n);

  double const total = static_cast<double>(centred.n_elem);
  auto const rho = [&](arma::uword t) { return t == 0 ? 1 : 1 - (within - lagged_products(centred, t) / total) / plus; };
  double tau = -1;
  double smallest = std::numeric_limits<double>::infinity();
  for (arma::uword t = 0; t + 1 < n; t += 2) {
    double const pair = rho(t) + rho(t + 1);
    if (!(pair > 0)) break;
    smallest = std::min(smallest, pair);
    tau += 2 * smallest;
  }
  return total / std::max(tau, 1 / std::log10(total));
}

double split_r_hat(arma::mat const& chains) { return r_hat(halves(chains)); }

double rank_normalised_r_hat(arma::mat const& chains) {
  arma::mat const split = halves(chains);
  if (split.is_empty() || !split.is_finite()) return nan;
  double const location = r_hat(normal_scores(split));
  double const scale = r_hat(normal_scores(arma::abs(split - median_of(split))));
  return std::isnan(scale) || location > scale ? location : scale;
}

}  // namespace fermiac::stats
