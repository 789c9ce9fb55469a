#include "fermiac/estimators/experiments/grad_bernoulli.hpp"

#include <algorithm>
#include <array>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <vector>

#include "fermiac/estimators/draw_moments.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::estimators {

namespace {

enum EstimatorNumber : std::size_t {
  reinforce,
  mean_baseline,
  best_baseline,
  rloo,
  straight_through,
  arm,
  disarm,
  concrete,
  rebar,
  rebar_best,
  rebar_coupled,
  rebar_coupled_best
};
constexpr std::size_t n_estimators = 12;

/// What is known of one draw.
struct DrawTruth {
  double mean = 0, variance = 0, kurtosis = 0;
  double skewness = std::numeric_limits<double>::quiet_NaN();  ///< only of what is biased
};

/// What a draw of the relaxed estimators consists of, at z on the side of b.
struct Relaxed {
  double value;     ///< f(w)
  double slope;     ///< df(w)/dphi where u is held
  double at_fixed;  ///< df(w)/dphi where v is held
};

/// Nodes on one side of z = 0, of the law of z given b.
struct Side {
  std::vector<Relaxed> at;
  std::vector<double> weight;
};

class GradBernoulliAtPoint final : public AtPoint {
 public:
  explicit GradBernoulliAtPoint(Parameters const& point)
      : K_(static_cast<std::uint64_t>(point.integer("sample.k"))),
        K(static_cast<double>(K_)),
        p(point.real("bernoulli.p")),
        q(1 - p),
        t_(point.real("integrand.t")),
        level_(point.real("integrand.level")),
        tau_(point.real("relaxation.tau")),
        eta_(point.real("rebar.eta")) {
    f_[0] = f(0);
    f_[1] = f(1);
    D_ = 1 - 2 * t_;
    Side const sides[] = {side(0, fine), side(1, fine)};
    best_eta_[0] = best_eta(sides, false);
    best_eta_[1] = best_eta(sides, true);
  }

  std::vector<double> targets() const override { return {p * q * D_}; }

  CellTruth truth(std::size_t e, std::size_t) const override {
    double const target = targets()[0];
    CellTruth truth;
    if (e == rloo) {
      truth = truth_of_rloo(target);
    } else if (e < concrete) {
      auto const one = of_draw(static_cast<EstimatorNumber>(e));
      truth = truth_of_average(K, one.mean, one.variance, one.kurtosis, target, one.skewness);
    } else {
      if (!relaxed_) relaxed_ = relaxed_truths();
      auto const& [one, rough] = (*relaxed_)[e - concrete];
      truth = truth_of_average(K, e == concrete ? one.mean : target, one.variance, one.kurtosis, target, one.skewness);
      if (e == concrete) truth.bias.error = std::abs(one.mean - rough.mean) + 1e-14;
      truth.variance.error = (std::abs(one.variance - rough.variance) + 1e-13 * one.variance) / K;
    }
    truth.scale = std::abs(f_[0]) + std::abs(f_[1]) + 1;
    return truth;
  }

  // Three sets of random numbers.
  std::vector<Test> independent() const override {
    return {{Measure::bias, reinforce, 0}, {Measure::bias, arm, 0}, {Measure::bias, concrete, 0}};
  }

  double draws() const override { return 10 * K; }
  /// Evaluations of f or of its derivative.
  double cost(std::size_t e) const override { return e == arm || e == disarm ? 2 * K : e >= rebar ? 3 * K : K; }

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    by_scores(pack, outputs, context);
    by_mirrored_pairs(pack, outputs, context);
    by_relaxation(pack, outputs, context);
  }

 private:
  static constexpr double fine = 1.0 / 32, coarse = 1.0 / 16;

  double f(double x) const { return std::fma(x - t_, x - t_, level_); }

  CellTruth truth_of_rloo(double target) const {
    CellTruth truth;
    double const pq = p * q;
    truth.bias.value = 0;
    truth.variance.value = D_ * D_ / K * (pq * (1 - 3 * pq) - pq * pq * (K - 3) / (K - 1));
    if (truth.variance.value > 0) {
      boost::math::binomial const ones(K, p);
      DrawMoments moments(target);
      for (std::uint64_t i = 0; i <= K_; ++i) {
        double const m = static_cast<double>(i);
        moments.add(pdf(ones, m), D_ * m * (K - m) / (K * (K - 1)));
      }
      truth.kurtosis = moments.kurtosis();
      truth.variance_rate = truth.mse_rate = -1;
    }
    return truth;
  }

