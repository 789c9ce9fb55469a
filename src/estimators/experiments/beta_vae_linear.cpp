#include "fermiac/estimators/experiments/beta_vae_linear.hpp"

#include <algorithm>
#include <array>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

#include "fermiac/estimators/pack_matrices.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::estimators {

namespace {

enum EstimatorNumber : std::size_t { known_axes, pca, sgd };
enum QuantityNumber : std::size_t { w2_first, w2_second, w2_third, rate, distortion, active };
constexpr std::size_t n_axes = 3;

/// Second moment l of one axis: lambda G / kappa with G ~ Gamma(kappa), kappa = N / 2; and what is made of it at theta.
class Axis {
 public:
  Axis(double lambda, double theta, double kappa) : lambda_(lambda), theta_(theta), kappa_(kappa), x_(kappa * theta / lambda) {}

  double p_active() const { return boost::math::gamma_q(kappa_, x_); }
  double p_collapse() const { return boost::math::gamma_p(kappa_, x_); }

  /// E ((l - theta)+)^power.
  double excess(int power) const {
    double sum = 0, term = std::pow(-theta_, power);
    for (int i = 0; i <= power; ++i) {
      sum += term * boost::math::gamma_q(kappa_ + i, x_);
      term *= -lambda_ / theta_ * (kappa_ + i) / kappa_ * (power - i) / (i + 1);
    }
    return sum;
  }

  /// E min(l, theta) and E min(l, theta)^2.
  double distortion() const { return theta_ * p_active() + lambda_ * boost::math::gamma_p(kappa_ + 1, x_); }
  double squared_distortion() const {
    return theta_ * theta_ * p_active() + lambda_ * lambda_ * (kappa_ + 1) / kappa_ * boost::math::gamma_p(kappa_ + 2, x_);
  }

  /// Of log+(l / theta) / 2.
  Truth mean_rate() const {
    return over_active([&](double g) { return std::log(g / x_) / 2; });
  }
  Truth variance_of_rate() const {
    double const mean = mean_rate().value;
    auto found = over_active([&](double g) {
      double const off = std::log(g / x_) / 2 - mean;
      return off * off;
    });
    found.value += mean * mean * p_collapse();
    return found;
  }

 private:
  template <typename Function>
  Truth over_active(Function f) const {
    double const log_gamma = std::lgamma(kappa_);
    auto const integrand = [&](double g) { return g > 0 ? std::exp((kappa_ - 1) * std::log(g) - g - log_gamma) * f(g) : 0.0; };
    double const reach = 10 * std::sqrt(kappa_);
    double const first = std::max(x_, kappa_ - reach), last = kappa_ + reach + 50;
    if (!(first < last)) return {0, 0};
    double error = 0;
    using Rule = boost::math::quadrature::gauss_kronrod<double, 61>;
    double const value = Rule::integrate(integrand, first, last, 10, 1e-11, &error);
    return {value, error + 1e-13 * std::abs(value)};
  }

  double lambda_, theta_, kappa_, x_;
};

constexpr double rare = 0.01, never = 1e-15;
bool happens(double p) { return p >= rare; }

class BetaVaeLinearAtPoint final : public AtPoint {
 public:
  explicit BetaVaeLinearAtPoint(Parameters const& point)
      : N_(static_cast<std::uint64_t>(point.integer("sample.n"))),
        n_(static_cast<double>(N_)),
        lambda_{point.real("spectrum.first"), point.real("spectrum.second"), point.real("spectrum.third")},
        r_(point.real("decoder.variance")),
        beta_(point.real("objective.beta")),
        theta_(beta_ * r_),
        passes_(static_cast<std::uint64_t>(point.integer("sgd.passes"))),
        step_(point.real("sgd.step")),
        decay_after_(point.real("sgd.decay_after")) {
    for (double const lambda : lambda_) axes_.emplace_back(lambda, theta_, n_ / 2);
  }

