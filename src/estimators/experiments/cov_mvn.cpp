#include "fermiac/estimators/experiments/cov_mvn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/special_functions/digamma.hpp>
#include <boost/math/special_functions/polygamma.hpp>
#include <cmath>
#include <optional>

#include "fermiac/base/error.hpp"
#include "fermiac/estimators/pack_matrices.hpp"
#include "fermiac/estimators/wishart.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::estimators {

namespace {

enum EstimatorNumber : std::size_t { mle, sample, unbiased, shrunk, oas };
enum QuantityNumber : std::size_t {
  mean_1,
  sigma_11,
  sigma_12,
  frobenius_loss,
  precision_dd,
  log_det,
  largest,
  smallest,
  sum_of_squares,
  kl,
  t2,
  n_quantities
};
enum RuleNumber : std::size_t { exact, wald };

/// The true covariance H Lambda H.
struct Population {
  Population(std::size_t dimensions, double condition)
      : d(dimensions), lambda(d), v(d), sigma(d, d), precision_dd(0), trace(0) {
    double size = 0;
    for (std::size_t i = 0; i < d; ++i) {
      lambda(i) = std::pow(condition, -static_cast<double>(i) / static_cast<double>(d - 1));
      size += static_cast<double>((i + 1) * (i + 1));
    }
    for (std::size_t i = 0; i < d; ++i) v(i) = static_cast<double>(i + 1) / std::sqrt(size);
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j < d; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k < d; ++k) sum = std::fma(reflection(i, k) * lambda(k), reflection(k, j), sum);
        sigma(i, j) = sum;
      }
    for (std::size_t k = 0; k < d; ++k) {
      precision_dd += reflection(d - 1, k) * reflection(d - 1, k) / lambda(k);
      trace += lambda(k);
      squares += lambda(k) * lambda(k);
      log_det += std::log(lambda(k));
    }
  }

  double reflection(std::size_t i, std::size_t j) const { return (i == j ? 1.0 : 0.0) - 2 * v(i) * v(j); }
  /// Of x = root z.
  double root(std::size_t i, std::size_t k) const { return reflection(i, k) * std::sqrt(lambda(k)); }

  std::size_t d;
  arma::vec lambda, v;
  arma::mat sigma;
  double precision_dd, trace, squares = 0, log_det = 0;
};

/// root W root' in place of W.
void colour(PackMatrices& W, Population const& population) {
  auto const d = W.n();
  auto const n_rows = W.n_replicates();
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = 0; j <= i; ++j)
      for (auto& w : W.at(i, j)) w *= std::sqrt(population.lambda(i) * population.lambda(j));
  // H M H = M - 2 v u' - 2 u v' + 4 t v v' with u = M v, t = v'u.
  arma::mat u(n_rows, d, arma::fill::zeros);
  arma::vec t(n_rows, arma::fill::zeros);
  for (std::size_t i = 0; i < d; ++i) {
    double* ui = u.colptr(i);
    for (std::size_t j = 0; j < d; ++j) {
      auto const m = W.symmetric(i, j);
      for (std::size_t r = 0; r < n_rows; ++r) ui[r] = std::fma(population.v(j), m[r], ui[r]);
    }
    for (std::size_t r = 0; r < n_rows; ++r) t[r] = std::fma(population.v(i), ui[r], t[r]);
  }
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double const vi = population.v(i), vj = population.v(j);
      double const *ui = u.colptr(i), *uj = u.colptr(j);
      auto const m = W.at(i, j);
      for (std::size_t r = 0; r < n_rows; ++r) {
        double const both = std::fma(vi, uj[r], vj * ui[r]);
        m[r] = std::fma(4 * vi * vj, t[r], std::fma(-2.0, both, m[r]));
      }
    }
}

/// What replicates say of one covariance.
struct Spectrum {
  std::vector<double> largest, smallest, sum_of_squares;

  explicit Spectrum(PackMatrices A)
      : largest(A.n_replicates(), -std::numeric_limits<double>::infinity()),
        smallest(A.n_replicates(), std::numeric_limits<double>::infinity()),
        sum_of_squares(A.n_replicates()) {
    diagonalise(A);
    for (std::size_t i = 0; i < A.n(); ++i) {
      auto const value = A.at(i, i);
      for (std::size_t r = 0; r < value.size(); ++r) {
        largest[r] = std::max(largest[r], value[r]);
        smallest[r] = std::min(smallest[r], value[r]);
        sum_of_squares[r] = std::fma(value[r], value[r], sum_of_squares[r]);
      }
    }
  }
};

