#include "fermiac/estimators/experiments/mcse_validity.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "fermiac/base/error.hpp"
#include "fermiac/estimators/performance.hpp"
#include "fermiac/simd/arrays.hpp"
#include "fermiac/simd/sum.hpp"

namespace fermiac::estimators {

namespace {

enum FormulaNumber : std::size_t { normal, kurtosis, jackknife, bootstrap };
enum QuantityNumber : std::size_t { bias, variance, standard_error, mse, bias_squared, variance_squared, mse_squared };
constexpr QuantityNumber plain[] = {bias, variance, standard_error, mse};

/// Mean, variance and third and fourth central moments of a law.
struct Law {
  double mean, m2, m3, m4;
};

class McseValidityAtPoint final : public AtPoint {
 public:
  explicit McseValidityAtPoint(Parameters const& point)
      : R_(static_cast<std::uint64_t>(point.integer("sample.r"))),
        n_(static_cast<double>(R_)),
        law_(point.text("law.name")),
        shape_(static_cast<std::uint64_t>(point.integer("law.shape"))),
        b_(point.real("law.bias")),
        resamples_(static_cast<std::uint64_t>(point.integer("bootstrap.resamples"))) {
    double const k = static_cast<double>(shape_);
    law_moments_ = law_ == "normal"    ? Law{0, 1, 0, 3}
                   : law_ == "uniform" ? Law{0.5, 1.0 / 12, 0, 1.0 / 80}
                   : law_ == "gamma"   ? Law{k, k, 2 * k, 3 * k * k + 6 * k}
                                       : Law{0, 2, 0, 24};
    auto const& [mean, m2, m3, m4] = law_moments_;
    relative_variance_ = (m4 / (m2 * m2) - 3) / n_ + 2 / (n_ - 1);
    true_error_[bias] = std::sqrt(m2 / n_);
    true_error_[variance] = m2 * std::sqrt(relative_variance_);
    true_error_[standard_error] = std::sqrt(m2 * relative_variance_) / 2;
    double const exact_mse = m2 + b_ * b_;
    double const fourth = m4 + 4 * b_ * m3 + 6 * b_ * b_ * m2 + b_ * b_ * b_ * b_;
    true_error_[mse] = std::sqrt((fourth - exact_mse * exact_mse) / n_);
  }

  std::vector<double> targets() const override { return std::vector<double>(7, 1.0); }

  CellTruth truth(std::size_t e, std::size_t q) const override {
    CellTruth truth;
    truth.reported = e != bootstrap || (resamples_ > 0 && q < bias_squared);
    if (q == bias_squared && e != bootstrap) {
      truth.bias.value = 0;
      truth.variance.value = relative_variance_;
    }
    if (q == variance_squared && e == kurtosis) truth.bias.value = 0;
    if (q == variance_squared && e == normal)
      truth.bias.value = 2 * (1 + relative_variance_) / ((n_ - 1) * relative_variance_) - 1;
    if (q == mse_squared && (e == kurtosis || e == jackknife)) truth.bias.value = 0;
    return truth;
  }

  // All of them are functions of the same estimates.
  std::vector<Test> independent() const override { return {{Measure::bias, kurtosis, bias_squared}}; }

  double draws() const override {
    return n_ * (law_ == "gamma" ? static_cast<double>(shape_) : 1.0) * (1 + 2 * static_cast<double>(resamples_));
  }

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    std::vector<double> d(R_);
    for (std::uint64_t r = 0; r < pack.size(); ++r) {
      auto const number = pack.replicates.first + r;
      draw(pack.key, number, d);
      auto const moments = moments_of(d);
      auto const measured = measures_of(moments);
      double const s2 = measured.variance.value;
      double const s = measured.standard_error.value;
      double const found = measured.bias.value;
      report(outputs, r, normal,
             {measured.bias.error, s2 * std::sqrt(2 / (n_ - 1)), s / std::sqrt(2 * (n_ - 1)),
              std::sqrt((2 * s2 * s2 + 4 * found * found * s2) / n_)});
      report(outputs, r, kurtosis,
             {measured.bias.error, measured.variance.error, measured.standard_error.error, measured.mse.error});
      report(outputs, r, jackknife, delete_one(d, moments, measured));
      if (resamples_ > 0) report(outputs, r, bootstrap, resampled(pack.key, number, d, context));
      context.tick();
    }
  }

 private:
  using Errors = std::array<double, 4>;

  void report(Outputs& outputs, std::uint64_t r, FormulaNumber formula, Errors const& errors) const {
    for (auto const q : plain) outputs.value(formula, q)[r] = errors[q] / true_error_[q];
    if (formula == bootstrap) return;
    for (auto const& [q, squared] : {std::pair{bias, bias_squared}, {variance, variance_squared}, {mse, mse_squared}}) {
      double const ratio = errors[q] / true_error_[q];
      outputs.value(formula, squared)[r] = ratio * ratio;
    }
  }

