#include "vmc_settings.hpp"

#include <stdexcept>

namespace fermiac::app {

namespace {

template <typename Enum>
Enum enumerator(std::string const& text, std::initializer_list<std::pair<char const*, Enum>> names) {
  for (auto const& [name, value] : names)
    if (text == name) return value;
  throw std::logic_error("internal error: no enumerator '" + text + "'");
}

}  // namespace

std::vector<Parameter> vmc_parameters() {
  vmc::Settings const d;
  constexpr double most = 4294967295.0;
  std::string factors;
  for (auto const& kind : vmc::factor_kinds()) factors += (factors.empty() ? "" : ", ") + kind.name;
  std::vector<Parameter> declared = {
      integer("system.particles", d.system.particles, "particles in the dot").at_least(1).at_most(1000),
      integer("system.dimensions", d.system.dimensions, "dimensions of space").at_least(1).at_most(3),
      real("system.omega", d.system.omega, "frequency of the trap").unit("1/time").at_least(1e-6).at_most(1e6),
      choice("system.interaction", "coulomb", {"none", "coulomb", "soft_coulomb"}, "between particles"),
      real("system.softening", d.system.softening, "of soft_coulomb").unit("length").at_least(0),
      integer("system.up", d.system.up, "particles of spin up, the first ones; -1: half of them").at_least(-1).at_most(1000),
      choice("system.statistics", "fermions", {"fermions", "bosons"}, "of the particles"),
      choice("system.trap", "harmonic", {"harmonic", "double_well"}, "shape of the trap"),
      real("system.ratio_y", 1, "frequency in the second direction, in omega").at_least(1e-3).at_most(1e3),
      real("system.ratio_z", 1, "frequency in the third direction, in omega").at_least(1e-3).at_most(1e3),
      real("system.well_distance", d.system.well_distance, "of double_well").unit("length").at_least(0),
      text("ansatz.factors", d.ansatz.factors, "the wave function, a product of: " + factors),
      integer("ansatz.hidden", static_cast<std::int64_t>(d.ansatz.hidden), "hidden units of rbm").at_least(0).at_most(10000),
      choice("ansatz.convention", "sqrt_f", {"sqrt_f", "f"}, "rbm: Psi = sqrt(F) or Psi = F"),
      real("ansatz.sigma_squared", d.ansatz.sigma_squared, "width squared; 0: 1/(2 omega) for sqrt_f, 1/omega for f")
          .unit("length^2")
          .at_least(0),
      flag("ansatz.sigma_trainable", d.ansatz.sigma_trainable, "train sigma too"),
      choice("ansatz.initialisation", "antisymmetric", {"antisymmetric", "random"}, "of the weights"),
      real("ansatz.noise", d.ansatz.noise, "deviation of the noise on antisymmetric weights, in sigma").at_least(0),
      text("ansatz.start_from", "", "results file of another vmc study: factors of the same name and parameters begin with its")
          .shares_streams(),
      choice("sampler.method", "metropolis", {"metropolis", "langevin", "gibbs"}, "how walkers move; gibbs: rbm alone"),
      integer("sampler.walkers", d.sampler.walkers, "independent Markov chains").at_least(2).at_most(16777216),
      integer("sampler.pack", d.sampler.pack, "walkers computed together; part of the result").at_least(1).at_most(16777216),
      integer("sampler.burn_in", d.sampler.burn_in, "sweeps before anything is averaged; the step is tuned in them")
          .at_least(1)
          .at_most(most),
      real("sampler.acceptance", d.sampler.acceptance, "share of moves the tuning aims at; 0: 0.5, langevin 0.8")
          .at_least(0)
          .at_most(0.99),
      integer("sampler.sweeps", d.sampler.sweeps, "sweeps of the final sampling").at_least(8).at_most(most),
      real("sampler.target_error", d.sampler.target_error, "error of the energy at which sampling may end early; 0: never")
          .unit("Hartree")
          .at_least(0),
      integer("sampler.thinning", d.sampler.thinning, "sweeps for each measurement").at_least(1).at_most(most),
      flag("sampler.keep_walkers", d.sampler.keep_walkers,
           "store walkers' last positions and mean energies: walkers (particles dimensions + 1) values")
          .shares_streams(),
      flag("sampler.keep_energies", d.sampler.keep_energies,
           "store the mean energy of every measurement: sweeps / thinning values")
          .shares_streams(),
      text("sampler.compare_with", "",
           "results file of another vmc study: the energy of its wave function on the same walkers, and the gain over it")
          .shares_streams(),
      text("sampler.compare_factors", "", "ansatz.factors of that wave function, where the file has several").shares_streams(),
      integer("observables.every", d.observables.every, "measurements for each count of densities and pairs; 0: none")
          .at_least(0)
          .at_most(most)
          .shares_streams(),
      real("observables.range", d.observables.range, "radius up to which is counted, twice that for pairs, in 1/sqrt(omega)")
          .above(0)
          .shares_streams(),
      integer("observables.radial_cells", d.observables.radial_cells, "of the distance from the centre")
          .at_least(1)
          .at_most(1e5)
          .shares_streams(),
      integer("observables.planar_cells", d.observables.planar_cells, "along each side of the plane")
          .at_least(1)
          .at_most(4096)
          .shares_streams(),
      integer("observables.pair_cells", d.observables.pair_cells, "of the distance of two particles")
          .at_least(1)
          .at_most(1e5)
          .shares_streams(),
      integer("observables.angle_cells", d.observables.angle_cells, "of the angle between two particles, two dimensions")
          .at_least(1)
          .at_most(1e5)
          .shares_streams(),
      choice("optimiser.method", "sr", {"gd", "adam", "sr"}, "gradient descent, Adam, stochastic reconfiguration"),
      choice("optimiser.solver", "automatic", {"automatic", "dense", "samples", "iterative"},
             "sr: how its equations are solved"),
      choice("optimiser.decay", "constant", {"constant", "inverse", "exponential", "cosine"}, "of the rate"),
      real("optimiser.final_fraction", d.optimiser.final_fraction, "of the rate that is left, exponential and cosine")
          .above(0)
          .at_most(1),
      real("optimiser.half_life", d.optimiser.half_life, "iterations after which the inverse rate is halved").above(0),
      real("optimiser.tolerance", d.optimiser.tolerance,
           "change of the energy over a window that passes for convergence; 0: no test")
          .unit("Hartree")
          .at_least(0),
      integer("optimiser.window", d.optimiser.window, "iterations of a window of that test").at_least(8).at_most(1e6),
      real("optimiser.node_length", d.optimiser.node_length,
           "within which gradients are regularised at nodes, in (N/2)^(-3/4) / sqrt(omega)")
          .at_least(0),
      integer("optimiser.starts", d.optimiser.starts, "independent initialisations; the best is sampled")
          .at_least(1)
          .at_most(10000),
      integer("optimiser.iterations", d.optimiser.iterations, "changes of the parameters in a start; 0: sample where it begins")
          .at_least(0)
          .at_most(1e6),
      integer("optimiser.sweeps_per_iteration", d.optimiser.sweeps_per_iteration, "samples for one gradient")
          .at_least(1)
          .at_most(most),
      real("optimiser.rate", d.optimiser.rate, "sr: imaginary time step in 1/omega; gd, adam: learning rate").above(0),
      real("optimiser.shift", d.optimiser.shift, "sr: share of the metric's diagonal that is added to it").at_least(0),
      real("optimiser.averaged", d.optimiser.averaged, "share of the iterations, the last ones, whose parameters are averaged")
          .at_least(0)
          .at_most(1),
      integer("optimiser.choose_sweeps", d.optimiser.choose_sweeps, "sweeps that estimate the energy of a start's result")
          .at_least(2)
          .at_most(most),
  };
  auto const& options = vmc::factor_options();
  declared.insert(declared.end(), options.begin(), options.end());
  return declared;
}

vmc::Settings vmc_settings(Parameters const& point) {
  auto const count = [&](char const* key) { return static_cast<std::uint32_t>(point.integer(key)); };
  vmc::Settings s;
  s.system.particles = static_cast<int>(point.integer("system.particles"));
  s.system.dimensions = static_cast<int>(point.integer("system.dimensions"));
  s.system.omega = point.real("system.omega");
  s.system.interaction =
      enumerator<vmc::Interaction>(point.text("system.interaction"), {{"none", vmc::Interaction::none},
                                                                      {"coulomb", vmc::Interaction::coulomb},
                                                                      {"soft_coulomb", vmc::Interaction::soft_coulomb}});
  s.system.softening = point.real("system.softening");
  s.system.up = static_cast<int>(point.integer("system.up"));
  s.system.statistics = enumerator<vmc::Statistics>(
      point.text("system.statistics"), {{"fermions", vmc::Statistics::fermions}, {"bosons", vmc::Statistics::bosons}});
  s.system.trap = enumerator<vmc::Trap>(point.text("system.trap"),
                                        {{"harmonic", vmc::Trap::harmonic}, {"double_well", vmc::Trap::double_well}});
  s.system.frequency_ratio = {1, point.real("system.ratio_y"), point.real("system.ratio_z")};
  s.system.well_distance = point.real("system.well_distance");
  s.ansatz.factors = point.text("ansatz.factors");
  for (auto const& option : vmc::factor_options()) s.ansatz.options.set(option.key(), point.value(option.key()));
  s.ansatz.hidden = count("ansatz.hidden");
  s.ansatz.convention = enumerator<vmc::Convention>(point.text("ansatz.convention"),
                                                    {{"sqrt_f", vmc::Convention::sqrt_f}, {"f", vmc::Convention::f}});
  s.ansatz.sigma_squared = point.real("ansatz.sigma_squared");
  s.ansatz.sigma_trainable = point.flag("ansatz.sigma_trainable");
  s.ansatz.initialisation = enumerator<vmc::Initialisation>(
      point.text("ansatz.initialisation"),
      {{"antisymmetric", vmc::Initialisation::antisymmetric}, {"random", vmc::Initialisation::random}});
  s.ansatz.noise = point.real("ansatz.noise");
  s.sampler.method = enumerator<vmc::Sampler>(
      point.text("sampler.method"),
      {{"metropolis", vmc::Sampler::metropolis}, {"langevin", vmc::Sampler::langevin}, {"gibbs", vmc::Sampler::gibbs}});
  s.sampler.target_error = point.real("sampler.target_error");
  s.sampler.walkers = count("sampler.walkers");
  s.sampler.pack = count("sampler.pack");
  s.sampler.burn_in = count("sampler.burn_in");
  s.sampler.acceptance = point.real("sampler.acceptance");
  s.sampler.sweeps = count("sampler.sweeps");
  s.sampler.thinning = count("sampler.thinning");
  s.sampler.keep_walkers = point.flag("sampler.keep_walkers");
  s.sampler.keep_energies = point.flag("sampler.keep_energies");
  s.observables = {.every = count("observables.every"),
                   .range = point.real("observables.range"),
                   .radial_cells = count("observables.radial_cells"),
                   .planar_cells = count("observables.planar_cells"),
                   .pair_cells = count("observables.pair_cells"),
                   .angle_cells = count("observables.angle_cells")};
  s.optimiser.method = enumerator<vmc::Method>(point.text("optimiser.method"),
                                               {{"gd", vmc::Method::gd}, {"adam", vmc::Method::adam}, {"sr", vmc::Method::sr}});
  s.optimiser.solver = enumerator<vmc::Solver>(point.text("optimiser.solver"), {{"automatic", vmc::Solver::automatic},
                                                                                {"dense", vmc::Solver::dense},
                                                                                {"samples", vmc::Solver::samples},
                                                                                {"iterative", vmc::Solver::iterative}});
  s.optimiser.decay = enumerator<vmc::Decay>(point.text("optimiser.decay"), {{"constant", vmc::Decay::constant},
                                                                             {"inverse", vmc::Decay::inverse},
                                                                             {"exponential", vmc::Decay::exponential},
                                                                             {"cosine", vmc::Decay::cosine}});
  s.optimiser.final_fraction = point.real("optimiser.final_fraction");
  s.optimiser.half_life = point.real("optimiser.half_life");
  s.optimiser.tolerance = point.real("optimiser.tolerance");
  s.optimiser.window = count("optimiser.window");
  s.optimiser.node_length = point.real("optimiser.node_length");
  s.optimiser.starts = count("optimiser.starts");
  s.optimiser.iterations = count("optimiser.iterations");
  s.optimiser.sweeps_per_iteration = count("optimiser.sweeps_per_iteration");
  s.optimiser.rate = point.real("optimiser.rate");
  s.optimiser.shift = point.real("optimiser.shift");
  s.optimiser.averaged = point.real("optimiser.averaged");
  s.optimiser.choose_sweeps = count("optimiser.choose_sweeps");
  return s;
}

}  // namespace fermiac::app