/// The same of its inverse.
struct Inverse {
  std::vector<double> log_det, precision_dd, trace_ratio, of_mean;

  Inverse(PackMatrices C, arma::mat const& mean, Population const& population)
      : log_det(C.n_replicates()), precision_dd(log_det), trace_ratio(log_det), of_mean(log_det) {
    auto const d = C.n();
    auto const n_rows = C.n_replicates();
    cholesky(C);
    for (std::size_t i = 0; i < d; ++i) {
      auto const pivot = C.at(i, i);
      for (std::size_t r = 0; r < n_rows; ++r) log_det[r] = std::fma(2.0, simd::log(pivot[r]), log_det[r]);
    }
    invert_triangle(C);
    auto const last = C.at(d - 1, d - 1);
    for (std::size_t r = 0; r < n_rows; ++r) precision_dd[r] = last[r] * last[r];
    std::vector<double> product(n_rows);
    auto const add_square_of_row = [&](std::size_t i, auto const& element, std::vector<double>& sum) {
      std::ranges::fill(product, 0.0);
      for (std::size_t j = 0; j <= i; ++j) {
        auto const l = C.at(i, j);
        for (std::size_t r = 0; r < n_rows; ++r) product[r] = std::fma(l[r], element(r, j), product[r]);
      }
      for (std::size_t r = 0; r < n_rows; ++r) sum[r] = std::fma(product[r], product[r], sum[r]);
    };
    for (std::size_t i = 0; i < d; ++i) {
      add_square_of_row(
          i, [&](std::size_t r, std::size_t j) { return mean.colptr(j)[r]; }, of_mean);
      for (std::size_t k = 0; k < d; ++k)
        add_square_of_row(
            i, [&](std::size_t, std::size_t j) { return population.root(j, k); }, trace_ratio);
    }
  }
};

class CovMvnAtPoint final : public AtPoint {
 public:
  explicit CovMvnAtPoint(Parameters const& point)
      : N_(static_cast<std::uint64_t>(point.integer("sample.n"))),
        big_n_(static_cast<double>(N_)),
        n_(big_n_ - 1),
        dimensions_(static_cast<double>(point.integer("mvn.dimensions"))),
        population_(static_cast<std::size_t>(point.integer("mvn.dimensions")), point.real("mvn.condition")),
        a_(point.real("shrinkage.intensity")),
        confidence_(point.real("interval.confidence")) {
    double const tail = (1 - confidence_) / 2;
    boost::math::chi_squared const chi(n_);
    upper_ = quantile(complement(chi, tail));
    lower_ = quantile(chi, tail);
    half_width_ = boost::math::quantile(complement(boost::math::normal(), tail)) * std::sqrt(2 / n_);
    double const m = big_n_ - dimensions_;
    reach_[exact] = dimensions_ * n_ / m * boost::math::quantile(complement(boost::math::fisher_f(dimensions_, m), 2 * tail));
    reach_[wald] = boost::math::quantile(complement(boost::math::chi_squared(dimensions_), 2 * tail));
  }

  std::vector<double> targets() const override {
    auto const& p = population_;
    return {0, p.sigma(0, 0), p.sigma(0, 1), 0, p.precision_dd, p.log_det, p.lambda.max(), p.lambda.min(), p.squares, 0, 0};
  }

