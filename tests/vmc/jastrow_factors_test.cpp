#include <limits>

#include "fermiac/vmc/factors/linear_jastrow.hpp"
#include "fermiac/vmc/factors/pade_jastrow.hpp"
#include "fermiac/vmc/factors/simple_jastrow.hpp"
#include "jastrow_twins.hpp"

using namespace fermiac;
using namespace fermiac::testing;

BOOST_AUTO_TEST_SUITE(jastrow_factors)

BOOST_AUTO_TEST_CASE(pade_is_what_its_twin_says) {
  check_factor(pade({.particles = 2, .dimensions = 2, .omega = 0.5}, {-0.7}), 1);
  check_factor(pade({.particles = 3, .dimensions = 3, .omega = 1, .up = 3}, {-0.4}), 2);
  check_factor(pade({.particles = 5, .dimensions = 2, .omega = 0.28}, {-0.9, 0.3}), 3);
  check_factor(pade({.particles = 4, .dimensions = 3, .omega = 1.4, .up = 3}, {-0.5, -1.2}), 4);
  auto bosons = pade({.particles = 3, .dimensions = 2, .statistics = vmc::Statistics::bosons}, {-0.2});
  bosons.symmetric_under_all = true;
  check_factor(bosons, 5);
}

BOOST_AUTO_TEST_CASE(simple_is_what_its_twin_says) {
  check_factor(simple({.particles = 2, .dimensions = 3, .omega = 0.5}, {0.4}), 11);
  check_factor(simple({.particles = 5, .dimensions = 2, .omega = 1.3}, {0.5, -0.2}), 12);
}

BOOST_AUTO_TEST_CASE(linear_is_what_its_twin_says) {
  check_factor(linear({.particles = 2, .dimensions = 2, .omega = 1}, 0, {}), 21);
  check_factor(linear({.particles = 2, .dimensions = 3, .omega = 0.25, .up = 2}, 0, {}), 22);
  check_factor(linear({.particles = 2, .dimensions = 2, .omega = 0.6}, 0.7, {}), 23);
  check_factor(linear({.particles = 2, .dimensions = 3, .omega = 0.6}, 0.7, {-0.3}), 24);
}

BOOST_AUTO_TEST_CASE(parameters_begin_where_the_options_say) {
  vmc::AnsatzSettings ansatz;
  auto stream = test_stream(1);
  vmc::System const six{.particles = 6, .dimensions = 2, .omega = 0.25};
  BOOST_TEST(arma::approx_equal(make_form(six, ansatz, "pade_jastrow")->initial_parameters(stream),
                                arma::vec{std::log(0.4), std::log(0.4)}, "absdiff", 1e-15));
  BOOST_TEST(arma::approx_equal(make_form(six, ansatz, "simple_jastrow")->initial_parameters(stream), arma::vec{0.15, 0.15},
                                "absdiff", 1e-15));
  ansatz.options.set("linear_jastrow.trainable", true);
  vmc::System const two{.particles = 2, .dimensions = 3, .omega = 0.25};
  BOOST_TEST(make_form(two, ansatz, "linear_jastrow")->initial_parameters(stream)[0] == 0, boost::test_tools::tolerance(1e-15));
  // One particle has no pairs, and a factor of 1.
  BOOST_TEST(make_form({.particles = 1}, ansatz, "pade_jastrow")->n_parameters() == 0U);
}

BOOST_AUTO_TEST_CASE(cusps_are_the_slopes_at_contact) {
  vmc::AnsatzSettings const ansatz;
  for (int const D : {2, 3}) {
    vmc::System const system{.particles = 4, .dimensions = D, .omega = 0.7};
    for (std::string const name : {"pade_jastrow", "simple_jastrow"}) {
      auto const form = make_form(system, ansatz, name);
      arma::vec const parameters = name == "pade_jastrow" ? arma::vec{-0.5, 0.2} : arma::vec{0.35, 0.15};
      auto const cusp = form->cusp({parameters.memptr(), parameters.n_elem});
      if (name == "pade_jastrow") {
        BOOST_TEST(cusp.unlike == 1.0 / (D - 1));
        BOOST_TEST(cusp.like == 1.0 / (D + 1));
      } else {
        BOOST_TEST(cusp.unlike == 0.35);
        BOOST_TEST(cusp.like == 0.15);
      }
    }
  }
  vmc::System const two{.particles = 2, .dimensions = 2, .omega = 1.0 / 3, .up = 2};
  auto const cusp = make_form(two, ansatz, "linear_jastrow")->cusp({});
  BOOST_TEST(cusp.like == 1.0 / 3);
  BOOST_TEST(cusp.unlike == 0);
}