  /// Estimate - target of one little study.
  void draw(rng::Key key, std::uint64_t replicate, std::span<double> d) const {
    rng::Stream stream({key, rng::Purpose::draw, replicate}, 0);
    double const offset = b_ - law_moments_.mean;
    if (law_ == "normal") {
      stream.normals(d);
      for (auto& x : d) x += offset;
      return;
    }
    if (law_ == "gamma") {
      std::vector<double> one(R_);
      std::ranges::fill(d, offset);
      for (std::uint64_t k = 0; k < shape_; ++k) {
        stream.uniforms(one);
        simd::log(one, one);
        for (std::uint64_t i = 0; i < R_; ++i) d[i] -= one[i];
      }
      return;
    }
    stream.uniforms(d);
    if (law_ == "laplace") {
      // The sign is that of u - 1/2, the size exponential in its distance from the nearer end.
      std::vector<double> sign(R_);
      for (std::uint64_t i = 0; i < R_; ++i) {
        sign[i] = d[i] < 0.5 ? 1.0 : -1.0;
        d[i] = d[i] < 0.5 ? 2 * d[i] : 2 * (1 - d[i]);
      }
      simd::log(d, d);
      for (std::uint64_t i = 0; i < R_; ++i) d[i] *= sign[i];
    }
    for (auto& x : d) x += offset;
  }

  Errors delete_one(std::span<double const> d, stats::Moments const& moments, Measures const& measured) const {
    double const mean = moments.mean();
    double const m2 = moments.central_moment(2), m4 = moments.central_moment(4);
    double const s2 = measured.variance.value;
    // Without e_i the variance is ((R - 1) s^2 - (e_i - mean)^2 R / (R - 1)) / (R - 2).
    double const of_variance = n_ * n_ * (m4 - m2 * m2) / ((n_ - 1) * (n_ - 2) * (n_ - 2));
    auto const root_without = [&](std::size_t i) {
      double const square = (d[i] - mean) * (d[i] - mean);
      return std::sqrt(((n_ - 1) * s2 - square * (n_ / (n_ - 1))) / (n_ - 2));
    };
    double const first = root_without(0);  // all are close to it
    double const sum =
        simd::sum_terms(d.size(), [&](double total, std::size_t i) { return total + (root_without(i) - first); });
    double const squares = simd::sum_terms(d.size(), [&](double total, std::size_t i) {
      double const x = root_without(i) - first;
      return std::fma(x, x, total);
    });
    double const of_root = (n_ - 1) / n_ * (squares - sum * sum / n_);
    return {measured.bias.error, std::sqrt(of_variance), std::sqrt(of_root), measured.mse.error};
  }

  Errors resampled(rng::Key key, std::uint64_t replicate, std::span<double const> d, Context& context) const {
    rng::Stream stream({key, rng::Purpose::resample, replicate}, 0);
    std::vector<std::uint32_t> chosen(R_);
    std::vector<double> sample(R_);
    std::array<stats::Moments, 4> spread;
    for (std::uint64_t b = 0; b < resamples_; ++b) {
      stream.integers(R_, chosen);
      for (std::uint64_t i = 0; i < R_; ++i) sample[i] = d[chosen[i]];
      auto const measured = measures_of(moments_of(sample));
      spread[bias].add(measured.bias.value);
      spread[variance].add(measured.variance.value);
      spread[standard_error].add(measured.standard_error.value);
      spread[mse].add(measured.mse.value);
      context.tick();
    }
    Errors errors;
    for (auto const q : plain) errors[q] = std::sqrt(spread[q].variance());
    return errors;
  }

  std::uint64_t R_;
  double n_;
  std::string law_;
  std::uint64_t shape_;
  double b_;
  std::uint64_t resamples_;
  Law law_moments_;
  double relative_variance_;
  double true_error_[4];
};

class McseValidity final : public Experiment {
 public:
  std::string name() const override { return "mcse_validity"; }
  std::string question() const override {
    return "is the Monte Carlo error that a simulation study reports its true one, for skewed and heavy-tailed estimates?";
  }
  std::string truth() const override {
    return "exact variances of mean, variance and mean squared error of known laws (k-statistics; Kenney & Keeping)";
  }
  std::string conventions() const override {
    return "A replicate is a study of r estimates of a known law; what it reports of each error is divided by the true one, so "
           "that 1 is right (performance/measure \"mean\"). Squares: reported over true variance of the measure, with exact "
           "expectations.";
  }

  std::vector<Parameter> parameters() const override {
    return {integer("sample.r", 2000, "estimates of a little study").at_least(5).at_most(1e7),
            choice("law.name", "gamma", {"normal", "uniform", "gamma", "laplace"}, "law of the estimates"),
            integer("law.shape", 4, "shape k of the gamma law, kurtosis 3 + 6/k").at_least(1).at_most(1000),
            real("law.bias", 0.5, "bias of the estimates"),
            integer("bootstrap.resamples", 0, "0: no bootstrap").at_least(0).at_most(10000)};
  }
  void check(Parameters const& point) const override {
    if (point.integer("bootstrap.resamples") == 1)
      throw InputError("bootstrap.resamples", "bootstrap.resamples = 1: expected 0, or at least 2");
  }

  std::vector<Estimator> estimators() const override {
    return {{"normal", "normal theory: kurtosis 3 taken for granted"},
            {"kurtosis", "the fourth moment's, as this program reports"},
            {"jackknife", "delete-one"},
            {"bootstrap", "spread over resamples"}};
  }
  std::vector<std::string> quantities() const override {
    return {"bias", "variance", "standard_error", "mse", "bias_squared", "variance_squared", "mse_squared"};
  }

  std::unique_ptr<AtPoint const> at(Parameters const& point) const override {
    return std::make_unique<McseValidityAtPoint>(point);
  }
};

}  // namespace

std::unique_ptr<Experiment const> mcse_validity() { return std::make_unique<McseValidity>(); }

}  // namespace fermiac::estimators
