#include "fermiac/estimators/experiments/grad_gauss.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>

#include "fermiac/base/error.hpp"
#include "fermiac/estimators/draw_moments.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::estimators {

namespace {

enum EstimatorNumber : std::size_t {
  score,
  score_mean,
  score_best,
  rloo,
  score_antithetic,
  reparam,
  reparam_antithetic,
  mvd_coupled,
  mvd_independent
};
enum QuantityNumber : std::size_t { of_mu, of_sigma };
constexpr std::size_t n_estimators = 9, n_quantities = 2;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double pi = std::numbers::pi;

/// f by the sums of z and of z^2, which is all that it depends on.
struct Integrand {
  double square, product, slope, level;

  double operator()(double sum, double sum_of_squares) const {
    return std::fma(square - product / 2, sum_of_squares, std::fma(std::fma(product / 2, sum, slope), sum, level));
  }
  /// df/dz_i of one z_i.
  double derivative(double z, double sum) const { return std::fma(2 * square - product, z, std::fma(product, sum, slope)); }
};

class GradGaussAtPoint final : public AtPoint {
 public:
  explicit GradGaussAtPoint(Parameters const& point)
      : K_(static_cast<std::uint64_t>(point.integer("sample.k"))),
        D_(static_cast<std::uint64_t>(point.integer("gauss.d"))),
        K(static_cast<double>(K_)),
        d(static_cast<double>(D_)),
        mu_(point.real("gauss.mu")),
        s_(point.real("gauss.sigma")),
        f_{point.real("integrand.square"), point.real("integrand.product"), point.real("integrand.slope"),
           point.real("integrand.level")} {
    double const a = f_.square, k = f_.product;
    A_ = f_(d * mu_, d * mu_ * mu_);
    g_ = f_.derivative(mu_, d * mu_);
    t_ = 2 * a * d;
    h1_ = 4 * a * a + k * k * (d - 1);
    h_ = d * h1_;
    s2_ = s_ * s_;
    baseline_[0] = {0, 0};
    double const mean = A_ + s2_ * t_ / 2;
    baseline_[1] = {mean, mean};
    baseline_[2] = {A_ + s2_ * (t_ + 4 * a) / 2, A_ + s2_ * t_ * (d + 4) / (2 * d)};
  }

  std::vector<double> targets() const override { return {g_, s_ * t_}; }

  CellTruth truth(std::size_t e, std::size_t q) const override {
    double const target = targets()[q];
    double const draws = e == score_antithetic || e == reparam_antithetic ? K / 2 : K;
    auto truth = truth_of_average(draws, target, variance_of_draw(e, q), kurtosis_of_draw(e, q), target);
    if (e == rloo) {
      double const m = second_moment(q, A_ - baseline_[1][q]) / s2_;
      double const var_f = s2_ * d * g_ * g_ + s2_ * s2_ * h_ / 2;
      double const var_s = (q == of_mu ? 1 : 2 * d) / s2_;
      truth.variance.value = (m - target * target * (K - 2) / (K - 1) + var_f * var_s / (K - 1)) / K;
      truth.variance_rate = truth.mse_rate = -1;
    }
    truth.scale = std::abs(g_) + s_ * std::sqrt(h_) + std::abs(f_.slope) + std::abs(2 * f_.square * mu_) +
                  std::abs(f_.product * d * (std::abs(mu_) + s_));
    return truth;
  }

  // Polynomials of e of different degree that are orthogonal (Hermite), and draws of their own.
  std::vector<Test> independent() const override {
    return {{Measure::bias, reparam, of_mu},
            {Measure::bias, reparam_antithetic, of_sigma},
            {Measure::bias, mvd_coupled, of_mu},
            {Measure::bias, mvd_coupled, of_sigma}};
  }

  double draws() const override { return K * (7 * d + 2); }
  /// Evaluations of f (of its gradient for paths) for all d derivatives to mu and that to sigma.
  double cost(std::size_t e) const override { return e == mvd_coupled || e == mvd_independent ? K * (3 * d + 1) : K; }

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    by_scores_and_paths(pack, outputs, context);
    by_measures_of_mu(pack, outputs, context);
    by_measures_of_sigma(pack, outputs, context);
  }

 private:
  /// E[((f - B) s)^2] sigma^2, x = A - B.
  double second_moment(std::size_t q, double x) const {
    double const g2 = s2_ * g_ * g_, fourth = s2_ * s2_ / 4;
    double const spread = t_ * t_ + 2 * h_;
    if (q == of_mu)
      return x * x + g2 * (d + 2) + fourth * (spread + 8 * f_.square * t_ + 8 * h1_) + x * s2_ * (t_ + 4 * f_.square);
    return 2 * d * x * x + d * g2 * (2 * d + 8) + fourth * spread * (2 * d + 24) + x * s2_ * t_ * (2 * d + 8);
  }

