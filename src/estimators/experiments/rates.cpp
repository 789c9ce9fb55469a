#include "fermiac/estimators/experiments/rates.hpp"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/poisson.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>
#include <numbers>
#include <optional>

#include "fermiac/base/error.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::estimators {

namespace {

enum EstimatorNumber : std::size_t {
  mean,
  median,
  maximum,
  corrected,
  twice_mean,
  reciprocal,
  unbiased,
  kde,
  plug_in,
  miller_madow,
  mle,
  james_stein
};

/// One family: its estimators come one after another.
class Family : public AtPoint {
 public:
  Family(EstimatorNumber first, EstimatorNumber last, Parameters const& point)
      : first_(first), last_(last), N_(static_cast<std::uint64_t>(point.integer("sample.n"))), n_(static_cast<double>(N_)) {}

  std::vector<double> targets() const override { return {target()}; }
  CellTruth truth(std::size_t e, std::size_t) const override {
    if (e < first_ || e > last_) {
      CellTruth none;
      none.reported = false;
      return none;
    }
    return truth_of(static_cast<EstimatorNumber>(e));
  }
  std::vector<Test> independent() const override { return {{Measure::bias, first_, 0}}; }
  double draws() const override { return n_; }
  double cost(std::size_t e) const override { return e < first_ || e > last_ ? std::numeric_limits<double>::quiet_NaN() : n_; }

 protected:
  virtual double target() const = 0;
  virtual CellTruth truth_of(EstimatorNumber e) const = 0;

  /// Calls `use(matrix, column)` for all n draws, drawn by `fill`, some columns at a time.
  template <typename Fill, typename Use>
  void in_columns(Pack const& pack, Context& context, Fill fill, Use use) const {
    auto stream = pack.stream();
    constexpr std::uint64_t at_once = 64;
    for (std::uint64_t done = 0; done < N_; done += at_once) {
      arma::mat numbers(pack.size(), std::min(at_once, N_ - done));
      fill(stream, numbers);
      for (arma::uword c = 0; c < numbers.n_cols; ++c) use(numbers.memptr() + c * pack.size());
      context.tick();
    }
  }

  /// Calls `compute(part, first row)` for parts of a pack whose whole samples may be held at once.
  template <typename Compute>
  void in_rows(Pack const& pack, Context& context, Compute compute) const {
    constexpr std::uint64_t most_numbers = std::uint64_t{1} << 18;
    auto const step = std::max<std::uint64_t>(16, most_numbers / N_);
    for (std::uint64_t done = 0; done < pack.size(); done += step) {
      auto const first = pack.replicates.first + done;
      compute(Pack{pack.key, {first, std::min(first + step, pack.replicates.last)}}, done);
      context.tick();
    }
  }

  EstimatorNumber first_, last_;
  std::uint64_t N_;
  double n_;
};

class NormalFamily final : public Family {
 public:
  explicit NormalFamily(Parameters const& point) : Family(mean, median, point) {}

  double target() const override { return 0; }

  CellTruth truth_of(EstimatorNumber e) const override {
    CellTruth truth;
    truth.bias.value = 0;  // symmetry
    truth.variance_rate = truth.mse_rate = -1;
    if (e == mean) {
      truth.variance.value = 1 / n_;
      truth.kurtosis = 3;
    } else if (N_ % 2 == 1) {
      if (!variance_) {
        variance_ = moment(2);
        kurtosis_ = moment(4) / (*variance_ * *variance_);
      }
      truth.variance = {*variance_, 1e-12 * *variance_};
      truth.kurtosis = kurtosis_;
    }
    return truth;
  }

  std::vector<Test> independent() const override { return {{Measure::bias, mean, 0}, {Measure::variance, mean, 0}}; }

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    in_rows(pack, context, [&](Pack const& part, std::uint64_t first) {
      replicate(part, outputs.value(mean).subspan(first), outputs.value(median).subspan(first), context);
    });
  }

