#include "flow_training_settings.hpp"

#include "fermiac/base/error.hpp"
#include "fermiac/flow/adjoint.hpp"
#include "fermiac/flow/data_sets.hpp"
#include "flow_settings.hpp"

namespace fermiac::app {

std::vector<Parameter> neural_parameters() { return flow::neural_kind().options; }

network::Shape neural_shape_of(Parameters const& point, std::size_t dimension) {
  Parameters options(flow::field_options());
  for (auto const& option : flow::neural_kind().options) options.set(option.key(), point.value(option.key()));
  return flow::neural_shape(dimension, options);
}

Parameter memory_parameter() {
  return real("adjoint.memory_mb", flow::Adjoint::default_memory_mb,
              "megabytes for steps that the discrete adjoint keeps; others are computed again, to the same bits")
      .at_least(0)
      .at_most(1e9)
      .shares_streams();
}

std::vector<Parameter> flow_training_parameters() {
  flow::TrainingSettings const d;
  auto sets = flow::data_sets();
  sets.push_back("table");
  auto declared = neural_parameters();
  std::vector<Parameter> const own = {
      choice("data.set", "eight_gaussians", sets, "what is learned"),
      text("data.table", "", "table: HDF5 or CSV file of samples, one a row").shares_streams(),
      text("data.dataset", "samples", "table: name of the dataset in an HDF5 file").shares_streams(),
      integer("data.dimension", 2, "table: columns that it has").at_least(1).at_most(1000),
      integer("data.training", 50000, "training samples; a table has what the others leave").at_least(1).at_most(1e8),
      integer("data.validation", 2000, "samples that decide when to stop, and which parameters are kept")
          .at_least(1)
          .at_most(1e8),
      integer("data.test", 10000, "samples that the result is made of").at_least(2).at_most(1e8),
      real("flow.t1", d.likelihood.t1, "time at which the data are; the base normal is at 0").above(0).at_most(1e6),
      choice("training.method", "dopri5", {"euler", "heun", "rk4", "dopri5", "dop853"}, "of the solver in training"),
      real("training.tolerance", 1e-3, "of the solver in training").at_least(flow::least_tolerance).at_most(1),
      integer("training.steps", 0, "equal steps of the solver in training; 0: chosen by error").at_least(0).at_most(1e6),
      choice("training.optimiser", "adam", {"adam", "lbfgs"}, "mini-batches by Adam, or all training data by L-BFGS"),
      integer("training.iterations", d.iterations, "changes of the parameters").at_least(1).at_most(1e7),
      integer("training.batch", d.batch, "adam: samples of an iteration").at_least(1).at_most(1e7),
      real("training.rate", d.rate, "adam: learning rate at the beginning").above(0).at_most(1),
      real("training.final_fraction", d.final_fraction, "adam: of the rate that is left in the end, falling along a cosine")
          .at_least(0)
          .at_most(1),
      integer("training.check_every", d.check_every, "iterations between two looks at the validation data")
          .at_least(1)
          .at_most(1e7),
      integer("training.patience", d.patience, "checks without improvement after which training ends; 0: never")
          .at_least(0)
          .at_most(1e7),
      real("training.kinetic", 0, "weight of the penalty integral |f|^2 dt").at_least(0),
      real("training.jacobian", 0, "weight of the penalty integral |J|_F^2 dt").at_least(0),
      integer("training.pack", d.likelihood.pack, "samples computed together; part of the result").at_least(1).at_most(1e6),
      memory_parameter(),
      real("report.tolerance", d.report_tolerance, "of the solver for what is reported")
          .at_least(flow::least_tolerance)
          .at_most(1),
      integer("report.grid", 121, "points along each side of the density's grid, two dimensions; 0: none")
          .at_least(0)
          .at_most(2000)
          .shares_streams(),
      real("report.range", 6, "half its side").above(0).shares_streams(),
      integer("report.shown", 2000, "test samples stored beside it").at_least(0).at_most(1e6).shares_streams(),
  };
  declared.insert(declared.end(), own.begin(), own.end());
  return declared;
}

std::size_t data_dimension(Parameters const& point) {
  return point.text("data.set") == "table" ? static_cast<std::size_t>(point.integer("data.dimension")) : 2;
}

flow::TrainingSettings flow_training_settings(Parameters const& point) {
  auto const count = [&](char const* key) { return static_cast<std::uint32_t>(point.integer(key)); };
  flow::TrainingSettings s;
  s.shape = neural_shape_of(point, data_dimension(point));
  s.penalty = {point.real("training.kinetic"), point.real("training.jacobian")};
  s.likelihood.t1 = point.real("flow.t1");
  s.likelihood.pack = count("training.pack");
  s.likelihood.memory_mb = point.real("adjoint.memory_mb");
  s.likelihood.solver.method = flow_method(point.text("training.method"));
  s.likelihood.solver.tolerance = point.real("training.tolerance");
  s.likelihood.solver.steps = count("training.steps");
  if (s.likelihood.solver.steps == 0 && !flow::is_adaptive(s.likelihood.solver.method))
    throw InputError("training.steps", "training.steps = 0: method \"" + point.text("training.method") +
                                           "\" has no estimate of its error, expected 1 or more");
  s.optimiser = point.text("training.optimiser") == "adam" ? flow::Optimiser::adam : flow::Optimiser::lbfgs;
  s.iterations = count("training.iterations");
  s.batch = count("training.batch");
  s.rate = point.real("training.rate");
  s.final_fraction = point.real("training.final_fraction");
  s.check_every = count("training.check_every");
  s.patience = count("training.patience");
  s.report_tolerance = point.real("report.tolerance");
  return s;
}

}  // namespace fermiac::app
