#include "fermiac/vmc/experiment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "ensemble.hpp"
#include "fermiac/base/error.hpp"
#include "fermiac/optimise/descent.hpp"
#include "fermiac/optimise/plateau.hpp"
#include "fermiac/optimise/reconfiguration.hpp"
#include "fermiac/optimise/schedule.hpp"
#include "fermiac/rng/stream.hpp"
#include "fermiac/simd/functions.hpp"
#include "fermiac/simd/sum.hpp"
#include "fermiac/stats/autocorrelation.hpp"
#include "fermiac/stats/blocking.hpp"
#include "fermiac/stats/walkers.hpp"
#include "fermiac/vmc/product_pack.hpp"

namespace fermiac::vmc {
namespace {

constexpr std::uint32_t tuning_sweeps = 10;  // between two changes of the step
constexpr double no_value = std::numeric_limits<double>::quiet_NaN();

/// Where a run stands; a start goes through the first four, the chosen one through the others.
enum class Stage : std::uint64_t { begin, burn_in, optimise, choose, begin_final, final_burn_in, sample, finished };

/// Groups of walkers whose sums the lanes of `DerivativeSums` hold, and how many walkers each has.
double lane_size(std::uint32_t n_walkers, std::uint64_t lane) {
  return static_cast<double>((n_walkers + DerivativeSums::n_lanes - 1 - lane) / DerivativeSums::n_lanes);
}

/// Error of sum y / sum n over groups with the sums y_g and n_g samples each (n_g = 0: no group).
stats::Estimate ratio_of_groups(std::span<double const> y, std::span<double const> n) {
  double const total = simd::sum(n);
  double const mean = simd::sum(y) / total;
  double square = 0;
  double groups = 0;
  for (std::size_t g = 0; g < y.size(); ++g) {
    if (n[g] == 0) continue;
    double const deviation = y[g] - n[g] * mean;
    square += deviation * deviation;
    groups += 1;
  }
  return {mean, groups > 1 ? std::sqrt(square * groups / (groups - 1)) / total : no_value, groups - 1, stats::How::walkers,
          true};
}

optimise::Schedule schedule_of(OptimiserSettings const& optimiser) {
  double const length = std::max(1U, optimiser.iterations);
  switch (optimiser.decay) {
    case Decay::inverse:
      return optimise::Schedule::inverse(optimiser.rate, optimiser.half_life);
    case Decay::exponential:
      return optimise::Schedule::exponential(optimiser.rate, length, optimiser.final_fraction);
    case Decay::cosine:
      return optimise::Schedule::cosine(optimiser.rate, length, optimiser.final_fraction);
    case Decay::constant:
      break;
  }
  return optimise::Schedule::constant(optimiser.rate);
}

Solver solver_of(Settings const& settings, arma::uword n_parameters) {
  auto const& optimiser = settings.optimiser;
  if (optimiser.solver != Solver::automatic) return optimiser.solver;
  if (n_parameters <= 400) return Solver::dense;
  return std::uint64_t{settings.sampler.walkers} * optimiser.sweeps_per_iteration <= 4096 ? Solver::samples : Solver::iterative;
}

class Run {
 public:
  Run(Settings const& settings, rng::Key key, std::uint32_t replicate, Team& team, Context& context)
      : settings_(settings),
        wave_function_(settings.system, settings.ansatz),
        key_(key),
        replicate_(replicate),
        team_(team),
        context_(context),
        ensemble_(wave_function_, settings.sampler.method,
                  settings.optimiser.node_length * ProductPack::node_unit(settings.system), settings.sampler.walkers,
                  settings.sampler.pack, team, context),
        flat_(wave_function_.n_parameters(), arma::fill::zeros),
        flat_sum_(flat_.n_elem, arma::fill::zeros),
        starts_(settings.optimiser.starts),
        traces_(settings.optimiser.iterations, settings.optimiser.starts, arma::fill::value(no_value)),
        trace_errors_(traces_),
        trace_variances_(traces_),
        schedule_(schedule_of(settings.optimiser)),
        plateau_({.window = settings.optimiser.window, .tolerance = settings.optimiser.tolerance}),
        adam_(flat_.n_elem, settings.optimiser.rate),
        descent_(flat_.n_elem, settings.optimiser.rate, 0.9) {
    for (auto& start : starts_) start.parameters = flat_;
  }

  Outcome outcome() {
    if (auto const state = context_.saved()) restore(*state);
    while (stage_ != Stage::finished) {
      round();
      context_.progress(static_cast<double>(sweeps_done_) / static_cast<double>(sweeps_of_all()));
      if (stage_ != Stage::finished && team_.any(context_.checkpoint_due())) {
        context_.save(archive());
        if (team_.any(context_.stop_requested())) throw Stopped();
      }
    }
    return conclude();
  }

