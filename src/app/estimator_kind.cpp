#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <map>

#include "fermiac/app/registry.hpp"
#include "fermiac/base/cpu_clock.hpp"
#include "fermiac/base/error.hpp"
#include "fermiac/estimators/agreement.hpp"
#include "fermiac/estimators/performance.hpp"
#include "fermiac/estimators/registry.hpp"
#include "fermiac/stats/rate.hpp"
#include "fermiac/stats/z_score.hpp"

namespace fermiac::app {

namespace {

using estimators::Measure;
using estimators::Outputs;
using estimators::Tally;
using study::Presence;
using study::Scope;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// The measures of estimators, in the order of the dimension `measure`.
struct NamedMeasure {
  char const* name;
  estimators::Finding estimators::EstimatorFindings::*finding;
};
constexpr NamedMeasure measures[] = {{"bias", &estimators::EstimatorFindings::bias},
                                     {"variance", &estimators::EstimatorFindings::variance},
                                     {"mse", &estimators::EstimatorFindings::mse},
                                     {"signal_to_noise", &estimators::EstimatorFindings::signal_to_noise},
                                     {"standard_error", &estimators::EstimatorFindings::standard_error},
                                     {"mean", &estimators::EstimatorFindings::mean},
                                     {"skewness", &estimators::EstimatorFindings::skewness},
                                     {"kurtosis", &estimators::EstimatorFindings::kurtosis}};
constexpr std::size_t n_measures = std::size(measures);
constexpr std::size_t n_with_rates = 4;  // the first ones

/// Values that belong together: an estimate, its error, its truth with its error, z.
constexpr char const* parts[] = {"", "_error", "_truth", "_truth_error", "_z"};

/// Makes a kind of study of an experiment.
class EstimatorKind final : public study::Kind {
 public:
  explicit EstimatorKind(std::unique_ptr<estimators::Experiment const> experiment)
      : experiment_(std::move(experiment)),
        layout_(*experiment_),
        estimators_(experiment_->estimators()),
        rules_(experiment_->interval_rules()),
        quantities_(experiment_->quantities()) {}

  std::string name() const override { return experiment_->name(); }
  std::string family() const override { return "estimator"; }
  std::string summary() const override { return experiment_->question(); }
  std::string truth() const override { return experiment_->truth(); }
  std::string conventions() const override {
    std::string text = experiment_->conventions() + "\nEstimators:";
    for (auto const& estimator : estimators_) text += fmt::format("\n  {:<12} {}", estimator.name, estimator.about);
    if (!rules_.empty()) text += "\nIntervals:";
    for (auto const& rule : rules_) text += fmt::format("\n  {:<12} {}", rule.name, rule.about);
    return text +
           "\nErrors are Monte Carlo standard errors, those of variances by the fourth moment. Samples that lack rare large "
           "values "
           "show them too small: z goes by exact errors where these are known. Differences are paired with the first estimator "
           "that shares the random numbers.";
  }

  std::vector<Parameter> parameters() const override {
    auto declared = experiment_->parameters();
    for (auto& own : {integer("replicates.per_item", 4096,
                              "replicates that are computed together; memory and results files grow "
                              "with the number of such groups")
                          .at_least(1)
                          .at_most(1e8)
                          .shares_streams(),
                      integer("replicates.per_pack", 256, "replicates that a thread computes side by side")
                          .at_least(1)
                          .at_most(65536)
                          .shares_streams(),
                      flag("replicates.keep", false, "keep every replicate's values in the results file").shares_streams(),
                      real("replicates.target_mcse", 0,
                           "stop a point when the Monte Carlo errors of `target_measure` are below this, of all estimators and "
                           "quantities; 0: compute all replicates")
                          .at_least(0)
                          .shares_streams(),
                      choice("replicates.target_measure", "bias", {"bias", "variance", "mse", "coverage"},
                             "what `target_mcse` is the error of")
                          .shares_streams(),
                      integer("replicates.minimum", 4096,
                              "replicates before the first decision; later ones at twice, four times, ... as many")
                          .at_least(100)
                          .shares_streams()})
      declared.push_back(own);
    return declared;
  }

  void check(Parameters const& point) const override {
    experiment_->check(point);
    if (point.text("replicates.target_measure") == "coverage" && rules_.empty())
      throw InputError("replicates.target_measure",
                       "replicates.target_measure = \"coverage\": this experiment has no intervals");
  }

