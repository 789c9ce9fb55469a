#include "fermiac/estimators/experiments/iwae.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <utility>
#include <vector>

#include "fermiac/estimators/draw_moments.hpp"
#include "fermiac/simd/functions.hpp"
#include "fermiac/simd/sum.hpp"

namespace fermiac::estimators {

namespace {

enum EstimatorNumber : std::size_t { elbo, iwae_bound, iwae_controlled, jackknife, stl, iwae_stl, dreg };
enum QuantityNumber : std::size_t { bound, evidence, d_w, d_a };

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double zeta_of_3 = 1.2020569031595943;

/// A function of the normal number e: value + slope e + curve e^2.
struct Quadratic {
  double value, slope, curve;

  double operator()(double e) const { return std::fma(std::fma(curve, e, slope), e, value); }
  double mean() const { return value + curve; }
  double variance() const { return slope * slope + 2 * curve * curve; }
  double skewness() const {
    double const v = variance();
    return curve * (6 * slope * slope + 8 * curve * curve) / (v * std::sqrt(v));
  }
  double kurtosis() const {
    double const c2 = curve * curve, v = variance();
    return 3 + 48 * c2 * (c2 + slope * slope) / (v * v);
  }
};

/// Mean and central moments.
struct Central {
  double mean, variance, third, fourth;

  static Central from_raw(std::array<double, 4> const& m) {
    double const a = m[0], a2 = a * a;
    return {a, m[1] - a2, m[2] - 3 * a * m[1] + 2 * a * a2, m[3] - 4 * a * m[2] + 6 * a2 * m[1] - 3 * a2 * a2};
  }
};

/// What integrals over t give.
struct Integrals {
  Central log;                      ///< of log W
  double log_without_one = 0;       ///< E log W of K - 1 weights
  double weighted_log = 0;          ///< E W log W
  std::array<Central, 4> gradient;  ///< by weights h_w, h_a, h_p; by squared weights h_p
};

class IwaeAtPoint final : public AtPoint {
 public:
  explicit IwaeAtPoint(Parameters const& point)
      : K_(static_cast<std::uint64_t>(point.integer("sample.k"))),
        K(static_cast<double>(K_)),
        rho_(point.real("proposal.ratio")),
        delta_(point.real("proposal.shift")) {
    double const w = point.real("model.w"), r = point.real("model.r"), x = point.real("model.x");
    double const total = w * w + r;
    v_ = r / total;
    S_ = rho_ * v_;
    double const m = w * x / total, a = m + delta_ * std::sqrt(v_), s = std::sqrt(S_);
    log_p_ = -(x * x / total + simd::log(2 * std::numbers::pi * total)) / 2;
    score_ = w * (x * x / total - 1) / total;
    log_omega_ = {(simd::log(rho_) - delta_ * delta_) / 2, -delta_ * std::sqrt(rho_), (1 - rho_) / 2};
    h_w_ = {a * (x - w * a) / r, s * (x - 2 * w * a) / r, -w * S_ / r};
    h_a_ = {-delta_ / std::sqrt(v_), -s / v_, 0};
    h_p_ = {-delta_ / std::sqrt(v_), (1 - rho_) / s, 0};
    is_posterior_ = rho_ == 1 && delta_ == 0;
  }

  std::vector<double> targets() const override { return {log_p_, 1, score_, 0}; }

  CellTruth truth(std::size_t e, std::size_t q) const override {
    CellTruth truth;
    switch (q) {
      case bound:
        truth = truth_of_bound(e);
        break;
      case evidence:
        truth = truth_of_evidence(e);
        break;
      default:
        truth = truth_of_gradient(e, q);
    }
    // Logarithms and ratios of weights have all moments, but within a deviation or many their tails are those of the weights.
    bool const has_weights = K_ > 1 && e != elbo && e != stl;
    if (has_weights && finite_moments() <= 8) truth.finite_moments = std::min(truth.finite_moments, 8.0);
    truth.scale = 10 + std::abs(log_p_) + 10 / std::sqrt(S_);
    if (truth.bias.is_known() && truth.bias.value != 0 && std::isnan(truth.bias_rate)) truth.bias_rate = 0;
    return truth;
  }

  // All use the same draws.
  std::vector<Test> independent() const override { return {{Measure::bias, iwae_bound, bound}}; }

