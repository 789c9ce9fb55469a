#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "fermiac/app/registry.hpp"
#include "fermiac/base/cpu_clock.hpp"
#include "fermiac/base/error.hpp"
#include "fermiac/rng/philox.hpp"
#include "fermiac/stats/z_score.hpp"
#include "flow_settings.hpp"
#include "sample_tables.hpp"
#include "trained_networks.hpp"

namespace fermiac::app {

namespace {

using study::Presence;
using study::Scope;

std::span<double const> all(arma::vec const& values) { return {values.memptr(), values.n_elem}; }

/// Samples that are solved: those of the statistics, of the check (twice) and of the grid.
double solves_of(flow::ExperimentSettings const& s, std::size_t dimension) {
  double const nodes = static_cast<double>(s.n_cells * s.points_per_cell + 1);
  double const grid = s.points_per_cell == 0 || dimension > 2 ? 0 : dimension == 2 ? nodes * nodes : nodes;
  return static_cast<double>(s.n_samples + 3 * s.n_checked) + 2 * grid;
}

/// Samples and densities through flows.
class FlowKind final : public study::Kind {
 public:
  std::string name() const override { return "flow"; }
  std::string family() const override { return "flow"; }
  std::string summary() const override { return "samples and their densities carried through dz/dt = f(z, t)"; }
  std::string truth() const override {
    return "closed solutions of the fields that have one, else the same flow at a thousandth of the tolerance; moments and "
           "entropy by quadrature of the density";
  }
  std::string conventions() const override {
    std::string text = "dz/dt = f(z, t), d log p/dt = -div f from flow.t0 to flow.t1; log p in nats. Fields:\n";
    for (auto const& kind : flow::field_kinds()) text += "  " + kind.name + ": " + kind.summary + "\n";
    return text +
           "error_state, error_log: largest absolute errors over the samples checked, at the end; beyond: share of these with "
           "an "
           "error above flow.tolerance.\n"
           "integral: of the density on the grid; integral_error: difference from the rule of twice the spacing, the solver's "
           "tolerance and tail_mass, a bound of the mass outside the grid for tails that are log-concave.\n"
           "*_truth of moments and entropy is by quadrature of the same density; z = (estimate - truth) / error of both.\n"
           "With several random probes log p is their mean, probe_error the root mean square of its standard error, "
           "jensen_bias "
           "the relative excess of exp(log p) that follows; with a single one the number is called one_probe_log, for it is no "
           "density.\n"
           "w2_gaussian: Wasserstein distance of the Gaussians that have the samples' and the target's moments; at most that "
           "of "
           "the densities.";
  }

  std::vector<Parameter> parameters() const override { return flow_parameters(); }
  void check(Parameters const& point) const override {
    flow_study(point, {});
    if (point.text("flow.field") == "neural" && point.text("neural.from").empty())
      throw InputError("neural.from", "neural.from = \"\": flow.field = \"neural\" needs the results file of a training");
  }

  std::vector<study::Input> inputs(Parameters const& point) const override {
    auto inputs = TrainedNetworks::inputs(point);
    if (point.text("base.kind") == "table") inputs.push_back({"base.table", point.text("base.table")});
    return inputs;
  }
  void prepare(Parameters const& point) const override { study_of(point); }