  std::vector<double> targets() const override {
    std::vector<double> all(6, 0.0);
    for (std::size_t i = 0; i < n_axes; ++i) {
      all[w2_first + i] = std::max(lambda_[i] - theta_, 0.0);
      all[rate] += std::max(std::log(lambda_[i] / theta_), 0.0) / 2;
      all[distortion] += std::min(lambda_[i], theta_);
      all[active] += lambda_[i] > theta_ ? 1 : 0;
    }
    return all;
  }

  CellTruth truth(std::size_t e, std::size_t q) const override {
    CellTruth truth;
    truth.reported = e != sgd || q <= w2_third;
    if (e != known_axes) return truth;
    double const target = targets()[q];
    if (q <= w2_third)
      set_loading(truth, axes_[q - w2_first], target);
    else if (q == rate)
      set_rate(truth, target);
    else if (q == distortion)
      set_distortion(truth, target);
    else
      set_active(truth, target);
    return truth;
  }

  // Axes are independent; everything else is made of them.
  std::vector<Test> independent() const override {
    return {
        {Measure::bias, known_axes, w2_first}, {Measure::bias, known_axes, w2_second}, {Measure::bias, known_axes, w2_third}};
  }

  double draws() const override { return 3 * n_ * (1 + 2 * static_cast<double>(passes_)); }
  double cost(std::size_t e) const override { return e == sgd ? n_ * static_cast<double>(passes_) : n_; }

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    auto const n_rows = pack.size();
    PackMatrices moments(n_rows, n_axes);
    Ascent ascent(n_rows);
    auto data = pack.stream(rng::Purpose::data), noise = pack.stream(rng::Purpose::draw);
    auto const at_once = std::max<std::uint64_t>(1, 16384 / std::max<std::uint64_t>(1, n_rows));
    arma::mat x, e;
    std::uint64_t t = 0;
    for (std::uint64_t pass = 0; pass < passes_; ++pass) {
      data.seek(0);  // the same vectors again
      for (std::uint64_t done = 0; done < N_; done += at_once) {
        auto const now = std::min(at_once, N_ - done);
        x.set_size(n_rows, n_axes * now);
        e.set_size(n_rows, n_axes * now);
        data.normals(x);
        noise.normals(e);
        for (std::uint64_t v = 0; v < now; ++v, ++t) {
          double const step = step_ / (1 + static_cast<double>(t) / decay_after_);
          for (std::size_t i = 0; i < n_axes; ++i) {
            double* xi = x.colptr(v * n_axes + i);
            double const deviation = std::sqrt(lambda_[i]);
            for (std::size_t r = 0; r < n_rows; ++r) xi[r] *= deviation;
            if (pass == 0) add_products(moments, i, x, v);
            ascend(ascent, i, xi, e.colptr(v * n_axes + i), step);
          }
        }
        context.tick();
      }
    }
    put_moments(moments, outputs);
    for (std::size_t i = 0; i < n_axes; ++i)
      for (std::size_t r = 0; r < n_rows; ++r) {
        double const w = ascent.w[i][r];
        outputs.value(sgd, w2_first + i)[r] = w * w;
      }
  }

 private:
  /// Parameters of stochastic gradient ascent, by axis.
  struct Ascent {
    explicit Ascent(std::size_t n_rows) {
      w.fill(std::vector<double>(n_rows, 1.0));
      a.fill(std::vector<double>(n_rows, 0.5));
      log_s.fill(std::vector<double>(n_rows, -0.5));
    }
    std::array<std::vector<double>, n_axes> w, a, log_s;
  };

  void set_loading(CellTruth& truth, Axis const& axis, double target) const {
    truth.variance_rate = -1;
    if (axis.p_active() < never) {
      truth.bias = {0, never};
      truth.variance.value = 0;
      truth.variance_rate = std::numeric_limits<double>::quiet_NaN();
      return;
    }
    if (!happens(axis.p_active())) return;
    double const m1 = axis.excess(1), m2 = axis.excess(2), m3 = axis.excess(3), m4 = axis.excess(4);
    truth.bias = {m1 - target, 1e-13 * m1};
    truth.variance = {m2 - m1 * m1, 1e-13 * m2};
    double const fourth = m4 - 4 * m1 * m3 + 6 * m1 * m1 * m2 - 3 * m1 * m1 * m1 * m1;
    truth.kurtosis = fourth / (truth.variance.value * truth.variance.value);
  }

