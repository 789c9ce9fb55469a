#include "fermiac/estimators/experiments/nested_mc.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

#include "fermiac/base/error.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::estimators {

namespace {

enum EstimatorNumber : std::size_t { plain, exact_inner, multilevel, single_term };
enum QuantityNumber : std::size_t { square, positive_part };

constexpr double bits_of_uniforms = 53;  // no uniform is below 2^-53

double normal_density(double u) { return std::exp(-u * u / 2) / std::sqrt(2 * arma::datum::pi); }
double normal_tail(double u) { return std::erfc(u / std::sqrt(2.0)) / 2; }

/// The two-stage law, and expectations under it.
class Model {
 public:
  explicit Model(Parameters const& point)
      : a(point.real("model.a")), b(point.real("model.b")), k(point.integer("model.shape")), c(point.real("model.strike")) {}

  /// E g(a Y) and E g(a Y)^2.
  double mean(std::size_t q) const { return q == square ? a * a * rising(2) : a * upper(1) - c * upper(0); }
  double second_moment(std::size_t q) const {
    return q == square ? a * a * a * a * rising(4) : a * a * upper(2) - 2 * a * c * upper(1) + c * c * upper(0);
  }

  /// E g(mean of n) - E g(a Y).
  Truth bias(std::size_t q, double n) const {
    if (q == square) return {b * rising(1) / n};
    // (N(m, s^2))+ has mean m+ + s psi(m / s), which only counts near the kink.
    return near_kink(b / n, [](double u, double s) {
      double const size = std::abs(u);
      return s * (normal_density(u) - size * normal_tail(size));
    });
  }

  /// E g(mean of n)^2.
  Truth second_moment(std::size_t q, double n) const {
    if (q == square) return {second_moment(q) + 6 * a * a * b * rising(3) / n + 3 * b * b * rising(2) / (n * n)};
    auto const near = near_kink(b / n, [](double u, double s) {
      double const size = std::abs(u);
      double const excess = (u * u + 1) * normal_tail(size) - size * normal_density(u);
      return u < 0 ? s * s * excess : -s * s * excess;
    });
    return {second_moment(q) + b / n * upper(1) + near.value, near.error};
  }

  /// E D^2 of the antithetic difference of n and its halves.
  Truth squared_difference(std::size_t q, double n) const {
    if (q == square) return {3 * b * b * rising(2) / (n * n)};
    // D = -min(|p|, |q|)/2 where p q < 0, p and q independent N(m, s^2) with s^2 = 2 b Y / n.
    return near_kink(2 * b / n, [](double u, double s) {
      auto const integrand = [u](double t) { return t * normal_tail(t - u) * normal_tail(t + u); };
      return s * s * boost::math::quadrature::gauss_kronrod<double, 61>::integrate(integrand, 0.0, 12.0, 0);
    });
  }

  double a, b;
  std::int64_t k;
  double c;

 private:
  /// E Y^j, and E Y^j of Y > c / a.
  double rising(int j) const {
    double product = 1;
    for (int i = 0; i < j; ++i) product *= static_cast<double>(k + i);
    return product;
  }
  double upper(int j) const { return rising(j) * boost::math::gamma_q(static_cast<double>(k + j), c / a); }

