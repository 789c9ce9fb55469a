#include <algorithm>
#include <cmath>
#include <limits>

#include "fermiac/app/registry.hpp"
#include "fermiac/base/cpu_clock.hpp"
#include "fermiac/base/error.hpp"
#include "fermiac/rng/philox.hpp"
#include "fermiac/stats/z_score.hpp"
#include "fermiac/vmc/ansatz_minimum.hpp"
#include "fermiac/vmc/experiment.hpp"
#include "fermiac/vmc/factors/rbm.hpp"
#include "fermiac/vmc/ground_state.hpp"
#include "fermiac/vmc/pair_energy.hpp"
#include "fermiac/vmc/published.hpp"
#include "vmc_earlier.hpp"
#include "vmc_record.hpp"
#include "vmc_settings.hpp"

namespace fermiac::app {

namespace {

using study::Presence;
using study::Scope;

constexpr double tolerance = 1e-3;         // of `converged`, in omega
constexpr double affordable_terms = 2000;  // Gaussians times pairs up to which the minimum of the ansatz is searched

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

/// The exact minimum of the wave function over its parameters, where it is known and affordable; else NaN.
double minimum_of(vmc::Settings const& s, vmc::WaveFunction const& wave_function) {
  double const unknown = std::numeric_limits<double>::quiet_NaN();
  if (!wave_function.is_rbm()) {
    auto const found = vmc::pair_minimum(s.system, s.ansatz);
    return found && found->converged ? found->energy : unknown;
  }
  if (s.ansatz.hidden > vmc::max_hidden_exact(s.ansatz.convention) || exact_terms(s) > affordable_terms) return unknown;
  return vmc::ansatz_minimum(s.system, vmc::rbm_shape(s.system, s.ansatz), vmc::initial_sigma_squared(s.system, s.ansatz))
      .energy;
}

/// Variational Monte Carlo with products of factors.
class VmcKind final : public study::Kind {
 public:
  std::string name() const override { return "vmc"; }
  std::string family() const override { return "vmc"; }
  std::string summary() const override {
    return "ground state of a quantum dot: RBM, Slater, Jastrow, backflow wave functions";
  }
  std::string truth() const override {
    return "exact energy at the frozen parameters (RBM: Gaussian mixture; pairs with Jastrow factors: quadrature); minimum of "
           "the ansatz, exact ground state and fixed-node energies as bounds";
  }
  std::string conventions() const override {
    std::string text =
        "Atomic units: H = sum_i [-1/2 del_i^2 + 1/2 sum_c omega_c^2 x_ic^2] + sum_{i<j} v(r_ij), omega_c = omega (1, ratio_y, "
        "ratio_z);\n"
        "double_well: |x| - well_distance/2 for the first coordinate; v = 1/r (coulomb) or 1/sqrt(r^2 + softening^2);\n"
        "energies in Hartree, lengths in Bohr radii (effective ones in a semiconductor). The first system.up particles have "
        "spin "
        "up.\n"
        "Psi is the product ansatz.factors. With x_i a coordinate, r_ij a distance, D dimensions:\n";
    for (auto const& kind : vmc::factor_kinds()) text += "  " + kind.name + ": " + kind.summary + "\n";
    return text +
           "rbm: sigma^2 is 1/(2 omega) (sqrt_f) or 1/omega (f) unless given; parameters a, b, W column by column, ln sigma.\n"
           "`parameters` are those of the factors in the order of the product; include/fermiac/vmc/factors/*.hpp says what "
           "they "
           "are.\n"
           "symmetry: none means that Psi does not keep (bosons) or change (fermions) its sign exactly when like particles are "
           "exchanged:\n"
           "fermions' energy may then lie below that of any fermions, and E_L ~ 1/r where they meet.\n"
           "contact: infinite_variance means that E_L ~ 1/r at contact has no variance; energy then is the mean with a control "
           "variate\n"
           "of known mean zero, whose error holds (energy_plain is the mean without).\n"
           "energy_z: (energy - exact energy at the same parameters) / error, two-sided; bound_z: lowest (energy - bound) / "
           "error over\n"
           "replicates and bounds, one-sided: below -4 would be wrong. Bounds are the minimum of the ansatz, the exact ground "
           "state and,\n"
           "for slater times positive factors, energy_dmc: fixed-node diffusion Monte Carlo with the same nodes.\n"
           "worst_stein_z and worst_forms_z test the sampler, the largest of all replicates: <x . grad ln Psi^2> = -N d and <T "
           "from\n"
           "Laplacian> = <T from gradient>; worst_r_hat is 1 where all walkers sample the same. gradient: norm of the energy's "
           "gradient\n"
           "where the optimisation came to rest, mean over replicates. virial_ratio is 1 at a minimum where some scale is "
           "free, "
           "and says\n"
           "nothing elsewhere.\n"
           "gain: the energy of another wave function A (sampler.compare_with) on the same samples with weights w = "
           "|Psi_A/Psi|^2,\n"
           "<w E_A>/<w>, above the energy: greater than 0 where Psi is the better one. overlap_share = <w>^2/<w^2>: where it "
           "is "
           "small\n"
           "gain_error does not hold.\n"
           "energy_published: the same kind of wave function elsewhere; neither truth nor bound.";
  }