  std::vector<study::Variable> variables() const override {
    auto const r = Scope::replicate;
    auto const p = Scope::point;
    auto const required = Presence::required;
    auto const optional = Presence::optional;
    std::vector<study::Variable> variables = {
        {"status", r, "1", "samples of each fate", required, {"fate"}},
        {"steps", r, "1", "accepted steps, mean over samples"},
        {"evaluations", r, "1", "evaluations of f, mean over samples"},
        {"error_state", r, "1", "largest error of z", optional},
        {"error_log", r, "nat", "largest error of log p", optional},
        {"beyond", r, "1", "share of errors above the tolerance", optional},
        {"rms_log", r, "nat", "root mean square error of log p", optional},
        {"exp_error", r, "1", "mean of exp(error of log p); 1 for a density", optional},
        {"exp_error_error", r, "1", "its standard error", optional},
        {"probe_error", r, "nat", "standard error of log p from its probes, root mean square", optional},
        {"jensen_bias", r, "1", "relative excess of exp(log p) by it, to leading order", optional},
        {"kl", r, "nat", "mean of log p - log target", optional},
        {"kl_error", r, "nat", "standard error of kl", optional},
        {"w2_gaussian", r, "1", "Wasserstein distance of the Gaussians with these and the target's moments", optional},
        {"integral", r, "1", "integral of the density on the grid", optional},
        {"integral_error", r, "1", "bound of its error", optional},
        {"tail_mass", r, "1", "bound of the mass outside the grid, for log-concave tails", optional},
        {"chi_square", r, "1", "of the histogram against the density", optional, {"component"}},
        {"chi_square_freedom", r, "1", "its degrees of freedom", optional, {"component"}},
        {"histogram", r, "1", "density of the samples in each cell", optional, {"component", "cell"}},
        {"histogram_error", r, "1", "Poisson error of histogram", optional, {"component", "cell"}},
        {"histogram_truth", r, "1", "mean density of the cell by quadrature", optional, {"component", "cell"}},
        {"log_density", r, "nat", "log p on the grid, exact divergence", optional, {"node_2", "node_1"}},
        {"sample_end", r, "1", "ends of samples", optional, {"component", "sample"}},
        {"sample_log_density", r, "nat", "log p of these", optional, {"sample"}},
        {"one_probe_log", r, "nat", "start's log p less one probe's integral: not a log-density", optional, {"sample"}},
        {"path_position", r, "1", "samples along their paths", optional, {"time", "component", "path"}},
        {"path_log_density", r, "nat", "log p of these; NaN with one probe", optional, {"time", "path"}},
        {"events", r, "1", "zeros of flow.event along all paths", optional},
        {"with_event", r, "1", "samples with one", optional},
        {"first_event", r, "time", "mean time of the first", optional},
        {"first_event_error", r, "time", "standard error of first_event", optional},
        {"failed", p, "1", "samples that did not come through, all replicates"},
        {"mean_evaluations", p, "1", "evaluations a sample", optional},
        {"largest_error_state", p, "1", "largest error of z over replicates", optional},
        {"largest_error_log", p, "nat", "largest error of log p over replicates", optional},
        {"most_beyond", p, "1", "largest share of errors above the tolerance", optional},
        {"total", p, "1", "integral of the density", optional},
        {"total_error", p, "1", "bound of its error", optional},
        {"mean_entropy", p, "nat", "mean of entropy over replicates", optional},
        {"mean_entropy_error", p, "nat", "its standard error", optional},
        {"exact_entropy", p, "nat", "by quadrature", optional},
        {"entropy_score", p, "1", "(mean_entropy - exact_entropy) / error of both", optional},
        {"largest_moment_z", p, "1", "of all moments of all components and replicates, largest size", optional},
        {"histogram_z", p, "1", "of the sum of chi_square over replicates and components", optional},
        {"truth_is_closed", p, "1", "what errors are held against", required, {}, {"finer solution", "closed form"}},
        {"time_of_path", p, "time", "of the path's points", optional, {"time"}},
        {"position_1", p, "1", "of the grid's nodes", optional, {"node_1"}},
        {"position_of_cell", p, "1", "middle of the cell", optional, {"cell"}},
    };
    auto const with_truth = [&](std::string const& name, std::string const& units, std::string const& about,
                                std::vector<std::string> const& dimensions) {
      variables.push_back({name, r, units, about, optional, dimensions});
      variables.push_back({name + "_error", r, units, "standard error of " + name, optional, dimensions});
      variables.push_back({name + "_truth", r, units, name + " by quadrature", optional, dimensions});
      variables.push_back({name + "_truth_error", r, units, "bound of the error of " + name + "_truth", optional, dimensions});
    };
    with_truth("moment", "1", "mean of a power of each component", {"power", "component"});
    with_truth("entropy", "nat", "-mean log p", {});
    return variables;
  }