// r E_L is bounded by a few times E_L without its poles (some 10 here) times r; a cusp wrong by 1 % would leave 0.01.
BOOST_AUTO_TEST_CASE(exact_cusps_leave_no_pole_at_unlike_contact) {
  vmc::AnsatzSettings const ansatz;
  for (int const D : {2, 3}) {
    vmc::System const six{.particles = 6, .dimensions = D, .omega = 0.5};
    vmc::System const two{.particles = 2, .dimensions = D, .omega = 0.5};
    for (double const r : {1e-3, 1e-5}) {
      BOOST_TEST(std::abs(contact_term(six, ansatz, {"gaussian", "pade_jastrow"}, {{0.1}, {-0.7, 0.1}}, 1, 4, r, 31)) < 50 * r);
      BOOST_TEST(std::abs(contact_term(two, ansatz, {"gaussian", "linear_jastrow"}, {{0.1}, {}}, 0, 1, r, 32)) < 50 * r);
    }
    // The limit 1 - (D - 1) b of a cusp that is not exact.
    BOOST_TEST(contact_term(two, ansatz, {"gaussian", "simple_jastrow"}, {{0.1}, {0.3}}, 0, 1, 1e-7, 33) == 1 - (D - 1) * 0.3,
               boost::test_tools::tolerance(1e-5));
  }
}

// r E_L shrinks as r does, whatever the other particles make of E_L. A cusp wrong by 1 % would leave 0.01 of it. Beside a zero
// of first order the terms of E_L are 1 / r^2 and cancel: rounding leaves some 1e-14 / r.
BOOST_AUTO_TEST_CASE(exact_cusps_leave_no_pole_at_like_contact) {
  vmc::AnsatzSettings ansatz;
  ansatz.factors = "slater * pade_jastrow * symmetric_rbm";
  for (int const D : {2, 3}) {
    vmc::System const system{.particles = 6, .dimensions = D, .omega = 0.5};
    auto const machine = noisy_parameters(*make_form(system, ansatz, "symmetric_rbm"), 34, 0.3);
    for (std::size_t const q : {std::size_t{2}, std::size_t{4}}) {
      auto const term = [&](double r) {
        return contact_term(system, ansatz, {"slater", "pade_jastrow", "symmetric_rbm"}, {{0.1}, {-0.7, 0.1}, machine}, 1, q, r,
                            35);
      };
      double const far = term(1e-3);
      BOOST_TEST(std::abs(far) < 0.5);
      BOOST_TEST(std::abs(term(1e-5)) < 0.015 * std::abs(far) + 1e-7, term(1e-5) << " after " << far);
    }
  }
}

BOOST_AUTO_TEST_CASE(one_plus_c_r_has_no_variance_where_it_is_exact) {
  vmc::AnsatzSettings ansatz;
  ansatz.factors = "slater * linear_jastrow";
  ansatz.options.set("slater.width_trainable", false);
  for (int const D : {2, 3})
    for (int const up : {1, 2}) {
      double const omega = up == 1 ? (D == 2 ? 1.0 : 0.5) : (D == 2 ? 1.0 / 3 : 0.25);
      double const exact = up == 1 ? (D == 2 ? 3.0 : 2.0) : (D == 2 ? 4.0 / 3 : 1.25);
      vmc::System const system{.particles = 2, .dimensions = D, .omega = omega, .up = up};
      arma::uword const n = 64;
      auto const X = random_walkers(system, n, 41, 0.01);
      vmc::Columns x(n, X.n_cols), drift(n, X.n_cols), laplacian(n, 1);
      x.assign(X);
      for (std::string const name : {"slater", "linear_jastrow"}) {
        auto const factor = make_form(system, ansatz, name)->make(n);
        factor->set_parameters({});
        factor->refresh(x);
        factor->add_slope(x, drift, laplacian.column(0));
      }
      for (arma::uword k = 0; k < n; ++k) {
        double const slope = arma::norm(drift.matrix().row(k));
        double const square = arma::dot(X.row(k), X.row(k));
        auto const half = static_cast<arma::uword>(D);
        double const r = arma::norm(X(k, arma::span(0, half - 1)) - X(k, arma::span(half, 2 * half - 1)));
        double const energy = -0.5 * (laplacian.column(0)[k] + slope * slope) + 0.5 * omega * omega * square + 1 / r;
        // Rounding of terms as large as the squared slope, which the node and its inverse make.
        BOOST_TEST(std::abs(energy - exact) < 1e-14 * (10 + 1 / r + 10 * slope * slope), energy << " for " << exact);
      }
    }
}

BOOST_AUTO_TEST_CASE(what_they_cannot_do_is_refused) {
  vmc::AnsatzSettings const ansatz;
  vmc::System const line{.particles = 2, .dimensions = 1, .interaction = vmc::Interaction::soft_coulomb, .softening = 0.3};
  for (std::string const name : {"pade_jastrow", "simple_jastrow", "linear_jastrow"})
    BOOST_CHECK_THROW(make_form(line, ansatz, name), InputError);
  BOOST_CHECK_THROW(make_form({.particles = 3}, ansatz, "linear_jastrow"), InputError);
}

BOOST_AUTO_TEST_SUITE_END()