  CellTruth truth(std::size_t e, std::size_t q) const override {
    CellTruth truth;
    truth.reported = is_reported(e, q);
    if (!truth.reported) return truth;
    truth.variance_rate = -1;
    auto const& p = population_;
    double const n = n_, d = dimensions_, m = big_n_ - d;
    // Covariances of mle and sample are this times S.
    double const factor = e == mle ? n / big_n_ : 1;
    // shrunk: S counts `kept`, tr S / d counts `added`.
    double const added = e == shrunk ? a_ : 0, kept = 1 - added;
    bool const has_inverse = q == precision_dd || q == kl || q == t2;
    if (has_inverse) truth.finite_moments = e == oas || (e == shrunk && a_ > 0) ? n * d / 2 : m / 2;
    if (e == oas) return truth;
    switch (q) {
      case mean_1:
        truth.bias.value = 0;
        truth.variance.value = p.sigma(0, 0) / big_n_;
        truth.kurtosis = 3;
        break;
      case sigma_11:
      case sigma_12: {
        double const value = p.sigma(0, q == sigma_11 ? 0 : 1), shared = q == sigma_11 ? p.trace / d : 0;
        double const own = (value * value + p.sigma(0, 0) * p.sigma(q == sigma_11 ? 0 : 1, q == sigma_11 ? 0 : 1)) / n;
        truth.bias.value = factor * (kept * value + added * shared) - value;
        truth.variance.value = factor * factor * kept * kept * own;
        if (q == sigma_11) {
          // Cov(S_11, tr S) = 2 (Sigma^2)_11 / n.
          double square_11 = 0;
          for (std::size_t k = 0; k < p.d; ++k) square_11 += p.sigma(0, k) * p.sigma(0, k);
          truth.variance.value += added * added * 2 * p.squares / (n * d * d) + 2 * added * kept * 2 * square_11 / (n * d);
          if (added == 0) truth.kurtosis = 3 + 12 / n;
        }
        if (e == mle) truth.bias_rate = -1;
        break;
      }
      case frobenius_loss:
        truth.bias.value =
            mean_square(factor, kept, added) - 2 * factor * (kept * p.squares + added * p.trace * p.trace / d) + p.squares;
        if (added == 0) truth.bias_rate = -1;
        truth.variance_rate = -2;
        break;
      case sum_of_squares:
        truth.bias.value = mean_square(factor, kept, added) - p.squares;
        if (added == 0) truth.bias_rate = -1;
        break;
      case precision_dd:
        if (e != shrunk) set_precision(truth, e, m);
        break;
      case log_det:
        if (e != shrunk) set_log_det(truth, e);
        break;
      case largest:
      case smallest:
        set_eigenvalue(truth, q, factor, kept, added);
        break;
      case kl:
        if (e != shrunk && m > 2) {
          double const ratio = (e == mle ? big_n_ : n) * d * (1 + 1 / big_n_) / (m - 2);
          truth.bias.value = (ratio - d + mean_log_det_ratio(factor)) / 2;
          truth.bias_rate = -1;
          truth.variance_rate = -2;
        }
        break;
      default:  // t2
        truth.variance_rate = std::numeric_limits<double>::quiet_NaN();
        if (m > 2) truth.bias.value = n * d / (m - 2);
        if (m > 4) truth.variance.value = 2 * n * n * d * (d + m - 2) / ((m - 2) * (m - 2) * (m - 4));
    }
    return truth;
  }

  IntervalTruth truth_of_interval(std::size_t i, std::size_t q) const override {
    IntervalTruth truth;
    truth.reported = q == sigma_11 || q == t2;
    if (!truth.reported) return truth;
    if (i == exact) truth.coverage.value = confidence_;
    if (q == t2) {
      double const m = big_n_ - dimensions_;
      if (i == wald) truth.coverage.value = cdf(boost::math::fisher_f(dimensions_, m), reach_[wald] * m / (dimensions_ * n_));
    } else if (i == exact) {
      truth.width.value = n_ * population_.sigma(0, 0) * (1 / lower_ - 1 / upper_);
    } else {
      boost::math::chi_squared const chi(n_);
      double const above = half_width_ < 1 ? cdf(complement(chi, n_ / (1 - half_width_))) : 0.0;
      truth.coverage.value = 1 - above - cdf(chi, n_ / (1 + half_width_));
      truth.width.value = 2 * half_width_ * population_.sigma(0, 0);
    }
    return truth;
  }

  // The sample mean is independent of the scatter, S_11 of the Schur complement of the last element, which is what
  // precision_dd is made of. Everything else is correlated with one of these.
  std::vector<Test> independent() const override {
    return {{Measure::bias, mle, mean_1},
            {Measure::variance, mle, mean_1},
            {Measure::bias, sample, sigma_11},
            {Measure::bias, mle, precision_dd}};
  }