  void set_rate(CellTruth& truth, double target) const {
    Truth mean{0, 0}, variance{0, 0};
    double largest = 0;
    for (auto const& axis : axes_) {
      auto const m = axis.mean_rate(), v = axis.variance_of_rate();
      mean = {mean.value + m.value, mean.error + m.error};
      variance = {variance.value + v.value, variance.error + v.error};
      largest = std::max(largest, axis.p_active());
    }
    if (largest < never) {
      truth.bias = {0, never};
      truth.variance.value = 0;
    } else if (happens(largest)) {
      truth.bias = {mean.value - target, mean.error};
      truth.variance = variance;
      truth.variance_rate = -1;
    }
  }

  void set_distortion(CellTruth& truth, double target) const {
    double mean = 0, variance = 0, largest = 0;
    for (auto const& axis : axes_) {
      double const m = axis.distortion();
      mean += m;
      variance += axis.squared_distortion() - m * m;
      largest = std::max(largest, axis.p_collapse());
    }
    truth.scale = theta_ * n_axes;
    if (largest < never) {
      truth.bias = {0, never * truth.scale};
      truth.variance.value = 0;
    } else if (happens(largest)) {
      truth.bias = {mean - target, 1e-13 * mean};
      truth.variance = {variance, 1e-13 * mean * mean};
      truth.variance_rate = -1;
    }
  }

  void set_active(CellTruth& truth, double target) const {
    double mean = 0, variance = 0, fourth = 0, largest = 0;
    for (auto const& axis : axes_) {
      double const p = axis.p_active(), product = p * axis.p_collapse();
      mean += p;
      variance += product;
      fourth += product * (1 - 6 * product);
      largest = std::max(largest, product);
    }
    if (largest < never) {
      truth.bias = {0, never};
      truth.variance.value = 0;
    } else if (happens(largest)) {
      truth.bias = {mean - target, 1e-14};
      truth.variance.value = variance;
      truth.kurtosis = 3 + fourth / (variance * variance);
    }
  }

  static void add_products(PackMatrices& moments, std::size_t i, arma::mat const& x, std::uint64_t v) {
    double const* xi = x.colptr(v * n_axes + i);
    for (std::size_t j = 0; j <= i; ++j) {
      double const* xj = x.colptr(v * n_axes + j);
      auto const sum = moments.at(i, j);
      for (std::size_t r = 0; r < sum.size(); ++r) sum[r] = std::fma(xi[r], xj[r], sum[r]);
    }
  }

  void ascend(Ascent& ascent, std::size_t axis, double const* x, double const* e, double step) const {
    auto &w = ascent.w[axis], &a = ascent.a[axis], &log_s = ascent.log_s[axis];
    for (std::size_t r = 0; r < w.size(); ++r) {
      double const s = simd::exp(log_s[r]);
      double const z = std::fma(a[r], x[r], s * e[r]);
      double const off = std::fma(-w[r], z, x[r]) / r_;  // d/d(w z) of log p
      double const dw = off * z;
      double const da = x[r] * std::fma(off, w[r], -beta_ * a[r] * x[r]);
      double const dlog_s = std::fma(off * w[r] * s, e[r], -beta_ * std::fma(s, s, -1.0));
      w[r] = std::fma(step, dw, w[r]);
      a[r] = std::fma(step, da, a[r]);
      log_s[r] = std::fma(step, dlog_s, log_s[r]);
    }
  }

