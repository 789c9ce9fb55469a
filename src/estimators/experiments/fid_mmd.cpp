#include "fermiac/estimators/experiments/fid_mmd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "fermiac/base/error.hpp"
#include "fermiac/estimators/pack_matrices.hpp"
#include "fermiac/estimators/wishart.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::estimators {

namespace {

enum EstimatorNumber : std::size_t { plug_in, ml, extrapolated, u, v, linear };
enum QuantityNumber : std::size_t { fid, mmd2, kid };

/// Expectations of a kernel between x ~ P = N(shift e_1, I) and y ~ Q = N(0, I): of k and k^2, and of products of
/// mu_P(z) = E k(z, x) and mu_Q(z) = E k(z, y) over z from either.
struct KernelMoments {
  double pp, qq, pq;        // E k
  double pp2, qq2, pq2;     // E k^2
  double p_pp, p_qq, p_pq;  // E mu_P^2, mu_Q^2, mu_P mu_Q over P
  double q_pp, q_qq, q_pq;  // over Q

  double distance() const { return pp + qq - 2 * pq; }

  double variance_of_u(double n) const { return variance_of_weighted(n, 1); }
  double variance_of_v(double n) const { return variance_of_weighted(n, (n - 1) / n); }
  double variance_of_linear(double n) const {
    double const of_one = pp2 - pp * pp + qq2 - qq * qq + 2 * (pq2 - pq * pq) - 4 * shared();
    return of_one / (n / 2);
  }

 private:
  /// Of w times the means over i != j, less twice the mean over all (i, j).
  double variance_of_weighted(double n, double w) const {
    auto const own = [&](double mean, double square, double projected) {
      return (4 * (n - 2) * (projected - mean * mean) + 2 * (square - mean * mean)) / (n * (n - 1));
    };
    double const across = (pq2 - pq * pq + (n - 1) * (p_qq - pq * pq + q_pp - pq * pq)) / (n * n);
    return w * w * (own(pp, pp2, p_pp) + own(qq, qq2, q_qq)) + 4 * across - w * 8 / n * shared();
  }
  /// Cov(mu_P, mu_Q) over P, plus that over Q.
  double shared() const { return p_pq - pp * pq + q_pq - qq * pq; }
};

KernelMoments gaussian_moments(double d, double shift, double L) {
  // E exp(-|z|^2 / (2 L)), z ~ N(offset, variance I).
  auto const mean = [d](double L_, double variance, double offset) {
    return std::pow(L_ / (L_ + variance), d / 2) * std::exp(-offset * offset / (2 * (L_ + variance)));
  };
  // mu_a mu_b, both Gaussian, over N(c, I); positions along e_1.
  auto const product = [&](double a, double b, double c) {
    return std::pow(L / (L + 1), d) * std::exp(-(a - b) * (a - b) / (4 * (L + 1))) * mean((L + 1) / 2, 1, c - (a + b) / 2);
  };
  double const s = shift;
  return {mean(L, 2, 0),    mean(L, 2, 0),    mean(L, 2, s),    mean(L / 2, 2, 0), mean(L / 2, 2, 0), mean(L / 2, 2, s),
          product(s, s, s), product(0, 0, s), product(s, 0, s), product(s, s, 0),  product(0, 0, 0),  product(s, 0, 0)};
}

KernelMoments polynomial_moments(double d, double shift) {
  // E (1 + x.y / d)^power from the cumulants of x.y, whose generating function is
  // -d/2 log(1 - t^2) + (t a b + t^2 (a^2 + b^2)/2) / (1 - t^2) for means a e_1 and b e_1.
  auto const moment = [d](double a, double b, std::size_t power) {
    std::array<double, 7> cumulant{}, moments{1};
    double factorial = 1, scale = 1;
    for (std::size_t k = 1; k <= 6; ++k) {
      double const order = static_cast<double>(k);
      factorial *= order;
      scale /= d;
      cumulant[k] = factorial * scale * (k % 2 == 0 ? d / order + (a * a + b * b) / 2 : a * b);
    }
    cumulant[1] += 1;
    for (std::size_t n = 1; n <= power; ++n) {
      double binomial = 1;  // n - 1 over k - 1
      for (std::size_t k = 1; k <= n; ++k) {
        moments[n] += binomial * cumulant[k] * moments[n - k];
        binomial *= static_cast<double>(n - k) / static_cast<double>(k);
      }
    }
    return moments[power];
  };
  // mu_a(z) = A + B q at z = (z_1, rest) with q = |rest|^2, chi square of d - 1; polynomials in z_1, for which the trapezoidal
  // rule with these steps is exact to rounding.
  auto const product = [d](double a, double b, double c) {
    auto const mean = [d](double at, double z) {
      double const one = 1 + at * z / d;
      return std::array{one * one * one + 3 * one * z * z / (d * d), 3 * one / (d * d)};
    };
    constexpr double step = 0.5;
    double sum = 0;
    for (int i = -32; i <= 32; ++i) {
      double const z = step * i;
      auto const [A, B] = mean(a, c + z);
      auto const [C, D] = mean(b, c + z);
      double const over_q = A * C + (A * D + B * C) * (d - 1) + B * D * (d - 1) * (d + 1);
      sum += over_q * std::exp(-z * z / 2);
    }
    return sum * step / std::sqrt(2 * arma::datum::pi);
  };
  double const s = shift;
  return {moment(s, s, 3),  moment(0, 0, 3),  moment(s, 0, 3),  moment(s, s, 6),  moment(0, 0, 6),  moment(s, 0, 6),
          product(s, s, s), product(0, 0, s), product(s, 0, s), product(s, s, 0), product(0, 0, 0), product(s, 0, 0)};
}

/// Sums over pairs of vectors for some of the rows.
class KernelSums {
 public:
  static constexpr std::uint64_t n_rows_at_once = 32;

