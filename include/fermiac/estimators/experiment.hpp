/// A replicated experiment on estimators: what is estimated, by which estimators, and what is known about them beforehand.
///
/// **Adding an experiment** takes three steps:
///
///  1. a header `experiments/NAME.hpp` that states question, formulas and their source, and declares
///     `std::unique_ptr<Experiment const> NAME();`
///  2. a source `experiments/NAME.cpp` with a class derived from `Experiment` (what holds at every point: names, parameters,
///     estimators, quantities) and one derived from `AtPoint` (what needs the parameters: targets, truths, replicates);
///  3. its line in `src/estimators/registry.cpp`.
///
/// The engine does the rest: packs and threads, moments, Monte Carlo errors, z-scores, paired differences, rates, stopping, the
/// results file, `show`. `experiments/gauss_mean.cpp` is the example to read; `tests/support/experiment_checks.hpp` holds an
/// experiment to its duties (streams, truths, failures) in one line.
///
/// An estimator at work is a plain loop over the replicates of a pack, which lie down the rows of its matrices (contiguous):
/// draw from `pack.stream()`, write `outputs.value(e, q)`. A replicate that fails leaves NaN there, and is counted.
#pragma once

#include <armadillo>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fermiac/base/context.hpp"
#include "fermiac/base/parameter.hpp"
#include "fermiac/base/range.hpp"
#include "fermiac/rng/stream.hpp"

namespace fermiac::estimators {

/// A value that is known beforehand.
struct Truth {
  double value = std::numeric_limits<double>::quiet_NaN();  ///< NaN: not known
  double error = 0;  ///< bound of what quadrature or series left out; 0: exact to rounding

  bool is_known() const noexcept { return value == value; }
};

/// One of the estimators that an experiment compares.
struct Estimator {
  std::string name;   ///< short: a coordinate of the results file and a line of tables
  std::string about;  ///< its formula, for readers of the table
  /// Estimators of the same group use the same random numbers. Of each group, all are compared with its first by paired
  /// differences.
  int group = 0;
};

/// A rule for intervals, about an estimator.
struct IntervalRule {
  std::string name;
  std::string about;
};

/// What is known about one estimator of one quantity, and what the engine must know to judge it.
struct CellTruth {
  bool reported = true;  ///< false: this estimator does not estimate this quantity
  Truth bias;            ///< mean - target
  Truth variance;        ///< of one replicate's estimate; 0 where it is constant
  Truth mse;             ///< bias^2 + variance, and filled in as that where both are known
  /// Of the estimate, 0 and 3 for a normal one; NaN: not known. With them the exact Monte Carlo errors of variance and mse are
  /// known, and z-scores hold under any tails (`performance.hpp`).
  double skewness = std::numeric_limits<double>::quiet_NaN();
  double kurtosis = std::numeric_limits<double>::quiet_NaN();
  /// E|x|^r is finite for r below this. Up to 4 the variance has no error, up to 2 there is no variance, up to 1 no mean:
  /// these are flagged and left out, not averaged into a number. Up to 8 the variance's reported error has itself no variance:
  /// flagged, and judged only by an exact error. To be set to 8, too, where higher moments are finite but made by values so
  /// rare that samples lack them.
  double finite_moments = std::numeric_limits<double>::infinity();
  /// Size of a single value where the variance is 0: constants must then equal the truth within 1e-11 of it.
  double scale = 1;
  /// Whether the signal-to-noise ratio |mean| / deviation of one replicate is of interest, as it is for gradients.
  bool signal = false;
  /// Exponents with which these fall along the sample size as it grows; NaN: none is known (or the measure is 0).
  double bias_rate = std::numeric_limits<double>::quiet_NaN();
  double variance_rate = std::numeric_limits<double>::quiet_NaN();
  double mse_rate = std::numeric_limits<double>::quiet_NaN();
  double signal_rate = std::numeric_limits<double>::quiet_NaN();
};

/// What is known about intervals by one rule for one quantity.
struct IntervalTruth {
  bool reported = true;
  Truth coverage;  ///< probability that they hold the target
  Truth width;     ///< mean width
};

/// What is judged. The first three belong to estimators, the next two to interval rules, then two to an estimator paired with
/// the first of its group, and the last one to a rule paired with the first rule (rules share random numbers).
enum class Measure : std::uint8_t {
  bias,
  variance,
  mse,
  coverage,
  width,
  bias_difference,
  mse_difference,
  coverage_difference
};
std::string_view name(Measure measure);

/// One quantity of which a z-score is taken: a measure of an estimator (or interval rule) and a quantity, by their numbers.
struct Test {
  Measure measure;
  std::size_t which;
  std::size_t quantity;
  friend bool operator==(Test const&, Test const&) = default;
};

/// The values that replicates yield: one column for each number that a replicate has. NaN at first.
class Outputs {
 public:
  Outputs(std::size_t n_estimators, std::size_t n_intervals, std::size_t n_quantities, std::uint64_t n_replicates);

