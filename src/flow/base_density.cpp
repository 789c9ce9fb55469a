#include "fermiac/flow/base_density.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "fermiac/base/error.hpp"
#include "fermiac/flow/number_list.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::flow {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();
double const log_two_pi = simd::log(2 * std::numbers::pi);

arma::mat normals(rng::StreamId const& id, std::uint64_t first, std::size_t n, std::size_t d) {
  arma::mat x(n, d);
  rng::PackStream(id, first, n).normals(x);
  return x;
}

class Gaussian final : public BaseDensity {
 public:
  Gaussian(arma::vec mean, arma::mat A)
      : mean_(std::move(mean)), A_(std::move(A)), inverse_(arma::inv(A_)), log_det_(simd::log(std::abs(arma::det(A_)))) {}

  void draw(rng::StreamId const& id, std::uint64_t first, Columns& z) const override {
    auto const n = z.n_rows();
    auto const d = mean_.n_elem;
    arma::mat const x = normals(id, first, n, d);
    for (std::size_t i = 0; i < d; ++i) {
      double* __restrict to = z.column(i);
      std::fill_n(to, n, mean_[i]);
      for (std::size_t j = 0; j < d; ++j) {
        double const* __restrict from = x.colptr(j);
        for (std::size_t k = 0; k < n; ++k) to[k] = std::fma(A_(i, j), from[k], to[k]);
      }
    }
  }

  void log_density(Columns const& z, std::size_t n, double* log_p) const override {
    auto const d = mean_.n_elem;
    std::fill_n(log_p, n, -0.5 * static_cast<double>(d) * log_two_pi - log_det_);
    std::vector<double> x(n);
    for (std::size_t i = 0; i < d; ++i) {
      std::fill(x.begin(), x.end(), 0.0);
      for (std::size_t j = 0; j < d; ++j) {
        double const* __restrict from = z.column(j);
        for (std::size_t k = 0; k < n; ++k) x[k] = std::fma(inverse_(i, j), from[k] - mean_[j], x[k]);
      }
      for (std::size_t k = 0; k < n; ++k) log_p[k] = std::fma(-0.5 * x[k], x[k], log_p[k]);
    }
  }

  double entropy() const override { return 0.5 * static_cast<double>(mean_.n_elem) * (1 + log_two_pi) + log_det_; }
  arma::vec mean() const override { return mean_; }
  arma::mat covariance() const override { return A_ * A_.t(); }
  bool is_gaussian() const override { return true; }

 private:
  arma::vec mean_;
  arma::mat A_, inverse_;
  double log_det_;
};

class MixtureDensity final : public BaseDensity {
 public:
  MixtureDensity(arma::mat centres, double deviation) : centres_(std::move(centres)), s_(deviation) {}

  void draw(rng::StreamId const& id, std::uint64_t first, Columns& z) const override {
    auto const n = z.n_rows();
    arma::Mat<std::uint32_t> component(n, 1);
    arma::mat x(n, centres_.n_cols);
    rng::PackStream stream(id, first, n);
    stream.integers(centres_.n_rows, component);
    stream.normals(x);
    for (std::size_t i = 0; i < centres_.n_cols; ++i)
      for (std::size_t k = 0; k < n; ++k) z.column(i)[k] = std::fma(s_, x(k, i), centres_(component(k, 0), i));
  }

  void log_density(Columns const& z, std::size_t n, double* log_p) const override {
    auto const d = static_cast<double>(centres_.n_cols);
    Columns exponent(n, centres_.n_rows);
    std::fill_n(log_p, n, -infinity);
    for (std::size_t c = 0; c < centres_.n_rows; ++c) {
      double* e = exponent.column(c);
      for (std::size_t i = 0; i < centres_.n_cols; ++i)
        for (std::size_t k = 0; k < n; ++k) {
          double const way = (z.column(i)[k] - centres_(c, i)) / s_;
          e[k] = std::fma(-0.5 * way, way, e[k]);
        }
      for (std::size_t k = 0; k < n; ++k) log_p[k] = e[k] > log_p[k] ? e[k] : log_p[k];
    }
    double const constant = -0.5 * d * log_two_pi - d * simd::log(s_) - simd::log(static_cast<double>(centres_.n_rows));
    for (std::size_t k = 0; k < n; ++k) {
      double sum = 0;
      for (std::size_t c = 0; c < centres_.n_rows; ++c) sum += simd::exp(exponent.column(c)[k] - log_p[k]);
      log_p[k] += simd::log(sum) + constant;
    }
  }

  double entropy() const override {
    return centres_.n_rows == 1 ? 0.5 * static_cast<double>(centres_.n_cols) * (1 + log_two_pi + 2 * simd::log(s_)) : nan;
  }
  arma::vec mean() const override { return arma::mean(centres_, 0).t(); }
  arma::mat covariance() const override {
    return arma::cov(centres_, 1) + s_ * s_ * arma::eye(centres_.n_cols, centres_.n_cols);
  }
  bool is_gaussian() const override { return centres_.n_rows == 1; }

 private:
  arma::mat centres_;
  double s_;
};

