#include "fermiac/vmc/derivative_sums.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "fermiac/base/error.hpp"

namespace fermiac::vmc {

arma::rowvec DerivativeSums::total() const {
  arma::rowvec result(lanes.n_columns());
  for (arma::uword c = 0; c < lanes.n_columns(); ++c) {
    double tree[n_lanes];
    std::copy_n(lanes.column(c), n_lanes, tree);
    for (arma::uword half = n_lanes / 2; half > 0; half /= 2)
      for (arma::uword l = 0; l < half; ++l) tree[l] += tree[l + half];
    result[c] = tree[0];
  }
  return result;
}

namespace {

constexpr std::size_t n_lanes = DerivativeSums::n_lanes;

/// Adds rows[r] * b, or rows[r] where b is null, walker by walker, to the lanes at sums[r].
template <std::size_t R, bool with_b>
void add_rows(std::array<double const*, R> const& rows, double const* __restrict b, std::array<double*, R> const& sums,
              std::size_t n) {
  double lanes[R][n_lanes];
  for (std::size_t r = 0; r < R; ++r) std::copy_n(sums[r], n_lanes, lanes[r]);
  std::size_t k = 0;
  for (; k + n_lanes <= n; k += n_lanes)
    for (std::size_t r = 0; r < R; ++r)
#pragma GCC unroll 16
      for (std::size_t l = 0; l < n_lanes; ++l)
        lanes[r][l] = with_b ? std::fma(rows[r][k + l], b[k + l], lanes[r][l]) : lanes[r][l] + rows[r][k + l];
  for (; k < n; ++k)
    for (std::size_t r = 0; r < R; ++r) {
      double& lane = lanes[r][k % n_lanes];
      lane = with_b ? std::fma(rows[r][k], b[k], lane) : lane + rows[r][k];
    }
  for (std::size_t r = 0; r < R; ++r) std::copy_n(lanes[r], n_lanes, sums[r]);
}

/// The same for any number of rows, four at a time.
template <bool with_b, class Row, class Sum>
void add_all(std::size_t n_rows, Row const& row, double const* b, Sum const& sum, std::size_t n) {
  std::size_t r = 0;
  for (; r + 4 <= n_rows; r += 4)
    add_rows<4, with_b>({row(r), row(r + 1), row(r + 2), row(r + 3)}, b, {sum(r), sum(r + 1), sum(r + 2), sum(r + 3)}, n);
  for (; r < n_rows; ++r) add_rows<1, with_b>({row(r)}, b, {sum(r)}, n);
}

}  // namespace

void add_sample(DerivativeSums& sums, std::size_t n, double const* energy, Columns const& phi, Columns const* corrections) {
  std::size_t const K = phi.n_columns();
  auto const column = [&](std::size_t first) { return [&sums, first](std::size_t c) { return sums.lanes.column(first + c); }; };
  auto const feature = [&](std::size_t k) { return phi.column(k); };
  add_all<false>(
      1, [&](std::size_t) { return energy; }, nullptr, column(0), n);
  add_all<false>(K, feature, nullptr, column(1), n);
  add_all<true>(K, feature, energy, column(1 + K), n);
  if (corrections != nullptr)
    add_all<false>(
        K, [&](std::size_t k) { return corrections->column(k); }, nullptr, column(1 + K), n);
  if (!sums.with_products()) return;
  for (std::size_t k = 0; k < K; ++k) add_all<true>(k + 1, feature, phi.column(k), column(1 + 2 * K + k * (k + 1) / 2), n);
}

EnergySlope energy_slope(arma::rowvec const& sums, double n_samples, arma::vec const& scale) {
  arma::uword const K = scale.n_elem;
  bool const with_products = sums.n_elem > 1 + 2 * K;
  FERMIAC_ASSERT(sums.n_elem == DerivativeSums::n_columns(K, with_products) && n_samples > 0);

  EnergySlope slope;
  slope.energy = sums[0] / n_samples;
  if (K == 0) return slope;
  arma::vec const phi = sums.subvec(1, K).t() / n_samples;
  arma::vec const energy_phi = sums.subvec(1 + K, 2 * K).t() / n_samples;
  slope.gradient = 2 * scale % (energy_phi - slope.energy * phi);
  if (with_products) {
    slope.S.set_size(K, K);
    arma::uword column = 1 + 2 * K;
    for (arma::uword k = 0; k < K; ++k)
      for (arma::uword l = 0; l <= k; ++l, ++column)
        slope.S(k, l) = slope.S(l, k) = scale[k] * scale[l] * (sums[column] / n_samples - phi[k] * phi[l]);
  }
  return slope;
}

}  // namespace fermiac::vmc