 private:
  void replicate(Pack const& pack, std::span<double> average, std::span<double> middle, Context& context) const {
    auto const n = pack.size();
    arma::mat x(n, N_);
    auto stream = pack.stream();
    stream.normals(x);
    context.tick();
    std::vector<double> sum(n), sorted(N_);
    for (arma::uword c = 0; c < N_; ++c)
      for (std::uint64_t r = 0; r < n; ++r) sum[r] += x(r, c);
    for (std::uint64_t r = 0; r < n; ++r) {
      average[r] = sum[r] / n_;
      for (arma::uword c = 0; c < N_; ++c) sorted[c] = x(r, c);
      auto const half = sorted.begin() + static_cast<std::ptrdiff_t>(N_ / 2);
      std::nth_element(sorted.begin(), half, sorted.end());
      middle[r] = N_ % 2 ? *half : (*half + *std::max_element(sorted.begin(), half)) / 2;
      if (r % 32 == 0) context.tick();
    }
  }

  /// E x^k of the median of n = 2 j + 1: density n!/(j!)^2 (F (1 - F))^j f.
  double moment(int k) const {
    double const j = (n_ - 1) / 2;
    double const log_factor = std::lgamma(n_ + 1) - 2 * std::lgamma(j + 1);
    boost::math::normal const normal;
    auto const integrand = [&](double x) {
      double const both = std::log(cdf(normal, x)) + std::log(cdf(complement(normal, x)));
      return 2 * std::pow(x, k) * std::exp(log_factor + j * both) * pdf(normal, x);
    };
    double const reach = std::min(12.0, 12 * std::sqrt(std::numbers::pi / (2 * n_)) + 12 / n_);
    return boost::math::quadrature::gauss_kronrod<double, 61>::integrate(integrand, 0.0, reach, 12, 1e-13);
  }

  mutable std::optional<double> variance_;
  mutable double kurtosis_ = 0;
};

class UniformFamily final : public Family {
 public:
  explicit UniformFamily(Parameters const& point) : Family(maximum, twice_mean, point) {}

  double target() const override { return 1; }

  CellTruth truth_of(EstimatorNumber e) const override {
    CellTruth truth;
    if (e == twice_mean) {
      truth.bias.value = 0;
      truth.variance.value = 1 / (3 * n_);
      truth.kurtosis = 3 - 1.2 / n_;
      truth.variance_rate = truth.mse_rate = -1;
      return truth;
    }
    double const factor = e == corrected ? (n_ + 1) / n_ : 1;
    truth.bias.value = e == corrected ? 0 : -1 / (n_ + 1);
    truth.variance.value = factor * factor * n_ / ((n_ + 1) * (n_ + 1) * (n_ + 2));
    truth.kurtosis = 3 + 6 * ((n_ - 1) * (n_ - 1) * (n_ + 2) - n_ * (n_ + 3)) / (n_ * (n_ + 3) * (n_ + 4));
    if (e == maximum) truth.bias_rate = -1;
    truth.variance_rate = truth.mse_rate = -2;
    return truth;
  }

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    auto const n = pack.size();
    std::vector<double> largest(n, 0.0), sum(n, 0.0);
    in_columns(
        pack, context, [](auto& stream, arma::mat& numbers) { stream.uniforms(numbers); },
        [&](double const* x) {
          for (std::uint64_t r = 0; r < n; ++r) {
            largest[r] = x[r] > largest[r] ? x[r] : largest[r];
            sum[r] += x[r];
          }
        });
    for (std::uint64_t r = 0; r < n; ++r) {
      outputs.value(maximum)[r] = largest[r];
      outputs.value(corrected)[r] = largest[r] * ((n_ + 1) / n_);
      outputs.value(twice_mean)[r] = 2 * sum[r] / n_;
    }
  }
};

class ExponentialFamily final : public Family {
 public:
  explicit ExponentialFamily(Parameters const& point) : Family(reciprocal, unbiased, point) {}

  double target() const override { return 1; }