  DrawTruth of_draw(EstimatorNumber e) const {
    double const pq = p * q, larger = std::max(p, q), smaller = std::min(p, q);
    double const middle = q * f_[1] + p * f_[0];
    // Of a value taken with this probability against another one.
    auto const two_points = [](double mean, double variance, double probability) {
      double const both = probability * (1 - probability);
      return DrawTruth{mean, variance, (1 - 3 * both) / both};
    };
    switch (e) {
      case reinforce:
        return two_points(pq * D_, pq * middle * middle, p);
      case mean_baseline:
        return two_points(pq * D_, pq * (1 - 2 * p) * (1 - 2 * p) * D_ * D_, p);
      case best_baseline:
        return two_points(pq * D_, 0, p);
      case straight_through:
        return {pq * 2 * (p - t_), 4 * pq * pq * pq, (1 - 3 * pq) / pq, (1 - 2 * p) / std::sqrt(pq)};
      case disarm:
        return two_points(pq * D_, D_ * D_ * pq * (larger / 2 - pq), 2 * smaller);
      default: {  // arm: D |u - 1/2| where that is above 1/2 - m
        double raw[5];
        double top = 1, low = 1;
        for (int k = 0; k < 5; ++k) {
          top *= 0.5;
          low *= 0.5 - smaller;
          raw[k] = 2 * (top - low) / (k + 1);
        }
        double const m = raw[1];
        double const variance = raw[2] - m * m;
        double const fourth = raw[4] - 4 * m * raw[3] + 6 * m * m * raw[2] - 3 * m * m * m * m;
        return {pq * D_, D_ * D_ * variance, fourth / (variance * variance)};
      }
    }
  }

  Relaxed relaxed(double z, double b, double y_or_one_less_y) const {
    double const w = simd::sigmoid(z / tau_);
    double const slope = 2 * (w - t_) * w * (1 - w) / tau_;
    // y = sigmoid(z - phi) is q + v p or q (1 - v): at fixed v, dz/dphi is 1 - q / y where b = 1, 1 - p / (1 - y) where b = 0.
    return {f(w), slope, slope * (1 - (b == 1 ? q : p) / y_or_one_less_y)};
  }

  /// At y = q + p x where b = 1, at y = q (1 - x) where b = 0, accurate on both ends.
  Relaxed relaxed_at(double b, double x, double one_less_x) const {
    double const here = b == 1 ? p : q, there = b == 1 ? q : p;
    // |z| = log(1 + x here / there) - log(1 - x).
    double const size = simd::log1p(x * here / there) - simd::log(one_less_x);
    return relaxed(b == 1 ? size : -size, b, there + here * x);
  }

  /// Double exponential quadrature over x of (0, 1).
  Side side(double b, double step) const {
    Side result;
    auto const half = static_cast<int>(std::lround(3.75 / step));
    double total = 0;
    for (int i = -half; i <= half; ++i) {
      double const s = i * step, e = simd::exp(s);
      double const v = std::numbers::pi * (e - 1 / e) / 2;
      double const x = simd::sigmoid(v), one_less_x = simd::sigmoid(-v);
      double const weight = x * one_less_x * (e + 1 / e);
      if (!(weight > 1e-40)) continue;
      result.at.push_back(relaxed_at(b, x, one_less_x));
      result.weight.push_back(weight);
      total += weight;
    }
    for (double& weight : result.weight) weight /= total;
    return result;
  }

  /// The part of rebar that comes with u, and that with z~.
  static double of_u(Relaxed const& z) { return z.slope; }
  double of_v(Relaxed const& z, double b) const { return z.value * (b - p) + z.at_fixed; }

  double best_eta(Side const (&sides)[2], bool coupled) const {
    double square = 0, product = 0;
    for (int b = 0; b < 2; ++b) {
      double const probability = b == 1 ? p : q, score = f_[b] * (b - p);
      double u1 = 0, u2 = 0, v1 = 0, v2 = 0, uv = 0;
      for (std::size_t i = 0; i < sides[b].at.size(); ++i) {
        double const weight = sides[b].weight[i], u = of_u(sides[b].at[i]), v = of_v(sides[b].at[i], b);
        u1 += weight * u;
        u2 += weight * u * u;
        v1 += weight * v;
        v2 += weight * v * v;
        uv += weight * u * v;
      }
      product += probability * score * (u1 - v1);
      square += probability * (u2 + v2 - 2 * (coupled ? uv : u1 * v1));
    }
    // The mean of what eta multiplies is 0.
    return square > 0 ? -product / square : 0.0;
  }