  KernelSums(double dimensions, double L, std::size_t d) : exponent_(-1 / (2 * L)), inverse_d_(1 / dimensions), d_(d) {}

  /// Adds k(a, b), of vectors that start at these columns, to both kernels' totals, and to `also` where it is there.
  struct Totals {
    std::array<double, n_rows_at_once> gaussian{}, polynomial{};
  };
  void add(double const* a, double const* b, std::size_t stride, std::size_t n, Totals& totals, Totals* also) const {
    std::array<double, n_rows_at_once> square{}, product{};
    for (std::size_t k = 0; k < d_; ++k) {
      double const *p = a + k * stride, *q = b + k * stride;
      for (std::size_t r = 0; r < n; ++r) {
        double const difference = p[r] - q[r];
        square[r] = std::fma(difference, difference, square[r]);
        product[r] = std::fma(p[r], q[r], product[r]);
      }
    }
    for (std::size_t r = 0; r < n; ++r) {
      double const one = std::fma(product[r], inverse_d_, 1.0);
      square[r] = simd::exp(exponent_ * square[r]);
      product[r] = one * one * one;
      totals.gaussian[r] += square[r];
      totals.polynomial[r] += product[r];
    }
    if (also == nullptr) return;
    for (std::size_t r = 0; r < n; ++r) {
      also->gaussian[r] += square[r];
      also->polynomial[r] += product[r];
    }
  }

 private:
  double exponent_, inverse_d_;
  std::size_t d_;
};

class FidMmdAtPoint final : public AtPoint {
 public:
  explicit FidMmdAtPoint(Parameters const& point)
      : N_(static_cast<std::uint64_t>(point.integer("sample.n"))),
        d_(static_cast<std::size_t>(point.integer("features.dimensions"))),
        n_(static_cast<double>(N_)),
        dimensions_(static_cast<double>(d_)),
        shift_(point.real("features.shift")),
        L_(point.real("kernel.length2")),
        gaussian_(gaussian_moments(dimensions_, shift_, L_)),
        polynomial_(polynomial_moments(dimensions_, shift_)) {}

  std::vector<double> targets() const override { return {shift_ * shift_, gaussian_.distance(), polynomial_.distance()}; }

  CellTruth truth(std::size_t e, std::size_t q) const override {
    CellTruth truth;
    truth.reported = q == fid ? e <= extrapolated : e >= u && !(q == kid && e == v);
    if (!truth.reported) return truth;
    truth.variance_rate = shift_ == 0 && e != linear ? -2 : -1;
    if (q == fid) {
      auto const whole = fid_law(n_, e == ml ? n_ : n_ - 1);
      truth.bias = {whole.mean.value - shift_ * shift_, whole.mean.error};
      truth.bias_rate = -1;
      if (e == extrapolated) {
        auto const half = fid_law(n_ / 2, n_ / 2 - 1);
        truth.bias = {2 * whole.mean.value - half.mean.value - shift_ * shift_, 2 * whole.mean.error + half.mean.error};
        truth.bias_rate = -2;
      } else {
        truth.variance = whole.variance;
      }
      return truth;
    }
    auto const& moments = q == mmd2 ? gaussian_ : polynomial_;
    truth.bias.value = e == v ? (2 - moments.pp - moments.qq) / n_ : 0;
    if (e == v) truth.bias_rate = -1;
    truth.variance.value = e == u   ? moments.variance_of_u(n_)
                           : e == v ? moments.variance_of_v(n_)
                                    : moments.variance_of_linear(n_);
    return truth;
  }