 private:
  // ------------------------------------------------------------------------------------------------------------- rounds
  void round() {
    auto const& sampler = settings_.sampler;
    auto const& optimiser = settings_.optimiser;
    switch (stage_) {
      case Stage::begin:
        flat_ = initial_parameters();
        adam_ = optimise::Adam(flat_.n_elem, optimiser.rate);
        descent_ = optimise::GradientDescent(flat_.n_elem, optimiser.rate, 0.9);
        flat_sum_.zeros();
        plateau_ = optimise::Plateau({.window = optimiser.window, .tolerance = optimiser.tolerance});
        averaging_from_ = optimiser.iterations - std::min<std::uint64_t>(optimiser.iterations, averaged_iterations());
        place_walkers(start_);
        go(Stage::burn_in);
        break;
      case Stage::burn_in:
        if (burn_in_round(sampler.burn_in)) {
          starts_[start_].parameters = flat_;
          go(flat_.is_empty() || optimiser.iterations == 0 ? Stage::choose : Stage::optimise);
        }
        break;
      case Stage::optimise:
        if (!iterate())
          next_start();
        else if (++done_ == averaging_from_ + averaged_iterations()) {
          flat_ = flat_sum_ / static_cast<double>(averaged_iterations());
          starts_[start_].parameters = flat_;
          starts_[start_].iterations = static_cast<std::uint32_t>(done_);
          go(Stage::choose);
        }
        break;
      case Stage::choose:
        choose_round();
        break;
      case Stage::begin_final:
        flat_ = starts_[chosen_].parameters;
        place_walkers(optimiser.starts);
        go(Stage::final_burn_in);
        break;
      case Stage::final_burn_in:
        if (burn_in_round(sampler.burn_in)) {
          begin_measuring();
          if (observing()) ensemble_.observe(observable_shape());
          if (settings_.sampler.keep_energies) energy_series_.set_size(budget());
          energy_series_.fill(no_value);
          go(Stage::sample);
        }
        break;
      case Stage::sample:
        sample_round();
        break;
      case Stage::finished:
        break;
    }
  }

  void go(Stage stage) {
    stage_ = stage;
    done_ = 0;
  }

  std::uint64_t& sweep_number(rng::Purpose purpose) { return sweep_numbers_[static_cast<std::size_t>(purpose)]; }

  Ensemble::Moved advance(rng::Purpose purpose, Round round) {
    round.stream = {key_, purpose, replicate_};
    round.first_sweep = sweep_number(purpose);
    sweep_number(purpose) += round.n_sweeps;
    sweeps_done_ += round.n_sweeps;
    return ensemble_.advance(round, step_);
  }

  arma::vec initial_parameters() const {
    rng::Stream stream({key_, rng::Purpose::initialise, replicate_}, start_);
    arma::vec result = wave_function_.initial_parameters(stream);
    for (auto const& part : wave_function_.parts())
      if (auto const given = settings_.start_from.find(part.name); given != settings_.start_from.end())
        std::ranges::copy(given->second, result.begin() + static_cast<std::ptrdiff_t>(part.first));
    return result;
  }

  void place_walkers(std::uint64_t placement) {
    ensemble_.set_parameters(flat_);
    std::uint64_t const blocks = (n_coordinates() + 1) / 2;
    // Shells fill up to an energy of about sqrt(2 N / spins) omega in two dimensions: so wide is the cloud without interaction.
    double const shells =
        simd::exp(0.5 / settings_.system.dimensions * simd::log(0.5 * std::max(2, settings_.system.particles)));
    double const deviation = shells / std::sqrt(2 * settings_.system.omega);
    ensemble_.place(key_, replicate_, placement * blocks, deviation);
    switch (settings_.sampler.method) {
      case Sampler::metropolis:
        step_ = 2.5 / std::sqrt(2 * settings_.system.omega);
        break;
      case Sampler::langevin:
        step_ = 0.1 / settings_.system.omega;
        break;
      case Sampler::gibbs:
        step_ = 0;
        break;
    }
  }

  arma::uword n_coordinates() const {
    return static_cast<arma::uword>(settings_.system.particles * settings_.system.dimensions);
  }

  /// Ten sweeps of a burn-in of n; true when it is over. Over its first three quarters the step is tuned.
  bool burn_in_round(std::uint32_t n) {
    auto const n_sweeps = std::min<std::uint64_t>(tuning_sweeps, n - done_);
    auto const moved = advance(rng::Purpose::burn_in, {.n_sweeps = static_cast<std::uint32_t>(n_sweeps)});
    done_ += n_sweeps;
    double const acceptance = static_cast<double>(moved.taken) / static_cast<double>(moved.offered);
    if (4 * done_ <= 3 * std::uint64_t{n}) step_ *= simd::exp(acceptance - wanted_acceptance());
    return done_ == n;
  }

  double wanted_acceptance() const {
    double const given = settings_.sampler.acceptance;
    return given > 0 ? given : settings_.sampler.method == Sampler::langevin ? 0.8 : 0.5;
  }

  std::uint64_t averaged_iterations() const {
    auto const n = settings_.optimiser.iterations;
    return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(settings_.optimiser.averaged * n), 1, std::max(1U, n));
  }

  Solver solver() const { return solver_of(settings_, flat_.n_elem); }