  std::array<DrawTruth, 5> relaxed_truths(double step) const {
    Side const sides[] = {side(0, step), side(1, step)};
    double const target = p * q * D_;
    std::array<DrawMoments, 5> moments;
    moments.fill(DrawMoments(target));
    double const etas[] = {0, eta_, best_eta_[0], eta_, best_eta_[1]};
    for (int b = 0; b < 2; ++b) {
      double const probability = b == 1 ? p : q, score = f_[b] * (b - p);
      auto const& [at, weight] = sides[b];
      for (std::size_t i = 0; i < at.size(); ++i) {
        double const w = probability * weight[i], u = of_u(at[i]);
        moments[0].add(w, u);
        for (int k : {3, 4}) moments[k].add(w, score + etas[k] * (u - of_v(at[i], b)));
        for (std::size_t j = 0; j < at.size(); ++j)
          for (int k : {1, 2}) moments[k].add(w * weight[j], score + etas[k] * (u - of_v(at[j], b)));
      }
    }
    std::array<DrawTruth, 5> result;
    for (std::size_t k = 0; k < 5; ++k)
      result[k] = {moments[k].mean(), moments[k].variance(), moments[k].kurtosis(), moments[k].skewness()};
    return result;
  }

  std::array<std::pair<DrawTruth, DrawTruth>, 5> relaxed_truths() const {
    auto const with_fine = relaxed_truths(fine), with_coarse = relaxed_truths(coarse);
    std::array<std::pair<DrawTruth, DrawTruth>, 5> result;
    for (std::size_t k = 0; k < 5; ++k) result[k] = {with_fine[k], with_coarse[k]};
    return result;
  }

  /// Calls `add(u, v)` with columns of uniforms for each of the K draws.
  template <typename Add>
  void with_uniforms(Pack const& pack, std::uint64_t walker, arma::uword per_draw, Context& context, Add add) const {
    auto stream = pack.stream(rng::Purpose::draw, walker);
    constexpr std::uint64_t at_once = 32;
    for (std::uint64_t done = 0; done < K_; done += at_once) {
      arma::mat u(pack.size(), std::min(at_once, K_ - done) * per_draw);
      stream.uniforms(u);
      for (arma::uword k = 0; k < u.n_cols; k += per_draw) add(u.colptr(k), u.colptr(k + per_draw - 1));
      context.tick();
    }
  }

  void by_scores(Pack const& pack, Outputs& outputs, Context& context) const {
    auto const n = pack.size();
    arma::vec sum_b(n, arma::fill::zeros), sum_f = sum_b, sum_fb = sum_b;
    double const f0 = f_[0], f1 = f_[1], below = q;
    with_uniforms(pack, 0, 1, context, [&](double const* u, double const*) {
      for (std::uint64_t r = 0; r < n; ++r) {
        bool const b = u[r] > below;
        sum_b[r] += b ? 1.0 : 0.0;
        sum_f[r] += b ? f1 : f0;
        sum_fb[r] += b ? f1 : 0.0;
      }
    });
    double const baseline[] = {0, p * f1 + q * f0, q * f1 + p * f0};
    auto const leave = outputs.value(rloo), through = outputs.value(straight_through);
    for (std::uint64_t r = 0; r < n; ++r) {
      double const mean_b = sum_b[r] / K;
      double const fs = std::fma(-p, sum_f[r], sum_fb[r]);
      for (std::size_t e = reinforce; e <= best_baseline; ++e) outputs.value(e)[r] = std::fma(-baseline[e], mean_b - p, fs / K);
      leave[r] = std::fma(-sum_f[r], mean_b, sum_fb[r]) / (K - 1);
      through[r] = p * q * 2 * (mean_b - t_);
    }
  }

  void by_mirrored_pairs(Pack const& pack, Outputs& outputs, Context& context) const {
    auto const n = pack.size();
    arma::vec weighted(n, arma::fill::zeros), counted(n, arma::fill::zeros);
    double const f0 = f_[0], f1 = f_[1], one = p, other = q;
    with_uniforms(pack, 1, 1, context, [&](double const* u, double const*) {
      for (std::uint64_t r = 0; r < n; ++r) {
        bool const b = u[r] > other, mirrored = u[r] < one;
        double const difference = (b ? f1 : f0) - (mirrored ? f1 : f0);
        weighted[r] = std::fma(difference, u[r] - 0.5, weighted[r]);
        counted[r] += mirrored ? -difference : difference;
      }
    });
    for (std::uint64_t r = 0; r < n; ++r) {
      outputs.value(arm)[r] = weighted[r] / K;
      outputs.value(disarm)[r] = counted[r] / K * std::max(p, q) / 2;
    }
  }

