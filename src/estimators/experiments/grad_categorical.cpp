#include "fermiac/estimators/experiments/grad_categorical.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/estimators/draw_moments.hpp"
#include "fermiac/estimators/gumbel_softmax.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::estimators {

namespace {

enum EstimatorNumber : std::size_t {
  score,
  score_mean,
  score_best,
  rloo,
  straight_through,
  rao_blackwell,
  gumbel_softmax,
  gumbel_straight
};

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t n_quantities = 2;

class GradCategoricalAtPoint final : public AtPoint {
 public:
  explicit GradCategoricalAtPoint(Parameters const& point)
      : K_(static_cast<std::uint64_t>(point.integer("sample.k"))),
        C_(static_cast<std::size_t>(point.integer("categorical.classes"))),
        n_summed_(static_cast<std::size_t>(point.integer("rao_blackwell.summed"))),
        K(static_cast<double>(K_)),
        tau_(point.real("relaxation.tau")),
        p_(C_),
        log_p_(C_),
        c_(C_),
        f_(C_),
        class_of_{0, C_ - 1} {
    double const spread = point.real("categorical.spread");
    double total = 0;
    for (std::size_t k = 0; k < C_; ++k) {
      double const place = static_cast<double>(k);
      log_p_[k] = spread * ((place + 0.5) / static_cast<double>(C_) - 0.5);
      p_[k] = simd::exp(log_p_[k]);
      total += p_[k];
      c_[k] = simd::sincos(2 * place).cos;
      f_[k] = c_[k] + point.real("integrand.level");
    }
    for (std::size_t k = 0; k < C_; ++k) {
      p_[k] /= total;
      log_p_[k] -= simd::log(total);
      mean_ += p_[k] * f_[k];
      largest_ = std::max(largest_, std::abs(f_[k]));
    }
    for (std::size_t q = 0; q < n_quantities; ++q) {
      double top = 0, bottom = 0;
      for (std::size_t k = 0; k < C_; ++k) {
        double const weight = p_[k] * s(k, q) * s(k, q);
        top += weight * f_[k];
        bottom += weight;
        if (k >= C_ - n_summed_) summed_[q] += p_[k] * f_[k] * s(k, q);
      }
      baseline_[0][q] = 0;
      baseline_[1][q] = mean_;
      baseline_[2][q] = top / bottom;
    }
    for (std::size_t k = 0; k < C_ - n_summed_; ++k) rest_ += p_[k];
  }

  std::vector<double> targets() const override { return {target(0), target(1)}; }

  CellTruth truth(std::size_t e, std::size_t q) const override {
    CellTruth truth;
    if (e == rloo) {
      double m = 0, variance = 0;
      for (std::size_t k = 0; k < C_; ++k) {
        double const d = f_[k] - mean_;
        variance += p_[k] * d * d;
        m += p_[k] * d * d * s(k, q) * s(k, q);
      }
      double const own = p_[class_of_[q]], g = target(q);
      truth = truth_of_average(K, g, m - g * g * (K - 2) / (K - 1) + variance * own * (1 - own) / (K - 1), nan, g);
    } else if (e < gumbel_softmax) {
      truth = enumerated(e, q);
    } else {
      if (relaxed_.empty()) relaxed_ = gumbel_softmax_moments(p_, c_, tau_, class_of_);
      auto const& one = e == gumbel_softmax ? relaxed_[q].soft : relaxed_[q].hard;
      truth = truth_of_average(K, one.mean, one.second - one.mean * one.mean, nan, target(q));
      truth.bias.error = one.mean_error + 1e-14;
      truth.variance.error = (one.second_error + 2 * std::abs(one.mean) * one.mean_error + 1e-13 * one.second) / K;
    }
    truth.scale = largest_;
    return truth;
  }

  // Three sets of random numbers.
  std::vector<Test> independent() const override {
    return {{Measure::bias, score, 0}, {Measure::bias, rao_blackwell, 0}, {Measure::bias, gumbel_softmax, 0}};
  }