  double variance_of_draw(std::size_t e, std::size_t q) const {
    double const a2 = 4 * f_.square * f_.square, g2 = g_ * g_;
    double const target = q == of_mu ? g_ : s_ * t_;
    double const off_diagonal = h_ - a2 * d;
    switch (e) {
      case score:
      case score_mean:
      case score_best:
        return second_moment(q, A_ - baseline_[e - score][q]) / s2_ - target * target;
      case score_antithetic:
        return q == of_mu ? (d + 1) * g2 : second_moment(q, A_) / s2_ - d * g2 * (2 * d + 8) - target * target;
      case reparam:
        return q == of_mu ? s2_ * h1_ : d * g2 + 2 * s2_ * h_;
      case reparam_antithetic:
        return q == of_mu ? 0 : 2 * s2_ * h_;
      case mvd_coupled:
        return q == of_mu ? 4 / pi * (g2 + s2_ * (h1_ - a2)) - g2 : d * g2 + s2_ * (1.25 * off_diagonal + a2 * d);
      case mvd_independent:
        return q == of_mu ? ((4 + pi) * (g2 + s2_ * (h1_ - a2)) + 2 * s2_ * a2) / (2 * pi) - g2
                          : 4 * d * g2 + s2_ * (5 * off_diagonal + 2 * a2 * d);
      default:
        return nan;
    }
  }

  double kurtosis_of_draw(std::size_t e, std::size_t q) const {
    if (e == rloo || e >= mvd_coupled) return nan;
    if (!kurtosis_) kurtosis_ = kurtoses();
    return (*kurtosis_)[e * n_quantities + q];
  }

  /// Of all estimators that depend on e_1, the sum of the others and |e|^2 alone.
  std::array<double, n_estimators * n_quantities> kurtoses() const {
    std::array<DrawMoments, n_estimators * n_quantities> moments;
    for (std::size_t e = 0; e < n_estimators; ++e) {
      moments[e * n_quantities + of_mu] = DrawMoments(g_);
      moments[e * n_quantities + of_sigma] = DrawMoments(s_ * t_);
    }
    QuadratureRule const point{{0}, {1}};
    auto const first = normal_rule();
    auto const others = D_ > 1 ? normal_rule() : point;
    auto const rest = D_ > 2 ? chi_rule(d - 2) : point;
    double const root = std::sqrt(d - 1);
    for (std::size_t i = 0; i < first.size(); ++i)
      for (std::size_t j = 0; j < others.size(); ++j)
        for (std::size_t l = 0; l < rest.size(); ++l) {
          double const w = first.weight[i] * others.weight[j] * rest.weight[l];
          double const e1 = first.node[i], sum = e1 + root * others.node[j];
          double const square = e1 * e1 + others.node[j] * others.node[j] + rest.node[l] * rest.node[l];
          auto const add = [&](EstimatorNumber e, std::size_t q, double x) { moments[e * n_quantities + q].add(w, x); };
          double const up = value(sum, square), down = value(-sum, square);
          double const s_mu = e1 / s_, s_sigma = (square - d) / s_;
          for (auto const e : {score, score_mean, score_best}) {
            add(e, of_mu, (up - baseline_[e - score][of_mu]) * s_mu);
            add(e, of_sigma, (up - baseline_[e - score][of_sigma]) * s_sigma);
          }
          add(score_antithetic, of_mu, (up - down) / 2 * s_mu);
          add(score_antithetic, of_sigma, (up + down) / 2 * s_sigma);
          add(reparam, of_mu, derivative(e1, sum));
          add(reparam, of_sigma, path_of_sigma(sum, square));
          add(reparam_antithetic, of_mu, (derivative(e1, sum) + derivative(-e1, -sum)) / 2);
          add(reparam_antithetic, of_sigma, (path_of_sigma(sum, square) + path_of_sigma(-sum, square)) / 2);
        }
    std::array<double, n_estimators * n_quantities> result;
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = moments[i].kurtosis();
    return result;
  }

  /// f and its derivatives at mu + sigma e, by the sums of e and e^2.
  double value(double sum, double square) const {
    return f_(std::fma(s_, sum, d * mu_), std::fma(s2_, square, std::fma(2 * mu_ * s_, sum, d * mu_ * mu_)));
  }
  double derivative(double e, double sum) const { return f_.derivative(std::fma(s_, e, mu_), std::fma(s_, sum, d * mu_)); }
  /// e . grad f.
  double path_of_sigma(double sum, double square) const {
    return std::fma((2 * f_.square - f_.product) * s_, square, std::fma(f_.product * s_, sum, g_) * sum);
  }