  void by_relaxation(Pack const& pack, Outputs& outputs, Context& context) const {
    auto const n = pack.size();
    arma::vec score(n, arma::fill::zeros), slope = score, apart = score, coupled = score;
    with_uniforms(pack, 2, 2, context, [&](double const* u, double const* v) {
      for (std::uint64_t r = 0; r < n; ++r) {
        double const b = u[r] > q ? 1.0 : 0.0;
        // Distances from z = 0 in units of this side.
        double const x = b == 1 ? (u[r] - q) / p : (q - u[r]) / q;
        double const one_less_x = b == 1 ? (1 - u[r]) / p : u[r] / q;
        auto const z = relaxed_at(b, x, one_less_x);
        auto const other = relaxed_at(b, v[r], 1 - v[r]);
        score[r] += (b == 1 ? f_[1] : f_[0]) * (b - p);
        slope[r] += z.slope;
        apart[r] += of_v(other, b);
        coupled[r] += of_v(z, b);
      }
    });
    for (std::uint64_t r = 0; r < n; ++r) {
      outputs.value(concrete)[r] = slope[r] / K;
      outputs.value(rebar)[r] = std::fma(eta_, slope[r] - apart[r], score[r]) / K;
      outputs.value(rebar_best)[r] = std::fma(best_eta_[0], slope[r] - apart[r], score[r]) / K;
      outputs.value(rebar_coupled)[r] = std::fma(eta_, slope[r] - coupled[r], score[r]) / K;
      outputs.value(rebar_coupled_best)[r] = std::fma(best_eta_[1], slope[r] - coupled[r], score[r]) / K;
    }
  }

  std::uint64_t K_;
  double K, p, q, t_, level_, tau_, eta_, D_;
  double f_[2], best_eta_[2];
  mutable std::optional<std::array<std::pair<DrawTruth, DrawTruth>, 5>> relaxed_;
};

class GradBernoulli final : public Experiment {
 public:
  std::string name() const override { return "grad_bernoulli"; }
  std::string question() const override {
    return "which estimator of the gradient of a Bernoulli expectation is best, at which temperature and weight?";
  }
  std::string truth() const override {
    return "enumeration, closed forms (Yin & Zhou 2019; Dong et al. 2020), quadrature for relaxations (Tucker et al. 2017)";
  }
  std::string conventions() const override {
    return "b ~ Bernoulli(p), p = sigmoid(phi); f(x) = (x - t)^2 + level; the gradient of E f(b) with respect to phi, from k "
           "draws; w = sigmoid((phi + logit u) / tau).";
  }

  std::vector<Parameter> parameters() const override {
    return {integer("sample.k", 2, "draws K of one estimate").at_least(2).at_most(1e6),
            real("bernoulli.p", 0.3, "probability of 1").above(0).at_most(0.999999),
            real("integrand.t", 0.45, "where f is least").at_least(-1e6).at_most(1e6),
            real("integrand.level", 0, "constant that baselines take away"),
            real("relaxation.tau", 0.5, "temperature").at_least(0.01).at_most(1000),
            real("rebar.eta", 1, "weight of the control variate")};
  }

  std::vector<Estimator> estimators() const override {
    return {{"reinforce", "f(b) (b - p)"},
            {"mean_baseline", "(f(b) - E f) (b - p)"},
            {"best_baseline", "(f(b) - q f(1) - p f(0)) (b - p)"},
            {"rloo", "(f(b) - mean of the other draws) (b - p)"},
            {"straight_through", "p q f'(b)"},
            {"arm", "(f([u > q]) - f([u < p])) (u - 1/2)", 1},
            {"disarm", "arm averaged over u given both b", 1},
            {"concrete", "df(w)/dphi", 2},
            {"rebar", "f(b)(b - p) + eta (-f(w~)(b - p) + df(w)/dphi - df(w~)/dphi)", 2},
            {"rebar_best", "the same with the best eta", 2},
            {"rebar_coupled", "rebar with z~ = z", 2},
            {"rebar_coupled_best", "the same with the best eta", 2}};
  }
  std::vector<std::string> quantities() const override { return {"phi"}; }
  std::string sample_size_key() const override { return "sample.k"; }

  std::unique_ptr<AtPoint const> at(Parameters const& point) const override {
    return std::make_unique<GradBernoulliAtPoint>(point);
  }
};

}  // namespace

std::unique_ptr<Experiment const> grad_bernoulli() { return std::make_unique<GradBernoulli>(); }

}  // namespace fermiac::estimators
