#include <array>

#include "fermiac/vmc/ansatz_minimum.hpp"
#include "fermiac/vmc/contact.hpp"
#include "fermiac/vmc/exact_energy.hpp"
#include "fermiac/vmc/experiment.hpp"
#include "fermiac/vmc/factors/rbm.hpp"
#include "fermiac/vmc/ground_state.hpp"
#include "fermiac/vmc/pair_energy.hpp"
#include "fermiac/vmc/product_pack.hpp"
#include "fermiac/vmc/rbm_pack.hpp"
#include "support/factor_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;
using namespace fermiac::vmc;

namespace {

arma::vec noisy(WaveFunction const& wave_function, std::uint64_t replicate, double deviation) {
  auto stream = test_stream(replicate, 7);
  arma::vec parameters = wave_function.initial_parameters(stream);
  arma::vec const units = wave_function.units();
  for (arma::uword k = 0; k < parameters.n_elem; ++k) parameters[k] += deviation * units[k] * stream.normal();
  return parameters;
}

constexpr MoveStream moves{{3, 1}, rng::Purpose::test, 5};

/// Largest difference of elements, relative to the larger of them and 1.
double difference(arma::mat const& A, arma::mat const& B) {
  BOOST_TEST_REQUIRE((A.n_rows == B.n_rows && A.n_cols == B.n_cols));
  double largest = 0;
  for (arma::uword i = 0; i < A.n_elem; ++i)
    largest = std::max(largest, std::abs(A[i] - B[i]) / std::max({1.0, std::abs(A[i]), std::abs(B[i])}));
  return largest;
}

/// Deviation of the local energies, of walkers that were swept, from what all of them should be; relative to the sums of
/// squares that they are differences of.
double deviation_from(System const& system, AnsatzSettings const& ansatz, arma::vec const& parameters, double energy,
                      Sampler sampler) {
  WaveFunction const wave_function(system, ansatz);
  arma::uword const n_walkers = 21;
  ProductPack pack(wave_function, sampler, 0, n_walkers);
  pack.set_parameters(parameters);
  pack.place(random_walkers(system, n_walkers, 71, 0.05));
  double const step = sampler == Sampler::langevin ? 0.2 / system.omega : 1.5 / std::sqrt(system.omega);
  std::uint64_t accepted = 0;
  for (std::uint64_t sweep = 1; sweep < 7; ++sweep) accepted += pack.sweep(step, moves, sweep);
  BOOST_TEST(accepted > 0U);
  LocalEnergies energies(n_walkers);
  pack.measure(energies);
  double largest = 0;
  for (arma::uword k = 0; k < n_walkers; ++k) {
    double const size = energy + energies.term(LocalEnergies::kinetic_from_gradient)[k] +
                        energies.term(LocalEnergies::trap)[k] + energies.term(LocalEnergies::interaction)[k];
    largest = std::max(largest, std::abs(energies.term(LocalEnergies::energy)[k] - energy) / size);
  }
  return largest;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(product_pack)

// Two codes for one wave function: all they say of walkers at rest, and walkers that go the same ways.
BOOST_AUTO_TEST_CASE(of_the_machine_alone_is_the_pack_of_the_machine) {
  std::uint64_t replicate = 0;
  for (int const D : {1, 2, 3})
    for (auto const convention : {Convention::sqrt_f, Convention::f})
      for (bool const trained : {false, true}) {
        ++replicate;
        System const system{.particles = replicate % 3 == 0 ? 1 : 2,
                            .dimensions = D,
                            .omega = 0.6,
                            .interaction = D == 1 ? Interaction::soft_coulomb : Interaction::coulomb,
                            .softening = D == 1 ? 0.3 : 0.0};
        AnsatzSettings const ansatz{.hidden = replicate % 2 == 0 ? 2U : 5U,
                                    .convention = convention,
                                    .sigma_trainable = trained,
                                    .initialisation = Initialisation::random};
        WaveFunction const wave_function(system, ansatz);
        BOOST_TEST_REQUIRE(wave_function.is_rbm());
        auto const parameters = noisy(wave_function, replicate, 0.1);
        arma::uword const n_walkers = 37;
        ProductPack general(wave_function, Sampler::metropolis, 3, n_walkers);
        RbmPack special(system, rbm_shape(system, ansatz), 3, n_walkers, initial_sigma_squared(system, ansatz));
        general.set_parameters(parameters);
        special.set_parameters(parameters);
        auto const X = random_walkers(system, n_walkers, replicate, 0.1);
        general.place(X);
        special.place(X);
        LocalEnergies of_general(n_walkers);
        LocalEnergies of_special(n_walkers);
        for (std::uint64_t sweep = 1; sweep < 70; ++sweep) {
          bool const check = sweep == 1 || sweep == 63 || sweep == 69;
          if (check) {
            DerivativeSums sums_of_general(parameters.n_elem, true);
            DerivativeSums sums_of_special(parameters.n_elem, true);
            general.measure(of_general, &sums_of_general);
            special.measure(of_special, &sums_of_special);
            double const n = static_cast<double>(n_walkers);
            auto const slope = energy_slope(sums_of_general.total(), n, general.feature_scale());
            auto const expected = energy_slope(sums_of_special.total(), n, special.feature_scale());
            BOOST_TEST(difference(of_general.columns.matrix(), of_special.columns.matrix()) < 1e-12);
            BOOST_TEST(difference(general.log_psi(), special.log_psi()) < 1e-13);
            BOOST_TEST(difference(general.drift(), special.drift()) < 1e-13);
            BOOST_TEST(difference(general.laplacian(), special.laplacian()) < 1e-13);
            BOOST_TEST(difference(general.log_derivatives(), special.log_derivatives()) < 1e-12);
            BOOST_TEST(difference(slope.gradient, expected.gradient) < 1e-11);
            BOOST_TEST(difference(slope.S, expected.S) < 1e-11);
          }
          // Only a u within rounding of the ratio is decided otherwise: 1e-15 for each of 5000 moves.
          auto const taken = general.sweep(1.4, moves, sweep);
          BOOST_TEST(taken == special.sweep(1.4, moves, sweep));
        }
        BOOST_TEST(difference(general.positions(), special.positions()) < 1e-13);
      }
}

BOOST_AUTO_TEST_CASE(eigenfunctions_without_interaction_have_no_variance) {
  struct Case {
    System system;
    std::string factors;
    double energy;  ///< in omega, by hand
  };
  auto const dot = [](int particles, int dimensions, int up = -1) {
    return System{.particles = particles, .dimensions = dimensions, .omega = 0.28, .interaction = Interaction::none, .up = up};
  };
  auto anisotropic = dot(3, 2);
  anisotropic.frequency_ratio = {1, 1.7, 1};  // x and y: levels 1.35, 2.35 (twice up, once down in the lowest)
  auto flat = dot(5, 3);
  flat.frequency_ratio = {1, 1, 4};  // levels 3, 4, 4
  auto bosons = dot(7, 3);
  bosons.statistics = Statistics::bosons;
  auto wide = bosons;
  wide.frequency_ratio = {1, 2, 3};
  for (auto const& [system, factors, energy] :
       {Case{anisotropic, "slater", 2 * 1.35 + 2.35}, Case{flat, "slater", 2 * 3 + 2 * 4 + 4}, Case{dot(7, 2), "slater", 13},
        Case{dot(9, 3), "slater", 21.5}, Case{dot(6, 2, 6), "slater", 14}, Case{dot(3, 2, 3), "slater", 5},
        Case{dot(4, 3, 4), "slater", 9}, Case{dot(5, 2, 4), "slater", 9}, Case{dot(3, 1, 3), "slater", 4.5},
        Case{dot(6, 2), "gaussian*slater", 10}, Case{bosons, "gaussian", 10.5}, Case{wide, "gaussian", 21}}) {
    WaveFunction const wave_function(system, product(factors));
    auto stream = test_stream(0);
    auto const parameters = wave_function.initial_parameters(stream);  // ln alpha = 0
    BOOST_TEST(non_interacting_ground_state(system) == energy * system.omega, boost::test_tools::tolerance(1e-14));
    for (auto const sampler : {Sampler::metropolis, Sampler::langevin})
      BOOST_TEST(deviation_from(system, product(factors), parameters, energy * system.omega, sampler) < 1e-12,
                 factors << " of " << system.particles);
  }
}

BOOST_AUTO_TEST_CASE(eigenfunctions_with_interaction_have_no_variance) {
  struct Case {
    int dimensions, up;
    double omega, energy;
  };
  for (auto const& [D, up, omega, energy] :
       {Case{2, 1, 1, 3}, Case{3, 1, 0.5, 2}, Case{2, 2, 1.0 / 3, 4.0 / 3}, Case{3, 2, 0.25, 1.25}})
    for (auto const sampler : {Sampler::metropolis, Sampler::langevin}) {
      System const system{.particles = 2, .dimensions = D, .omega = omega, .up = up};
      auto ansatz = product(up == 2 ? "slater*linear_jastrow" : "gaussian*linear_jastrow");
      BOOST_TEST(deviation_from(system, ansatz, {0.0}, energy, sampler) < 1e-13);
      // And 1e-3 of the width away they have some.
      BOOST_TEST(deviation_from(system, ansatz, {1e-3}, energy, sampler) > 1e-5);
      Settings settings;
      settings.system = system;
      settings.ansatz = ansatz;
      settings.sampler = {.method = sampler, .walkers = 64, .pack = 32, .burn_in = 50, .sweeps = 200};
      settings.optimiser = {.starts = 1, .iterations = 1, .sweeps_per_iteration = 1, .choose_sweeps = 2};
      Solo team;
      Quiet quiet;
      auto const outcome = run(settings, {1, 2}, 0, team, quiet);
      BOOST_TEST(std::abs(outcome.energy.value - energy) < 1e-12);
      BOOST_TEST(outcome.variance < 1e-14);  // a mean of squares less a square: they round at 1e-16 E^2
      BOOST_TEST(arma::abs(outcome.gradient).max() < 1e-12);
    }
}

// r E_L of a whole product at planted contacts, from energies as they are averaged (without the control variate).
BOOST_AUTO_TEST_CASE(exact_cusps_leave_no_pole_and_others_the_one_that_is_announced) {
  auto const at_contact = [](WaveFunction const& wave_function, arma::vec const& parameters, arma::uword p, arma::uword q,
                             double r, arma::uword n_walkers) {
    auto const& system = wave_function.system();
    auto const D = static_cast<arma::uword>(system.dimensions);
    arma::mat X = random_walkers(system, n_walkers, 81, 0.7);
    auto stream = test_stream(82);
    for (arma::uword k = 0; k < n_walkers; ++k) {
      arma::rowvec direction(D);
      for (auto& value : direction) value = stream.normal();
      X(k, arma::span(q * D, q * D + D - 1)) = X(k, arma::span(p * D, p * D + D - 1)) + r / arma::norm(direction) * direction;
    }
    ProductPack pack(wave_function, Sampler::metropolis, 0, n_walkers);
    pack.set_parameters(parameters);
    pack.place(X);
    LocalEnergies energies(n_walkers);
    pack.measure(energies);
    arma::vec result(n_walkers);
    for (arma::uword k = 0; k < n_walkers; ++k)
      result[k] = r * (energies.term(LocalEnergies::energy)[k] - energies.term(LocalEnergies::control)[k]);
    return result;
  };
  for (int const D : {2, 3}) {
    System const system{.particles = 6, .dimensions = D, .omega = 0.5};
    for (std::string const& factors : {std::string("slater*pade_jastrow"), std::string("gaussian*slater*simple_jastrow")}) {
      WaveFunction const wave_function(system, product(factors));
      auto const parameters = noisy(wave_function, 83, 0.2);
      auto cusp = wave_function.cusp(parameters);
      bool const exact = factors == "slater*pade_jastrow";
      // Each kind of pair by itself: the other's cusp made Kato's.
      double const unlike = contact_behaviour(system, {cusp.unlike, 1.0 / (D + 1)}).limit;
      double const like = contact_behaviour(system, {1.0 / (D - 1), cusp.like}).limit;
      BOOST_TEST((std::abs(unlike) > 0.1) == !exact);
      BOOST_TEST((std::abs(like) > 0.1) == !exact);
      for (double const r : {1e-3, 1e-5}) {
        // What is left is r times an energy of some ten, and for like pairs, whose slopes 1/r cancel, rounding 1e-16 / r.
        BOOST_TEST(arma::abs(at_contact(wave_function, parameters, 1, 4, r, 9) - unlike).max() < 200 * r);
        BOOST_TEST(arma::abs(at_contact(wave_function, parameters, 0, 2, r, 9) - like).max() < 200 * r + 1e-13 / r);
      }
    }
  }
  // A raw machine beside a determinant: a pole of another size in every place, announced as NaN.
  System const system{.particles = 6, .dimensions = 2, .omega = 0.5};
  WaveFunction const flagged(system, product("slater*pade_jastrow*rbm"));
  BOOST_TEST((flagged.symmetry() == WaveFunction::Symmetry::none));
  auto const parameters = noisy(flagged, 84, 0.3);
  auto const poles = at_contact(flagged, parameters, 0, 2, 1e-5, 9);
  BOOST_TEST(arma::abs(poles).max() > 0.01);
  BOOST_TEST(arma::stddev(poles) > 0.01);
  BOOST_TEST(std::isnan(contact_behaviour(system, flagged.cusp(parameters), flagged.symmetry()).limit));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(reconfiguration_of_products)

// Three ways to one step; then three ways to the minimum.
BOOST_AUTO_TEST_CASE(gives_the_same_first_step_by_every_solver) {
  for (std::string const& factors :
       {std::string("rbm"), std::string("rbm*pade_jastrow"), std::string("slater*simple_jastrow")}) {
    std::vector<arma::vec> steps;
    for (auto const solver : {Solver::dense, Solver::samples, Solver::iterative}) {
      Settings settings;
      settings.system = {.particles = factors == "slater*simple_jastrow" ? 4 : 2, .dimensions = 2, .omega = 0.5};
      settings.ansatz.factors = factors;
      settings.sampler = {.walkers = 96, .pack = 32, .burn_in = 60, .sweeps = 8};
      settings.optimiser = {.starts = 1, .iterations = 1, .sweeps_per_iteration = 4, .solver = solver, .choose_sweeps = 2};
      Solo team;
      Quiet quiet;
      steps.push_back(run(settings, {1, 2}, 0, team, quiet).parameters);
    }
    // The shift of 1e-3 keeps the metric's condition below 1e4 or so; conjugate gradients stop at a residual of 1e-6.
    BOOST_TEST(difference(steps[0], steps[1]) < 1e-11, factors);
    BOOST_TEST(difference(steps[0], steps[2]) < 1e-4, factors);
  }
}

BOOST_AUTO_TEST_CASE(reaches_the_minimum_by_every_solver, *boost::unit_test::label("stat")) {
  for (auto const solver : {Solver::dense, Solver::samples, Solver::iterative}) {
    Settings settings;
    settings.system = {.particles = 2, .dimensions = 2, .omega = 1};
    settings.sampler = {.walkers = 256, .pack = 128, .burn_in = 200, .sweeps = 8};
    settings.optimiser = {.starts = 1, .iterations = 50, .sweeps_per_iteration = 4, .solver = solver, .choose_sweeps = 2};
    Solo team;
    Quiet quiet;
    auto const shape = rbm_shape(settings.system, settings.ansatz);
    double const sigma_squared = initial_sigma_squared(settings.system, settings.ansatz);
    auto const outcome = run(settings, {1, 2}, 0, team, quiet);
    double const energy = exact_energy(settings.system, shape, unflatten(shape, outcome.parameters, sigma_squared)).total;
    BOOST_TEST(energy - ansatz_minimum(settings.system, shape, sigma_squared).energy < 1e-3);
    // Where both cusps are exact too.
    settings.ansatz.factors = "gaussian*pade_jastrow";
    auto const pair = run(settings, {1, 2}, 0, team, quiet);
    BOOST_TEST(pair_energy(settings.system, settings.ansatz, pair.parameters)->total -
                   pair_minimum(settings.system, settings.ansatz)->energy <
               1e-5);
  }
}

// The same walkers, gradients with and without regularisation at nodes that parameters move.
BOOST_AUTO_TEST_CASE(is_hardly_biased_by_its_regularisation_at_nodes, *boost::unit_test::label("stat")) {
  auto const at = [](std::string const& factors, double node_length) {
    Settings settings;
    settings.system = {.particles = 4, .dimensions = 2, .omega = 1};
    settings.ansatz.factors = factors;
    settings.sampler = {.walkers = 512, .pack = 128, .burn_in = 100, .sweeps = 400, .thinning = 4};
    settings.optimiser = {
        .starts = 1, .iterations = 1, .sweeps_per_iteration = 1, .rate = 1e-12, .node_length = node_length, .choose_sweeps = 2};
    Solo team;
    Quiet quiet;
    return run(settings, {6, 2}, 0, team, quiet);
  };
  auto const plain = at("backflow*pade_jastrow", 0);
  auto const regular = at("backflow*pade_jastrow", 0.05);
  auto const coarse = at("backflow*pade_jastrow", 1);
  BOOST_TEST(regular.energy.value == plain.energy.value);
  arma::vec const bias = arma::abs(regular.gradient - plain.gradient) / plain.gradient_error;
  arma::vec const large = arma::abs(coarse.gradient - plain.gradient) / plain.gradient_error;
  BOOST_TEST_MESSAGE("bias of 0.05: " << bias.max() << " errors, of 1: " << large.max());
  BOOST_TEST(arma::abs(regular.gradient - plain.gradient).max() > 0);
  BOOST_TEST(bias.max() < 2);
  BOOST_TEST(large.max() > 6);
  // Nodes that stay where they are ask for none.
  BOOST_TEST(arma::approx_equal(at("slater*pade_jastrow", 1).gradient, at("slater*pade_jastrow", 0).gradient, "absdiff", 0));
}

BOOST_AUTO_TEST_SUITE_END()