  std::vector<study::Variable> variables() const override {
    std::vector<study::Variable> all{
        {"value", Scope::replicate, "", "what a replicate yields (replicates.keep)", Presence::optional, {"output"}},
        {"partial_estimates",
         Scope::item,
         "",
         "moments of estimate - target, extremes, failures",
         Presence::optional,
         {"estimator", "quantity", "statistic"}},
        {"partial_intervals",
         Scope::item,
         "",
         "moments of widths, hits, failures, hits and misses where the first rule's are others",
         Presence::optional,
         {"interval", "quantity", "interval_statistic"}},
        {"partial_differences",
         Scope::item,
         "",
         "moments of paired differences and of those of squared errors",
         Presence::optional,
         {"estimator", "quantity", "difference_statistic"}},
        {"target", Scope::point, "", "what is estimated", Presence::optional, {"quantity"}},
        {"count", Scope::point, "1", "replicates that yielded an estimate", Presence::optional, {"estimator", "quantity"}},
        {"failures", Scope::point, "1", "replicates that did not", Presence::optional, {"estimator", "quantity"}},
        {"minimum", Scope::point, "", "smallest estimate", Presence::optional, {"estimator", "quantity"}},
        {"maximum", Scope::point, "", "largest estimate", Presence::optional, {"estimator", "quantity"}},
        {"moments_known",
         Scope::point,
         "1",
         "moments of the estimate that are finite, and not made by values too rare for samples: what needs others is left out",
         Presence::optional,
         {"estimator", "quantity"},
         {"none", "mean", "variance", "fourth", "all"}},
        {"cost", Scope::point, "1", "evaluations that one estimate takes", Presence::optional, {"estimator"}}};
    auto const add = [&](std::string const& name, std::string const& about, std::vector<std::string> const& dimensions,
                         Scope scope = Scope::point) {
      constexpr char const* meanings[] = {"", ": Monte Carlo standard error", ": exact value", ": error of the exact value",
                                          ": z-score"};
      for (std::size_t i = 0; i < std::size(parts); ++i)
        all.push_back({name + parts[i], scope, "", about + meanings[i], Presence::optional, dimensions});
    };
    add("performance", "performance of estimators", {"estimator", "quantity", "measure"});
    add("interval_performance", "performance of intervals", {"interval", "quantity", "interval_measure"});
    all.push_back({"interval_count",
                   Scope::point,
                   "1",
                   "replicates that yielded an interval",
                   Presence::optional,
                   {"interval", "quantity"}});
    all.push_back(
        {"interval_failures", Scope::point, "1", "replicates that did not", Presence::optional, {"interval", "quantity"}});
    add("difference", "paired difference from the first estimator of the same random numbers",
        {"estimator", "quantity", "difference_measure"});
    add("rate", "exponent of |measure| along the sample size; at the last of the points that differ in it alone",
        {"estimator", "quantity", "rate_measure"});
    all.push_back({"rate_asymptotic",
                   Scope::point,
                   "1",
                   "exponent for large samples",
                   Presence::optional,
                   {"estimator", "quantity", "rate_measure"}});
    for (auto const& [name, about] : {std::pair{"n_scores", "z-scores of the study"},
                                      {"n_independent", "of independent quantities, declared beforehand"},
                                      {"largest_z", "the z-score of largest size"},
                                      {"largest_z_point", "the point it is of"},
                                      {"largest_z_test", "its number among the z-scores of a point"},
                                      {"bonferroni_bound", "that it stays below with probability 0.999 where all is right"},
                                      {"ks_p", "P of the Kolmogorov-Smirnov distance of the independent p-values from uniform"},
                                      {"agrees", "1 where the study agrees with theory"}})
      all.push_back({name, Scope::study, "1", about, Presence::optional});
    return all;
  }