  double draws() const override { return K * (2 + 4 * static_cast<double>(C_)); }
  /// Evaluations of f or of its gradient.
  double cost(std::size_t e) const override { return e == rao_blackwell ? K + static_cast<double>(n_summed_) : K; }

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    by_scores(pack, outputs, context);
    by_rest(pack, outputs, context);
    by_relaxation(pack, outputs, context);
  }

 private:
  double s(std::size_t z, std::size_t q) const { return (z == class_of_[q] ? 1.0 : 0.0) - p_[class_of_[q]]; }
  double target(std::size_t q) const { return p_[class_of_[q]] * (f_[class_of_[q]] - mean_); }

  CellTruth enumerated(std::size_t e, std::size_t q) const {
    DrawMoments moments(target(q));
    for (std::size_t k = 0; k < C_; ++k) switch (e) {
        case straight_through:
          moments.add(p_[k], 2 * c_[k] * p_[k] * s(k, q));
          break;
        case rao_blackwell:
          if (k < C_ - n_summed_) moments.add(p_[k] / rest_, summed_[q] + rest_ * f_[k] * s(k, q));
          break;
        default:
          moments.add(p_[k], (f_[k] - baseline_[e][q]) * s(k, q));
      }
    // One class is left, or all values are the same: what remains is rounding.
    double const variance = moments.variance() > 1e-26 * largest_ * largest_ ? moments.variance() : 0;
    return truth_of_average(K, e == straight_through ? moments.mean() : target(q), variance, moments.kurtosis(), target(q),
                            moments.skewness());
  }

  /// Calls `add(u)` with a column of uniforms for each of the K draws.
  template <typename Add>
  void with_uniforms(Pack const& pack, std::uint64_t walker, Context& context, Add add) const {
    auto stream = pack.stream(rng::Purpose::draw, walker);
    constexpr std::uint64_t at_once = 32;
    for (std::uint64_t done = 0; done < K_; done += at_once) {
      arma::mat u(pack.size(), std::min(at_once, K_ - done));
      stream.uniforms(u);
      for (arma::uword k = 0; k < u.n_cols; ++k) add(u.colptr(k));
      context.tick();
    }
  }

  /// Probabilities of the classes before each, of `n` classes with this probability together.
  std::vector<double> limits(std::size_t n, double together) const {
    std::vector<double> limit(n);
    double sum = 0;
    for (std::size_t k = 0; k < n; ++k) {
      limit[k] = sum / together;
      sum += p_[k];
    }
    return limit;
  }

  void by_scores(Pack const& pack, Outputs& outputs, Context& context) const {
    auto const n = pack.size();
    auto const limit = limits(C_, 1);
    arma::vec f(n), slope(n), sum_f(n, arma::fill::zeros), sum_slope = sum_f;
    arma::mat is(n, n_quantities), hits(n, n_quantities, arma::fill::zeros), fs = hits, slopes = hits;
    with_uniforms(pack, 0, context, [&](double const* u) {
      f.fill(f_[0]);
      slope.fill(2 * c_[0] * p_[0]);
      for (std::size_t k = 1; k < C_; ++k)
        for (std::uint64_t r = 0; r < n; ++r) {
          f[r] = u[r] > limit[k] ? f_[k] : f[r];
          slope[r] = u[r] > limit[k] ? 2 * c_[k] * p_[k] : slope[r];
        }
      for (std::uint64_t r = 0; r < n; ++r) {
        is(r, 0) = u[r] > limit[1] ? 0.0 : 1.0;
        is(r, 1) = u[r] > limit[C_ - 1] ? 1.0 : 0.0;
        sum_f[r] += f[r];
        sum_slope[r] += slope[r];
        for (std::size_t q = 0; q < n_quantities; ++q) {
          hits(r, q) += is(r, q);
          fs(r, q) = std::fma(f[r], is(r, q), fs(r, q));
          slopes(r, q) = std::fma(slope[r], is(r, q), slopes(r, q));
        }
      }
    });
    for (std::size_t q = 0; q < n_quantities; ++q) {
      double const own = p_[class_of_[q]];
      for (std::uint64_t r = 0; r < n; ++r) {
        double const product = std::fma(-own, sum_f[r], fs(r, q)), sum_s = std::fma(-own, K, hits(r, q));
        for (std::size_t e : {score, score_mean, score_best})
          outputs.value(e, q)[r] = std::fma(-baseline_[e][q], sum_s, product) / K;
        outputs.value(rloo, q)[r] = std::fma(-sum_f[r] / K, sum_s, product) / (K - 1);
        outputs.value(straight_through, q)[r] = std::fma(-own, sum_slope[r], slopes(r, q)) / K;
      }
    }
  }

