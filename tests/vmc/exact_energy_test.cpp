#include "fermiac/vmc/exact_energy.hpp"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "fermiac/base/error.hpp"

using boost::test_tools::tolerance;
using fermiac::vmc::Convention;
using fermiac::vmc::exact_energy;
using fermiac::vmc::ExactEnergy;
using fermiac::vmc::exponent;
using fermiac::vmc::flatten;
using fermiac::vmc::Interaction;
using fermiac::vmc::RbmParameters;
using fermiac::vmc::RbmShape;
using fermiac::vmc::System;
using fermiac::vmc::unflatten;

namespace {

constexpr Convention conventions[] = {Convention::sqrt_f, Convention::f};

RbmShape shape_of(System const& system, arma::uword n_hidden, Convention convention, bool sigma_trainable = false) {
  return {static_cast<arma::uword>(system.particles * system.dimensions), n_hidden, convention, sigma_trainable};
}

double uniform(std::mt19937_64& source) { return std::ldexp(static_cast<double>(source() >> 11), -52) - 1; }

RbmParameters random_parameters(RbmShape const& shape, double sigma_squared, unsigned seed, double size = 1) {
  std::mt19937_64 source(seed);
  RbmParameters parameters;
  parameters.a.set_size(shape.n_coordinates);
  parameters.b.set_size(shape.n_hidden);
  parameters.W.set_size(shape.n_coordinates, shape.n_hidden);
  for (double& value : parameters.a) value = 0.7 * uniform(source);
  for (double& value : parameters.b) value = uniform(source);
  for (double& value : parameters.W) value = size * uniform(source);
  parameters.sigma_squared = sigma_squared;
  return parameters;
}

void same_energies(ExactEnergy const& found, ExactEnergy const& expected, double relative) {
  BOOST_TEST(found.total == expected.total, tolerance(relative));
  BOOST_TEST(found.kinetic == expected.kinetic, tolerance(relative));
  BOOST_TEST(found.trap == expected.trap, tolerance(relative));
  BOOST_TEST(found.interaction == expected.interaction, tolerance(relative));
}

// The integrals on a grid over all coordinates, from the definition of F alone. The trapezoidal rule converges exponentially
// for these functions: |Psi|^2 has Gaussians of variance sigma^2 / 2 at least, the nearest poles are those of the logistic
// functions at pi sigma^2 / |W| and of the soft interaction at its softening, off the real axes.
ExactEnergy energy_on_a_grid(System const& system, RbmShape const& shape, RbmParameters const& p, double reach, double h) {
  auto const M = shape.n_coordinates;
  auto const d = static_cast<arma::uword>(system.dimensions);
  auto const half = static_cast<int>(std::ceil(reach / h));
  std::vector<int> index(M, -half);
  double norm = 0;
  ExactEnergy sum;
  for (;;) {
    arma::vec x(M);
    for (arma::uword i = 0; i < M; ++i) x[i] = index[i] * h;
    arma::vec const theta = p.b + p.W.t() * x / p.sigma_squared;
    arma::vec gradient = -(x - p.a) / p.sigma_squared;  // of ln F
    double log_F = -arma::accu(arma::square(x - p.a)) / (2 * p.sigma_squared);
    for (arma::uword j = 0; j < shape.n_hidden; ++j) {
      log_F += std::log1p(std::exp(theta[j]));
      gradient += p.W.col(j) / (p.sigma_squared * (1 + std::exp(-theta[j])));
    }
    double const density = std::exp(2 * exponent(shape.convention) * log_F);
    norm += density;
    sum.kinetic += density * 0.5 * std::pow(exponent(shape.convention), 2) * arma::accu(arma::square(gradient));
    sum.trap += density * 0.5 * system.omega * system.omega * arma::accu(arma::square(x));
    if (system.interaction == Interaction::soft_coulomb)
      for (arma::uword k = 0; k < M; k += d)
        for (arma::uword l = k + d; l < M; l += d) {
          double const square = arma::accu(arma::square(x.subvec(k, k + d - 1) - x.subvec(l, l + d - 1)));
          sum.interaction += density / std::sqrt(square + system.softening * system.softening);
        }
    arma::uword i = 0;
    while (i < M && ++index[i] > half) index[i++] = -half;
    if (i == M) break;
  }
  sum.kinetic /= norm;
  sum.trap /= norm;
  sum.interaction /= norm;
  sum.total = sum.kinetic + sum.trap + sum.interaction;
  return sum;
}

System dot(int particles, int dimensions, Interaction interaction) {
  return {particles, dimensions, 0.8, interaction, interaction == Interaction::soft_coulomb ? 0.6 : 0};
}

bool has_energy(int dimensions, Interaction interaction) { return dimensions > 1 || interaction != Interaction::coulomb; }

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

constexpr Interaction interactions[] = {Interaction::none, Interaction::coulomb, Interaction::soft_coulomb};

}  // namespace