  /// E f(u, s) with s^2 = spread Y and u = (a Y - c) / s, of an f that is nothing beyond |u| = 9.
  template <typename Function>
  Truth near_kink(double spread, Function f) const {
    double const middle = a * c + 40.5 * spread;
    double const root = std::sqrt(middle * middle - a * a * c * c);
    double const last = (middle + root) / (a * a), first = c * c / (a * a) / last;
    double const log_gamma = std::lgamma(static_cast<double>(k));
    auto const integrand = [&](double y) {
      double const s = std::sqrt(spread * y);
      return std::exp(static_cast<double>(k - 1) * std::log(y) - y - log_gamma) * f((a * y - c) / s, s);
    };
    double error = 0, error_below = 0;
    using Rule = boost::math::quadrature::gauss_kronrod<double, 61>;
    double const above = Rule::integrate(integrand, c / a, last, 4, 1e-10, &error);
    double const below = Rule::integrate(integrand, first, c / a, 4, 1e-10, &error_below);
    return {above + below, error + error_below + 1e-14 * (std::abs(above) + std::abs(below))};
  }
};

/// How inner and outer draws are spent.
struct Allocation {
  explicit Allocation(Parameters const& point)
      : total(static_cast<double>(point.integer("nested.draws"))),
        coarsest(static_cast<double>(point.integer("multilevel.coarsest"))),
        decay(point.real("single_term.decay")),
        is_balanced(point.text("nested.allocation") == "balanced") {
    inner = is_balanced ? std::round(std::cbrt(total)) : static_cast<double>(point.integer("nested.inner"));
    outer = count(std::floor(total / inner));
    double const finest = is_balanced ? std::sqrt(total) : inner;
    std::vector<double> shares{1};
    for (double n = coarsest; n < finest; n *= 2) shares.push_back(shares.back() * std::pow(2.0, -0.25));
    double sum = 0;
    for (double const share : shares) sum += share;
    for (std::size_t l = 0; l < shares.size(); ++l) levels.push_back(count(std::round(total * shares[l] / sum / size(l))));
    terms = count(std::round(total / mean_cost()));
  }

  double size(std::size_t level) const { return std::ldexp(coarsest, static_cast<int>(level)); }
  /// Of single terms: p_0, and that of level l over it.
  double first_probability() const { return 1 - std::pow(2.0, -decay); }
  double probability(std::size_t level) const {
    return first_probability() * std::pow(2.0, -decay * static_cast<double>(level));
  }
  double mean_cost() const { return coarsest * first_probability() / (1 - std::pow(2.0, 1 - decay)); }
  /// Levels that uniforms reach.
  std::size_t n_reached() const { return static_cast<std::size_t>(bits_of_uniforms / decay) + 1; }

  double total, coarsest, decay;
  bool is_balanced;
  double inner;
  std::uint64_t outer, terms;
  std::vector<std::uint64_t> levels;

 private:
  static std::uint64_t count(double n) { return static_cast<std::uint64_t>(std::max(1.0, n)); }
};

class NestedMcAtPoint final : public AtPoint {
 public:
  explicit NestedMcAtPoint(Parameters const& point) : model_(point), spent_(point) {
    for (std::size_t l = 0; l < spent_.n_reached(); ++l) {
      inverse_size_.push_back(1 / spent_.size(l));
      inverse_probability_.push_back(1 / spent_.probability(l));
    }
  }

  std::vector<double> targets() const override { return {model_.mean(square), model_.mean(positive_part)}; }

  CellTruth truth(std::size_t e, std::size_t q) const override {
    CellTruth truth;
    double const target = model_.mean(q);
    double const M = static_cast<double>(spent_.outer);
    bool const balanced = spent_.is_balanced;
    truth.variance_rate = truth.mse_rate = -1;
    switch (e) {
      case plain: {
        truth.bias = model_.bias(q, spent_.inner);
        auto const second = model_.second_moment(q, spent_.inner);
        double const mean = target + truth.bias.value;
        truth.variance = {(second.value - mean * mean) / M, (second.error + 2 * std::abs(mean) * truth.bias.error) / M};
        if (balanced) {
          truth.bias_rate = -1.0 / 3;
          truth.variance_rate = truth.mse_rate = -2.0 / 3;
        }
        break;
      }
      case exact_inner:
        truth.bias.value = 0;
        truth.variance.value = (model_.second_moment(q) - target * target) / M;
        if (balanced) truth.variance_rate = truth.mse_rate = -2.0 / 3;
        break;
      case multilevel:
        truth.bias = model_.bias(q, spent_.size(spent_.levels.size() - 1));
        truth.variance = multilevel_variance(q);
        if (balanced) truth.bias_rate = -0.5;
        break;
      default: {
        double const r = spent_.decay;
        truth.finite_moments = q == square ? r / (r - 1) : (r + 0.5) / (r - 0.5);
        truth.bias.value = 0;
        if (!(truth.finite_moments > 2)) {
          truth.variance_rate = truth.mse_rate = std::numeric_limits<double>::quiet_NaN();
          break;
        }
        Truth second = model_.second_moment(q, spent_.size(0));
        second = {second.value / spent_.probability(0), second.error / spent_.probability(0)};
        for (std::size_t l = 1; l < spent_.n_reached(); ++l) {
          auto const term = model_.squared_difference(q, spent_.size(l));
          second.value += term.value / spent_.probability(l);
          second.error += term.error / spent_.probability(l);
        }
        double const n_terms = static_cast<double>(spent_.terms);
        truth.variance = {(second.value - target * target) / n_terms, second.error / n_terms};
      }
    }
    if (!balanced && e != single_term && truth.bias.value != 0) truth.mse_rate = std::numeric_limits<double>::quiet_NaN();
    return truth;
  }

