#include "fermiac/optimise/lbfgs.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <optional>
#include <utility>

#include "fermiac/base/error.hpp"

namespace fermiac::optimise {

namespace {

constexpr double decrease = 1e-4;
constexpr double curvature = 0.9;
constexpr double rounding = 4 * std::numeric_limits<double>::epsilon();
constexpr double longest_stretch = 1e10;
constexpr int max_trials = 40;
constexpr std::size_t value_window = 10;

// BLAS may add in an order that depends on the length and the machine.
double inner(arma::vec const& x, arma::vec const& y) {
  double sum = 0;
  for (arma::uword i = 0; i < x.n_elem; ++i) sum += x[i] * y[i];
  return sum;
}

double largest_magnitude(arma::vec const& x) {
  double largest = 0;
  for (double const value : x) largest = std::max(largest, std::abs(value));
  return largest;
}

struct Evaluated {
  arma::vec point;
  arma::vec gradient;
  double value = std::numeric_limits<double>::infinity();  // infinity where the function is not defined
};

class Counted {
 public:
  Counted(SmoothFunction const& function, int limit) : function_(function), limit_(limit) {}

  Evaluated operator()(arma::vec point) {
    ++n_evaluations_;
    Evaluated result{std::move(point), {}, 0};
    result.gradient.zeros(result.point.n_elem);
    result.value = function_(result.point, result.gradient);
    if (!std::isfinite(result.value) || !result.gradient.is_finite()) result.value = std::numeric_limits<double>::infinity();
    return result;
  }

  int n_evaluations() const { return n_evaluations_; }
  bool exhausted() const { return n_evaluations_ >= limit_; }

 private:
  SmoothFunction const& function_;
  int limit_;
  int n_evaluations_ = 0;
};

// The last steps and changes of the gradient, and the product of the inverse Hessian they make with a vector.
class InverseHessian {
 public:
  explicit InverseHessian(int memory) : memory_(static_cast<std::size_t>(memory)) {}

  void learn(arma::vec step, arma::vec change) {
    auto const product = inner(step, change);
    if (!(product > rounding * std::sqrt(inner(step, step) * inner(change, change)))) return;
    if (pairs_.size() == memory_) pairs_.pop_front();
    pairs_.push_back({std::move(step), std::move(change), 1 / product});
  }

  void forget() { pairs_.clear(); }
  bool empty() const { return pairs_.empty(); }

  arma::vec times(arma::vec vector) const {
    arma::vec weights(pairs_.size());
    for (auto k = pairs_.size(); k-- > 0;) {
      weights[k] = pairs_[k].inverse_product * inner(pairs_[k].step, vector);
      vector -= weights[k] * pairs_[k].change;
    }
    if (!pairs_.empty()) {
      auto const& last = pairs_.back();
      vector *= 1 / (last.inverse_product * inner(last.change, last.change));
    }
    for (std::size_t k = 0; k < pairs_.size(); ++k)
      vector += (weights[k] - pairs_[k].inverse_product * inner(pairs_[k].change, vector)) * pairs_[k].step;
    return vector;
  }