  /// One change of the parameters; false where the start diverges.
  bool iterate() {
    auto const& optimiser = settings_.optimiser;
    bool const metric = optimiser.method == Method::sr && solver() == Solver::dense;
    bool const keep_samples = optimiser.method == Method::sr && solver() != Solver::dense;
    ensemble_.zero_derivatives(metric);
    auto const moved =
        advance(rng::Purpose::optimise,
                {.n_sweeps = optimiser.sweeps_per_iteration, .thinning = 1, .derivatives = true, .keep_samples = keep_samples});

    arma::uword const n_sums = DerivativeSums::n_columns(flat_.n_elem, metric);
    arma::uword const per_pack = n_sums + DerivativeSums::n_lanes;
    auto const whole = ensemble_.collect(per_pack, [&](PackState const& state, std::span<double> values) {
      auto const total = state.sums.total();
      std::copy(total.begin(), total.end(), values.begin());
      std::copy_n(state.sums.lanes.column(0), DerivativeSums::n_lanes, values.begin() + static_cast<std::ptrdiff_t>(n_sums));
    });
    arma::rowvec sums(per_pack);
    simd::tree_sum(whole, {sums.memptr(), per_pack});
    double const n_samples = static_cast<double>(settings_.sampler.walkers) * optimiser.sweeps_per_iteration;
    auto const slope = energy_slope(sums.head(n_sums), n_samples, ensemble_.feature_scale());
    std::vector<double> energy_of_lane;
    std::vector<double> samples_of_lane;
    for (std::uint64_t p = 0; p < ensemble_.n_packs(); ++p)
      for (std::uint64_t l = 0; l < DerivativeSums::n_lanes; ++l) {
        energy_of_lane.push_back(whole[p * per_pack + n_sums + l]);
        samples_of_lane.push_back(optimiser.sweeps_per_iteration * lane_size(ensemble_.walkers_of(p), l));
      }
    double const error = ratio_of_groups(energy_of_lane, samples_of_lane).error;
    traces_(done_, start_) = slope.energy;
    trace_errors_(done_, start_) = error;
    double const mean_square = simd::sum({moved.square_sums.memptr(), moved.square_sums.n_elem}) / n_samples;
    trace_variances_(done_, start_) = variance(mean_square, slope.energy, n_samples);
    if (!std::isfinite(slope.energy) || !std::isfinite(error) || !slope.gradient.is_finite()) return false;

    // In the trap's own units the same rates do for every omega.
    arma::vec const unit = wave_function_.units();
    try {
      arma::vec const gradient = slope.gradient % unit / settings_.system.omega;
      double const rate = schedule_.at(done_);
      if (optimiser.method == Method::sr)
        flat_ += unit % natural_change(slope.S, gradient, unit, rate, n_samples);
      else
        flat_ +=
            rate / optimiser.rate * unit % (optimiser.method == Method::adam ? adam_.step(gradient) : descent_.step(gradient));
    } catch (ItemFailure const&) {
      return false;
    }
    if (!flat_.is_finite() || arma::abs(flat_ / unit).max() > 300) return false;
    if (done_ >= averaging_from_)
      flat_sum_ += flat_;
    else if (optimiser.tolerance > 0 && plateau_.add(slope.energy, error))
      averaging_from_ = std::min<std::uint64_t>(averaging_from_, done_ + 1);
    ensemble_.set_parameters(flat_);
    return true;
  }

  /// The step of stochastic reconfiguration for parameters in their units, energies in omega.
  arma::vec natural_change(arma::mat const& S, arma::vec const& gradient, arma::vec const& unit, double rate,
                           double n_samples) {
    auto const& optimiser = settings_.optimiser;
    optimise::ReconfigurationOptions const options{
        .rate = rate, .shift_relative = optimiser.shift, .shift_absolute = 0.1 * optimiser.shift, .max_metric_step = 0.3};
    if (solver() == Solver::dense) return optimise::reconfiguration_step(S % (unit * unit.t()), gradient, options);
    if (solver() == Solver::samples) {
      arma::mat samples = ensemble_.samples();
      arma::vec const residuals = optimise::centred_samples(samples.col(0)) / settings_.system.omega;
      samples.shed_col(0);
      samples.each_row() %= unit.t();
      arma::mat const Obar = optimise::centred_samples(std::move(samples));
      // What control variates and regularisation make of the gradient beyond the covariance of the samples.
      arma::vec const correction = 0.5 * gradient - Obar.t() * residuals;
      return optimise::reconfiguration_step_from_samples(Obar, residuals, options, correction);
    }
    // S v = <O (O . v)> - <O> (<O> . v), in units.
    arma::uword const K = flat_.n_elem;
    // Both means from the samples: features in the sums may differ from O by constants (`DerivativeSums`).
    auto const lanes = ensemble_.collect(2 * K, [&](PackState const& state, std::span<double> values) {
      for (arma::uword k = 0; k < K; ++k)
        for (arma::uword c = 1 + k; c < state.samples.n_columns(); c += 1 + K) {
          std::span<double const> const O{state.samples.column(c), state.samples.n_rows()};
          values[k] += simd::sum(O);
          values[K + k] += simd::dot(O, O);
        }
    });
    arma::vec moments(2 * K);
    simd::tree_sum(lanes, {moments.memptr(), moments.n_elem});
    arma::vec const mean = moments.head(K) % unit / n_samples;
    arma::vec const diagonal = moments.tail(K) % unit % unit / n_samples - mean % mean;
    auto const product = [&](arma::vec const& v) -> arma::vec {
      arma::vec const sum = ensemble_.sum_of_products(arma::vec(unit % v));
      double const along = simd::dot({mean.memptr(), K}, {v.memptr(), K});
      return unit % sum / n_samples - mean * along;
    };
    return optimise::reconfiguration_step_matrix_free(product, arma::clamp(diagonal, 0.0, arma::datum::inf), gradient, options)
        .step;
  }