  std::vector<Parameter> parameters() const override { return vmc_parameters(); }

  void check(Parameters const& point) const override { vmc::check(vmc_settings(point)); }

  std::vector<study::Input> inputs(Parameters const& point) const override {
    std::vector<study::Input> inputs;
    for (auto const* key : {"ansatz.start_from", "sampler.compare_with"})
      if (auto const& path = point.text(key); !path.empty()) inputs.push_back({key, path});
    return inputs;
  }

  void prepare(Parameters const& point) const override { vmc::check(settings_of(point)); }

  std::vector<study::Variable> variables() const override {
    std::string const e = "Hartree";
    auto const p = Scope::point;
    auto const required = Presence::required;
    auto const optional = Presence::optional;
    auto variables = vmc_replicate_variables();
    std::vector<study::Variable> const of_points = {
        {"mean_energy", p, e, "mean of energy over replicates", optional},
        {"mean_energy_error", p, e, "its standard error at these parameters", optional},
        {"mean_gain", p, e, "mean of gain over replicates", optional},
        {"mean_gain_error", p, e, "its standard error", optional},
        {"overlap", p, "1", "smallest overlap_share of replicates", optional},
        {"exact", p, e, "mean of energy_truth over replicates", optional},
        {"mean_z", p, "1", "(mean_energy - exact) / mean_energy_error", optional},
        {"largest_z", p, "1", "energy_z of largest size", optional},
        {"ansatz_minimum", p, e, "minimum of the ansatz: lowest exact energy that a search or a replicate found", optional},
        {"converged", p, "1", "share of replicates whose exact energy is within 1e-3 omega of the minimum", optional},
        {"start_spread", p, e, "highest less lowest energy of the starts, largest over replicates", optional},
        {"worst_stein_z", p, "1", "stein_z of largest size", optional},
        {"worst_forms_z", p, "1", "forms_z of largest size", optional},
        {"worst_r_hat", p, "1", "largest r_hat", optional},
        {"gradient", p, e, "mean of gradient_norm over replicates", optional},
        {"ground_state", p, e, "exact ground state energy", optional},
        {"bound_z", p, "1", "lowest (energy - bound) / error", optional},
        {"mean_variance", p, "Hartree^2", "mean of variance over replicates", optional},
        {"energy_dmc", p, e, "fixed-node diffusion Monte Carlo (Hogberget 2013), nodes of oscillator orbitals", optional},
        {"energy_dmc_error", p, e, "its error as published", optional},
        {"above_dmc", p, e, "mean_energy - energy_dmc, where the exact ground state is not known", optional},
        {"above_dmc_error", p, e, "its standard error, with that of energy_dmc", optional},
        {"energy_published", p, e,
         "published energy of the same kind of wave function (Nordhagen 2019); neither truth nor bound", optional},
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
    variables.insert(variables.end(), of_points.begin(), of_points.end());
    return variables;
  }

  std::vector<study::Dimension> dimensions(Parameters const& point) const override {
    return vmc_dimensions(vmc_settings(point));
  }

  std::vector<std::string> table() const override {
    return {"mean_energy", "mean_gain",     "overlap",       "exact",       "mean_z",    "largest_z",        "ansatz_minimum",
            "converged",   "ground_state",  "bound_z",       "energy_dmc",  "above_dmc", "energy_published", "mean_variance",
            "gradient",    "worst_stein_z", "worst_forms_z", "worst_r_hat", "symmetry",  "contact"};
  }

  std::vector<std::string> headline() const override {
    return {"system.particles",  "system.up",   "system.dimensions", "system.omega",  "system.interaction",
            "system.statistics", "system.trap", "ansatz.factors",    "sampler.method"};
  }

  double memory(Parameters const& point) const override { return vmc::memory(settings_of(point)); }

  double work(Parameters const& point) const override { return work_of(vmc_settings(point)); }

  double seconds_per_work(Parameters const& point) const override {
    auto s = settings_of(point);
    s.sampler.walkers = std::min(s.sampler.walkers, 64u);
    s.sampler.burn_in = 10;
    s.sampler.sweeps = 64;
    s.sampler.thinning = std::min(s.sampler.thinning, 8u);
    s.sampler.target_error = 0;
    s.sampler.keep_walkers = s.sampler.keep_energies = false;
    if (s.observables.every > s.sampler.sweeps / 8) s.observables.every = 0;  // some hundredths of the time then
    s.optimiser.starts = 1;
    s.optimiser.iterations = std::min(s.optimiser.iterations, 2u);
    s.optimiser.choose_sweeps = 8;
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
      record_outcome(s, outcome, replicate - replicates.first, item.replicates);
    }
  }

