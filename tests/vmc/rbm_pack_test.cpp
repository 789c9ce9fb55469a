#include "fermiac/vmc/rbm_pack.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

#include "fermiac/base/error.hpp"
#include "fermiac/base/sha256.hpp"
#include "random_machine.hpp"
#include "support/rbm_twin.hpp"

using namespace fermiac;
using namespace fermiac::testing;

namespace {

/// Every combination that has kernels of its own: dimensions, compiled and other numbers of hidden units, conventions,
/// interactions; the sizes of packs around those of lanes, tiles and vectors.
template <class Body>
void for_each_setting(Body const& body) {
  std::uint32_t replicate = 0;
  for (int const dimensions : {1, 2, 3})
    for (arma::uword const hidden : {0U, 1U, 2U, 3U, 4U, 10U})
      for (Convention const convention : {Convention::sqrt_f, Convention::f})
        for (Interaction const interaction : {Interaction::none, Interaction::coulomb, Interaction::soft_coulomb}) {
          if (dimensions == 1 && interaction == Interaction::coulomb) continue;
          ++replicate;
          body(setting(replicate % 4 == 0 ? 3 : 2, dimensions, hidden, convention, interaction, replicate % 2 == 0, replicate),
               replicate);
        }
}

#define CHECK_NEAR(a, b, scale) \
  BOOST_TEST(std::abs(static_cast<Real>(a) - (b)) <= 1e-13L * (scale), #a << " " << (a) << " against " << (b))

}  // namespace

BOOST_AUTO_TEST_SUITE(rbm_pack)

BOOST_AUTO_TEST_CASE(equals_its_scalar_twin_at_odd_sizes) {
  for_each_setting([](Setting const& s, std::uint32_t replicate) {
    for (arma::uword const n_walkers : {0U, 1U, 2U, 17U, 130U}) {
      RbmPack pack(s.system, s.shape, 0, n_walkers);
      pack.set_parameters(s.parameters);
      Numbers numbers(1000 + replicate);
      auto const X = numbers.matrix(n_walkers, s.shape.n_coordinates, 2);
      pack.place(X);
      RbmTwin const twin(s.system, s.shape, s.parameters);
      LocalEnergies energies(n_walkers);
      DerivativeSums sums(s.shape.n_parameters(), true);
      pack.measure(energies, &sums);
      auto const log_psi = pack.log_psi();
      auto const drift = pack.drift();
      auto const laplacian = pack.laplacian();
      auto const O = pack.log_derivatives();
      arma::uword const K = s.shape.n_parameters();

      // Sums of long doubles from the twin, against the lanes' totals.
      std::vector<Real> expected(DerivativeSums::n_columns(s.shape.n_parameters(), true), 0);
      Real const scale_a = static_cast<Real>(exponent(s.shape.convention)) / s.parameters.sigma_squared;
      for (arma::uword k = 0; k < n_walkers; ++k) {
        auto const x = row(X, k);
        auto const e = twin.energies(x);
        Real const size = 10 + std::abs(e.interaction) + std::abs(e.control) + std::abs(e.kinetic);
        CHECK_NEAR(log_psi[k], twin.log_psi(x), 30.0L);
        CHECK_NEAR(laplacian[k], twin.laplacian(x), 30.0L);
        CHECK_NEAR(energies.term(LocalEnergies::energy)[k], e.energy(), size);
        CHECK_NEAR(energies.term(LocalEnergies::kinetic)[k], e.kinetic, size);
        CHECK_NEAR(energies.term(LocalEnergies::kinetic_from_gradient)[k], e.kinetic_from_gradient, size);
        CHECK_NEAR(energies.term(LocalEnergies::trap)[k], e.trap, size);
        CHECK_NEAR(energies.term(LocalEnergies::interaction)[k], e.interaction, size);
        CHECK_NEAR(energies.term(LocalEnergies::control)[k], e.control, size);
        CHECK_NEAR(energies.term(LocalEnergies::stein)[k], e.stein, size);
        auto const f = twin.drift(x);
        for (arma::uword i = 0; i < f.size(); ++i) CHECK_NEAR(drift(k, i), f[i], 30.0L);
        auto const expected_O = twin.log_derivatives(x);
        for (arma::uword p = 0; p < K; ++p) CHECK_NEAR(O(k, p), expected_O[p], 100.0L);

        // Features, and their slope along grad G by a central difference of the twin's own derivatives.
        std::vector<Real> phi(K);
        std::vector<Real> slope(K, 0);
        auto const G = twin.pair_gradient(x);
        Real const h = 1e-6L;
        auto forward = x;
        auto backward = x;
        for (std::size_t i = 0; i < x.size(); ++i) {
          forward[i] += h * G[i];
          backward[i] -= h * G[i];
        }
        auto const O_forward = twin.log_derivatives(forward);
        auto const O_backward = twin.log_derivatives(backward);
        auto const M = s.shape.n_coordinates;
        auto const H = s.shape.n_hidden;
        for (arma::uword p = 0; p < K; ++p) {
          bool const over_width = p < M || (p >= M + H && p < M + H + M * H);
          Real const scale = over_width ? scale_a : static_cast<Real>(exponent(s.shape.convention));
          phi[p] = expected_O[p] / scale + (p < M ? static_cast<Real>(s.parameters.a[p]) : 0);
          slope[p] = (O_forward[p] - O_backward[p]) / (2 * h) / scale;
        }
        expected[0] += e.energy();
        arma::uword column = 1 + 2 * K;
        for (arma::uword p = 0; p < K; ++p) {
          expected[1 + p] += phi[p];
          expected[1 + K + p] += e.energy() * phi[p] - slope[p] / 2;
          for (arma::uword l = 0; l <= p; ++l) expected[column++] += phi[p] * phi[l];
        }
      }
      auto const total = sums.total();
      BOOST_TEST_REQUIRE(total.n_elem == expected.size());
      // The central difference is good to 1e-10.
      for (arma::uword c = 0; c < total.n_elem; ++c)
        BOOST_TEST(std::abs(total[c] - expected[c]) <= 1e-9L * (1 + 10 * n_walkers), "sum " << c << " of " << n_walkers);

      // Without products the other sums are the same bits.
      DerivativeSums fewer(s.shape.n_parameters(), false);
      pack.measure(energies, &fewer);
      auto const fewer_total = fewer.total();
      for (arma::uword c = 0; c < fewer_total.n_elem; ++c) BOOST_TEST(fewer_total[c] == total[c]);
    }
  });
}

BOOST_AUTO_TEST_CASE(drift_and_laplacian_are_finite_differences_of_log_psi) {
  for_each_setting([](Setting const& s, std::uint32_t replicate) {
    RbmPack pack(s.system, s.shape, 0, 3);
    pack.set_parameters(s.parameters);
    auto const X = Numbers(2000 + replicate).matrix(3, s.shape.n_coordinates, 1.5);
    pack.place(X);
    RbmTwin const twin(s.system, s.shape, s.parameters);
    auto const drift = pack.drift();
    auto const laplacian = pack.laplacian();
    for (arma::uword k = 0; k < 3; ++k) {
      Real const h = 1e-4L;
      Real second = 0;
      for (arma::uword i = 0; i < s.shape.n_coordinates; ++i) {
        auto x = row(X, k);
        Real const here = twin.log_psi(x);
        x[i] += h;
        Real const forward = twin.log_psi(x);
        x[i] -= 2 * h;
        Real const backward = twin.log_psi(x);
        // Error h^2 / 6 times a third derivative of order 1.
        BOOST_TEST(std::abs(drift(k, i) - (forward - backward) / (2 * h)) < 1e-7L);
        second += (forward + backward - 2 * here) / (h * h);
      }
      BOOST_TEST(std::abs(laplacian[k] - second) < 1e-6L);
    }
  });
}

BOOST_AUTO_TEST_CASE(log_derivatives_are_finite_differences_in_each_parameter) {
  for_each_setting([](Setting const& s, std::uint32_t replicate) {
    RbmPack pack(s.system, s.shape, 0, 2);
    pack.set_parameters(s.parameters);
    auto const X = Numbers(3000 + replicate).matrix(2, s.shape.n_coordinates, 1.5);
    pack.place(X);
    auto const O = pack.log_derivatives();
    auto const flat = flatten(s.shape, s.parameters);
    double const h = 1e-5;
    for (arma::uword p = 0; p < flat.n_elem; ++p) {
      auto moved = flat;
      moved[p] += h;
      RbmTwin const above(s.system, s.shape, unflatten(s.shape, moved, s.parameters.sigma_squared));
      moved[p] = flat[p] - h;
      RbmTwin const below(s.system, s.shape, unflatten(s.shape, moved, s.parameters.sigma_squared));
      for (arma::uword k = 0; k < 2; ++k)
        BOOST_TEST(std::abs(O(k, p) - (above.log_psi(row(X, k)) - below.log_psi(row(X, k))) / (2 * h)) < 1e-7L,
                   "parameter " << p);
    }
  });
}

/// Four sweeps of 133 walkers against the twin, which decides by |Psi'/Psi|^2 in long double; only a u within rounding of the
/// ratio could decide otherwise.
void check_moves(Setting const& s, std::uint32_t replicate, double step, double size) {
  std::uint32_t const first_walker = 5;
  arma::uword const n_walkers = 133;
  RbmPack pack(s.system, s.shape, first_walker, n_walkers);
  pack.set_parameters(s.parameters);
  auto X = Numbers(4000 + replicate).matrix(n_walkers, s.shape.n_coordinates, size);
  pack.place(X);
  RbmTwin const twin(s.system, s.shape, s.parameters);
  MoveStream const stream{{3, 4}, rng::Purpose::test, replicate};
  auto const D = static_cast<arma::uword>(s.system.dimensions);
  auto const N = static_cast<arma::uword>(s.system.particles);
  for (std::uint64_t sweep = 62; sweep < 66; ++sweep) {
    std::uint64_t const accepted = pack.sweep(step, stream, sweep);
    std::uint64_t expected = 0;
    for (arma::uword k = 0; k < n_walkers; ++k)
      for (arma::uword p = 0; p < N; ++p) {
        auto const block =
            rng::philox(stream.key, rng::make_counter(stream.purpose, replicate, first_walker + k, sweep * N + p));
        auto const x = row(X, k);
        auto moved = x;
        for (arma::uword c = 0; c < D; ++c) moved[p * D + c] += step * (Real{rng::uniform_of(block[c])} - 0.5L);
        Real const ratio = std::exp(2 * (twin.log_psi(moved) - twin.log_psi(x)));
        if (Real{rng::uniform_of(block[3])} < ratio) {
          ++expected;
          for (arma::uword c = 0; c < D; ++c) X(k, p * D + c) += step * (rng::uniform_of(block[c]) - 0.5);
        }
      }
    BOOST_TEST(accepted == expected);
    BOOST_TEST(arma::abs(pack.positions() - X).max() < 1e-14 * (30 + size + step));
  }
}

BOOST_AUTO_TEST_CASE(moves_follow_the_rule_with_the_words_of_their_own_block) {
  for_each_setting([](Setting const& s, std::uint32_t replicate) {
    check_moves(s, replicate, 1.7, 1.5);
    check_moves(s, replicate, 0.2, 1.5);  // no theta changes by ln 2
  });
}

BOOST_AUTO_TEST_CASE(moves_follow_the_rule_on_both_sides_of_near_and_far) {
  for (int const dimensions : {1, 2, 3})
    for (Convention const convention : {Convention::sqrt_f, Convention::f}) {
      auto s = setting(2, dimensions, 5, convention, Interaction::none, false, 90);
      check_moves(s, 91, 500, 1.5);  // one step may change theta by hundreds
      check_moves(s, 92, 1.7, 100);  // some walkers are far
      // ln P about that of the border, 300 ln 2 = 208, so that walkers cross it while they move.
      s.parameters.b.fill(208.0 / 5 - 1.5);
      s.parameters.W *= 0.1;
      check_moves(s, 93, 1.7, 1.5);
      s.parameters.b.fill(208.0 / 5 - 0.2);
      check_moves(s, 94, 1.7, 1.5);
    }
}

BOOST_AUTO_TEST_CASE(a_far_walker_changes_the_others_by_rounding_only) {
  for (bool const sigma_trainable : {false, true})
    for (Convention const convention : {Convention::sqrt_f, Convention::f}) {
      auto const s = setting(2, 2, 7, convention, Interaction::coulomb, sigma_trainable, 95);
      arma::uword const n_walkers = 40;
      auto X = Numbers(96).matrix(n_walkers, 4, 1.5);
      std::vector<arma::mat> energies;
      std::vector<arma::mat> others;
      for (double const last : {1.0, 1e4}) {
        X(n_walkers - 1, 0) = last;
        RbmPack pack(s.system, s.shape, 0, n_walkers);
        pack.set_parameters(s.parameters);
        pack.place(X);
        LocalEnergies measured(n_walkers);
        pack.measure(measured);
        energies.push_back(measured.columns.matrix().head_rows(n_walkers - 1));
        others.push_back(arma::join_rows(pack.log_derivatives(), pack.drift(), pack.log_psi()).eval().head_rows(n_walkers - 1));
      }
      BOOST_TEST(!arma::approx_equal(energies[0], energies[1], "absdiff", 0));  // two forms indeed
      BOOST_TEST(arma::approx_equal(energies[0], energies[1], "both", 1e-12, 1e-12));
      BOOST_TEST(arma::approx_equal(others[0], others[1], "both", 1e-12, 1e-12));
    }
}

BOOST_AUTO_TEST_CASE(has_the_same_bits_in_every_build) {
  std::vector<double> bits;
  for (auto const& [particles, last, step] : {std::tuple{3, 1.0, 1.5}, {3, 1e3, 1.5}, {2, 1.0, 0.2}})
    for (int const dimensions : {1, 2, 3}) {
      auto const s =
          setting(particles, dimensions, 7, dimensions == 2 ? Convention::f : Convention::sqrt_f,
                  dimensions == 1 ? Interaction::soft_coulomb : Interaction::coulomb, particles == 3 && dimensions == 3, 97);
      arma::uword const n_walkers = 149;
      RbmPack pack(s.system, s.shape, 0, n_walkers);
      pack.set_parameters(s.parameters);
      auto X = Numbers(98).matrix(n_walkers, s.shape.n_coordinates, 1.5);
      X(n_walkers - 1, 0) = last;
      pack.place(X);
      MoveStream const stream{{5, 6}, rng::Purpose::test, 1};
      LocalEnergies energies(n_walkers);
      DerivativeSums sums(s.shape.n_parameters(), true);
      auto const keep = [&](arma::mat const& values) { bits.insert(bits.end(), values.begin(), values.end()); };
      for (std::uint64_t sweep = 1; sweep < 9; ++sweep) {
        pack.sweep(step, stream, sweep);
        pack.measure(energies, &sums);
      }
      keep(pack.positions());
      keep(energies.columns.matrix());
      keep(sums.total());
      for (std::uint64_t sweep = 0; sweep < 3; ++sweep) pack.gibbs_sweep(stream, sweep);
      pack.measure(energies);
      keep(pack.positions());
      keep(energies.columns.matrix());
    }
  BOOST_TEST(hexadecimal(sha256(std::as_bytes(std::span(bits)))) ==
             "9dc5a6cde7b39a75609df9196aaf42e2b1e1ea344ceb806e9eadfc9872d4b3ee");
}

BOOST_AUTO_TEST_CASE(state_kept_by_increments_equals_a_fresh_one_to_rounding) {
  auto const s = setting(2, 2, 10, Convention::f, Interaction::coulomb, false, 11);
  RbmPack pack(s.system, s.shape, 0, 32);
  pack.set_parameters(s.parameters);
  pack.place(Numbers(12).matrix(32, 4, 1));
  for (std::uint64_t sweep = 1; sweep < 64; ++sweep) pack.sweep(1.5, {{1, 1}, rng::Purpose::test, 0}, sweep);
  LocalEnergies kept(32);
  pack.measure(kept);
  pack.refresh();
  LocalEnergies fresh(32);
  pack.measure(fresh);
  // 63 sweeps, each adding a rounding of 2^-53 relative to theta of order 5.
  for (arma::uword k = 0; k < 32; ++k)
    BOOST_TEST(std::abs(kept.term(LocalEnergies::kinetic)[k] - fresh.term(LocalEnergies::kinetic)[k]) < 1e-12);
}

BOOST_AUTO_TEST_CASE(permuting_walkers_permutes_results) {
  auto const s = setting(2, 3, 4, Convention::f, Interaction::coulomb, true, 21);
  arma::uword const n_walkers = 77;
  auto const X = Numbers(22).matrix(n_walkers, 6, 1.5);
  arma::uvec order(n_walkers);
  for (arma::uword k = 0; k < n_walkers; ++k) order[k] = (k * 31 + 5) % n_walkers;
  RbmPack pack(s.system, s.shape, 0, n_walkers);
  RbmPack permuted(s.system, s.shape, 0, n_walkers);
  pack.set_parameters(s.parameters);
  permuted.set_parameters(s.parameters);
  pack.place(X);
  permuted.place(X.rows(order));
  LocalEnergies energies(n_walkers);
  LocalEnergies energies_permuted(n_walkers);
  pack.measure(energies);
  permuted.measure(energies_permuted);
  BOOST_TEST(arma::approx_equal(energies.columns.matrix().rows(order), energies_permuted.columns.matrix(), "absdiff", 0));
  BOOST_TEST(arma::approx_equal(arma::mat(pack.drift().rows(order)), permuted.drift(), "absdiff", 0));
}

BOOST_AUTO_TEST_CASE(walkers_move_alike_however_they_are_dealt_to_packs) {
  for (arma::uword const hidden : {2U, 3U, 10U}) {
    auto const s = setting(2, 2, hidden, Convention::sqrt_f, Interaction::coulomb, false, 31);
    auto const X = Numbers(32).matrix(150, 4, 1.5);
    MoveStream const stream{{9, 9}, rng::Purpose::test, 2};
    RbmPack whole(s.system, s.shape, 0, 150);
    whole.set_parameters(s.parameters);
    whole.place(X);
    for (std::uint64_t sweep = 0; sweep < 10; ++sweep) whole.sweep(1.5, stream, sweep);
    arma::mat parts(0, 4);
    arma::uword first = 0;
    for (arma::uword const n_walkers : {1U, 63U, 64U, 22U}) {
      RbmPack part(s.system, s.shape, static_cast<std::uint32_t>(first), n_walkers);
      part.set_parameters(s.parameters);
      part.place(X.rows(arma::span(first, first + n_walkers - 1)));
      for (std::uint64_t sweep = 0; sweep < 10; ++sweep) part.sweep(1.5, stream, sweep);
      parts = arma::join_cols(parts, part.positions());
      first += n_walkers;
    }
    BOOST_TEST(arma::approx_equal(parts, whole.positions(), "absdiff", 0));
  }
}

BOOST_AUTO_TEST_CASE(saturated_hidden_units_are_exact) {
  // theta = +-800 by the biases: e underflows, A carries it.
  for (arma::uword const hidden : {2U, 3U})
    for (Convention const convention : {Convention::sqrt_f, Convention::f}) {
      auto s = setting(2, 2, hidden, convention, Interaction::coulomb, false, 41);
      s.parameters.b[0] = 800;
      s.parameters.b[1] = -800;
      RbmPack pack(s.system, s.shape, 0, 17);
      pack.set_parameters(s.parameters);
      auto const X = Numbers(42).matrix(17, 4, 1.5);
      pack.place(X);
      RbmTwin const twin(s.system, s.shape, s.parameters);
      LocalEnergies energies(17);
      pack.measure(energies);
      auto const log_psi = pack.log_psi();
      for (arma::uword k = 0; k < 17; ++k) {
        auto const e = twin.energies(row(X, k));
        CHECK_NEAR(log_psi[k], twin.log_psi(row(X, k)), 2000.0L);
        CHECK_NEAR(energies.term(LocalEnergies::kinetic)[k], e.kinetic, 2000.0L);
      }
      std::uint64_t accepted = 0;
      for (std::uint64_t sweep = 0; sweep < 20; ++sweep) accepted += pack.sweep(1.5, {{1, 5}, rng::Purpose::test, 0}, sweep);
      BOOST_TEST(accepted > 100U);
      BOOST_TEST(pack.positions().is_finite());
    }
}

BOOST_AUTO_TEST_CASE(hundreds_of_hidden_units_do_not_overflow) {
  // Twice as many units as P may hold factors, all near theta = 0, where each doubles P: 2^600 squared is beyond a double.
  auto s = setting(2, 2, 600, Convention::f, Interaction::coulomb, false, 51);
  s.parameters.b.zeros();
  s.parameters.W *= 1e-3;
  RbmPack pack(s.system, s.shape, 0, 5);
  pack.set_parameters(s.parameters);
  auto const X = Numbers(52).matrix(5, 4, 1.5);
  pack.place(X);
  RbmTwin const twin(s.system, s.shape, s.parameters);
  auto const log_psi = pack.log_psi();
  for (arma::uword k = 0; k < 5; ++k) CHECK_NEAR(log_psi[k], twin.log_psi(row(X, k)), 3000.0L);
  std::uint64_t accepted = 0;
  for (std::uint64_t sweep = 0; sweep < 100; ++sweep) accepted += pack.sweep(1.5, {{1, 5}, rng::Purpose::test, 0}, sweep);
  BOOST_TEST(accepted > 100U);
  BOOST_TEST(accepted < 1000U);
  auto const positions = pack.positions();
  auto const log_psi_after = pack.log_psi();
  for (arma::uword k = 0; k < 5; ++k) CHECK_NEAR(log_psi_after[k], twin.log_psi(row(positions, k)), 3000.0L);
}

BOOST_AUTO_TEST_CASE(coincident_particles_and_huge_coordinates_behave_as_documented) {
  auto const s = setting(2, 2, 2, Convention::sqrt_f, Interaction::coulomb, false, 61);
  RbmPack pack(s.system, s.shape, 0, 4);
  pack.set_parameters(s.parameters);
  arma::mat X = Numbers(62).matrix(4, 4, 1.5);
  X.row(0) = arma::rowvec{0.5, -0.25, 0.5, -0.25};
  X(1, 0) = 1e200;
  X(2, 0) = 1e100;
  pack.place(X);
  LocalEnergies energies(4);
  pack.measure(energies);
  BOOST_TEST(energies.term(LocalEnergies::interaction)[0] == std::numeric_limits<double>::infinity());
  BOOST_TEST(std::isnan(energies.term(LocalEnergies::energy)[0]));
  BOOST_TEST(!std::isfinite(energies.term(LocalEnergies::energy)[1]));
  BOOST_TEST(std::isfinite(energies.term(LocalEnergies::energy)[2]));
  BOOST_TEST(std::isfinite(energies.term(LocalEnergies::energy)[3]));
}

BOOST_AUTO_TEST_CASE(a_gaussian_in_its_trap_has_no_variance) {
  // a = b = W = 0 at the natural width: E_L = particles dimensions omega / 2 everywhere; sums of terms up to 40 round at 1e-14.
  for (int const dimensions : {1, 2, 3})
    for (Convention const convention : {Convention::sqrt_f, Convention::f}) {
      double const omega = 0.7;
      arma::uword const M = static_cast<arma::uword>(2 * dimensions);
      RbmShape const shape{M, 2, convention, false};
      RbmPack pack({2, dimensions, omega, Interaction::none, 0}, shape, 0, 50);
      pack.set_parameters({arma::vec(M, arma::fill::zeros), arma::vec(2, arma::fill::zeros), arma::mat(M, 2, arma::fill::zeros),
                           exponent(convention) / omega});
      pack.place(Numbers(71).matrix(50, M, 3));
      LocalEnergies energies(50);
      pack.measure(energies);
      for (arma::uword k = 0; k < 50; ++k)
        BOOST_TEST(std::abs(energies.term(LocalEnergies::energy)[k] - static_cast<double>(dimensions) * omega) < 2e-14);
    }
}

BOOST_AUTO_TEST_CASE(the_slope_of_the_energy_is_made_of_covariances) {
  auto const s = setting(2, 2, 3, Convention::f, Interaction::none, true, 81);
  RbmPack pack(s.system, s.shape, 0, 40);
  pack.set_parameters(s.parameters);
  pack.place(Numbers(82).matrix(40, 4, 1.5));
  LocalEnergies energies(40);
  DerivativeSums sums(s.shape.n_parameters(), true);
  pack.measure(energies, &sums);
  auto const slope = energy_slope(sums.total(), 40, pack.feature_scale());
  arma::vec const E = energies.columns.matrix().col(LocalEnergies::energy);
  auto const O = pack.log_derivatives();
  BOOST_TEST(std::abs(slope.energy - arma::mean(E)) < 1e-13);
  arma::vec const gradient = 2 * arma::cov(O, E, 1);
  BOOST_TEST(arma::abs(slope.gradient - gradient).max() < 1e-11);
  BOOST_TEST(arma::abs(slope.S - arma::cov(O, 1)).max() < 1e-11);
}

BOOST_AUTO_TEST_CASE(machines_of_the_wrong_size_are_refused) {
  BOOST_CHECK_THROW(RbmPack({2, 2, 1, Interaction::coulomb, 0}, {5, 2, Convention::f, false}, 0, 4), InputError);
  BOOST_CHECK_THROW(RbmPack({2, 1, 1, Interaction::coulomb, 0}, {2, 2, Convention::f, false}, 0, 4), InputError);
}

BOOST_AUTO_TEST_SUITE_END()
