#include "fermiac/vmc/factors/symmetric_rbm.hpp"

#include "symmetric_rbm_twin.hpp"

using namespace fermiac;
using namespace fermiac::testing;

BOOST_AUTO_TEST_SUITE(symmetric_rbm_factor)

BOOST_AUTO_TEST_CASE(of_pairs_is_what_its_twin_says) {
  check_factor(symmetric_rbm({.particles = 2, .dimensions = 2, .omega = 0.5}, "pairs", 1, 1), 1);
  check_factor(symmetric_rbm({.particles = 3, .dimensions = 3, .omega = 1, .up = 3}, "pairs", 2, 2), 2);
  check_factor(symmetric_rbm({.particles = 4, .dimensions = 2, .omega = 0.28}, "pairs", 7, 3), 3);
  check_factor(symmetric_rbm({.particles = 3, .dimensions = 3, .omega = 1.4}, "pairs", 4, 4), 4);
  check_factor(
      symmetric_rbm({.particles = 3, .dimensions = 1, .omega = 0.7, .interaction = vmc::Interaction::none}, "pairs", 3, 5), 5);
  auto bosons = symmetric_rbm({.particles = 3, .dimensions = 2, .statistics = vmc::Statistics::bosons}, "pairs", 8, 6);
  bosons.symmetric_under_all = true;
  check_factor(bosons, 6);
}

BOOST_AUTO_TEST_CASE(of_power_sums_is_what_its_twin_says) {
  check_factor(symmetric_rbm({.particles = 1, .dimensions = 2, .omega = 0.5}, "power_sums", 2, 11), 11);
  check_factor(symmetric_rbm({.particles = 4, .dimensions = 2, .omega = 0.28}, "power_sums", 5, 12), 12);
  check_factor(symmetric_rbm({.particles = 3, .dimensions = 3, .omega = 1.4, .up = 3}, "power_sums", 3, 13), 13);
}

BOOST_AUTO_TEST_CASE(of_permutations_is_what_its_twin_says) {
  check_factor(symmetric_rbm({.particles = 2, .dimensions = 2, .omega = 0.5}, "permutations", 2, 21), 21);
  check_factor(symmetric_rbm({.particles = 3, .dimensions = 3, .omega = 1.4}, "permutations", 3, 22), 22);
  check_factor(symmetric_rbm({.particles = 4, .dimensions = 1, .omega = 0.7, .interaction = vmc::Interaction::none},
                             "permutations", 2, 23),
               23);
}

// Units in pairs that cancel, whatever their weights.
BOOST_AUTO_TEST_CASE(begins_as_one) {
  for (std::string const inputs : {"pairs", "power_sums"})
    for (std::int64_t const hidden : {4, 5}) {
      vmc::System const system{.particles = 6, .dimensions = 2, .omega = 0.5};
      vmc::AnsatzSettings ansatz;
      ansatz.options.set("symmetric_rbm.inputs", inputs);
      ansatz.options.set("symmetric_rbm.hidden", hidden);
      auto const form = make_form(system, ansatz, "symmetric_rbm");
      auto const factor = form->make(8);
      auto stream = test_stream(3);
      arma::vec const parameters = form->initial_parameters(stream);
      auto const X = random_walkers(system, 8, 31, 0.1);
      vmc::Columns x(8, X.n_cols), psi(8, 2), drift(8, X.n_cols), laplacian(8, 1);
      x.assign(X);
      factor->set_parameters({parameters.memptr(), parameters.n_elem});
      factor->refresh(x);
      factor->add_log_psi(x, psi.column(0), psi.column(1));
      factor->add_slope(x, drift, laplacian.column(0));
      // The lonely unit is a constant.
      double const constant = hidden == 4 ? 0.0 : (inputs == "pairs" ? 15 : 1) * std::log1p(std::exp(-4.0));
      for (arma::uword k = 0; k < 8; ++k) BOOST_TEST(std::abs(psi.column(0)[k] - constant) < 1e-13);
      BOOST_TEST(arma::abs(drift.matrix()).max() < 1e-13);
      BOOST_TEST(std::abs(laplacian.column(0)[0]) < 1e-12);
    }
}

// Beside the exact cusp, r E_L goes to 0 as r does.
BOOST_AUTO_TEST_CASE(leaves_the_cusp_alone) {
  for (std::string const inputs : {"pairs", "power_sums", "permutations"})
    for (int const D : {2, 3}) {
      vmc::System const four{.particles = 4, .dimensions = D, .omega = 0.5};
      auto const check = symmetric_rbm(four, inputs, 4, 41);
      for (double const r : {1e-3, 1e-5})
        BOOST_TEST(std::abs(contact_term(four, check.ansatz, {"gaussian", "pade_jastrow", "symmetric_rbm"},
                                         {{0.1}, {-0.7, 0.1}, check.parameters}, 1, 3, r, 42)) < 100 * r);
    }
}

// Theta beyond the range of exp, and many units: the machine is a sum of straight lines there.
BOOST_AUTO_TEST_CASE(large_weights_do_not_overflow) {
  vmc::System const system{.particles = 2, .dimensions = 2};
  auto check = symmetric_rbm(system, "pairs", 256, 51);
  check.parameters *= 1e4;
  auto const form = make_form(system, check.ansatz, "symmetric_rbm");
  auto const factor = form->make(1);
  factor->set_parameters({check.parameters.memptr(), check.parameters.n_elem});
  auto const X = random_walkers(system, 1, 52, 0.3);
  vmc::Columns x(1, 4), psi(1, 2);
  x.assign(X);
  factor->refresh(x);
  factor->add_log_psi(x, psi.column(0), psi.column(1));
  Real const expected = check.log_psi(to_reals(arma::rowvec(X.row(0))), to_reals(check.parameters));
  // 256 terms of size 1e4 to 1e5, rounded each.
  BOOST_TEST(std::abs(psi.column(0)[0] - expected) < 1e-8);
}

BOOST_AUTO_TEST_CASE(many_particles_are_not_permuted) {
  vmc::AnsatzSettings ansatz;
  ansatz.options.set("symmetric_rbm.inputs", std::string("permutations"));
  BOOST_CHECK_THROW(make_form({.particles = 5}, ansatz, "symmetric_rbm"), InputError);
}

BOOST_AUTO_TEST_SUITE_END()
