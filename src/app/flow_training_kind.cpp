#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "fermiac/app/registry.hpp"
#include "fermiac/base/cpu_clock.hpp"
#include "fermiac/base/error.hpp"
#include "fermiac/flow/data_sets.hpp"
#include "fermiac/rng/stream.hpp"
#include "fermiac/simd/functions.hpp"
#include "fermiac/simd/sum.hpp"
#include "fermiac/stats/moments.hpp"
#include "fermiac/stats/z_score.hpp"
#include "flow_training_settings.hpp"
#include "sample_tables.hpp"
#include "trained_networks.hpp"

namespace fermiac::app {

namespace {

using study::Presence;
using study::Scope;

/// Walkers of Purpose::data: the batches have 1.
enum : std::uint64_t { training_stream = 0, validation_stream = 2, test_stream = 3 };

std::span<double const> all(arma::vec const& values) { return {values.memptr(), values.n_elem}; }

/// Multiplications of all evaluations that a training may need, about 40 a sample and iteration.
double work_of(Parameters const& point, flow::TrainingSettings const& s) {
  double products = 0;
  double in = static_cast<double>(s.shape.inputs);
  for (auto const units : s.shape.hidden) {
    products += in * static_cast<double>(units);
    in = static_cast<double>(units);
  }
  products += in * static_cast<double>(s.shape.outputs);
  double const batch = s.optimiser == flow::Optimiser::adam ? s.batch : static_cast<double>(point.integer("data.training"));
  double const gradients = 4.0 * s.iterations * batch;
  double const checks = static_cast<double>(s.n_checks()) * static_cast<double>(point.integer("data.validation"));
  double const grid = static_cast<double>(point.integer("report.grid"));
  return (gradients + checks + 2 * (static_cast<double>(point.integer("data.test")) + grid * grid)) * products;
}

/// Maximum likelihood of neural flows.
class FlowTrainingKind final : public study::Kind {
 public:
  std::string name() const override { return "flow_training"; }
  std::string family() const override { return "flow"; }
  std::string summary() const override { return "continuous normalising flow trained on data by maximum likelihood"; }
  std::string truth() const override {
    return "entropy of the data's density (by quadrature, checkerboard: ln 32), a lower bound of negative_log";
  }
  std::string conventions() const override {
    return "The base, a standard normal, is at t = 0, the data are at t = flow.t1; dz/dt = f(z, t) is a tanh network "
           "(include/fermiac/network/tanh_network.hpp: layers, and the order of `parameters`).\n"
           "Training minimises the mean of -log p + integral (kinetic |f|^2 + jacobian |J|_F^2) dt with the exact divergence; "
           "its "
           "gradient is the discrete adjoint of the accepted steps.\n"
           "negative_log is the mean of -log p over test data that no decision saw, in nats, at report.tolerance; excess is "
           "the "
           "mean of (exact log density - log p) over the same data:\n"
           "the Kullback-Leibler divergence from the data's density to the flow's, never negative but for its error.";
  }

  std::vector<Parameter> parameters() const override { return flow_training_parameters(); }

  void check(Parameters const& point) const override {
    flow_training_settings(point);
    if (point.text("data.set") == "table" && point.text("data.table").empty())
      throw InputError("data.table", "data.table = \"\": data.set = \"table\" needs a file");
  }

  std::vector<study::Input> inputs(Parameters const& point) const override {
    auto inputs = TrainedNetworks::inputs(point);
    if (point.text("data.set") == "table") inputs.push_back({"data.table", point.text("data.table")});
    return inputs;
  }
  void prepare(Parameters const& point) const override {
    settings_of(point);
    if (point.text("data.set") == "table") table_of(point);
  }

  std::vector<study::Variable> variables() const override {
    auto const r = Scope::replicate;
    auto const p = Scope::point;
    auto const optional = Presence::optional;
    return {
        {"parameters", r, "1", "of the network, those of the lowest validation", Presence::required, {"parameter"}},
        {"loss", r, "nat", "of each iteration's batch, with the penalty", optional, {"iteration"}},
        {"evaluations", r, "1", "of f for a sample, mean over each iteration's batch", optional, {"iteration"}},
        {"validation", r, "nat", "mean of -log p over the validation data at each check", optional, {"check"}},
        {"iterations", r, "1", "that were done"},
        {"negative_log", r, "nat", "mean of -log p over the test data"},
        {"negative_log_error", r, "nat", "its standard error over test data"},
        {"negative_log_bound", r, "nat", "entropy of the data's density", optional},
        {"excess", r, "nat", "mean of exact log density - log p over the test data", optional},
        {"excess_error", r, "nat", "its standard error over test data", optional},
        {"integral", r, "1", "of the density over the grid, trapezoidal rule", optional},
        {"density", r, "1", "exp(log p) on the grid", optional, {"y", "x"}},
        {"shown_data", r, "1", "some test data", optional, {"shown", "component"}},
        {"grid", p, "1", "coordinates along each side of the grid", optional, {"x"}},
        {"mean_negative_log", p, "nat", "mean of negative_log over replicates", optional},
        {"mean_negative_log_error", p, "nat", "its standard error over test data", optional},
        {"entropy", p, "nat", "of the data's density", optional},
        {"mean_excess", p, "nat", "mean of excess over replicates", optional},
        {"mean_excess_error", p, "nat", "its standard error over test data", optional},
        {"bound_z", p, "1", "lowest excess / error over replicates: below -4 would be wrong", optional},
        {"mean_integral", p, "1", "mean of integral over replicates", optional},
        {"mean_evaluations", p, "1", "of f for a sample in the last iteration, mean over replicates", optional},
    };
  }

