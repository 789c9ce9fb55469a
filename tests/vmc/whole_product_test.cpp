// Whole wave functions as studies use them, through the pack that samples them: local energies against differences of their
// logarithm, exchange of particles, the order of walkers.
#include "backflow_twin.hpp"
#include "fermiac/vmc/product_pack.hpp"
#include "jastrow_twins.hpp"
#include "rbm_factor_twin.hpp"
#include "symmetric_rbm_twin.hpp"

using namespace fermiac;
using namespace fermiac::testing;
using namespace fermiac::vmc;

namespace {

/// A product: its factors with their twins and parameters.
struct Whole {
  System system;
  AnsatzSettings ansatz;
  std::vector<FactorCheck> parts;

  std::string const& name() const { return ansatz.factors; }
  arma::vec parameters() const {
    arma::vec all;
    for (auto const& part : parts) all.insert_rows(all.n_elem, part.parameters);
    return all;
  }
  Real log_psi(Reals const& x) const {
    Real sum = 0;
    for (auto const& part : parts) sum += part.log_psi(x, to_reals(part.parameters));
    return sum;
  }
  int sign(Reals const& x) const {
    int product = 1;
    for (auto const& part : parts)
      if (part.sign) product *= part.sign(x, to_reals(part.parameters));
    return product;
  }
};

System dot_of(int particles, int dimensions) {
  return {.particles = particles, .dimensions = dimensions, .omega = 0.7};  // with Coulomb's interaction
}

Whole with_backflow(int particles, int dimensions, std::string const& form, std::uint64_t replicate) {
  auto const system = dot_of(particles, dimensions);
  auto const moved = backflow(system, dimensions == 2 ? plane : space, {form, 2}, replicate);
  auto const machine = symmetric_rbm(system, "pairs", 4, replicate + 1);
  Whole whole{system, moved.ansatz, {moved, pade(system, {-0.7, 0.1}), machine}};
  whole.ansatz.options.set("symmetric_rbm.hidden", std::int64_t{4});
  whole.ansatz.factors = "backflow * pade_jastrow * symmetric_rbm";
  return whole;
}

Whole with_determinants(int particles, int dimensions) {
  auto const system = dot_of(particles, dimensions);
  Whole whole{system, {}, {slater(system, dimensions == 2 ? plane : space), pade(system, {-0.7, 0.1})}};
  whole.ansatz.factors = "slater * pade_jastrow";
  return whole;
}

/// The raw machine knows one particle from another.
Whole with_raw_machine(int particles, int dimensions) {
  auto const system = dot_of(particles, dimensions);
  auto const machine = rbm(system, 3, Convention::sqrt_f, true, 7);
  Whole whole{system, machine.ansatz, {slater(system, dimensions == 2 ? plane : space), machine, pade(system, {-0.7, 0.1})}};
  whole.ansatz.factors = "slater * rbm * pade_jastrow";
  whole.ansatz.options.set("slater.envelope", std::string("on"));
  return whole;
}

std::vector<Whole> antisymmetric_wholes() {
  return {with_determinants(5, 2),           with_determinants(5, 3),        with_backflow(6, 2, "pair", 1),
          with_backflow(5, 2, "network", 2), with_backflow(5, 3, "pair", 3), with_backflow(6, 3, "network", 4)};
}

std::vector<Whole> all_wholes() {
  auto all = antisymmetric_wholes();
  all.push_back(with_raw_machine(5, 2));
  all.push_back(with_raw_machine(4, 3));
  return all;
}

/// All that a pack says of walkers.
struct Said {
  arma::vec log_psi, sign;
  arma::mat drift, energies, derivatives;
};

Said said_of(Whole const& whole, WaveFunction const& wave_function, arma::mat const& X) {
  ProductPack pack(wave_function, Sampler::metropolis, 0, X.n_rows);
  pack.set_parameters(whole.parameters());
  pack.place(X);
  LocalEnergies energies(X.n_rows);
  pack.measure(energies);
  return {pack.log_psi(), pack.sign(), pack.drift(), energies.columns.matrix(), pack.log_derivatives()};
}

/// Particles p and q of every walker in each other's place.
arma::mat exchanged(System const& system, arma::mat X, std::size_t p, std::size_t q) {
  auto const D = static_cast<arma::uword>(system.dimensions);
  for (arma::uword c = 0; c < D; ++c) X.swap_cols(p * D + c, q * D + c);
  return X;
}

/// Calls `work(p, q)` for all pairs of particles of one spin.
template <class Work>
void for_each_like_pair(System const& system, Work const& work) {
  for (std::size_t q = 1; q < static_cast<std::size_t>(system.particles); ++q)
    for (std::size_t p = 0; p < q; ++p)
      if (are_like(system, p, q)) work(p, q);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(whole_products)

// Of walkers that were moved: factors remember, and what they remember is updated.
BOOST_AUTO_TEST_CASE(local_energies_are_differences_of_the_twins_logarithm) {
  for (auto const& whole : all_wholes()) {
    auto const& system = whole.system;
    WaveFunction const wave_function(system, whole.ansatz);
    arma::uword const n_walkers = 9;
    for (auto const sampler : {Sampler::metropolis, Sampler::langevin}) {
      ProductPack pack(wave_function, sampler, 0, n_walkers);
      pack.set_parameters(whole.parameters());
      pack.place(random_walkers(system, n_walkers, 21, 0.2));
      std::uint64_t taken = 0;
      for (std::uint64_t sweep = 1; sweep < 6; ++sweep)
        taken += pack.sweep(sampler == Sampler::langevin ? 0.2 : 1, {{3, 1}, rng::Purpose::test, 5}, sweep);
      BOOST_TEST(taken > n_walkers * static_cast<std::uint64_t>(system.particles));
      LocalEnergies energies(n_walkers);
      pack.measure(energies);
      auto const X = pack.positions();
      auto const drift = pack.drift();
      auto const log_psi = pack.log_psi();
      auto const sign = pack.sign();
      Real const first = whole.log_psi(to_reals(arma::rowvec(X.row(0)))) - log_psi[0];
      for (arma::uword k = 0; k < n_walkers; ++k) {
        Reals const here = to_reals(arma::rowvec(X.row(k)));
        check_near(log_psi[k], whole.log_psi(here) - first, 1e-10 * (1 + std::abs(log_psi[k])), whole.name() + " ln Psi");
        BOOST_TEST(sign[k] * sign[0] == whole.sign(here) * whole.sign(to_reals(arma::rowvec(X.row(0)))));
        double const rho = smooth_length(system, X.row(k), drift.row(k));
        Real curvature = 0;
        Real square = 0;
        Real distance_squared = 0;
        for (arma::uword i = 0; i < X.n_cols; ++i) {
          Line const line = [&](Real t) {
            Reals moved = here;
            moved[i] += t;
            return whole.log_psi(moved);
          };
          Real const slope = first_difference(line, rho / 100);
          check_near(drift(k, i), slope, 1e-10 / rho, whole.name() + " drift");
          square += slope * slope;
          curvature += second_difference(line, rho / 100);
          distance_squared += here[i] * here[i];
        }
        Real repulsion = 0;
        for (std::size_t q = 1; q < static_cast<std::size_t>(system.particles); ++q)
          for (std::size_t p = 0; p < q; ++p) {
            Real apart = 0;
            for (std::size_t c = 0; c < static_cast<std::size_t>(system.dimensions); ++c)
              apart += std::pow(here[p * system.dimensions + c] - here[q * system.dimensions + c], 2);
            repulsion += 1 / std::sqrt(apart);
          }
        Real const omega = system.omega;
        Real const expected = -(curvature + square) / 2 + omega * omega * distance_squared / 2 + repulsion;
        double const plain = energies.term(LocalEnergies::energy)[k] - energies.term(LocalEnergies::control)[k];
        check_near(plain, expected, 1e-10 * static_cast<double>(X.n_cols) / (rho * rho), whole.name() + " E_L");
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(change_sign_and_nothing_else_where_like_particles_are_exchanged) {
  for (auto const& whole : antisymmetric_wholes()) {
    auto const& system = whole.system;
    WaveFunction const wave_function(system, whole.ansatz);
    BOOST_TEST((wave_function.symmetry() == WaveFunction::Symmetry::exact));
    arma::uword const n_walkers = 33;
    auto const X = random_walkers(system, n_walkers, 92, 0.1);
    auto const before = said_of(whole, wave_function, X);
    for_each_like_pair(system, [&](std::size_t p, std::size_t q) {
      auto const after = said_of(whole, wave_function, exchanged(system, X, p, q));
      BOOST_TEST(arma::approx_equal(after.sign, arma::vec(-before.sign), "absdiff", 0));
      arma::mat const drift = exchanged(system, before.drift, p, q);
      for (arma::uword k = 0; k < n_walkers; ++k) {
        // Near a node, rounding is that of its inverse distance, and E_L is a difference of the squares of that.
        double const size = 1 + arma::dot(drift.row(k), drift.row(k));
        check_near(after.log_psi[k], before.log_psi[k], 1e-12 * size, whole.name() + " ln Psi");
        check_near(arma::norm(after.drift.row(k) - drift.row(k)), 0, 1e-12 * size, whole.name() + " drift");
        for (arma::uword t = 0; t < LocalEnergies::n_terms; ++t)
          check_near(after.energies(k, t), before.energies(k, t), 1e-11 * size, whole.name() + " local energy");
      }
    });
    // Unlike ones: another wave function, whose sign says nothing.
    auto const other = said_of(whole, wave_function, exchanged(system, X, 0, static_cast<std::size_t>(system.particles - 1)));
    BOOST_TEST(arma::abs(other.log_psi - before.log_psi).max() > 0.1);
  }
}

BOOST_AUTO_TEST_CASE(of_a_raw_machine_are_flagged_and_not_antisymmetric) {
  for (auto const& whole : {with_raw_machine(5, 2), with_raw_machine(4, 3)}) {
    auto const& system = whole.system;
    WaveFunction const wave_function(system, whole.ansatz);
    BOOST_TEST((wave_function.symmetry() == WaveFunction::Symmetry::none));
    arma::uword const n_walkers = 33;
    auto const X = random_walkers(system, n_walkers, 93, 0.1);
    auto const before = said_of(whole, wave_function, X);
    for_each_like_pair(system, [&](std::size_t p, std::size_t q) {
      auto const after = said_of(whole, wave_function, exchanged(system, X, p, q));
      // The sign is the determinants', but neither |Psi| nor E_L stays what it was, in any walker.
      BOOST_TEST(arma::approx_equal(after.sign, arma::vec(-before.sign), "absdiff", 0));
      BOOST_TEST(arma::abs(after.log_psi - before.log_psi).min() > 1e-6);
      BOOST_TEST(arma::abs(after.log_psi - before.log_psi).max() > 0.1);
      arma::vec const difference =
          arma::abs(after.energies.col(LocalEnergies::energy) - before.energies.col(LocalEnergies::energy));
      BOOST_TEST(difference.min() > 1e-6);
      BOOST_TEST(difference.max() > 0.1);
    });
  }
}

BOOST_AUTO_TEST_CASE(say_the_same_of_walkers_in_any_order_and_alone) {
  for (auto const& whole : all_wholes()) {
    WaveFunction const wave_function(whole.system, whole.ansatz);
    auto const said = [&](arma::mat const& X) {
      auto const s = said_of(whole, wave_function, X);
      return arma::mat(arma::join_rows(arma::join_rows(s.log_psi, s.sign, s.drift), s.energies, s.derivatives));
    };
    arma::uword const n_walkers = 17;
    auto const X = random_walkers(whole.system, n_walkers, 94, 0.1);
    arma::uvec order(n_walkers);
    for (arma::uword k = 0; k < n_walkers; ++k) order[k] = (5 * k + 3) % n_walkers;
    auto const straight = said(X);
    BOOST_TEST(arma::approx_equal(said(X.rows(order)), arma::mat(straight.rows(order)), "absdiff", 0), whole.name());
    BOOST_TEST(arma::approx_equal(said(X.rows(4, 5)), arma::mat(straight.rows(4, 5)), "absdiff", 0), whole.name());
    BOOST_TEST(arma::approx_equal(said(X.row(11)), arma::mat(straight.row(11)), "absdiff", 0), whole.name());
    BOOST_TEST(said(arma::mat(0, X.n_cols)).n_rows == 0U);
  }
}

BOOST_AUTO_TEST_SUITE_END()
