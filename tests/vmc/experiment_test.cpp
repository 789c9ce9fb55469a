#include "fermiac/vmc/experiment.hpp"

#include <omp.h>

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <thread>

#include "fermiac/base/error.hpp"
#include "fermiac/base/sha256.hpp"
#include "fermiac/vmc/ansatz_minimum.hpp"
#include "fermiac/vmc/exact_energy.hpp"
#include "fermiac/vmc/factors/rbm.hpp"
#include "support/stopping.hpp"
#include "support/team_of_threads.hpp"

using namespace fermiac;
using namespace fermiac::vmc;
using fermiac::testing::Stopping;
using fermiac::testing::Threads;

namespace {

void add(std::vector<std::uint64_t>& bits, double value) { bits.push_back(std::bit_cast<std::uint64_t>(value)); }
void add(std::vector<std::uint64_t>& bits, stats::Estimate const& estimate) {
  add(bits, estimate.value);
  add(bits, estimate.error);
}
void add(std::vector<std::uint64_t>& bits, arma::vec const& values) {
  for (double const value : values) add(bits, value);
}

/// Every number of an outcome.
std::vector<std::uint64_t> bits_of(Outcome const& o) {
  std::vector<std::uint64_t> bits;
  for (auto const& estimate : {o.energy, o.plain_energy, o.kinetic, o.trap, o.interaction, o.kinetic_from_gradient,
                               o.energy_blocking, o.gradient_norm})
    add(bits, estimate);
  for (double const value :
       {o.stein_z, o.kinetic_z, o.variance, o.plain_variance, o.acceptance, o.step, o.autocorrelation_time, o.effective_samples,
        o.r_hat, static_cast<double>(o.chosen_start), o.update_error, static_cast<double>(o.sweeps)})
    add(bits, value);
  add(bits, o.parameters);
  for (auto const& values : {o.gradient, o.gradient_error, o.trace, o.trace_error, o.trace_variance}) add(bits, values);
  for (auto const& start : o.starts) {
    add(bits, start.energy);
    add(bits, start.parameters);
  }
  add(bits, arma::vec(arma::vectorise(o.walkers)));
  add(bits, o.walker_energies);
  add(bits, o.energy_series);
  if (std::isfinite(o.comparison.overlap_share)) {
    add(bits, o.comparison.gain);
    add(bits, o.comparison.energy);
    add(bits, o.comparison.overlap_share);
  }
  auto const& observed = o.observables;
  if (observed.n_samples == 0) return bits;
  add(bits, observed.n_samples);
  add(bits, o.virial_ratio);
  for (auto const* cells :
       {&observed.radial, &observed.planar, &observed.pair_distance, &observed.pair_density, &observed.pair_angle}) {
    add(bits, arma::vec(arma::vectorise(cells->value)));
    add(bits, arma::vec(arma::vectorise(cells->error)));
  }
  for (std::size_t kind = 0; kind < 2; ++kind) add(bits, observed.distance[kind]);
  return bits;
}

ExactEnergy exact_energy_at(Settings const& settings, arma::vec const& parameters) {
  auto const shape = rbm_shape(settings.system, settings.ansatz);
  return exact_energy(settings.system, shape,
                      unflatten(shape, parameters, initial_sigma_squared(settings.system, settings.ansatz)));
}

Settings small_settings(Method method) {
  Settings settings;
  settings.system.omega = 0.5;
  settings.ansatz.sigma_trainable = method == Method::adam;
  settings.ansatz.hidden = method == Method::gd ? 3 : 2;
  settings.sampler = {.walkers = 150, .pack = 32, .burn_in = 33, .sweeps = 3400, .thinning = 3};
  settings.optimiser.method = method;
  settings.optimiser.rate = method == Method::sr ? 0.3 : 0.02;
  settings.optimiser.starts = 2;
  settings.optimiser.iterations = 5;
  settings.optimiser.sweeps_per_iteration = 4;
  settings.optimiser.choose_sweeps = 3000;
  return settings;
}

/// A product of factors, with everything that can be kept of its sampling.
Settings product_settings() {
  Settings settings = small_settings(Method::sr);
  settings.system.particles = 5;
  settings.ansatz.factors = "slater * pade_jastrow";
  settings.sampler = {.walkers = 150, .pack = 32, .burn_in = 33, .sweeps = 600, .thinning = 3};
  settings.sampler.keep_walkers = settings.sampler.keep_energies = true;
  settings.observables = {.every = 7, .radial_cells = 20, .planar_cells = 10, .pair_cells = 25, .angle_cells = 9};
  settings.optimiser.choose_sweeps = 40;
  return settings;
}

/// That beside another wave function, whose nodes are elsewhere.
Settings compared_settings() {
  Settings settings = product_settings();
  AnsatzSettings other;
  other.factors = "backflow * pade_jastrow";
  rng::Stream stream({{1, 2}, rng::Purpose::test, 0}, 0);
  settings.compare_with = {other, WaveFunction(settings.system, other).initial_parameters(stream)};
  return settings;
}

constexpr rng::Key key{17, 4};

Outcome run_in_team(Settings const& settings, int size, int n_threads) {
  Threads threads(size);
  std::vector<Outcome> outcomes(static_cast<std::size_t>(size));
  std::vector<std::jthread> members;
  for (int rank = 0; rank < size; ++rank)
    members.emplace_back([&, rank] {
      omp_set_num_threads(n_threads);
      Threads::Member team(threads, rank);
      Quiet quiet;
      outcomes[static_cast<std::size_t>(rank)] = run(settings, key, 3, team, quiet);
    });
  members.clear();
  for (auto const& outcome : outcomes) BOOST_TEST((bits_of(outcome) == bits_of(outcomes.front())));
  return outcomes.front();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(experiment)

BOOST_AUTO_TEST_CASE(gives_the_same_bits_for_any_team_and_threads) {
  for (Method const method : {Method::sr, Method::adam, Method::gd}) {
    auto const settings = small_settings(method);
    auto const expected = bits_of(run_in_team(settings, 1, 1));
    BOOST_TEST((bits_of(run_in_team(settings, 1, 2)) == expected));
    BOOST_TEST((bits_of(run_in_team(settings, 2, 1)) == expected));
    BOOST_TEST((bits_of(run_in_team(settings, 3, 2)) == expected));
    BOOST_TEST((bits_of(run_in_team(settings, 7, 1)) == expected));  // more members than packs
  }
}

BOOST_AUTO_TEST_CASE(products_and_their_densities_have_the_same_bits_for_any_team_and_threads) {
  auto settings = compared_settings();
  for (Sampler const sampler : {Sampler::metropolis, Sampler::langevin}) {
    settings.sampler.method = sampler;
    auto const expected = bits_of(run_in_team(settings, 1, 1));
    BOOST_TEST((bits_of(run_in_team(settings, 1, 2)) == expected));
    BOOST_TEST((bits_of(run_in_team(settings, 2, 1)) == expected));
    BOOST_TEST((bits_of(run_in_team(settings, 3, 2)) == expected));
    BOOST_TEST((bits_of(run_in_team(settings, 7, 1)) == expected));
  }
}

BOOST_AUTO_TEST_CASE(what_is_kept_of_the_sampling_is_that_of_the_energies) {
  auto const settings = product_settings();
  auto plain = settings;
  plain.observables = {};
  plain.sampler.keep_walkers = plain.sampler.keep_energies = false;
  Solo team;
  Quiet quiet;
  auto const without = run(plain, key, 0, team, quiet);
  auto const outcome = run(settings, key, 0, team, quiet);
  BOOST_TEST(without.observables.n_samples == 0);
  BOOST_TEST((without.walkers.is_empty() && without.walker_energies.is_empty() && without.energy_series.is_empty()));
  BOOST_TEST(outcome.energy.value == without.energy.value);
  BOOST_TEST(outcome.gradient_norm.value == without.gradient_norm.value);

  BOOST_TEST(outcome.energy_series.n_elem == 200U);
  BOOST_TEST(std::abs(arma::mean(outcome.energy_series) - outcome.energy.value) < 1e-12 * outcome.energy.value);
  BOOST_TEST(std::abs(arma::mean(outcome.walker_energies) - outcome.energy.value) < 1e-12 * outcome.energy.value);
  BOOST_TEST((outcome.walkers.n_rows == 150 && outcome.walkers.n_cols == 10 && outcome.walkers.is_finite()));

  // 3 up, 2 down; 3 + 1 like pairs and 6 unlike ones; measurements 7, 14, ..., 196.
  auto const& observed = outcome.observables;
  BOOST_TEST(observed.n_samples == 28 * 150);
  auto const edges = observable_edges(observable_shape(settings.system, settings.observables));
  arma::vec const area = arma::datum::pi * arma::diff(arma::square(edges.radial));
  double const particles[] = {3, 2};
  double const pairs[] = {4, 6};
  for (arma::uword kind = 0; kind < 2; ++kind) {
    auto const in_cells = [&](CellEstimates const& cells, arma::vec const& volume) {
      return arma::dot(cells.value.col(kind), volume) + cells.outside[kind];
    };
    BOOST_TEST(std::abs(in_cells(observed.radial, area) - particles[kind]) < 1e-12);
    BOOST_TEST(std::abs(in_cells(observed.pair_distance, arma::diff(edges.pair)) - pairs[kind]) < 1e-12);
    BOOST_TEST(std::abs(in_cells(observed.pair_angle, arma::diff(edges.angle)) - pairs[kind]) < 1e-12);
  }
  // The interaction is the sum of inverse distances, here of every seventh measurement.
  double const from_pairs = pairs[0] * observed.inverse_distance[0].value + pairs[1] * observed.inverse_distance[1].value;
  double const error = std::hypot(pairs[0] * observed.inverse_distance[0].error, pairs[1] * observed.inverse_distance[1].error);
  BOOST_TEST(std::abs(from_pairs - outcome.interaction.value) < 6 * (error + outcome.interaction.error));
}

BOOST_AUTO_TEST_CASE(a_comparison_changes_nothing_else) {
  auto settings = compared_settings();
  Solo team;
  Quiet quiet;
  auto with = run(settings, key, 0, team, quiet);
  settings.compare_with.reset();
  auto const without = run(settings, key, 0, team, quiet);
  BOOST_TEST((with.comparison.gain.error > 0 && with.comparison.overlap_share > 0 && with.comparison.overlap_share < 1));
  BOOST_TEST(std::isnan(without.comparison.gain.value));
  with.comparison = {};
  BOOST_TEST((bits_of(with) == bits_of(without)));
}

BOOST_AUTO_TEST_CASE(the_virial_ratio_is_one_where_a_scale_is_free_and_said_where_the_theorem_holds,
                     *boost::unit_test::label("stat")) {
  omp_set_num_threads(1);
  auto settings = product_settings();
  settings.sampler = {.walkers = 512, .pack = 64, .burn_in = 200, .sweeps = 2000};
  settings.optimiser = {.starts = 1, .iterations = 60, .choose_sweeps = 2};
  Solo team;
  Quiet quiet;
  auto const ratio = run(settings, key, 0, team, quiet).virial_ratio;
  // The width is trained: what is left is noise (6 sigma, 2e-9) and the distance from the minimum, of second order in its own.
  BOOST_TEST(ratio.error < 0.01);
  BOOST_TEST(std::abs(ratio.value - 1) < 6 * ratio.error + 5e-3);
  settings.optimiser.iterations = 1;
  settings.system.interaction = Interaction::soft_coulomb;
  settings.system.softening = 0.1;
  BOOST_TEST(std::isnan(run(settings, key, 0, team, quiet).virial_ratio.value));
  settings.system.interaction = Interaction::none;
  settings.system.trap = Trap::double_well;
  settings.system.well_distance = 1;
  BOOST_TEST(std::isnan(run(settings, key, 0, team, quiet).virial_ratio.value));
}

BOOST_AUTO_TEST_CASE(parameters_begin_where_they_are_told) {
  auto settings = product_settings();
  settings.optimiser.method = Method::adam;
  settings.optimiser.rate = 1e-12;
  settings.optimiser.iterations = 1;
  settings.start_from["pade_jastrow"] = arma::vec{-0.7, 0.3};
  Solo team;
  Quiet quiet;
  auto const outcome = run(settings, key, 0, team, quiet);
  BOOST_TEST(outcome.parameters.n_elem == 3U);
  BOOST_TEST(std::abs(outcome.parameters[0]) < 1e-10);
  BOOST_TEST(std::abs(outcome.parameters[1] + 0.7) < 1e-10);
  BOOST_TEST(std::abs(outcome.parameters[2] - 0.3) < 1e-10);
}

BOOST_AUTO_TEST_CASE(has_the_same_bits_in_every_build) {
  // Adam's, for reconfiguration goes through LAPACK, whose bits depend on the processor that OpenBLAS finds.
  auto const settings = small_settings(Method::adam);
  Solo team;
  Quiet quiet;
  auto const bits = bits_of(run(settings, key, 0, team, quiet));
  BOOST_TEST(hexadecimal(sha256(std::as_bytes(std::span(bits)))) ==
             "21b25ee0f7ad2af619b8b84fef5b0d6dfe59cf28c2fb79d49c1ea61552f69a10");
}

BOOST_AUTO_TEST_CASE(half_and_half_are_the_whole_in_every_phase) {
  std::vector<Settings> all{compared_settings()};
  for (Method const method : {Method::sr, Method::adam, Method::gd}) all.push_back(small_settings(method));
  for (auto const& settings : all) {
    Solo team;
    Quiet quiet;
    auto const expected = bits_of(run(settings, key, 0, team, quiet));
    for (std::uint64_t const every : {1U, 5U, 11U}) {
      Archive saved;
      std::uint64_t stops = 0;
      for (;;) {
        Stopping context(every);
        if (stops > 0) context.save(saved);
        try {
          auto const outcome = run(settings, key, 0, team, context);
          BOOST_TEST((bits_of(outcome) == expected));
          BOOST_TEST(context.last_fraction == 1);
          break;
        } catch (Stopped const&) {
          ++stops;
          BOOST_TEST_REQUIRE(context.has_saved());
          saved = context.state();
        }
        BOOST_TEST(!context.bad_progress);
        BOOST_TEST(!context.foreign_tick);
        BOOST_TEST_REQUIRE(stops < 1000U);
      }
      // Two starts of 4 + 5 + 3 or more rounds, the last burn-in and the sampling: stops fell into all of them.
      BOOST_TEST(stops >= 28 / every);
    }
  }
}

BOOST_AUTO_TEST_CASE(replicates_and_keys_differ) {
  auto const settings = small_settings(Method::sr);
  Solo team;
  Quiet quiet;
  auto const one = run(settings, key, 0, team, quiet);
  BOOST_TEST(run(settings, key, 1, team, quiet).energy.value != one.energy.value);
  BOOST_TEST(run(settings, {17, 5}, 0, team, quiet).energy.value != one.energy.value);
}

BOOST_AUTO_TEST_CASE(ticks_come_from_the_calling_thread_and_often) {
  auto const settings = small_settings(Method::sr);
  Solo team;
  Stopping context(0);
  omp_set_num_threads(2);
  run(settings, key, 0, team, context);
  omp_set_num_threads(1);
  BOOST_TEST(!context.foreign_tick);
  BOOST_TEST(context.ticks > 1000U);
}

BOOST_AUTO_TEST_CASE(settings_out_of_range_are_refused_by_name) {
  auto const refuses = [](std::string const& name, auto const& change) {
    Settings settings;
    change(settings);
    BOOST_CHECK_EXCEPTION(check(settings), InputError, [&](InputError const& e) { return e.key() == name; });
  };
  BOOST_CHECK_NO_THROW(check(Settings{}));
  refuses("system.dimensions", [](Settings& s) { s.system.dimensions = 4; });
  refuses("ansatz.sigma_squared", [](Settings& s) { s.ansatz.sigma_squared = -1; });
  refuses("ansatz.noise", [](Settings& s) { s.ansatz.noise = std::nan(""); });
  refuses("sampler.walkers", [](Settings& s) { s.sampler.walkers = 1; });
  refuses("sampler.walkers", [](Settings& s) { s.sampler.walkers = (1U << 24) + 1; });
  refuses("sampler.pack", [](Settings& s) { s.sampler.pack = 0; });
  refuses("sampler.burn_in", [](Settings& s) { s.sampler.burn_in = 0; });
  refuses("sampler.acceptance", [](Settings& s) { s.sampler.acceptance = 1; });
  refuses("sampler.sweeps", [](Settings& s) { s.sampler.sweeps = 7; });
  refuses("sampler.thinning", [](Settings& s) { s.sampler.thinning = s.sampler.sweeps; });
  refuses("sampler.compare_with", [](Settings& s) { s.compare_with = {s.ansatz, arma::vec(3)}; });
  refuses("observables.every", [](Settings& s) { s.observables.every = s.sampler.sweeps / 8 + 1; });
  refuses("ansatz.start_from", [](Settings& s) { s.start_from["rbm"] = arma::vec(3); });
  refuses("optimiser.starts", [](Settings& s) { s.optimiser.starts = 0; });
  refuses("optimiser.sweeps_per_iteration", [](Settings& s) { s.optimiser.sweeps_per_iteration = 0; });
  refuses("optimiser.rate", [](Settings& s) { s.optimiser.rate = 0; });
  refuses("optimiser.shift", [](Settings& s) { s.optimiser.shift = -1; });
  refuses("optimiser.averaged", [](Settings& s) { s.optimiser.averaged = 1.1; });
  refuses("optimiser.choose_sweeps", [](Settings& s) { s.optimiser.choose_sweeps = 1; });
}

BOOST_AUTO_TEST_CASE(without_iterations_the_parameters_stay_where_they_begin) {
  Settings settings = small_settings(Method::sr);
  settings.ansatz.factors = "gaussian * pade_jastrow";
  settings.optimiser.iterations = 0;
  settings.start_from["pade_jastrow"] = arma::vec{-0.7};
  Solo team;
  Quiet quiet;
  auto const outcome = run(settings, key, 0, team, quiet);
  BOOST_TEST(outcome.parameters.n_elem == 2U);
  BOOST_TEST(outcome.parameters[0] == 0);
  BOOST_TEST(outcome.parameters[1] == -0.7);
  BOOST_TEST(outcome.trace.is_empty());
}

BOOST_AUTO_TEST_CASE(a_run_without_variance_has_no_error) {
  // No hidden units in a trap without interaction: E = 2 omega whatever the walkers do; a stays 0 for its gradient is
  // noise-free.
  Settings settings = small_settings(Method::sr);
  settings.system = {.particles = 2, .dimensions = 2, .omega = 0.5, .interaction = Interaction::none};
  settings.ansatz.hidden = 0;
  Solo team;
  Quiet quiet;
  auto const outcome = run(settings, key, 0, team, quiet);
  BOOST_TEST(std::abs(outcome.energy.value - 1) < 1e-12);
  BOOST_TEST(outcome.energy.error < 1e-13);
  BOOST_TEST(outcome.variance < 1e-12);
  BOOST_TEST(arma::abs(outcome.gradient).max() < 1e-12);
}

BOOST_AUTO_TEST_CASE(error_by_blocking_agrees_with_that_of_walkers, *boost::unit_test::label("stat")) {
  Settings settings;
  settings.sampler.walkers = 512;
  settings.sampler.sweeps = 8000;
  settings.optimiser.starts = 1;
  settings.optimiser.iterations = 20;
  omp_set_num_threads(1);
  Solo team;
  Quiet quiet;
  auto const outcome = run(settings, key, 0, team, quiet);
  BOOST_TEST(outcome.energy_blocking.converged);
  BOOST_TEST(std::abs(outcome.energy_blocking.value - outcome.energy.value) < 1e-12);
  // Walkers: 511 degrees of freedom, 3 % of the error; blocking: some hundred blocks, about 10 %.
  BOOST_TEST(outcome.energy_blocking.error < 1.6 * outcome.energy.error);
  BOOST_TEST(outcome.energy_blocking.error > 0.6 * outcome.energy.error);
  BOOST_TEST(outcome.r_hat < 1.01);
  BOOST_TEST(outcome.r_hat > 0.99);
  BOOST_TEST(outcome.autocorrelation_time > 0.4);
  BOOST_TEST((outcome.contact.kind == Contact::infinite_variance));
}

/// Energy above the minimum of the ansatz that a run with default settings ends at, after it was held to exact values.
double excess_of_defaults(double omega, Convention convention, std::uint32_t replicate, double minimum) {
  Solo team;
  Quiet quiet;
  Settings settings;
  settings.system.omega = omega;
  settings.ansatz.convention = convention;
  settings.sampler.sweeps = 1000;  // the minimum is found before
  auto const outcome = run(settings, {8, 9}, replicate, team, quiet);
  auto const exact = exact_energy_at(settings, outcome.parameters);
  BOOST_TEST(std::abs(outcome.energy.value - exact.total) < 6 * outcome.energy.error);  // 2e-9 a run
  // The gradient is at rest: its length is that of its noise.
  BOOST_TEST(outcome.gradient_norm.value < 6 * arma::norm(outcome.gradient_error));
  BOOST_TEST(outcome.energy.value < outcome.trace.front());
  BOOST_TEST(exact.total > minimum - 1e-6);
  return exact.total - minimum;
}

double minimum_of(double omega, Convention convention) {
  Settings settings;
  settings.system.omega = omega;
  settings.ansatz.convention = convention;
  return ansatz_minimum(settings.system, rbm_shape(settings.system, settings.ansatz),
                        initial_sigma_squared(settings.system, settings.ansatz))
      .energy;
}

BOOST_AUTO_TEST_CASE(defaults_reach_the_minimum_of_the_ansatz, *boost::unit_test::label("stat")) {
  // The weakest trap has a local minimum 7e-3 above.
  omp_set_num_threads(1);
  BOOST_TEST(excess_of_defaults(0.1, Convention::f, 0, minimum_of(0.1, Convention::f)) < 1e-3);
  BOOST_TEST(excess_of_defaults(1, Convention::sqrt_f, 0, minimum_of(1, Convention::sqrt_f)) < 1e-3);
}

BOOST_AUTO_TEST_CASE(defaults_reach_the_minimum_nine_times_in_ten, *boost::unit_test::label("long")) {
  omp_set_num_threads(1);
  for (double const omega : {0.1, 1.0 / 6, 0.28, 0.5, 1.0})
    for (Convention const convention : {Convention::sqrt_f, Convention::f}) {
      double const minimum = minimum_of(omega, convention);
      int reached = 0;
      for (std::uint32_t replicate = 0; replicate < 10; ++replicate)
        reached += excess_of_defaults(omega, convention, replicate, minimum) < 1e-3;
      BOOST_TEST(reached >= 9, "omega " << omega << ": " << reached << " of 10");
    }
}

BOOST_AUTO_TEST_SUITE_END()