  std::vector<study::Dimension> dimensions(Parameters const& point) const override {
    auto const labelled = [](std::string name, std::string about, std::vector<std::string> labels) {
      auto const size = labels.size();
      return study::Dimension{std::move(name), size, std::move(about), std::move(labels)};
    };
    std::vector<std::string> estimator_names, rule_names, outputs, measure_names, rate_names;
    for (auto const& estimator : estimators_) estimator_names.push_back(estimator.name);
    for (auto const& rule : rules_) rule_names.push_back(rule.name);
    for (auto const& measure : measures) measure_names.push_back(measure.name);
    rate_names.assign(measure_names.begin(), measure_names.begin() + n_with_rates);
    if (point.flag("replicates.keep")) {
      for (auto const& [names, prefix] : {std::pair{&estimator_names, ""}, {&rule_names, "low "}, {&rule_names, "high "}})
        for (auto const& name : *names)
          for (auto const& quantity : quantities_) outputs.push_back(fmt::format("{}{} {}", prefix, name, quantity));
    }
    return {
        labelled("estimator", "what is compared", estimator_names),
        labelled("quantity", "component of what is estimated", quantities_),
        labelled("interval", "rule for intervals", rule_names),
        labelled("measure", "of an estimator", measure_names),
        labelled("interval_measure", "of a rule for intervals", {"coverage", "width", "coverage_difference"}),
        labelled("difference_measure", "of a pair", {"bias", "mse"}),
        labelled("rate_measure", "of an estimator", rate_names),
        labelled("statistic", "of the estimates of an item", {"n", "mean", "m2", "m3", "m4", "minimum", "maximum", "failures"}),
        labelled("interval_statistic", "of the widths of an item",
                 {"n", "mean", "m2", "m3", "m4", "hits", "failures", "hits_alone", "misses_alone"}),
        labelled("difference_statistic", "of the pairs of an item",
                 {"n", "mean", "m2", "m3", "m4", "square_n", "square_mean", "square_m2", "square_m3", "square_m4"}),
        labelled("output", "number that a replicate yields", outputs)};
  }

  std::vector<std::string> table() const override { return {}; }
  std::vector<std::string> headline() const override {
    std::vector<std::string> keys;
    for (auto const& parameter : experiment_->parameters()) keys.push_back(parameter.key());
    return keys;
  }

  std::uint64_t replicates_per_item(Parameters const& point) const override {
    return static_cast<std::uint64_t>(point.integer("replicates.per_item"));
  }
  double work(Parameters const& point) const override { return experiment_->at(point)->draws(); }

  double seconds_per_work(Parameters const& point) const override {
    auto const at = experiment_->at(point);
    Quiet context;
    double const draws = std::max(1.0, at->draws());
    auto const n =
        static_cast<std::uint64_t>(std::clamp(1e6 / draws, 1.0, static_cast<double>(point.integer("replicates.per_pack"))));
    auto outputs = empty_outputs(n);
    double const start = thread_cpu_s();
    at->replicate({{}, {0, n}}, outputs, context);
    return (thread_cpu_s() - start) / (static_cast<double>(n) * draws);
  }

  void compute(Parameters const& point, std::uint64_t seed, Range replicates, Team& team, Context& context,
               study::ItemRecord& record) const override {
    auto const at = experiment_->at(point);
    auto const key = rng::make_key(seed, point.canonical());
    auto const targets = at->targets();
    bool const keep = point.flag("replicates.keep");
    auto const per_pack = std::min(static_cast<std::uint64_t>(point.integer("replicates.per_pack")), replicates.size());
    auto const n_packs = (replicates.size() + per_pack - 1) / per_pack;
    Tally const empty(layout_);
    auto const n_outputs = empty_outputs(0).all().n_cols;
    auto const per_state = empty.state_size() + (keep ? per_pack * n_outputs : 0);
    std::vector<double> states(n_packs * per_state);
    auto const own = team.share(n_packs);
    std::vector<std::exception_ptr> failures(own.size());
#pragma omp parallel for schedule(dynamic, 1)
    for (std::uint64_t p = own.first; p < own.last; ++p) {
      try {
        auto const first = replicates.first + p * per_pack;
        Range const rows{first, std::min(first + per_pack, replicates.last)};
        auto outputs = empty_outputs(rows.size());
        at->replicate({key, rows}, outputs, context);
        Tally tally(layout_);
        tally.add(outputs, targets);
        auto const state = std::span(states).subspan(p * per_state, per_state);
        tally.save(state.first(tally.state_size()));
        if (keep) {
          arma::mat const by_replicate = outputs.all().t();
          std::copy_n(by_replicate.memptr(), by_replicate.n_elem, state.data() + tally.state_size());
        }
        context.tick();
      } catch (...) {
        failures[p - own.first] = std::current_exception();
      }
    }
    auto const failed = std::ranges::find_if(failures, [](auto const& failure) { return failure != nullptr; });
    if (team.any(failed != failures.end())) {
      if (failed != failures.end()) std::rethrow_exception(*failed);
      throw ItemFailure("another member of the team failed");
    }
    team.gather(states, per_state, n_packs);
    std::vector<Tally> tallies(n_packs, empty);
    for (std::uint64_t p = 0; p < n_packs; ++p) {
      auto const state = std::span<double const>(states).subspan(p * per_state, per_state);
      tallies[p].load(state.first(empty.state_size()));
      if (!keep) continue;
      for (std::uint64_t r = p * per_pack; r < std::min((p + 1) * per_pack, replicates.size()); ++r)
        record.replicates.set("value", state.subspan(empty.state_size() + (r - p * per_pack) * n_outputs, n_outputs), r);
    }
    auto whole = merge_all(tallies);
    record.item.set("partial_estimates", whole.estimates(), 0);
    record.item.set("partial_intervals", whole.intervals(), 0);
    record.item.set("partial_differences", whole.differences(), 0);
  }