  /// Sweeps at the averaged parameters: a quarter as many unmeasured, then an estimate.
  void choose_round() {
    auto const& optimiser = settings_.optimiser;
    std::uint64_t const unmeasured = optimiser.choose_sweeps / 4;
    if (done_ == 0) {
      ensemble_.set_parameters(flat_);
      begin_measuring();
    }
    bool const measuring = done_ >= unmeasured;
    std::uint64_t const left = measuring ? unmeasured + optimiser.choose_sweeps - done_ : unmeasured - done_;
    auto const n_sweeps = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, sweeps_per_round(1)));
    advance(rng::Purpose::choose, {.n_sweeps = n_sweeps,
                                   .thinning = measuring ? 1U : 0U,
                                   .by_walker = measuring,
                                   .measured = measuring ? done_ - unmeasured : 0,
                                   .first_half = optimiser.choose_sweeps / 2});
    done_ += n_sweeps;
    if (done_ < unmeasured + optimiser.choose_sweeps) return;
    starts_[start_].energy = energy_of_walkers(walker_sums(), optimiser.choose_sweeps);
    next_start();
  }

  void next_start() {
    auto const& energy = starts_[start_].energy;
    if (std::isfinite(energy.value) && (!have_chosen_ || energy.value < starts_[chosen_].energy.value)) {
      chosen_ = start_;
      have_chosen_ = true;
    }
    if (++start_ < settings_.optimiser.starts) {
      go(Stage::begin);
      return;
    }
    if (!have_chosen_) throw ItemFailure("the energy diverged in every start of the optimisation");
    go(Stage::begin_final);
  }

  void begin_measuring() {
    first_half_ = settings_.sampler.target_error > 0 ? budget() / 16 : budget() / 2;
    ensemble_.zero_derivatives(false);
    ensemble_.zero_walker_sums();
    blocking_ = stats::Blocking();
    taken_ = offered_ = 0;
  }

  /// A whole number of thinnings, about half a millisecond for a pack of two particles.
  std::uint64_t sweeps_per_round(std::uint32_t thinning) const {
    std::uint64_t const moves = std::uint64_t{settings_.sampler.pack} * static_cast<std::uint64_t>(settings_.system.particles);
    return std::max<std::uint64_t>(1, 100000 / moves / thinning) * thinning;
  }

  /// Measurements that the final sampling may take.
  std::uint64_t budget() const { return settings_.sampler.sweeps / settings_.sampler.thinning; }
  /// And those it took.
  std::uint64_t measurements() const { return done_ / settings_.sampler.thinning; }

  bool observing() const { return settings_.observables.every > 0; }
  ObservableShape observable_shape() const { return vmc::observable_shape(settings_.system, settings_.observables); }

  void sample_round() {
    auto const thinning = settings_.sampler.thinning;
    // Up to the next decision: 1/8, 1/4, 1/2, all of the budget, twice the first half each.
    std::uint64_t const all = budget() * thinning;
    bool const decides = settings_.sampler.target_error > 0 && 4 * first_half_ <= budget();
    std::uint64_t const last = decides ? 2 * first_half_ * thinning : all;
    auto const n_sweeps = static_cast<std::uint32_t>(std::min<std::uint64_t>(last - done_, sweeps_per_round(thinning)));
    std::uint64_t measured = measurements();
    auto const moved = advance(rng::Purpose::sample, {.n_sweeps = n_sweeps,
                                                      .thinning = thinning,
                                                      .derivatives = true,
                                                      .by_walker = true,
                                                      .measured = measured,
                                                      .first_half = first_half_,
                                                      .observe_every = settings_.observables.every});
    done_ += n_sweeps;
    taken_ += moved.taken;
    offered_ += moved.offered;
    for (double const sum : moved.energy_sums) {
      if (!std::isfinite(sum)) throw ItemFailure("a local energy is not finite while sampling with frozen parameters");
      double const mean = sum / settings_.sampler.walkers;
      blocking_.add(mean);
      if (settings_.sampler.keep_energies) energy_series_[measured++] = mean;
    }
    if (done_ < last) return;
    if (done_ == all || energy_of_walkers(walker_sums(), measurements()).error <= settings_.sampler.target_error) {
      stage_ = Stage::finished;
      return;
    }
    ensemble_.merge_halves();
    first_half_ *= 2;
  }

  stats::Estimate energy_of_walkers(arma::mat const& sums, std::uint64_t n) const {
    return stats::mean_of_walkers(arma::vec(
        (sums.col(LocalEnergies::energy) + sums.col(walker_sums_per_half + LocalEnergies::energy)) / static_cast<double>(n)));
  }

  // --------------------------------------------------------------------------------------------------------- conclusions
  /// All walkers' sums, walkers x (2 walker_sums_per_half), at every member.
  arma::mat walker_sums() {
    std::uint64_t const n_columns = 2 * walker_sums_per_half;
    std::uint64_t const pack = settings_.sampler.pack;
    auto const whole = ensemble_.collect(n_columns * pack, [&](PackState const& state, std::span<double> values) {
      for (std::uint64_t c = 0; c < n_columns; ++c)
        std::copy_n(state.walker_sums.column(c), state.walker_sums.n_rows(), values.data() + c * pack);
    });
    arma::mat result(settings_.sampler.walkers, n_columns);
    for (std::uint64_t p = 0; p < ensemble_.n_packs(); ++p)
      for (std::uint64_t c = 0; c < n_columns; ++c)
        std::copy_n(whole.data() + (p * n_columns + c) * pack, ensemble_.walkers_of(p), result.colptr(c) + p * pack);
    return result;
  }

  Outcome conclude() {
    Outcome outcome;
    arma::mat const sums = walker_sums();
    double const n = static_cast<double>(measurements());
    double const n_first = static_cast<double>(first_half_);
    double const n_samples = n * settings_.sampler.walkers;
    auto const means = [&](arma::uword column) -> arma::vec {
      return (sums.col(column) + sums.col(walker_sums_per_half + column)) / n;
    };
    auto const estimate = [&](arma::uword column) { return stats::mean_of_walkers(means(column)); };
    auto const mean_of = [](arma::vec const& values) {
      return simd::sum({values.memptr(), values.n_elem}) / static_cast<double>(values.n_elem);
    };

    outcome.energy = estimate(LocalEnergies::energy);
    arma::vec const plain = means(LocalEnergies::energy) - means(LocalEnergies::control);
    outcome.plain_energy = stats::mean_of_walkers(plain);
    outcome.kinetic = estimate(LocalEnergies::kinetic);
    outcome.trap = estimate(LocalEnergies::trap);
    outcome.interaction = estimate(LocalEnergies::interaction);
    outcome.kinetic_from_gradient = estimate(LocalEnergies::kinetic_from_gradient);
    auto const stein = estimate(LocalEnergies::stein);
    outcome.stein_z = score(stein, -static_cast<double>(n_coordinates()));
    outcome.kinetic_z = score(
        stats::mean_of_walkers(arma::vec(means(LocalEnergies::kinetic) - means(LocalEnergies::kinetic_from_gradient))), 0);
    outcome.energy_blocking = blocking_.estimate();
    outcome.variance = variance(mean_of(means(LocalEnergies::n_terms)), outcome.energy.value, n_samples);
    outcome.plain_variance = variance(mean_of(means(LocalEnergies::n_terms + 1)), outcome.plain_energy.value, n_samples);
    outcome.acceptance = static_cast<double>(taken_) / static_cast<double>(offered_);
    outcome.step = step_;
    double const error_squared = outcome.energy.error * outcome.energy.error;
    outcome.autocorrelation_time = outcome.variance > 0 ? 0.5 * n_samples * error_squared / outcome.variance : no_value;
    outcome.effective_samples = error_squared > 0 ? outcome.variance / error_squared : no_value;
    outcome.r_hat = r_hat(sums.col(LocalEnergies::energy) / n_first,
                          sums.col(walker_sums_per_half + LocalEnergies::energy) / (n - n_first), n, outcome.variance);
    outcome.contact =
        contact_behaviour(settings_.system, wave_function_.cusp(starts_[chosen_].parameters), wave_function_.symmetry());
    outcome.parameters = starts_[chosen_].parameters;
    conclude_gradient(outcome);

    outcome.chosen_start = chosen_;
    outcome.starts = starts_;
    if (settings_.optimiser.iterations > 0) {
      outcome.trace = traces_.col(chosen_);
      outcome.trace_error = trace_errors_.col(chosen_);
      outcome.trace_variance = trace_variances_.col(chosen_);
    }
    outcome.sweeps = done_;
    outcome.update_error = std::max(update_error_, ensemble_.update_error());
    outcome.symmetry = wave_function_.symmetry();
    outcome.virial_ratio = virial_ratio(means(LocalEnergies::kinetic), means(LocalEnergies::trap),
                                        means(LocalEnergies::interaction) + means(LocalEnergies::control));
    if (observing()) outcome.observables = observable_estimates(observable_shape(), observable_sums());
    if (settings_.sampler.keep_walkers) {
      outcome.walkers = positions();
      outcome.walker_energies = means(LocalEnergies::energy);
    }
    if (settings_.sampler.keep_energies) outcome.energy_series = energy_series_.head(measurements());
    return outcome;
  }

  /// The control variate, of mean 0, takes the pole out of the interaction where the wave function has no cusp.
  stats::Estimate virial_ratio(arma::vec const& kinetic, arma::vec const& trap, arma::vec const& interaction) const {
    auto const& system = settings_.system;
    if (system.trap == Trap::double_well || system.interaction == Interaction::soft_coulomb) return {no_value, no_value};
    arma::vec const virial = 2 * trap - interaction;
    double const mean = stats::mean_of_walkers(virial).value;
    double const ratio = stats::mean_of_walkers(arma::vec(2 * kinetic)).value / mean;
    auto result = stats::mean_of_walkers(arma::vec((2 * kinetic - ratio * virial) / mean));
    result.value = ratio;
    return result;
  }

  /// Of all packs, at every member.
  std::vector<double> observable_sums() {
    return ensemble_.collect(n_observable_sums(observable_shape()), [](PackState const& state, std::span<double> values) {
      std::ranges::copy(state.observables->sums(), values.begin());
    });
  }

  /// Of all walkers, at every member.
  arma::mat positions() {
    std::uint64_t const pack = settings_.sampler.pack;
    auto const whole = ensemble_.collect(n_coordinates() * pack, [&](PackState const& state, std::span<double> values) {
      arma::mat const X = state.pack->positions();
      for (arma::uword c = 0; c < n_coordinates(); ++c) std::copy_n(X.colptr(c), X.n_rows, values.data() + c * pack);
    });
    arma::mat result(settings_.sampler.walkers, n_coordinates());
    for (std::uint64_t p = 0; p < ensemble_.n_packs(); ++p)
      for (arma::uword c = 0; c < n_coordinates(); ++c)
        std::copy_n(whole.data() + (p * n_coordinates() + c) * pack, ensemble_.walkers_of(p), result.colptr(c) + p * pack);
    return result;
  }

  /// Differences that are nothing but rounding count as none.
  static double score(stats::Estimate const& estimate, double truth) {
    double const difference = estimate.value - truth;
    double const rounding = 1e-12 * (1 + std::abs(truth) + std::abs(estimate.value));
    return std::abs(difference) <= rounding ? 0 : difference / std::max(estimate.error, rounding);
  }

  static double variance(double mean_square, double mean, double n_samples) {
    return std::max(0.0, mean_square - mean * mean) * n_samples / (n_samples - 1);
  }

  /// Split R-hat from the means of halves: sqrt(((n/2 - 1) / (n/2) W + B) / W), B the variance of these means and W that
  /// within.
  static double r_hat(arma::vec const& first, arma::vec const& second, double n, double total_variance) {
    double const half = n / 2;
    double const between = arma::var(arma::vec(arma::join_cols(first, second)));
    double const within = std::max(0.0, total_variance - between) * half / (half - 1);
    if (within == 0) return 1;
    return std::sqrt(((half - 1) / half * within + between) / within);
  }

  void conclude_gradient(Outcome& outcome) {
    arma::uword const K = flat_.n_elem;
    arma::uword const n_sums = DerivativeSums::n_columns(flat_.n_elem, false);
    constexpr arma::uword n_lanes = DerivativeSums::n_lanes;
    auto const whole = ensemble_.collect(n_sums * n_lanes, [&](PackState const& state, std::span<double> values) {
      for (arma::uword c = 0; c < n_sums; ++c) std::copy_n(state.sums.lanes.column(c), n_lanes, values.data() + c * n_lanes);
    });
    arma::uword const n_groups = ensemble_.n_packs() * n_lanes;
    double const n = static_cast<double>(measurements());
    std::vector<double> samples(n_groups);
    arma::mat groups(n_groups, n_sums);
    for (std::uint64_t p = 0; p < ensemble_.n_packs(); ++p)
      for (std::uint64_t l = 0; l < n_lanes; ++l) {
        samples[p * n_lanes + l] = n * lane_size(ensemble_.walkers_of(p), l);
        for (arma::uword c = 0; c < n_sums; ++c) groups(p * n_lanes + l, c) = whole[(p * n_sums + c) * n_lanes + l];
      }
    double const n_samples = n * settings_.sampler.walkers;
    arma::rowvec total(n_sums);
    for (arma::uword c = 0; c < n_sums; ++c) total[c] = simd::sum({groups.colptr(c), n_groups});
    outcome.gradient = energy_slope(total, n_samples, ensemble_.feature_scale()).gradient;

    // To first order a group adds (E - mean E) (phi - mean phi) to the covariance; its spread is the gradient's error.
    outcome.gradient_error.set_size(K);
    arma::vec const scale = ensemble_.feature_scale();
    double const energy = total[0] / n_samples;
    double square = 0;
    double along = 0;
    arma::mat residuals(n_groups, K);
    for (arma::uword k = 0; k < K; ++k) {
      double const phi = total[1 + k] / n_samples;
      for (arma::uword g = 0; g < n_groups; ++g)
        residuals(g, k) =
            2 * scale[k] * (groups(g, 1 + K + k) - energy * groups(g, 1 + k) - phi * groups(g, 0) + samples[g] * energy * phi);
      outcome.gradient_error[k] = ratio_of_groups({residuals.colptr(k), n_groups}, samples).error;
      square += outcome.gradient[k] * outcome.gradient[k];
    }
    double const norm = std::sqrt(square);
    std::vector<double> projected(n_groups, 0.0);
    if (norm > 0)
      for (arma::uword k = 0; k < K; ++k)
        for (arma::uword g = 0; g < n_groups; ++g) projected[g] += outcome.gradient[k] / norm * residuals(g, k);
    along = ratio_of_groups(projected, samples).error;
    outcome.gradient_norm = {norm, along, static_cast<double>(n_groups) - 1, stats::How::walkers, true};
  }

  // --------------------------------------------------------------------------------------------------------- checkpoints
  std::uint64_t sweeps_of_all() const {
    auto const& s = settings_.sampler;
    auto const& o = settings_.optimiser;
    return (std::uint64_t{o.starts} + 1) * s.burn_in + budget() * s.thinning +
           std::uint64_t{o.starts} *
               (std::uint64_t{o.iterations} * o.sweeps_per_iteration + o.choose_sweeps + o.choose_sweeps / 4);
  }

  /// Values of each pack in a checkpoint: coordinates, sums of walkers, sums of derivatives.
  std::uint64_t state_per_pack() const {
    return settings_.sampler.pack * (n_coordinates() + 2 * walker_sums_per_half) +
           DerivativeSums::n_lanes * DerivativeSums::n_columns(flat_.n_elem, false);
  }

  Archive archive() {
    Archive state;
    state.put_integers(
        "place", std::vector<std::uint64_t>{static_cast<std::uint64_t>(stage_), start_, done_, chosen_, have_chosen_ ? 1U : 0U,
                                            taken_, offered_, sweeps_done_, averaging_from_, first_half_});
    state.put_integers("sweep_numbers", sweep_numbers_);
    state.put("step", {&step_, 1});
    double const update_error = std::max(update_error_, ensemble_.update_error());
    state.put("update_error", {&update_error, 1});
    state.put("parameters", flat_);
    state.put("parameters_sum", flat_sum_);
    state.put("traces", {traces_.memptr(), traces_.n_elem});
    state.put("trace_errors", {trace_errors_.memptr(), trace_errors_.n_elem});
    state.put("trace_variances", {trace_variances_.memptr(), trace_variances_.n_elem});
    for (std::size_t i = 0; i < starts_.size(); ++i) {
      auto const name = "start" + std::to_string(i) + "_";
      state.put(name + "parameters", starts_[i].parameters);
      double const energy[3] = {starts_[i].energy.value, starts_[i].energy.error, starts_[i].energy.degrees_of_freedom};
      state.put(name + "energy", energy);
      state.put_integer(name + "how", static_cast<std::uint64_t>(starts_[i].energy.how));
      state.put_integer(name + "iterations", starts_[i].iterations);
    }
    plateau_.save(state, "plateau_");
    adam_.save(state, "adam_");
    descent_.save(state, "descent_");
    std::vector<double> blocking(blocking_.state_size());
    blocking_.save(blocking);
    state.put("blocking", blocking);
    if (stage_ == Stage::sample) {
      state.put("energy_series", {energy_series_.memptr(), energy_series_.n_elem});
      if (observing()) state.put("observables", observable_sums());
    }
    std::uint64_t const pack = settings_.sampler.pack;
    state.put("packs", ensemble_.collect(state_per_pack(), [&](PackState const& held, std::span<double> values) {
      double* to = values.data();
      auto const put = [&](Columns const& columns, std::uint64_t rows, arma::uword n_columns) {
        for (arma::uword c = 0; c < n_columns; ++c, to += rows)
          if (c < columns.n_columns()) std::copy_n(columns.column(c), columns.n_rows(), to);
      };
      Columns positions(held.pack->n_walkers(), n_coordinates());
      positions.assign(held.pack->positions());
      put(positions, pack, n_coordinates());
      put(held.walker_sums, pack, 2 * walker_sums_per_half);
      put(held.sums.lanes, DerivativeSums::n_lanes, DerivativeSums::n_columns(flat_.n_elem, false));
    }));
    return state;
  }

  void restore(Archive const& state) {
    std::uint64_t place[10];
    state.take_integers("place", place);
    stage_ = static_cast<Stage>(place[0]);
    start_ = static_cast<std::uint32_t>(place[1]);
    done_ = place[2];
    chosen_ = static_cast<std::uint32_t>(place[3]);
    have_chosen_ = place[4] != 0;
    taken_ = place[5];
    offered_ = place[6];
    sweeps_done_ = place[7];
    averaging_from_ = place[8];
    first_half_ = place[9];
    state.take_integers("sweep_numbers", sweep_numbers_);
    state.take("step", {&step_, 1});
    state.take("update_error", {&update_error_, 1});
    state.take("parameters", flat_);
    state.take("parameters_sum", flat_sum_);
    state.take("traces", {traces_.memptr(), traces_.n_elem});
    state.take("trace_errors", {trace_errors_.memptr(), trace_errors_.n_elem});
    state.take("trace_variances", {trace_variances_.memptr(), trace_variances_.n_elem});
    for (std::size_t i = 0; i < starts_.size(); ++i) {
      auto const name = "start" + std::to_string(i) + "_";
      state.take(name + "parameters", starts_[i].parameters);
      double energy[3];
      state.take(name + "energy", energy);
      starts_[i].energy = {energy[0], energy[1], energy[2], static_cast<stats::How>(state.take_integer(name + "how")), true};
      starts_[i].iterations = static_cast<std::uint32_t>(state.take_integer(name + "iterations"));
    }
    plateau_.restore(state, "plateau_");
    adam_.restore(state, "adam_");
    descent_.restore(state, "descent_");
    std::vector<double> blocking(blocking_.state_size());
    state.take("blocking", blocking);
    blocking_.load(blocking);
    if (stage_ == Stage::sample) {
      if (settings_.sampler.keep_energies) energy_series_.set_size(budget());
      state.take("energy_series", {energy_series_.memptr(), energy_series_.n_elem});
    }
    if (stage_ == Stage::sample && observing()) {
      ensemble_.observe(observable_shape());
      std::uint64_t const per_pack = n_observable_sums(observable_shape());
      std::vector<double> sums(ensemble_.n_packs() * per_pack);
      state.take("observables", sums);
      ensemble_.distribute(sums, per_pack, [](PackState& held, std::span<double const> values) {
        std::ranges::copy(values, held.observables->sums().begin());
      });
    }
    ensemble_.set_parameters(flat_);
    ensemble_.zero_derivatives(false);
    std::vector<double> packs(ensemble_.n_packs() * state_per_pack());
    state.take("packs", packs);
    std::uint64_t const pack = settings_.sampler.pack;
    ensemble_.distribute(packs, state_per_pack(), [&](PackState& held, std::span<double const> values) {
      double const* from = values.data();
      auto const take = [&](Columns& columns, std::uint64_t rows) {
        for (arma::uword c = 0; c < columns.n_columns(); ++c, from += rows)
          std::copy_n(from, columns.n_rows(), columns.column(c));
      };
      Columns positions(held.pack->n_walkers(), n_coordinates());
      take(positions, pack);
      held.pack->place(positions.matrix());
      take(held.walker_sums, pack);
      take(held.sums.lanes, DerivativeSums::n_lanes);
    });
  }

  Settings settings_;
  WaveFunction wave_function_;
  rng::Key key_;
  std::uint32_t replicate_;
  Team& team_;
  Context& context_;
  Ensemble ensemble_;

  Stage stage_ = Stage::begin;
  std::uint32_t start_ = 0;
  std::uint64_t done_ = 0;  ///< sweeps or iterations of the stage
  std::uint32_t chosen_ = 0;
  bool have_chosen_ = false;
  std::uint64_t taken_ = 0;
  std::uint64_t offered_ = 0;
  std::uint64_t sweeps_done_ = 0;
  std::vector<std::uint64_t> sweep_numbers_ = std::vector<std::uint64_t>(8);  ///< next of each purpose
  double step_ = 1;
  double update_error_ = 0;  ///< of what was computed before the checkpoint
  arma::vec flat_;
  arma::vec flat_sum_;
  std::vector<StartOutcome> starts_;
  arma::mat traces_;
  arma::mat trace_errors_;
  arma::mat trace_variances_;
  optimise::Schedule schedule_;
  optimise::Plateau plateau_;
  std::uint64_t averaging_from_ = 0;  ///< iteration from which parameters are averaged
  std::uint64_t first_half_ = 0;      ///< measurements of the first half of the sampling
  optimise::Adam adam_;
  optimise::GradientDescent descent_;
  stats::Blocking blocking_;
  arma::vec energy_series_;  ///< empty unless it is kept
};

