#include "fermiac/vmc/comparison.hpp"

#include <omp.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "fermiac/vmc/exact_energy.hpp"
#include "fermiac/vmc/experiment.hpp"
#include "fermiac/vmc/factors/rbm.hpp"
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

/// Parameters of `start_from`.
std::map<std::string, arma::vec> by_factor(WaveFunction const& wave_function, arma::vec const& parameters) {
  std::map<std::string, arma::vec> result;
  for (auto const& part : wave_function.parts())
    if (part.n_parameters > 0) result[part.name] = parameters.subvec(part.first, part.first + part.n_parameters - 1);
  return result;
}

/// A short run of fixed parameters.
Settings short_run(System const& system, AnsatzSettings const& ansatz, arma::vec const& parameters) {
  Settings settings;
  settings.system = system;
  settings.ansatz = ansatz;
  settings.start_from = by_factor(WaveFunction(system, ansatz), parameters);
  settings.sampler = {.walkers = 256, .pack = 64, .burn_in = 80, .sweeps = 80, .thinning = 2};
  settings.optimiser = {.starts = 1, .iterations = 0, .choose_sweeps = 2};
  return settings;
}

/// Scores that should be standard normal but for the few degrees of freedom of their errors: mean, spread, and the share
/// outside 1.96 errors on either side. At 6 sigma, two-sided, about 2e-9 each.
void hold(std::vector<double> const& scores, std::string const& what) {
  double const n = static_cast<double>(scores.size());
  double mean = 0, square = 0, below = 0, above = 0;
  for (double const z : scores) {
    mean += z / n;
    square += z * z;
    below += z < -1.96 ? 1 : 0;
    above += z > 1.96 ? 1 : 0;
  }
  BOOST_TEST(std::abs(mean) < 6 / std::sqrt(n), what << " mean score " << mean);
  BOOST_TEST(std::abs(square - n) < 0.02 * n + 6 * std::sqrt(2 * n), what << " squares " << square << " of " << n);
  double const most = 0.025 * n + 6 * std::sqrt(0.025 * n) + 3;
  BOOST_TEST(below < most, what << " below " << below << " of " << n);
  BOOST_TEST(above < most, what << " above " << above << " of " << n);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(comparison)

BOOST_AUTO_TEST_CASE(a_ratio_of_means_has_a_linearised_error) {
  // Two walkers of four samples with mean weights 1 and 3, w E_A of 2 and 3, E_B of 1 and 2; the second ones' weights are kept
  // as quarters of e^(ln 4).
  arma::mat sums(2, Comparison::n_sums);
  sums.row(0) = arma::rowvec{0, 4, 8, 8, 4};
  sums.row(1) = arma::rowvec{std::log(4.0), 3, 2.5, 3, 8};
  auto const result = compare(sums, 4);
  BOOST_TEST(std::abs(result.energy.value - 1.25) < 1e-14);
  BOOST_TEST(std::abs(result.energy.error - 0.375) < 1e-14);
  BOOST_TEST(std::abs(result.gain.value + 0.25) < 1e-14);
  BOOST_TEST(std::abs(result.gain.error - 0.875) < 1e-14);
  BOOST_TEST(std::abs(result.overlap_share - 4.0 / 6) < 1e-14);
}

BOOST_AUTO_TEST_CASE(sums_are_those_of_a_plain_loop_however_far_weights_range) {
  System const system{2, 2, 0.7};
  auto const ours = product("gaussian * pade_jastrow");
  auto const theirs = product("gaussian * simple_jastrow");
  WaveFunction const B(system, ours);
  WaveFunction const A(system, theirs);
  arma::vec const b{0.1, -0.7};
  arma::vec const a{2.0, 0.3};
  auto const square = [](Reals const& x) { return x[0] * x[0] + x[1] * x[1] + x[2] * x[2] + x[3] * x[3]; };
  auto const distance = [](Reals const& x) { return std::hypot(x[0] - x[2], x[1] - x[3]); };
  auto const log_b = [&](Reals const& x) {
    Real const beta = std::exp(-0.7L) * std::sqrt(0.7L);
    return -std::exp(0.1L) * 0.35L * square(x) + distance(x) / (1 + beta * distance(x));
  };
  auto const log_a = [&](Reals const& x) { return -std::exp(2.0L) * 0.35L * square(x) + 0.3L * distance(x); };
  for (arma::uword const n_walkers : {0U, 1U, 2U, 17U}) {
    Comparison comparison(B, b, A, a, 0.1, n_walkers);
    auto const of_a = A.make_pack(Sampler::metropolis, 0, n_walkers, 0);
    auto const of_b = B.make_pack(Sampler::metropolis, 0, n_walkers, 0);
    of_a->set_parameters(a);
    of_b->set_parameters(b);
    std::vector<Real> w(n_walkers), ww(n_walkers), we(n_walkers), e(n_walkers);
    // ln w goes down to some -1e5 and comes back.
    std::vector<double> const stretch{2, 150, 0.5, 1, 60};
    std::vector<Real> largest(n_walkers, -1e300L);
    for (int pass = 0; pass < 2; ++pass)
      for (std::size_t s = 0; s < stretch.size(); ++s) {
        arma::mat const X = stretch[s] * random_walkers(system, n_walkers, 3 + s, 0.1);
        if (pass == 1) comparison.add(X);
        LocalEnergies at_a(n_walkers), at_b(n_walkers);
        of_a->place(X);
        of_b->place(X);
        of_a->measure(at_a, nullptr);
        of_b->measure(at_b, nullptr);
        for (arma::uword k = 0; k < n_walkers; ++k) {
          Reals const x{X(k, 0), X(k, 1), X(k, 2), X(k, 3)};
          Real const log_w = 2 * (log_a(x) - log_b(x));
          if (pass == 0) {
            largest[k] = std::max(largest[k], log_w);
            continue;
          }
          Real const weight = std::exp(log_w - largest[k]);
          w[k] += weight;
          ww[k] += weight * weight;
          we[k] += weight * at_a.term(LocalEnergies::energy)[k];
          e[k] += at_b.term(LocalEnergies::energy)[k];
        }
      }
    auto const& sums = comparison.sums();
    for (arma::uword k = 0; k < n_walkers; ++k) {
      auto const near = [&](Comparison::Sum sum, Real expected) {
        double const value = sums.column(sum)[k];
        BOOST_TEST(std::abs(value - static_cast<double>(expected)) <= 1e-11 * (1 + std::abs(value)));
      };
      near(Comparison::log_scale, largest[k]);
      near(Comparison::weight, w[k]);
      near(Comparison::weight_square, ww[k]);
      near(Comparison::weight_energy, we[k]);
      near(Comparison::energy, e[k]);
    }
  }
}

BOOST_AUTO_TEST_CASE(nodes_are_the_same_where_nothing_moves_them) {
  System const system{6, 2, 0.5};
  auto const same = [&](std::string const& a, std::string const& b, double change = 0) {
    WaveFunction const A(system, product(a));
    WaveFunction const B(system, product(b));
    arma::vec const parameters = noisy(A, 1, 0.01);
    arma::vec others = noisy(B, 1, 0.01);
    others[0] += change;
    return have_same_nodes(A, parameters, B, others);
  };
  BOOST_TEST(same("slater * pade_jastrow", "slater * symmetric_rbm", 0.3));
  BOOST_TEST(same("slater * pade_jastrow", "slater * rbm"));
  BOOST_TEST(same("backflow * pade_jastrow", "backflow * simple_jastrow"));
  BOOST_TEST(!same("backflow * pade_jastrow", "backflow * pade_jastrow", 0.1));
  BOOST_TEST(!same("backflow * pade_jastrow", "slater * pade_jastrow"));
  System const pair{2, 2, 0.5};
  WaveFunction const smooth(pair, product("gaussian"));
  WaveFunction const displaced(pair, product("backflow"));  // with nothing to displace
  BOOST_TEST(have_same_nodes(smooth, {0}, displaced, {0}));
}

BOOST_AUTO_TEST_CASE(a_wave_function_gains_exactly_nothing_over_itself) {
  omp_set_num_threads(1);
  Solo team;
  Quiet quiet;
  for (std::string const factors :
       {"rbm", "gaussian * simple_jastrow", "slater * pade_jastrow * symmetric_rbm", "backflow * pade_jastrow"})
    for (Sampler const sampler : {Sampler::metropolis, Sampler::langevin}) {
      System const system{factors == "rbm" || factors.starts_with("gaussian") ? 2 : 5, 2, 0.8};
      auto const ansatz = product(factors);
      WaveFunction const wave_function(system, ansatz);
      arma::vec const parameters = noisy(wave_function, 2, 0.02);
      auto settings = short_run(system, ansatz, parameters);
      settings.sampler = {.method = sampler, .walkers = 50, .pack = 32, .burn_in = 10, .sweeps = 30};
      settings.compare_with = {ansatz, parameters};
      auto const outcome = run(settings, {1, 2}, 0, team, quiet);
      BOOST_TEST(outcome.comparison.gain.value == 0);
      BOOST_TEST(outcome.comparison.gain.error == 0);
      BOOST_TEST(outcome.comparison.overlap_share == 1);
      BOOST_TEST(std::abs(outcome.comparison.energy.value - outcome.energy.value) < 1e-10 * outcome.energy.value);
      BOOST_TEST(std::abs(outcome.comparison.energy.error - outcome.energy.error) < 1e-8 * outcome.energy.error);
    }
}

BOOST_AUTO_TEST_CASE(gains_of_gaussians_scatter_about_exact_ones_as_their_errors_say, *boost::unit_test::label("stat")) {
  // E = N D omega (alpha + 1 / alpha) / 4 without interaction.
  omp_set_num_threads(1);
  Solo team;
  Quiet quiet;
  System bosons{3, 2, 0.6, Interaction::none};
  bosons.statistics = Statistics::bosons;
  auto const ansatz = product("gaussian");
  auto const exact = [](double alpha) { return 6 * 0.6 / 4 * (alpha + 1 / alpha); };
  std::vector<double> gains, energies;
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    double const ours = seed % 2 == 0 ? 1.1 : 0.8;
    double const theirs = seed % 3 == 0 ? 1.3 : 0.9;
    auto settings = short_run(bosons, ansatz, {std::log(ours)});
    settings.sampler.method = seed % 4 < 2 ? Sampler::metropolis : Sampler::langevin;
    settings.compare_with = {ansatz, {std::log(theirs)}};
    auto const comparison = run(settings, {5, 7}, seed, team, quiet).comparison;
    gains.push_back((comparison.gain.value - exact(theirs) + exact(ours)) / comparison.gain.error);
    energies.push_back((comparison.energy.value - exact(theirs)) / comparison.energy.error);
    // |Psi_A|^2 / |Psi_B|^2 = exp(-(A - B) u) with u = omega x^2 in six directions: <w>^2 / <w^2> = (B (2 A - B) / A^2)^3.
    double const share = std::pow(ours * (2 * theirs - ours) / (theirs * theirs), 3);
    BOOST_TEST(std::abs(comparison.overlap_share - share) < 0.25 * share);
  }
  hold(gains, "gain");
  hold(energies, "energy by weights");
}

