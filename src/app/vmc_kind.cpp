#include <algorithm>
#include <cmath>
#include <limits>

#include "fermiac/app/registry.hpp"
#include "fermiac/base/cpu_clock.hpp"
#include "fermiac/base/error.hpp"
#include "fermiac/rng/philox.hpp"
#include "fermiac/stats/z_score.hpp"
#include "fermiac/vmc/ansatz_minimum.hpp"
#include "fermiac/vmc/exact_energy.hpp"
#include "fermiac/vmc/experiment.hpp"
#include "fermiac/vmc/factors/rbm.hpp"
#include "fermiac/vmc/ground_state.hpp"
#include "fermiac/vmc/published.hpp"

namespace fermiac::app {

namespace {

using study::Presence;
using study::Scope;

constexpr double tolerance = 1e-3;         // of `converged`, atomic units
constexpr double affordable_terms = 2000;  // Gaussians times pairs up to which the minimum of the ansatz is searched

template <typename Enum>
Enum enumerator(std::string const& text, std::initializer_list<std::pair<char const*, Enum>> names) {
  for (auto const& [name, value] : names)
    if (text == name) return value;
  throw std::logic_error("internal error: no enumerator '" + text + "'");
}

vmc::Settings settings_of(Parameters const& point) {
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

/// Single-particle moves, weighted by the hidden units each must go through.
double work_of(vmc::Settings const& s) {
  double const optimise =
      s.optimiser.starts *
      (s.sampler.burn_in + 1.5 * s.optimiser.iterations * s.optimiser.sweeps_per_iteration + 1.25 * s.optimiser.choose_sweeps);
  double const sample = 2.0 * s.sampler.burn_in + s.sampler.sweeps;
  return (optimise + sample) * s.sampler.walkers * s.system.particles *
         (3.0 + static_cast<double>(s.ansatz.hidden + s.system.particles));
}

/// Components of |Psi|^2 times pairs of particles: what one exact energy costs.
double exact_terms(vmc::Settings const& s) {
  double const pairs = std::max(1.0, 0.5 * s.system.particles * (s.system.particles - 1));
  return std::pow(s.ansatz.convention == vmc::Convention::f ? 3.0 : 2.0, static_cast<double>(s.ansatz.hidden)) * pairs;
}

/// Whether the exact energy of the wave function is known: of a restricted Boltzmann machine alone.
bool has_exact_energy(vmc::Settings const& s) {
  return vmc::WaveFunction(s.system, s.ansatz).is_rbm() && s.ansatz.hidden <= vmc::max_hidden_exact(s.ansatz.convention);
}

arma::uword n_parameters(vmc::Settings const& s) { return vmc::WaveFunction(s.system, s.ansatz).n_parameters(); }

/// Variational Monte Carlo with Gaussian-binary Boltzmann machines.
class VmcKind final : public study::Kind {
 public:
  std::string name() const override { return "vmc"; }
  std::string family() const override { return "vmc"; }
  std::string summary() const override {
    return "ground state of a quantum dot: RBM, Slater, Jastrow, backflow wave functions";
  }
  std::string truth() const override {
    return "exact energy of the RBM at its frozen parameters (Gaussian mixture); minimum of the ansatz and exact ground state "
           "(Taut 1993, power series) as bounds";
  }
  std::string conventions() const override {
    return "Atomic units: H = sum_i [-1/2 del_i^2 + 1/2 omega^2 r_i^2] + sum_{i<j} v(r_ij), v = 1/r (coulomb) or 1/sqrt(r^2 + "
           "softening^2).\n"
           "RBM: F(x) = exp(-|x - a|^2 / (2 sigma^2)) prod_j (1 + exp(b_j + sum_i x_i W_ij / sigma^2)); Psi = sqrt(F) (sqrt_f) "
           "or Psi = F (f).\n"
           "sigma^2 is 1/(2 omega) (sqrt_f) or 1/omega (f) unless given; parameters are ordered a, b, W column by column, ln "
           "sigma.\n"
           "energy_z: (energy - exact energy at the same parameters) / error, two-sided; bound_z: lowest (energy - bound) / "
           "error over\n"
           "replicates and both bounds, one-sided: below -4 would be wrong. stein_z and forms_z test the sampler: <x . grad ln "
           "Psi^2> = -N d\n"
           "and <T from Laplacian> = <T from gradient>. contact: infinite_variance means that E_L ~ 1/r at contact has no "
           "variance; energy\n"
           "then is the mean with a control variate of known mean zero, whose error holds (energy_plain is the mean without).";
  }

  std::vector<Parameter> parameters() const override {
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
        real("system.ratio_y", 1, "frequency in the second direction, in omega").above(0),
        real("system.ratio_z", 1, "frequency in the third direction, in omega").above(0),
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
             "within which gradients are regularised at nodes, in 1/sqrt(omega)")
            .at_least(0),
        integer("optimiser.starts", d.optimiser.starts, "independent initialisations; the best is sampled")
            .at_least(1)
            .at_most(10000),
        integer("optimiser.iterations", d.optimiser.iterations, "changes of the parameters in a start")
            .at_least(1)
            .at_most(1e6),
        integer("optimiser.sweeps_per_iteration", d.optimiser.sweeps_per_iteration, "samples for one gradient")
            .at_least(1)
            .at_most(most),
        real("optimiser.rate", d.optimiser.rate, "sr: imaginary time step in 1/omega; gd, adam: learning rate").above(0),
        real("optimiser.shift", d.optimiser.shift, "sr: share of the metric's diagonal that is added to it").at_least(0),
        real("optimiser.averaged", d.optimiser.averaged,
             "share of the iterations, the last ones, whose parameters are averaged")
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

  void check(Parameters const& point) const override { vmc::check(settings_of(point)); }

  std::vector<study::Variable> variables() const override {
    std::string const e = "Hartree";
    auto const r = Scope::replicate;
    auto const p = Scope::point;
    auto const required = Presence::required;
    auto const optional = Presence::optional;
    return {
        {"energy", r, e, "mean local energy at the frozen parameters, fresh stream"},
        {"energy_error", r, e, "standard error of energy, from independent walkers"},
        {"energy_truth", r, e, "exact energy of the RBM at its frozen parameters", optional},
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
        {"kinetic_from_gradient", r, e, "mean kinetic energy, gradient form"},
        {"forms_z", r, "1", "difference of the two kinetic forms over its error", optional},
        {"stein_z", r, "1", "(<x . grad ln Psi^2> + N d) over its error", optional},
        {"variance", r, "Hartree^2", "variance of the local energy with control variate"},
        {"variance_plain", r, "Hartree^2", "sample variance of the plain local energy", optional},
        {"acceptance", r, "1", "share of moves taken"},
        {"step", r, "length", "width of the proposal"},
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
        {"mean_energy", p, e, "mean of energy over replicates", optional},
        {"mean_energy_error", p, e, "its standard error at these parameters", optional},
        {"exact", p, e, "mean of energy_truth over replicates", optional},
        {"mean_z", p, "1", "(mean_energy - exact) / mean_energy_error", optional},
        {"largest_z", p, "1", "energy_z of largest size", optional},
        {"ansatz_minimum", p, e, "exact minimum of the ansatz", optional},
        {"converged", p, "1", "share of replicates whose exact energy is within 1e-3 of the minimum", optional},
        {"ground_state", p, e, "exact ground state energy", optional},
        {"bound_z", p, "1", "lowest (energy - bound) / error", optional},
        {"energy_published", p, e, "published energy of the same wave function (Nordhagen 2019); neither truth nor bound",
         optional},
        {"energy_published_error", p, e, "its error as published, from correlated samples", optional},
        {"symmetry",
         p,
         "1",
         "whether the wave function changes sign exactly when like particles are exchanged",
         required,
         {},
         {"exact", "none"}},
        {"contact",
         p,
         "1",
         "what the local energy does where two particles meet",
         required,
         {},
         {"regular", "finite_variance", "infinite_variance"}},
    };
  }

  std::vector<study::Dimension> dimensions(Parameters const& point) const override {
    auto const s = settings_of(point);
    return {{"parameter", n_parameters(s), "parameters of the wave function"},
            {"start", s.optimiser.starts, "independent initialisations"},
            {"iteration", s.optimiser.iterations, "changes of the parameters"}};
  }

  std::vector<std::string> table() const override {
    return {"mean_energy", "exact",        "mean_z",  "largest_z",        "ansatz_minimum",
            "converged",   "ground_state", "bound_z", "energy_published", "contact"};
  }

  double work(Parameters const& point) const override { return work_of(settings_of(point)); }

  double seconds_per_work(Parameters const& point) const override {
    auto s = settings_of(point);
    s.sampler.walkers = std::min(s.sampler.walkers, 1024u);
    s.sampler.burn_in = 50;
    s.sampler.sweeps = 1000;
    s.sampler.thinning = std::min(s.sampler.thinning, 100u);
    s.optimiser.starts = 1;
    s.optimiser.iterations = std::min(s.optimiser.iterations, 10u);
    s.optimiser.choose_sweeps = 50;
    Solo team;
    Quiet context;
    double const start = thread_cpu_s();
    vmc::run(s, {}, 0, team, context);
    return (thread_cpu_s() - start) / work_of(s);
  }

  void compute(Parameters const& point, std::uint64_t seed, Range replicates, Team& team, Context& context,
               study::ItemRecord& item) const override {
    auto const s = settings_of(point);
    auto const key = rng::make_key(seed, point.canonical());
    for (auto replicate = replicates.first; replicate < replicates.last; ++replicate) {
      auto const outcome = vmc::run(s, key, static_cast<std::uint32_t>(replicate), team, context);
      record(s, outcome, replicate - replicates.first, item.replicates);
    }
  }

  void summarise(Parameters const& point, std::vector<study::ItemRecord> const& items, Context& context,
                 study::Record& summary) const override {
    auto const s = settings_of(point);
    vmc::WaveFunction const wave_function(s.system, s.ansatz);
    arma::vec const no_parameters(wave_function.n_parameters(), arma::fill::zeros);
    summary.set("contact",
                static_cast<double>(
                    vmc::contact_behaviour(s.system, wave_function.cusp(no_parameters), wave_function.symmetry()).kind));
    summary.set("symmetry", static_cast<double>(wave_function.symmetry()));
    auto const ground_state = vmc::ground_state_energy(s.system);
    if (ground_state) summary.set("ground_state", *ground_state);
    if (auto const published = vmc::published_rbm_energy(s.system);
        published && wave_function.is_rbm() && s.ansatz.convention == vmc::Convention::f) {
      summary.set("energy_published", published->value);
      summary.set("energy_published_error", published->error);
    }
    context.tick();
    double minimum = std::numeric_limits<double>::quiet_NaN();
    if (has_exact_energy(s) && exact_terms(s) <= affordable_terms) {
      try {
        minimum =
            vmc::ansatz_minimum(s.system, vmc::rbm_shape(s.system, s.ansatz), vmc::initial_sigma_squared(s.system, s.ansatz))
                .energy;
        summary.set("ansatz_minimum", minimum);
      } catch (ItemFailure const&) {
        // Not finite anywhere near the starts: there is no bound to hold the energies against.
      }
    }

    double n = 0, sum = 0, sum_of_squared_errors = 0, sum_of_truths = 0, largest_z = 0, n_converged = 0;
    double bound_z = std::numeric_limits<double>::infinity();
    for (auto const& item : items)
      for (std::uint64_t i = 0; i < item.replicates.n_entries(); ++i) {
        double const energy = item.replicates.value("energy", i);
        double const error = item.replicates.value("energy_error", i);
        double const truth = item.replicates.value("energy_truth", i);
        double const z = item.replicates.value("energy_z", i);
        n += 1;
        sum += energy;
        sum_of_squared_errors += error * error;
        sum_of_truths += truth;
        if (std::abs(z) > std::abs(largest_z)) largest_z = z;
        if (std::abs(truth - minimum) < tolerance) n_converged += 1;
        for (double const bound : {minimum, ground_state.value_or(minimum)})
          if (std::isfinite(bound)) bound_z = std::min(bound_z, stats::z_score({energy, error}, stats::Bound::lower, bound));
      }
    if (n == 0) return;
    stats::Estimate const mean{sum / n, std::sqrt(sum_of_squared_errors) / n};
    summary.set("mean_energy", mean.value);
    summary.set("mean_energy_error", mean.error);
    if (std::isfinite(bound_z)) summary.set("bound_z", bound_z);
    if (!has_exact_energy(s)) return;
    summary.set("exact", sum_of_truths / n);
    summary.set("mean_z", stats::z_score(mean, sum_of_truths / n));
    summary.set("largest_z", largest_z);
    if (std::isfinite(minimum)) summary.set("converged", n_converged / n);
  }

 private:
  static void record(vmc::Settings const& s, vmc::Outcome const& outcome, std::uint64_t entry, study::Record& to) {
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
    set_estimate("gradient_norm", outcome.gradient_norm);
    if (has_exact_energy(s)) {
      auto const shape = vmc::rbm_shape(s.system, s.ansatz);
      auto const machine = vmc::unflatten(shape, outcome.parameters, vmc::initial_sigma_squared(s.system, s.ansatz));
      auto const exact = vmc::exact_energy(s.system, shape, machine);
      auto const set_truth = [&](std::string const& name, stats::Estimate const& estimate, double truth) {
        set(name + "_truth", truth);
        set(name + "_z", stats::z_score(estimate, truth));
      };
      set_truth("energy", outcome.energy, exact.total);
      set_truth("kinetic", outcome.kinetic, exact.kinetic);
      set_truth("trap", outcome.trap, exact.trap);
      set_truth("interaction", outcome.interaction, exact.interaction);
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
    to.set("parameters", std::span<double const>(outcome.parameters.memptr(), outcome.parameters.n_elem), entry);
    set("sweeps", static_cast<double>(outcome.sweeps));
    set("update_error", outcome.update_error);
    set("iterations", outcome.starts[outcome.chosen_start].iterations);
    for (std::size_t i = 0; i < outcome.starts.size(); ++i) {
      to.values("start_energy", entry)[i] = outcome.starts[i].energy.value;
      to.values("start_energy_error", entry)[i] = outcome.starts[i].energy.error;
    }
    to.set("optimisation_energy", std::span<double const>(outcome.trace.memptr(), outcome.trace.n_elem), entry);
    to.set("optimisation_energy_error", std::span<double const>(outcome.trace_error.memptr(), outcome.trace_error.n_elem),
           entry);
    to.set("optimisation_variance", std::span<double const>(outcome.trace_variance.memptr(), outcome.trace_variance.n_elem),
           entry);
  }
};

}  // namespace

std::unique_ptr<study::Kind const> vmc_kind() { return std::make_unique<VmcKind>(); }

}  // namespace fermiac::app