class Uniform final : public BaseDensity {
 public:
  Uniform(arma::vec lower, arma::vec upper)
      : lower_(std::move(lower)), upper_(std::move(upper)), log_volume_(arma::accu(arma::log(upper_ - lower_))) {}

  void draw(rng::StreamId const& id, std::uint64_t first, Columns& z) const override {
    arma::mat x(z.n_rows(), lower_.n_elem);
    rng::PackStream(id, first, z.n_rows()).uniforms(x);
    for (std::size_t i = 0; i < lower_.n_elem; ++i)
      for (std::size_t k = 0; k < z.n_rows(); ++k) z.column(i)[k] = std::fma(upper_[i] - lower_[i], x(k, i), lower_[i]);
  }
  void log_density(Columns const& z, std::size_t n, double* log_p) const override {
    std::fill_n(log_p, n, -log_volume_);
    for (std::size_t i = 0; i < lower_.n_elem; ++i)
      for (std::size_t k = 0; k < n; ++k)
        if (!(z.column(i)[k] >= lower_[i] && z.column(i)[k] <= upper_[i])) log_p[k] = -infinity;
  }
  double entropy() const override { return log_volume_; }
  arma::vec mean() const override { return 0.5 * (lower_ + upper_); }
  arma::mat covariance() const override { return arma::diagmat(arma::square(upper_ - lower_) / 12); }

 private:
  arma::vec lower_, upper_;
  double log_volume_;
};

class Table final : public BaseDensity {
 public:
  explicit Table(arma::mat samples) : samples_(std::move(samples)) {}
  void draw(rng::StreamId const&, std::uint64_t first, Columns& z) const override {
    FERMIAC_ASSERT(first + z.n_rows() <= samples_.n_rows);
    for (std::size_t i = 0; i < samples_.n_cols; ++i) std::copy_n(samples_.colptr(i) + first, z.n_rows(), z.column(i));
  }
  void log_density(Columns const&, std::size_t n, double* log_p) const override { std::fill_n(log_p, n, nan); }
  double entropy() const override { return nan; }
  arma::vec mean() const override { return arma::vec(samples_.n_cols).fill(nan); }
  arma::mat covariance() const override { return arma::mat(samples_.n_cols, samples_.n_cols).fill(nan); }
  bool has_density() const override { return false; }

 private:
  arma::mat samples_;
};

}  // namespace

std::vector<Parameter> density_parameters(std::string const& prefix, std::vector<std::string> const& kinds,
                                          std::string const& what) {
  auto const key = [&](char const* name) { return prefix + "." + name; };
  return {choice(key("kind"), kinds.front(), kinds, what),
          text(key("mean"), "", "gaussian: a number for each component; empty: 0"),
          text(key("covariance"), "", "gaussian: rows separated by semicolons; empty: the unit matrix"),
          text(key("map"), "", "gaussian: A of y = mean + A x instead of a covariance"),
          text(key("centres"), "", "mixture: centres of its components, rows separated by semicolons"),
          real(key("deviation"), 1, "mixture: deviation of every component").above(0),
          text(key("lower"), "", "uniform: lower corner; empty: 0"),
          text(key("upper"), "", "uniform: upper corner; empty: 1")};
}

std::unique_ptr<BaseDensity> make_density(std::string const& prefix, std::size_t dimension, Parameters const& options,
                                          arma::mat const& table) {
  auto const& kind = options.text(prefix + ".kind");
  auto const vector = [&](char const* name, double otherwise) {
    auto const key = fmt::format("{}.{}", prefix, name);
    auto const& numbers = options.text(key);
    return numbers.empty() ? arma::vec(dimension).fill(otherwise) : vector_of(numbers, dimension, key);
  };
  if (kind == "mixture") {
    auto const key = prefix + ".centres";
    return std::make_unique<MixtureDensity>(rows_of(options.text(key), dimension, key), options.real(prefix + ".deviation"));
  }
  if (kind == "uniform") {
    arma::vec const lower = vector("lower", 0);
    arma::vec const upper = vector("upper", 1);
    if (!arma::all(upper > lower)) throw InputError(prefix + ".upper", "the upper corner must lie above the lower one");
    return std::make_unique<Uniform>(lower, upper);
  }
  if (kind == "table") return std::make_unique<Table>(table);
  arma::mat A(dimension, dimension, arma::fill::eye);
  auto const& covariance = options.text(prefix + ".covariance");
  auto const& map = options.text(prefix + ".map");
  if (!covariance.empty() && !map.empty()) throw InputError(prefix + ".map", "give a covariance or a map, not both");
  if (!map.empty()) {
    A = matrix_of(map, dimension, dimension, prefix + ".map");
    if (arma::rcond(A) < 1e-14) throw InputError(prefix + ".map", "the map is singular: its image has no density");
  }
  if (!covariance.empty()) {
    arma::mat const C = matrix_of(covariance, dimension, dimension, prefix + ".covariance");
    if (arma::abs(C - C.t()).max() > 1e-12 * arma::abs(C).max() || !arma::chol(A, C, "lower"))
      throw InputError(prefix + ".covariance", "a covariance is symmetric and positive definite");
  }
  return std::make_unique<Gaussian>(vector("mean", 0), A);
}

}  // namespace fermiac::flow
