#include "flow_settings.hpp"

#include <fmt/format.h>

#include "fermiac/base/error.hpp"
#include "fermiac/flow/expression.hpp"

namespace fermiac::app {
namespace {

flow::Trace trace_of(std::string const& name) {
  if (name == "products") return flow::Trace::products;
  if (name == "hutchinson") return flow::Trace::hutchinson;
  return name == "hutch_pp" ? flow::Trace::hutch_pp : flow::Trace::exact;
}

/// Those declared parameters of a point that a part of the program asks for by its own list.
Parameters options_of(Parameters const& point, std::vector<Parameter> const& declared) {
  Parameters options(declared);
  for (auto const& parameter : declared) options.set(parameter.key(), point.value(parameter.key()));
  return options;
}

}  // namespace

flow::Method flow_method(std::string const& name) {
  if (name == "euler") return flow::Method::euler;
  if (name == "heun") return flow::Method::heun;
  if (name == "rk4") return flow::Method::rk4;
  if (name == "dopri5") return flow::Method::dopri5;
  FERMIAC_ASSERT(name == "dop853");
  return flow::Method::dop853;
}

std::vector<Parameter> flow_parameters() {
  flow::ExperimentSettings const d;
  std::vector<std::string> fields;
  for (auto const& kind : flow::field_kinds()) fields.push_back(kind.name);
  std::vector<Parameter> declared = {
      choice("flow.field", "tanh_cubed", fields, "f of dz/dt = f(z, t)"),
      integer("flow.dimension", 2, "components of z").at_least(1).at_most(1000),
      real("flow.t0", d.t0, "time at which the samples begin").at_least(-1e6).at_most(1e6),
      real("flow.t1", d.t1, "time at which they end; before t0 to go backward").at_least(-1e6).at_most(1e6),
      choice("flow.method", "dop853", {"euler", "heun", "rk4", "dopri5", "dop853"}, "of the solver").shares_streams(),
      real("flow.tolerance", d.solver.tolerance, "largest error of z and log p at the end, where steps are chosen by error")
          .at_least(flow::least_tolerance)
          .at_most(1)
          .shares_streams(),
      integer("flow.steps", 0, "equal steps; 0: chosen by error (dopri5, dop853)").at_least(0).at_most(1e8).shares_streams(),
      integer("flow.max_steps", d.solver.max_steps, "steps after which a sample is given up")
          .at_least(1)
          .at_most(1e9)
          .shares_streams(),
      choice("flow.divergence", "exact", {"exact", "products", "hutchinson", "hutch_pp"},
             "closed form, exactly from Jacobian products, or from random probes")
          .shares_streams(),
      choice("flow.probe", "rademacher", {"rademacher", "gaussian"}, "distribution of random probes").shares_streams(),
      integer("flow.probes", 1, "random probes of a sample, each fixed for its whole path")
          .at_least(1)
          .at_most(10000)
          .shares_streams(),
      integer("flow.rank", 1, "hutch_pp: directions whose trace is exact, 1 to the dimension").at_least(1).shares_streams(),
      text("flow.event", "", "formula of z1, z2, ... and t whose zeros along the paths are counted; empty: none")
          .shares_streams(),
      integer("samples.count", static_cast<std::int64_t>(d.n_samples), "samples of a replicate")
          .at_least(2)
          .at_most(static_cast<double>(rng::walker_limit))
          .shares_streams(),
      integer("samples.keep", 0, "of these, how many ends are written").at_least(0).shares_streams(),
      integer("samples.check", 0, "of these, how many ends are held against the truth").at_least(0).shares_streams(),
      integer("samples.paths", 0, "of these, how many paths are written").at_least(0).at_most(1e6).shares_streams(),
      integer("samples.times", static_cast<std::int64_t>(d.n_times), "times of a path, the ends included")
          .at_least(2)
          .at_most(1e6)
          .shares_streams(),
      real("grid.lower", d.lower, "of every component, on the grid and in histograms").shares_streams(),
      real("grid.upper", d.upper, "likewise").shares_streams(),
      integer("grid.cells", static_cast<std::int64_t>(d.n_cells), "cells of a histogram")
          .at_least(1)
          .at_most(10000)
          .shares_streams(),
      integer("grid.points", static_cast<std::int64_t>(d.points_per_cell),
              "intervals in a cell of the grid on which the density is computed (1 or 2 dimensions), even; 0: no grid")
          .at_least(0)
          .at_most(100)
          .shares_streams(),
      real("grid.tolerance", d.grid_tolerance, "of the solver on the grid")
          .at_least(flow::least_tolerance)
          .at_most(1)
          .shares_streams(),
      text("base.table", "", "table: CSV file, or HDF5 file, of samples, one a row"),
      text("base.dataset", "samples", "table: name of the dataset in an HDF5 file"),
  };
  auto const append = [&](std::vector<Parameter> const& more) { declared.insert(declared.end(), more.begin(), more.end()); };
  append(flow::density_parameters("base", {"gaussian", "mixture", "uniform", "table"}, "what samples begin as"));
  append(flow::density_parameters("target", {"none", "gaussian", "mixture", "uniform"},
                                  "density that the ends are compared with"));
  append(flow::field_options());
  return declared;
}

bool FlowStudy::has_one_probe() const {
  auto const trace = settings.solver.divergence.trace;
  return (trace == flow::Trace::hutchinson || trace == flow::Trace::hutch_pp) && settings.solver.divergence.n_probes == 1;
}

FlowStudy flow_study(Parameters const& point, arma::mat const& table) {
  FlowStudy study;
  auto const count = [&](char const* key) { return static_cast<std::uint64_t>(point.integer(key)); };
  auto const d = static_cast<std::size_t>(count("flow.dimension"));
  auto& s = study.settings;
  s.t0 = point.real("flow.t0");
  s.t1 = point.real("flow.t1");
  if (s.t0 == s.t1) throw InputError("flow.t1", "flow.t1 equals flow.t0: nothing flows");
  s.solver.method = flow_method(point.text("flow.method"));
  s.solver.tolerance = point.real("flow.tolerance");
  s.solver.steps = static_cast<std::uint32_t>(count("flow.steps"));
  s.solver.max_steps = static_cast<std::uint32_t>(count("flow.max_steps"));
  s.solver.divergence = {
      .trace = trace_of(point.text("flow.divergence")),
      .probe = point.text("flow.probe") == "gaussian" ? flow::ProbeKind::gaussian : flow::ProbeKind::rademacher,
      .n_probes = count("flow.probes"),
      .rank = count("flow.rank")};
  flow::check(s.solver);
  if (s.solver.divergence.trace == flow::Trace::hutch_pp && s.solver.divergence.rank > d)
    throw InputError("flow.rank", fmt::format("flow.rank = {} exceeds the dimension, {}", s.solver.divergence.rank, d));
  s.event = point.text("flow.event");
  if (!s.event.empty()) flow::Formulas(d).parse(s.event, "flow.event");
  s.n_samples = count("samples.count");
  for (auto const& [key, to] :
       {std::pair{"samples.keep", &s.n_kept}, {"samples.check", &s.n_checked}, {"samples.paths", &s.n_paths}}) {
    *to = count(key);
    if (*to > s.n_samples) throw InputError(key, fmt::format("{} = {} exceeds samples.count, {}", key, *to, s.n_samples));
  }
  s.n_times = count("samples.times");
  s.lower = point.real("grid.lower");
  s.upper = point.real("grid.upper");
  if (!(s.lower < s.upper)) throw InputError("grid.upper", "grid.upper must lie above grid.lower");
  s.n_cells = count("grid.cells");
  s.points_per_cell = count("grid.points");
  if (s.points_per_cell % 2 != 0) throw InputError("grid.points", "grid.points must be even");
  s.grid_tolerance = point.real("grid.tolerance");

  study.field = flow::make_field(point.text("flow.field"), d, options_of(point, flow::field_options()));
  if (point.text("base.kind") == "table") {
    if (point.text("base.table").empty()) throw InputError("base.table", "base.kind = \"table\" needs a file: base.table");
    if (table.n_rows > 0 && table.n_cols != d)
      throw InputError("base.table", fmt::format("{} has {} columns, expected flow.dimension = {}", point.text("base.table"),
                                                 table.n_cols, d));
    if (table.n_rows > 0 && table.n_rows < s.n_samples)
      throw InputError("samples.count", fmt::format("samples.count = {}, but {} has {} rows", s.n_samples,
                                                    point.text("base.table"), table.n_rows));
  }
  study.base = flow::make_density("base", d, point, table);
  if (point.text("target.kind") != "none") study.target = flow::make_density("target", d, point);
  return study;
}

}  // namespace fermiac::app