  std::vector<Test> independent() const override {
    return {{Measure::bias, plain, square}, {Measure::bias, multilevel, square}, {Measure::bias, single_term, square}};
  }

  double draws() const override {
    double const k = static_cast<double>(model_.k);
    double sum = static_cast<double>(spent_.outer) * (k + 1) + static_cast<double>(spent_.terms) * (k + 3);
    for (auto const M : spent_.levels) sum += static_cast<double>(M) * (k + 2);
    return sum;
  }

  double cost(std::size_t e) const override {
    double const M = static_cast<double>(spent_.outer);
    if (e == plain) return M * spent_.inner;
    if (e == exact_inner) return M;
    if (e == single_term) return static_cast<double>(spent_.terms) * spent_.mean_cost();
    double sum = 0;
    for (std::size_t l = 0; l < spent_.levels.size(); ++l) sum += static_cast<double>(spent_.levels[l]) * spent_.size(l);
    return sum;
  }

  void replicate(Pack const& pack, Outputs& outputs, Context& context) const override {
    put_plain(pack, outputs, context);
    put_multilevel(pack, outputs, context);
    put_single_terms(pack, outputs, context);
  }

 private:
  /// Streams of an estimator, each of two walkers of its own.
  class Draws {
   public:
    Draws(NestedMcAtPoint const& at, Pack const& pack, std::uint64_t estimator, std::size_t n_uniforms, std::size_t n_normals)
        : at_(at),
          uniform_stream_(pack.stream(rng::Purpose::draw, 2 * estimator)),
          normal_stream_(pack.stream(rng::Purpose::draw, 2 * estimator + 1)),
          n_rows_(pack.size()),
          n_uniforms_(n_uniforms),
          n_normals_(n_normals),
          Y_(n_rows_) {}

    /// Calls f(Y, further uniforms and normals of the same outer draw) for each of `n` outer draws.
    template <typename Function>
    void for_each(std::uint64_t n, Context& context, Function f) {
      auto const shape = static_cast<std::size_t>(at_.model_.k);
      auto const at_once =
          std::max<std::uint64_t>(1, 65536 / std::max<std::uint64_t>(1, n_rows_ * (shape + n_uniforms_ + n_normals_)));
      for (std::uint64_t done = 0; done < n; done += at_once) {
        auto const now = std::min(at_once, n - done);
        uniforms_.set_size(n_rows_, now * (shape + n_uniforms_));
        normals_.set_size(n_rows_, now * n_normals_);
        uniform_stream_.uniforms(uniforms_);
        normal_stream_.normals(normals_);
        for (std::uint64_t i = 0; i < now; ++i) {
          std::ranges::fill(Y_, 0.0);
          for (std::size_t s = 0; s < shape; ++s) {
            double const* u = uniforms_.colptr(i * (shape + n_uniforms_) + s);
            for (std::size_t r = 0; r < n_rows_; ++r) Y_[r] -= simd::log(u[r]);
          }
          double const* more = n_uniforms_ == 0 ? nullptr : uniforms_.colptr(i * (shape + n_uniforms_) + shape);
          f(Y_, more, normals_.colptr(i * n_normals_));
        }
        context.tick();
      }
    }