  void summarise(Parameters const& point, std::vector<study::ItemRecord> const& items, Context& context,
                 study::Record& summary) const override {
    auto const s = vmc_settings(point);
    vmc::WaveFunction const wave_function(s.system, s.ansatz);
    // A trained cusp is that of the frozen parameters.
    arma::vec frozen(wave_function.n_parameters(), arma::fill::zeros);
    if (!items.empty() && items.front().replicates.n_entries() > 0)
      std::ranges::copy(items.front().replicates.values("parameters").first(frozen.n_elem), frozen.begin());
    auto const contact = vmc::contact_behaviour(s.system, wave_function.cusp(frozen), wave_function.symmetry());
    summary.set("contact", static_cast<double>(contact.kind));
    summary.set("symmetry", static_cast<double>(wave_function.symmetry()));
    auto const ground_state = vmc::ground_state_energy(s.system);
    if (ground_state) summary.set("ground_state", *ground_state);
    auto const set_published = [&](std::string const& name, vmc::PublishedMethod method) {
      auto const published = vmc::published_energy(s.system, method);
      if (!published) return;
      summary.set(name, published->value);
      summary.set(name + "_error", published->error);
    };
    set_published("energy_dmc", vmc::PublishedMethod::diffusion);
    if (auto const method = vmc::published_method(wave_function, s.ansatz)) set_published("energy_published", *method);
    record_coordinates(s, summary);
    context.tick();
    double minimum = std::numeric_limits<double>::infinity();
    try {
      minimum = minimum_of(s, wave_function);
    } catch (ItemFailure const&) {
      // Not finite anywhere near the starts: there is no bound to hold the energies against.
    }

    std::vector<Replicate> replicates;
    for (auto const& item : items)
      for (std::uint64_t i = 0; i < item.replicates.n_entries(); ++i) replicates.push_back({item.replicates, i});
    // A search may miss what an optimisation finds; the infimum is below both.
    if (std::isfinite(minimum)) {
      for (auto const& replicate : replicates) minimum = std::fmin(minimum, replicate["energy_truth"]);
      summary.set("ansatz_minimum", minimum);
    }
    summarise_replicates(s, wave_function, replicates, ground_state, summary);
  }

 private:
  /// One replicate's values by name.
  struct Replicate {
    study::Record const& record;
    std::uint64_t entry;
    double operator[](char const* name) const { return record.value(name, entry); }
  };

  /// What they gained over another wave function; NaN where nothing was compared.
  static void summarise_gain(std::vector<Replicate> const& replicates, study::Record& summary) {
    double sum = 0, sum_of_squared_errors = 0, overlap = std::numeric_limits<double>::infinity();
    for (auto const& replicate : replicates) {
      sum += replicate["gain"];
      sum_of_squared_errors += replicate["gain_error"] * replicate["gain_error"];
      overlap = std::min(overlap, replicate["overlap_share"]);
    }
    if (!std::isfinite(sum)) return;
    auto const n = static_cast<double>(replicates.size());
    summary.set("mean_gain", sum / n);
    summary.set("mean_gain_error", std::sqrt(sum_of_squared_errors) / n);
    summary.set("overlap", overlap);
  }