  void put_moments(PackMatrices& moments, Outputs& outputs) const {
    auto const n_rows = moments.n_replicates();
    arma::mat values(n_rows, n_axes);
    for (std::size_t i = 0; i < n_axes; ++i)
      for (std::size_t j = 0; j <= i; ++j)
        for (auto& m : moments.at(i, j)) m /= n_;
    auto const copy = [&] {
      for (std::size_t i = 0; i < n_axes; ++i) std::ranges::copy(moments.at(i, i), values.colptr(i));
    };
    copy();
    put(values, known_axes, outputs);
    diagonalise(moments);
    copy();
    for (auto const& [high, low] : {std::pair{0, 1}, {1, 2}, {0, 1}}) {
      double *a = values.colptr(high), *b = values.colptr(low);
      for (std::size_t r = 0; r < n_rows; ++r) {
        double const larger = std::max(a[r], b[r]), smaller = std::min(a[r], b[r]);
        a[r] = larger;
        b[r] = smaller;
      }
    }
    put(values, pca, outputs);
  }

  /// What second moments along axes say.
  void put(arma::mat const& l, std::size_t e, Outputs& outputs) const {
    for (auto const q : {rate, distortion, active}) std::ranges::fill(outputs.value(e, q), 0.0);
    for (std::size_t i = 0; i < n_axes; ++i) {
      double const* li = l.colptr(i);
      auto const w2 = outputs.value(e, w2_first + i), R = outputs.value(e, rate), D = outputs.value(e, distortion),
                 count = outputs.value(e, active);
      for (std::size_t r = 0; r < w2.size(); ++r) {
        w2[r] = std::max(li[r] - theta_, 0.0);
        R[r] += std::max(simd::log(li[r] / theta_), 0.0) / 2;
        D[r] += std::min(li[r], theta_);
        count[r] += li[r] > theta_ ? 1 : 0;
      }
    }
  }

  std::uint64_t N_;
  double n_;
  std::array<double, n_axes> lambda_;
  double r_, beta_, theta_;
  std::uint64_t passes_;
  double step_, decay_after_;
  std::vector<Axis> axes_;
};

class BetaVaeLinear final : public Experiment {
 public:
  std::string name() const override { return "beta_vae_linear"; }
  std::string question() const override {
    return "which axes does a linear beta-VAE keep, and at what rate and distortion, learnt from n vectors?";
  }
  std::string truth() const override {
    return "w^2 = (lambda - beta r)+ (Lucas et al. 2019), rate-distortion function of a Gaussian; samples by Gamma laws";
  }
  std::string conventions() const override {
    return "x ~ N(0, diag(spectrum)), p(x | z) = N(W z, r I), p(z) = N(0, I), E log p(x | z) - beta KL is maximised; rate in "
           "nats, "
           "distortion E |x - W z|^2, both of the fit on its own sample, summed over axes.";
  }

  std::vector<Parameter> parameters() const override {
    return {integer("sample.n", 100, "vectors N of a sample").at_least(2).at_most(1e7),
            real("spectrum.first", 4, "variance lambda of the data along the first axis").above(0),
            real("spectrum.second", 1.5, "along the second").above(0),
            real("spectrum.third", 0.5, "along the third").above(0),
            real("decoder.variance", 0.5, "variance r of the decoder").above(0),
            real("objective.beta", 1, "weight beta of the KL divergence").above(0),
            integer("sgd.passes", 5, "passes of stochastic gradient ascent over the sample").at_least(1).at_most(1e6),
            real("sgd.step", 0.01, "its first step").above(0),
            real("sgd.decay_after", 1000, "steps after which the step has halved").above(0)};
  }

  std::vector<Estimator> estimators() const override {
    return {{"known_axes", "w_i^2 = (mean of x_i^2 - beta r)+"},
            {"pca", "the same with eigenvalues of the second moments"},
            {"sgd", "w_i^2 after stochastic gradient ascent"}};
  }
  std::vector<std::string> quantities() const override {
    return {"w2_first", "w2_second", "w2_third", "rate", "distortion", "active"};
  }
  std::string sample_size_key() const override { return "sample.n"; }

  std::unique_ptr<AtPoint const> at(Parameters const& point) const override {
    return std::make_unique<BetaVaeLinearAtPoint>(point);
  }
};

}  // namespace

std::unique_ptr<Experiment const> beta_vae_linear() { return std::make_unique<BetaVaeLinear>(); }

}  // namespace fermiac::estimators
