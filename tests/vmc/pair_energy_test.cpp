#include "fermiac/vmc/pair_energy.hpp"

#include <limits>

#include "fermiac/vmc/ground_state.hpp"
#include "fermiac/vmc/wave_function.hpp"
#include "support/factor_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;
using boost::test_tools::tolerance;

namespace {

struct Parts {
  Real kinetic = 0, trap = 0, interaction = 0;
  Real total() const { return kinetic + trap + interaction; }
};

/// In long double, from E_L (the Laplacian) and J by differences: no formula is shared. The trapezoidal rule for ln r leaves
/// e^(-2 pi (pi / 4) / 0.08) = 1e-26 of a Gaussian about 0, and the integrals below r = e^-45.
template <class Correlation>
Parts reference(vmc::System const& system, Real alpha, Correlation const& J, Real spacing) {
  int const l = vmc::are_like(system, 0, 1) ? 1 : 0;
  Real const D = system.dimensions;
  Real const omega = system.omega;
  Real norm = 0;
  Parts parts;
  for (Real t = -45; t < 6; t += spacing) {
    Real const r = std::exp(t);
    Real const h = r / 100;
    auto const g = [&](Real s) { return -alpha * omega * (r + s) * (r + s) / 4 + J(r + s); };
    Real const first = first_difference(g, h);
    Real const second = second_difference(g, h);
    Real const weight = std::exp((D + 2 * l) * t + 2 * g(0));
    norm += weight;
    parts.kinetic -= weight * (second + first * first + (D - 1 + 2 * l) / r * first);
    parts.trap += weight * omega * omega * r * r / 4;
    if (system.interaction == vmc::Interaction::coulomb) parts.interaction += weight / r;
    if (system.interaction == vmc::Interaction::soft_coulomb)
      parts.interaction += weight / std::sqrt(r * r + Real{system.softening} * system.softening);
  }
  // The centre of mass: mass 2, Psi = exp(-alpha omega R^2).
  return {parts.kinetic / norm + D * alpha * omega / 4, parts.trap / norm + D * omega / (4 * alpha), parts.interaction / norm};
}

using Correlation = std::function<Real(Real r, Reals const& parameters)>;

/// Energies against the reference, every component of the gradient against its differences. Differences of E_L round at
/// 1e-18 (100 / r)^2 r: 1e-14 where it counts.
void check_pair(vmc::System const& system, vmc::AnsatzSettings const& ansatz, arma::vec const& parameters,
                std::function<Real(Reals const&)> const& alpha, Correlation const& J, Real spacing = 0.08L) {
  auto const exact = vmc::pair_energy(system, ansatz, parameters);
  BOOST_TEST_REQUIRE(exact.has_value());
  auto const at = [&](Reals const& p) {
    return reference(
        system, alpha(p), [&](Real r) { return J(r, p); }, spacing);
  };
  Reals const here = to_reals(parameters);
  auto const parts = at(here);
  double const scale = 1e-12 * static_cast<double>(std::abs(parts.kinetic) + parts.trap + parts.interaction);
  check_near(exact->kinetic, parts.kinetic, scale, ansatz.factors + " kinetic");
  check_near(exact->trap, parts.trap, scale, ansatz.factors + " trap");
  check_near(exact->interaction, parts.interaction, scale, ansatz.factors + " interaction");
  check_near(exact->total, parts.total(), scale, ansatz.factors + " total");
  BOOST_TEST_REQUIRE(exact->gradient.n_elem == parameters.n_elem);
  for (arma::uword p = 0; p < parameters.n_elem; ++p) {
    Real const slope = first_difference(
        [&](Real step) {
          Reals changed = here;
          changed[p] += step;
          return at(changed).total();
        },
        0.01L);
    check_near(exact->gradient[p], slope, 10 * scale, ansatz.factors + " gradient " + std::to_string(p));
  }
}

Real cusp(vmc::System const& system) {
  return Real{1} / (vmc::are_like(system, 0, 1) ? system.dimensions + 1 : system.dimensions - 1);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(pair_energy)

BOOST_AUTO_TEST_CASE(equals_another_quadrature_of_another_form) {
  for (int const D : {2, 3})
    for (auto const kind : {vmc::Interaction::coulomb, vmc::Interaction::none, vmc::Interaction::soft_coulomb})
      for (int const up : {1, 2}) {
        vmc::System const system{
            .particles = 2, .dimensions = D, .omega = 0.6, .interaction = kind, .softening = 0.2, .up = up};
        std::string const envelope = up == 2 ? "slater" : "gaussian";
        auto const width = [](Reals const& p) { return std::exp(p[0]); };
        Real const a = cusp(system);
        Real const unit = std::sqrt(Real{system.omega});
        auto const pade = [&](Real r, Reals const& p) { return a * r / (1 + unit * std::exp(p[1]) * r); };
        auto const simple = [](Real r, Reals const& p) { return p[1] * r; };
        check_pair(system, product(envelope + "*pade_jastrow"), {0.2, -0.6}, width, pade);
        check_pair(system, product(envelope + "*simple_jastrow"), {-0.3, 0.4}, width, simple);
        check_pair(system, product(envelope + "*simple_jastrow"), {0.1, -0.7}, width, simple);
        check_pair(system, product(envelope + "*linear_jastrow"), {0.15}, width,
                   [&](Real r, Reals const&) { return std::log1p(a * r); });
        auto trained = product("linear_jastrow*" + envelope + "*pade_jastrow");
        trained.options.set("linear_jastrow.trainable", true);
        check_pair(
            system, trained, {-0.4, 0.3, 0.5}, [](Reals const& p) { return std::exp(p[1]); },
            [&](Real r, Reals const& p) {
              return std::log1p(unit * std::exp(p[0]) * r) + a * r / (1 + unit * std::exp(p[2]) * r);
            });
      }
}

BOOST_AUTO_TEST_CASE(widths_of_several_factors_add) {
  auto ansatz = product("gaussian*slater*pade_jastrow");
  ansatz.options.set("slater.envelope", "on");
  vmc::System const system{.particles = 2, .dimensions = 2, .omega = 0.6, .up = 2};
  Real const unit = std::sqrt(Real{system.omega});
  auto const J = [&](Real r, Reals const& p) { return r / 3 / (1 + unit * std::exp(p.back()) * r); };
  check_pair(
      system, ansatz, {-0.9, -0.3, 0.1}, [](Reals const& p) { return std::exp(p[0]) + std::exp(p[1]); }, J);
  ansatz.options.set("gaussian.width_trainable", false);
  check_pair(
      system, ansatz, {-0.3, 0.1}, [](Reals const& p) { return 1 + std::exp(p[0]); }, J);
  ansatz.options.set("slater.width_trainable", false);
  ansatz.options.set("slater.width", 0.5);
  check_pair(
      system, ansatz, {0.1}, [](Reals const&) { return Real{1.5}; }, J);
  ansatz.options.set("slater.envelope", "auto");
  check_pair(
      system, ansatz, {0.1}, [](Reals const&) { return Real{1}; }, J);
}

BOOST_AUTO_TEST_CASE(one_dimension_and_bosons_are_as_any) {
  auto const width = [](Reals const& p) { return std::exp(p[0]); };
  auto const nothing = [](Real, Reals const&) { return Real{0}; };
  for (int const up : {1, 2})
    check_pair({.particles = 2,
                .dimensions = 1,
                .omega = 1.3,
                .interaction = vmc::Interaction::soft_coulomb,
                .softening = 0.05,
                .up = up},
               product(up == 2 ? "slater" : "gaussian"), {0.2}, width, nothing);
  check_pair({.particles = 2, .dimensions = 3, .omega = 1.3, .statistics = vmc::Statistics::bosons},
             product("gaussian*simple_jastrow"), {0.2, 0.3}, width, [](Real r, Reals const& p) { return p[1] * r; });
}

// Scales of the Jastrow factor far from that of the trap: poles 1e-5 from contact, and |Psi|^2 of width 1 about r = 60.
BOOST_AUTO_TEST_CASE(holds_for_extreme_parameters) {
  auto const width = [](Reals const& p) { return std::exp(p[0]); };
  vmc::System const system{.particles = 2, .dimensions = 2, .omega = 1};
  for (double const log_beta : {-6.0, 6.0, 11.0})
    check_pair(system, product("gaussian*pade_jastrow"), {0.0, log_beta}, width,
               [](Real r, Reals const& p) { return r / (1 + std::exp(p[1]) * r); });
  for (double const b : {-300.0, -20.0, 20.0})
    check_pair(
        system, product("gaussian*simple_jastrow"), {0.0, b}, width, [](Real r, Reals const& p) { return p[1] * r; },
        b > 0 ? 0.004L : 0.08L);
}

BOOST_AUTO_TEST_CASE(eigenfunctions_have_their_eigenvalues_and_no_gradient) {
  struct Case {
    int dimensions;
    int up;
    double omega;
    double energy;
  };
  for (auto const& [D, up, omega, energy] :
       {Case{2, 1, 1, 3}, Case{3, 1, 0.5, 2}, Case{2, 2, 1.0 / 3, 4.0 / 3}, Case{3, 2, 0.25, 1.25}}) {
    vmc::System const system{.particles = 2, .dimensions = D, .omega = omega, .up = up};
    auto ansatz = product(up == 2 ? "slater*linear_jastrow" : "gaussian*linear_jastrow");
    ansatz.options.set("linear_jastrow.trainable", true);
    double const c = static_cast<double>(cusp(system));
    auto const exact = vmc::pair_energy(system, ansatz, {0, std::log(c / std::sqrt(omega))});
    BOOST_TEST(exact->total == energy, tolerance(1e-13));
    BOOST_TEST(arma::abs(exact->gradient).max() < 1e-13);
    // Virial theorem.
    BOOST_TEST(2 * exact->kinetic == 2 * exact->trap - exact->interaction, tolerance(1e-13));
    auto const minimum = vmc::pair_minimum(system, ansatz);
    BOOST_TEST(minimum->energy == energy, tolerance(1e-13));
    BOOST_TEST(minimum->converged);
    ansatz.options.set("linear_jastrow.trainable", false);
    ansatz.options.set(up == 2 ? "slater.width_trainable" : "gaussian.width_trainable", false);
    BOOST_TEST(vmc::pair_minimum(system, ansatz)->energy == energy, tolerance(1e-13));
  }
}

BOOST_AUTO_TEST_CASE(minima_are_those_of_other_programs) {
  struct Row {
    int dimensions;
    double omega;
    double pade, simple;  ///< by scipy, to 1e-6
  };
  for (auto const& [D, omega, pade, simple] :
       {Row{2, 0.1, 0.441325, 0.445740}, Row{2, 1.0 / 6, 0.667197, 0.673312}, Row{2, 0.28, 1.022138, 1.030136},
        Row{2, 0.5, 1.660200, 1.670272}, Row{2, 1, 3.000343, 3.012553}, Row{3, 0.5, 2.000062, 2.002310},
        Row{3, 1, 3.730172, 3.732607}}) {
    vmc::System const system{.particles = 2, .dimensions = D, .omega = omega};
    auto const pade_minimum = vmc::pair_minimum(system, product("gaussian*pade_jastrow"));
    auto const simple_minimum = vmc::pair_minimum(system, product("gaussian*simple_jastrow"));
    BOOST_TEST(pade_minimum->converged);
    BOOST_TEST(simple_minimum->converged);
    BOOST_TEST(std::abs(pade_minimum->energy - pade) < 1.5e-6);
    BOOST_TEST(std::abs(simple_minimum->energy - simple) < 1.5e-6);
    double const floor = vmc::two_electron_ground_state(omega, D);
    BOOST_TEST(pade_minimum->energy > floor);
    BOOST_TEST(simple_minimum->energy > floor);
    // Widths free: the family is closed under scaling where the strength is too.
    auto const at = vmc::pair_energy(system, product("gaussian*simple_jastrow"), simple_minimum->parameters);
    BOOST_TEST(std::abs(2 * at->kinetic - 2 * at->trap + at->interaction) < 1e-8);
  }
}

BOOST_AUTO_TEST_CASE(other_wave_functions_have_none) {
  vmc::System const pair{.particles = 2, .dimensions = 2};
  auto const none = [](vmc::System const& system, std::string const& factors) {
    rng::Stream stream = test_stream(1);
    auto const parameters = vmc::WaveFunction(system, product(factors)).initial_parameters(stream);
    return !vmc::pair_energy(system, product(factors), parameters) && !vmc::pair_minimum(system, product(factors));
  };
  BOOST_TEST(!none(pair, "gaussian*pade_jastrow"));
  BOOST_TEST(none(pair, "rbm"));
  BOOST_TEST(none(pair, "gaussian*rbm*pade_jastrow"));
  BOOST_TEST(none({.particles = 6}, "slater*pade_jastrow"));
  BOOST_TEST(none({.particles = 2, .frequency_ratio = {1, 2, 1}}, "gaussian*pade_jastrow"));
  BOOST_TEST(none({.particles = 2, .trap = vmc::Trap::double_well, .well_distance = 1}, "gaussian*pade_jastrow"));
  BOOST_CHECK_THROW(vmc::pair_energy(pair, product("gaussian*jastrow"), {0.0}), InputError);
  double const nan = std::numeric_limits<double>::quiet_NaN();
  BOOST_CHECK_THROW(vmc::pair_energy(pair, product("gaussian*pade_jastrow"), {0.0, nan}), ItemFailure);
  BOOST_CHECK_THROW(vmc::pair_energy(pair, product("gaussian*pade_jastrow"), {800.0, 0}), ItemFailure);
}

BOOST_AUTO_TEST_SUITE_END()