  void by_rest(Pack const& pack, Outputs& outputs, Context& context) const {
    auto const n = pack.size();
    auto const limit = limits(C_ - n_summed_, rest_);
    arma::mat value(n, n_quantities), sum(n, n_quantities, arma::fill::zeros);
    with_uniforms(pack, 1, context, [&](double const* u) {
      for (std::size_t q = 0; q < n_quantities; ++q) {
        double *v = value.colptr(q), *to = sum.colptr(q);
        std::fill_n(v, n, f_[0] * s(0, q));
        for (std::size_t k = 1; k < limit.size(); ++k) {
          double const here = f_[k] * s(k, q), from = limit[k];
          for (std::uint64_t r = 0; r < n; ++r) v[r] = u[r] > from ? here : v[r];
        }
        for (std::uint64_t r = 0; r < n; ++r) to[r] += v[r];
      }
    });
    for (std::size_t q = 0; q < n_quantities; ++q)
      for (std::uint64_t r = 0; r < n; ++r) outputs.value(rao_blackwell, q)[r] = std::fma(rest_ / K, sum(r, q), summed_[q]);
  }

  void by_relaxation(Pack const& pack, Outputs& outputs, Context& context) const {
    auto const n = pack.size();
    auto stream = pack.stream(rng::Purpose::draw, 2);
    arma::mat x(n, C_), soft(n, n_quantities, arma::fill::zeros), hard = soft;
    arma::vec largest(n), total(n), weighted(n), chosen_x(n), chosen_c(n);
    for (std::uint64_t k = 0; k < K_; ++k) {
      stream.uniforms(x);
      largest.fill(-std::numeric_limits<double>::infinity());
      for (std::size_t a = 0; a < C_; ++a) {
        double* column = x.colptr(a);
        double const log_p = log_p_[a];
        for (std::uint64_t r = 0; r < n; ++r) {
          column[r] = log_p - simd::log(-simd::log(column[r]));
          largest[r] = column[r] > largest[r] ? column[r] : largest[r];
        }
      }
      total.zeros();
      for (std::size_t a = 0; a < C_; ++a) {
        double* column = x.colptr(a);
        double const c = c_[a];
        for (std::uint64_t r = 0; r < n; ++r) {
          chosen_c[r] = column[r] == largest[r] ? c : chosen_c[r];
          column[r] = simd::exp((column[r] - largest[r]) / tau_);
          total[r] += column[r];
        }
      }
      weighted.zeros();
      for (std::size_t a = 0; a < C_; ++a) {
        double* column = x.colptr(a);
        double const c = c_[a];
        for (std::uint64_t r = 0; r < n; ++r) {
          column[r] /= total[r];
          weighted[r] = std::fma(c * column[r], column[r], weighted[r]);
        }
      }
      for (std::uint64_t r = 0; r < n; ++r) chosen_x[r] = 1 / total[r];
      for (std::size_t q = 0; q < n_quantities; ++q) {
        double const* own = x.colptr(class_of_[q]);
        double const c = c_[class_of_[q]];
        double *to_soft = soft.colptr(q), *to_hard = hard.colptr(q);
        for (std::uint64_t r = 0; r < n; ++r) {
          to_soft[r] = std::fma(own[r], std::fma(c, own[r], -weighted[r]), to_soft[r]);
          // Where the largest is this class itself, its x is that of the chosen one.
          double const is = own[r] == chosen_x[r] && chosen_c[r] == c ? 1.0 : 0.0;
          to_hard[r] = std::fma(chosen_c[r] * chosen_x[r], is - own[r], to_hard[r]);
        }
      }
      context.tick();
    }
    for (std::size_t q = 0; q < n_quantities; ++q)
      for (std::uint64_t r = 0; r < n; ++r) {
        outputs.value(gumbel_softmax, q)[r] = soft(r, q) * (2 / tau_) / K;
        outputs.value(gumbel_straight, q)[r] = hard(r, q) * (2 / tau_) / K;
      }
  }