BOOST_AUTO_TEST_CASE(gains_of_machines_with_a_pole_at_contact_do_too, *boost::unit_test::label("stat")) {
  omp_set_num_threads(1);
  Solo team;
  Quiet quiet;
  std::vector<double> gains;
  for (std::uint32_t seed = 0; seed < 240; ++seed) {
    System const system{2, 2, 0.8};
    AnsatzSettings ansatz;
    ansatz.convention = seed % 2 == 0 ? Convention::sqrt_f : Convention::f;
    ansatz.initialisation = Initialisation::random;
    WaveFunction const wave_function(system, ansatz);
    arma::vec const ours = noisy(wave_function, seed, 0);
    arma::vec const theirs = noisy(wave_function, seed, 0.15);
    auto settings = short_run(system, ansatz, ours);
    settings.sampler.method = std::array{Sampler::metropolis, Sampler::langevin, Sampler::gibbs}[seed % 3];
    settings.compare_with = {ansatz, theirs};
    auto const comparison = run(settings, {5, 8}, seed, team, quiet).comparison;
    auto const exact = [&](arma::vec const& parameters) {
      auto const shape = rbm_shape(system, ansatz);
      return exact_energy(system, shape, unflatten(shape, parameters, initial_sigma_squared(system, ansatz))).total;
    };
    gains.push_back((comparison.gain.value - exact(theirs) + exact(ours)) / comparison.gain.error);
  }
  hold(gains, "gain");
}

