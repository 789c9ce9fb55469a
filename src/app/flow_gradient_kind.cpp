#include <algorithm>
#include <cmath>

#include "fermiac/app/registry.hpp"
#include "fermiac/base/cpu_clock.hpp"
#include "fermiac/base/error.hpp"
#include "fermiac/flow/data_sets.hpp"
#include "fermiac/flow/gradient_comparison.hpp"
#include "fermiac/rng/stream.hpp"
#include "flow_settings.hpp"
#include "flow_training_settings.hpp"
#include "trained_networks.hpp"

namespace fermiac::app {

namespace {

using study::Presence;
using study::Scope;

flow::SolverSettings solver_settings(Parameters const& point) {
  flow::SolverSettings settings;
  settings.method = flow_method(point.text("gradient.method"));
  settings.tolerance = point.real("gradient.tolerance");
  settings.steps = static_cast<std::uint32_t>(point.integer("gradient.steps"));
  return settings;
}

flow::GradientWay way_of(Parameters const& point) {
  auto const& name = point.text("gradient.adjoint");
  if (name == "discrete") return flow::GradientWay::discrete;
  if (name == "backsolve") return flow::GradientWay::backsolve;
  return name == "interpolated" ? flow::GradientWay::interpolated : flow::GradientWay::forward;
}

/// Ways of differentiating through a flow.
class FlowGradientKind final : public study::Kind {
 public:
  std::string name() const override { return "flow_gradient"; }
  std::string family() const override { return "flow"; }
  std::string summary() const override {
    return "gradients through a neural flow: discrete and continuous adjoints, forward sensitivities";
  }
  std::string truth() const override { return "the discrete adjoint of order 8 at a tolerance of 1e-12"; }
  std::string conventions() const override {
    return "The loss is the mean of -log p of data at t = flow.t1 under a flow from the standard normal at t = 0.\n"
           "relative_error is |g - g*| / |g*| over all parameters of the network, start_error the same over dL/dz at the data, "
           "g* the "
           "truth.\n"
           "forward_evaluations are those of f in the solve, backward_evaluations those of the gradient, most with a pull-back "
           "(forward: with all sensitivities); means over samples.\n"
           "discrete: the exact gradient of the numbers computed with their accepted steps. backsolve and interpolated solve "
           "da/dt = -(df/dz)^T a + mu grad div back and\n"
           "integrate dL/dtheta = integral of (df/dtheta)^T a - mu ddiv/dtheta, mu = dL/dlog p.";
  }

  std::vector<Parameter> parameters() const override {
    auto declared = neural_parameters();
    std::vector<Parameter> const own = {
        real("neural.gain", 1, "factor of all initial weights: larger ones make a faster field")
            .above(0)
            .at_most(100)
            .shares_streams(),
        choice("data.set", "eight_gaussians", flow::data_sets(), "whose likelihood it is"),
        integer("data.samples", 200, "of the mean").at_least(1).at_most(1e6),
        real("flow.t1", 0.5, "time at which the data are; the base normal is at 0").above(0).at_most(1e6).shares_streams(),
        choice("gradient.adjoint", "discrete", {"discrete", "backsolve", "interpolated", "forward"}, "how is differentiated")
            .shares_streams(),
        choice("gradient.method", "dopri5", {"euler", "heun", "rk4", "dopri5", "dop853"}, "of all solves").shares_streams(),
        real("gradient.tolerance", 1e-6, "of all solves").at_least(flow::least_tolerance).at_most(1).shares_streams(),
        integer("gradient.steps", 0, "equal steps of all solves; 0: chosen by error").at_least(0).at_most(1e6).shares_streams(),
        memory_parameter(),
    };
    declared.insert(declared.end(), own.begin(), own.end());
    return declared;
  }

  void check(Parameters const& point) const override {
    neural_shape_of(point, 2);
    auto const settings = solver_settings(point);
    if (settings.steps == 0 && !flow::is_adaptive(settings.method))
      throw InputError("gradient.steps", "gradient.steps = 0: method \"" + point.text("gradient.method") +
                                             "\" has no estimate of its error, expected 1 or more");
    if (way_of(point) == flow::GradientWay::forward && network::TanhNetwork(neural_shape_of(point, 2)).n_parameters() > 1000)
      throw InputError("gradient.adjoint",
                       "gradient.adjoint = \"forward\": carries 3 components for each parameter of the "
                       "network, expected at most 1000 parameters");
  }

  std::vector<study::Input> inputs(Parameters const& point) const override { return TrainedNetworks::inputs(point); }
  void prepare(Parameters const& point) const override {
    trained_.of(point, network::TanhNetwork(neural_shape_of(point, 2)).n_parameters());
  }