 private:
  struct Pair {
    arma::vec step;
    arma::vec change;
    double inverse_product;
  };
  std::size_t memory_;
  std::deque<Pair> pairs_;
};

struct Trial {
  double length = 0;
  double slope = 0;  // along the direction; of no meaning where the value is infinite
  Evaluated at;
};

// Minimum of the cubic through two values and slopes, kept off the ends of the interval; its middle where there is no such
// cubic.
double interpolate(Trial const& low, Trial const& high) {
  auto const middle = 0.5 * (low.length + high.length);
  if (!std::isfinite(high.at.value)) return middle;
  auto const width = high.length - low.length;
  auto const d1 = low.slope + high.slope - 3 * (low.at.value - high.at.value) / (low.length - high.length);
  auto const square = d1 * d1 - low.slope * high.slope;
  if (!(square >= 0)) return middle;
  auto const d2 = std::copysign(std::sqrt(square), width);
  auto const minimum = high.length - width * (high.slope + d2 - d1) / (high.slope - low.slope + 2 * d2);
  auto const share = (minimum - low.length) / width;
  return share >= 0.1 && share <= 0.9 ? minimum : middle;
}

// A point along `direction` that meets the strong Wolfe conditions; else the lowest point found, where it lies below `from`.
std::optional<Evaluated> search_line(Counted& evaluate, Evaluated const& from, arma::vec const& direction,
                                     double first_length) {
  auto const slope = inner(from.gradient, direction);
  auto const slack = rounding * std::abs(from.value);
  auto const try_at = [&](double length) {
    Trial trial{length, 0, evaluate(from.point + length * direction)};
    trial.slope = inner(trial.at.gradient, direction);
    return trial;
  };
  auto const too_high = [&](Trial const& trial) {
    return !(trial.at.value <= from.value + decrease * trial.length * slope + slack);
  };
  auto const flat = [&](Trial const& trial) { return std::abs(trial.slope) <= -curvature * slope; };

  Trial low{0, slope, from};
  Trial high;
  auto trial = try_at(first_length);
  int n_trials = 1;
  for (;; ++n_trials) {
    if (too_high(trial) || (low.length > 0 && trial.at.value > low.at.value + slack)) {
      high = std::move(trial);
      break;
    }
    if (flat(trial)) return std::move(trial.at);
    if (trial.slope >= 0) {
      high = std::move(low);
      low = std::move(trial);
      break;
    }
    auto const next = 2 * trial.length;
    low = std::move(trial);
    if (n_trials >= max_trials || evaluate.exhausted() || next > longest_stretch * first_length) return std::move(low.at);
    trial = try_at(next);
  }
  for (; n_trials < max_trials && !evaluate.exhausted(); ++n_trials) {
    auto const length = interpolate(low, high);
    if (length == low.length || length == high.length) break;
    trial = try_at(length);
    if (too_high(trial) || trial.at.value > low.at.value + slack) {
      high = std::move(trial);
      continue;
    }
    if (flat(trial)) return std::move(trial.at);
    if (trial.slope * (high.length - low.length) >= 0) high = std::move(low);
    low = std::move(trial);
  }
  if (low.length > 0 && low.at.value < from.value) return std::move(low.at);
  return std::nullopt;
}

void check(LbfgsOptions const& options) {
  if (options.memory < 1 || options.max_iterations < 0 || options.max_evaluations < 1)
    throw InputError("L-BFGS needs a memory and an evaluation limit of at least 1 and an iteration limit of at least 0");
  if (!(options.gradient_tolerance >= 0 && options.value_tolerance >= 0 && options.first_step > 0))
    throw InputError("L-BFGS needs tolerances of at least 0 and a first step greater than 0");
}

}  // namespace

Minimum minimise(SmoothFunction const& function, arma::vec const& start, LbfgsOptions const& options) {
  check(options);
  Counted evaluate(function, options.max_evaluations);
  auto here = evaluate(start);
  if (!std::isfinite(here.value)) throw ItemFailure("the function to be minimised is not defined where the search starts");

  InverseHessian hessian(options.memory);
  std::deque<double> values;
  bool converged = false;
  int iteration = 0;
  for (;; ++iteration) {
    if (largest_magnitude(here.gradient) <= options.gradient_tolerance) converged = true;
    values.push_back(here.value);
    if (values.size() > value_window + 1) values.pop_front();
    if (options.value_tolerance > 0 && values.size() > value_window &&
        values.front() - values.back() <= options.value_tolerance * std::abs(here.value))
      converged = true;
    if (converged || iteration == options.max_iterations || evaluate.exhausted()) break;

    arma::vec direction = -hessian.times(here.gradient);
    if (!(inner(direction, here.gradient) < 0)) {
      hessian.forget();
      direction = -here.gradient;
    }
    auto const first_length =
        hessian.empty() ? std::min(1.0, options.first_step / std::sqrt(inner(direction, direction))) : 1.0;
    auto next = search_line(evaluate, here, direction, first_length);
    if (!next && !hessian.empty() && !evaluate.exhausted()) {
      hessian.forget();
      direction = -here.gradient;
      next = search_line(evaluate, here, direction, std::min(1.0, options.first_step / std::sqrt(inner(direction, direction))));
    }
    if (!next) break;
    hessian.learn(next->point - here.point, next->gradient - here.gradient);
    here = std::move(*next);
  }
  auto const norm = largest_magnitude(here.gradient);
  return {here.value, std::move(here.point), norm, iteration, evaluate.n_evaluations(), converged};
}

}  // namespace fermiac::optimise