  std::vector<study::Dimension> dimensions(Parameters const& point) const override {
    auto const count = [&](char const* key) { return static_cast<std::uint64_t>(point.integer(key)); };
    auto const d = count("flow.dimension");
    auto const n_nodes = point.text("base.kind") == "table" || count("grid.points") == 0 || d > 2
                             ? 0
                             : count("grid.cells") * count("grid.points") + 1;
    std::vector<std::string> fates;
    for (std::size_t i = 0; i < flow::n_statuses; ++i) fates.push_back(flow::name(static_cast<flow::Status>(i)));
    return {{"fate", flow::n_statuses, "what became of a sample", fates},
            {"component", d, "of z"},
            {"power", 3, "of a component", {"1", "2", "4"}},
            {"cell", count("grid.cells"), "of a histogram"},
            {"node_1", n_nodes, "of the grid, along the first component"},
            {"node_2",
             n_nodes == 0 ? 0
             : d == 1     ? 1
                          : n_nodes,
             "of the grid, along the second component"},
            {"sample", count("samples.keep"), "samples that are written"},
            {"path", count("samples.paths"), "samples whose paths are written"},
            {"time", count("samples.paths") == 0 ? 0 : count("samples.times"), "along a path"}};
  }

  std::vector<std::string> table() const override {
    return {"failed",       "mean_evaluations", "largest_error_state", "largest_error_log", "most_beyond", "total",
            "mean_entropy", "exact_entropy",    "entropy_score",       "largest_moment_z",  "histogram_z", "truth_is_closed"};
  }

  double work(Parameters const& point) const override {
    auto const study = flow_study(point, {});
    double const steps = std::max(1.0, static_cast<double>(point.integer("flow.steps")));
    return solves_of(study.settings, study.field->dimension()) * steps;
  }
  double seconds_per_work(Parameters const& point) const override {
    auto study = study_of(point);
    auto& s = study.settings;
    s.n_samples = std::min<std::uint64_t>(s.n_samples, 1000);
    s.n_kept = s.n_checked = s.n_paths = s.points_per_cell = 0;
    s.event.clear();
    Solo team;
    Quiet context;
    double const start = thread_cpu_s();
    flow::run(*study.field, *study.base, nullptr, s, {}, 0, team, context);
    double const steps = std::max(1.0, static_cast<double>(point.integer("flow.steps")));
    return (thread_cpu_s() - start) / (solves_of(s, study.field->dimension()) * steps);
  }

  void compute(Parameters const& point, std::uint64_t seed, Range replicates, Team& team, Context& context,
               study::ItemRecord& item) const override {
    auto const study = study_of(point);
    auto const key = rng::make_key(seed, point.canonical());
    for (auto replicate = replicates.first; replicate < replicates.last; ++replicate) {
      auto const outcome = flow::run(*study.field, *study.base, study.target.get(), study.settings, key,
                                     static_cast<std::uint32_t>(replicate), team, context);
      record(study, outcome, replicate - replicates.first, item.replicates);
    }
  }