  CellTruth truth_of(EstimatorNumber e) const override {
    CellTruth truth;
    double const factor = e == unbiased ? (n_ - 1) / n_ : 1;
    truth.finite_moments = n_;
    if (n_ > 1) truth.bias.value = e == unbiased ? 0 : 1 / (n_ - 1);
    if (n_ > 2) truth.variance.value = factor * factor * n_ * n_ / ((n_ - 1) * (n_ - 1) * (n_ - 2));
    if (n_ > 3) truth.skewness = 4 * std::sqrt(n_ - 2) / (n_ - 3);
    if (n_ > 4) truth.kurtosis = 3 + (30 * n_ - 66) / ((n_ - 3) * (n_ - 4));
    if (e == reciprocal) truth.bias_rate = -1;
    truth.variance_rate = truth.mse_rate = -1;
    return truth;
  }

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    auto const n = pack.size();
    std::vector<double> sum(n, 0.0);
    in_columns(
        pack, context, [](auto& stream, arma::mat& numbers) { stream.uniforms(numbers); },
        [&](double const* x) {
          for (std::uint64_t r = 0; r < n; ++r) sum[r] -= simd::detail::log_of_normal(x[r]);
        });
    for (std::uint64_t r = 0; r < n; ++r) {
      outputs.value(reciprocal)[r] = n_ / sum[r];
      outputs.value(unbiased)[r] = (n_ - 1) / sum[r];
    }
  }
};

class DensityFamily final : public Family {
 public:
  explicit DensityFamily(Parameters const& point)
      : Family(kde, kde, point), h_(point.real("density.bandwidth") * std::pow(n_, -0.2)) {}

  double target() const override { return 0; }

  CellTruth truth_of(EstimatorNumber) const override {
    CellTruth truth;
    double const h2 = h_ * h_;
    truth.bias.value = (1 / (n_ * h_) + (1 - 1 / n_) / std::sqrt(1 + h2) - 2 * std::numbers::sqrt2 / std::sqrt(2 + h2) + 1) /
                       (2 * std::sqrt(std::numbers::pi));
    truth.bias_rate = -0.8;
    truth.mse_rate = -1.6;
    return truth;
  }
  double draws() const override { return n_ + 0.25 * n_ * n_; }  // a pair costs about as much as a quarter of a draw

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    in_rows(pack, context,
            [&](Pack const& part, std::uint64_t first) { replicate(part, outputs.value(kde).subspan(first), context); });
  }

 private:
  void replicate(Pack const& pack, std::span<double> error, Context& context) const {
    // Of pairs N(x_i - x_j; 0, 2 h^2), of single points N(x_i; 0, 1 + h^2), and the integral of f^2 is 1 / (2 sqrt(pi)).
    auto const n = pack.size();
    arma::mat x(n, N_);
    auto stream = pack.stream();
    stream.normals(x);
    std::vector<double> pairs(n, 0.0), points(n, 0.0);
    double const h2 = h_ * h_;
    double const pair_factor = -1 / (4 * h2), point_factor = -1 / (2 * (1 + h2));
    for (arma::uword i = 0; i < N_; ++i) {
      double const* a = x.colptr(i);
      for (std::uint64_t r = 0; r < n; ++r) points[r] += simd::exp_held(point_factor * (a[r] * a[r]));
      for (arma::uword j = 0; j < i; ++j) {
        double const* b = x.colptr(j);
        for (std::uint64_t r = 0; r < n; ++r) {
          double const d = a[r] - b[r];
          pairs[r] += simd::exp_held(pair_factor * (d * d));
        }
      }
      context.tick();
    }
    double const pair_scale = 1 / (std::sqrt(4 * std::numbers::pi) * h_ * n_ * n_);
    double const point_scale = 2 / (std::sqrt(2 * std::numbers::pi * (1 + h2)) * n_);
    for (std::uint64_t r = 0; r < n; ++r)
      error[r] = pair_scale * (2 * pairs[r] + n_) - point_scale * points[r] + 1 / (2 * std::sqrt(std::numbers::pi));
  }

  double h_;
};

class EntropyFamily final : public Family {
 public:
  explicit EntropyFamily(Parameters const& point)
      : Family(plug_in, miller_madow, point),
        M_(static_cast<std::uint64_t>(point.integer("entropy.cells"))),
        m_(static_cast<double>(M_)) {
    terms_.push_back(0);
    for (std::uint64_t k = 1; k <= N_; ++k) {
      double const share = static_cast<double>(k) / n_;
      terms_.push_back(-share * std::log(share));
    }
  }

  double target() const override { return std::log(m_); }

