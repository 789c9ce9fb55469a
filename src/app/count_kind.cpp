#include <cmath>

#include "fermiac/app/registry.hpp"
#include "fermiac/base/cpu_clock.hpp"
#include "fermiac/estimators/count.hpp"
#include "fermiac/rng/philox.hpp"

namespace fermiac::app {

namespace {

using study::Presence;
using study::Scope;

/// The engine's own test experiment: hits of uniforms, whose mean, variance and error bars are known exactly.
class CountKind final : public study::Kind {
 public:
  std::string name() const override { return "count"; }
  std::string family() const override { return "estimator"; }
  std::string summary() const override { return "fraction of uniforms below a probability"; }
  std::string truth() const override { return "binomial distribution: mean p, variance p (1 - p) / draws"; }
  std::string conventions() const override {
    return "A replicate's estimate is its fraction of hits; mean_z compares their mean with p in units of its exact standard "
           "error.";
  }

  std::vector<Parameter> parameters() const override {
    return {real("count.probability", 0.5, "probability of a hit").at_least(0).at_most(1),
            integer("count.draws", 1000, "uniforms a replicate draws").at_least(1),
            integer("count.per_item", 1, "replicates that are computed together").at_least(1).shares_streams()};
  }

  std::vector<study::Variable> variables() const override {
    return {{"fraction", Scope::replicate, "1", "fraction of hits"},
            {"sum", Scope::item, "1", "sum of the fractions of an item"},
            {"sum_of_squares", Scope::item, "1", "sum of their squared deviations from p"},
            {"mean", Scope::point, "1", "mean fraction", Presence::optional},
            {"mean_error", Scope::point, "1", "its standard error, from the spread of replicates", Presence::optional},
            {"mean_truth", Scope::point, "1", "probability of a hit"},
            {"mean_z", Scope::point, "1", "(mean - truth) / exact standard error", Presence::optional},
            {"variance", Scope::point, "1", "mean squared deviation of a replicate from p", Presence::optional},
            {"variance_truth", Scope::point, "1", "p (1 - p) / draws"}};
  }
  std::vector<std::string> table() const override { return {"mean", "mean_truth", "mean_z", "variance", "variance_truth"}; }

  std::uint64_t replicates_per_item(Parameters const& point) const override {
    return static_cast<std::uint64_t>(point.integer("count.per_item"));
  }
  double work(Parameters const& point) const override { return static_cast<double>(point.integer("count.draws")); }
  double seconds_per_work(Parameters const&) const override {
    constexpr std::uint64_t n_draws = 1'000'000;
    Quiet context;
    double const start = thread_cpu_s();
    estimators::count_below(0.5, n_draws, {}, 0, context);
    return (thread_cpu_s() - start) / n_draws;
  }

  void compute(Parameters const& point, std::uint64_t seed, Range replicates, Team&, Context& context,
               study::ItemRecord& record) const override {
    auto const key = rng::make_key(seed, point.canonical());
    double const p = point.real("count.probability");
    auto const draws = static_cast<std::uint64_t>(point.integer("count.draws"));
    double sum = 0;
    double sum_of_squares = 0;
    for (auto r = replicates.first; r < replicates.last; ++r) {
      auto const hits = estimators::count_below(p, draws, key, static_cast<std::uint32_t>(r), context);
      double const fraction = static_cast<double>(hits) / static_cast<double>(draws);
      record.replicates.set("fraction", fraction, r - replicates.first);
      sum += fraction;
      sum_of_squares += (fraction - p) * (fraction - p);
    }
    record.item.set("sum", sum);
    record.item.set("sum_of_squares", sum_of_squares);
  }

  void summarise(Parameters const& point, std::vector<study::ItemRecord> const& items, Context&,
                 study::Record& summary) const override {
    double const p = point.real("count.probability");
    double const variance = p * (1 - p) / static_cast<double>(point.integer("count.draws"));
    summary.set("mean_truth", p);
    summary.set("variance_truth", variance);
    double n = 0;
    double sum = 0;
    double sum_of_squares = 0;
    for (auto const& item : items) {
      n += static_cast<double>(item.replicates.n_entries());
      sum += item.item.value("sum");
      sum_of_squares += item.item.value("sum_of_squares");
    }
    if (n == 0) return;
    double const mean = sum / n;
    summary.set("mean", mean);
    summary.set("variance", sum_of_squares / n);
    if (n > 1) summary.set("mean_error", std::sqrt(std::max(0.0, sum_of_squares - n * (mean - p) * (mean - p)) / (n - 1) / n));
    if (variance > 0) summary.set("mean_z", (mean - p) / std::sqrt(variance / n));
  }
};

}  // namespace

std::unique_ptr<study::Kind const> count_kind() { return std::make_unique<CountKind>(); }

}  // namespace fermiac::app