  double draws() const override { return big_n_ * dimensions_; }
  double cost(std::size_t) const override { return big_n_; }

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    auto const n_rows = pack.size();
    auto const d = population_.d;
    auto stream = pack.stream();
    arma::mat white(n_rows, d), mean(n_rows, d, arma::fill::zeros);
    PackMatrices S(n_rows, d);
    draw_scatter(stream, N_, white, S, context);
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t k = 0; k < d; ++k) {
        double const root = population_.root(i, k);
        double const* z = white.colptr(k);
        double* x = mean.colptr(i);
        for (std::size_t r = 0; r < n_rows; ++r) x[r] = std::fma(root, z[r], x[r]);
      }
    colour(S, population_);
    std::vector<double> trace(n_rows), squares(n_rows), intensity(n_rows, a_);
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        auto const s = S.at(i, j);
        for (std::size_t r = 0; r < n_rows; ++r) {
          s[r] /= n_;
          squares[r] = std::fma((i == j ? 1 : 2) * s[r], s[r], squares[r]);
          if (i == j) trace[r] += s[r];
        }
      }
    std::copy_n(mean.colptr(0), n_rows, outputs.value(mle, mean_1).begin());

    PackMatrices scaled = S;
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j <= i; ++j)
        for (auto& s : scaled.at(i, j)) s *= n_ / big_n_;
    put_elements(scaled, mle, outputs);
    put_elements(S, sample, outputs);
    Spectrum const spectrum(S);
    Inverse const inverse(S, mean, population_);
    context.tick();
    double const ratio = big_n_ / n_;
    double const log_ratio = dimensions_ * std::log(ratio);
    for (std::size_t r = 0; r < n_rows; ++r) {
      outputs.value(mle, largest)[r] = spectrum.largest[r] / ratio;
      outputs.value(mle, smallest)[r] = spectrum.smallest[r] / ratio;
      outputs.value(mle, sum_of_squares)[r] = spectrum.sum_of_squares[r] / (ratio * ratio);
      outputs.value(mle, precision_dd)[r] = inverse.precision_dd[r] * ratio;
      outputs.value(mle, log_det)[r] = inverse.log_det[r] - log_ratio;
      outputs.value(mle, kl)[r] = divergence(inverse, r, ratio, log_ratio);
      outputs.value(unbiased, log_det)[r] = inverse.log_det[r] - mean_log_det_ratio(1);
      outputs.value(sample, t2)[r] = big_n_ * inverse.of_mean[r];
    }
    if (double const left = big_n_ - dimensions_ - 2; left > 0)
      for (std::size_t r = 0; r < n_rows; ++r) outputs.value(unbiased, precision_dd)[r] = inverse.precision_dd[r] * left / n_;
    put(spectrum, inverse, sample, outputs);
    put_intervals(S, outputs);

    put_shrunk(S, trace, intensity, mean, shrunk, outputs);
    context.tick();
    double const c = 1 - 2 / dimensions_;
    for (std::size_t r = 0; r < n_rows; ++r) {
      double const t = trace[r] * trace[r];
      double const spread = squares[r] - t / dimensions_;
      double const a = std::fma(c, squares[r], t) / ((n_ + c) * spread);
      intensity[r] = a < 1 && spread > 0 ? a : 1.0;
    }
    put_shrunk(S, trace, intensity, mean, oas, outputs);
    context.tick();
  }

 private:
  static bool is_reported(std::size_t e, std::size_t q, double m) {
    if (q == mean_1) return e == mle;
    if (q == t2) return e == sample;
    if (e == unbiased) return (q == precision_dd && m > 2) || q == log_det;
    return true;
  }
  bool is_reported(std::size_t e, std::size_t q) const { return is_reported(e, q, big_n_ - dimensions_); }

  /// E tr C^2 of C = factor (kept S + added tr S / d).
  double mean_square(double factor, double kept, double added) const {
    auto const& p = population_;
    double const of_S = p.squares + (p.squares + p.trace * p.trace) / n_;
    double const of_trace = p.trace * p.trace + 2 * p.squares / n_;
    return factor * factor * (kept * kept * of_S + added * (2 * kept + added) * of_trace / dimensions_);
  }

  /// E log det(C Sigma^-1) of C = factor S.
  double mean_log_det_ratio(double factor) const {
    double sum = dimensions_ * std::log(2 * factor / n_);
    for (std::size_t i = 1; i <= population_.d; ++i) sum += boost::math::digamma((big_n_ - static_cast<double>(i)) / 2);
    return sum;
  }

  void set_log_det(CellTruth& truth, std::size_t e) const {
    truth.bias.value = e == unbiased ? 0 : mean_log_det_ratio(e == mle ? n_ / big_n_ : 1);
    double second = 0, fourth = 0;
    for (std::size_t i = 1; i <= population_.d; ++i) {
      second += boost::math::polygamma(1, (big_n_ - static_cast<double>(i)) / 2);
      fourth += boost::math::polygamma(3, (big_n_ - static_cast<double>(i)) / 2);
    }
    truth.variance.value = second;
    truth.kurtosis = 3 + fourth / (second * second);
    if (e != unbiased) truth.bias_rate = -1;
  }

  void set_precision(CellTruth& truth, std::size_t e, double m) const {
    double const c = population_.precision_dd * (e == mle ? big_n_ : e == sample ? n_ : m - 2);
    if (m > 2) truth.bias.value = e == unbiased ? 0 : c / (m - 2) - population_.precision_dd;
    if (m > 4) truth.variance.value = 2 * c * c / ((m - 2) * (m - 2) * (m - 4));
    // Of the inverse gamma distribution with shape m/2.
    double const h = m / 2;
    if (h > 3) truth.skewness = 4 * std::sqrt(h - 2) / (h - 3);
    if (h > 4) truth.kurtosis = 3 + (30 * h - 66) / ((h - 3) * (h - 4));
    if (e != unbiased) truth.bias_rate = -1;
  }

  void set_eigenvalue(CellTruth& truth, std::size_t q, double factor, double kept, double added) const {
    if (added == 0 && population_.lambda.max() > population_.lambda.min()) truth.bias_rate = -1;
    if (population_.d != 2) return;
    if (!pair_) pair_ = eigenvalues_of_two(N_ - 1, population_.lambda(0), population_.lambda(1));
    auto const& law = q == largest ? pair_->larger : pair_->smaller;
    double const target = q == largest ? population_.lambda.max() : population_.lambda.min();
    double const scale = factor * kept / n_;
    truth.bias = {scale * law.mean.value + added * population_.trace / 2 - target, scale * law.mean.error};
    if (added == 0) truth.variance = {scale * scale * law.variance.value, scale * scale * law.variance.error};
  }

  double divergence(Inverse const& inverse, std::size_t r, double ratio = 1, double log_ratio = 0) const {
    return (ratio * (inverse.trace_ratio[r] + inverse.of_mean[r]) - dimensions_ + inverse.log_det[r] - log_ratio -
            population_.log_det) /
           2;
  }

  void put_elements(PackMatrices const& C, std::size_t e, Outputs& outputs) const {
    std::ranges::copy(C.at(0, 0), outputs.value(e, sigma_11).begin());
    std::ranges::copy(C.at(1, 0), outputs.value(e, sigma_12).begin());
    auto const loss = outputs.value(e, frobenius_loss);
    std::ranges::fill(loss, 0.0);
    for (std::size_t i = 0; i < C.n(); ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        auto const c = C.at(i, j);
        for (std::size_t r = 0; r < c.size(); ++r) {
          double const off = c[r] - population_.sigma(i, j);
          loss[r] = std::fma((i == j ? 1 : 2) * off, off, loss[r]);
        }
      }
  }

  void put(Spectrum const& spectrum, Inverse const& inverse, std::size_t e, Outputs& outputs) const {
    std::ranges::copy(spectrum.largest, outputs.value(e, largest).begin());
    std::ranges::copy(spectrum.smallest, outputs.value(e, smallest).begin());
    std::ranges::copy(spectrum.sum_of_squares, outputs.value(e, sum_of_squares).begin());
    std::ranges::copy(inverse.precision_dd, outputs.value(e, precision_dd).begin());
    std::ranges::copy(inverse.log_det, outputs.value(e, log_det).begin());
    for (std::size_t r = 0; r < inverse.log_det.size(); ++r) outputs.value(e, kl)[r] = divergence(inverse, r);
  }

  void put_shrunk(PackMatrices const& S, std::vector<double> const& trace, std::vector<double> const& intensity,
                  arma::mat const& mean, std::size_t e, Outputs& outputs) const {
    PackMatrices C = S;
    for (std::size_t i = 0; i < C.n(); ++i)
      for (std::size_t j = 0; j <= i; ++j) {
        auto const c = C.at(i, j);
        for (std::size_t r = 0; r < c.size(); ++r) {
          double const goal = i == j ? trace[r] / dimensions_ : 0.0;
          c[r] = std::fma(intensity[r], goal - c[r], c[r]);
        }
      }
    put_elements(C, e, outputs);
    put(Spectrum(C), Inverse(C, mean, population_), e, outputs);
  }

  void put_intervals(PackMatrices const& S, Outputs& outputs) const {
    auto const s = S.at(0, 0);
    auto const distance = outputs.value(sample, t2);
    for (std::size_t r = 0; r < s.size(); ++r) {
      outputs.low(exact, sigma_11)[r] = n_ * s[r] / upper_;
      outputs.high(exact, sigma_11)[r] = n_ * s[r] / lower_;
      outputs.low(wald, sigma_11)[r] = s[r] * (1 - half_width_);
      outputs.high(wald, sigma_11)[r] = s[r] * (1 + half_width_);
      for (auto const rule : {exact, wald}) {
        outputs.low(rule, t2)[r] = distance[r] - reach_[rule];
        outputs.high(rule, t2)[r] = distance[r];
      }
    }
  }

  std::uint64_t N_;
  double big_n_, n_, dimensions_;
  Population population_;
  double a_, confidence_;
  double upper_, lower_, half_width_;
  std::array<double, 2> reach_;
  mutable std::optional<EigenvaluePair> pair_;  // dear, and asked for by summaries only, which are serial
};

