#include "fermiac/estimators/experiments/gauss_mean.hpp"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

namespace fermiac::estimators {

namespace {

enum EstimatorNumber : std::size_t { mle, map, unbiased };
enum QuantityNumber : std::size_t { mean, variance };
enum RuleNumber : std::size_t { z_rule, t_rule, plug_in, credible };

class GaussMeanAtPoint final : public AtPoint {
 public:
  explicit GaussMeanAtPoint(Parameters const& point)
      : N_(static_cast<std::uint64_t>(point.integer("sample.n"))),
        n_(static_cast<double>(N_)),
        mu_(point.real("gauss.mu")),
        s2_(point.real("gauss.sigma2")),
        nu_(point.real("prior.mean")) {
    double const scale = point.real("prior.scale");
    double const t2 = point.text("prior.scale_is") == "variance" ? scale : scale * scale;
    w_ = n_ * t2 / (n_ * t2 + s2_);
    rest_ = s2_ / (n_ * t2 + s2_);
    posterior_deviation_ = std::sqrt(s2_ * t2 / (n_ * t2 + s2_));
    double const tail = (1 - point.real("interval.confidence")) / 2;
    confidence_ = point.real("interval.confidence");
    z_ = boost::math::quantile(complement(boost::math::normal(), tail));
    t_ = boost::math::quantile(complement(boost::math::students_t(n_ - 1), tail));
  }

  std::vector<double> targets() const override { return {mu_, s2_}; }

  CellTruth truth(std::size_t e, std::size_t q) const override {
    CellTruth truth;
    truth.reported = q == mean ? e != unbiased : e != map;
    if (q == mean) {
      double const w = e == map ? w_ : 1;
      truth.bias.value = e == map ? -rest_ * (mu_ - nu_) : 0;
      truth.variance.value = w * w * s2_ / n_;
      truth.skewness = 0;
      truth.kurtosis = 3;
    } else {
      double const factor = e == unbiased ? n_ / (n_ - 1) : 1;
      truth.bias.value = e == unbiased ? 0 : -s2_ / n_;
      truth.variance.value = 2 * s2_ * s2_ * (n_ - 1) / (n_ * n_) * factor * factor;
      truth.skewness = std::sqrt(8 / (n_ - 1));
      truth.kurtosis = 3 + 12 / (n_ - 1);
    }
    if (truth.bias.value != 0) truth.bias_rate = -1;
    truth.variance_rate = truth.mse_rate = -1;
    return truth;
  }

  IntervalTruth truth_of_interval(std::size_t i, std::size_t q) const override {
    IntervalTruth truth;
    truth.reported = q == mean;
    double const error = std::sqrt(s2_ / n_);
    // E sqrt(U) = sqrt(s2) c4.
    double const c4 = std::sqrt(2 / (n_ - 1)) / boost::math::tgamma_delta_ratio((n_ - 1) / 2, 0.5);
    double const shrink = std::sqrt((n_ - 1) / n_);
    switch (i) {
      case z_rule:
        return {truth.reported, {confidence_}, {2 * z_ * error}};
      case t_rule:
        return {truth.reported, {confidence_}, {2 * t_ * error * c4}};
      case plug_in:
        return {truth.reported,
                {1 - 2 * cdf(complement(boost::math::students_t(n_ - 1), z_ * shrink))},
                {2 * z_ * error * c4 * shrink}};
      default: {
        double const bias = -rest_ * (mu_ - nu_);
        double const deviation = w_ * error;
        boost::math::normal const normal;
        double const reach = z_ * posterior_deviation_;
        return {
            truth.reported, {cdf(normal, (reach - bias) / deviation) - cdf(normal, (-reach - bias) / deviation)}, {2 * reach}};
      }
    }
  }

  // Mean and variance of a Gaussian sample are independent; everything else here is a function of the two.
  std::vector<Test> independent() const override {
    return {{Measure::bias, mle, mean}, {Measure::variance, mle, mean}, {Measure::bias, mle, variance}};
  }