  static void add_sums(arma::mat const& e, arma::vec& sum, arma::vec& square) {
    sum.zeros();
    square.zeros();
    for (arma::uword i = 0; i < e.n_cols; ++i) {
      double const* x = e.colptr(i);
      for (arma::uword r = 0; r < e.n_rows; ++r) {
        sum[r] += x[r];
        square[r] = std::fma(x[r], x[r], square[r]);
      }
    }
  }

  void by_scores_and_paths(Pack const& pack, Outputs& outputs, Context& context) const {
    auto const n = pack.size();
    auto stream = pack.stream();
    arma::mat e(n, D_);
    arma::vec sum(n), square(n);
    // Sums over draws: of f, of the scores (times sigma), of their products, and of what needs no baseline.
    enum { f, s_mu, s_sigma, fs_mu, fs_sigma, pair_mu, pair_sigma, path_mu, path_sigma, mean_mu, mean_sigma, n_sums };
    arma::mat sums(n, n_sums, arma::fill::zeros);
    double* column[n_sums];
    for (arma::uword i = 0; i < n_sums; ++i) column[i] = sums.colptr(i);
    for (std::uint64_t k = 0; k < K_; ++k) {
      stream.normals(e);
      add_sums(e, sum, square);
      bool const paired = k < K_ / 2;
      for (std::uint64_t r = 0; r < n; ++r) {
        double const e1 = e[r], up = value(sum[r], square[r]), R = square[r] - d;
        column[f][r] += up;
        column[s_mu][r] += e1;
        column[s_sigma][r] += R;
        column[fs_mu][r] = std::fma(up, e1, column[fs_mu][r]);
        column[fs_sigma][r] = std::fma(up, R, column[fs_sigma][r]);
        double const g1 = derivative(e1, sum[r]), path = path_of_sigma(sum[r], square[r]);
        column[path_mu][r] += g1;
        column[path_sigma][r] += path;
        if (!paired) continue;
        double const down = value(-sum[r], square[r]);
        column[pair_mu][r] = std::fma(up - down, e1, column[pair_mu][r]);
        column[pair_sigma][r] = std::fma(up + down, R, column[pair_sigma][r]);
        column[mean_mu][r] += g1 + derivative(-e1, -sum[r]);
        column[mean_sigma][r] += path + path_of_sigma(-sum[r], square[r]);
      }
      context.tick();
    }
    for (std::size_t q = 0; q < n_quantities; ++q) {
      double const *s = column[s_mu + q], *fs = column[fs_mu + q];
      for (auto const which : {score, score_mean, score_best}) {
        auto out = outputs.value(which, q);
        double const B = baseline_[which - score][q];
        for (std::uint64_t r = 0; r < n; ++r) out[r] = std::fma(-B, s[r], fs[r]) / (K * s_);
      }
      auto const leave = outputs.value(rloo, q), pair = outputs.value(score_antithetic, q), path = outputs.value(reparam, q),
                 mean = outputs.value(reparam_antithetic, q);
      for (std::uint64_t r = 0; r < n; ++r) {
        leave[r] = std::fma(-column[f][r] / K, s[r], fs[r]) / ((K - 1) * s_);
        pair[r] = column[pair_mu + q][r] / (K * s_);
        path[r] = column[path_mu + q][r] / K;
        mean[r] = column[mean_mu + q][r] / K;
      }
    }
  }

  void by_measures_of_mu(Pack const& pack, Outputs& outputs, Context& context) const {
    auto const n = pack.size();
    auto stream = pack.stream(rng::Purpose::draw, 1);
    arma::mat u(n, 2), e(n, D_ - 1);
    arma::vec sum(n), square(n), coupled(n, arma::fill::zeros), independent(n, arma::fill::zeros);
    for (std::uint64_t k = 0; k < K_; ++k) {
      stream.uniforms(u);
      if (D_ > 1) stream.normals(e);
      add_sums(e, sum, square);
      auto const at = [&](std::uint64_t r, double e1) { return value(sum[r] + e1, std::fma(e1, e1, square[r])); };
      for (std::uint64_t r = 0; r < n; ++r) {
        double const W = std::sqrt(-2 * simd::log(u(r, 0))), V = std::sqrt(-2 * simd::log(u(r, 1)));
        double const up = at(r, W);
        coupled[r] += up - at(r, -W);
        independent[r] += up - at(r, -V);
      }
      context.tick();
    }
    double const scale = 1 / (K * s_ * std::sqrt(2 * pi));
    for (std::uint64_t r = 0; r < n; ++r) {
      outputs.value(mvd_coupled, of_mu)[r] = coupled[r] * scale;
      outputs.value(mvd_independent, of_mu)[r] = independent[r] * scale;
    }
  }