   private:
    NestedMcAtPoint const& at_;
    rng::PackStream uniform_stream_, normal_stream_;
    std::size_t n_rows_, n_uniforms_, n_normals_;
    arma::mat uniforms_, normals_;
    std::vector<double> Y_;
  };

  double positive(double x) const { return std::max(x - model_.c, 0.0); }

  /// D at the middle of two halves that lie w to either side: g(x) - (g(x + w) + g(x - w))/2 without cancellation.
  static double difference_of_squares(double w) { return -w * w; }
  double difference_of_parts(double x, double w) const { return -std::max(std::abs(w) - std::abs(x - model_.c), 0.0) / 2; }

  Truth multilevel_variance(std::size_t q) const {
    auto const& M = spent_.levels;
    Truth sum{0, 0};
    double before = 0;
    for (std::size_t l = 0; l < M.size(); ++l) {
      double const n = spent_.size(l);
      auto const bias = model_.bias(q, n);
      auto const second = l == 0 ? model_.second_moment(q, n) : model_.squared_difference(q, n);
      double const mean = l == 0 ? model_.mean(q) + bias.value : bias.value - before;
      before = bias.value;
      sum.value += (second.value - mean * mean) / static_cast<double>(M[l]);
      sum.error += (second.error + 4 * std::abs(mean) * bias.error) / static_cast<double>(M[l]);
    }
    return sum;
  }

  void put_plain(Pack const& pack, Outputs& outputs, Context& context) const {
    auto const squares = outputs.value(plain, square), parts = outputs.value(plain, positive_part),
               exact_squares = outputs.value(exact_inner, square), exact_parts = outputs.value(exact_inner, positive_part);
    for (auto const all : {squares, parts, exact_squares, exact_parts}) std::ranges::fill(all, 0.0);
    double const M = static_cast<double>(spent_.outer);
    double const spread = model_.b / spent_.inner;
    Draws(*this, pack, plain, 0, 1).for_each(spent_.outer, context, [&](auto const& Y, double const*, double const* z) {
      for (std::size_t r = 0; r < Y.size(); ++r) {
        double const mean = model_.a * Y[r];
        double const x = std::fma(std::sqrt(spread * Y[r]), z[r], mean);
        squares[r] += x * x / M;
        parts[r] += positive(x) / M;
        exact_squares[r] += mean * mean / M;
        exact_parts[r] += positive(mean) / M;
      }
    });
  }

  void put_multilevel(Pack const& pack, Outputs& outputs, Context& context) const {
    auto const squares = outputs.value(multilevel, square), parts = outputs.value(multilevel, positive_part);
    for (auto const all : {squares, parts}) std::ranges::fill(all, 0.0);
    Draws draws(*this, pack, multilevel, 0, 2);
    for (std::size_t l = 0; l < spent_.levels.size(); ++l) {
      double const M = static_cast<double>(spent_.levels[l]);
      double const spread = model_.b / spent_.size(l);
      draws.for_each(spent_.levels[l], context, [&](auto const& Y, double const*, double const* z) {
        for (std::size_t r = 0; r < Y.size(); ++r) {
          double const s = std::sqrt(spread * Y[r]);
          double const x = std::fma(s, z[r], model_.a * Y[r]);
          double const w = s * z[Y.size() + r];
          squares[r] += (l == 0 ? x * x : difference_of_squares(w)) / M;
          parts[r] += (l == 0 ? positive(x) : difference_of_parts(x, w)) / M;
        }
      });
    }
  }