  double draws() const override { return n_; }
  double cost(std::size_t) const override { return n_; }

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    auto const n = pack.size();
    std::vector<double> sum(n), squares(n);
    auto stream = pack.stream();
    constexpr std::uint64_t between_ticks = std::uint64_t{1} << 18;
    auto const step = std::max<std::uint64_t>(2, between_ticks / std::max<std::uint64_t>(1, n));
    for (std::uint64_t done = 0; done < N_; done += step) {
      stream.add_normals(std::min(step, N_ - done), sum, squares);
      context.tick();
    }
    double const sigma = std::sqrt(s2_);
    double const z_reach = z_ * std::sqrt(s2_ / n_);
    double const credible_reach = z_ * posterior_deviation_;
    auto const xbar = outputs.value(mle, mean), posterior = outputs.value(map, mean), S = outputs.value(mle, variance),
               U = outputs.value(unbiased, variance);
    auto const place = [&](RuleNumber rule, std::uint64_t r, double centre, double reach) {
      outputs.low(rule, mean)[r] = centre - reach;
      outputs.high(rule, mean)[r] = centre + reach;
    };
    for (std::uint64_t r = 0; r < n; ++r) {
      double const z_mean = sum[r] / n_;
      double const z_sum_of_squares = std::fma(-z_mean, sum[r], squares[r]);
      xbar[r] = std::fma(sigma, z_mean, mu_);
      posterior[r] = std::fma(w_, xbar[r] - nu_, nu_);
      S[r] = s2_ * (z_sum_of_squares / n_);
      U[r] = s2_ * (z_sum_of_squares / (n_ - 1));
      place(z_rule, r, xbar[r], z_reach);
      place(t_rule, r, xbar[r], t_ * std::sqrt(U[r] / n_));
      place(plug_in, r, xbar[r], z_ * std::sqrt(S[r] / n_));
      place(credible, r, posterior[r], credible_reach);
    }
  }

 private:
  std::uint64_t N_;
  double n_, mu_, s2_, nu_, w_, rest_, posterior_deviation_, confidence_, z_, t_;
};

class GaussMean final : public Experiment {
 public:
  std::string name() const override { return "gauss_mean"; }
  std::string question() const override {
    return "how do maximum likelihood and maximum a posteriori estimates of a Gaussian mean compare?";
  }
  std::string truth() const override {
    return "closed forms of bias, variance, coverage, width (Lehmann & Casella, Theory of Point Estimation)";
  }
  std::string conventions() const override {
    return "x_i ~ N(mu, sigma2), i = 1 ... n; prior mu ~ N(mean, scale), the scale read as prior.scale_is says: a variance by "
           "default.";
  }

  std::vector<Parameter> parameters() const override {
    return {integer("sample.n", 100, "size N of a sample").at_least(2).at_most(1e9),
            real("gauss.mu", 2, "true mean"),
            real("gauss.sigma2", 5, "true variance").above(0),
            real("prior.mean", 1, "mean nu of the prior"),
            real("prior.scale", 2, "second parameter of the prior N(mean, scale)").above(0),
            choice("prior.scale_is", "variance", {"variance", "standard_deviation"}, "how prior.scale is to be read"),
            real("interval.confidence", 0.95, "of all intervals").above(0).at_most(0.9999)};
  }

  std::vector<Estimator> estimators() const override {
    return {{"mle", "xbar; S = sum (x - xbar)^2 / N"}, {"map", "w xbar + (1 - w) nu"}, {"unbiased", "S N / (N - 1)"}};
  }
  std::vector<IntervalRule> interval_rules() const override {
    return {{"z", "xbar +- z sqrt(sigma2 / N)"},
            {"t", "xbar +- t sqrt(S / (N - 1))"},
            {"plug_in", "xbar +- z sqrt(S / N)"},
            {"credible", "posterior mean +- z posterior deviations"}};
  }
  std::vector<std::string> quantities() const override { return {"mu", "sigma2"}; }
  std::string sample_size_key() const override { return "sample.n"; }

  std::unique_ptr<AtPoint const> at(Parameters const& point) const override {
    return std::make_unique<GaussMeanAtPoint>(point);
  }
};

}  // namespace

std::unique_ptr<Experiment const> gauss_mean() { return std::make_unique<GaussMean>(); }

}  // namespace fermiac::estimators
