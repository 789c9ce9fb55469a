#include "vmc_record.hpp"

#include <span>
#include <string>

#include "fermiac/stats/z_score.hpp"
#include "fermiac/vmc/exact_energy.hpp"
#include "fermiac/vmc/factors/rbm.hpp"
#include "fermiac/vmc/pair_energy.hpp"

namespace fermiac::app {

namespace {

using study::Presence;
using study::Scope;

std::span<double const> all(arma::vec const& values) { return {values.memptr(), values.n_elem}; }

arma::vec middles(arma::vec const& edges) {
  return edges.n_elem > 1 ? arma::vec(0.5 * (edges.head(edges.n_elem - 1) + edges.tail(edges.n_elem - 1))) : arma::vec();
}

/// An estimate of cells, first index spin or kind of pair.
void record_cells(std::string const& name, vmc::CellEstimates const& cells, std::vector<std::uint64_t> const& sizes,
                  std::uint64_t entry, study::Record& to) {
  to.set(name, {cells.value.memptr(), cells.value.n_elem}, sizes, entry);
  to.set(name + "_error", {cells.error.memptr(), cells.error.n_elem}, sizes, entry);
}

}  // namespace

std::optional<vmc::ExactEnergy> exact_energy_of(vmc::Settings const& settings, arma::vec const& parameters) {
  auto const& system = settings.system;
  auto const& ansatz = settings.ansatz;
  if (!vmc::WaveFunction(system, ansatz).is_rbm()) return vmc::pair_energy(system, ansatz, parameters);
  if (ansatz.hidden > vmc::max_hidden_exact(ansatz.convention)) return std::nullopt;
  auto const shape = vmc::rbm_shape(system, ansatz);
  return vmc::exact_energy(system, shape, vmc::unflatten(shape, parameters, vmc::initial_sigma_squared(system, ansatz)));
}

std::vector<study::Variable> vmc_replicate_variables() {
  std::string const e = "Hartree";
  auto const r = Scope::replicate;
  auto const p = Scope::point;
  auto const optional = Presence::optional;
  std::vector<study::Variable> variables = {
      {"energy", r, e, "mean local energy at the frozen parameters, fresh stream"},
      {"energy_error", r, e, "standard error of energy, from independent walkers"},
      {"energy_truth", r, e, "exact energy of the wave function at its frozen parameters", optional},
      {"energy_z", r, "1", "(energy - energy_truth) / energy_error", optional},
      {"energy_blocking_error", r, e, "standard error of energy by blocking", optional},
      {"energy_plain", r, e, "mean local energy without control variate"},
      {"energy_plain_error", r, e, "its standard error; does not hold where contact is infinite_variance"},
      {"kinetic", r, e, "mean kinetic energy, Laplacian form"},
      {"kinetic_error", r, e, "standard error of kinetic"},
      {"kinetic_truth", r, e, "exact kinetic energy at the frozen parameters", optional},
      {"kinetic_z", r, "1", "(kinetic - kinetic_truth) / kinetic_error", optional},
      {"trap", r, e, "mean energy in the trap"},
      {"trap_error", r, e, "standard error of trap"},
      {"trap_truth", r, e, "exact energy in the trap at the frozen parameters", optional},
      {"trap_z", r, "1", "(trap - trap_truth) / trap_error", optional},
      {"interaction", r, e, "mean interaction energy"},
      {"interaction_error", r, e, "standard error of interaction; has no meaning where its variance is infinite"},
      {"interaction_truth", r, e, "exact interaction energy at the frozen parameters", optional},
      {"interaction_z", r, "1", "(interaction - interaction_truth) / interaction_error", optional},
      {"kinetic_from_gradient", r, e, "mean kinetic energy, gradient form, regularised at nodes"},
      {"forms_z", r, "1", "difference of the two kinetic forms over its error", optional},
      {"stein_z", r, "1", "(<x . grad ln Psi^2> + N d) over its error", optional},
      {"virial_ratio", r, "1", "2 <T> / (2 <V> - <U>); 1 at minima where a scale is free, else no truth", optional},
      {"virial_ratio_error", r, "1", "standard error of virial_ratio", optional},
      {"variance", r, "Hartree^2", "variance of the local energy with control variate"},
      {"variance_plain", r, "Hartree^2", "sample variance of the plain local energy", optional},
      {"acceptance", r, "1", "share of moves taken"},
      {"step", r, "length", "metropolis: width of the proposal; langevin: time step; gibbs: 0"},
      {"autocorrelation_time", r, "1", "of the energy, in measurements", optional},
      {"effective_samples", r, "1", "measurements / (2 autocorrelation_time)", optional},
      {"r_hat", r, "1", "of halves of the walkers' chains; 1 where all sample the same", optional},
      {"gradient_norm", r, e, "norm of the energy's gradient at the frozen parameters", optional},
      {"gradient_norm_error", r, e, "its standard error", optional},
      {"chosen_start", r, "1", "number of the start that was sampled"},
      {"sweeps", r, "1", "sweeps of the final sampling"},
      {"iterations", r, "1", "changes of the parameters in the chosen start"},
      {"update_error", r, "1", "largest relative rounding that updates of determinants built up"},
      {"parameters", r, "1", "frozen parameters, factor after factor", optional, {"parameter"}},
      {"start_energy", r, e, "energy of each start's result", optional, {"start"}},
      {"start_energy_error", r, e, "standard error of start_energy", optional, {"start"}},
      {"optimisation_energy", r, e, "energy at every iteration of the chosen start", optional, {"iteration"}},
      {"optimisation_energy_error", r, e, "standard error of optimisation_energy", optional, {"iteration"}},
      {"optimisation_variance", r, "Hartree^2", "variance of the local energy at every iteration", optional, {"iteration"}},
      {"energy_series", r, e, "mean local energy of every measurement of the final sampling", optional, {"measurement"}},
      {"walker_energy", r, e, "mean local energy of each walker in the final sampling", optional, {"walker"}},
      {"walker_position", r, "length", "coordinates of each walker at the end", optional, {"coordinate", "walker"}},
      {"radius", p, "length", "middle of the cell", optional, {"radius_cell"}},
      {"plane_x", p, "length", "middle of the cell", optional, {"plane_x_cell"}},
      {"plane_y", p, "length", "middle of the cell", optional, {"plane_y_cell"}},
      {"separation", p, "length", "middle of the cell", optional, {"separation_cell"}},
      {"angle", p, "radian", "middle of the cell", optional, {"angle_cell"}},
  };
  auto const with_error = [&](char const* name, char const* units, std::string const& about,
                              std::vector<std::string> const& dimensions) {
    variables.push_back({name, r, units, about, optional, dimensions});
    variables.push_back(
        {std::string(name) + "_error", r, units, std::string("standard error of ") + name, optional, dimensions});
  };
  with_error("mean_distance", "length", "mean distance of two particles", {"pair"});
  with_error("radial_density", "length^-dimensions", "particles of the spin per area (volume) over the radius",
             {"spin", "radius_cell"});
  with_error("planar_density", "length^-2", "particles of the spin per area, projected on x and y",
             {"spin", "plane_y_cell", "plane_x_cell"});
  with_error("distance_density", "1/length", "pairs of particles per distance between them", {"pair", "separation_cell"});
  with_error("pair_density", "length^-dimensions", "pairs of particles per area (volume) of their distance vector: g(r)",
             {"pair", "separation_cell"});
  with_error("angular_density", "1/radian", "pairs of particles per angle between them as seen from the centre",
             {"pair", "angle_cell"});
  return variables;
}

std::vector<study::Dimension> vmc_dimensions(vmc::Settings const& settings) {
  auto const& s = settings;
  auto const& cells = s.observables;
  auto const D = static_cast<std::uint64_t>(s.system.dimensions);
  bool const on = cells.every > 0;
  auto const n_walkers = s.sampler.keep_walkers ? s.sampler.walkers : 0;
  return {{"parameter", vmc::WaveFunction(s.system, s.ansatz).n_parameters(), "parameters of the wave function"},
          {"start", s.optimiser.starts, "independent initialisations"},
          {"iteration", s.optimiser.iterations, "changes of the parameters"},
          {"measurement", s.sampler.keep_energies ? s.sampler.sweeps / s.sampler.thinning : 0, "measurements"},
          {"walker", n_walkers, "independent Markov chains"},
          {"coordinate", n_walkers > 0 ? D * static_cast<std::uint64_t>(s.system.particles) : 0,
           "particle after particle, direction after direction"},
          {"spin", 2, "of a particle", {"up", "down"}},
          {"pair", 2, "two particles of one spin or of different ones (bosons: like)", {"like", "unlike"}},
          {"radius_cell", on ? cells.radial_cells : 0, "cells of the distance from the centre"},
          {"plane_x_cell", on && D > 1 ? cells.planar_cells : 0, "cells along x"},
          {"plane_y_cell", on && D > 1 ? cells.planar_cells : 0, "cells along y"},
          {"separation_cell", on ? cells.pair_cells : 0, "cells of the distance between two particles"},
          {"angle_cell", on && D == 2 ? cells.angle_cells : 0, "cells of the angle between two particles"}};
}

void record_outcome(vmc::Settings const& s, vmc::Outcome const& outcome, std::uint64_t entry, study::Record& to) {
  auto const set = [&](std::string const& name, double value) { to.set(name, value, entry); };
  auto const set_estimate = [&](std::string const& name, stats::Estimate const& estimate) {
    set(name, estimate.value);
    set(name + "_error", estimate.error);
  };
  set_estimate("energy", outcome.energy);
  set_estimate("energy_plain", outcome.plain_energy);
  set_estimate("kinetic", outcome.kinetic);
  set_estimate("trap", outcome.trap);
  set_estimate("interaction", outcome.interaction);
  set_estimate("virial_ratio", outcome.virial_ratio);
  set_estimate("gradient_norm", outcome.gradient_norm);
  if (auto const exact = exact_energy_of(s, outcome.parameters)) {
    auto const set_truth = [&](std::string const& name, stats::Estimate const& estimate, double truth) {
      set(name + "_truth", truth);
      set(name + "_z", stats::z_score(estimate, truth));
    };
    set_truth("energy", outcome.energy, exact->total);
    set_truth("kinetic", outcome.kinetic, exact->kinetic);
    set_truth("trap", outcome.trap, exact->trap);
    set_truth("interaction", outcome.interaction, exact->interaction);
  }
  set("energy_blocking_error", outcome.energy_blocking.error);
  set("kinetic_from_gradient", outcome.kinetic_from_gradient.value);
  set("forms_z", outcome.kinetic_z);
  set("stein_z", outcome.stein_z);
  set("variance", outcome.variance);
  set("variance_plain", outcome.plain_variance);
  set("acceptance", outcome.acceptance);
  set("step", outcome.step);
  set("autocorrelation_time", outcome.autocorrelation_time);
  set("effective_samples", outcome.effective_samples);
  set("r_hat", outcome.r_hat);
  set("chosen_start", outcome.chosen_start);
  to.set("parameters", all(outcome.parameters), entry);
  set("sweeps", static_cast<double>(outcome.sweeps));
  set("update_error", outcome.update_error);
  set("iterations", outcome.starts[outcome.chosen_start].iterations);
  for (std::size_t i = 0; i < outcome.starts.size(); ++i) {
    to.values("start_energy", entry)[i] = outcome.starts[i].energy.value;
    to.values("start_energy_error", entry)[i] = outcome.starts[i].energy.error;
  }
  to.set("optimisation_energy", all(outcome.trace), entry);
  to.set("optimisation_energy_error", all(outcome.trace_error), entry);
  to.set("optimisation_variance", all(outcome.trace_variance), entry);

  to.set("energy_series", all(outcome.energy_series), entry);
  to.set("walker_energy", all(outcome.walker_energies), entry);
  to.set("walker_position", {outcome.walkers.memptr(), outcome.walkers.n_elem},
         std::vector<std::uint64_t>{outcome.walkers.n_cols, outcome.walkers.n_rows}, entry);
  auto const& observed = outcome.observables;
  if (observed.n_samples == 0) return;
  for (std::size_t kind = 0; kind < 2; ++kind) {
    to.values("mean_distance", entry)[kind] = observed.distance[kind].value;
    to.values("mean_distance_error", entry)[kind] = observed.distance[kind].error;
  }
  auto const& cells = s.observables;
  record_cells("radial_density", observed.radial, {2, cells.radial_cells}, entry, to);
  record_cells("distance_density", observed.pair_distance, {2, cells.pair_cells}, entry, to);
  record_cells("pair_density", observed.pair_density, {2, cells.pair_cells}, entry, to);
  if (s.system.dimensions > 1)
    record_cells("planar_density", observed.planar, {2, cells.planar_cells, cells.planar_cells}, entry, to);
  if (s.system.dimensions == 2) record_cells("angular_density", observed.pair_angle, {2, cells.angle_cells}, entry, to);
}

void record_coordinates(vmc::Settings const& s, study::Record& to) {
  if (s.observables.every == 0) return;
  auto const edges = vmc::observable_edges(vmc::observable_shape(s.system, s.observables));
  to.set("radius", all(middles(edges.radial)));
  to.set("plane_x", all(middles(edges.planar)));
  to.set("plane_y", all(middles(edges.planar)));
  to.set("separation", all(middles(edges.pair)));
  to.set("angle", all(middles(edges.angle)));
}

}  // namespace fermiac::app