  void summarise(Parameters const& point, std::vector<study::ItemRecord> const& items, Context&,
                 study::Record& summary) const override {
    auto const study = flow_study(point, {});
    auto const& s = study.settings;
    set_coordinates(s, study.base->has_density() && study.field->dimension() <= 2, summary);
    std::vector<double> start(study.field->dimension(), 0.0);
    summary.set("truth_is_closed", study.field->exact_end(start, s.t0, s.t1) ? 1 : 0);
    double n = 0, failed = 0, evaluations = 0, error_z = -1, error_log = -1, beyond = -1, entropy = 0, entropy_squares = 0;
    double largest_z = 0, chi = 0, freedom = 0;
    bool has_truth = false;
    for (auto const& item : items)
      for (std::uint64_t i = 0; i < item.replicates.n_entries(); ++i) {
        auto const& r = item.replicates;
        n += 1;
        auto const fates = r.values("status", i);
        for (std::size_t fate = 1; fate < flow::n_statuses; ++fate) failed += fates[fate];
        evaluations += r.value("evaluations", i);
        error_z = std::max(error_z, r.value("error_state", i));
        error_log = std::max(error_log, r.value("error_log", i));
        beyond = std::max(beyond, r.value("beyond", i));
        entropy += r.value("entropy", i);
        entropy_squares += r.value("entropy_error", i) * r.value("entropy_error", i);
        auto const moments = r.values("moment", i);
        for (std::size_t k = 0; k < moments.size(); ++k) {
          double const z = stats::z_score({moments[k], r.values("moment_error", i)[k]}, r.values("moment_truth", i)[k],
                                          r.values("moment_truth_error", i)[k]);
          if (std::isfinite(z)) has_truth = true;
          if (std::isfinite(z) && std::abs(z) > std::abs(largest_z)) largest_z = z;
        }
        for (std::size_t c = 0; c < study.field->dimension(); ++c) {
          double const value = r.values("chi_square", i)[c];
          if (!std::isfinite(value)) continue;
          chi += value;
          freedom += r.values("chi_square_freedom", i)[c];
        }
      }
    summary.set("failed", failed);
    if (n == 0) return;
    summary.set("mean_evaluations", evaluations / n);
    if (error_z >= 0) {
      summary.set("largest_error_state", error_z);
      summary.set("largest_error_log", error_log);
      summary.set("most_beyond", beyond);
    }
    auto const& first = items.front().replicates;
    if (first.n_entries() == 0) return;
    summary.set("total", first.value("integral"));
    summary.set("total_error", first.value("integral_error"));
    stats::Estimate const mean{entropy / n, std::sqrt(entropy_squares) / n};
    summary.set("mean_entropy", mean.value);
    summary.set("mean_entropy_error", mean.error);
    summary.set("exact_entropy", first.value("entropy_truth"));
    summary.set("entropy_score", stats::z_score(mean, first.value("entropy_truth"), first.value("entropy_truth_error")));
    if (has_truth) summary.set("largest_moment_z", largest_z);
    if (freedom > 0) summary.set("histogram_z", (chi - freedom) / std::sqrt(2 * freedom));
  }

