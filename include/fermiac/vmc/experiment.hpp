/// One variational Monte Carlo experiment: optimise a wave function from several starts, take the best, sample
/// it.
#pragma once

#include <armadillo>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fermiac/base/context.hpp"
#include "fermiac/base/team.hpp"
#include "fermiac/rng/philox.hpp"
#include "fermiac/stats/estimate.hpp"
#include "fermiac/vmc/contact.hpp"
#include "fermiac/vmc/observables.hpp"
#include "fermiac/vmc/system.hpp"
#include "fermiac/vmc/wave_function.hpp"

namespace fermiac::vmc {

enum class Method {
  gd,    ///< gradient descent with momentum 0.9
  adam,  ///< Adam, beta = (0.9, 0.999)
  sr     ///< stochastic reconfiguration
};

/// How a step of stochastic reconfiguration is solved for.
enum class Solver {
  automatic,  ///< dense for up to 400 parameters; else samples for up to 4096 samples, else iterative
  dense,      ///< Cholesky of the metric, parameters x parameters
  samples,    ///< of its sample-space form, samples x samples
  iterative   ///< conjugate gradients, nothing but products with the samples
};

/// How the rate changes in the course of a start (`optimise::Schedule`).
enum class Decay { constant, inverse, exponential, cosine };

/// Walkers and their moves.
struct SamplerSettings {
  Sampler method = Sampler::metropolis;
  std::uint32_t walkers = 2048;  ///< independent Markov chains, 2 to 2^24
  std::uint32_t pack =
      256;  ///< walkers computed together, 1 and up; best a multiple of 16. Part of the result: sums go by packs
  std::uint32_t burn_in =
      400;                ///< sweeps before anything is averaged, 1 and up; the step is tuned in their first three quarters
  double acceptance = 0;  ///< share of moves the tuning aims at, below 1; 0 for 0.5 (metropolis) or 0.8 (langevin)
  std::uint32_t sweeps = 24000;  ///< of the final sampling, 8 and up: the budget
  double target_error = 0;       ///< atomic units, 0 and up: where greater, sampling ends after 1/8, 1/4 or 1/2 of the
                                 ///< budget if the error of the energy is then at most this
  std::uint32_t thinning = 1;    ///< sweeps for each measurement, 1 to `sweeps` / 8
  bool keep_walkers = false;     ///< whether the outcome has `walkers` and `walker_energies`
  bool keep_energies = false;    ///< whether the outcome has `energy_series`
};

/// What is counted of the walkers in the final sampling. Neither their moves nor the energies depend on it.
struct ObservableSettings {
  std::uint32_t every = 0;  ///< measurements for each count, up to an eighth of all; 0 for none
  double range = 5;         ///< as in `ObservableShape`, and so are the numbers of cells
  std::uint32_t radial_cells = 100;
  std::uint32_t planar_cells = 50;
  std::uint32_t pair_cells = 100;
  std::uint32_t angle_cells = 60;
};

/// Cells for this system, lengths in 1 / sqrt(omega).
ObservableShape observable_shape(System const& system, ObservableSettings const& settings);

/// From each of several starts: `iterations` changes of the parameters. The result of a start is the average of the parameters
/// over its last iterations: they fluctuate about the minimum by the noise of the gradient, and each energy lies above the
/// minimum by a mean square of that, but the average's does so by far less (Polyak and Ruppert).
struct OptimiserSettings {
  Method method = Method::sr;
  std::uint32_t starts = 4;                 ///< independent initialisations, 1 and up
  std::uint32_t iterations = 100;           ///< changes of the parameters in a start, 0 and up
  std::uint32_t sweeps_per_iteration = 10;  ///< samples for one gradient, 1 and up, one a sweep
  double rate = 0.3;  ///< sr: step in imaginary time, in 1 / omega; gd, adam: as in `optimise`, for lengths in 1 / sqrt(omega)
  double shift = 1e-3;  ///< sr: share of the metric's diagonal that is added to it, 0 and up
  Solver solver = Solver::automatic;
  Decay decay = Decay::constant;  ///< of the rate
  double final_fraction = 0.1;    ///< exponential, cosine: of the rate that is left after all iterations, above 0 to 1
  double half_life = 50;          ///< inverse: iterations after which the rate is halved, greater than 0
  double tolerance = 0;           ///< atomic units, 0 and up: where greater, `optimise::Plateau` ends a start early
  std::uint32_t window = 20;      ///< of that test, 8 and up
  double node_length = 0.1;       ///< of the regularisation at nodes (`ProductPack`), in (particles / 2)^(-3/4) / sqrt(omega),
                                  ///< 0 and up
  double averaged = 0.4;  ///< share of the iterations, the last ones, that is averaged, 0 to 1 (at least one iteration is)
  std::uint32_t choose_sweeps = 400;  ///< sweeps that estimate the energy of a start's result, 2 and up
};

struct Settings {
  System system;
  AnsatzSettings ansatz;
  std::map<std::string, arma::vec> start_from;  ///< by the name of a factor: its parameters at the beginning of every start
  SamplerSettings sampler;
  ObservableSettings observables;
  OptimiserSettings optimiser;
};

/// @throws InputError  naming the key at fault ("sampler.walkers") and its value
void check(Settings const& settings);

/// Bytes that a run needs, about: walkers with the remembered state of their factors, derivatives, and the samples of an
/// iteration where stochastic reconfiguration keeps them.
double memory(Settings const& settings);

/// How a start went.
struct StartOutcome {
  stats::Estimate energy;        ///< of its averaged parameters, on a stream of its own; NaN where the start diverged
  arma::vec parameters;          ///< averaged
  std::uint32_t iterations = 0;  ///< changes of the parameters it took
};

struct Outcome {
  // All of the final sampling at frozen parameters; atomic units. Errors from the spread of independent walkers' means.
  stats::Estimate energy;        ///< with the control variate where the interaction is Coulomb's
  stats::Estimate plain_energy;  ///< without; where `contact.kind` is infinite_variance its error does not hold
  stats::Estimate kinetic;
  stats::Estimate trap;
  stats::Estimate interaction;
  stats::Estimate kinetic_from_gradient;  ///< 1/2 <|grad ln Psi|^2>
  /// 2 <kinetic> / (2 <trap> - <interaction>), error by linear propagation from walkers' means; NaN unless the trap is harmonic
  /// and the interaction Coulomb's or none. 1 for eigenstates and at minima of families that are closed under scaling: no
  /// truth where no scale is free.
  stats::Estimate virial_ratio;
  double stein_z = 0;               ///< <x . grad ln |Psi|^2> + particles dimensions, in errors
  double kinetic_z = 0;             ///< <kinetic - kinetic_from_gradient>, in errors of the difference
  stats::Estimate energy_blocking;  ///< the same energy, error by blocking the series of means over walkers
  double variance = 0;              ///< of E_L with the control variate, over all samples
  double plain_variance = 0;        ///< without
  double acceptance = 0;
  double step = 0;                  ///< of the final sampling: a length; a time for langevin; 0 for gibbs
  double autocorrelation_time = 0;  ///< of the energy, 1/2 + sum of rho, in measurements: from the spread of walkers' means
  double effective_samples = 0;     ///< measurements / (2 autocorrelation_time)
  double r_hat = 0;                 ///< over halves of walkers' chains; 1 where all sample the same
  ContactBehaviour contact;