  void put_single_terms(Pack const& pack, Outputs& outputs, Context& context) const {
    auto const squares = outputs.value(single_term, square), parts = outputs.value(single_term, positive_part);
    for (auto const all : {squares, parts}) std::ranges::fill(all, 0.0);
    double const M = static_cast<double>(spent_.terms);
    double const per_level = -1 / (spent_.decay * std::log(2.0));
    std::size_t const last = inverse_size_.size() - 1;
    Draws(*this, pack, single_term, 1, 2).for_each(spent_.terms, context, [&](auto const& Y, double const* u, double const* z) {
      for (std::size_t r = 0; r < Y.size(); ++r) {
        auto const level = std::min(static_cast<std::size_t>(per_level * simd::log(u[r])), last);
        double const s = std::sqrt(model_.b * inverse_size_[level] * Y[r]);
        double const x = std::fma(s, z[r], model_.a * Y[r]);
        double const w = s * z[Y.size() + r];
        double const weight = inverse_probability_[level] / M;
        squares[r] += (level == 0 ? x * x : difference_of_squares(w)) * weight;
        parts[r] += (level == 0 ? positive(x) : difference_of_parts(x, w)) * weight;
      }
    });
  }

  Model model_;
  Allocation spent_;
  std::vector<double> inverse_size_, inverse_probability_;  // by level of single terms
};

class NestedMc final : public Experiment {
 public:
  std::string name() const override { return "nested_mc"; }
  std::string question() const override {
    return "how should draws be spent on E g(E[X | Y]): nested, over levels, or as single terms?";
  }
  std::string truth() const override {
    return "moments of Gamma and Gaussian laws, with a kink by quadrature (Giles, Multilevel Monte Carlo methods, 2015)";
  }
  std::string conventions() const override {
    return "Y ~ Gamma(shape), X | Y ~ N(a Y, b Y), g(x) = x^2 and (x - strike)+; an estimate spends nested.draws inner draws, "
           "whose "
           "means are drawn by their law.";
  }

  std::vector<Parameter> parameters() const override {
    return {integer("nested.draws", 1000, "inner draws T that an estimate spends").at_least(1).at_most(1e10),
            choice("nested.allocation", "balanced", {"balanced", "fixed"}, "inner draws grow with T, or are nested.inner"),
            integer("nested.inner", 10, "inner draws n for each outer one (fixed)").at_least(1).at_most(1e9),
            real("model.a", 1.4, "E[X | Y] = a Y").above(0),
            real("model.b", 0.6, "Var[X | Y] = b Y").above(0),
            integer("model.shape", 3, "shape k of Gamma(k, 1)").at_least(1).at_most(50),
            real("model.strike", 5, "kink c of the positive part").above(0),
            integer("multilevel.coarsest", 2, "inner draws n_0 of the coarsest level").at_least(1).at_most(1024),
            real("single_term.decay", 1.25, "r: level l has probability ~ 2^(-r l)").above(1).at_most(4)};
  }
  void check(Parameters const& point) const override {
    if (point.text("nested.allocation") == "fixed" && point.integer("nested.inner") > point.integer("nested.draws"))
      throw InputError("nested.inner", fmt::format("nested.inner = {}: at most nested.draws = {} can be spent",
                                                   point.integer("nested.inner"), point.integer("nested.draws")));
  }

  std::vector<Estimator> estimators() const override {
    return {{"plain", "mean of g(mean of n inner draws)", 0},
            {"exact_inner", "the same with n infinite: g(a Y)", 0},
            {"multilevel", "sum of means of antithetic differences over levels", 1},
            {"single_term", "mean of D_l / p_l of random levels l", 2}};
  }
  std::vector<std::string> quantities() const override { return {"square", "positive_part"}; }
  std::string sample_size_key() const override { return "nested.draws"; }

  std::unique_ptr<AtPoint const> at(Parameters const& point) const override { return std::make_unique<NestedMcAtPoint>(point); }
};

}  // namespace

std::unique_ptr<Experiment const> nested_mc() { return std::make_unique<NestedMc>(); }

}  // namespace fermiac::estimators