  CellTruth truth_of(EstimatorNumber e) const override {
    sum();
    CellTruth truth;
    truth.bias.value = *expectation_ - std::log(m_);
    truth.bias_rate = -1;
    // Equal cells: the first-order term of the variance vanishes.
    truth.variance_rate = truth.mse_rate = -2;
    if (e == plug_in) {
      truth.variance = {variance_, 1e-13};
    } else {
      double const occupied = m_ * (1 - std::pow(1 - 1 / m_, n_));
      truth.bias.value += (occupied - 1) / (2 * n_);
      truth.bias_rate = std::numeric_limits<double>::quiet_NaN();
    }
    truth.bias.error = 1e-13;
    return truth;
  }

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    in_rows(pack, context, [&](Pack const& part, std::uint64_t first) {
      replicate(part, outputs.value(plug_in).subspan(first), outputs.value(miller_madow).subspan(first));
    });
  }

 private:
  void replicate(Pack const& pack, std::span<double> plain, std::span<double> with_correction) const {
    auto const n = pack.size();
    arma::Mat<std::uint32_t> cells(n, N_), counts(n, M_, arma::fill::zeros);
    auto stream = pack.stream();
    stream.integers(M_, cells);
    for (arma::uword c = 0; c < N_; ++c)
      for (std::uint64_t r = 0; r < n; ++r) ++counts(r, cells(r, c));
    for (std::uint64_t r = 0; r < n; ++r) {
      double entropy = 0;
      double occupied = 0;
      for (std::uint64_t k = 0; k < M_; ++k) {
        entropy += terms_[counts(r, k)];
        occupied += counts(r, k) > 0 ? 1.0 : 0.0;
      }
      plain[r] = entropy;
      with_correction[r] = entropy + (occupied - 1) / (2 * n_);
    }
  }

  /// Sums over the counts of one cell, and of two.
  void sum() const {
    if (expectation_) return;
    double one = 0, square = 0, two = 0;
    for (std::uint64_t k = 0; k <= N_; ++k) {
      double const here = pdf(boost::math::binomial(n_, 1 / m_), static_cast<double>(k));
      if (here < 1e-18) continue;
      one += here * terms_[k];
      square += here * terms_[k] * terms_[k];
      if (M_ == 2) {
        two += here * terms_[k] * terms_[N_ - k];
        continue;
      }
      double other = 0;
      boost::math::binomial const rest(static_cast<double>(N_ - k), 1 / (m_ - 1));
      for (std::uint64_t l = 0; l <= N_ - k; ++l) {
        double const there = pdf(rest, static_cast<double>(l));
        if (there >= 1e-18) other += there * terms_[l];
      }
      two += here * terms_[k] * other;
    }
    expectation_ = m_ * one;
    variance_ = m_ * square + m_ * (m_ - 1) * two - m_ * one * m_ * one;
  }

  std::uint64_t M_;
  double m_;
  std::vector<double> terms_;  // -(k/n) log(k/n)
  mutable std::optional<double> expectation_;
  mutable double variance_ = 0;
};

class ShrinkageFamily final : public Family {
 public:
  explicit ShrinkageFamily(Parameters const& point)
      : Family(mle, james_stein, point),
        D_(static_cast<std::uint64_t>(point.integer("shrinkage.dimension"))),
        d_(static_cast<double>(D_)),
        theta_(point.real("shrinkage.theta")) {}

  double target() const override { return 0; }

