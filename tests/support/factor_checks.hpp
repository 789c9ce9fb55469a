/// What every factor of a wave function owes, checked against a scalar twin that is nothing but ln |Psi_f| in long double.
#pragma once

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/vmc/factor.hpp"
#include "support/differences.hpp"

namespace fermiac::testing {

/// A factor to check, its twin and where.
///
/// Derivatives of the twin are central differences of eighth order. Where ln |Psi| is analytic within a distance rho, their
/// error is below 1200 (h / rho)^8 of the derivative's natural size (1 / rho, 1 / rho^2), and rounding adds 1e-18 |ln Psi| / h
/// or h^2: with h = rho / 100 that is 1e-12 and 1e-13 |ln Psi|. rho is taken as the least of the oscillator length, of all
/// distances of particles and of 1 / |grad ln Psi| (the distance to a node). What is left of `tolerance`, which is relative to
/// the same natural sizes, is for the factor's own double precision.
struct FactorCheck {
  vmc::System system;
  vmc::AnsatzSettings ansatz;
  std::string factor;    ///< a name in `factor_kinds`
  arma::vec parameters;  ///< as many as it has
  std::function<Real(Reals const& x, Reals const& parameters)> log_psi;
  std::function<int(Reals const& x, Reals const& parameters)> sign;  ///< none: positive
  double tolerance = 1e-10;
  double least_distance = 0.1;       ///< of particles of the random walkers, in oscillator lengths
  bool symmetric_under_all = false;  ///< whether exchanging unlike particles too changes nothing
};

inline vmc::AnsatzSettings product(std::string const& factors) {
  vmc::AnsatzSettings ansatz;
  ansatz.factors = factors;
  return ansatz;
}

inline std::unique_ptr<vmc::FactorForm> make_form(vmc::System const& system, vmc::AnsatzSettings const& ansatz,
                                                  std::string const& name) {
  for (auto const& kind : vmc::factor_kinds())
    if (kind.name == name) return kind.make(system, ansatz);
  throw InputError("ansatz.factors", "there is no factor \"" + name + "\"");
}

inline rng::Stream test_stream(std::uint64_t replicate, std::uint64_t walker = 0) {
  return rng::Stream({{11, 12}, rng::Purpose::test, replicate}, walker);
}

/// Its initial parameters and noise of size `deviation` on top, in their units.
inline arma::vec noisy_parameters(vmc::FactorForm const& form, std::uint64_t replicate, double deviation) {
  auto stream = test_stream(replicate);
  arma::vec parameters = form.initial_parameters(stream);
  arma::vec const units = form.units();
  for (arma::uword i = 0; i < parameters.n_elem; ++i) parameters[i] += deviation * units[i] * stream.normal();
  return parameters;
}

/// Random walkers, normal with deviation one oscillator length, no two particles nearer than `least_distance` of these.
inline arma::mat random_walkers(vmc::System const& system, arma::uword n_walkers, std::uint64_t replicate,
                                double least_distance) {
  auto stream = test_stream(replicate, 1);
  auto const D = static_cast<arma::uword>(system.dimensions);
  auto const N = static_cast<arma::uword>(system.particles);
  double const length = 1 / std::sqrt(system.omega);
  arma::mat X(n_walkers, N * D);
  for (arma::uword k = 0; k < n_walkers; ++k)
    for (arma::uword p = 0; p < N; ++p) {
      bool apart = false;
      while (!apart) {
        for (arma::uword c = 0; c < D; ++c) X(k, p * D + c) = length * stream.normal() * (1 + 0.2 * static_cast<double>(N / 4));
        apart = true;
        for (arma::uword q = 0; q < p; ++q)
          apart = apart && arma::norm(X(k, arma::span(p * D, p * D + D - 1)) - X(k, arma::span(q * D, q * D + D - 1))) >
                               least_distance * length;
      }
    }
  return X;
}

inline Reals to_reals(arma::rowvec const& values) { return {values.begin(), values.end()}; }
inline Reals to_reals(arma::vec const& values) { return {values.begin(), values.end()}; }

/// Some columns, of no rows too.
inline arma::mat columns_of(vmc::Columns const& values, arma::uword first, arma::uword count) {
  arma::mat result(values.n_rows(), count);
  for (arma::uword j = 0; j < count; ++j)
    for (arma::uword k = 0; k < values.n_rows(); ++k) result(k, j) = values.column(first + j)[k];
  return result;
}

/// All that a factor says of walkers at rest, and of a proposal.
struct FactorValues {
  FactorValues(vmc::Factor& factor, vmc::Columns const& x, vmc::Columns const& direction, arma::uword n_parameters) {
    auto const n = x.n_rows();
    auto const M = x.n_columns();
    vmc::Columns psi(n, 2), slope(n, M), curvature(n, 1), O(n, n_parameters + 2), o_along(n, n_parameters + 2);
    std::fill_n(psi.column(1), n, 1.0);
    factor.add_log_psi(x, psi.column(0), psi.column(1));
    factor.add_slope(x, slope, curvature.column(0));
    // The columns before and behind are somebody else's.
    std::fill_n(O.data(), O.stride() * O.n_columns(), 7.0);
    std::fill_n(o_along.data(), o_along.stride() * o_along.n_columns(), 7.0);
    factor.log_derivatives(x, O, 1, &direction, &o_along);
    log_psi = columns_of(psi, 0, 1);
    sign = columns_of(psi, 1, 1);
    drift = columns_of(slope, 0, M);
    laplacian = columns_of(curvature, 0, 1);
    derivatives = columns_of(O, 1, n_parameters);
    along = columns_of(o_along, 1, n_parameters);
    for (arma::uword const outside : {arma::uword{0}, n_parameters + 1})
      for (arma::uword k = 0; k < n; ++k)
        BOOST_TEST((O.column(outside)[k] == 7 && o_along.column(outside)[k] == 7),
                   "log_derivatives wrote to columns that are not the factor's");
    // Without a direction the same bits.
    vmc::Columns plain(n, n_parameters);
    factor.log_derivatives(x, plain, 0, nullptr, nullptr);
    BOOST_TEST(arma::approx_equal(columns_of(plain, 0, n_parameters), derivatives, "absdiff", 0.0));
  }
  arma::vec log_psi, sign, laplacian;
  arma::mat drift, derivatives, along;
};

struct Moved {
  arma::vec log_ratio;  ///< ln |Psi'/Psi|^2
  arma::mat drift;      ///< of the moved particle where it is offered to go
};

/// Proposes and asks for the drift there. The members of `Ratio` begin with values of others.
inline Moved propose(vmc::Factor& factor, vmc::Columns const& x, vmc::Proposal const& proposal) {
  auto const n = x.n_rows();
  vmc::Columns ratio(n, 3), there(n, proposal.x.n_columns());
  std::fill_n(ratio.column(0), n, 0.25);
  std::fill_n(ratio.column(1), n, 3.0);
  std::fill_n(ratio.column(2), n, 5.0);
  factor.propose(x, proposal, {ratio.column(0), ratio.column(1), ratio.column(2)});
  Moved moved{arma::vec(n), arma::mat()};
  for (arma::uword k = 0; k < n; ++k)
    moved.log_ratio[k] = ratio.column(0)[k] - 0.25 + std::log(ratio.column(1)[k] / 3 / (ratio.column(2)[k] / 5));
  factor.add_proposed_drift(x, proposal, there);
  moved.drift = there.matrix();
  return moved;
}

/// The proposal that moves `particle` of every walker by normal steps of half an oscillator length, or where `X` says.
inline vmc::Proposal make_proposal(vmc::System const& system, vmc::Columns const& x, std::size_t particle,
                                   rng::Stream& stream) {
  auto const D = static_cast<arma::uword>(system.dimensions);
  vmc::Proposal proposal{particle, vmc::Columns(x.n_rows(), D)};
  for (arma::uword c = 0; c < D; ++c)
    for (arma::uword k = 0; k < x.n_rows(); ++k)
      proposal.x.column(c)[k] = x.column(particle * D + c)[k] + 0.5 / std::sqrt(system.omega) * stream.normal();
  return proposal;
}

inline arma::mat with_proposal(arma::mat X, vmc::Proposal const& proposal) {
  auto const D = proposal.x.n_columns();
  for (arma::uword c = 0; c < D; ++c)
    for (arma::uword k = 0; k < X.n_rows; ++k) X(k, proposal.particle * D + c) = proposal.x.column(c)[k];
  return X;
}

/// Radius of analyticity, see `FactorCheck`.
inline double smooth_length(vmc::System const& system, arma::rowvec const& x, arma::rowvec const& drift) {
  auto const D = static_cast<arma::uword>(system.dimensions);
  double length = 1 / std::sqrt(system.omega);
  for (arma::uword q = D; q < x.n_elem; q += D)
    for (arma::uword p = 0; p < q; p += D)
      length = std::min(length, arma::norm(x(arma::span(p, p + D - 1)) - x(arma::span(q, q + D - 1))));
  double const slope = drift.is_empty() ? 0.0 : arma::norm(drift);
  return slope * length > 1 ? 1 / slope : length;
}

inline void check_near(double value, Real expected, double tolerance, std::string const& what) {
  BOOST_TEST(std::abs(value - expected) <= tolerance, what << ": " << value << " against " << expected << ", off by "
                                                           << std::abs(value - expected) << ", allowed " << tolerance);
}

/// The factor at rest against differences of its twin.
inline void check_values(FactorCheck const& check, vmc::FactorForm const& form, arma::uword n_walkers,
                         std::uint64_t replicate) {
  auto const X = random_walkers(check.system, n_walkers, replicate, check.least_distance);
  auto stream = test_stream(replicate, 2);
  vmc::Columns x(n_walkers, X.n_cols), direction(n_walkers, X.n_cols);
  x.assign(X);
  arma::mat d(n_walkers, X.n_cols);
  for (auto& value : d) value = stream.normal();
  direction.assign(d);
  auto const factor = form.make(n_walkers);
  factor->set_parameters(check.parameters);
  factor->refresh(x);
  FactorValues const values(*factor, x, direction, form.n_parameters());
  Reals const parameters = to_reals(check.parameters);
  arma::vec const units = form.units();
  auto const M = X.n_cols;

  Real const first = n_walkers == 0 ? 0 : check.log_psi(to_reals(arma::rowvec(X.row(0))), parameters);
  for (arma::uword k = 0; k < n_walkers; ++k) {
    Reals const here = to_reals(arma::rowvec(X.row(k)));
    double const rho = smooth_length(check.system, X.row(k), values.drift.row(k));
    Real const log_psi = check.log_psi(here, parameters);
    auto const tolerance = check.tolerance;
    check_near(values.log_psi[k] - values.log_psi[0], log_psi - first,
               tolerance * (1 + static_cast<double>(std::abs(log_psi) + std::abs(first))), check.factor + " ln Psi");
    BOOST_TEST(values.sign[k] == (check.sign ? check.sign(here, parameters) : 1));
    auto const along_coordinate = [&](arma::uword i) -> Line {
      return [&, i](Real t) {
        Reals moved = here;
        moved[i] += t;
        return check.log_psi(moved, parameters);
      };
    };
    Real laplacian = 0;
    for (arma::uword i = 0; i < M; ++i) {
      auto const line = along_coordinate(i);
      check_near(values.drift(k, i), first_difference(line, rho / 100), tolerance / rho, check.factor + " drift");
      laplacian += second_difference(line, rho / 100);
    }
    check_near(values.laplacian[k], laplacian, tolerance * static_cast<double>(M) / (rho * rho), check.factor + " Laplacian");

    for (arma::uword p = 0; p < form.n_parameters(); ++p) {
      // A parameter that moves nodes meets one after a change of about 1 / |derivative|.
      Real const h =
          std::min(static_cast<Real>(units[p]) / 250, 1 / (100 * std::abs(static_cast<Real>(values.derivatives(k, p)))));
      auto const derivative = [&](Reals const& at) {
        return first_difference(
            [&](Real t) {
              Reals changed = parameters;
              changed[p] += t;
              return check.log_psi(at, changed);
            },
            h);
      };
      double const unit = units[p];
      check_near(values.derivatives(k, p), derivative(here),
                 tolerance * (10 + std::abs(values.derivatives(k, p)) * unit) / unit,
                 check.factor + " derivative in parameter " + std::to_string(p));
      if (k > 1) continue;
      Real const size = arma::norm(d.row(k));
      Real const slope = size * first_difference(
                                    [&](Real t) {
                                      Reals moved = here;
                                      for (arma::uword i = 0; i < M; ++i) moved[i] += t * d(k, i) / size;
                                      return derivative(moved);
                                    },
                                    static_cast<Real>(rho) / 100);
      check_near(values.along(k, p), slope,
                 10 * tolerance * (1 + std::abs(values.along(k, p)) * unit + static_cast<double>(size) / rho) / unit,
                 check.factor + " derivative along a direction in parameter " + std::to_string(p));
    }
  }
}

/// Sweeps of moves taken at random, against the twin and against a factor made anew.
inline void check_moves(FactorCheck const& check, vmc::FactorForm const& form, arma::uword n_walkers, std::uint64_t replicate) {
  auto X = random_walkers(check.system, n_walkers, replicate, check.least_distance);
  auto stream = test_stream(replicate, 3);
  auto const D = static_cast<arma::uword>(check.system.dimensions);
  auto const N = static_cast<std::size_t>(check.system.particles);
  Reals const parameters = to_reals(check.parameters);
  vmc::Columns x(n_walkers, X.n_cols), taken(n_walkers, 1);
  x.assign(X);
  auto const factor = form.make(n_walkers);
  factor->set_parameters(check.parameters);
  factor->refresh(x);
  for (int sweep = 0; sweep < 3; ++sweep)
    for (std::size_t p = 0; p < N; ++p) {
      // A proposal that is never decided is forgotten.
      if (sweep == 1) propose(*factor, x, make_proposal(check.system, x, (p + 1) % N, stream));
      auto const proposal = make_proposal(check.system, x, p, stream);
      auto const moved = propose(*factor, x, proposal);
      arma::mat const X_new = with_proposal(X, proposal);
      vmc::Columns here(n_walkers, D);
      factor->add_drift(x, p, here);
      for (arma::uword k = 0; k < n_walkers; ++k) {
        Reals const before = to_reals(arma::rowvec(X.row(k)));
        Reals const after = to_reals(arma::rowvec(X_new.row(k)));
        Real const psi_before = check.log_psi(before, parameters);
        Real const psi_after = check.log_psi(after, parameters);
        check_near(moved.log_ratio[k], 2 * (psi_after - psi_before),
                   check.tolerance * (1 + static_cast<double>(std::abs(psi_before) + std::abs(psi_after))),
                   check.factor + " ratio of a move");
        taken.column(0)[k] = sweep == 2 && p == 0 ? 0.0 : stream.rademacher() > 0 ? 1.0 : 0.0;
        if (k > 16) continue;
        for (bool const proposed : {false, true}) {
          Reals const& at = proposed ? after : before;
          arma::rowvec const row = proposed ? X_new.row(k) : X.row(k);
          arma::rowvec const drift = proposed ? moved.drift.row(k) : arma::rowvec(here.matrix().row(k));
          double const rho = smooth_length(check.system, row, drift);
          for (arma::uword c = 0; c < D; ++c) {
            Real const expected = first_difference(
                [&](Real t) {
                  Reals shifted = at;
                  shifted[p * D + c] += t;
                  return check.log_psi(shifted, parameters);
                },
                rho / 100);
            check_near(drift[c], expected, check.tolerance / rho,
                       check.factor + (proposed ? " drift of a proposal" : " drift of a particle"));
          }
        }
      }
      factor->take(x, proposal, taken.column(0));
      for (arma::uword k = 0; k < n_walkers; ++k)
        if (taken.column(0)[k] > 0) X.row(k) = X_new.row(k);
      x.assign(X);
    }

  vmc::Columns const direction(n_walkers, X.n_cols);
  FactorValues const moved(*factor, x, direction, form.n_parameters());
  auto const fresh = form.make(n_walkers);
  fresh->set_parameters(check.parameters);
  fresh->refresh(x);
  FactorValues const anew(*fresh, x, direction, form.n_parameters());
  arma::vec const units = form.units();
  for (arma::uword k = 0; k < n_walkers; ++k) {
    double const rho = smooth_length(check.system, X.row(k), anew.drift.row(k));
    check_near(moved.log_psi[k], anew.log_psi[k], check.tolerance * (1 + std::abs(anew.log_psi[k])),
               check.factor + " ln Psi after moves");
    BOOST_TEST(moved.sign[k] == anew.sign[k]);
    check_near(moved.laplacian[k], anew.laplacian[k], check.tolerance * static_cast<double>(X.n_cols) / (rho * rho),
               check.factor + " Laplacian after moves");
    for (arma::uword i = 0; i < X.n_cols; ++i)
      check_near(moved.drift(k, i), anew.drift(k, i), check.tolerance / rho, check.factor + " drift after moves");
    for (arma::uword p = 0; p < form.n_parameters(); ++p)
      check_near(moved.derivatives(k, p), anew.derivatives(k, p),
                 check.tolerance * (10 + std::abs(anew.derivatives(k, p)) * units[p]) / units[p],
                 check.factor + " derivatives after moves");
  }
}

/// Walkers in another order, and alone, give the same bits.
inline void check_independence(FactorCheck const& check, vmc::FactorForm const& form, std::uint64_t replicate) {
  arma::uword const n = 17;
  auto const X = random_walkers(check.system, n, replicate, check.least_distance);
  auto const Y = random_walkers(check.system, n, replicate + 1, check.least_distance);
  auto const D = static_cast<arma::uword>(check.system.dimensions);
  arma::uvec order(n);
  for (arma::uword k = 0; k < n; ++k) order[k] = (5 * k + 3) % n;
  auto const run = [&](arma::uvec const& rows) {
    vmc::Columns x(rows.n_elem, X.n_cols), direction(rows.n_elem, X.n_cols), taken(rows.n_elem, 1);
    x.assign(X.rows(rows));
    direction.assign(Y.rows(rows));
    auto const factor = form.make(rows.n_elem);
    factor->set_parameters(check.parameters);
    factor->refresh(x);
    auto const p = static_cast<std::size_t>(check.system.particles - 1);
    vmc::Proposal proposal{p, vmc::Columns(rows.n_elem, D)};
    proposal.x.assign(Y.submat(rows, arma::regspace<arma::uvec>(p * D, p * D + D - 1)));
    auto const moved = propose(*factor, x, proposal);
    for (arma::uword k = 0; k < rows.n_elem; ++k) taken.column(0)[k] = static_cast<double>(rows[k] % 2);
    factor->take(x, proposal, taken.column(0));
    arma::mat X_new = x.matrix();
    for (arma::uword k = 0; k < rows.n_elem; ++k)
      if (rows[k] % 2 == 1) X_new.row(k) = with_proposal(x.matrix(), proposal).row(k);
    x.assign(X_new);
    FactorValues const v(*factor, x, direction, form.n_parameters());
    return arma::mat(arma::join_rows(arma::join_rows(moved.log_ratio, moved.drift, v.log_psi, v.sign),
                                     arma::join_rows(v.laplacian, v.drift, v.derivatives, v.along)));
  };
  arma::mat const straight = run(arma::regspace<arma::uvec>(0, n - 1));
  arma::mat const permuted = run(order);
  BOOST_TEST(arma::approx_equal(permuted, arma::mat(straight.rows(order)), "absdiff", 0.0),
             check.factor + ": the order of walkers changes their numbers");
  for (arma::uword k = 0; k < n; ++k)
    BOOST_TEST(arma::approx_equal(run(arma::uvec{k}), arma::mat(straight.row(k)), "absdiff", 0.0),
               check.factor + ": a walker alone has other numbers than among others");
}

/// The declared symmetry.
inline void check_exchange(FactorCheck const& check, vmc::FactorForm const& form, std::uint64_t replicate) {
  if (form.exchange() == vmc::Exchange::none) return;
  arma::uword const n = 17;
  auto const X = random_walkers(check.system, n, replicate, check.least_distance);
  auto const D = static_cast<arma::uword>(check.system.dimensions);
  auto const psi = [&](arma::mat const& at) {
    vmc::Columns x(n, at.n_cols), values(n, 2);
    x.assign(at);
    std::fill_n(values.column(1), n, 1.0);
    auto const factor = form.make(n);
    factor->set_parameters(check.parameters);
    factor->refresh(x);
    factor->add_log_psi(x, values.column(0), values.column(1));
    return values.matrix();
  };
  auto const N = static_cast<std::size_t>(check.system.particles);
  arma::mat const before = psi(X);
  for (std::size_t q = 1; q < N; ++q)
    for (std::size_t p = 0; p < q; ++p) {
      bool const like = vmc::are_like(check.system, p, q);
      if (!like && !check.symmetric_under_all && check.system.statistics == vmc::Statistics::fermions) continue;
      arma::mat Y = X;
      for (arma::uword c = 0; c < D; ++c) Y.swap_cols(p * D + c, q * D + c);
      arma::mat const after = psi(Y);
      bool const flips = like && form.exchange() == vmc::Exchange::antisymmetric;
      for (arma::uword k = 0; k < n; ++k) {
        check_near(after(k, 0), before(k, 0), check.tolerance * (1 + std::abs(before(k, 0))),
                   check.factor + " ln Psi after an exchange");
        BOOST_TEST(after(k, 1) == (flips ? -before(k, 1) : before(k, 1)));
      }
    }
}

inline void check_factor(FactorCheck const& check, std::uint64_t replicate = 1) {
  auto const form = make_form(check.system, check.ansatz, check.factor);
  BOOST_TEST_REQUIRE(form->n_parameters() == check.parameters.n_elem);
  BOOST_TEST_REQUIRE(form->units().n_elem == check.parameters.n_elem);
  auto const names = form->parameter_names();
  BOOST_TEST(names.size() == check.parameters.n_elem);
  BOOST_TEST(std::set<std::string>(names.begin(), names.end()).size() == names.size());
  for (arma::uword const n_walkers : {0U, 1U, 2U, 17U, 64U}) {
    if (n_walkers <= 17) check_values(check, *form, n_walkers, 100 * replicate + n_walkers);
    check_moves(check, *form, n_walkers, 100 * replicate + n_walkers + 1);
  }
  check_independence(check, *form, 100 * replicate + 90);
  check_exchange(check, *form, 100 * replicate + 92);
}

/// r E_L of a product of factors, each with its parameters, where particles p and q are the distance r (inverse root of omega:
/// the unit) apart and the others somewhere. With exact cusps it goes to 0 as r does; with a cusp wrong by c it goes to a
/// multiple of c.
inline double contact_term(vmc::System const& system, vmc::AnsatzSettings const& ansatz, std::vector<std::string> const& names,
                           std::vector<arma::vec> const& parameters, std::size_t p, std::size_t q, double r,
                           std::uint64_t replicate) {
  auto const D = static_cast<arma::uword>(system.dimensions);
  arma::mat X = random_walkers(system, 1, replicate, 0.7);
  auto stream = test_stream(replicate, 4);
  arma::vec direction(D);
  for (auto& value : direction) value = stream.normal();
  direction *= r / std::sqrt(system.omega) / arma::norm(direction);
  for (arma::uword c = 0; c < D; ++c) X(0, q * D + c) = X(0, p * D + c) + direction[c];
  vmc::Columns x(1, X.n_cols), drift(1, X.n_cols), laplacian(1, 1);
  x.assign(X);
  for (std::size_t f = 0; f < names.size(); ++f) {
    auto const form = make_form(system, ansatz, names[f]);
    auto const factor = form->make(1);
    factor->set_parameters(parameters[f]);
    factor->refresh(x);
    factor->add_slope(x, drift, laplacian.column(0));
  }
  double const slope = arma::norm(drift.matrix());
  double const distance = arma::norm(direction);
  return distance * (-0.5 * (laplacian.column(0)[0] + slope * slope) + 1 / distance);
}

}  // namespace fermiac::testing