 private:
  static void record(FlowStudy const& study, flow::ExperimentOutcome const& o, std::uint64_t entry, study::Record& to) {
    auto const set = [&](std::string const& name, double value) { to.set(name, value, entry); };
    auto const set_estimate = [&](std::string const& name, stats::Estimate const& estimate) {
      set(name, estimate.value);
      set(name + "_error", estimate.error);
    };
    std::vector<double> fates(o.n_status.begin(), o.n_status.end());
    to.set("status", fates, entry);
    set("steps", o.steps);
    set("evaluations", o.evaluations);
    set("error_state", o.error_z);
    set("error_log", o.error_log);
    set("beyond", o.beyond);
    set("rms_log", o.rms_log);
    set_estimate("exp_error", o.exp_error);
    set("probe_error", o.probe_error);
    set("jensen_bias", o.jensen_bias);
    set_estimate("kl", o.kl);
    set("w2_gaussian", o.w2_gaussian);
    set("integral", o.integral.value);
    set("integral_error", o.integral.error);
    set("tail_mass", o.tail_mass);
    set_estimate("entropy", o.entropy);
    set("entropy_truth", o.entropy_truth.value);
    set("entropy_truth_error", o.entropy_truth.error);
    auto const d = study.field->dimension();
    auto const set_moment = [&](std::size_t power, arma::vec const& value, arma::vec const& error,
                                std::vector<flow::Quadrature> const& truth) {
      for (std::size_t c = 0; c < d; ++c) {
        to.values("moment", entry)[power * d + c] = value[c];
        to.values("moment_error", entry)[power * d + c] = error[c];
        to.values("moment_truth", entry)[power * d + c] = truth[c].value;
        to.values("moment_truth_error", entry)[power * d + c] = truth[c].error;
      }
    };
    set_moment(0, o.mean, o.mean_error, o.mean_truth);
    set_moment(1, o.second, o.second_error, o.second_truth);
    set_moment(2, o.fourth, o.fourth_error, o.fourth_truth);
    to.set("chi_square", all(o.chi_square), entry);
    arma::vec const freedom = o.n_classes - 1;
    to.set("chi_square_freedom", all(freedom), entry);
    auto const& s = study.settings;
    double const scale = 1 / (static_cast<double>(o.n_status[0]) * (s.upper - s.lower) / static_cast<double>(s.n_cells));
    std::vector<std::uint64_t> const sizes{d, s.n_cells};
    auto const set_cells = [&](char const* name, arma::mat const& values) {
      to.set(name, {values.memptr(), values.n_elem}, sizes, entry);
    };
    set_cells("histogram", o.count * scale);
    set_cells("histogram_error", arma::sqrt(o.count) * scale);
    set_cells("histogram_truth", o.expected * scale);
    to.set("log_density", all(o.log_density), entry);
    auto const n_kept = o.kept.n_rows;
    to.set("sample_end", {o.kept.memptr(), o.kept.n_elem}, std::vector<std::uint64_t>{d, n_kept}, entry);
    to.set(study.has_one_probe() ? "one_probe_log" : "sample_log_density", all(o.kept_log_density), entry);
    for (std::uint64_t j = 0; j < o.paths.n_slices; ++j)
      for (std::uint64_t k = 0; k < o.paths.n_rows; ++k) {
        for (std::size_t c = 0; c < d; ++c)
          to.values("path_position", entry)[(j * d + c) * o.paths.n_rows + k] = o.paths(k, c, j);
        if (!study.has_one_probe()) to.values("path_log_density", entry)[j * o.paths.n_rows + k] = o.paths(k, d, j);
      }
    if (s.event.empty()) return;
    set("events", static_cast<double>(o.n_events));
    set("with_event", static_cast<double>(o.n_with_event));
    set_estimate("first_event", o.first_event);
  }

  static void set_coordinates(flow::ExperimentSettings const& s, bool has_grid, study::Record& summary) {
    auto const cells = summary.values("position_of_cell");
    double const width = (s.upper - s.lower) / static_cast<double>(s.n_cells);
    for (std::uint64_t c = 0; c < s.n_cells; ++c) cells[c] = std::fma(static_cast<double>(c) + 0.5, width, s.lower);
    auto const n_nodes = s.n_cells * s.points_per_cell + 1;
    if (s.points_per_cell > 0 && has_grid)
      for (std::uint64_t j = 0; j < n_nodes; ++j)
        summary.values("position_1")[j] =
            std::fma(static_cast<double>(j), width / static_cast<double>(s.points_per_cell), s.lower);
    if (s.n_paths > 0)
      for (std::uint64_t j = 0; j < s.n_times; ++j)
        summary.values("time_of_path")[j] =
            std::fma(static_cast<double>(j) / static_cast<double>(s.n_times - 1), s.t1 - s.t0, s.t0);
  }

  arma::mat table_of(Parameters const& point) const {
    if (point.text("base.kind") != "table" || point.text("base.table").empty()) return {};
    return tables_.of("base.table", point.text("base.table"), point.text("base.dataset"));
  }

  /// With what the files say.
  FlowStudy study_of(Parameters const& point) const {
    auto study = flow_study(point, table_of(point));
    if (point.text("flow.field") == "neural") {
      auto const trained = trained_.of(point, study.field->n_parameters());
      study.field->set_parameters({trained.memptr(), trained.n_elem});
    }
    return study;
  }

  mutable SampleTables tables_;  // what `prepare` read
  mutable TrainedNetworks trained_;
};

}  // namespace

std::unique_ptr<study::Kind const> flow_kind() { return std::make_unique<FlowKind>(); }

}  // namespace fermiac::app
