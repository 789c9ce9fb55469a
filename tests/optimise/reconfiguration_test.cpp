#include "fermiac/optimise/reconfiguration.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "fermiac/base/error.hpp"

using fermiac::optimise::centred_samples;
using fermiac::optimise::ConjugateGradientOptions;
using fermiac::optimise::reconfiguration_step;
using fermiac::optimise::reconfiguration_step_from_samples;
using fermiac::optimise::reconfiguration_step_matrix_free;
using fermiac::optimise::ReconfigurationOptions;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

arma::mat random_matrix(arma::uword rows, arma::uword columns, unsigned seed) {
  std::mt19937_64 source(seed);
  arma::mat A(rows, columns);
  for (double& value : A) value = std::ldexp(static_cast<double>(source() >> 11), -52) - 1;
  return A;
}

// A problem of n samples, P parameters, at most `rank` independent log-derivatives, in units that differ up to `units` times.
struct Problem {
  arma::mat Obar;
  arma::vec residuals;

  arma::mat S() const { return Obar.t() * Obar; }
  arma::vec gradient() const { return 2 * Obar.t() * residuals; }
};

Problem random_problem(arma::uword n, arma::uword P, arma::uword rank, double units, unsigned seed) {
  arma::mat O = random_matrix(n, rank, seed) * random_matrix(rank, P, seed + 1);
  for (arma::uword k = 0; k < P; ++k) O.col(k) *= std::pow(units, static_cast<double>(k) / static_cast<double>(P));
  return {centred_samples(O), centred_samples(3 + random_matrix(n, 1, seed + 2))};
}

// S v from the samples, and how often it was asked for.
struct Product {
  Problem const& problem;
  int& n_calls;

  arma::vec operator()(arma::vec const& v) const {
    ++n_calls;
    return problem.Obar.t() * (problem.Obar * v);
  }
};

double distance(arma::vec const& x, arma::vec const& y) { return arma::norm(x - y) / arma::norm(y); }

ReconfigurationOptions plain(double rate) { return {.rate = rate, .shift_relative = 0, .shift_absolute = 0}; }

}  // namespace

BOOST_AUTO_TEST_SUITE(reconfiguration)

// Inverse of [[2, 1], [1, 1]] is [[1, -1], [-1, 2]].
BOOST_AUTO_TEST_CASE(step_is_the_one_computed_by_hand) {
  arma::vec const d = reconfiguration_step({{2, 1}, {1, 1}}, {4, 2}, plain(0.5));
  BOOST_TEST(d[0] == -0.5 * (2 - 1), boost::test_tools::tolerance(1e-14));
  BOOST_TEST(std::abs(d[1] - -0.5 * (-2 + 2)) < 1e-15);
}

BOOST_AUTO_TEST_CASE(step_solves_the_shifted_equations) {
  for (arma::uword const P : {1, 2, 3, 14, 41}) {
    arma::mat const B = random_matrix(P, P + 2, 7);
    arma::mat const S = B * B.t();
    arma::vec const g = random_matrix(P, 1, 8);
    arma::vec const d = reconfiguration_step(S, g, {.rate = 0.3, .shift_relative = 0.1, .shift_absolute = 0.01});
    arma::vec const residual = S * d + 0.1 * (S.diag() % d) + 0.01 * d + 0.15 * g;
    BOOST_TEST(arma::abs(residual).max() < 1e-14 * static_cast<double>(P));
  }
}

BOOST_AUTO_TEST_CASE(only_the_upper_triangle_is_read) {
  arma::mat S = {{2, 1}, {1, 3}};
  arma::vec const g = {1, -2};
  arma::vec const expected = reconfiguration_step(S, g, {});
  S(1, 0) = 1e6;
  arma::vec const found = reconfiguration_step(S, g, {});
  BOOST_TEST(found[0] == expected[0]);
  BOOST_TEST(found[1] == expected[1]);
}

