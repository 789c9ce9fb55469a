#include "fermiac/flow/experiment.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "fermiac/base/error.hpp"

using namespace fermiac;
using namespace fermiac::flow;

namespace {

struct Set {
  explicit Set(std::vector<std::pair<std::string, Value>> const& values) : declared(all()), options(declared) {
    for (auto const& [key, value] : values) options.set(key, value);
  }
  static std::vector<Parameter> all() {
    auto declared = field_options();
    auto const base = density_parameters("base", {"gaussian", "mixture", "uniform", "table"}, "");
    auto const target = density_parameters("target", {"none", "gaussian", "mixture", "uniform"}, "");
    declared.insert(declared.end(), base.begin(), base.end());
    declared.insert(declared.end(), target.begin(), target.end());
    return declared;
  }
  std::vector<Parameter> declared;
  Parameters options;
};

ExperimentOutcome run_with(std::string const& field, std::size_t d, Set const& set, ExperimentSettings const& settings,
                           bool has_target = false) {
  auto const f = make_field(field, d, set.options);
  auto const base = make_density("base", d, set.options);
  auto const target = has_target ? make_density("target", d, set.options) : nullptr;
  Solo team;
  Quiet context;
  return run(*f, *base, target.get(), settings, {7, 8}, 0, team, context);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(experiment)

BOOST_AUTO_TEST_CASE(the_density_of_tanh_cubed_integrates_to_one) {
  Set const set({});
  auto const o = run_with("tanh_cubed", 1, set,
                          {.n_samples = 20000,
                           .n_checked = 500,
                           .lower = -8,
                           .upper = 8,
                           .n_cells = 64,
                           .points_per_cell = 8,
                           .grid_tolerance = 1e-12});
  BOOST_TEST(std::abs(o.integral.value - 1) < 1e-10);
  BOOST_TEST(std::abs(o.integral.value - 1) <= o.integral.error);
  // Long-double quadrature of the seed problem.
  BOOST_TEST(std::abs(o.second_truth[0].value - 1.719052003451067) < 1e-9);
  BOOST_TEST(std::abs(o.fourth_truth[0].value - 7.671267991403853) < 1e-8);
  BOOST_TEST(o.beyond == 0);
  BOOST_TEST(o.truth_is_closed_form);
}

BOOST_AUTO_TEST_CASE(moments_entropy_and_histogram_agree_with_the_density, *boost::unit_test::label("stat")) {
  // Each within 6 standard errors: a false alarm in 5e8.
  Set const set({{"base.map", std::string("1, 0.5; 0, 0.8")}});
  auto const o =
      run_with("tanh_cubed", 2, set, {.n_samples = 100000, .lower = -8, .upper = 8, .n_cells = 32, .points_per_cell = 8});
  BOOST_TEST(std::abs(o.entropy.value - o.entropy_truth.value) < 6 * o.entropy.error);
  for (std::size_t c = 0; c < 2; ++c) {
    BOOST_TEST(std::abs(o.mean[c] - o.mean_truth[c].value) < 6 * o.mean_error[c]);
    BOOST_TEST(std::abs(o.second[c] - o.second_truth[c].value) < 6 * o.second_error[c]);
    BOOST_TEST(std::abs(o.fourth[c] - o.fourth_truth[c].value) < 6 * o.fourth_error[c]);
    double const freedom = o.n_classes[c] - 1;
    BOOST_TEST(std::abs(o.chi_square[c] - freedom) < 7 * std::sqrt(2 * freedom));
  }
}

BOOST_AUTO_TEST_CASE(a_linear_map_gives_its_gaussian, *boost::unit_test::label("stat")) {
  Set const set({{"linear.matrix", std::string("3/5, 2/5; 1/5, 4/5")},
                 {"linear.of_map", true},
                 {"target.kind", std::string("gaussian")},
                 {"target.covariance", std::string("13/25, 11/25; 11/25, 17/25")}});
  auto const o = run_with("linear", 2, set, {.t1 = 1, .n_samples = 50000, .n_kept = 3}, true);
  BOOST_TEST(std::abs(o.integral.value - 1) < 1e-9);
  BOOST_TEST(std::abs(o.kl.value) < 1e-5);  // zero for each sample
  BOOST_TEST(o.w2_gaussian < 0.03);         // sampling alone: some 1/sqrt(50000) a moment
  for (std::size_t k = 0; k < 3; ++k) {
    double const y = o.kept(k, 0), x = o.kept(k, 1);
    double const log = std::log(5 / (4 * M_PI)) - (17 * y * y - 22 * y * x + 13 * x * x) / 8;
    BOOST_TEST(std::abs(o.kept_log_density[k] - log) < 1e-5);
  }
}

BOOST_AUTO_TEST_CASE(a_mixture_diffuses_to_its_own_density, *boost::unit_test::label("stat")) {
  // p_t of centres (+-2 e^{-t/2}, 0) and variance 0.25 e^{-t} + 1 - e^{-t}, at t = 1.
  double const shrink = std::exp(-0.5);
  Set set({{"base.kind", std::string("mixture")},
           {"base.centres", std::string("2, 0; -2, 0")},
           {"base.deviation", 0.5},
           {"target.kind", std::string("mixture")},
           {"target.centres", std::string("2*exp(-0.5), 0; -2*exp(-0.5), 0")}});
  set.options.set("target.deviation", std::sqrt(0.25 * shrink * shrink + 1 - shrink * shrink));
  auto const o = run_with("mixture_flow", 2, set, {.t1 = 1, .n_samples = 5000, .n_checked = 500, .n_paths = 2}, true);
  BOOST_TEST(std::abs(o.kl.value) < 1e-6);
  BOOST_TEST(o.kl.error < 1e-6);
  BOOST_TEST(std::abs(o.integral.value - 1) <= o.integral.error);
  BOOST_TEST(o.integral.error < 1e-6);
  BOOST_TEST(o.beyond == 0);
  BOOST_TEST(!o.truth_is_closed_form);
  BOOST_TEST(o.paths.n_slices == 11);
}

BOOST_AUTO_TEST_CASE(tail_mass_bounds_what_lies_outside_the_grid) {
  // A standard normal that stays: the mass outside is known, also where the grid is far too small.
  Set const set({{"linear.matrix", std::string("0")}});
  for (double const end : {0.5, 1.0, 2.0, 3.0, 5.0, 7.0}) {
    ExperimentSettings const settings{.n_samples = 100, .lower = -end, .upper = end + 1, .n_cells = 100, .points_per_cell = 4};
    auto const o = run_with("linear", 1, set, settings);
    double const outside = 0.5 * std::erfc(end / std::sqrt(2)) + 0.5 * std::erfc((end + 1) / std::sqrt(2));
    BOOST_TEST(o.tail_mass >= outside);
    BOOST_TEST(o.tail_mass < (end < 2 ? 6 : 2) * outside);
    BOOST_TEST(std::abs(1 - o.integral.value) <= o.integral.error);
  }
  // The grid ends where the density still grows.
  auto const o = run_with("linear", 1, set, {.n_samples = 100, .lower = -8, .upper = -1, .n_cells = 20, .points_per_cell = 4});
  BOOST_TEST(std::isinf(o.tail_mass));
}

BOOST_AUTO_TEST_CASE(one_probe_is_no_density) {
  Set const set({});
  ExperimentSettings settings{.n_samples = 200, .points_per_cell = 0};
  settings.solver.divergence = {.trace = Trace::hutchinson, .n_probes = 1};
  auto const one = run_with("tanh_cubed", 2, set, settings);
  BOOST_TEST(std::isnan(one.entropy.value));
  BOOST_TEST(std::isnan(one.probe_error));
  settings.solver.divergence.n_probes = 4;
  BOOST_TEST(std::isfinite(run_with("tanh_cubed", 2, set, settings).entropy.value));
}

BOOST_AUTO_TEST_CASE(events_are_counted_and_wrong_densities_refused) {
  Set const set({});
  auto const o = run_with("rotation", 2, set, {.t1 = 2 * M_PI, .n_samples = 100, .event = "z1", .points_per_cell = 0});
  BOOST_TEST(o.n_events == 200);  // a full turn crosses twice
  BOOST_TEST(o.n_with_event == 100);
  auto const refused = [](std::vector<std::pair<std::string, Value>> const& values) {
    Set const wrong(values);
    BOOST_CHECK_THROW(make_density("base", 2, wrong.options), InputError);
  };
  refused({{"base.covariance", std::string("1, 2; 2, 1")}});
  refused({{"base.map", std::string("1, 1; 1, 1")}});
  refused({{"base.mean", std::string("1, 2, 3")}});
  refused({{"base.kind", std::string("mixture")}});
  refused({{"base.kind", std::string("uniform")}, {"base.upper", std::string("-1, 1")}});
  Set const blow({{"expression.components", std::string("exp(exp(z1^2)); 0")}});
  BOOST_CHECK_THROW(run_with("expression", 2, blow, {.t1 = 100, .n_samples = 50, .points_per_cell = 0}), ItemFailure);
}

BOOST_AUTO_TEST_SUITE_END()