BOOST_AUTO_TEST_SUITE(exact_energies)

// T = m M / (8 sigma^2), V = omega^2 (|a|^2 + M sigma^2 / m) / 2, Coulomb of two Gaussians in one place.
BOOST_AUTO_TEST_CASE(of_a_gaussian_are_the_closed_form) {
  for (auto const convention : conventions) {
    double const m = convention == Convention::sqrt_f ? 1 : 2;
    for (arma::uword const H : {0, 3}) {
      System const system{2, 2, 0.5, Interaction::coulomb, 0};
      auto const shape = shape_of(system, H, convention, true);
      RbmParameters parameters{arma::vec{0.3, -0.4, 0.3, -0.4}, arma::vec(H, arma::fill::ones),
                               arma::mat(4, H, arma::fill::zeros), 1.7};
      auto const found = exact_energy(system, shape, parameters);
      BOOST_TEST(found.kinetic == m * 4 / (8 * 1.7), tolerance(1e-15));
      BOOST_TEST(found.trap == 0.125 * (0.5 + 4 * 1.7 / m), tolerance(1e-15));
      BOOST_TEST(found.interaction == std::sqrt(std::acos(-1.0) / (4 * 1.7 / m)), tolerance(1e-15));
      BOOST_TEST(found.total == found.kinetic + found.trap + found.interaction);
      BOOST_TEST(found.gradient.n_elem == shape.n_parameters());
      for (arma::uword j = 0; j < H; ++j) BOOST_TEST(std::abs(found.gradient[4 + j]) < 1e-15);
      // By ln sigma: -2 T + 2 V_sigma - V_int.
      BOOST_TEST(found.gradient.back() == -2 * found.kinetic + 2 * 0.125 * 4 * 1.7 / m - found.interaction, tolerance(1e-14));
    }
  }
}

BOOST_AUTO_TEST_CASE(of_the_trap_without_interaction_are_its_ground_states) {
  for (auto const convention : conventions)
    for (int const d : {1, 2, 3})
      for (int const N : {1, 2, 5}) {
        System const system{N, d, 0.28, Interaction::none, 0};
        auto const shape = shape_of(system, 2, convention, true);
        double const sigma_squared = (convention == Convention::f ? 1 : 0.5) / 0.28;
        auto const found = exact_energy(system, shape, unflatten(shape, arma::vec(shape.n_parameters(), arma::fill::zeros), 1));
        BOOST_TEST(found.total > 0.5 * N * d * 0.28);
        RbmParameters parameters{arma::vec(shape.n_coordinates, arma::fill::zeros), arma::vec{1, -2},
                                 arma::mat(shape.n_coordinates, 2, arma::fill::zeros), sigma_squared};
        auto const ground = exact_energy(system, shape, parameters);
        BOOST_TEST(ground.total == 0.5 * N * d * 0.28, tolerance(1e-15));
        BOOST_TEST(ground.kinetic == ground.trap, tolerance(1e-15));
        BOOST_TEST(arma::abs(ground.gradient).max() < 1e-14);
      }
}