  std::vector<study::Dimension> dimensions(Parameters const& point) const override {
    std::uint64_t const d = data_dimension(point);
    auto const s = flow_training_settings(point);
    auto const grid = grid_of(point).n_elem;
    auto const shown = static_cast<std::uint64_t>(std::min(point.integer("report.shown"), point.integer("data.test")));
    return {{"parameter", network::TanhNetwork(s.shape).n_parameters(), "parameter of the network"},
            {"iteration", s.iterations, "change of the parameters"},
            {"check", s.n_checks(), "look at the validation data"},
            {"y", grid, "second component"},
            {"x", grid, "first component"},
            {"shown", shown, "test sample"},
            {"component", d, "of a sample"}};
  }

  std::vector<std::string> table() const override {
    return {"mean_negative_log", "entropy", "mean_excess", "bound_z", "mean_integral", "mean_evaluations"};
  }

  double work(Parameters const& point) const override { return work_of(point, flow_training_settings(point)); }

  double seconds_per_work(Parameters const& point) const override {
    auto s = flow_training_settings(point);
    s.iterations = s.check_every = 2;
    s.batch = 100;
    flow::TrainingData data;
    rng::Stream stream({{}, rng::Purpose::data, 0}, 0);
    data.training.set_size(100, data_dimension(point));
    stream.normals({data.training.memptr(), data.training.n_elem});
    data.validation = data.test = data.training;
    Solo team;
    Quiet context;
    double const start = thread_cpu_s();
    flow::train(s, data, {}, 0, team, context);
    double const seconds = thread_cpu_s() - start;
    Parameters small = point;
    small.set("data.training", std::int64_t{100});
    small.set("data.validation", std::int64_t{100});
    small.set("data.test", std::int64_t{100});
    small.set("report.grid", std::int64_t{0});
    return seconds / work_of(small, s);
  }

  void compute(Parameters const& point, std::uint64_t seed, Range replicates, Team& team, Context& context,
               study::ItemRecord& item) const override {
    auto const key = rng::make_key(seed, point.canonical());
    for (auto replicate = replicates.first; replicate < replicates.last; ++replicate) {
      auto const data = data_of(point, key, replicate);
      auto const settings = settings_of(point);
      auto const outcome = flow::train(settings, data, key, static_cast<std::uint32_t>(replicate), team, context);
      record(point, settings, data, outcome, team, context, replicate - replicates.first, item.replicates);
    }
  }

  void summarise(Parameters const& point, std::vector<study::ItemRecord> const& items, Context&,
                 study::Record& summary) const override {
    auto const grid = grid_of(point);
    if (!grid.is_empty()) summary.set("grid", all(grid));
    auto const entropy = flow::exact_entropy(point.text("data.set"));
    if (entropy) summary.set("entropy", *entropy);
    double n = 0;
    double bound_z = std::numeric_limits<double>::infinity();
    double sum[4] = {};
    double squares[2] = {};
    for (auto const& item : items)
      for (std::uint64_t i = 0; i < item.replicates.n_entries(); ++i) {
        auto const value = [&](char const* name) { return item.replicates.value(name, i); };
        n += 1;
        sum[0] += value("negative_log");
        squares[0] += value("negative_log_error") * value("negative_log_error");
        sum[1] += value("excess");
        squares[1] += value("excess_error") * value("excess_error");
        sum[2] += value("integral");
        sum[3] += item.replicates.values("evaluations", i)[static_cast<std::size_t>(value("iterations")) - 1];
        if (entropy)
          bound_z = std::min(bound_z, stats::z_score({value("excess"), value("excess_error")}, stats::Bound::lower, 0));
      }
    if (n == 0) return;
    summary.set("mean_negative_log", sum[0] / n);
    summary.set("mean_negative_log_error", std::sqrt(squares[0]) / n);
    summary.set("mean_excess", sum[1] / n);
    summary.set("mean_excess_error", std::sqrt(squares[1]) / n);
    summary.set("mean_integral", sum[2] / n);
    summary.set("mean_evaluations", sum[3] / n);
    if (std::isfinite(bound_z)) summary.set("bound_z", bound_z);
  }

 private:
  flow::TrainingSettings settings_of(Parameters const& point) const {
    auto settings = flow_training_settings(point);
    settings.start = trained_.of(point, network::TanhNetwork(settings.shape).n_parameters());
    return settings;
  }