  double draws() const override { return 12 * K; }
  double cost(std::size_t) const override { return K; }

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    // Some rows at a time, so that their weights stay in the cache.
    std::uint64_t const at_once = std::max<std::uint64_t>(1, 65536 / K_);
    for (std::uint64_t first = 0; first < pack.size(); first += at_once) {
      auto const begin = pack.replicates.first + first;
      Pack const rows{pack.key, {begin, std::min(begin + at_once, pack.replicates.last)}};
      replicate_rows(rows, first, outputs, context);
    }
  }

 private:
  static CellTruth none() {
    CellTruth truth;
    truth.reported = false;
    return truth;
  }

  /// E omega^s is finite for s below this.
  double finite_moments() const { return rho_ < 1 ? 1 / (1 - rho_) : std::numeric_limits<double>::infinity(); }

  double moment_of_weight(double s) const {
    double const rest = 1 - s * (1 - rho_);
    return simd::exp(s * log_omega_.value + s * s * log_omega_.slope * log_omega_.slope / (2 * rest)) / std::sqrt(rest);
  }
  double chi_square() const { return finite_moments() > 2 ? moment_of_weight(2) - 1 : nan; }

  CellTruth truth_of_bound(std::size_t e) const {
    if (e > jackknife) return none();
    auto truth = e == elbo ? truth_of_average(K, log_p_ + log_omega_.mean(), log_omega_.variance(), log_omega_.kurtosis(),
                                              log_p_, log_omega_.skewness())
                           : CellTruth{};
    if (e == elbo) return truth;
    if (is_posterior_) {
      truth.bias.value = truth.variance.value = 0;
      return truth;
    }
    auto const& [fine, coarse] = integrals();
    bool const is_regular = finite_moments() > 2;
    if (e == jackknife) {
      auto const bias = [&](Integrals const& i) { return K_ == 1 ? i.log.mean : K * i.log.mean - (K - 1) * i.log_without_one; };
      truth.bias = {bias(fine), std::abs(bias(fine) - bias(coarse)) + 1e-12 * K};
      if (finite_moments() > 3) truth.bias_rate = -2;
      if (is_regular) truth.variance_rate = truth.mse_rate = -1;
      return truth;
    }
    truth.bias = {fine.log.mean, std::abs(fine.log.mean - coarse.log.mean) + 1e-13};
    if (is_regular) truth.bias_rate = -1;
    auto const variance = [&](Integrals const& i) {
      double const plain = i.log.variance;
      return e == iwae_bound ? plain : plain - 2 * (i.weighted_log - i.log.mean) + chi_square() / K;
    };
    if (e == iwae_controlled)
      truth.finite_moments = finite_moments();
    else
      set_shape(truth, fine.log, coarse.log);
    if (e == iwae_bound || is_regular) truth.variance = {variance(fine), std::abs(variance(fine) - variance(coarse)) + 1e-12};
    if (is_regular) truth.variance_rate = truth.mse_rate = e == iwae_bound ? -1 : -2;
    return truth;
  }

  CellTruth truth_of_evidence(std::size_t e) const {
    if (e != iwae_bound) return none();
    double const m2 = moment_of_weight(2), m3 = moment_of_weight(3), m4 = moment_of_weight(4);
    double const variance = is_posterior_ ? 0 : chi_square();
    double const kurtosis = finite_moments() > 4 ? (m4 - 4 * m3 + 6 * m2 - 3) / (variance * variance) : nan;
    auto truth = truth_of_average(K, 1, variance, kurtosis, 1);  // unbiased: its skewness does not matter
    truth.finite_moments = finite_moments();
    return truth;
  }

  CellTruth truth_of_gradient(std::size_t e, std::size_t q) const {
    double const target = targets()[q];
    auto const of_mean = [&](Quadratic const& h) {
      auto truth = truth_of_average(K, h.mean(), h.variance(), h.kurtosis(), target, h.skewness());
      truth.signal = true;
      truth.signal_rate = 0.5;
      return truth;
    };
    std::size_t place;
    if (q == d_w) {
      if (e == elbo) return of_mean(h_w_);
      if (e != iwae_bound) return none();
      place = 0;
    } else {
      if (e == elbo) return of_mean(h_a_);
      if (e == stl) return of_mean(h_p_);
      if (e != iwae_bound && e < iwae_stl) return none();
      place = e == iwae_bound ? 1 : e == iwae_stl ? 2 : 3;
    }
    CellTruth truth;
    truth.signal = true;
    if (is_posterior_ && place >= 2) {
      truth.bias.value = truth.variance.value = 0;
      return truth;
    }
    auto const& [fine, coarse] = integrals();
    auto const &one = fine.gradient[place], &rough = coarse.gradient[place];
    truth.bias = {one.mean - target, std::abs(one.mean - rough.mean) + 1e-12};
    truth.variance = {one.variance, std::abs(one.variance - rough.variance) + 1e-12 * (one.variance + one.mean * one.mean)};
    set_shape(truth, one, rough);
    if (finite_moments() <= 2) return truth;
    truth.bias_rate = e == iwae_stl ? 0 : -1;
    truth.variance_rate = e == dreg ? -3 : -1;
    if (e != iwae_stl) truth.mse_rate = e == dreg ? -2 : -1;
    truth.signal_rate = q == d_a && e == iwae_bound ? -0.5 : 0.5;
    return truth;
  }