  double memory(Parameters const& point) const override {
    // Two copies of the moments of every pack, and kept values.
    double const replicates = static_cast<double>(replicates_per_item(point));
    double const packs = std::ceil(replicates / static_cast<double>(point.integer("replicates.per_pack")));
    double const kept = point.flag("replicates.keep") ? replicates * static_cast<double>(empty_outputs(0).all().n_cols) : 0;
    return 8 * (2 * packs * static_cast<double>(Tally(layout_).state_size()) + 2 * kept);
  }

  std::uint64_t first_round(Parameters const& point) const override {
    if (point.real("replicates.target_mcse") == 0) return 0;
    auto const minimum = static_cast<std::uint64_t>(point.integer("replicates.minimum"));
    auto const per_item = replicates_per_item(point);
    return (minimum + per_item - 1) / per_item;
  }

  bool enough(Parameters const& point, std::vector<study::ItemRecord> const& items) const override {
    if (items.empty()) return false;
    auto const at = experiment_->at(point);
    auto const tally = merge_all(tallies_of(items));
    auto const& measure = point.text("replicates.target_measure");
    double largest = nan;  // infinite ones have none
    bool is_known = true;
    auto const take = [&](double error, double n) {
      is_known = is_known && n > 0;
      largest = std::fmax(largest, error);
    };
    for (std::size_t q = 0; q < quantities_.size(); ++q) {
      for (std::size_t e = 0; e < estimators_.size() && measure != "coverage"; ++e) {
        if (!at->truth(e, q).reported) continue;
        auto const found = estimators::findings(tally, *at, layout_, e, q);
        take((measure == "bias" ? found.bias : measure == "variance" ? found.variance : found.mse).error, found.n);
      }
      for (std::size_t i = 0; i < rules_.size() && measure == "coverage"; ++i) {
        if (!at->truth_of_interval(i, q).reported) continue;
        auto const found = estimators::interval_findings(tally, *at, i, q);
        // Where all intervals hit, the binomial error is 0 and says nothing: as if one half had missed.
        double const c = std::min(found.coverage.value, 1 - 0.5 / found.n);
        take(std::sqrt(c * (1 - c) / found.n), found.n);
      }
    }
    return is_known && largest <= point.real("replicates.target_mcse");
  }

