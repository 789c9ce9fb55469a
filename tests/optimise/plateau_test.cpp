#include "fermiac/optimise/plateau.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/rng/stream.hpp"

using fermiac::Archive;
using fermiac::optimise::Plateau;
using fermiac::optimise::PlateauOptions;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

fermiac::rng::Stream series(std::uint64_t number) { return {{.key = {20241, 7}}, number}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(plateau)

// Windows (4, 3) and (2, 1): means 3.5 and 1.5, variances 1/2 and 1/2; errors of single energies below that do not count.
BOOST_AUTO_TEST_CASE(change_is_the_one_computed_by_hand) {
  Plateau test({.window = 2, .z = 1});
  for (double const energy : {4.0, 3.0, 2.0}) {
    test.add(energy, 0.1);
    BOOST_TEST(std::isnan(test.change().value));
    BOOST_TEST(std::isnan(test.change().error));
  }
  test.add(1, 0.1);
  BOOST_TEST(test.change().value == -2);
  BOOST_TEST(test.change().error == std::sqrt(0.5), boost::test_tools::tolerance(1e-15));
  // Windows (3, 2) and (1, 1): the second has no spread, its stated error counts.
  test.add(1, 0.1);
  BOOST_TEST(test.change().value == -1.5);
  BOOST_TEST(test.change().error == std::sqrt((0.5 + 0.01) / 2), boost::test_tools::tolerance(1e-15));
}

BOOST_AUTO_TEST_CASE(stated_errors_count_where_they_exceed_the_spread) {
  Plateau test({.window = 2, .z = 1});
  for (double const error : {3.0, 1.0, 1.0, 2.0}) test.add(-7, error);
  BOOST_TEST(test.change().value == 0);
  BOOST_TEST(test.change().error == std::sqrt((5 + 2.5) / 2), boost::test_tools::tolerance(1e-15));
}

BOOST_AUTO_TEST_CASE(constant_energy_converges_after_three_windows_less_one) {
  for (std::uint32_t const W : {2U, 5U, 20U}) {
    Plateau test({.window = W, .z = 0});
    for (std::uint32_t t = 1; t < 3 * W - 1; ++t) BOOST_TEST(!test.add(20.18, 0));
    BOOST_TEST(test.add(20.18, 0));
    BOOST_TEST(!test.add(20.19, 0));
  }
}

BOOST_AUTO_TEST_CASE(tolerance_passes_a_slope_up_to_it_over_a_window) {
  for (double const direction : {-1.0, 1.0}) {
    Plateau within({.window = 8, .tolerance = 8 * 0.25, .z = 0});
    Plateau beyond({.window = 8, .tolerance = 8 * 0.25 - 1e-9, .z = 0});
    for (int t = 0; t < 100; ++t) {
      within.add(direction * 0.25 * t, 0);
      BOOST_TEST(!beyond.add(direction * 0.25 * t, 0));
    }
    BOOST_TEST(within.converged());
  }
}

BOOST_AUTO_TEST_CASE(steady_slope_without_noise_never_passes_for_noise) {
  for (std::uint32_t const W : {2U, 3U, 8U, 50U}) {
    double const largest_z = std::sqrt(1.5 * W * W / (W + 1.0));
    Plateau test({.window = W, .z = largest_z});
    for (std::uint32_t t = 0; t < 6 * W; ++t) BOOST_TEST(!test.add(-1e-3 * t, 0));
    // v = s^2 W (W + 1) / 12
    BOOST_TEST(test.change().error == 1e-3 * std::sqrt((W + 1) / 6.0), boost::test_tools::tolerance(1e-9));
    BOOST_CHECK_THROW(Plateau({.window = W, .z = largest_z * 1.001}), fermiac::InputError);
  }
}

// Stated errors 3/2 of the noise: v is the stated one unless a chi-square of 49 degrees exceeds 110 (1e-6), so that c / e is
// normal with deviation 2/3. Over 2000 series, its mean has error 1/sqrt(2000), its mean square sqrt(2/2000); 6 sigma each.
BOOST_AUTO_TEST_CASE(change_is_normal_with_its_error, *boost::unit_test::label("stat")) {
  constexpr int n_series = 2000;
  double sum = 0;
  double square = 0;
  for (std::uint64_t s = 0; s < n_series; ++s) {
    auto stream = series(s);
    Plateau test({.window = 50});
    for (int t = 0; t < 100; ++t) test.add(3 + 0.01 * stream.normal(), 0.015);
    double const ratio = 1.5 * test.change().value / test.change().error;
    sum += ratio;
    square += ratio * ratio;
  }
  BOOST_TEST(std::abs(sum / n_series) < 6 / std::sqrt(n_series));
  BOOST_TEST(std::abs(square / n_series - 1) < 6 * std::sqrt(2.0 / n_series));
}

// At rest, the first chance is taken with probability at least 1 - 20 P(|Z| > 3) = 0.946 (v only makes it larger); less six
// errors of a share of 2000. Before it there is none.
BOOST_AUTO_TEST_CASE(plateau_is_found_at_once, *boost::unit_test::label("stat")) {
  constexpr int n_series = 2000;
  int n_found = 0;
  for (std::uint64_t s = 0; s < n_series; ++s) {
    auto stream = series(s);
    Plateau test({});
    for (int t = 1; t < 59; ++t) BOOST_REQUIRE(!test.add(3 + 0.01 * stream.normal(), 0.01));
    n_found += test.add(3 + 0.01 * stream.normal(), 0.01) ? 1 : 0;
  }
  BOOST_TEST(n_found > n_series * (0.946 - 6 * std::sqrt(0.946 * 0.054 / n_series)));
}

// Slope 1/5 of the noise: c = -4 +- 0.32; v = 1 + 35 / 25 = 2.4 a window, the two together 4.8 +- 0.7, so that z e =
// 1.47 +- 0.11: still at a given iteration only by a deviation of 7.6 sigma (1e-14), in 40 000 iterations never.
BOOST_AUTO_TEST_CASE(slope_raises_no_false_alarm, *boost::unit_test::label("stat")) {
  for (std::uint64_t s = 0; s < 200; ++s) {
    auto stream = series(s);
    Plateau test({});
    for (int t = 0; t < 200; ++t) BOOST_REQUIRE(!test.add(stream.normal() - 0.2 * t, 1));
  }
}

// With x the excess W - 1 iterations before the verdict, decay time 10, W = 20: c = 19.4 x, e^2 = (2 + 170 x^2) / 20, hence
// |c| <= 3 e with 6 sigma of noise in c (1.9) gives x <= 0.20; since then it has fallen by exp(-1.9), to 0.03. A half more for
// the scatter of v.
BOOST_AUTO_TEST_CASE(decay_is_declared_over_when_what_is_left_is_below_the_noise, *boost::unit_test::label("stat")) {
  for (std::uint64_t s = 0; s < 500; ++s) {
    auto stream = series(s);
    Plateau test({});
    int t = 0;
    double excess = 0;
    do {
      BOOST_REQUIRE(t < 1000);
      excess = 100 * std::exp(-0.1 * t);
      ++t;
    } while (!test.add(excess + stream.normal(), 1));
    BOOST_TEST(excess < 0.045);
  }
}

BOOST_AUTO_TEST_CASE(restored_test_goes_on_with_the_same_bits) {
  PlateauOptions const options{.window = 3, .z = 1};
  for (int cut = 0; cut < 30; ++cut) {
    auto stream = series(3);
    Plateau whole(options);
    Plateau first(options);
    for (int t = 0; t < cut; ++t) {
      double const energy = stream.normal();
      whole.add(energy, 0.5);
      first.add(energy, 0.5);
    }
    Archive archive;
    first.save(archive, "test.");
    Plateau second(options);
    second.restore(archive, "test.");
    for (int t = 0; t < 12; ++t) {
      double const energy = stream.normal();
      BOOST_TEST(whole.add(energy, 0.5) == second.add(energy, 0.5));
      if (cut + t >= 5) {
        BOOST_TEST(whole.change().value == second.change().value);
        BOOST_TEST(whole.change().error == second.change().error);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(state_of_another_window_is_not_taken) {
  Archive archive;
  Plateau({.window = 4, .z = 1}).save(archive, "");
  Plateau other({.window = 5, .z = 1});
  BOOST_CHECK_THROW(other.restore(archive, ""), fermiac::SystemError);
  BOOST_CHECK_THROW(other.restore(Archive(), ""), fermiac::SystemError);
}

BOOST_AUTO_TEST_CASE(fails_the_item_and_keeps_its_state_where_an_energy_is_not_finite) {
  Plateau test({.window = 2, .z = 1});
  for (double const energy : {4.0, 3.0, 2.0, 1.0}) test.add(energy, 0.1);
  for (double const bad : {infinity, -infinity, not_a_number}) {
    BOOST_CHECK_THROW(test.add(bad, 0.1), fermiac::ItemFailure);
    BOOST_CHECK_THROW(test.add(1, bad), fermiac::ItemFailure);
  }
  BOOST_CHECK_THROW(test.add(1, -0.1), fermiac::ItemFailure);
  BOOST_TEST(test.change().value == -2);
}

BOOST_AUTO_TEST_CASE(refuses_options_outside_their_ranges) {
  BOOST_CHECK_THROW(Plateau({.window = 0, .z = 0}), fermiac::InputError);
  BOOST_CHECK_THROW(Plateau({.window = 1, .z = 0}), fermiac::InputError);
  for (double const bad : {-1.0, infinity, not_a_number}) {
    BOOST_CHECK_THROW(Plateau({.tolerance = bad}), fermiac::InputError);
    BOOST_CHECK_THROW(Plateau({.z = bad}), fermiac::InputError);
  }
}

BOOST_AUTO_TEST_SUITE_END()