  /// Skewness and kurtosis where rounding leaves enough of them.
  static void set_shape(CellTruth& truth, Central const& fine, Central const& coarse) {
    double const square = fine.variance * fine.variance;
    if (!(std::abs(fine.fourth - coarse.fourth) < 0.01 * fine.fourth && fine.fourth > square)) return;
    truth.skewness = fine.third / (fine.variance * std::sqrt(fine.variance));
    truth.kurtosis = fine.fourth / square;
  }

  std::pair<Integrals, Integrals> const& integrals() const {
    if (!integrals_) integrals_.emplace(integrals_with(1), integrals_with(2));
    return *integrals_;
  }

  /// u - u^2/2 + ... = 1 - e^-u.
  static double one_less_exp(double u) {
    double const series = u * (1 - u / 2 * (1 - u / 3 * (1 - u / 4 * (1 - u / 5))));
    return u < 1e-3 ? series : 1 - simd::exp(-u);
  }

  Integrals integrals_with(double coarseness) const {
    // e^-u with u = t omega(e) is analytic in e as far as log u turns by a quarter.
    double const steepest = std::abs(log_omega_.slope) + 18 * std::abs(log_omega_.curve) + 2;
    auto const rule = normal_rule(coarseness * std::min(0.1, 0.16 / steepest), 13);
    auto const n = rule.size();
    std::vector<double> log_omega(n), w(n), a(n), p(n), u(n), d(n);
    for (std::size_t i = 0; i < n; ++i) {
      double const e = rule.node[i];
      log_omega[i] = log_omega_(e);
      w[i] = h_w_(e);
      a[i] = h_a_(e);
      p[i] = h_p_(e);
    }
    // E[u^s h^k e^-u].
    auto const expectation = [&](std::vector<double> const* h, int s, int k) {
      double const *uu = u.data(), *dd = d.data(), *hh = h != nullptr ? h->data() : nullptr;
      return simd::sum_terms(n, [=](double sum, std::size_t i) {
        double x = dd[i];
        for (int j = 0; j < s; ++j) x *= uu[i];
        for (int j = 0; j < k; ++j) x *= hh[i];
        return sum + x;
      });
    };
    Integrals result;
    std::array<double, 4> logs{};                // by powers of log t + gamma
    std::array<std::array<double, 4>, 4> raw{};  // moments of the gradients
    double const step = 0.1 * coarseness, log_K = simd::log(K);
    std::vector<double> const* const gradients[] = {&w, &a, &p, &p};
    for (double y = -38 - log_K;; y += step) {
      double lacking = 0;
      for (std::size_t i = 0; i < n; ++i) {
        u[i] = simd::exp(std::min(y + log_omega[i], 50.0));
        d[i] = rule.weight[i] * simd::exp(-u[i]);
        lacking += rule.weight[i] * one_less_exp(u[i]);
      }
      double const log_M = lacking < 0.5 ? simd::log1p(-lacking) : simd::log(expectation(nullptr, 0, 0));
      if (std::max(K - 1, 1.0) * log_M < -42) break;
      double const limit = simd::exp(-simd::exp(log_K + y));
      auto const power = [&](double k) { return simd::exp(k * log_M); };
      double const less = limit - power(K);
      double power_of_log = less;
      for (double& moment : logs) {
        moment += power_of_log;
        power_of_log *= log_K + y + std::numbers::egamma;
      }
      result.log_without_one += simd::exp(-simd::exp(y) * (K - 1)) - power(K - 1);
      double const t = simd::exp(y);
      result.weighted_log += limit - power(K - 1) * expectation(nullptr, 1, 0) / t;
      // The number of ways to choose j different weights in order, the others' expectations with it.
      std::array<double, 5> choices{};
      double ways = 1;
      for (std::uint64_t j = 1; j <= std::min<std::uint64_t>(4, K_); ++j) {
        double const k = static_cast<double>(j);
        ways *= K - (k - 1);
        choices[j] = ways * power(K - k);
      }
      for (std::size_t i = 0; i < 4; ++i) {
        int const s = i == 3 ? 2 : 1;
        std::array<double, 5> m;
        for (int k = 1; k <= 4; ++k) m[static_cast<std::size_t>(k)] = expectation(gradients[i], s * k, k);
        // Over Gamma(s k) for the k-th power of what is divided by (sum omega)^s.
        raw[i][0] += choices[1] * m[1];
        raw[i][1] += (choices[1] * m[2] + choices[2] * m[1] * m[1]) / (s == 1 ? 1 : 6);
        raw[i][2] += (choices[1] * m[3] + 3 * choices[2] * m[1] * m[2] + choices[3] * m[1] * m[1] * m[1]) / (s == 1 ? 2 : 120);
        raw[i][3] += (choices[1] * m[4] + choices[2] * (4 * m[1] * m[3] + 3 * m[2] * m[2]) +
                      6 * choices[3] * m[1] * m[1] * m[2] + choices[4] * m[1] * m[1] * m[1] * m[1]) /
                     (s == 1 ? 6 : 5040);
      }
    }
    result.log_without_one *= step;
    result.weighted_log *= step;
    for (double& moment : logs) moment *= step;
    for (std::size_t i = 0; i < 4; ++i) {
      for (double& moment : raw[i]) moment *= step;
      result.gradient[i] = Central::from_raw(raw[i]);
    }
    result.log = moments_of_log(logs);
    return result;
  }