  std::vector<Test> independent() const override { return {{Measure::bias, plug_in, fid}, {Measure::bias, u, mmd2}}; }

  double draws() const override { return 3 * n_ * dimensions_ + n_ * n_; }
  double cost(std::size_t e) const override { return e <= extrapolated ? n_ : e == linear ? 2 * n_ : n_ * (2 * n_ - 1); }

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    put_fid(pack, outputs, context);
    put_kernels(pack, outputs, context);
  }

 private:
  /// Of a sample of n whose scatter is divided by `divisor`.
  MeanAndVariance fid_law(double n, double divisor) const {
    auto const known = std::ranges::find_if(laws_, [&](auto const& law) { return law.n == n && law.divisor == divisor; });
    if (known != laws_.end()) return known->law;
    SpectralTerm const terms[] = {{1 / divisor, 2}, {-2 / std::sqrt(divisor), 1}};
    auto law = spectral_sum(static_cast<std::uint64_t>(n) - 1, d_, terms);
    // The mean is independent of the scatter.
    law.mean.value += shift_ * shift_ + dimensions_ / n + dimensions_;
    law.variance.value += 2 * dimensions_ / (n * n) + 4 * shift_ * shift_ / n;
    laws_.push_back({n, divisor, law});
    return law;
  }

  std::vector<double> frechet(arma::mat const& mean, PackMatrices S, double divisor) const {
    auto const n_rows = S.n_replicates();
    for (std::size_t i = 0; i < d_; ++i)
      for (std::size_t j = 0; j <= i; ++j)
        for (auto& s : S.at(i, j)) s /= divisor;
    std::vector<double> result(n_rows, dimensions_);
    for (std::size_t i = 0; i < d_; ++i) {
      double const* m = mean.colptr(i);
      auto const s = S.at(i, i);
      for (std::size_t r = 0; r < n_rows; ++r) {
        double const at = m[r] + (i == 0 ? shift_ : 0.0);
        result[r] = std::fma(at, at, result[r] + s[r]);
      }
    }
    diagonalise(S);
    for (std::size_t i = 0; i < d_; ++i) {
      auto const value = S.at(i, i);
      for (std::size_t r = 0; r < n_rows; ++r) result[r] = std::fma(-2.0, std::sqrt(std::max(value[r], 0.0)), result[r]);
    }
    return result;
  }

  void put_fid(Pack const& pack, Outputs& outputs, Context& context) const {
    auto const n_rows = pack.size();
    auto stream = pack.stream(rng::Purpose::draw, 0);
    arma::mat mean(n_rows, d_), other_mean(n_rows, d_);
    PackMatrices W(n_rows, d_), other(n_rows, d_);
    draw_scatter(stream, N_ / 2, mean, W, context);
    draw_scatter(stream, N_ / 2, other_mean, other, context);
    auto const first = frechet(mean, W, n_ / 2 - 1), second = frechet(other_mean, other, n_ / 2 - 1);
    context.tick();
    for (std::size_t i = 0; i < d_; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        double const *ai = mean.colptr(i), *bi = other_mean.colptr(i), *aj = mean.colptr(j), *bj = other_mean.colptr(j);
        auto const w = W.at(i, j);
        auto const more = other.at(i, j);
        for (std::size_t r = 0; r < n_rows; ++r) w[r] = std::fma(n_ / 4 * (ai[r] - bi[r]), aj[r] - bj[r], w[r] + more[r]);
      }
    mean = (mean + other_mean) / 2;
    auto const whole = frechet(mean, W, n_ - 1);
    std::ranges::copy(whole, outputs.value(plug_in, fid).begin());
    std::ranges::copy(frechet(mean, W, n_), outputs.value(ml, fid).begin());
    for (std::size_t r = 0; r < n_rows; ++r) outputs.value(extrapolated, fid)[r] = 2 * whole[r] - (first[r] + second[r]) / 2;
    context.tick();
  }