// Psi = F, by an independent program in double precision with other formulas (pairs of components of F, not sums).
BOOST_AUTO_TEST_CASE(of_f_are_those_of_an_independent_program) {
  double const expected[][2] = {{5.502849374485803, 4.812473235732998}, {11.42461757141551, 11.204915011430794}};
  for (int const d : {2, 3}) {
    System system{2, d, 0.7, Interaction::coulomb, 0};
    auto const shape = shape_of(system, 3, Convention::f);
    RbmParameters parameters{arma::vec(2 * d), arma::vec{0.3, -0.2, 0.5}, arma::mat(2 * d, 3), 1.3};
    for (int i = 0; i < 2 * d; ++i) {
      double const sign = i % 2 == 0 ? 1 : -1;
      parameters.a[i] = 0.1 * (i + 1) * sign;
      for (int j = 0; j < 3; ++j) parameters.W(i, j) = 0.2 * (i + 1) - 0.35 * j * sign;
    }
    BOOST_TEST(exact_energy(system, shape, parameters).total == expected[d - 2][0], tolerance(1e-13));
    system.interaction = Interaction::none;
    BOOST_TEST(exact_energy(system, shape, parameters).total == expected[d - 2][1], tolerance(1e-13));
  }
}

// Poles pi / 1.5 off the axis and Gaussians of variance 1/2: errors e^{-2 pi (2.1 / h)} and e^{-2 pi^2 0.5 / h^2} for h = 0.05.
BOOST_AUTO_TEST_CASE(of_one_coordinate_agree_with_a_grid) {
  for (auto const convention : conventions)
    for (arma::uword const H : {0, 1, 2, 4}) {
      System const system{1, 1, 0.8, Interaction::none, 0};
      auto const shape = shape_of(system, H, convention);
      auto const parameters = random_parameters(shape, 1, static_cast<unsigned>(H), 1.5);
      same_energies(exact_energy(system, shape, parameters), energy_on_a_grid(system, shape, parameters, 18, 0.05), 1e-13);
    }
}

BOOST_AUTO_TEST_CASE(of_one_particle_in_two_and_three_dimensions_agree_with_a_grid) {
  for (auto const convention : conventions)
    for (int const d : {2, 3}) {
      System const system{1, d, 0.8, Interaction::none, 0};
      auto const shape = shape_of(system, 2, convention);
      auto const parameters = random_parameters(shape, 1, 5, 0.8);
      double const h = d == 2 ? 0.1 : 0.25;
      same_energies(exact_energy(system, shape, parameters), energy_on_a_grid(system, shape, parameters, 11, h), 1e-12);
    }
}

// The pole of the interaction lies at |x_1 - x_2| = 0.6 i, that is 0.6 i / sqrt(2) across the diagonal lines of the grid,
// which are h / sqrt(2) apart: e^{-2 pi 0.6 / h} = 4e-17 for h = 0.1.
BOOST_AUTO_TEST_CASE(of_two_soft_particles_on_a_line_agree_with_a_grid) {
  for (auto const convention : conventions)
    for (arma::uword const H : {1, 2, 3}) {
      auto const system = dot(2, 1, Interaction::soft_coulomb);
      auto const shape = shape_of(system, H, convention);
      auto const parameters = random_parameters(shape, 1, static_cast<unsigned>(H) + 10, 1.2);
      same_energies(exact_energy(system, shape, parameters), energy_on_a_grid(system, shape, parameters, 13, 0.1), 1e-12);
    }
}

BOOST_AUTO_TEST_CASE(of_three_soft_particles_on_a_line_agree_with_a_grid) {
  for (auto const convention : conventions) {
    auto system = dot(3, 1, Interaction::soft_coulomb);
    system.softening = 1.5;
    auto const shape = shape_of(system, 2, convention);
    auto const parameters = random_parameters(shape, 1, 20, 0.8);
    same_energies(exact_energy(system, shape, parameters), energy_on_a_grid(system, shape, parameters, 10, 0.25), 1e-11);
  }
}