  void summarise(Parameters const& point, std::vector<study::ItemRecord> const& items, Context&,
                 study::Record& summary) const override {
    if (items.empty()) return;
    auto const at = experiment_->at(point);
    auto const tallies = tallies_of(items);
    auto const tally = merge_all(tallies);
    auto const groups = grouped(tallies);
    summary.set("target", at->targets());
    auto const E = estimators_.size(), Q = quantities_.size(), I = rules_.size();
    auto const put = [&](std::string const& name, std::size_t place, estimators::Finding const& f) {
      double const values[] = {f.value, f.error, f.truth.value, f.truth.is_known() ? f.truth.error : nan, f.z};
      for (std::size_t i = 0; i < std::size(parts); ++i) summary.values(name + parts[i])[place] = values[i];
    };
    for (std::size_t e = 0; e < E; ++e) {
      summary.values("cost")[e] = at->cost(e);
      for (std::size_t q = 0; q < Q; ++q) {
        auto const truth = at->truth(e, q);
        if (!truth.reported) continue;
        auto found = estimators::findings(tally, *at, layout_, e, q);
        add_shape_errors(found, groups, e, q);
        auto const place = e * Q + q;
        summary.values("count")[place] = found.n;
        summary.values("failures")[place] = found.failures;
        summary.values("minimum")[place] = found.minimum;
        summary.values("maximum")[place] = found.maximum;
        summary.values("moments_known")[place] = truth.finite_moments > 8   ? 4
                                                 : truth.finite_moments > 4 ? 3
                                                 : truth.finite_moments > 2 ? 2
                                                 : truth.finite_moments > 1 ? 1
                                                                            : 0;
        for (std::size_t m = 0; m < n_measures; ++m) put("performance", place * n_measures + m, found.*measures[m].finding);
        put("difference", place * 2, found.bias_difference);
        put("difference", place * 2 + 1, found.mse_difference);
        double const asymptotic[] = {truth.bias_rate, truth.variance_rate, truth.mse_rate, truth.signal_rate};
        std::ranges::copy(asymptotic,
                          summary.values("rate_asymptotic").begin() + static_cast<std::ptrdiff_t>(place * n_with_rates));
      }
    }
    for (std::size_t i = 0; i < I; ++i)
      for (std::size_t q = 0; q < Q; ++q) {
        if (!at->truth_of_interval(i, q).reported) continue;
        auto const found = estimators::interval_findings(tally, *at, i, q);
        summary.values("interval_count")[i * Q + q] = found.n;
        summary.values("interval_failures")[i * Q + q] = found.failures;
        put("interval_performance", (i * Q + q) * 3, found.coverage);
        put("interval_performance", (i * Q + q) * 3 + 1, found.width);
        put("interval_performance", (i * Q + q) * 3 + 2, found.coverage_difference);
      }
  }

  void summarise_study(std::span<Parameters const> points, std::span<study::Record> summaries,
                       study::Record& whole) const override {
    fit_rates(points, summaries);
    std::vector<estimators::Score> scores;
    for (std::size_t p = 0; p < points.size(); ++p)
      for (auto const& score : scores_of(points[p], summaries[p])) scores.push_back(score);
    auto const agreement = estimators::agreement_of(scores);
    whole.set("n_scores", static_cast<double>(agreement.n));
    whole.set("n_independent", static_cast<double>(agreement.n_independent));
    whole.set("largest_z", agreement.largest_z);
    auto const n_tests = judged().size();
    whole.set("largest_z_point", static_cast<double>(agreement.largest / n_tests));
    whole.set("largest_z_test", static_cast<double>(agreement.largest % n_tests));
    whole.set("bonferroni_bound", agreement.bound);
    whole.set("ks_p", agreement.ks_p);
    whole.set("agrees", agreement.holds() ? 1 : 0);
  }

  std::vector<study::Finding> findings(Parameters const&, study::Record const& summary) const override {
    std::vector<study::Finding> all;
    auto const Q = quantities_.size();
    auto const take = [&](std::string const& table, std::string const& line, std::string const& measure,
                          std::string const& name, std::size_t place) {
      auto const part = [&](std::size_t i) { return summary.values(name + parts[i])[place]; };
      study::Finding const finding{table, line, measure, part(0), part(1), part(2), part(4)};
      if (!std::isnan(finding.value)) all.push_back(finding);
    };
    auto const& flags = summary.values("moments_known");
    for (std::size_t q = 0; q < Q; ++q) {
      for (std::size_t e = 0; e < estimators_.size(); ++e) {
        auto const place = e * Q + q;
        std::string line = estimators_[e].name;
        double const known = flags[place];
        constexpr char const* infinite[] = {" (no mean)", " (infinite variance)", " (infinite 4th moment)",
                                            " (rare large values)"};
        if (known < 4) line += infinite[static_cast<std::size_t>(known)];
        for (std::size_t m = 0; m < n_with_rates; ++m)
          take(quantities_[q], line, measures[m].name, "performance", place * n_measures + m);
        if (known < 2) all.push_back({quantities_[q], line, "n", summary.values("count")[place], nan, nan, nan});
        if (summary.values("failures")[place] > 0)
          all.push_back({quantities_[q], line, "failures", summary.values("failures")[place], nan, nan, nan});
      }
      for (std::size_t i = 0; i < rules_.size(); ++i) {
        take(quantities_[q] + ", intervals", rules_[i].name, "coverage", "interval_performance", (i * Q + q) * 3);
        take(quantities_[q] + ", intervals", rules_[i].name, "width", "interval_performance", (i * Q + q) * 3 + 1);
        if (i > 0)
          take(quantities_[q] + ", intervals paired", fmt::format("{} - {}", rules_[i].name, rules_[0].name), "coverage",
               "interval_performance", (i * Q + q) * 3 + 2);
      }
      for (std::size_t e = 0; e < estimators_.size(); ++e) {
        auto const line = fmt::format("{} - {}", estimators_[e].name, estimators_[layout_.partner[e]].name);
        take(quantities_[q] + ", paired", line, "bias", "difference", (e * Q + q) * 2);
        take(quantities_[q] + ", paired", line, "mse", "difference", (e * Q + q) * 2 + 1);
      }
      auto const rates = fmt::format("{}, rate along {}", quantities_[q], experiment_->sample_size_key());
      for (std::size_t e = 0; e < estimators_.size(); ++e)
        for (std::size_t m = 0; m < n_with_rates; ++m) {
          auto const place = (e * Q + q) * n_with_rates + m;
          take(rates, estimators_[e].name, measures[m].name, "rate", place);
          double const limit = summary.values("rate_asymptotic")[place];
          if (!std::isnan(summary.values("rate")[place]) && !std::isnan(limit))
            all.push_back({rates, estimators_[e].name, fmt::format("{}, large", measures[m].name), limit, nan, nan, nan});
        }
    }
    return all;
  }