  std::uint64_t K_;
  std::size_t C_, n_summed_;
  double K, tau_;
  std::vector<double> p_, log_p_, c_, f_;
  std::array<std::size_t, n_quantities> class_of_;
  double mean_ = 0, rest_ = 0, largest_ = 1;
  std::array<double, n_quantities> summed_{};
  std::array<std::array<double, n_quantities>, 3> baseline_;
  mutable std::vector<GumbelMoments> relaxed_;
};

class GradCategorical final : public Experiment {
 public:
  std::string name() const override { return "grad_categorical"; }
  std::string question() const override {
    return "which estimator of the gradient of a categorical expectation is best, for rare and for common classes?";
  }
  std::string truth() const override {
    return "enumeration; Gumbel-softmax (Jang, Gu & Poole 2017) by a Laplace transform and quadrature";
  }
  std::string conventions() const override {
    return "z has logits spread ((k + 1/2)/C - 1/2), k = 0 ... C - 1; f(x) = sum_k cos(2 k) x_k^2 + level; gradients of E f(z) "
           "with respect to the logits of the first (rarest) and the last (commonest) class, from k draws.";
  }

  std::vector<Parameter> parameters() const override {
    return {integer("sample.k", 2, "draws K of one estimate").at_least(2).at_most(1e6),
            integer("categorical.classes", 4, "classes C").at_least(2).at_most(1000),
            real("categorical.spread", 3, "difference of the logits of neighbours, times C").at_least(0).at_most(50),
            real("integrand.level", 0, "constant that baselines take away"),
            real("relaxation.tau", 0.5, "temperature").at_least(0.02).at_most(100),
            integer("rao_blackwell.summed", 1, "most probable classes that are summed").at_least(0)};
  }
  void check(Parameters const& point) const override {
    if (point.integer("rao_blackwell.summed") >= point.integer("categorical.classes"))
      throw InputError("rao_blackwell.summed",
                       "rao_blackwell.summed = " + std::to_string(point.integer("rao_blackwell.summed")) +
                           ": expected less than categorical.classes");
  }

  std::vector<Estimator> estimators() const override {
    return {{"score", "f(z) s, s = [z = j] - p_j"},
            {"score_mean", "(f(z) - E f) s"},
            {"score_best", "(f(z) - E[f s^2] / E[s^2]) s"},
            {"rloo", "(f(z) - mean of the other draws) s"},
            {"straight_through", "f'(corner of z) . dp/dtheta"},
            {"rao_blackwell", "the most probable classes summed, f(z) s of the others", 1},
            {"gumbel_softmax", "d/dtheta f(softmax((theta + g) / tau))", 2},
            {"gumbel_straight", "f'(corner of z) . d/dtheta softmax((theta + g) / tau)", 2}};
  }
  std::vector<std::string> quantities() const override { return {"first", "last"}; }
  std::string sample_size_key() const override { return "sample.k"; }

  std::unique_ptr<AtPoint const> at(Parameters const& point) const override {
    return std::make_unique<GradCategoricalAtPoint>(point);
  }
};

}  // namespace

std::unique_ptr<Experiment const> grad_categorical() { return std::make_unique<GradCategorical>(); }

}  // namespace fermiac::estimators