  void put_kernels(Pack const& pack, Outputs& outputs, Context& context) const {
    auto const n_rows = pack.size();
    arma::mat x(n_rows, N_ * d_), y(n_rows, N_ * d_);
    auto x_stream = pack.stream(rng::Purpose::draw, 1), y_stream = pack.stream(rng::Purpose::draw, 2);
    x_stream.normals(x);
    y_stream.normals(y);
    if (shift_ != 0)
      for (std::uint64_t i = 0; i < N_; ++i) x.col(i * d_) += shift_;
    KernelSums const kernels(dimensions_, L_, d_);
    using Totals = KernelSums::Totals;
    for (std::uint64_t first = 0; first < n_rows; first += KernelSums::n_rows_at_once) {
      auto const n = std::min(KernelSums::n_rows_at_once, n_rows - first);
      auto const at = [&](arma::mat const& sample, std::uint64_t i) { return sample.colptr(i * d_) + first; };
      Totals own, across, own_once, across_once;
      for (std::uint64_t i = 0; i < N_; ++i) {
        for (std::uint64_t j = 0; j < i; ++j) {
          auto* once = j + 1 == i && i % 2 == 1 ? &own_once : nullptr;
          kernels.add(at(x, i), at(x, j), n_rows, n, own, once);
          kernels.add(at(y, i), at(y, j), n_rows, n, own, once);
        }
        for (std::uint64_t j = 0; j < N_; ++j)
          kernels.add(at(x, i), at(y, j), n_rows, n, across, j == (i ^ 1) ? &across_once : nullptr);
        context.tick();
      }
      for (auto const& [q, part] : {std::pair{mmd2, &Totals::gaussian}, {kid, &Totals::polynomial}})
        for (std::uint64_t r = 0; r < n; ++r) {
          double const cross = 2 * ((across.*part)[r] / (n_ * n_));
          outputs.value(u, q)[first + r] = 2 * (own.*part)[r] / (n_ * (n_ - 1)) - cross;
          outputs.value(linear, q)[first + r] = ((own_once.*part)[r] - (across_once.*part)[r]) / (n_ / 2);
          if (q == mmd2) outputs.value(v, q)[first + r] = (2 * (own.*part)[r] + 2 * n_) / (n_ * n_) - cross;
        }
    }
  }

  struct KnownLaw {
    double n, divisor;
    MeanAndVariance law;
  };

  std::uint64_t N_;
  std::size_t d_;
  double n_, dimensions_, shift_, L_;
  KernelMoments gaussian_, polynomial_;
  mutable std::vector<KnownLaw> laws_;  // dear, and asked for by summaries only, which are serial
};

class FidMmd final : public Experiment {
 public:
  std::string name() const override { return "fid_mmd"; }
  std::string question() const override {
    return "how biased are the Fréchet distance and kernel distances by which generated samples are judged?";
  }
  std::string truth() const override {
    return "FID: Pfaffians of Wishart spectra (de Bruijn 1955), exact; kernels: Gaussian integrals and U-statistics (Hoeffding "
           "1948)";
  }
  std::string conventions() const override {
    return "generated x ~ N(shift e_1, I), reference y ~ N(0, I), n of each, in d dimensions; FID is squared, against exact "
           "moments "
           "of the reference.";
  }

  std::vector<Parameter> parameters() const override {
    return {integer("sample.n", 100, "size N of a sample; even").at_least(4).at_most(1e6),
            integer("features.dimensions", 4, "dimensions d").at_least(1).at_most(32),
            real("features.shift", 0, "distance of the means").at_least(0).at_most(100),
            real("kernel.length2", 4, "square L of the Gaussian kernel's length").above(0)};
  }
  void check(Parameters const& point) const override {
    auto const n = point.integer("sample.n");
    if (n % 2 != 0) throw InputError("sample.n", fmt::format("sample.n = {}: an even number is needed, for halves", n));
  }

  std::vector<Estimator> estimators() const override {
    return {{"plug_in", "|m|^2 + tr(S + I - 2 S^(1/2)), S = W / (N - 1)", 0},
            {"ml", "the same with S = W / N", 0},
            {"extrapolated", "2 plug_in - mean over the two halves", 0},
            {"u", "means of the kernel over i != j", 1},
            {"v", "means over all i and j", 1},
            {"linear", "mean over N / 2 quadruples", 1}};
  }
  std::vector<std::string> quantities() const override { return {"fid", "mmd2", "kid"}; }
  std::string sample_size_key() const override { return "sample.n"; }

  std::unique_ptr<AtPoint const> at(Parameters const& point) const override { return std::make_unique<FidMmdAtPoint>(point); }
};

}  // namespace

std::unique_ptr<Experiment const> fid_mmd() { return std::make_unique<FidMmd>(); }

}  // namespace fermiac::estimators