// With d = -rate S^-1 g / 2 a linear change T of the parameters (S -> T' S T, g -> T' g) gives T^-1 d.
BOOST_AUTO_TEST_CASE(unshifted_step_does_not_depend_on_the_coordinates) {
  arma::mat const B = random_matrix(4, 9, 1);
  arma::mat const S = B * B.t();
  arma::vec const g = random_matrix(4, 1, 2);
  arma::mat const T = random_matrix(4, 4, 3) + 2 * arma::eye(4, 4);
  arma::vec const d = reconfiguration_step(S, g, plain(1));
  arma::vec const transformed = T * reconfiguration_step(T.t() * S * T, T.t() * g, plain(1));
  for (arma::uword i = 0; i < 4; ++i) BOOST_TEST(transformed[i] == d[i], boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(parameters_without_influence_stay) {
  arma::mat S(3, 3, arma::fill::zeros);
  S(0, 0) = 4;
  S(2, 2) = 1;
  arma::vec const d = reconfiguration_step(S, {8, 1, 2}, plain(1));
  BOOST_TEST(d[0] == -1, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(d[1] == 0);
  BOOST_TEST(d[2] == -1, boost::test_tools::tolerance(1e-15));
}

BOOST_AUTO_TEST_CASE(two_parameters_of_one_influence_share_the_step) {
  arma::vec const d = reconfiguration_step({{1, 1}, {1, 1}}, {2, 2}, plain(1));
  BOOST_TEST(d[0] == -0.5, boost::test_tools::tolerance(1e-14));
  BOOST_TEST(d[1] == -0.5, boost::test_tools::tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(step_is_bounded_in_the_metric_and_keeps_its_direction) {
  arma::mat const B = random_matrix(5, 8, 4);
  arma::mat const S = B * B.t();
  arma::vec const g = random_matrix(5, 1, 5);
  arma::vec const free = reconfiguration_step(S, g, {.rate = 1, .shift_absolute = 0.1});
  arma::mat const A = S + 0.1 * arma::eye(5, 5);
  double const length = std::sqrt(arma::dot(free, A * free));
  arma::vec const bounded = reconfiguration_step(S, g, {.rate = 1, .shift_absolute = 0.1, .max_metric_step = length / 3});
  arma::vec const unbounded = reconfiguration_step(S, g, {.rate = 1, .shift_absolute = 0.1, .max_metric_step = length * 1.01});
  for (arma::uword i = 0; i < 5; ++i) {
    BOOST_TEST(bounded[i] == free[i] / 3, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(unbounded[i] == free[i]);
  }
}

BOOST_AUTO_TEST_CASE(no_gradient_no_step) {
  BOOST_TEST(!arma::any(reconfiguration_step(arma::mat(3, 3, arma::fill::zeros), arma::vec(3, arma::fill::zeros), plain(1))));
  BOOST_TEST(reconfiguration_step(arma::mat(), arma::vec(), {}).is_empty());
}

BOOST_AUTO_TEST_CASE(fails_the_item_where_there_is_no_answer) {
  arma::mat const one = arma::eye(2, 2);
  for (double const bad : {infinity, not_a_number}) {
    BOOST_CHECK_THROW(reconfiguration_step({{1, bad}, {bad, 1}}, {1, 1}, {}), fermiac::ItemFailure);
    BOOST_CHECK_THROW(reconfiguration_step(one, {1, bad}, {}), fermiac::ItemFailure);
  }
  BOOST_CHECK_THROW(reconfiguration_step(arma::mat(2, 2, arma::fill::zeros), {1, 1}, plain(1)), fermiac::ItemFailure);
  BOOST_CHECK_THROW(reconfiguration_step(1e-300 * one, {1e300, 1}, plain(1)), fermiac::ItemFailure);
}

BOOST_AUTO_TEST_CASE(refuses_options_outside_their_ranges) {
  arma::mat const S = arma::eye(1, 1);
  for (double const rate : {0.0, -1.0, infinity, not_a_number})
    BOOST_CHECK_THROW(reconfiguration_step(S, {1}, {.rate = rate}), fermiac::InputError);
  for (double const shift : {-1e-3, infinity, not_a_number}) {
    BOOST_CHECK_THROW(reconfiguration_step(S, {1}, {.shift_relative = shift}), fermiac::InputError);
    BOOST_CHECK_THROW(reconfiguration_step(S, {1}, {.shift_absolute = shift}), fermiac::InputError);
  }
  for (double const bound : {0.0, -1.0, not_a_number})
    BOOST_CHECK_THROW(reconfiguration_step(S, {1}, {.max_metric_step = bound}), fermiac::InputError);
}

BOOST_AUTO_TEST_CASE(centred_samples_have_mean_zero_and_the_covariance_as_product) {
  arma::mat const O = 5 + random_matrix(17, 3, 1);
  arma::mat const Obar = centred_samples(O);
  BOOST_TEST(arma::abs(arma::sum(Obar)).max() < 1e-14);
  BOOST_TEST(arma::abs(Obar.t() * Obar - arma::cov(O, 1)).max() < 1e-14);
  BOOST_TEST(centred_samples(arma::mat(0, 3)).n_cols == 3);
  arma::mat const one = centred_samples({{1, 2}});
  BOOST_TEST(!arma::any(arma::vectorise(one)));
}

// The push-through identity by itself: (X' X + m)^-1 X' = X' (X X' + m)^-1.
BOOST_AUTO_TEST_CASE(push_through_identity_holds) {
  arma::mat const X = random_matrix(5, 9, 3);
  arma::mat const left = arma::solve(X.t() * X + 0.3 * arma::eye(9, 9), X.t());
  arma::mat const right = X.t() * arma::inv(X * X.t() + 0.3 * arma::eye(5, 5));
  BOOST_TEST(arma::abs(left - right).max() < 1e-14);
}

// One parameter, Obar = (1, -1), eps = (2, -2): S = 2, gradient 8, d = -rate 4 / (2 (1 + relative) + absolute).
BOOST_AUTO_TEST_CASE(all_forms_give_the_step_computed_by_hand) {
  ReconfigurationOptions const options{.rate = 0.5, .shift_relative = 0.25, .shift_absolute = 1.5};
  auto const is_half = boost::test_tools::tolerance(1e-15);
  BOOST_TEST(reconfiguration_step(arma::vec{2}, {8}, options)[0] == -0.5, is_half);
  BOOST_TEST(reconfiguration_step_from_samples(arma::vec{1, -1}, {2, -2}, options)[0] == -0.5, is_half);
  BOOST_TEST(reconfiguration_step_from_samples(arma::vec{1, -1}, {1, -1}, options, {2})[0] == -0.5, is_half);
  auto const found = reconfiguration_step_matrix_free([](arma::vec const& v) { return arma::vec(2 * v); }, {2}, {8}, options);
  BOOST_TEST(found.step[0] == -0.5, is_half);
  BOOST_TEST(found.iterations == 1);
}

// Rounding, in units of 100 epsilon for sums of up to 90 terms: Cholesky and conjugate gradients lose the condition number of
// A, and the tolerance counts as rounding does. In sample space, an error epsilon |T + m| |y| of the right-hand side reaches d
// through X' (T + m)^-1, whose norm is at most 1 / (2 sqrt(m)): where n > P, y is large in the null space of T.
BOOST_AUTO_TEST_CASE(three_forms_agree) {
  struct Size {
    arma::uword n, P, rank;
  };
  for (auto const& [n, P, rank] :
       {Size{2, 1, 1}, Size{60, 14, 14}, Size{14, 60, 60}, Size{30, 30, 30}, Size{40, 20, 3}, Size{20, 90, 5}, Size{1, 4, 4}}) {
    for (auto const& [relative, absolute] : {std::pair{0.0, 1e-3}, {1e-2, 0.0}, {1e-2, 1e-3}, {1.0, 1e-8}}) {
      for (double const units : {1.0, 100.0}) {
        auto const problem = random_problem(n, P, rank, units, 11);
        arma::mat const S = problem.S();
        arma::vec const gradient = problem.gradient();
        ReconfigurationOptions const options{.rate = 0.7, .shift_relative = relative, .shift_absolute = absolute};
        arma::vec const dense = reconfiguration_step(S, gradient, options);
        arma::vec const from_samples = reconfiguration_step_from_samples(problem.Obar, problem.residuals, options);
        int n_calls = 0;
        auto const free = reconfiguration_step_matrix_free(Product{problem, n_calls}, S.diag(), gradient, options,
                                                           {.tolerance = 2e-14, .max_iterations = 20000});
        if (n == 1) {  // a single sample has no residual
          for (arma::vec const& d : {dense, from_samples, free.step}) BOOST_TEST(!arma::any(d));
          continue;
        }
        BOOST_TEST_CONTEXT("n " << n << " P " << P << " rank " << rank << " shifts " << relative << " " << absolute << " units "
                                << units) {
          double const rounding = 100 * std::numeric_limits<double>::epsilon();
          arma::mat A = S;
          A.diag() += relative * S.diag() + absolute;
          arma::vec const scale = arma::sqrt(A.diag());
          arma::mat const scaled = arma::diagmat(1 / scale) * A * arma::diagmat(1 / scale);
          BOOST_TEST(distance(free.step % scale, dense % scale) < 2 * rounding * arma::cond(scaled));

          arma::vec const shift = relative * S.diag() + absolute;
          double const m = shift.max();
          arma::vec const Q = arma::sqrt(shift / m);
          arma::mat const X = problem.Obar * arma::diagmat(1 / Q);
          arma::mat const T = X * X.t() + m * arma::eye(n, n);
          arma::vec const y = options.rate * arma::solve(T, problem.residuals);
          double const lost = arma::norm(T) * arma::norm(y) / (2 * std::sqrt(m) * arma::norm(Q % dense));
          BOOST_TEST(distance(from_samples % Q, dense % Q) < rounding * (arma::norm(T) / m + lost));
          BOOST_TEST(free.converged);
          BOOST_TEST(free.iterations == n_calls);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(three_forms_are_bounded_alike) {
  auto const problem = random_problem(12, 20, 20, 10, 5);
  ReconfigurationOptions options{.rate = 1, .shift_relative = 0.01, .shift_absolute = 0.1, .max_metric_step = 0.05};
  arma::vec const gradient = problem.gradient();
  arma::mat const S = problem.S();
  arma::vec const dense = reconfiguration_step(S, gradient, options);
  arma::vec const from_samples = reconfiguration_step_from_samples(problem.Obar, problem.residuals, options);
  int n_calls = 0;
  auto const product = Product{problem, n_calls};
  auto const free = reconfiguration_step_matrix_free(product, S.diag(), gradient, options, {.tolerance = 1e-13});
  // Cut short, too: the length holds for each iterate.
  auto const early =
      reconfiguration_step_matrix_free(product, S.diag(), gradient, options, {.tolerance = 0, .max_iterations = 2});
  BOOST_TEST(!early.converged);
  arma::mat A = S;
  A.diag() += 0.01 * S.diag() + 0.1;
  auto const rounding = boost::test_tools::tolerance(1e-12);
  for (arma::vec const& d : {dense, from_samples, free.step, early.step})
    BOOST_TEST(std::sqrt(arma::dot(d, A * d)) == 0.05, rounding);
  BOOST_TEST(distance(from_samples, dense) < 1e-12);
  BOOST_TEST(distance(free.step, dense) < 1e-12);
}

BOOST_AUTO_TEST_CASE(correction_adds_to_the_gradient) {
  for (auto const& [n, P] : {std::pair{9, 25}, {25, 9}}) {
    auto const problem = random_problem(n, P, P, 1e3, 8);
    arma::vec const correction = random_matrix(P, 1, 77) % arma::sqrt(problem.S().diag());
    ReconfigurationOptions const options{.rate = 0.2, .shift_relative = 0.02, .shift_absolute = 1e-3};
    arma::vec const dense = reconfiguration_step(problem.S(), problem.gradient() + 2 * correction, options);
    arma::vec const found = reconfiguration_step_from_samples(problem.Obar, problem.residuals, options, correction);
    BOOST_TEST(distance(found, dense) < 1e-11);
    arma::vec const none(P, arma::fill::zeros);
    BOOST_TEST(distance(reconfiguration_step_from_samples(problem.Obar, problem.residuals, options, none),
                        reconfiguration_step_from_samples(problem.Obar, problem.residuals, options)) < 1e-12);
  }
}

// Without shifts, many steps change the state alike; dense and sample-space form take the shortest, conjugate gradients some
// one.
BOOST_AUTO_TEST_CASE(unshifted_forms_agree_on_the_range) {
  for (auto const& [n, P, rank] : {std::tuple{30, 12, 4}, {8, 40, 40}, {30, 12, 12}}) {
    auto const problem = random_problem(n, P, rank, 1, 21);
    arma::mat const S = problem.S();
    arma::vec const gradient = problem.gradient();
    arma::vec const shortest = -0.5 * arma::pinv(S, 1e-12) * gradient;
    arma::vec const from_samples = reconfiguration_step_from_samples(problem.Obar, problem.residuals, plain(1));
    int n_calls = 0;
    auto const free =
        reconfiguration_step_matrix_free(Product{problem, n_calls}, S.diag(), gradient, plain(1), {.tolerance = 1e-12});
    BOOST_TEST(distance(from_samples, shortest) < 1e-9);
    BOOST_TEST(free.converged);
    BOOST_TEST(distance(S * free.step, -0.5 * gradient) < 1e-9);
  }
}

BOOST_AUTO_TEST_CASE(parameters_without_influence_stay_in_every_form) {
  auto problem = random_problem(10, 4, 4, 1, 2);
  problem.Obar.col(1).zeros();
  arma::vec const gradient = problem.gradient();
  int n_calls = 0;
  for (auto const& options : {plain(1), ReconfigurationOptions{.rate = 1, .shift_relative = 0.1, .shift_absolute = 0},
                              ReconfigurationOptions{.rate = 1, .shift_relative = 0.1, .shift_absolute = 0.1}}) {
    arma::vec const dense = reconfiguration_step(problem.S(), gradient, options);
    arma::vec const from_samples = reconfiguration_step_from_samples(problem.Obar, problem.residuals, options);
    auto const free = reconfiguration_step_matrix_free(Product{problem, n_calls}, problem.S().diag(), gradient, options,
                                                       {.tolerance = 1e-13});
    BOOST_TEST(dense[1] == 0);
    BOOST_TEST(from_samples[1] == 0);
    BOOST_TEST(free.step[1] == 0);
    BOOST_TEST(distance(from_samples, dense) < 1e-10);
    BOOST_TEST(distance(free.step, dense) < 1e-10);
  }
}

// A change of units of each parameter (O -> c O, gradient -> c gradient, step -> step / c) changes nothing but them.
BOOST_AUTO_TEST_CASE(relative_shift_does_not_depend_on_units) {
  auto const problem = random_problem(15, 40, 40, 1, 31);
  arma::vec const factor = arma::exp(8 * random_matrix(40, 1, 32));
  Problem const other{problem.Obar * arma::diagmat(factor), problem.residuals};
  ReconfigurationOptions const options{.rate = 1, .shift_relative = 0.01, .shift_absolute = 0};
  arma::vec const expected = reconfiguration_step_from_samples(problem.Obar, problem.residuals, options);
  BOOST_TEST(distance(factor % reconfiguration_step_from_samples(other.Obar, other.residuals, options), expected) < 1e-12);
  int n_calls = 0;
  auto const first =
      reconfiguration_step_matrix_free(Product{problem, n_calls}, problem.S().diag(), problem.gradient(), options);
  auto const second = reconfiguration_step_matrix_free(Product{other, n_calls}, other.S().diag(), other.gradient(), options);
  BOOST_TEST(first.iterations == second.iterations);
  BOOST_TEST(distance(factor % second.step, first.step) < 1e-9);
}

BOOST_AUTO_TEST_CASE(conjugate_gradients_report_their_true_residual_and_go_downhill) {
  auto const problem = random_problem(50, 30, 30, 100, 41);
  arma::mat const S = problem.S();
  arma::vec const gradient = problem.gradient();
  ReconfigurationOptions const options{.rate = 1, .shift_relative = 0.001, .shift_absolute = 0.001};
  arma::mat A = S;
  A.diag() += 0.001 * S.diag() + 0.001;
  arma::vec const b = -0.5 * gradient;
  arma::vec const scale = 1 / arma::sqrt(A.diag());
  int n_calls = 0;
  double best = 0;
  for (int limit = 1; limit < 40; ++limit) {
    auto const found = reconfiguration_step_matrix_free(Product{problem, n_calls}, S.diag(), gradient, options,
                                                        {.tolerance = 1e-8, .max_iterations = limit});
    BOOST_TEST(found.iterations <= limit);
    BOOST_TEST(found.converged == (found.residual <= 1e-8));
    double const residual = arma::norm(scale % (b - A * found.step)) / arma::norm(scale % b);
    BOOST_TEST(std::abs(residual - found.residual) < 1e-11);
    double const value = 0.5 * arma::dot(found.step, A * found.step) - arma::dot(b, found.step);
    BOOST_TEST(value <= best + 1e-14 * std::abs(best));
    best = value;
  }
  BOOST_TEST(best < 0);
  auto const again = reconfiguration_step_matrix_free(Product{problem, n_calls}, S.diag(), gradient, options);
  auto const once = reconfiguration_step_matrix_free(Product{problem, n_calls}, S.diag(), gradient, options);
  for (arma::uword k = 0; k < 30; ++k) BOOST_TEST(again.step[k] == once.step[k]);
}

BOOST_AUTO_TEST_CASE(equations_without_a_solution_do_not_converge) {
  auto const found = reconfiguration_step_matrix_free(
      [](arma::vec const& v) {
        return arma::vec(arma::vec{1, 1} * (v[0] + v[1]));
      },
      {1, 1}, {2, -2}, plain(1));
  BOOST_TEST(!found.converged);
  BOOST_TEST(found.residual == 1);
  BOOST_TEST(!arma::any(found.step));
}

BOOST_AUTO_TEST_CASE(no_gradient_no_step_in_any_form) {
  BOOST_TEST(!arma::any(reconfiguration_step_from_samples(arma::mat(3, 2, arma::fill::zeros), {1, 1, -2}, plain(1))));
  BOOST_TEST(reconfiguration_step_from_samples(arma::mat(), arma::vec(), {}).is_empty());
  BOOST_TEST(reconfiguration_step_from_samples(arma::mat(0, 2), arma::vec(), {}).n_elem == 2);
  BOOST_TEST(reconfiguration_step_from_samples(arma::mat(2, 0), {1, -1}, {}).is_empty());
  auto const never = [](arma::vec const&) -> arma::vec { throw std::runtime_error("no product is needed"); };
  auto const found = reconfiguration_step_matrix_free(never, {0, 0}, {0, 0}, plain(1));
  BOOST_TEST(!arma::any(found.step));
  BOOST_TEST(found.converged);
  BOOST_TEST(found.iterations == 0);
  BOOST_TEST(reconfiguration_step_matrix_free(never, {}, {}, {}).step.is_empty());
}

BOOST_AUTO_TEST_CASE(other_forms_fail_the_item_where_there_is_no_answer) {
  auto const itself = [](arma::vec const& v) { return v; };
  arma::vec const Obar = {1, -1};
  for (double const bad : {infinity, not_a_number}) {
    BOOST_CHECK_THROW(reconfiguration_step_from_samples(arma::vec{bad, 1}, {1, -1}, {}), fermiac::ItemFailure);
    BOOST_CHECK_THROW(reconfiguration_step_from_samples(Obar, {1, bad}, {}), fermiac::ItemFailure);
    BOOST_CHECK_THROW(reconfiguration_step_from_samples(Obar, {1, -1}, {}, {bad}), fermiac::ItemFailure);
    BOOST_CHECK_THROW(reconfiguration_step_matrix_free(itself, {bad}, {1}, {}), fermiac::ItemFailure);
    BOOST_CHECK_THROW(reconfiguration_step_matrix_free(itself, {1}, {bad}, {}), fermiac::ItemFailure);
    BOOST_CHECK_THROW(reconfiguration_step_matrix_free([&](arma::vec const&) { return arma::vec{bad}; }, {1}, {1}, {}),
                      fermiac::ItemFailure);
  }
  BOOST_CHECK_THROW(reconfiguration_step_matrix_free(itself, {0, 0}, {1, 1}, plain(1)), fermiac::ItemFailure);
  BOOST_CHECK_THROW(reconfiguration_step_from_samples(arma::vec{0, 0}, {1, -1}, {.shift_absolute = 0}, {1}),
                    fermiac::InputError);
  BOOST_CHECK_THROW(
      reconfiguration_step_from_samples(arma::vec{0, 0}, {1, -1}, {.shift_relative = 1, .shift_absolute = 0}, {1}),
      fermiac::ItemFailure);
}

BOOST_AUTO_TEST_CASE(other_forms_refuse_options_outside_their_ranges) {
  auto const itself = [](arma::vec const& v) { return v; };
  for (auto const& options :
       {ReconfigurationOptions{.rate = 0}, ReconfigurationOptions{.shift_relative = -1},
        ReconfigurationOptions{.shift_absolute = infinity}, ReconfigurationOptions{.max_metric_step = 0}}) {
    BOOST_CHECK_THROW(reconfiguration_step_from_samples(arma::vec{1, -1}, {1, -1}, options), fermiac::InputError);
    BOOST_CHECK_THROW(reconfiguration_step_matrix_free(itself, {1}, {1}, options), fermiac::InputError);
  }
  for (auto const& solver : {ConjugateGradientOptions{.tolerance = -1}, ConjugateGradientOptions{.tolerance = not_a_number},
                             ConjugateGradientOptions{.max_iterations = 0}})
    BOOST_CHECK_THROW(reconfiguration_step_matrix_free(itself, {1}, {1}, {}, solver), fermiac::InputError);
}

BOOST_AUTO_TEST_SUITE_END()