  std::vector<study::Variable> variables() const override {
    auto const r = Scope::replicate;
    auto const p = Scope::point;
    auto const optional = Presence::optional;
    return {
        {"relative_error", r, "1", "relative error of the gradient by the parameters"},
        {"start_error", r, "1", "relative error of the gradient by the data", optional},
        {"loss_error", r, "nat", "error of the loss"},
        {"forward_evaluations", r, "1", "of f in the solve, mean over samples"},
        {"backward_evaluations", r, "1", "of f in the gradient, mean over samples"},
        {"largest_error", p, "1", "of relative_error over replicates", optional},
        {"largest_start_error", p, "1", "of start_error over replicates", optional},
        {"largest_loss_error", p, "nat", "of loss_error over replicates", optional},
        {"mean_forward", p, "1", "of forward_evaluations over replicates", optional},
        {"mean_backward", p, "1", "of backward_evaluations over replicates", optional},
    };
  }
  std::vector<std::string> table() const override {
    return {"largest_error", "largest_start_error", "largest_loss_error", "mean_forward", "mean_backward"};
  }

  double work(Parameters const& point) const override {
    double const P = static_cast<double>(network::TanhNetwork(neural_shape_of(point, 2)).n_parameters());
    double const columns = way_of(point) == flow::GradientWay::forward ? P : 1;
    double const steps = point.integer("gradient.steps") > 0 ? static_cast<double>(point.integer("gradient.steps")) : 30;
    return static_cast<double>(point.integer("data.samples")) * P * (columns * steps + 60);
  }
  double seconds_per_work(Parameters const& point) const override {
    Parameters small = point;
    small.set("data.samples", std::int64_t{20});
    small.set("gradient.steps", std::int64_t{5});
    if (point.text("gradient.adjoint") == "forward") small.set("gradient.adjoint", std::string("discrete"));
    Quiet context;
    double const start = thread_cpu_s();
    compare(small, {}, 0, context);
    return (thread_cpu_s() - start) / work(small);
  }

  void compute(Parameters const& point, std::uint64_t seed, Range replicates, Team&, Context& context,
               study::ItemRecord& item) const override {
    auto const key = rng::make_key(seed, point.canonical());
    for (auto replicate = replicates.first; replicate < replicates.last; ++replicate) {
      auto const result = compare(point, key, replicate, context);
      auto const entry = replicate - replicates.first;
      item.replicates.set("relative_error", result.error, entry);
      item.replicates.set("start_error", result.start_error, entry);
      item.replicates.set("loss_error", result.loss_error, entry);
      item.replicates.set("forward_evaluations", result.forward_evaluations, entry);
      item.replicates.set("backward_evaluations", result.backward_evaluations, entry);
    }
  }

  void summarise(Parameters const&, std::vector<study::ItemRecord> const& items, Context&,
                 study::Record& summary) const override {
    double n = 0;
    double error = 0, start_error = 0, loss_error = 0, forward = 0, backward = 0;
    for (auto const& item : items)
      for (std::uint64_t i = 0; i < item.replicates.n_entries(); ++i) {
        auto const value = [&](char const* name) { return item.replicates.value(name, i); };
        n += 1;
        error = std::max(error, value("relative_error"));
        start_error = std::isnan(value("start_error")) ? value("start_error") : std::max(start_error, value("start_error"));
        loss_error = std::max(loss_error, value("loss_error"));
        forward += value("forward_evaluations");
        backward += value("backward_evaluations");
      }
    if (n == 0) return;
    summary.set("largest_error", error);
    summary.set("largest_start_error", start_error);
    summary.set("largest_loss_error", loss_error);
    summary.set("mean_forward", forward / n);
    summary.set("mean_backward", backward / n);
  }

 private:
  flow::GradientComparison compare(Parameters const& point, rng::Key key, std::uint64_t replicate, Context& context) const {
    auto const field = flow::make_neural_field(neural_shape_of(point, 2));
    arma::vec theta = trained_.of(point, field->n_parameters());
    if (theta.is_empty()) {
      rng::Stream initial({key, rng::Purpose::initialise, replicate}, 0);
      field->initialise(initial);
      theta = point.real("neural.gain") * arma::vec(field->parameters().data(), field->n_parameters());
    }
    field->set_parameters({theta.memptr(), theta.n_elem});
    rng::Stream stream({key, rng::Purpose::data, replicate}, 0);
    auto const data =
        flow::draw_data(point.text("data.set"), static_cast<std::uint64_t>(point.integer("data.samples")), stream);
    return flow::compare_gradient(*field, data, way_of(point), solver_settings(point), 0, point.real("flow.t1"),
                                  point.real("adjoint.memory_mb"), context);
  }

  mutable TrainedNetworks trained_;  // what `prepare` read
};

}  // namespace

std::unique_ptr<study::Kind const> flow_gradient_kind() { return std::make_unique<FlowGradientKind>(); }

}  // namespace fermiac::app
