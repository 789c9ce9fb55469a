#include "fermiac/vmc/factors/backflow.hpp"

#include "backflow_twin.hpp"
#include "fermiac/vmc/factors/orbitals.hpp"
#include "fermiac/vmc/product_pack.hpp"

using namespace fermiac;
using namespace fermiac::testing;

BOOST_AUTO_TEST_SUITE(backflow_factor)

BOOST_AUTO_TEST_CASE(is_what_its_twin_says_for_pairs) {
  check_factor(backflow(dot(6, 2, 1), plane, {"pair", 3}, 1), 1);
  check_factor(backflow(dot(5, 2, 0.4, 1), plane, {"pair", 1, false}, 2), 2);
  check_factor(backflow(dot(3, 3, 0.7, 3), space, {"pair", 2}, 3), 3);
  check_factor(backflow(dot(2, 2, 0.7), plane, {"pair", 2}, 10), 7);
}

BOOST_AUTO_TEST_CASE(is_what_its_twin_says_for_networks) {
  check_factor(backflow(dot(6, 2, 1), plane, {"network", 2}, 4), 4);
  check_factor(backflow(dot(4, 1, 0.4), {{0, 0, 0}, {1, 0, 0}}, {"network", 1, false}, 5), 5);
  auto system = dot(5, 3, 0.7);
  system.frequency_ratio = {1, 1.5, 1.25};
  check_factor(backflow(system, {{0, 0, 0}, {1, 0, 0}, {0, 0, 1}}, {"network", 2}, 6), 6);
}

BOOST_AUTO_TEST_CASE(without_displacements_is_the_slater_factor) {
  auto const system = dot(7, 2, 0.6);
  for (std::string const form : {"pair", "network"}) {
    auto const check = backflow(system, plane, {form, 2}, 7);
    auto const form_of_it = make_form(system, check.ansatz, "backflow");
    arma::vec parameters = check.parameters;
    std::size_t const own = form == "pair" ? 3 : 10;
    for (std::size_t const first : {std::size_t{1}, 1 + own, 1 + 2 * own}) parameters.subvec(first, first + 1).zeros();
    arma::uword const n = 33;
    vmc::Columns x(n, 14), direction(n, 14);
    x.assign(random_walkers(system, n, 70, 0.1));
    auto const displaced = form_of_it->make(n);
    displaced->set_parameters(parameters);
    displaced->refresh(x);
    vmc::AnsatzSettings ansatz;
    ansatz.factors = "slater";
    auto const plain = make_form(system, ansatz, "slater")->make(n);
    plain->set_parameters({parameters.memptr(), 1});
    plain->refresh(x);
    FactorValues const a(*displaced, x, direction, form_of_it->n_parameters());
    FactorValues const b(*plain, x, direction, 1);
    auto stream = test_stream(71);
    auto const proposal = make_proposal(system, x, 5, stream);
    auto const moved = propose(*displaced, x, proposal);
    auto const moved_plain = propose(*plain, x, proposal);
    for (arma::uword k = 0; k < n; ++k) {
      double const size = 1e-12 * (1 + arma::dot(b.drift.row(k), b.drift.row(k)));
      check_near(a.log_psi[k], b.log_psi[k], 1e-12, "ln Psi");
      check_near(a.laplacian[k], b.laplacian[k], size, "Laplacian");
      check_near(arma::norm(a.drift.row(k) - b.drift.row(k)), 0, size, "drift");
      check_near(a.derivatives(k, 0), b.derivatives(k, 0), size, "derivative in the width");
      check_near(moved.log_ratio[k], moved_plain.log_ratio[k], 1e-11, "ratio");
      BOOST_TEST(a.sign[k] == b.sign[k]);
    }
  }
}

// As for `pade_jastrow`: r E_L is bounded by a few times E_L without its poles times r; a cusp wrong by 1 % would leave 0.01.
BOOST_AUTO_TEST_CASE(leaves_exact_cusps_exact) {
  for (int const D : {2, 3})
    for (std::string const form : {"pair", "network"}) {
      vmc::System const system{.particles = 6, .dimensions = D, .omega = 0.5};
      auto const check = backflow(system, D == 2 ? plane : space, {form, 2}, 8);
      for (double const r : {1e-3, 1e-4})
        for (std::size_t const q : {1U, 4U})
          BOOST_TEST(std::abs(contact_term(system, check.ansatz, {"backflow", "pade_jastrow"}, {check.parameters, {-0.7, 0.1}},
                                           0, q, r, 31)) < 100 * r);
    }
}

BOOST_AUTO_TEST_CASE(keeps_coordinates_and_determinants_by_moves) {
  auto const system = dot(6, 2, 1);
  auto const check = backflow(system, plane, {"network", 2}, 9);
  vmc::WaveFunction const wave_function(system, check.ansatz);
  auto const pack = wave_function.make_pack(vmc::Sampler::metropolis, 0, 32, 0);
  pack->set_parameters(check.parameters);
  pack->place(random_walkers(system, 32, 72, 0.1));
  BOOST_TEST(pack->update_error() == 0);
  for (std::uint64_t sweep = 0; sweep < 200; ++sweep) pack->sweep(1.5, {{1, 2}, rng::Purpose::test, 0}, sweep, nullptr);
  // 384 moves change each q by sums of rounded terms of its own size or a few times that.
  BOOST_TEST(pack->update_error() > 0);
  BOOST_TEST(pack->update_error() < 1e-13);
  // Other parameters displace otherwise: no error of updates.
  pack->set_parameters(1.1 * check.parameters);
  BOOST_TEST(pack->update_error() < 1e-13);
}

BOOST_AUTO_TEST_CASE(says_what_it_is) {
  auto const form_of = [](vmc::System const& system, BackflowShape const& shape) {
    vmc::AnsatzSettings ansatz;
    ansatz.factors = "backflow * pade_jastrow";
    ansatz.options.set("backflow.form", shape.form);
    ansatz.options.set("backflow.terms", static_cast<std::int64_t>(shape.terms));
    ansatz.options.set("backflow.central", shape.central);
    return make_form(system, ansatz, "backflow");
  };
  BOOST_TEST(form_of(dot(6, 2, 1), {"pair", 3})->n_parameters() == 1 + 3 * 4);
  BOOST_TEST(form_of(dot(6, 2, 1), {"network", 3})->n_parameters() == 1 + 3 * (5 + 5 + 3));
  BOOST_TEST(form_of(dot(6, 2, 1, 6), {"network", 3, false})->n_parameters() == 1 + 3 * 5);
  BOOST_TEST(form_of(dot(2, 2, 1), {"pair", 3})->n_parameters() == 1);
  BOOST_TEST((form_of(dot(2, 2, 1), {"pair", 3})->exchange() == vmc::Exchange::symmetric));
  BOOST_TEST((form_of(dot(6, 2, 1), {"pair", 3})->exchange() == vmc::Exchange::antisymmetric));
  BOOST_TEST(form_of(dot(6, 2, 1), {"pair", 3})->moves_nodes());
  BOOST_TEST(!form_of(dot(2, 2, 1), {"pair", 3})->moves_nodes());
  auto bosons = dot(4, 2, 1);
  bosons.statistics = vmc::Statistics::bosons;
  BOOST_CHECK_EXCEPTION(form_of(bosons, {"pair", 3}), InputError,
                        [](InputError const& error) { return error.key() == "ansatz.factors"; });
}

BOOST_AUTO_TEST_SUITE_END()