// |Psi|^2 = F^2 is the marginal of the machine with every unit doubled, sigma^2 / 2 and W / 2: quadrature against closed form.
BOOST_AUTO_TEST_CASE(of_f_are_those_of_sqrt_f_with_every_unit_doubled) {
  for (int const d : {2, 3})
    for (double const size : {0.3, 2.0, 12.0}) {
      auto const system = dot(2, d, Interaction::coulomb);
      auto const single = shape_of(system, 3, Convention::f);
      auto const doubled = shape_of(system, 6, Convention::sqrt_f);
      auto const parameters = random_parameters(single, 1.4, 3, size);
      RbmParameters const twice{parameters.a, arma::join_cols(parameters.b, parameters.b),
                                0.5 * arma::join_rows(parameters.W, parameters.W), 0.5 * parameters.sigma_squared};
      same_energies(exact_energy(system, doubled, twice), exact_energy(system, single, parameters), 1e-13);
    }
}

BOOST_AUTO_TEST_CASE(do_not_change_with_the_order_of_particles_and_hidden_units) {
  for (auto const convention : conventions) {
    auto const system = dot(3, 2, Interaction::coulomb);
    auto const shape = shape_of(system, 3, convention);
    auto const parameters = random_parameters(shape, 1.1, 6);
    auto const expected = exact_energy(system, shape, parameters);
    arma::uvec const particles = {4, 5, 0, 1, 2, 3};
    arma::uvec const units = {2, 0, 1};
    auto other = parameters;
    other.a = parameters.a(particles);
    other.W = parameters.W(particles, units);
    other.b = parameters.b(units);
    auto const found = exact_energy(system, shape, other);
    same_energies(found, expected, 1e-13);
    for (arma::uword i = 0; i < 6; ++i) BOOST_TEST(found.gradient[i] == expected.gradient[particles[i]], tolerance(1e-11));
  }
}

// A turned dot, and a machine whose first unit is called the other way round (h -> 1 - h) are the same wave functions.
BOOST_AUTO_TEST_CASE(do_not_change_where_the_wave_function_does_not) {
  for (auto const convention : conventions) {
    auto const system = dot(2, 2, Interaction::coulomb);
    auto const shape = shape_of(system, 2, convention);
    auto const parameters = random_parameters(shape, 0.9, 8);
    auto const expected = exact_energy(system, shape, parameters);

    double const c = 0.6;
    double const s = 0.8;
    arma::mat const turn = {{c, -s, 0, 0}, {s, c, 0, 0}, {0, 0, c, -s}, {0, 0, s, c}};
    auto turned = parameters;
    turned.a = turn * parameters.a;
    turned.W = turn * parameters.W;
    same_energies(exact_energy(system, shape, turned), expected, 1e-13);

    auto flipped = parameters;
    flipped.a += parameters.W.col(0);
    flipped.b[0] *= -1;
    flipped.W.col(0) *= -1;
    same_energies(exact_energy(system, shape, flipped), expected, 1e-13);
  }
}

// Lengths times 3: T / 9, Coulomb / 3, trap of a ninth of the frequency / 9.
BOOST_AUTO_TEST_CASE(scale_with_the_unit_of_length) {
  for (auto const convention : conventions)
    for (int const d : {2, 3}) {
      auto system = dot(2, d, Interaction::coulomb);
      auto const shape = shape_of(system, 2, convention);
      auto parameters = random_parameters(shape, 0.9, 9);
      auto const small = exact_energy(system, shape, parameters);
      system.omega /= 9;
      parameters.a *= 3;
      parameters.W *= 3;
      parameters.sigma_squared *= 9;
      auto const large = exact_energy(system, shape, parameters);
      BOOST_TEST(large.kinetic == small.kinetic / 9, tolerance(1e-14));
      BOOST_TEST(large.trap == small.trap / 9, tolerance(1e-14));
      BOOST_TEST(large.interaction == small.interaction / 3, tolerance(1e-14));
    }
}