  arma::mat const& table_of(Parameters const& point) const {
    auto const& path = point.text("data.table");
    auto const& table = tables_.of("data.table", path, point.text("data.dataset"));
    if (table.n_cols != data_dimension(point))
      throw InputError("data.table", fmt::format("data.table: {} has {} columns, expected data.dimension = {}", path,
                                                 table.n_cols, data_dimension(point)));
    auto const set_aside = static_cast<arma::uword>(point.integer("data.validation") + point.integer("data.test"));
    if (table.n_rows <= set_aside)
      throw InputError("data.table",
                       fmt::format("data.table: {} has {} rows, which leaves none beside data.validation + data.test = {}",
                                   path, table.n_rows, set_aside));
    return table;
  }

  /// A table's rows in random order: test, validation, then training data.
  flow::TrainingData split_table(Parameters const& point, rng::Key key, std::uint64_t replicate) const {
    auto const& table = table_of(point);
    rng::Stream stream({key, rng::Purpose::data, replicate}, training_stream);
    arma::uvec rows = arma::regspace<arma::uvec>(0, table.n_rows - 1);
    for (arma::uword left = rows.n_elem; left > 1; --left) std::swap(rows[left - 1], rows[stream.integer(left)]);
    arma::mat const shuffled = table.rows(rows);
    auto const n_test = static_cast<arma::uword>(point.integer("data.test"));
    auto const n_validation = static_cast<arma::uword>(point.integer("data.validation"));
    return {shuffled.tail_rows(table.n_rows - n_test - n_validation), shuffled.rows(n_test, n_test + n_validation - 1),
            shuffled.head_rows(n_test)};
  }

  flow::TrainingData data_of(Parameters const& point, rng::Key key, std::uint64_t replicate) const {
    if (point.text("data.set") == "table") return split_table(point, key, replicate);
    auto const draw = [&](char const* size, std::uint64_t walker) {
      rng::Stream stream({key, rng::Purpose::data, replicate}, walker);
      return flow::draw_data(point.text("data.set"), static_cast<std::uint64_t>(point.integer(size)), stream);
    };
    return {draw("data.training", training_stream), draw("data.validation", validation_stream), draw("data.test", test_stream)};
  }

  static arma::vec grid_of(Parameters const& point) {
    auto const n = data_dimension(point) == 2 ? static_cast<arma::uword>(point.integer("report.grid")) : 0;
    double const range = point.real("report.range");
    arma::vec x(n);
    for (arma::uword i = 0; i < n; ++i)
      x[i] = n == 1 ? 0 : range * (2 * static_cast<double>(i) / static_cast<double>(n - 1) - 1);
    return x;
  }

  static void record(Parameters const& point, flow::TrainingSettings const& s, flow::TrainingData const& data,
                     flow::TrainingOutcome const& outcome, Team& team, Context& context, std::uint64_t entry,
                     study::Record& to) {
    auto const d = data.test.n_cols;
    to.set("parameters", all(outcome.parameters), entry);
    to.set("loss", all(outcome.loss), entry);
    to.set("evaluations", all(outcome.evaluations), entry);
    to.set("validation", all(outcome.validation), entry);
    to.set("iterations", outcome.iterations, entry);
    auto const set_mean = [&](std::string const& name, arma::vec const& values) {
      stats::Moments moments;
      moments.add(all(values));
      auto const mean = moments.mean_estimate();
      to.set(name, mean.value, entry);
      to.set(name + "_error", mean.error, entry);
    };
    set_mean("negative_log", -outcome.test_log_density);
    std::string const& set = point.text("data.set");
    if (auto const entropy = flow::exact_entropy(set)) to.set("negative_log_bound", *entropy, entry);
    if (auto const exact = flow::exact_log_density(set, data.test)) set_mean("excess", *exact - outcome.test_log_density);
    auto const shown = static_cast<arma::uword>(std::min(point.integer("report.shown"), point.integer("data.test")));
    if (shown > 0) {
      arma::vec const rows = arma::vectorise(data.test.head_rows(shown).t());
      to.set("shown_data", all(rows), entry);
    }

    auto const x = grid_of(point);
    arma::uword const n = x.n_elem;
    if (d != 2 || n < 2) return;
    arma::mat points(n * n, 2);
    for (arma::uword k = 0; k < n * n; ++k) {
      points(k, 0) = x[k % n];
      points(k, 1) = x[k / n];
    }
    auto const field = flow::make_neural_field(s.shape);
    field->set_parameters(all(outcome.parameters));
    auto settings = s.likelihood;
    settings.solver = {.method = flow::Method::dop853, .tolerance = s.report_tolerance};
    arma::vec density = flow::Likelihood(*field, 2, settings).log_densities(points, team, context);
    for (auto& value : density) value = simd::exp(value);
    to.set("density", all(density), entry);
    // The rule's weights at the border matter no more than what lies outside.
    double const cell = x[1] - x[0];
    to.set("integral", simd::sum(all(density)) * cell * cell, entry);
  }

  mutable TrainedNetworks trained_;  // what `prepare` read
  mutable SampleTables tables_;
};

}  // namespace

std::unique_ptr<study::Kind const> flow_training_kind() { return std::make_unique<FlowTrainingKind>(); }

}  // namespace fermiac::app