  /// Of log W = log T - log(T / W), T exponential and independent of W: P(T / W > t) = E e^(-t W), so that `integrals`, of
  /// (P(T > t) - P(T / W > t)) (log t + gamma)^k / t, are differences of their moments, and cumulants add up.
  static Central moments_of_log(std::array<double, 4> const& integrals) {
    auto const [a, b, c, d] = integrals;
    double const second = std::numbers::pi * std::numbers::pi / 6, third = -2 * zeta_of_3;  // of log T + gamma
    double const variance = -2 * b - a * a;
    double const skewed = 3 * c - 3 * (second - 2 * b) * a + 2 * a * a * a;
    double const excess =
        -4 * d + 4 * (third - 3 * c) * a + 12 * b * (second - b) + 12 * (second - 2 * b) * a * a - 6 * a * a * a * a;
    return {a, variance, skewed, excess + 3 * variance * variance};
  }

  void replicate_rows(Pack const& rows, std::uint64_t first, Outputs& outputs, Context& context) const {
    auto const n = rows.size();
    auto stream = rows.stream();
    arma::mat weight(n, K_), before(n, K_);
    stream.normals(weight);
    context.tick();
    arma::vec largest(n);
    largest.fill(-std::numeric_limits<double>::infinity());
    for (std::uint64_t k = 0; k < K_; ++k) {
      double const* e = weight.colptr(k);
      for (std::uint64_t r = 0; r < n; ++r) largest[r] = std::max(largest[r], log_omega_(e[r]));
    }
    enum { total, logs, by_w, by_a, by_p, by_squares, plain_w, plain_a, plain_p, n_sums };
    arma::mat sums(n, n_sums, arma::fill::zeros);
    double* sum[n_sums];
    for (arma::uword i = 0; i < n_sums; ++i) sum[i] = sums.colptr(i);
    for (std::uint64_t k = 0; k < K_; ++k) {
      double *e = weight.colptr(k), *b = before.colptr(k);
      for (std::uint64_t r = 0; r < n; ++r) {
        double const x = e[r], log_omega = log_omega_(x), u = simd::exp(log_omega - largest[r]);
        double const w = h_w_(x), a = h_a_(x), p = h_p_(x);
        b[r] = sum[total][r];
        sum[total][r] += u;
        sum[logs][r] += log_omega;
        sum[by_w][r] = std::fma(u, w, sum[by_w][r]);
        sum[by_a][r] = std::fma(u, a, sum[by_a][r]);
        sum[by_p][r] = std::fma(u, p, sum[by_p][r]);
        sum[by_squares][r] = std::fma(u * u, p, sum[by_squares][r]);
        sum[plain_w][r] += w;
        sum[plain_a][r] += a;
        sum[plain_p][r] += p;
        e[r] = u;
      }
    }
    context.tick();
    // Logarithms of the sums without one weight each: of those before it and those behind it, lest they cancel.
    arma::vec behind(n, arma::fill::zeros), without(n, arma::fill::zeros);
    if (K_ > 1)
      for (std::uint64_t k = K_; k-- > 0;) {
        double const *u = weight.colptr(k), *b = before.colptr(k);
        for (std::uint64_t r = 0; r < n; ++r) {
          without[r] += simd::log(b[r] + behind[r]);
          behind[r] += u[r];
        }
      }
    context.tick();
    auto const out = [&](std::size_t e, std::size_t q) { return outputs.value(e, q).subspan(first, n); };
    double const log_K = simd::log(K), log_rest = K_ > 1 ? simd::log(K - 1) : 0;
    for (std::uint64_t r = 0; r < n; ++r) {
      double const log_W = largest[r] + (simd::log(sum[total][r]) - log_K), W = simd::exp(log_W);
      out(elbo, bound)[r] = log_p_ + sum[logs][r] / K;
      out(iwae_bound, bound)[r] = log_p_ + log_W;
      out(iwae_controlled, bound)[r] = log_p_ + (log_W - (W - 1));
      double const mean_without = largest[r] + (without[r] / K - log_rest);
      out(jackknife, bound)[r] = log_p_ + (K_ == 1 ? log_W : std::fma(K - 1, log_W - mean_without, log_W));
      out(iwae_bound, evidence)[r] = W;
      out(elbo, d_w)[r] = sum[plain_w][r] / K;
      out(iwae_bound, d_w)[r] = sum[by_w][r] / sum[total][r];
      out(elbo, d_a)[r] = sum[plain_a][r] / K;
      out(stl, d_a)[r] = sum[plain_p][r] / K;
      out(iwae_bound, d_a)[r] = sum[by_a][r] / sum[total][r];
      out(iwae_stl, d_a)[r] = sum[by_p][r] / sum[total][r];
      out(dreg, d_a)[r] = sum[by_squares][r] / (sum[total][r] * sum[total][r]);
    }
  }