[[noreturn]] void refuse(std::string const& key, std::string const& demand, double value) {
  throw InputError(key, fmt::format("{} must be {}, not {}", key, demand, value));
}

}  // namespace

ObservableShape observable_shape(System const& system, ObservableSettings const& settings) {
  return {.particles = system.particles,
          .dimensions = system.dimensions,
          .n_up = system.statistics == Statistics::bosons ? system.particles : static_cast<int>(n_up(system)),
          .length = 1 / std::sqrt(system.omega),
          .range = settings.range,
          .radial_cells = settings.radial_cells,
          .planar_cells = settings.planar_cells,
          .pair_cells = settings.pair_cells,
          .angle_cells = settings.angle_cells};
}

void check(Settings const& settings) {
  check(settings.system);
  auto const& ansatz = settings.ansatz;
  if (!(ansatz.sigma_squared >= 0) || !std::isfinite(ansatz.sigma_squared))
    refuse("ansatz.sigma_squared", "greater than 0, or 0 for the trap's own", ansatz.sigma_squared);
  if (!(ansatz.noise >= 0) || !std::isfinite(ansatz.noise)) refuse("ansatz.noise", "0 or greater", ansatz.noise);
  WaveFunction const wave_function(settings.system, ansatz);
  if (settings.sampler.method == Sampler::gibbs) wave_function.make_pack(Sampler::gibbs, 0, 0, 0);  // refuses what it cannot
  for (auto const& part : wave_function.parts())
    if (auto const given = settings.start_from.find(part.name);
        given != settings.start_from.end() && given->second.n_elem != part.n_parameters)
      throw InputError("ansatz.start_from", fmt::format("the factor \"{}\" has {} parameters here and {} there", part.name,
                                                        part.n_parameters, given->second.n_elem));
  auto const& sampler = settings.sampler;
  if (sampler.walkers < 2 || sampler.walkers > rng::walker_limit) refuse("sampler.walkers", "from 2 to 2^24", sampler.walkers);
  if (sampler.pack < 1) refuse("sampler.pack", "at least 1", sampler.pack);
  if (sampler.burn_in < 1) refuse("sampler.burn_in", "at least 1", sampler.burn_in);
  if (!(sampler.acceptance >= 0 && sampler.acceptance < 1))
    refuse("sampler.acceptance", "from 0 to below 1", sampler.acceptance);
  if (!(sampler.target_error >= 0)) refuse("sampler.target_error", "0 or greater", sampler.target_error);
  if (sampler.sweeps < 8) refuse("sampler.sweeps", "at least 8", sampler.sweeps);
  if (sampler.target_error > 0 && sampler.sweeps / std::max(1u, sampler.thinning) < 64)
    refuse("sampler.sweeps", "at least 64 measurements where there is a target_error", sampler.sweeps);
  if (sampler.thinning < 1 || sampler.thinning > sampler.sweeps / 8)
    refuse("sampler.thinning", "from 1 to an eighth of sampler.sweeps", sampler.thinning);
  auto const& observables = settings.observables;
  if (observables.every > 0) {
    if (observables.every > sampler.sweeps / sampler.thinning / 8)
      refuse("observables.every", "0, or up to an eighth of the measurements", observables.every);
    check(observable_shape(settings.system, observables));
  }
  auto const& optimiser = settings.optimiser;
  if (optimiser.starts < 1) refuse("optimiser.starts", "at least 1", optimiser.starts);
  if (optimiser.sweeps_per_iteration < 1)
    refuse("optimiser.sweeps_per_iteration", "at least 1", optimiser.sweeps_per_iteration);
  if (!(optimiser.rate > 0) || !std::isfinite(optimiser.rate)) refuse("optimiser.rate", "greater than 0", optimiser.rate);
  if (!(optimiser.shift >= 0) || !std::isfinite(optimiser.shift)) refuse("optimiser.shift", "0 or greater", optimiser.shift);
  if (!(optimiser.final_fraction > 0 && optimiser.final_fraction <= 1))
    refuse("optimiser.final_fraction", "above 0 to 1", optimiser.final_fraction);
  if (!(optimiser.half_life > 0) || !std::isfinite(optimiser.half_life))
    refuse("optimiser.half_life", "greater than 0", optimiser.half_life);
  if (!(optimiser.tolerance >= 0)) refuse("optimiser.tolerance", "0 or greater", optimiser.tolerance);
  if (optimiser.window < 8) refuse("optimiser.window", "at least 8", optimiser.window);
  if (!(optimiser.node_length >= 0) || !std::isfinite(optimiser.node_length))
    refuse("optimiser.node_length", "0 or greater", optimiser.node_length);
  if (optimiser.method == Method::sr && optimiser.shift == 0 && optimiser.solver != Solver::dense)
    refuse("optimiser.shift", "greater than 0 unless optimiser.solver is \"dense\"", optimiser.shift);
  if (optimiser.method == Method::sr && optimiser.solver == Solver::samples &&
      std::uint64_t{sampler.walkers} * optimiser.sweeps_per_iteration > 16384)
    refuse("optimiser.solver", "\"samples\" for at most 16384 samples an iteration only (walkers times sweeps_per_iteration)",
           static_cast<double>(sampler.walkers) * optimiser.sweeps_per_iteration);
  if (!(optimiser.averaged >= 0 && optimiser.averaged <= 1)) refuse("optimiser.averaged", "from 0 to 1", optimiser.averaged);
  if (optimiser.choose_sweeps < 2) refuse("optimiser.choose_sweeps", "at least 2", optimiser.choose_sweeps);
}

double memory(Settings const& settings) {
  WaveFunction const wave_function(settings.system, settings.ansatz);
  auto const N = static_cast<double>(settings.system.particles);
  auto const M = N * settings.system.dimensions;
  auto const K = static_cast<double>(wave_function.n_parameters());
  bool const keeps_samples = settings.optimiser.method == Method::sr && settings.optimiser.iterations > 0 &&
                             solver_of(settings, wave_function.n_parameters()) != Solver::dense;
  // A walker has coordinates, drifts and pair gradients, derivatives (twice with a control variate), the sums of both halves,
  // and for determinants an inverse and two tables of orbitals of each spin.
  double const values = 6 * M + 2 * K + 2 * walker_sums_per_half +
                        (wave_function.has_nodes() ? (2 + settings.system.dimensions) * N * N / 2 : 0) +
                        (keeps_samples ? settings.optimiser.sweeps_per_iteration * (1 + K) : 0);
  return 8 * settings.sampler.walkers * values;
}

Outcome run(Settings const& settings, rng::Key key, std::uint32_t replicate, Team& team, Context& context) {
  check(settings);
  return Run(settings, key, replicate, team, context).outcome();
}

}  // namespace fermiac::vmc