  arma::vec parameters;  ///< frozen, in the order of the wave function
  arma::vec gradient;    ///< dE/d parameter there
  arma::vec gradient_error;
  stats::Estimate gradient_norm;  ///< |gradient|; its noise alone has this size about sqrt(sum of squared errors)

  std::uint32_t chosen_start = 0;
  std::vector<StartOutcome> starts;
  arma::vec trace;           ///< energy at every iteration of the chosen start
  arma::vec trace_error;     ///< and its error
  arma::vec trace_variance;  ///< variance of the local energy there; NaN after the last iteration, as the energies are
  std::uint64_t sweeps = 0;  ///< of the final sampling: the budget, or less where the target was reached
  double update_error = 0;   ///< largest relative rounding that updates of remembered state built up
  WaveFunction::Symmetry symmetry = WaveFunction::Symmetry::exact;

  ObservableEstimates observables;  ///< empty, n_samples 0, unless they were asked for
  arma::mat walkers;                ///< where they are at the end, walkers x M; empty unless they are kept
  arma::vec walker_energies;        ///< mean of `energy` over each walker's measurements; likewise
  arma::vec energy_series;          ///< mean of `energy` over walkers at every measurement; empty unless it is kept
};

/// Runs the experiment. A pure function of `settings`, `key` and `replicate`: the same bits for any team, any number of
/// threads, and however often it was stopped and taken up from a checkpoint.
///
/// For each start: initial parameters, walkers placed about the origin, `burn_in` sweeps with tuning of the step, `iterations`
/// changes of the parameters, `choose_sweeps` sweeps at their average (a quarter as many before, unmeasured). Then the start of
/// lowest energy is taken, walkers are placed anew and burnt in with tuning, and `sweeps` sweeps are measured with frozen
/// parameters and step. Every stage has a stream of its own (`rng::Purpose`), so the choice does not bias the estimate.
///
/// Between rounds (at most some milliseconds of work for a member) the context is asked for checkpoints and stops.
///
/// @throws InputError   as `check`
/// @throws ItemFailure  where an energy of the final sampling is not finite, or every start diverged
/// @throws Stopped      where a stop was asked for, after the state was saved
Outcome run(Settings const& settings, rng::Key key, std::uint32_t replicate, Team& team, Context& context);

}  // namespace fermiac::vmc