BOOST_AUTO_TEST_CASE(weights_across_other_nodes_have_a_variance_and_no_bias_that_counts, *boost::unit_test::label("stat")) {
  // Two polarised electrons without interaction: (x_1 - x_2) times a Gaussian of width alpha has E = 3/2 (alpha + 1 / alpha)
  // omega. Sampled by backflow whose nodes are elsewhere: mu displaces particles along their radius.
  omp_set_num_threads(1);
  Solo team;
  Quiet quiet;
  System system{2, 2, 1, Interaction::none};
  system.up = 2;
  auto ansatz = product("backflow");
  ansatz.options.set("backflow.form", std::string("pair"));
  ansatz.options.set("backflow.terms", std::int64_t{1});
  std::vector<double> scores;
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    auto settings = short_run(system, ansatz, {0.05, 0.1, -0.5, 0.4, -0.5});  // ln alpha, c and ln kappa of eta and mu
    settings.compare_with = {product("slater"), {std::log(1.1)}};
    auto const comparison = run(settings, {5, 9}, seed, team, quiet).comparison;
    scores.push_back((comparison.energy.value - 1.5 * (1.1 + 1 / 1.1)) / comparison.energy.error);
    BOOST_TEST(comparison.overlap_share > 0.2);
  }
  hold(scores, "energy by weights");
}

BOOST_AUTO_TEST_SUITE_END()
