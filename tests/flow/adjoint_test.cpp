#include "fermiac/flow/adjoint.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "fermiac/flow/continuous_adjoint.hpp"
#include "fermiac/flow/fields/neural.hpp"
#include "fermiac/flow/fields/tanh_cubed.hpp"
#include "fermiac/flow/tableaus.hpp"
#include "support/differences.hpp"

using namespace fermiac;
using namespace fermiac::flow;
using fermiac::testing::first_difference;
using fermiac::testing::Real;

namespace {

constexpr Method methods[] = {Method::euler, Method::heun, Method::rk4, Method::dopri5, Method::dop853};

/// A small network with noise on every parameter.
std::unique_ptr<Field> small_network(bool output_gate, Penalty const& penalty = {}) {
  auto field = make_neural_field({2, {7, 6}, 2, network::Layer::concat_squash, output_gate}, penalty);
  rng::Stream stream({{5, 6}, rng::Purpose::test, 0}, 0);
  field->initialise(stream);
  std::vector<double> theta(field->parameters().begin(), field->parameters().end());
  for (auto& value : theta) value += 0.3 * stream.normal();
  field->set_parameters(theta);
  return field;
}

/// sum over samples of weights . (z at t1) + weight (log_change): the function that is differentiated.
struct Problem {
  Problem(Field const& field, std::size_t n) : z(n, field.dimension()), weights(n, field.dimension()), log_weights(n) {
    rng::Stream stream({{5, 6}, rng::Purpose::test, 1}, 0);
    for (std::size_t k = 0; k < n; ++k) {
      log_weights[k] = stream.normal();
      for (std::size_t i = 0; i < field.dimension(); ++i) {
        z.column(i)[k] = stream.normal();
        weights.column(i)[k] = stream.normal();
      }
    }
  }
  Columns z, weights;
  std::vector<double> log_weights;
};

struct Solved {
  double value = 0;
  Columns z_bar;
  std::vector<double> theta_bar;
  std::vector<Steps> steps;
  std::size_t n_solved_again = 0;
};

Solved solve(Field const& field, Problem const& problem, SolverSettings const& settings, double t0, double t1,
             double memory_mb = Adjoint::default_memory_mb) {
  std::size_t const n = problem.z.n_rows();
  Samples samples(n, field.dimension());
  samples.z.assign(problem.z.matrix());
  Wanted wanted;
  wanted.steps = true;
  Solver(field, Adjoint::forward(settings), t0, t1).solve(samples, {}, &wanted);
  Samples again(n, field.dimension());
  again.z.assign(problem.z.matrix());
  Adjoint adjoint(field, settings, t0, t1, memory_mb);
  adjoint.solve(again);
  Solved result{0, problem.weights, std::vector<double>(field.n_parameters(), 0.0), wanted.kept};
  for (std::size_t k = 0; k < n; ++k) {
    BOOST_REQUIRE(samples.status[k] == Status::done && again.status[k] == Status::done);
    BOOST_REQUIRE(again.log_change.column(0)[k] == samples.log_change.column(0)[k]);
    BOOST_REQUIRE(again.n_steps[k] == samples.n_steps[k] && again.n_evaluations[k] == samples.n_evaluations[k]);
    result.value += problem.log_weights[k] * samples.log_change.column(0)[k];
    for (std::size_t i = 0; i < field.dimension(); ++i) result.value += problem.weights.column(i)[k] * samples.z.column(i)[k];
  }
  adjoint.pull_back(result.z_bar, problem.log_weights.data(), field.n_parameters() > 0 ? result.theta_bar.data() : nullptr);
  result.n_solved_again = adjoint.n_solved_again();
  return result;
}

/// The same function with all steps as they were, by nothing but the formula of the method.
template <typename T>
double replayed(Field const& field, Problem const& problem, std::vector<Steps> const& steps, Columns const& start) {
  std::size_t const d = field.dimension();
  auto const kernel = field.make_kernel(1);
  double value = 0;
  for (std::size_t sample = 0; sample < steps.size(); ++sample) {
    std::vector<double> z(d);
    for (std::size_t i = 0; i < d; ++i) z[i] = start.column(i)[sample];
    double log_change = 0;
    for (std::size_t s = 0; s < steps[sample].h.size(); ++s) {
      double const h = steps[sample].h[s];
      std::vector<Columns> k(T::n_stages, Columns(1, d));
      std::vector<double> divergence(T::n_stages);
      for (std::size_t stage = 0; stage < T::n_stages; ++stage) {
        Columns argument(1, d);
        for (std::size_t i = 0; i < d; ++i) {
          double sum = 0;
          for (std::size_t j = 0; j < stage; ++j) sum += T::a[stage][j] * k[j].column(i)[0];
          argument.column(i)[0] = z[i] + h * sum;
        }
        double const t = steps[sample].t[s] + T::c[stage] * h;
        kernel->evaluate({1, &t, argument}, k[stage], &divergence[stage]);
      }
      for (std::size_t stage = 0; stage < T::n_stages; ++stage) {
        for (std::size_t i = 0; i < d; ++i) z[i] += h * T::b[stage] * k[stage].column(i)[0];
        log_change -= h * T::b[stage] * divergence[stage];
      }
    }
    value += problem.log_weights[sample] * log_change;
    for (std::size_t i = 0; i < d; ++i) value += problem.weights.column(i)[sample] * z[i];
  }
  return value;
}

double replayed(Method method, Field const& field, Problem const& problem, std::vector<Steps> const& steps,
                Columns const& start) {
  switch (method) {
    case Method::euler:
      return replayed<tableaus::Euler>(field, problem, steps, start);
    case Method::heun:
      return replayed<tableaus::Heun>(field, problem, steps, start);
    case Method::rk4:
      return replayed<tableaus::RungeKutta4>(field, problem, steps, start);
    case Method::dopri5:
      return replayed<tableaus::DormandPrince>(field, problem, steps, start);
    case Method::dop853:
      break;
  }
  return replayed<tableaus::Dop853>(field, problem, steps, start);
}

SolverSettings settings_of(Method method, std::uint32_t steps, double tolerance = 1e-6) {
  SolverSettings settings;
  settings.method = method;
  settings.steps = steps;
  settings.tolerance = tolerance;
  return settings;
}

/// Central differences with the accepted steps frozen, in every parameter and every start.
void check_against_differences(Field& field, Problem const& problem, SolverSettings const& settings, double t0, double t1) {
  auto const solved = solve(field, problem, settings, t0, t1);
  BOOST_TEST(std::abs(replayed(settings.method, field, problem, solved.steps, problem.z) - solved.value) < 1e-12);
  std::vector<double> const theta(field.parameters().begin(), field.parameters().end());
  for (std::size_t p = 0; p < theta.size(); ++p) {
    auto const along = [&](Real shift) {
      auto moved = theta;
      moved[p] += static_cast<double>(shift);
      field.set_parameters(moved);
      return Real(replayed(settings.method, field, problem, solved.steps, problem.z));
    };
    auto const difference = static_cast<double>(first_difference(along, Real(0.0078125)));
    BOOST_TEST(std::abs(difference - solved.theta_bar[p]) < 1e-9 * (1 + std::abs(difference)));
  }
  field.set_parameters(theta);
  for (std::size_t k = 0; k < problem.z.n_rows(); ++k)
    for (std::size_t i = 0; i < field.dimension(); ++i) {
      auto const along = [&](Real shift) {
        auto moved = problem.z;
        moved.column(i)[k] += static_cast<double>(shift);
        return Real(replayed(settings.method, field, problem, solved.steps, moved));
      };
      auto const difference = static_cast<double>(first_difference(along, Real(0.0078125)));
      BOOST_TEST(std::abs(difference - solved.z_bar.column(i)[k]) < 1e-9 * (1 + std::abs(difference)));
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(discrete_adjoint)

BOOST_AUTO_TEST_CASE(is_the_gradient_of_the_numbers_computed) {
  for (auto const method : methods)
    for (bool const gate : {true, false}) {
      auto const field = small_network(gate);
      check_against_differences(*field, Problem(*field, 2), settings_of(method, is_adaptive(method) ? 0 : 5), 0.5, 0);
    }
}

BOOST_AUTO_TEST_CASE(is_it_with_penalties_and_for_fields_without_parameters) {
  for (Penalty const& penalty : {Penalty{0.3, 0}, Penalty{0, 0.2}, Penalty{0.1, 0.4}}) {
    auto const field = small_network(penalty.kinetic == 0, penalty);
    check_against_differences(*field, Problem(*field, 2), settings_of(Method::dopri5, 3), 0, 0.7);
  }
  auto const kind = tanh_cubed_kind();
  auto const field = kind.make(3, Parameters(field_options()));
  for (auto const method : {Method::rk4, Method::dop853})
    check_against_differences(*field, Problem(*field, 3), settings_of(method, is_adaptive(method) ? 0 : 6), 0, 0.5);
}

BOOST_AUTO_TEST_CASE(converges_at_the_order_of_the_method) {
  auto const field = small_network(true);
  Problem const problem(*field, 3);
  auto const exact = solve(*field, problem, settings_of(Method::dop853, 40), 0, 2);
  auto const error = [&](Method method, std::uint32_t steps) {
    auto const solved = solve(*field, problem, settings_of(method, steps), 0, 2);
    double square = 0;
    for (std::size_t p = 0; p < exact.theta_bar.size(); ++p) square += std::pow(solved.theta_bar[p] - exact.theta_bar[p], 2);
    return std::sqrt(square);
  };
  for (auto const& [method, steps] :
       {std::pair{Method::euler, 256U}, {Method::heun, 64U}, {Method::rk4, 32U}, {Method::dopri5, 16U}, {Method::dop853, 6U}}) {
    double const order = std::log2(error(method, steps) / error(method, 2 * steps));
    BOOST_TEST_MESSAGE("order of the gradient: " << order << " for a method of order " << order_of(method));
    BOOST_TEST(std::abs(order - order_of(method)) < (method == Method::dop853 ? 1.0 : 0.35));
  }
}

BOOST_AUTO_TEST_CASE(of_a_tolerance_has_an_error_of_that_size) {
  auto const field = small_network(true);
  Problem const problem(*field, 60);
  auto const exact = solve(*field, problem, settings_of(Method::dop853, 40), 0.5, 0);
  double norm = 0;
  for (double const value : exact.theta_bar) norm = std::max(norm, std::abs(value));
  for (auto const method : {Method::dopri5, Method::dop853})
    for (double const tolerance : {1e-4, 1e-6, 1e-9}) {
      auto const solved = solve(*field, problem, settings_of(method, 0, tolerance), 0.5, 0);
      double worst = 0;
      for (std::size_t p = 0; p < exact.theta_bar.size(); ++p)
        worst = std::max(worst, std::abs(solved.theta_bar[p] - exact.theta_bar[p]));
      BOOST_TEST(worst < tolerance * norm);
    }
}

BOOST_AUTO_TEST_CASE(refuses_what_a_solver_refuses) {
  auto const field = small_network(true);
  BOOST_CHECK_THROW(Adjoint(*field, settings_of(Method::dop853, 0, 1e-15), 0, 1), InputError);
  BOOST_CHECK_THROW(Adjoint(*field, settings_of(Method::rk4, 0), 0, 1), InputError);
}

BOOST_AUTO_TEST_CASE(of_samples_is_the_sum_of_theirs_alone) {
  auto const field = small_network(false);
  Problem const problem(*field, 130);  // more than two blocks of lanes, with samples of many numbers of steps
  auto const all = solve(*field, problem, settings_of(Method::dopri5, 0, 1e-7), 0.5, 0);
  std::vector<double> sum(field->n_parameters(), 0.0);
  for (std::size_t k = 0; k < 130; ++k) {
    Problem alone(*field, 1);
    alone.log_weights[0] = problem.log_weights[k];
    for (std::size_t i = 0; i < 2; ++i) {
      alone.z.column(i)[0] = problem.z.column(i)[k];
      alone.weights.column(i)[0] = problem.weights.column(i)[k];
    }
    auto const one = solve(*field, alone, settings_of(Method::dopri5, 0, 1e-7), 0.5, 0);
    for (std::size_t p = 0; p < sum.size(); ++p) sum[p] += one.theta_bar[p];
    for (std::size_t i = 0; i < 2; ++i) BOOST_TEST(one.z_bar.column(i)[0] == all.z_bar.column(i)[k]);
  }
  for (std::size_t p = 0; p < sum.size(); ++p) BOOST_TEST(std::abs(sum[p] - all.theta_bar[p]) < 1e-11);
}

BOOST_AUTO_TEST_CASE(has_the_same_bits_on_any_budget_of_memory) {
  auto const field = small_network(true);
  std::size_t const n = 170;
  Problem const problem(*field, n);
  for (auto const method : methods) {
    auto const settings = settings_of(method, is_adaptive(method) ? 0 : 12);
    // An end that is no step's beginning plus its length, rounded.
    auto const plenty = solve(*field, problem, settings, 0.5, -1.0 / 3);
    BOOST_TEST(plenty.n_solved_again == 0);
    std::size_t n_steps = 0;
    for (auto const& steps : plenty.steps) n_steps += steps.h.size();
    double const step_mb = 1e-6 * 8 * 4;
    double const all_mb = step_mb * static_cast<double>(n_steps);
    // For all steps but few stages, half of the steps, three steps, and none at all.
    for (double const memory_mb : {2.5 * all_mb, 0.5 * all_mb, 3 * step_mb, 0.0}) {
      auto const tight = solve(*field, problem, settings, 0.5, -1.0 / 3, memory_mb);
      BOOST_TEST(tight.theta_bar == plenty.theta_bar, boost::test_tools::per_element());
      for (std::size_t k = 0; k < n; ++k)
        for (std::size_t i = 0; i < 2; ++i) BOOST_REQUIRE(tight.z_bar.column(i)[k] == plenty.z_bar.column(i)[k]);
      if (memory_mb < all_mb) BOOST_TEST(tight.n_solved_again > n / 4);
      if (memory_mb == 0) BOOST_TEST(tight.n_solved_again == n);
    }
  }
}

BOOST_AUTO_TEST_CASE(solves_and_sweeps_again_and_again) {
  auto const field = small_network(false);
  auto const settings = settings_of(Method::dop853, 0, 1e-8);
  for (double const memory_mb : {1.0, 0.001}) {
    Adjoint adjoint(*field, settings, 0.5, 0, memory_mb);
    for (std::size_t const n : {1U, 300U, 17U, 0U, 64U}) {
      Problem const problem(*field, n);
      Samples samples(n, 2);
      samples.z.assign(problem.z.matrix());
      adjoint.solve(samples);
      Columns z_bar = problem.weights;
      std::vector<double> theta_bar(field->n_parameters(), 0.0);
      adjoint.pull_back(z_bar, problem.log_weights.data(), theta_bar.data());
      BOOST_TEST(theta_bar == solve(*field, problem, settings, 0.5, 0).theta_bar, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(of_no_samples_is_nothing) {
  auto const field = small_network(true);
  auto const solved = solve(*field, Problem(*field, 0), settings_of(Method::dop853, 0), 0.5, 0);
  for (double const value : solved.theta_bar) BOOST_TEST(value == 0);
}

BOOST_AUTO_TEST_CASE(continuous_adjoints_and_forward_sensitivities_converge_to_it) {
  for (bool const gate : {true, false}) {
    auto const field = small_network(gate);
    std::size_t const n = 5;
    Problem const problem(*field, n);
    auto const exact = solve(*field, problem, settings_of(Method::dop853, 40), 0.5, 0);
    double norm = 0;
    for (double const value : exact.theta_bar) norm = std::max(norm, std::abs(value));
    for (auto const method : {Method::dopri5, Method::dop853})
      for (double const tolerance : {1e-5, 1e-8}) {
        auto const settings = settings_of(method, 0, tolerance);
        Samples samples(n, 2);
        samples.z.assign(problem.z.matrix());
        Wanted wanted;
        wanted.steps = true;
        Solver(*field, settings, 0.5, 0).solve(samples, {}, &wanted);
        for (int const how : {0, 1, 2}) {
          Columns z_bar = problem.weights;
          std::vector<double> theta_bar(field->n_parameters(), 0.0);
          double const* const mu = problem.log_weights.data();
          auto const work = how == 0 ? backsolve(*field, settings, 0.5, 0, samples, z_bar, mu, theta_bar.data())
                            : how == 1
                                ? interpolated_adjoint(*field, settings, 0.5, 0, wanted.kept, z_bar, mu, theta_bar.data())
                                : forward_sensitivities(
                                      *field, settings, 0.5, 0, problem.z,
                                      [&](Samples const&, Columns& bar) { bar = problem.weights; }, mu, theta_bar.data());
          BOOST_TEST(work.n_failed == 0);
          BOOST_TEST(work.n_evaluations > 0);
          for (std::size_t p = 0; p < theta_bar.size(); ++p)
            BOOST_TEST(std::abs(theta_bar[p] - exact.theta_bar[p]) < 10 * tolerance * norm, "way " << how);
          if (how == 2) continue;
          for (std::size_t i = 0; i < 2; ++i)
            for (std::size_t k = 0; k < n; ++k)
              BOOST_TEST(std::abs(z_bar.column(i)[k] - exact.z_bar.column(i)[k]) < 10 * tolerance * norm, "way " << how);
        }
      }
  }
}

BOOST_AUTO_TEST_SUITE_END()