  void by_measures_of_sigma(Pack const& pack, Outputs& outputs, Context& context) const {
    auto const n = pack.size();
    auto stream = pack.stream(rng::Purpose::draw, 2);
    arma::mat u(n, 2 * D_), x(n, D_), maxwell(n, D_), scaled(n, D_);
    arma::vec sum(n), square(n), coupled(n, arma::fill::zeros), independent(n, arma::fill::zeros);
    // f with each coordinate replaced in turn, less f.
    auto const add_replaced = [&](arma::mat const& base, arma::vec& to) {
      add_sums(base, sum, square);
      for (std::uint64_t i = 0; i < D_; ++i) {
        double const *b = base.colptr(i), *m = maxwell.colptr(i);
        for (std::uint64_t r = 0; r < n; ++r)
          to[r] += value(sum[r] + (m[r] - b[r]), std::fma(m[r] - b[r], m[r] + b[r], square[r])) - value(sum[r], square[r]);
      }
    };
    for (std::uint64_t k = 0; k < K_; ++k) {
      stream.uniforms(u);
      stream.normals(x);
      // The sign of a normal is independent of its square.
      for (arma::uword i = 0; i < x.n_elem; ++i) {
        maxwell[i] = std::copysign(std::sqrt(std::fma(x[i], x[i], -2 * simd::log(u[i]))), x[i]);
        scaled[i] = maxwell[i] * u[x.n_elem + i];
      }
      add_replaced(scaled, coupled);
      stream.normals(x);
      add_replaced(x, independent);
      context.tick();
    }
    for (std::uint64_t r = 0; r < n; ++r) {
      outputs.value(mvd_coupled, of_sigma)[r] = coupled[r] / (K * s_);
      outputs.value(mvd_independent, of_sigma)[r] = independent[r] / (K * s_);
    }
  }

  std::uint64_t K_, D_;
  double K, d, mu_, s_;
  Integrand f_;
  double A_, g_, t_, h1_, h_, s2_;
  std::array<std::array<double, n_quantities>, 3> baseline_;
  mutable std::optional<std::array<double, n_estimators * n_quantities>> kurtosis_;
};

class GradGauss final : public Experiment {
 public:
  std::string name() const override { return "grad_gauss"; }
  std::string question() const override {
    return "which estimator of the gradient of a Gaussian expectation has the smallest variance?";
  }
  std::string truth() const override {
    return "closed forms for quadratic integrands by Isserlis' theorem (cf. Mohamed et al., JMLR 21, 132 (2020))";
  }
  std::string conventions() const override {
    return "z ~ N(mu 1, sigma^2 I) in d dimensions; f = square |z|^2 + product sum_{i<j} z_i z_j + slope sum_i z_i + level. "
           "Gradients of E f with respect to mu_1 and to sigma, from k draws (k/2 pairs where antithetic).";
  }

  std::vector<Parameter> parameters() const override {
    return {integer("sample.k", 2, "draws K of one estimate, an even number").at_least(2).at_most(1e7),
            integer("gauss.d", 1, "dimensions").at_least(1).at_most(10000),
            real("gauss.mu", 0.7, "mean in each direction"),
            real("gauss.sigma", 1.3, "standard deviation").above(0),
            real("integrand.square", 0.8, "factor a of |z|^2"),
            real("integrand.product", 0, "factor k of the products of different z"),
            real("integrand.slope", -0.5, "factor b of the sum of z"),
            real("integrand.level", 2, "constant c, which baselines take away")};
  }
  void check(Parameters const& point) const override {
    if (point.integer("sample.k") % 2 != 0)
      throw InputError("sample.k", "sample.k = " + std::to_string(point.integer("sample.k")) + ": expected an even number");
  }

  std::vector<Estimator> estimators() const override {
    return {{"score", "f s, s = grad log q(z)"},
            {"score_mean", "(f - E f) s"},
            {"score_best", "(f - E[f s^2] / E[s^2]) s"},
            {"rloo", "(f - mean of the other draws) s"},
            {"score_antithetic", "f s, mean over z and its mirror image"},
            {"reparam", "df/dz dz/dtheta, z = mu + sigma e"},
            {"reparam_antithetic", "the same, mean over e and -e"},
            {"mvd_coupled", "difference of f under the positive and negative parts of grad q, coupled", 1},
            {"mvd_independent", "the same with independent draws", 1}};
  }
  std::vector<std::string> quantities() const override { return {"mu", "sigma"}; }
  std::string sample_size_key() const override { return "sample.k"; }

  std::unique_ptr<AtPoint const> at(Parameters const& point) const override {
    return std::make_unique<GradGaussAtPoint>(point);
  }
};

}  // namespace

std::unique_ptr<Experiment const> grad_gauss() { return std::make_unique<GradGauss>(); }

}  // namespace fermiac::estimators