  std::uint64_t n_replicates() const noexcept { return values_.n_rows; }

  /// What estimator `e` says of quantity `q`, replicate after replicate.
  std::span<double> value(std::size_t e, std::size_t q = 0) { return column(e * n_quantities_ + q); }
  std::span<double const> value(std::size_t e, std::size_t q = 0) const { return column(e * n_quantities_ + q); }
  /// The ends of the intervals by rule `i` for quantity `q`.
  std::span<double> low(std::size_t i, std::size_t q = 0) { return column(first_low_ + i * n_quantities_ + q); }
  std::span<double const> low(std::size_t i, std::size_t q = 0) const { return column(first_low_ + i * n_quantities_ + q); }
  std::span<double> high(std::size_t i, std::size_t q = 0) { return column(first_high_ + i * n_quantities_ + q); }
  std::span<double const> high(std::size_t i, std::size_t q = 0) const { return column(first_high_ + i * n_quantities_ + q); }

  /// n_replicates x (estimators, then low ends, then high ends; the quantity running fastest).
  arma::mat const& all() const noexcept { return values_; }

 private:
  std::span<double> column(std::size_t c) { return {values_.memptr() + c * values_.n_rows, values_.n_rows}; }
  std::span<double const> column(std::size_t c) const { return {values_.memptr() + c * values_.n_rows, values_.n_rows}; }

  std::size_t n_quantities_, first_low_, first_high_;
  arma::mat values_;
};

/// The replicates that one thread computes together: at least one.
struct Pack {
  rng::Key key;  ///< of the point
  Range replicates;

  std::uint64_t size() const noexcept { return replicates.size(); }

  /// Streams of these replicates, one a row. Distinct (purpose, walker) are distinct streams: an estimator that may not share
  /// random numbers with another takes a walker of its own.
  rng::PackStream stream(rng::Purpose purpose = rng::Purpose::draw, std::uint64_t walker = 0) const {
    return {key, purpose, replicates, walker};
  }
};

/// An experiment at one point of a study: everything that needs values of parameters. Const after construction; constructed
/// once for an item, so that tables may be prepared, but quadrature belongs into `truth`, which only summaries ask for.
class AtPoint {
 public:
  virtual ~AtPoint() = default;

  /// What is estimated: one value a quantity.
  virtual std::vector<double> targets() const = 0;

  virtual CellTruth truth(std::size_t estimator, std::size_t quantity) const = 0;
  virtual IntervalTruth truth_of_interval(std::size_t /*rule*/, std::size_t /*quantity*/) const { return {}; }

  /// Which z-scores are of independent (at least uncorrelated) quantities, declared before anything is computed: their
  /// p-values are uniform where all is right. Several functions of the same random numbers are one. None of them needs to
  /// have a truth at this point.
  virtual std::vector<Test> independent() const = 0;

  /// Random numbers that a replicate draws: its cost, for the order of items and the time that `check` predicts.
  virtual double draws() const = 0;

  /// Evaluations (of the integrand, of samples) that one estimate of this estimator costs, to compare cost x variance; NaN:
  /// not stated.
  virtual double cost(std::size_t /*estimator*/) const { return std::numeric_limits<double>::quiet_NaN(); }

  /// Computes the replicates of a pack: `outputs` has a row for each. A replicate's row depends on its own stream only, bit
  /// for bit, whatever else is in the pack.
  virtual void replicate(Pack const& pack, Outputs& outputs, Context& context) const = 0;
};

/// An experiment: what holds at every point.
class Experiment {
 public:
  virtual ~Experiment() = default;

  virtual std::string name() const = 0;         ///< the kind of its studies
  virtual std::string question() const = 0;     ///< one line
  virtual std::string truth() const = 0;        ///< one line: what the results are held against, with its source
  virtual std::string conventions() const = 0;  ///< what a reader of the numbers must know

  virtual std::vector<Parameter> parameters() const = 0;
  /// @throws InputError  naming the key, where single ranges cannot say what is wrong
  virtual void check(Parameters const&) const {}

  virtual std::vector<Estimator> estimators() const = 0;
  virtual std::vector<IntervalRule> interval_rules() const { return {}; }
  virtual std::vector<std::string> quantities() const = 0;  ///< components of what is estimated; at least one

  /// The key of the sample size along which rates are fitted; empty: none.
  virtual std::string sample_size_key() const { return {}; }

  virtual std::unique_ptr<AtPoint const> at(Parameters const& point) const = 0;
};

}  // namespace fermiac::estimators