  std::string verdict(study::Record const& whole) const override {
    double const n = whole.value("n_scores");
    if (std::isnan(n) || n == 0) return "Agreement with theory: nothing here has a truth to be held against.\n";
    auto const test = judged()[static_cast<std::size_t>(whole.value("largest_z_test"))].test;
    bool const of_interval =
        test.measure == Measure::coverage || test.measure == Measure::width || test.measure == Measure::coverage_difference;
    auto const n_independent = whole.value("n_independent");
    auto const distribution =
        n_independent < estimators::Agreement::fewest_for_distribution
            ? fmt::format("{} independent quantities are too few to judge the distribution of their p-values", n_independent)
            : fmt::format("p-values of {} independent quantities uniform with p = {:.2g}", n_independent, whole.value("ks_p"));
    return fmt::format(
        "Agreement with theory: {}; largest |z| {:.2f} ({} of {}, {}, point {}) of {}, Bonferroni bound {:.2f} (1e-3); {}.\n",
        whole.value("agrees") == 1 ? "yes" : "NO", std::abs(whole.value("largest_z")), estimators::name(test.measure),
        of_interval ? rules_[test.which].name : estimators_[test.which].name, quantities_[test.quantity],
        whole.value("largest_z_point"), n, whole.value("bonferroni_bound"), distribution);
  }

 private:
  Outputs empty_outputs(std::uint64_t n) const { return {estimators_.size(), rules_.size(), quantities_.size(), n}; }

  std::vector<Tally> tallies_of(std::vector<study::ItemRecord> const& items) const {
    std::vector<Tally> tallies(items.size(), Tally(layout_));
    for (std::size_t i = 0; i < items.size(); ++i) {
      std::ranges::copy(items[i].item.values("partial_estimates"), tallies[i].estimates().begin());
      std::ranges::copy(items[i].item.values("partial_intervals"), tallies[i].intervals().begin());
      std::ranges::copy(items[i].item.values("partial_differences"), tallies[i].differences().begin());
    }
    return tallies;
  }

  /// Merged in consecutive groups, 32 where there are so many.
  static std::vector<Tally> grouped(std::span<Tally const> tallies) {
    constexpr std::uint64_t most = 32;
    auto const n = std::min<std::uint64_t>(most, tallies.size());
    std::vector<Tally> groups;
    for (std::uint64_t g = 0; g < n; ++g) {
      auto const share = share_of(tallies.size(), n, g);
      groups.push_back(merge_all(tallies.subspan(share.first, share.size())));
    }
    return groups;
  }

