#include "fermiac/flow/solver.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/rng/stream.hpp"

using namespace fermiac;
using namespace fermiac::flow;

namespace {

std::unique_ptr<Field> field_of(std::string const& name, std::size_t d,
                                std::vector<std::pair<std::string, Value>> const& options = {}) {
  Parameters all(field_options());
  for (auto const& [key, value] : options) all.set(key, value);
  return make_field(name, d, all);
}

Samples normal_samples(std::size_t n, std::size_t d, DivergenceSettings const& divergence = {}) {
  Samples samples(n, d, divergence);
  rng::Stream stream({{5, 6}, rng::Purpose::test, 0}, 0);
  for (std::size_t i = 0; i < d; ++i) stream.normals({samples.z.column(i), n});
  return samples;
}

/// The largest error of z and log p, against the field's own solution.
double largest_error(Field const& field, Samples const& start, Samples const& end, double t0, double t1) {
  double largest = 0;
  std::vector<double> z(field.dimension());
  for (std::size_t k = 0; k < start.size(); ++k) {
    for (std::size_t i = 0; i < z.size(); ++i) z[i] = start.z.column(i)[k];
    auto const truth = field.exact_end(z, t0, t1);
    for (std::size_t i = 0; i < z.size(); ++i) largest = std::max(largest, std::abs(end.z.column(i)[k] - truth->z[i]));
    largest = std::max(largest, std::abs(end.log_change.column(0)[k] - truth->log_change));
  }
  return largest;
}

Samples solved(Field const& field, SolverSettings const& settings, Samples samples, double t0, double t1,
               Wanted* wanted = nullptr) {
  Solver(field, settings, t0, t1).solve(samples, {}, wanted);
  return samples;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(solver)

BOOST_AUTO_TEST_CASE(the_tolerance_is_kept_by_every_sample) {
  auto const tanh = field_of("tanh_cubed", 2);
  auto const start = normal_samples(3000, 2);
  for (auto const method : {Method::dopri5, Method::dop853})
    for (double const tolerance : {1e-3, 1e-6, 1e-9, 1e-12}) {
      auto const end = solved(*tanh, {.method = method, .tolerance = tolerance}, start, 0, 0.5);
      BOOST_TEST(largest_error(*tanh, start, end, 0, 0.5) < tolerance);
    }
  auto const rotation = field_of("rotation", 3);
  auto const linear = field_of("linear", 2, {{"linear.matrix", std::string("-1, 2; -2, -0.5")}});
  for (auto const method : {Method::dopri5, Method::dop853})
    for (double const tolerance : {1e-4, 1e-8}) {
      auto const turned = normal_samples(300, 3);
      BOOST_TEST(largest_error(*rotation, turned, solved(*rotation, {.method = method, .tolerance = tolerance}, turned, 0, 7),
                               0, 7) < tolerance);
      auto const back = normal_samples(300, 2);
      BOOST_TEST(largest_error(*linear, back, solved(*linear, {.method = method, .tolerance = tolerance}, back, 1, -1), 1, -1) <
                 tolerance);
    }
}

/// Samples at (x, y), x in `n` equal parts from `low` to `high`.
Samples along(std::size_t n, double low, double high, double y) {
  Samples samples(n, 2);
  for (std::size_t k = 0; k < n; ++k) {
    samples.z.column(0)[k] = low + (high - low) * (static_cast<double>(k) + 0.5) / static_cast<double>(n);
    samples.z.column(1)[k] = y;
  }
  return samples;
}

// Where no difference of a step's stages shows the error of log p, but that of z does.
BOOST_AUTO_TEST_CASE(the_tolerance_is_kept_where_the_divergence_hides_its_error) {
  auto const tanh = field_of("tanh_cubed", 2);
  auto const start = along(2000, 0.3, 0.5, -2.5);
  for (double const tolerance : {1e-6, 1e-9}) {
    auto const end = solved(*tanh, {.tolerance = tolerance}, start, 0, 2);
    BOOST_TEST(largest_error(*tanh, start, end, 0, 2) < tolerance);
  }
}

// The divergence of the first component is small and gone after a moment; that of the second is larger and slow.
BOOST_AUTO_TEST_CASE(the_tolerance_is_kept_where_the_first_stage_alone_shows_something) {
  auto const tanh = field_of("tanh_cubed", 2);
  auto const start = along(2000, 1.7, 2.6, -0.1);
  for (auto const method : {Method::dopri5, Method::dop853})
    for (double const tolerance : {1e-6, 1e-9, 1e-12}) {
      auto const end = solved(*tanh, {.method = method, .tolerance = tolerance}, start, 0, 2);
      BOOST_TEST(largest_error(*tanh, start, end, 0, 2) < tolerance);
    }
}

BOOST_AUTO_TEST_CASE(the_tolerance_is_kept_where_errors_grow) {
  auto const linear = field_of("linear", 2, {{"linear.matrix", std::string("-1, 2; -2, -0.5")}});
  auto const start = normal_samples(2000, 2);
  for (double const tolerance : {1e-3, 1e-6, 1e-9, 1e-12}) {
    auto const end = solved(*linear, {.tolerance = tolerance}, start, 1, -1);
    BOOST_TEST(largest_error(*linear, start, end, 1, -1) < tolerance);
  }
}

BOOST_AUTO_TEST_CASE(the_tolerance_is_kept_where_components_depend_on_one_another) {
  auto const coupled = field_of("expression", 2, {{"expression.components", std::string("tanh(z1 + z2); tanh(z1 - z2)")}});
  Samples const start = along(2000, -2, -1, 2.1);
  Samples truth = start;
  Solver(*coupled, {.steps = 64}, 0, 0.5).solve(truth);
  for (double const tolerance : {1e-6, 1e-9, 1e-12}) {
    auto const end = solved(*coupled, {.tolerance = tolerance}, start, 0, 0.5);
    for (std::size_t k = 0; k < start.size(); ++k) {
      BOOST_TEST(std::abs(end.log_change.column(0)[k] - truth.log_change.column(0)[k]) < tolerance);
      for (std::size_t i = 0; i < 2; ++i) BOOST_TEST(std::abs(end.z.column(i)[k] - truth.z.column(i)[k]) < tolerance);
    }
  }
}

// A component at rest beside others that move, on whose divergence nothing of its error depends.
BOOST_AUTO_TEST_CASE(what_is_at_rest_does_not_shorten_steps) {
  auto const field = field_of("expression", 4, {{"expression.components", std::string("z2^2 + z3^2 - 1; -z3; z2; sin(z4)")}});
  Samples start(20, 4);
  for (std::size_t k = 0; k < 20; ++k) {
    double const angle = 0.3 * static_cast<double>(k);
    start.z.column(1)[k] = std::cos(angle);
    start.z.column(2)[k] = std::sin(angle);
    start.z.column(3)[k] = 0.1 * static_cast<double>(k);
  }
  for (auto const method : {Method::dopri5, Method::dop853}) {
    auto const end = solved(*field, {.method = method, .tolerance = 1e-6}, start, 0, 1);
    for (std::size_t k = 0; k < 20; ++k) {
      BOOST_TEST((end.status[k] == Status::done));
      BOOST_TEST(end.n_steps[k] < 60);
    }
  }
}

// Steps into where f is not a number are taken back at once, and shorter ones go on.
BOOST_AUTO_TEST_CASE(a_step_too_far_is_taken_back) {
  auto const root = field_of("expression", 1, {{"expression.components", std::string("-sqrt(z1 - 0.1)")}});
  Samples start(9, 1);
  for (std::size_t k = 0; k < 9; ++k) start.z.column(0)[k] = 0.3 + 0.2 * static_cast<double>(k);
  for (auto const method : {Method::dopri5, Method::dop853}) {
    auto const end = solved(*root, {.method = method, .tolerance = 1e-8}, start, 0, 0.85);
    for (std::size_t k = 0; k < 9; ++k) {
      double const root_at_end = std::sqrt(0.2 + 0.2 * static_cast<double>(k)) - 0.425;
      BOOST_TEST((end.status[k] == Status::done));
      BOOST_TEST(std::abs(end.z.column(0)[k] - (0.1 + root_at_end * root_at_end)) < 1e-8);
      BOOST_TEST(end.n_rejected[k] < 20);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_constant_does_not_shorten_steps) {
  auto const linear = field_of("linear", 2, {{"linear.matrix", std::string("-1, 2; -2, -0.5")}});  // constant divergence
  auto const end = solved(*linear, {.tolerance = 1e-12}, normal_samples(200, 2), 0, 1);
  for (auto const steps : end.n_steps) BOOST_TEST(steps < 25);
}

BOOST_AUTO_TEST_CASE(errors_fall_with_the_order_of_the_method) {
  auto const field = field_of("tanh_cubed", 1);
  Samples start(1, 1);
  start.z.column(0)[0] = 0.8;
  for (auto const& [method, steps] :
       {std::pair{Method::euler, 64u}, {Method::heun, 32u}, {Method::rk4, 8u}, {Method::dopri5, 6u}, {Method::dop853, 2u}}) {
    auto const error = [&](std::uint32_t n) {
      return largest_error(*field, start, solved(*field, {.method = method, .steps = n}, start, 0, 1), 0, 1);
    };
    double const order = std::log2(error(steps) / error(2 * steps));
    BOOST_TEST(order > order_of(method) - 0.5);
    BOOST_TEST(order < order_of(method) + 2.5);
  }
}

BOOST_AUTO_TEST_CASE(a_sample_has_the_same_bits_alone_and_in_any_batch) {
  auto const field = field_of("mixture_flow", 2);
  auto const all = solved(*field, {.tolerance = 1e-8}, normal_samples(200, 2), 0, 2);
  auto const start = normal_samples(200, 2);
  for (std::size_t const size : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{17}, std::size_t{65}}) {
    Samples some(size, 2);
    for (std::size_t i = 0; i < 2; ++i) std::copy_n(start.z.column(i) + 200 - size, size, some.z.column(i));
    some = solved(*field, {.tolerance = 1e-8}, some, 0, 2);
    for (std::size_t k = 0; k < size; ++k) {
      BOOST_TEST(some.z.column(0)[k] == all.z.column(0)[200 - size + k]);
      BOOST_TEST(some.log_change.column(0)[k] == all.log_change.column(0)[200 - size + k]);
      BOOST_TEST(some.n_evaluations[k] == all.n_evaluations[200 - size + k]);
    }
  }
}

BOOST_AUTO_TEST_CASE(there_and_back_is_where_it_began) {
  auto const field = field_of("mixture_flow", 2);
  auto const start = normal_samples(50, 2);
  auto const there = solved(*field, {.tolerance = 1e-11}, start, 0, 1);
  Samples back = there;
  back = solved(*field, {.tolerance = 1e-11}, back, 1, 0);
  for (std::size_t k = 0; k < 50; ++k) {
    BOOST_TEST(std::abs(back.z.column(0)[k] - start.z.column(0)[k]) < 1e-9);
    BOOST_TEST(std::abs(back.log_change.column(0)[k] + there.log_change.column(0)[k]) < 1e-9);
  }
}

BOOST_AUTO_TEST_CASE(the_field_is_never_asked_outside_the_interval) {
  // log of what lies outside is NaN, and a NaN anywhere would fail the sample or its step.
  auto const field =
      field_of("expression", 1, {{"expression.components", std::string("log(1 + 1e-300 + t) * log(1 + 1e-300 - t) * z1")}});
  for (auto const method : {Method::dopri5, Method::dop853}) {
    auto const end = solved(*field, {.method = method, .tolerance = 1e-7}, normal_samples(20, 1), -0.9, 0.9);
    for (auto const status : end.status) BOOST_TEST((status == Status::done));
  }
  for (auto const method : {Method::euler, Method::heun, Method::rk4}) {
    auto const sqrt = field_of("expression", 1, {{"expression.components", std::string("sqrt(t) * sqrt(1 - t)")}});
    auto const end = solved(*sqrt, {.method = method, .steps = 7}, normal_samples(20, 1), 0, 1);
    for (auto const status : end.status) BOOST_TEST((status == Status::done));
  }
}

BOOST_AUTO_TEST_CASE(failures_are_named_and_spare_the_others) {
  auto const square = field_of("expression", 1, {{"expression.components", std::string("z1^2")}});
  Samples samples(3, 1);
  samples.z.column(0)[0] = -1;
  samples.z.column(0)[1] = 1;  // infinite at t = 1
  samples.z.column(0)[2] = 0.25;
  auto const end = solved(*square, {}, samples, 0, 2);
  BOOST_TEST((end.status[0] == Status::done));
  BOOST_TEST(std::abs(end.z.column(0)[0] + 1.0 / 3) < 1e-6);
  BOOST_TEST((end.status[1] == Status::step_too_small));
  BOOST_TEST(std::isnan(end.z.column(0)[1]));
  BOOST_TEST((end.status[2] == Status::done));

  auto const root = field_of("expression", 1, {{"expression.components", std::string("sqrt(z1)")}});
  BOOST_TEST((solved(*root, {}, samples, 0, 1).status[0] == Status::not_finite));
  BOOST_TEST((solved(*root, {.method = Method::rk4, .steps = 3}, samples, 0, 1).status[0] == Status::not_finite));

  for (double const rate : {1e3, 1e4, 1e6})
    BOOST_TEST((solved(*field_of("stiff", 1, {{"stiff.rate", rate}}), {}, samples, 0, 10).status[0] == Status::stiff));
  auto const stiff = field_of("stiff", 1, {{"stiff.rate", 1e5}});
  BOOST_TEST((solved(*stiff, {}, samples, 0, 10).status[0] == Status::stiff));
  BOOST_TEST((solved(*stiff, {.method = Method::dopri5}, samples, 0, 10).status[0] == Status::stiff));
  BOOST_TEST((solved(*stiff, {.max_steps = 50}, samples, 0, 10).status[0] == Status::too_many_steps));
  // Fast, not stiff: thousands of long steps, and none on the border.
  auto const rotation = field_of("rotation", 2, {{"rotation.rate", 100.0}});
  for (auto const method : {Method::dopri5, Method::dop853})
    for (double const tolerance : {1.0, 1e-3, 1e-6})
      BOOST_TEST(
          (solved(*rotation, {.method = method, .tolerance = tolerance, .max_steps = 1000000}, normal_samples(3, 2), 0, 40)
               .status[0] == Status::done));
  BOOST_CHECK_THROW(Solver(*stiff, {.method = Method::rk4}, 0, 1), InputError);
  BOOST_CHECK_THROW(Solver(*stiff, {.tolerance = 1e-15}, 0, 1), InputError);
}

BOOST_AUTO_TEST_CASE(paths_events_and_steps_are_those_of_the_flow) {
  auto const field = field_of("rotation", 2);
  Samples samples(2, 2);
  samples.z.column(0)[0] = 1;
  samples.z.column(1)[1] = 2;
  for (auto const method : {Method::dopri5, Method::dop853}) {
    Wanted wanted;
    wanted.times = {0, 0.3, 1, 2.5, 5};
    wanted.event = [](Lanes const& lanes, double* g) { std::copy_n(lanes.z.column(0), lanes.n, g); };
    wanted.steps = true;
    auto const end = solved(*field, {.method = method, .tolerance = 1e-9}, samples, 0, 5, &wanted);
    for (std::size_t j = 0; j < wanted.times.size(); ++j) {
      BOOST_TEST(std::abs(wanted.path[(j * 3 + 0) * 2 + 0] - std::cos(wanted.times[j])) < 1e-8);
      BOOST_TEST(std::abs(wanted.path[(j * 3 + 1) * 2 + 0] - std::sin(wanted.times[j])) < 1e-8);
      BOOST_TEST(wanted.path[(j * 3 + 2) * 2 + 0] == 0);
    }
    BOOST_TEST(wanted.path[(4 * 3 + 1) * 2 + 1] == end.z.column(1)[1]);
    // cos t is 0 at pi/2, falling, and at 3 pi/2; -2 sin t at pi, rising.
    BOOST_REQUIRE(wanted.events.size() == 3);
    BOOST_TEST(std::abs(wanted.events[0].t - M_PI / 2) < 1e-8);
    BOOST_TEST(!wanted.events[0].rising);
    BOOST_TEST(std::abs(wanted.events[1].t - 3 * M_PI / 2) < 1e-8);
    BOOST_TEST(std::abs(wanted.events[2].t - M_PI) < 1e-8);
    BOOST_TEST(wanted.events[2].rising);
    auto const& steps = wanted.kept[0];
    BOOST_TEST(steps.t.size() == end.n_steps[0]);
    BOOST_TEST(steps.t.front() == 0);
    BOOST_TEST(std::abs(steps.t.back() + steps.h.back() - 5) < 1e-15 * 5);
  }
}

BOOST_AUTO_TEST_CASE(the_density_is_the_published_one) {
  // Long-double values of the seed problem at t = 1/2: the fixed point keeps its density.
  auto const field = field_of("tanh_cubed", 2);
  Samples samples(3, 2);
  double const points[] = {0, 0.5, 1};
  for (std::size_t k = 0; k < 3; ++k) samples.z.column(0)[k] = samples.z.column(1)[k] = points[k];
  auto const start = solved(*field, {.tolerance = 1e-12}, samples, 0.5, 0);
  double const truth[] = {0.159154943091895, 0.067194042615796, 0.021908967956996};
  for (std::size_t k = 0; k < 3; ++k) {
    double const z = start.z.column(0)[k];
    double const density = std::exp(-z * z - start.log_change.column(0)[k]) / (2 * M_PI);
    BOOST_TEST(std::abs(density - truth[k]) < 1e-13);
  }
}

BOOST_AUTO_TEST_CASE(estimated_divergences_are_right_in_the_mean) {
  auto const field = field_of("linear", 3, {{"linear.matrix", std::string("1, 2, 0; 0.5, -1, 1; 0, 1, 0.5")}});
  // The trace is 0.5. With rank 3, Hutch++ is exact whatever the probes; Rademacher is exact for diagonal matrices.
  for (auto const& [divergence, tolerance] : {std::pair{DivergenceSettings{Trace::products}, 1e-12},
                                              {DivergenceSettings{Trace::hutch_pp, ProbeKind::gaussian, 2, 3}, 1e-9},
                                              {DivergenceSettings{Trace::hutchinson, ProbeKind::gaussian, 400}, 0.9}}) {
    auto samples = normal_samples(5, 3, divergence);
    rng::Stream stream({{5, 6}, rng::Purpose::test, 0}, 1);
    for (std::size_t c = 0; c < samples.probes.n_columns(); ++c) stream.normals({samples.probes.column(c), 5});
    auto const end = solved(*field, {.divergence = divergence}, samples, 0, 1);
    for (std::size_t k = 0; k < 5; ++k) {
      auto const change = log_density_of(end.log_change.data() + k, n_integrals(divergence), end.log_change.stride());
      // Normal probes: variance 2 |symmetric part|_F^2 = 21 over 400: 6 sigma are 1.4; both matrices alike to 2e-9.
      BOOST_TEST(std::abs(change.value.value + 0.5) < (tolerance > 0.5 ? 1.4 : tolerance));
      if (divergence.n_probes > 100) BOOST_TEST(std::abs(change.value.error - std::sqrt(21.0 / 400)) < 0.1);
      if (divergence.n_probes == 1) BOOST_TEST(std::isnan(change.value.error));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