  CellTruth truth_of(EstimatorNumber e) const override {
    CellTruth truth;
    truth.bias_rate = -1;
    if (e == mle) {
      truth.bias.value = d_ / n_;
      truth.variance.value = 2 * d_ / (n_ * n_);
      truth.kurtosis = 3 + 12 / d_;
      truth.variance_rate = truth.mse_rate = -2;
      return truth;
    }
    double const rate = n_ * d_ * theta_ * theta_ / 2;
    double expected = rate == 0 ? 1 / (d_ - 2) : 0;
    if (rate > 0) {
      boost::math::poisson const law(rate);
      auto const reach = 12 * std::sqrt(rate) + 40;
      for (double k = std::max(0.0, std::floor(rate - reach)); k <= rate + reach; ++k)
        expected += pdf(law, k) / (d_ - 2 + 2 * k);
    }
    truth.bias = {(d_ - (d_ - 2) * (d_ - 2) * expected) / n_, 1e-13};
    return truth;
  }
  std::vector<Test> independent() const override { return {{Measure::bias, mle, 0}}; }
  double draws() const override { return d_; }

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    auto const n = pack.size();
    arma::mat x(n, D_);
    auto stream = pack.stream();
    stream.normals(x);
    double const error = 1 / std::sqrt(n_);
    std::vector<double> norm(n, 0.0), along(n, 0.0);
    auto const loss = outputs.value(mle), shrunk = outputs.value(james_stein);
    std::fill(loss.begin(), loss.end(), 0.0);
    for (arma::uword c = 0; c < D_; ++c) {
      double const* z = x.colptr(c);
      for (std::uint64_t r = 0; r < n; ++r) {
        double const deviation = error * z[r];
        double const value = theta_ + deviation;
        loss[r] = std::fma(deviation, deviation, loss[r]);
        norm[r] = std::fma(value, value, norm[r]);
        along[r] = std::fma(value, deviation, along[r]);
      }
    }
    // |(1 - c) x - theta|^2 = |x - theta|^2 - 2 c x.(x - theta) + c^2 |x|^2.
    for (std::uint64_t r = 0; r < n; ++r) {
      double const c = (d_ - 2) / (n_ * norm[r]);
      shrunk[r] = loss[r] - 2 * c * along[r] + c * c * norm[r];
    }
    context.tick();
  }

 private:
  std::uint64_t D_;
  double d_, theta_;
};

class Rates final : public Experiment {
 public:
  std::string name() const override { return "rates"; }
  std::string question() const override { return "how fast do errors of classical estimators fall with the sample size?"; }
  std::string truth() const override {
    return "closed forms, order-statistic quadrature, binomial and Poisson sums (David & Nagaraja; Wand & Jones; James & "
           "Stein)";
  }
  std::string conventions() const override {
    return "rates.family chooses what is estimated. For density (integrated squared error) and shrinkage (squared distance "
           "from "
           "theta) an estimate is a loss with target 0, so that its bias is the risk. Rates are exponents of n.";
  }

  std::vector<Parameter> parameters() const override {
    return {choice("rates.family", "normal", {"normal", "uniform", "exponential", "density", "entropy", "shrinkage"},
                   "what is estimated"),
            integer("sample.n", 101, "draws in a sample").at_least(1).at_most(1e6),
            real("density.bandwidth", 1.06, "h n^(1/5) of the kernel").above(0),
            integer("entropy.cells", 8, "equally probable cells").at_least(2).at_most(10000),
            integer("shrinkage.dimension", 10, "dimension d of theta").at_least(3).at_most(10000),
            real("shrinkage.theta", 0.5, "every component of theta")};
  }

  std::vector<Estimator> estimators() const override {
    return {{"mean", "xbar", 0},
            {"median", "middle value", 0},
            {"maximum", "largest of n", 1},
            {"corrected", "(n + 1)/n maximum", 1},
            {"twice_mean", "2 xbar", 1},
            {"reciprocal", "1/xbar", 2},
            {"unbiased", "(n - 1)/(n xbar)", 2},
            {"kde", "integrated squared error of the kernel density estimate", 3},
            {"plug_in", "-sum p log p of the shares", 4},
            {"miller_madow", "plug_in + (occupied cells - 1)/(2n)", 4},
            {"mle", "|x - theta|^2", 5},
            {"james_stein", "|(1 - (d - 2)/(n |x|^2)) x - theta|^2", 5}};
  }
  std::vector<std::string> quantities() const override { return {"estimand"}; }
  std::string sample_size_key() const override { return "sample.n"; }

  std::unique_ptr<AtPoint const> at(Parameters const& point) const override {
    auto const& family = point.text("rates.family");
    if (family == "normal") return std::make_unique<NormalFamily>(point);
    if (family == "uniform") return std::make_unique<UniformFamily>(point);
    if (family == "exponential") return std::make_unique<ExponentialFamily>(point);
    if (family == "density") return std::make_unique<DensityFamily>(point);
    if (family == "entropy") return std::make_unique<EntropyFamily>(point);
    return std::make_unique<ShrinkageFamily>(point);
  }
};

}  // namespace

std::unique_ptr<Experiment const> rates() { return std::make_unique<Rates>(); }

}  // namespace fermiac::estimators