  /// What the replicates of a point say together, beside the truths and bounds that `summary` holds already.
  static void summarise_replicates(vmc::Settings const& s, vmc::WaveFunction const& wave_function,
                                   std::vector<Replicate> const& replicates, std::optional<double> ground_state,
                                   study::Record& summary) {
    if (replicates.empty()) return;
    double const minimum = summary.value("ansatz_minimum");
    auto const dmc = vmc::published_energy(s.system, vmc::PublishedMethod::diffusion);
    struct Bound {
      double energy;
      double error;
    };
    std::vector<Bound> bounds{{minimum, 0}};
    // The fermions' ground state is no bound where a wave function need not be that of fermions, nor is the fixed-node energy
    // where nodes move.
    if (wave_function.symmetry() == vmc::WaveFunction::Symmetry::exact) {
      if (ground_state) bounds.push_back({*ground_state, 0});
      if (dmc && wave_function.has_nodes() && !wave_function.moves_nodes()) bounds.push_back({dmc->value, dmc->error});
    }
    double sum = 0, sum_of_variances = 0, sum_of_squared_errors = 0, sum_of_truths = 0, sum_of_gradients = 0, n_converged = 0;
    double largest_z = 0, stein_z = 0, forms_z = 0, r_hat = 0, spread = 0;
    double bound_z = std::numeric_limits<double>::infinity();
    auto const keep_larger = [](double& largest, double z) {
      if (std::abs(z) > std::abs(largest)) largest = z;
    };
    for (auto const& replicate : replicates) {
      double const energy = replicate["energy"];
      double const error = replicate["energy_error"];
      double const truth = replicate["energy_truth"];
      sum += energy;
      sum_of_squared_errors += error * error;
      sum_of_truths += truth;
      sum_of_variances += replicate["variance"];
      sum_of_gradients += replicate["gradient_norm"];
      keep_larger(largest_z, replicate["energy_z"]);
      keep_larger(stein_z, replicate["stein_z"]);
      keep_larger(forms_z, replicate["forms_z"]);
      r_hat = std::fmax(r_hat, replicate["r_hat"]);
      double lowest = std::numeric_limits<double>::infinity();
      double highest = -lowest;
      for (double const start : replicate.record.values("start_energy", replicate.entry)) {
        lowest = std::fmin(lowest, start);
        highest = std::fmax(highest, start);
      }
      spread = std::max(spread, highest - lowest);
      if (std::abs(truth - minimum) < tolerance * s.system.omega) n_converged += 1;
      for (auto const& bound : bounds)
        if (std::isfinite(bound.energy))
          bound_z = std::min(bound_z, stats::z_score({energy, error}, stats::Bound::lower, bound.energy, bound.error));
    }
    auto const n = static_cast<double>(replicates.size());
    stats::Estimate const mean{sum / n, std::sqrt(sum_of_squared_errors) / n};
    summary.set("mean_energy", mean.value);
    summary.set("mean_energy_error", mean.error);
    summary.set("mean_variance", sum_of_variances / n);
    summarise_gain(replicates, summary);
    summary.set("gradient", sum_of_gradients / n);
    summary.set("worst_stein_z", stein_z);
    summary.set("worst_forms_z", forms_z);
    summary.set("worst_r_hat", r_hat);
    if (s.optimiser.starts > 1) summary.set("start_spread", spread);
    if (dmc && !ground_state) {
      summary.set("above_dmc", mean.value - dmc->value);
      summary.set("above_dmc_error", std::sqrt(mean.error * mean.error + dmc->error * dmc->error));
    }
    if (std::isfinite(bound_z)) summary.set("bound_z", bound_z);
    if (!std::isfinite(sum_of_truths)) return;
    summary.set("exact", sum_of_truths / n);
    summary.set("mean_z", stats::z_score(mean, sum_of_truths / n));
    summary.set("largest_z", largest_z);
    if (std::isfinite(minimum)) summary.set("converged", n_converged / n);
  }

  vmc::Settings settings_of(Parameters const& point) const {
    auto settings = vmc_settings(point);
    settings.start_from = earlier_.start_from(point, settings);
    settings.compare_with = earlier_.compare_with(point, settings);
    return settings;
  }

  mutable EarlierResults earlier_;  // what `prepare` read
};

}  // namespace

std::unique_ptr<study::Kind const> vmc_kind() { return std::make_unique<VmcKind>(); }

}  // namespace fermiac::app
