#include "fermiac/vmc/factors/symmetric_rbm.hpp"

#include "support/factor_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;

namespace {

Real softplus(Real x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }
Real sign_of(std::size_t h) { return h % 2 == 0 ? 1 : -1; }

/// Distances squared of particles and from the centre, in units where omega = 1.
struct Places {
  Places(vmc::System const& system, Reals const& x) : D(static_cast<std::size_t>(system.dimensions)), at(x) {
    for (auto& value : at) value *= std::sqrt(Real{system.omega});
  }
  Real square(std::size_t p) const {
    Real sum = 0;
    for (std::size_t c = 0; c < D; ++c) sum += at[p * D + c] * at[p * D + c];
    return sum;
  }
  Real square(std::size_t p, std::size_t q) const {
    Real sum = 0;
    for (std::size_t c = 0; c < D; ++c) sum += (at[p * D + c] - at[q * D + c]) * (at[p * D + c] - at[q * D + c]);
    return sum;
  }
  std::size_t D;
  Reals at;
};

Real centre(Real square, Real N) { return square / (std::pow(N, Real{2} / 3) + square); }

Real log_of_pairs(vmc::System const& system, std::size_t hidden, Reals const& x, Reals const& p) {
  Places const places(system, x);
  Real const N = system.particles;
  Real sum = 0;
  for (std::size_t j = 1; j < static_cast<std::size_t>(system.particles); ++j)
    for (std::size_t i = 0; i < j; ++i) {
      bool const behind = vmc::are_like(system, i, j) && vmc::has_unlike_pairs(system);
      Real const r = std::sqrt(places.square(i, j));
      Real const ci = centre(places.square(i), N);
      Real const cj = centre(places.square(j), N);
      for (std::size_t h = 0; h < hidden; ++h) {
        Real const* unit = p.data() + 4 * (h + (behind ? hidden : 0));
        sum += sign_of(h) * softplus(unit[0] + unit[1] * r * r / (1 + r) + unit[2] * (ci + cj) + unit[3] * ci * cj);
      }
    }
  return sum;
}

Real log_of_power_sums(vmc::System const& system, std::size_t hidden, Reals const& x, Reals const& p) {
  Places const places(system, x);
  auto const N = static_cast<std::size_t>(system.particles);
  Reals sums(2 + 2 * (std::size_t{vmc::has_unlike_pairs(system)} + std::size_t{vmc::has_like_pairs(system)}), 0);
  for (std::size_t j = 0; j < N; ++j) {
    Real const c = centre(places.square(j), static_cast<Real>(N));
    sums[0] += c / N;
    sums[1] += c * c / N;
    for (std::size_t i = 0; i < j; ++i) {
      std::size_t const first = vmc::are_like(system, i, j) ? sums.size() - 2 : 2;
      Real const square = places.square(i, j);
      sums[first] += square / (1 + square) / N;
      sums[first + 1] += square / (9 + square) / N;
    }
  }
  Real result = 0;
  for (std::size_t h = 0; h < hidden; ++h) {
    Real const* unit = p.data() + h * (1 + sums.size());
    Real theta = unit[0];
    for (std::size_t k = 0; k < sums.size(); ++k) theta += unit[1 + k] * sums[k];
    result += sign_of(h) * softplus(theta);
  }
  return result;
}

Real log_of_permutations(vmc::System const& system, std::size_t hidden, Reals const& x, Reals const& p) {
  auto const D = static_cast<std::size_t>(system.dimensions);
  std::vector<std::size_t> order(static_cast<std::size_t>(system.particles));
  std::iota(order.begin(), order.end(), std::size_t{0});
  Real sum = 0;
  do {
    Real f = 0;
    for (std::size_t h = 0; h < hidden; ++h) {
      Real const* unit = p.data() + h * (1 + x.size());
      Real theta = unit[0];
      for (std::size_t i = 0; i < x.size(); ++i) theta += unit[1 + i] * x[order[i / D] * D + i % D];
      f += softplus(theta);
    }
    sum += std::exp(f);
  } while (std::next_permutation(order.begin(), order.end()));
  return std::log(sum);
}

FactorCheck symmetric_rbm(vmc::System const& system, std::string const& inputs, std::int64_t hidden, std::uint64_t replicate) {
  FactorCheck check{.system = system, .ansatz = {}, .factor = "symmetric_rbm", .parameters = {}, .log_psi = {}, .sign = {}};
  check.ansatz.options.set("symmetric_rbm.inputs", inputs);
  check.ansatz.options.set("symmetric_rbm.hidden", hidden);
  check.parameters = noisy_parameters(*make_form(system, check.ansatz, "symmetric_rbm"), replicate, 0.4);
  auto const twin = inputs == "pairs" ? log_of_pairs : inputs == "power_sums" ? log_of_power_sums : log_of_permutations;
  check.log_psi = [=, H = static_cast<std::size_t>(hidden)](Reals const& x, Reals const& p) { return twin(system, H, x, p); };
  check.symmetric_under_all = system.particles == 2 || inputs == "permutations";
  return check;
}

}  // namespace

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