// Central differences with steps h and 2h, extrapolated: error f^(5) h^4 / 7.5 and rounding 2e-15 E / h; with h = 1e-3 and
// derivatives of the order of the energy both are below 1e-10 E.
BOOST_AUTO_TEST_CASE(gradient_is_the_derivative_of_the_energy) {
  constexpr double h = 1e-3;
  unsigned seed = 100;
  for (auto const convention : conventions)
    for (int const d : {1, 2, 3})
      for (auto const interaction : interactions)
        for (int const N : {1, 2, 3})
          for (arma::uword const H : {0, 1, 3}) {
            if (!has_energy(d, interaction)) continue;
            auto const system = dot(N, d, interaction);
            auto const shape = shape_of(system, H, convention, true);
            arma::vec const point = flatten(shape, random_parameters(shape, 0.8 + 0.1 * N, ++seed, 0.9));
            auto const exact = exact_energy(system, shape, unflatten(shape, point, 1));
            auto const energy_at = [&](arma::uword i, double step) {
              auto moved = point;
              moved[i] += step;
              return exact_energy(system, shape, unflatten(shape, moved, 1)).total;
            };
            for (arma::uword i = 0; i < point.n_elem; ++i) {
              double const near = (energy_at(i, h) - energy_at(i, -h)) / (2 * h);
              double const far = (energy_at(i, 2 * h) - energy_at(i, -2 * h)) / (4 * h);
              BOOST_TEST(std::abs(exact.gradient[i] - (4 * near - far) / 3) < 1e-10 * exact.total,
                         "parameter " << i << " of " << N << " particles in " << d << " dimensions, " << H << " units");
            }
          }
}

BOOST_AUTO_TEST_CASE(gradient_without_sigma_is_the_rest_of_it) {
  auto const system = dot(2, 2, Interaction::coulomb);
  auto const with = shape_of(system, 2, Convention::sqrt_f, true);
  auto const without = shape_of(system, 2, Convention::sqrt_f, false);
  auto const parameters = random_parameters(with, 0.9, 1);
  arma::vec const longer = exact_energy(system, with, parameters).gradient;
  arma::vec const shorter = exact_energy(system, without, parameters).gradient;
  BOOST_REQUIRE(shorter.n_elem + 1 == longer.n_elem);
  for (arma::uword i = 0; i < shorter.n_elem; ++i) BOOST_TEST(shorter[i] == longer[i]);
}

// A unit with bias -800 is off, one with +800 on: the machine without it, centred at a or at a + W.
BOOST_AUTO_TEST_CASE(of_frozen_units_are_those_without_them) {
  for (auto const convention : conventions) {
    auto const system = dot(2, 2, Interaction::coulomb);
    auto const shape = shape_of(system, 2, convention);
    auto parameters = random_parameters(shape, 0.9, 30);
    parameters.b = {-800, 800};
    auto const found = exact_energy(system, shape, parameters);
    RbmParameters const plain{parameters.a + parameters.W.col(1), arma::vec(), arma::mat(4, 0), 0.9};
    same_energies(found, exact_energy(system, shape_of(system, 0, convention), plain), 1e-13);
  }
}

// Two packets 200 apart, equally likely: their kinetic energies, trap and interaction are those of one packet each.
BOOST_AUTO_TEST_CASE(of_packets_far_apart_are_their_mean) {
  for (auto const convention : conventions) {
    double const m = convention == Convention::sqrt_f ? 1 : 2;
    System const system{2, 2, 0.01, Interaction::coulomb, 0};
    auto const shape = shape_of(system, 1, convention);
    RbmParameters parameters{arma::vec{-100, 0, 100, 0}, arma::vec(1), arma::mat(4, 1), 1};
    parameters.W.col(0) = arma::vec{200, 0, -200, 0};
    parameters.b[0] = 0;  // a . W + |W|^2 / 2 = 0
    auto const found = exact_energy(system, shape, parameters);
    // The middle packet of F^2 has weight 2 e^{-20000}; for sqrt(F) the slope of ln |Psi|^2 jumps from one side to the other
    // where there is nothing: <s (1 - s)> is below e^{-10000}.
    BOOST_TEST(found.kinetic == m * 4 / 8, tolerance(1e-14));
    BOOST_TEST(found.trap == 0.5e-4 * (2e4 + 4 / m), tolerance(1e-14));
    BOOST_TEST(found.interaction == 1.0 / 200, tolerance(1e-4));
  }
}