class CovMvn final : public Experiment {
 public:
  std::string name() const override { return "cov_mvn"; }
  std::string question() const override {
    return "how far from the truth are covariance, inverse, determinant, eigenvalues and density of a fitted Gaussian?";
  }
  std::string truth() const override {
    return "moments of Wishart matrices (Muirhead, Aspects of Multivariate Statistical Theory); eigenvalues by quadrature at d "
           "= 2";
  }
  std::string conventions() const override {
    return "x_i ~ N(0, Sigma), i = 1 ... n, in d dimensions, mean unknown; eigenvalues of Sigma fall geometrically from 1 to "
           "1 / condition, its axes are tilted. frobenius_loss, kl and t2 estimate 0: their bias is their mean.";
  }

  std::vector<Parameter> parameters() const override {
    return {integer("sample.n", 100, "size N of a sample").at_least(3).at_most(1e8),
            integer("mvn.dimensions", 4, "dimensions d").at_least(2).at_most(64),
            real("mvn.condition", 10, "largest over smallest eigenvalue of Sigma").at_least(1).at_most(1e6),
            real("shrinkage.intensity", 0.1, "weight of the identity in the estimator `shrunk`").at_least(0).at_most(1),
            real("interval.confidence", 0.95, "of all intervals and regions").above(0).at_most(0.9999)};
  }
  void check(Parameters const& point) const override {
    if (point.integer("sample.n") <= point.integer("mvn.dimensions"))
      throw InputError("sample.n", fmt::format("sample.n = {}: more than mvn.dimensions = {} are needed",
                                               point.integer("sample.n"), point.integer("mvn.dimensions")));
  }