  std::uint64_t K_;
  double K, rho_, delta_, v_, S_, log_p_, score_;
  Quadratic log_omega_, h_w_, h_a_, h_p_;
  bool is_posterior_;
  mutable std::optional<std::pair<Integrals, Integrals>> integrals_;
};

class Iwae final : public Experiment {
 public:
  std::string name() const override { return "iwae"; }
  std::string question() const override {
    return "how fast do importance-weighted bounds close, and what becomes of their gradients?";
  }
  std::string truth() const override {
    return "Frullani's integral for every K in the linear-Gaussian model, and integrals like it for variances and gradients";
  }
  std::string conventions() const override {
    return "p(z) = N(0, 1), p(x|z) = N(w z, r); proposal N(m + shift sqrt(v), ratio v) about the posterior N(m, v); k weights. "
           "Bounds are of log p(x), evidence of p(x) over itself, d_w and d_a of derivatives to w and to the proposal's mean "
           "(target 0).";
  }

  std::vector<Parameter> parameters() const override {
    return {integer("sample.k", 16, "weights K of one estimate").at_least(1).at_most(1e6),
            real("model.w", 1.2, "weight of the decoder").at_least(-1e3).at_most(1e3),
            real("model.r", 0.7, "variance of x given z").above(0),
            real("model.x", 1.5, "what is observed"),
            real("proposal.ratio", 1.6, "variance over that of the posterior; no variance of weights up to 1/2")
                .at_least(0.05)
                .at_most(4),
            real("proposal.shift", 0.7, "distance of the mean from that of the posterior, in deviations of the posterior")
                .at_least(-4)
                .at_most(4)};
  }

  std::vector<Estimator> estimators() const override {
    return {{"elbo", "log p(x, z)/q(z), mean of k; its gradients along the path"},
            {"iwae", "log of the mean weight; the mean weight; its gradients"},
            {"iwae_controlled", "iwae less (mean weight / p(x) - 1)"},
            {"jackknife", "k iwae_k - (k - 1) mean of iwae_(k-1)"},
            {"stl", "gradient of elbo without that through log q's parameter (sticking the landing)"},
            {"iwae_stl", "the same of iwae, biased"},
            {"dreg", "sum of squared normalised weights times the stl gradient (doubly reparameterised)"}};
  }
  std::vector<std::string> quantities() const override { return {"bound", "evidence", "d_w", "d_a"}; }
  std::string sample_size_key() const override { return "sample.k"; }

  std::unique_ptr<AtPoint const> at(Parameters const& point) const override { return std::make_unique<IwaeAtPoint>(point); }
};

}  // namespace

std::unique_ptr<Experiment const> iwae() { return std::make_unique<Iwae>(); }

}  // namespace fermiac::estimators