BOOST_AUTO_TEST_CASE(stay_finite_at_extreme_parameters) {
  for (auto const convention : conventions)
    for (auto const interaction : {Interaction::coulomb, Interaction::soft_coulomb})
      for (double const sigma_squared : {1e-8, 1.0, 1e8})
        for (double const size : {1e-12, 1e3}) {
          auto const system = dot(2, 3, interaction);
          auto const shape = shape_of(system, 3, convention, true);
          auto const found = exact_energy(system, shape, random_parameters(shape, sigma_squared, 2, size));
          BOOST_TEST(std::isfinite(found.total));
          BOOST_TEST(found.kinetic >= 0);
          BOOST_TEST(found.interaction > 0);
        }
}

BOOST_AUTO_TEST_CASE(take_as_many_hidden_units_as_they_say) {
  System const system{1, 1, 1, Interaction::none, 0};
  for (auto const convention : conventions) {
    auto const limit = fermiac::vmc::max_hidden_exact(convention);
    auto shape = shape_of(system, convention == Convention::f ? limit : 12, convention);
    auto const found = exact_energy(system, shape, random_parameters(shape, 1, 4, 0.3));
    BOOST_TEST(found.total > 0.5);
    shape.n_hidden = limit + 1;
    BOOST_CHECK_THROW(exact_energy(system, shape, random_parameters(shape, 1, 4)), fermiac::InputError);
  }
}

BOOST_AUTO_TEST_CASE(refuse_what_has_none) {
  System const line{2, 1, 1, Interaction::coulomb, 0};
  auto const shape = shape_of(line, 1, Convention::f);
  auto const parameters = random_parameters(shape, 1, 1);
  BOOST_CHECK_THROW(exact_energy(line, shape, parameters), fermiac::InputError);

  auto const soft = dot(2, 1, Interaction::soft_coulomb);
  for (double const bad : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    auto broken = parameters;
    broken.a[0] = bad;
    BOOST_CHECK_THROW(exact_energy(soft, shape, broken), fermiac::ItemFailure);
    broken = parameters;
    broken.sigma_squared = bad;
    BOOST_CHECK_THROW(exact_energy(soft, shape, broken), fermiac::ItemFailure);
  }
  for (double const bad : {0.0, -1.0}) {
    auto broken = parameters;
    broken.sigma_squared = bad;
    BOOST_CHECK_THROW(exact_energy(soft, shape, broken), fermiac::ItemFailure);
  }
  auto broken = parameters;
  broken.W(0, 0) = 1e200;
  BOOST_CHECK_THROW(exact_energy(soft, shape, broken), fermiac::ItemFailure);
}

// Whatever the mode and architecture. These digits change with the algorithm and with the functions of `simd`, nothing else.
BOOST_AUTO_TEST_CASE(have_the_same_bits_in_every_build) {
  System const system{2, 2, 0.28, Interaction::coulomb, 0};
  auto const parameters = random_parameters(shape_of(system, 3, Convention::f), 1.5, 77);
  auto const f = exact_energy(system, shape_of(system, 3, Convention::f, true), parameters);
  auto const sqrt_f = exact_energy(system, shape_of(system, 3, Convention::sqrt_f, true), parameters);
  auto const soft = exact_energy(dot(2, 3, Interaction::soft_coulomb), shape_of(dot(2, 3, Interaction::none), 0, Convention::f),
                                 {arma::vec{1, 2, 3, 4, 5, 6}, arma::vec(), arma::mat(6, 0), 0.7});
  BOOST_TEST(bits(f.total) == 4609637753319492300U);
  BOOST_TEST(bits(f.gradient.back()) == 13830665386479439178U);
  BOOST_TEST(bits(sqrt_f.total) == 4608392384291728896U);
  BOOST_TEST(bits(sqrt_f.gradient.back()) == 13824491289842793038U);
  BOOST_TEST(bits(soft.total) == 4629718139389668538U);
}

BOOST_AUTO_TEST_SUITE_END()