  std::vector<Estimator> estimators() const override {
    return {{"mle", "W / N, and functions of it"},
            {"sample", "S = W / (N - 1), and functions of it"},
            {"unbiased", "(N - d - 2) W^-1; log det S minus its bias"},
            {"shrunk", "(1 - a) S + a (tr S / d) I, a fixed"},
            {"oas", "the same with the oracle approximating a of Chen, Wiesel, Eldar and Hero"}};
  }
  std::vector<IntervalRule> interval_rules() const override {
    return {{"exact", "sigma_11 by chi square; t2: Hotelling's region for the mean"},
            {"wald", "S_11 (1 -+ z sqrt(2 / (N - 1))); t2: the region by chi square"}};
  }
  std::vector<std::string> quantities() const override {
    return {"mean_1",         "sigma_11", "sigma_12", "frobenius_loss", "precision_dd", "log_det", "largest", "smallest",
            "sum_of_squares", "kl",       "t2"};
  }
  std::string sample_size_key() const override { return "sample.n"; }

  std::unique_ptr<AtPoint const> at(Parameters const& point) const override { return std::make_unique<CovMvnAtPoint>(point); }
};

}  // namespace

std::unique_ptr<Experiment const> cov_mvn() { return std::make_unique<CovMvn>(); }

}  // namespace fermiac::estimators
