/// ln |Psi| and sign of determinants of textbook orbitals, as plainly as can be.
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include "fermiac/vmc/factors/orbitals.hpp"
#include "support/factor_checks.hpp"

namespace fermiac::testing {

/// H_m(y) as in textbooks.
inline Real hermite(int m, Real y) {
  if (m == 0) return 1;
  if (m == 1) return 2 * y;
  return 2 * y * hermite(m - 1, y) - 2 * (m - 1) * hermite(m - 2, y);
}

/// ln |det| and its sign, by rows.
inline std::pair<Real, int> determinant(std::vector<Reals> A) {
  Real log = 0;
  int sign = 1;
  for (std::size_t c = 0; c < A.size(); ++c) {
    std::size_t largest = c;
    for (std::size_t r = c; r < A.size(); ++r)
      if (std::abs(A[r][c]) > std::abs(A[largest][c])) largest = r;
    if (largest != c) sign = -sign;
    std::swap(A[c], A[largest]);
    log += std::log(std::abs(A[c][c]));
    if (A[c][c] < 0) sign = -sign;
    for (std::size_t r = c + 1; r < A.size(); ++r)
      for (std::size_t j = A.size(); j-- > c;) A[r][j] -= A[r][c] / A[c][c] * A[c][j];
  }
  return {log, sign};
}

/// Both determinants at coordinates q, of orbitals whose polynomials have the width alpha too, divided by the constant that
/// this multiplies.
inline std::pair<Real, int> determinants(vmc::System const& system, std::vector<vmc::Quanta> const& quanta, Real alpha,
                                         Reals const& q) {
  auto const D = static_cast<std::size_t>(system.dimensions);
  auto const up = vmc::n_up(system);
  auto const N = static_cast<std::size_t>(system.particles);
  Real log = 0;
  int sign = 1;
  for (auto const& [first, n] : {std::pair{std::size_t{0}, up}, std::pair{up, N - up}}) {
    std::vector<Reals> A(n, Reals(n, 1));
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        for (std::size_t c = 0; c < D; ++c)
          A[i][j] *= hermite(quanta[j][c],
                             std::sqrt(alpha * static_cast<Real>(system.omega) * static_cast<Real>(system.frequency_ratio[c])) *
                                 q[(first + i) * D + c]);
    auto const [own_log, own_sign] = determinant(A);
    log += own_log;
    sign *= own_sign;
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t c = 0; c < D; ++c) log -= quanta[j][c] * std::log(alpha) / 2;
  }
  return {log, sign};
}

inline Real log_envelope(vmc::System const& system, Real alpha, Reals const& x) {
  Real sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    sum += system.frequency_ratio[i % static_cast<std::size_t>(system.dimensions)] * x[i] * x[i];
  return -alpha * static_cast<Real>(system.omega) / 2 * sum;
}

/// Orbitals of the plane and of space in the order of their energy.
inline std::vector<vmc::Quanta> const plane = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {2, 0, 0}, {1, 1, 0},
                                               {0, 2, 0}, {3, 0, 0}, {2, 1, 0}, {1, 2, 0}, {0, 3, 0}};
inline std::vector<vmc::Quanta> const space = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {2, 0, 0},
                                               {1, 1, 0}, {1, 0, 1}, {0, 2, 0}, {0, 1, 1}, {0, 0, 2}};

/// Electrons that do not see one another.
inline vmc::System dot(int particles, int dimensions, double omega, int up = -1) {
  return {.particles = particles, .dimensions = dimensions, .omega = omega, .interaction = vmc::Interaction::none, .up = up};
}

/// @param quanta  those of the larger spin, by hand
inline FactorCheck slater(vmc::System const& system, std::vector<vmc::Quanta> const& quanta) {
  FactorCheck check{.system = system, .ansatz = {}, .factor = "slater", .parameters = {0.3}, .log_psi = {}, .sign = {}};
  check.ansatz.factors = "slater";
  check.log_psi = [=](Reals const& x, Reals const& p) {
    return determinants(system, quanta, std::exp(p[0]), x).first + log_envelope(system, std::exp(p[0]), x);
  };
  check.sign = [=](Reals const& x, Reals const& p) { return determinants(system, quanta, std::exp(p[0]), x).second; };
  return check;
}

}  // namespace fermiac::testing