  /// The z-scores that the verdict judges at a point, and where each stands: array and place in it.
  struct Judged {
    estimators::Test test;
    std::string array;
    std::size_t place;
  };
  std::vector<Judged> judged() const {
    std::vector<Judged> all;
    auto const Q = quantities_.size();
    for (std::size_t q = 0; q < Q; ++q) {
      for (std::size_t e = 0; e < estimators_.size(); ++e) {
        for (auto const measure : {Measure::bias, Measure::variance, Measure::mse})
          all.push_back({{measure, e, q}, "performance", (e * Q + q) * n_measures + static_cast<std::size_t>(measure)});
        all.push_back({{Measure::bias_difference, e, q}, "difference", (e * Q + q) * 2});
        all.push_back({{Measure::mse_difference, e, q}, "difference", (e * Q + q) * 2 + 1});
      }
      for (std::size_t i = 0; i < rules_.size(); ++i) {
        all.push_back({{Measure::coverage, i, q}, "interval_performance", (i * Q + q) * 3});
        all.push_back({{Measure::width, i, q}, "interval_performance", (i * Q + q) * 3 + 1});
        all.push_back({{Measure::coverage_difference, i, q}, "interval_performance", (i * Q + q) * 3 + 2});
      }
    }
    return all;
  }

  std::vector<estimators::Score> scores_of(Parameters const& point, study::Record const& summary) const {
    auto const independent = experiment_->at(point)->independent();
    std::vector<estimators::Score> scores;
    for (auto const& [test, array, place] : judged()) {
      // A constant is right or wrong: its z of 0 is no normal variable.
      bool const is_constant = summary.values(array + "_error")[place] == 0;
      bool const is_declared = std::ranges::find(independent, test) != independent.end();
      scores.push_back({summary.values(array + "_z")[place], is_declared && !is_constant});
    }
    return scores;
  }

  /// Rates along the sample size, over each line of points that differ in it alone.
  void fit_rates(std::span<Parameters const> points, std::span<study::Record> summaries) const {
    auto const key = experiment_->sample_size_key();
    if (key.empty()) return;
    std::map<std::string, std::vector<std::size_t>> lines;
    for (std::size_t p = 0; p < points.size(); ++p) {
      auto others = points[p];
      others.set(key, points.front().value(key));
      lines[others.complete()].push_back(p);
    }
    auto const Q = quantities_.size();
    for (auto const& [ignored, line] : lines)
      for (std::size_t e = 0; e < estimators_.size(); ++e)
        for (std::size_t q = 0; q < Q; ++q)
          for (std::size_t m = 0; m < n_with_rates; ++m) {
            std::vector<double> n, size, error, truth, truth_error;
            auto const place = (e * Q + q) * n_measures + m;
            for (auto const p : line) {
              auto const part = [&](std::size_t i) {
                return summaries[p].values(std::string("performance") + parts[i])[place];
              };
              double const value = std::abs(part(0));
              // The logarithm of what is mostly noise has no error bar worth the name.
              if (!(value > 5 * part(1))) continue;
              auto const& sample_size = points[p].value(key);
              n.push_back(std::holds_alternative<std::int64_t>(sample_size)
                              ? static_cast<double>(std::get<std::int64_t>(sample_size))
                              : std::get<double>(sample_size));
              size.push_back(value);
              error.push_back(part(1));
              truth.push_back(std::abs(part(2)));
              truth_error.push_back(part(1) / value * std::abs(part(2)));  // the same weights
            }
            auto const fitted = stats::fit_rate(n, size, error).exponent;
            auto const exact = stats::fit_rate(n, truth, truth_error);
            double const exponent = exact.n_points == n.size() ? exact.exponent.value : nan;
            double const values[] = {fitted.value, fitted.error, exponent, std::isnan(exponent) ? nan : 0.0,
                                     stats::z_score(fitted, exponent)};
            for (std::size_t i = 0; i < std::size(parts); ++i)
              summaries[line.back()].values(std::string("rate") + parts[i])[(e * Q + q) * n_with_rates + m] = values[i];
          }
  }

  std::unique_ptr<estimators::Experiment const> experiment_;
  estimators::Layout layout_;
  std::vector<estimators::Estimator> estimators_;
  std::vector<estimators::IntervalRule> rules_;
  std::vector<std::string> quantities_;
};

}  // namespace

std::vector<std::unique_ptr<study::Kind const>> estimator_kinds() {
  std::vector<std::unique_ptr<study::Kind const>> kinds;
  for (auto& experiment : estimators::all_experiments())
    kinds.push_back(std::make_unique<EstimatorKind>(std::move(experiment)));
  return kinds;
}

}  // namespace fermiac::app
