#include "fermiac/vmc/factors/slater.hpp"

#include "../../src/vmc/factors/determinant.hpp"
#include "fermiac/vmc/factors/orbitals.hpp"
#include "fermiac/vmc/product_pack.hpp"
#include "slater_twin.hpp"
#include "support/factor_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;

BOOST_AUTO_TEST_SUITE(slater_factor)

BOOST_AUTO_TEST_CASE(orbitals_come_in_the_order_of_their_energy) {
  for (std::size_t const n : {0U, 1U, 4U, 10U}) {
    auto const two = vmc::lowest_orbitals(dot(2, 2, 0.3), n);
    auto const three = vmc::lowest_orbitals(dot(2, 3, 0.3), n);
    BOOST_TEST(std::equal(two.quanta.begin(), two.quanta.end(), plane.begin(), plane.begin() + static_cast<long>(n)));
    BOOST_TEST(std::equal(three.quanta.begin(), three.quanta.end(), space.begin(), space.begin() + static_cast<long>(n)));
  }
  auto const line = vmc::lowest_orbitals(dot(2, 1, 1), 4);
  BOOST_TEST((line.quanta == std::vector<vmc::Quanta>{{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {3, 0, 0}}));
  BOOST_TEST(line.highest() == 3);
  BOOST_TEST(line.excitation() == 6.0);
  // 1 and 2.5 a quantum; where energies agree, 5 * 0.2 and 1 * 1.0, x comes first although 0.2 is no binary fraction.
  auto system = dot(2, 2, 2);
  system.frequency_ratio = {1, 2.5, 1};
  auto const long_way = vmc::lowest_orbitals(system, 7);
  BOOST_TEST((long_way.quanta ==
              std::vector<vmc::Quanta>{{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {0, 1, 0}, {3, 0, 0}, {1, 1, 0}, {4, 0, 0}}));
  BOOST_TEST(long_way.excitation() == 2 * (1 + 2 + 2.5 + 3 + 3.5 + 4));
  system.frequency_ratio = {0.2, 1, 1};
  auto const even = vmc::lowest_orbitals(system, 7).quanta;
  BOOST_TEST((even[5] == vmc::Quanta{5, 0, 0} && even[6] == vmc::Quanta{0, 1, 0}));
}

BOOST_AUTO_TEST_CASE(is_what_its_twin_says_for_closed_shells) {
  check_factor(slater(dot(6, 2, 1), plane), 1);
  check_factor(slater(dot(12, 2, 0.28), plane), 2);
  check_factor(slater(dot(8, 3, 0.5), space), 3);
}

BOOST_AUTO_TEST_CASE(is_what_its_twin_says_for_open_shells_and_any_spins) {
  check_factor(slater(dot(2, 2, 1), plane), 4);
  check_factor(slater(dot(2, 2, 1.0 / 3, 2), plane), 5);
  check_factor(slater(dot(2, 3, 0.25, 0), space), 6);
  check_factor(slater(dot(7, 2, 0.7), plane), 7);
  check_factor(slater(dot(6, 2, 0.7, 1), plane), 8);
  check_factor(slater(dot(5, 1, 1.3), {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}}), 9);
  check_factor(slater(dot(6, 3, 1, 5), space), 10);
}

BOOST_AUTO_TEST_CASE(is_what_its_twin_says_in_an_anisotropic_trap) {
  auto system = dot(7, 2, 0.8);
  system.frequency_ratio = {1, 2.5, 1};
  check_factor(slater(system, {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {0, 1, 0}}), 11);
  system.particles = 6;
  system.frequency_ratio = {1, 1.5, 1};
  check_factor(slater(system, plane), 12);
}

BOOST_AUTO_TEST_CASE(compiled_shells_have_the_bits_of_any) {
  for (auto const& [D, n] : std::vector<std::pair<int, std::size_t>>{{2, 2}, {2, 3}, {2, 6}, {2, 10}, {3, 4}, {3, 10}}) {
    arma::uword const n_walkers = 71;
    auto const system = dot(static_cast<int>(n), D, 0.6, static_cast<int>(n));
    auto const M = static_cast<arma::uword>(D) * n;
    auto const orbitals = vmc::lowest_orbitals(system, n);
    vmc::Columns x(n_walkers, M), to(n_walkers, static_cast<arma::uword>(D)), taken(n_walkers, 1), nothing(n_walkers, 1);
    x.assign(random_walkers(system, n_walkers, 40 + n, 0.1));
    to.assign(random_walkers(dot(1, D, 0.6), n_walkers, 50 + n, 0));
    for (arma::uword k = 0; k < n_walkers; ++k) taken.column(0)[k] = k % 3 == 0 ? 0 : 1;
    std::vector<arma::mat> results;
    for (bool const compiled : {true, false}) {
      auto const determinant = vmc::Determinant::make(orbitals, 0, n_walkers, compiled);
      double error = 0;
      determinant->refresh(x, nothing.column(0), error);
      vmc::Columns result(n_walkers, 2 + 2 * static_cast<arma::uword>(D));
      std::fill_n(result.column(0), n_walkers, 1.0);
      determinant->propose(n - 1, to, result.column(0));
      std::vector<double const*> r, r0;
      std::vector<double*> there, here;
      for (arma::uword c = 0; c < to.n_columns(); ++c) {
        r.push_back(to.column(c));
        there.push_back(result.column(2 + c));
        r0.push_back(x.column(c));
        here.push_back(result.column(2 + to.n_columns() + c));
      }
      determinant->add_gradient(n - 1, r.data(), true, there.data(), nullptr);
      determinant->take(n - 1, taken.column(0));
      determinant->add_gradient(0, r0.data(), false, here.data(), result.column(1));
      results.push_back(result.matrix());
    }
    BOOST_TEST(arma::approx_equal(results[0], results[1], "absdiff", 0.0), D << " dimensions, " << n << " orbitals");
  }
}

BOOST_AUTO_TEST_CASE(closed_shells_without_interaction_have_no_variance) {
  struct Shell {
    int dimensions, particles;
    double energy;
  };
  for (auto const& [D, N, energy] :
       {Shell{2, 2, 2}, Shell{2, 6, 10}, Shell{2, 12, 28}, Shell{2, 20, 60}, Shell{2, 30, 110}, Shell{2, 42, 182},
        Shell{2, 56, 280}, Shell{3, 2, 3}, Shell{3, 8, 18}, Shell{3, 20, 60}, Shell{3, 40, 150}, Shell{1, 4, 4}}) {
    double const omega = 0.28;
    vmc::AnsatzSettings ansatz;
    ansatz.factors = "slater";
    vmc::WaveFunction const wave_function(dot(N, D, omega), ansatz);
    arma::uword const n_walkers = 5;
    auto const pack = wave_function.make_pack(vmc::Sampler::metropolis, 0, n_walkers, 0);
    auto stream = test_stream(60);
    pack->set_parameters(wave_function.initial_parameters(stream));
    pack->place(random_walkers(wave_function.system(), n_walkers, 61, 0.1));
    vmc::LocalEnergies energies(n_walkers);
    for (std::uint64_t sweep = 0; sweep < 8; ++sweep) pack->sweep(1.5, {{1, 2}, rng::Purpose::test, 0}, sweep, nullptr);
    pack->measure(energies, nullptr);
    arma::mat const drift = pack->drift();
    for (arma::uword k = 0; k < n_walkers; ++k) {
      // Kinetic energy is the difference of two sums of squares of the drift, each rounded at its own size.
      double const size = omega * energy + arma::dot(drift.row(k), drift.row(k));
      BOOST_TEST(std::abs(energies.term(vmc::LocalEnergies::energy)[k] - omega * energy) <= 1e-12 * size,
                 D << " dimensions, " << N << " particles: " << energies.term(vmc::LocalEnergies::energy)[k] - omega * energy
                   << " of " << size);
    }
  }
}

BOOST_AUTO_TEST_CASE(rounding_of_updates_stays_small, *boost::unit_test::label("stat")) {
  vmc::AnsatzSettings ansatz;
  ansatz.factors = "slater";
  vmc::WaveFunction const wave_function(dot(12, 2, 1), ansatz);
  auto const pack = wave_function.make_pack(vmc::Sampler::metropolis, 0, 32, 0);
  auto stream = test_stream(62);
  pack->set_parameters(wave_function.initial_parameters(stream));
  BOOST_TEST(pack->update_error() == 0);
  pack->place(random_walkers(wave_function.system(), 32, 63, 0.1));
  BOOST_TEST(pack->update_error() == 0);
  for (std::uint64_t sweep = 0; sweep < 10000; ++sweep) pack->sweep(1.5, {{1, 2}, rng::Purpose::test, 0}, sweep, nullptr);
  // 64 sweeps of 6 moves each round by 1e-16 times the condition of the matrix; |R| falls below 1e-4 once in 1e8 moves of those
  // that |R|^2 lets pass, so that condition is below 1e4 in all 4e6.
  BOOST_TEST(pack->update_error() > 0);
  BOOST_TEST(pack->update_error() < 1e-9);
}

BOOST_AUTO_TEST_CASE(compares_only_walkers_that_moves_brought_where_they_are) {
  auto const system = dot(6, 2, 1);
  auto const form = make_form(system, slater(system, plane).ansatz, "slater");
  auto const factor = form->make(3);
  vmc::Columns x(3, 12);
  x.assign(random_walkers(system, 3, 64, 0.1));
  factor->refresh(x);
  factor->refresh(x);
  BOOST_TEST(factor->update_error() == 0);
  x.assign(random_walkers(system, 3, 65, 0.1));
  factor->refresh(x);
  BOOST_TEST(factor->update_error() == 0);
  // Told of a move that the coordinates do not show.
  auto stream = test_stream(66);
  auto const proposal = make_proposal(system, x, 1, stream);
  propose(*factor, x, proposal);
  std::vector<double> const taken = {0, 1, 0};
  factor->take(x, proposal, taken.data());
  factor->refresh(x);
  BOOST_TEST(factor->update_error() == 0);
  // A move that was made, but whose update was of another one.
  auto const other = make_proposal(system, x, 1, stream);
  propose(*factor, x, other);
  factor->take(x, proposal, taken.data());
  x.column(2)[1] = proposal.x.column(0)[1];
  x.column(3)[1] = proposal.x.column(1)[1];
  factor->refresh(x);
  BOOST_TEST(factor->update_error() > 1e-3);
}

BOOST_AUTO_TEST_CASE(says_what_it_is) {
  auto const form_of = [](vmc::System const& system, std::string const& factors, std::string const& envelope = "auto") {
    vmc::AnsatzSettings ansatz;
    ansatz.factors = factors;
    ansatz.options.set("slater.envelope", envelope);
    return make_form(system, ansatz, "slater");
  };
  BOOST_TEST((form_of(dot(2, 2, 1), "slater")->exchange() == vmc::Exchange::symmetric));
  BOOST_TEST((form_of(dot(2, 2, 1, 2), "slater")->exchange() == vmc::Exchange::antisymmetric));
  BOOST_TEST((form_of(dot(3, 2, 1), "slater")->exchange() == vmc::Exchange::antisymmetric));
  BOOST_TEST(!form_of(dot(6, 2, 1), "slater")->moves_nodes());
  BOOST_TEST(form_of(dot(6, 2, 1), "slater")->n_parameters() == 1);
  BOOST_TEST(form_of(dot(6, 2, 1), "slater * pade_jastrow")->n_parameters() == 1);
  BOOST_TEST(form_of(dot(6, 2, 1), "gaussian*slater")->n_parameters() == 0);
  BOOST_TEST(form_of(dot(6, 2, 1), "slater * rbm")->n_parameters() == 0);
  BOOST_TEST(form_of(dot(6, 2, 1), "slater * rbm", "on")->n_parameters() == 1);
  BOOST_TEST(form_of(dot(6, 2, 1), "slater * gaussian", "off")->n_parameters() == 0);
}

BOOST_AUTO_TEST_CASE(without_envelope_is_the_determinants_alone) {
  vmc::AnsatzSettings ansatz;
  ansatz.factors = "slater * gaussian";
  ansatz.options.set("slater.width", 1.7);
  auto const system = dot(6, 2, 0.5);
  arma::mat const X = random_walkers(system, 9, 67, 0.1);
  vmc::Columns x(9, 12), bare(9, 2), whole(9, 2);
  x.assign(X);
  auto const psi = [&](std::string const& factors, vmc::Columns& result) {
    ansatz.factors = factors;
    auto const form = make_form(system, ansatz, "slater");
    auto const factor = form->make(9);
    auto stream = test_stream(68);
    factor->set_parameters(form->initial_parameters(stream));
    factor->refresh(x);
    factor->add_log_psi(x, result.column(0), result.column(1));
  };
  psi("slater * gaussian", bare);
  psi("slater", whole);
  for (arma::uword k = 0; k < 9; ++k)
    BOOST_TEST(whole.column(0)[k] == bare.column(0)[k] - 1.7 * 0.25 * arma::dot(X.row(k), X.row(k)),
               boost::test_tools::tolerance(1e-13));
}

BOOST_AUTO_TEST_CASE(is_refused_where_it_makes_no_sense) {
  auto bosons = dot(4, 2, 1);
  bosons.statistics = vmc::Statistics::bosons;
  BOOST_CHECK_EXCEPTION(make_form(bosons, {}, "slater"), InputError,
                        [](InputError const& error) { return error.key() == "ansatz.factors"; });
  vmc::AnsatzSettings free;
  free.factors = "slater";
  free.options.set("slater.envelope", std::string("off"));
  BOOST_CHECK_EXCEPTION(make_form(dot(4, 2, 1), free, "slater"), InputError,
                        [](InputError const& error) { return error.key() == "slater.envelope"; });
}

BOOST_AUTO_TEST_SUITE_END()
