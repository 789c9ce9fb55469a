#include "fermiac/estimators/pack_matrices.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "fermiac/base/error.hpp"

namespace fermiac::estimators {

namespace {

/// y -= a x.
void subtract_product(std::span<double const> a, std::span<double const> x, std::span<double> y) {
  for (std::size_t r = 0; r < y.size(); ++r) y[r] = std::fma(-a[r], x[r], y[r]);
}

struct Rotations {
  explicit Rotations(std::size_t n) : sine(n), cosine(n) {}
  std::vector<double> sine, cosine;
};

/// Makes a_qp zero by t, the smaller root of t^2 + 2 theta t = 1.
void rotate_pair(std::span<double> a_pp, std::span<double> a_qq, std::span<double> a_qp, Rotations& rotations) {
  for (std::size_t r = 0; r < a_qp.size(); ++r) {
    double const difference = a_qq[r] - a_pp[r];
    double const twice = 2 * a_qp[r];
    double const sum = std::abs(difference) + std::sqrt(std::fma(difference, difference, twice * twice));
    double const t = sum == 0 ? 0.0 : std::copysign(1.0, difference) * twice / sum;
    a_pp[r] = std::fma(-t, a_qp[r], a_pp[r]);
    a_qq[r] = std::fma(t, a_qp[r], a_qq[r]);
    a_qp[r] = a_qp[r] - a_qp[r];  // 0, and NaN stays NaN
    rotations.cosine[r] = 1 / std::sqrt(std::fma(t, t, 1.0));
    rotations.sine[r] = t * rotations.cosine[r];
  }
}

void rotate(Rotations const& rotations, std::span<double> x, std::span<double> y) {
  for (std::size_t r = 0; r < x.size(); ++r) {
    double const s = rotations.sine[r], c = rotations.cosine[r], was = x[r];
    x[r] = std::fma(c, was, -(s * y[r]));
    y[r] = std::fma(c, y[r], s * was);
  }
}

}  // namespace

void cholesky(PackMatrices& A) {
  auto const n = A.n();
  for (std::size_t j = 0; j < n; ++j) {
    auto const pivot = A.at(j, j);
    for (std::size_t k = 0; k < j; ++k) subtract_product(A.at(j, k), A.at(j, k), pivot);
    for (auto& p : pivot) p = p > 0 ? std::sqrt(p) : std::numeric_limits<double>::quiet_NaN();
    for (std::size_t i = j + 1; i < n; ++i) {
      auto const element = A.at(i, j);
      for (std::size_t k = 0; k < j; ++k) subtract_product(A.at(i, k), A.at(j, k), element);
      for (std::size_t r = 0; r < element.size(); ++r) element[r] /= pivot[r];
    }
  }
}

void invert_triangle(PackMatrices& L) {
  auto const n = L.n();
  std::vector<double> sum(L.n_replicates());
  for (std::size_t i = 0; i < n; ++i) {
    auto const pivot = L.at(i, i);
    for (auto& p : pivot) p = 1 / p;
    // Row i of the inverse needs the rows above it, and of L's own row i what lies right of j.
    for (std::size_t j = 0; j < i; ++j) {
      std::ranges::fill(sum, 0.0);
      for (std::size_t k = j; k < i; ++k) subtract_product(L.at(i, k), L.at(k, j), sum);
      auto const element = L.at(i, j);
      for (std::size_t r = 0; r < sum.size(); ++r) element[r] = pivot[r] * sum[r];
    }
  }
}

void diagonalise(PackMatrices& A) {
  auto const n = A.n();
  Rotations rotations(A.n_replicates());
  for (unsigned sweep = 0; sweep < 6 + std::bit_width(n); ++sweep)
    for (std::size_t q = 1; q < n; ++q)
      for (std::size_t p = 0; p < q; ++p) {
        rotate_pair(A.at(p, p), A.at(q, q), A.at(q, p), rotations);
        for (std::size_t k = 0; k < n; ++k)
          if (k != p && k != q) rotate(rotations, A.symmetric(k, p), A.symmetric(k, q));
      }
}

void draw_scatter(rng::PackStream& stream, std::uint64_t n_vectors, arma::mat& mean, PackMatrices& W, Context& context) {
  auto const n = W.n();
  auto const n_rows = W.n_replicates();
  FERMIAC_ASSERT(mean.n_rows == n_rows && mean.n_cols == n && n_vectors > 0);
  mean.zeros();
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) std::ranges::fill(W.at(i, j), 0.0);
  // Few enough at a time to stay in the cache, and to tick often enough.
  auto const at_once = std::max<std::uint64_t>(1, 65536 / std::max<std::uint64_t>(1, n * n_rows));
  arma::mat z;
  for (std::uint64_t done = 0; done < n_vectors; done += at_once) {
    auto const now = std::min(at_once, n_vectors - done);
    z.set_size(n_rows, now * n);
    stream.normals(z);
    for (std::uint64_t v = 0; v < now; ++v)
      for (std::size_t i = 0; i < n; ++i) {
        double const* a = z.colptr(v * n + i);
        double* sum = mean.colptr(i);
        for (std::uint64_t r = 0; r < n_rows; ++r) sum[r] += a[r];
        for (std::size_t j = 0; j <= i; ++j) {
          double const* b = z.colptr(v * n + j);
          auto const w = W.at(i, j);
          for (std::uint64_t r = 0; r < n_rows; ++r) w[r] = std::fma(a[r], b[r], w[r]);
        }
      }
    context.tick();
  }
  double const N = static_cast<double>(n_vectors);
  for (std::size_t i = 0; i < n; ++i) {
    double* m = mean.colptr(i);
    for (std::uint64_t r = 0; r < n_rows; ++r) m[r] /= N;
    for (std::size_t j = 0; j <= i; ++j) {
      double const* b = mean.colptr(j);
      auto const w = W.at(i, j);
      for (std::uint64_t r = 0; r < n_rows; ++r) w[r] = std::fma(-(N * m[r]), b[r], w[r]);
    }
  }
}

}  // namespace fermiac::estimators
