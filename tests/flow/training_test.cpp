#include "fermiac/flow/training.hpp"

#include <omp.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <thread>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/flow/data_sets.hpp"
#include "support/differences.hpp"
#include "support/stopping.hpp"
#include "support/team_of_threads.hpp"

using namespace fermiac;
using namespace fermiac::flow;
using fermiac::testing::first_difference;
using fermiac::testing::Real;
using fermiac::testing::Stopping;
using fermiac::testing::Threads;

namespace {

arma::mat sample_of(std::string const& name, std::uint64_t n, std::uint64_t walker = 0) {
  rng::Stream stream({{7, 8}, rng::Purpose::test, 3}, walker);
  return draw_data(name, n, stream);
}

std::unique_ptr<Field> network_field(Penalty const& penalty = {}) {
  auto field = make_neural_field({2, {6, 5}, 2, network::Layer::concat_squash, false}, penalty);
  rng::Stream stream({{7, 8}, rng::Purpose::test, 4}, 0);
  field->initialise(stream);
  return field;
}

bool same_bits(arma::vec const& a, arma::vec const& b) {
  return a.n_elem == b.n_elem && std::memcmp(a.memptr(), b.memptr(), a.n_elem * sizeof(double)) == 0;
}

}  // namespace

// ----------------------------------------------------------------------------------------------------------- data sets
BOOST_AUTO_TEST_SUITE(data_sets_of_the_plane)

BOOST_AUTO_TEST_CASE(densities_integrate_to_one_and_have_their_entropy) {
  for (auto const& name : data_sets()) {
    auto const entropy = exact_entropy(name);
    auto const data = sample_of(name, 20000);
    BOOST_TEST(data.is_finite());
    auto const log_p = exact_log_density(name, data);
    BOOST_TEST(entropy.has_value() == log_p.has_value());
    if (!entropy) continue;
    BOOST_TEST(log_p->is_finite());
    // Samples have the density: the mean of -log p is the entropy within 6 standard errors (false alarm 2e-9 a set).
    double const error = arma::stddev(*log_p) / std::sqrt(20000.0);
    BOOST_TEST(std::abs(-arma::mean(*log_p) - *entropy) <= 6 * error + 1e-12, name);
    // The trapezoidal rule has converged, and the density is one.
    if (name != "checkerboard") BOOST_TEST(std::abs(*entropy - *exact_entropy(name, 300)) < 1e-7, name);
    arma::uword const n = 301;
    arma::mat grid(n * n, 2);
    for (arma::uword k = 0; k < n * n; ++k) {
      grid(k, 0) = -6 + 0.04 * static_cast<double>(k % n) + (name == "checkerboard" ? 0.02 : 0.0);
      grid(k, 1) = -6 + 0.04 * static_cast<double>(k / n) + (name == "checkerboard" ? 0.02 : 0.0);
    }
    BOOST_TEST(std::abs(arma::accu(arma::exp(*exact_log_density(name, grid))) * 0.04 * 0.04 - 1) < 1e-7, name);
  }
}

BOOST_AUTO_TEST_CASE(eight_gaussians_have_their_closed_form) {
  // Apart from their overlap: ln 8 + ln(2 pi e / 8) = 1 + ln(2 pi); each of two neighbours is 3.06 deviations from the border.
  double const apart = 1 + std::log(2 * M_PI);
  double const entropy = *exact_entropy("eight_gaussians");
  BOOST_TEST(entropy < apart);
  BOOST_TEST(entropy > apart - 8 * 0.0011);
}

BOOST_AUTO_TEST_CASE(a_stream_gives_the_same_data_in_any_split) {
  for (auto const& name : data_sets()) {
    rng::Stream stream({{7, 8}, rng::Purpose::test, 3}, 0);
    arma::mat const first = draw_data(name, 3, stream);
    arma::mat const both = arma::join_cols(first, draw_data(name, 2, stream));
    BOOST_TEST(arma::approx_equal(both, sample_of(name, 5), "absdiff", 0.0), name);
  }
}

BOOST_AUTO_TEST_SUITE_END()

// ---------------------------------------------------------------------------------------------------------- likelihood
BOOST_AUTO_TEST_SUITE(likelihood_of_a_flow)

BOOST_AUTO_TEST_CASE(of_a_linear_field_is_that_of_the_image_normal) {
  // dz/dt = diag(1/2, -1) z + (0, 3): independent normals of deviations e^(T/2), e^-T and means 0, 3 (1 - e^-T).
  auto const field = make_neural_field({2, {}, 2, network::Layer::plain, true});
  field->set_parameters(std::vector<double>{0.5, 0, 0, -1, 0, 3});
  LikelihoodSettings settings;
  settings.t1 = 0.7;
  settings.solver.tolerance = 1e-10;
  settings.pack = 7;
  Solo team;
  Quiet context;
  arma::mat const data = sample_of("two_moons", 30);
  arma::vec const log_p = Likelihood(*field, 2, settings).log_densities(data, team, context);
  double const d0 = std::exp(0.35), d1 = std::exp(-0.7), mean = 3 * (1 - std::exp(-0.7));
  for (arma::uword k = 0; k < 30; ++k) {
    double const x = data(k, 0) / d0, y = (data(k, 1) - mean) / d1;
    BOOST_TEST(std::abs(log_p[k] - (-0.5 * (x * x + y * y) - std::log(2 * M_PI * d0 * d1))) < 1e-9);
  }
  auto const loss = Likelihood(*field, 2, settings).loss(data, nullptr, team, context);
  BOOST_TEST(std::abs(loss.value + arma::mean(log_p)) < 1e-14);
}

BOOST_AUTO_TEST_CASE(has_the_gradient_of_its_loss) {
  for (Penalty const& penalty : {Penalty{}, Penalty{0.1, 0}, Penalty{0.05, 0.02}}) {
    auto const field = network_field(penalty);
    LikelihoodSettings settings;
    settings.solver.tolerance = 1e-11;
    settings.pack = 4;
    Solo team;
    Quiet context;
    arma::mat const data = sample_of("pinwheel", 10);
    Likelihood likelihood(*field, 2, settings);
    arma::vec gradient;
    auto const loss = likelihood.loss(data, &gradient, team, context);
    BOOST_TEST((loss.penalty > 0) == penalty.any());
    std::vector<double> const theta(field->parameters().begin(), field->parameters().end());
    for (std::size_t p = 0; p < theta.size(); p += 5) {
      auto const along = [&](Real shift) {
        auto moved = theta;
        moved[p] += static_cast<double>(shift);
        field->set_parameters(moved);
        return Real(likelihood.loss(data, nullptr, team, context).value);
      };
      double const difference = static_cast<double>(first_difference(along, Real(0.015625)));
      field->set_parameters(theta);
      BOOST_TEST(std::abs(difference - gradient[p]) < 1e-8);
    }
  }
}

BOOST_AUTO_TEST_CASE(has_the_same_bits_on_any_number_of_threads_and_members) {
  auto const field = network_field({0.1, 0.1});
  LikelihoodSettings settings;
  settings.pack = 16;
  arma::mat const data = sample_of("rings", 100);
  Quiet context;
  Solo solo;
  arma::vec expected;
  omp_set_num_threads(1);
  double const loss = Likelihood(*field, 2, settings).loss(data, &expected, solo, context).value;
  omp_set_num_threads(2);
  arma::vec gradient;
  BOOST_TEST(Likelihood(*field, 2, settings).loss(data, &gradient, solo, context).value == loss);
  BOOST_TEST(same_bits(gradient, expected));
  for (int const size : {2, 3, 9}) {  // some without a pack
    Threads threads(size);
    std::vector<arma::vec> gradients(static_cast<std::size_t>(size));
    std::vector<std::thread> members;
    for (int rank = 0; rank < size; ++rank)
      members.emplace_back([&, rank] {
        Threads::Member team(threads, rank);
        Quiet quiet;
        Likelihood(*field, 2, settings).loss(data, &gradients[static_cast<std::size_t>(rank)], team, quiet);
      });
    for (auto& member : members) member.join();
    for (auto const& one : gradients) BOOST_TEST(same_bits(one, expected));
  }
}

BOOST_AUTO_TEST_CASE(fails_where_a_path_cannot_be_computed) {
  auto const field = network_field();
  arma::mat data = sample_of("rings", 5);
  data(3, 0) = std::nan("");
  Solo team;
  Quiet context;
  Likelihood likelihood(*field, 2, {});
  BOOST_CHECK_THROW(likelihood.loss(data, nullptr, team, context), ItemFailure);
  BOOST_CHECK_THROW(likelihood.loss(arma::mat(0, 2), nullptr, team, context), ItemFailure);
  arma::vec const log_p = likelihood.log_densities(data, team, context);
  BOOST_TEST(log_p[3] == -std::numeric_limits<double>::infinity());
  BOOST_TEST(std::isfinite(log_p[2]));
}

BOOST_AUTO_TEST_SUITE_END()

// ------------------------------------------------------------------------------------------------------------ training
BOOST_AUTO_TEST_SUITE(training_of_a_flow)

namespace {

TrainingSettings small_training(Optimiser optimiser) {
  TrainingSettings settings;
  settings.shape = {2, {8, 8}, 2, network::Layer::concat_squash, false};
  settings.likelihood.solver = {.method = Method::dopri5, .tolerance = 1e-3};
  settings.likelihood.pack = 16;
  settings.optimiser = optimiser;
  settings.iterations = 12;
  settings.batch = 40;
  settings.check_every = 5;
  return settings;
}

TrainingData small_data() {
  return {sample_of("two_moons", 200), sample_of("two_moons", 60, 1), sample_of("two_moons", 60, 2)};
}

}  // namespace

BOOST_AUTO_TEST_CASE(half_and_half_are_the_whole) {
  auto const data = small_data();
  for (auto const optimiser : {Optimiser::adam, Optimiser::lbfgs}) {
    auto const settings = small_training(optimiser);
    Solo team;
    Quiet quiet;
    auto const expected = train(settings, data, {1, 2}, 0, team, quiet);
    BOOST_TEST(expected.iterations == 12u);
    Archive saved;
    int stops = 0;
    for (;;) {
      Stopping context(2);
      if (stops > 0) context.save(saved);
      try {
        auto const outcome = train(settings, data, {1, 2}, 0, team, context);
        BOOST_TEST(same_bits(outcome.parameters, expected.parameters));
        BOOST_TEST(same_bits(outcome.loss, expected.loss));
        BOOST_TEST(same_bits(outcome.validation, expected.validation));
        BOOST_TEST(same_bits(outcome.test_log_density, expected.test_log_density));
        break;
      } catch (Stopped const&) {
        ++stops;
        saved = context.state();
      }
      BOOST_TEST(!context.foreign_tick);
      BOOST_TEST(!context.bad_progress);
    }
    BOOST_TEST(stops >= 1);
  }
}

BOOST_AUTO_TEST_CASE(lowers_the_loss_and_keeps_the_best) {
  auto const data = small_data();
  for (auto const optimiser : {Optimiser::adam, Optimiser::lbfgs}) {
    auto settings = small_training(optimiser);
    settings.iterations = 60;
    settings.rate = 0.02;
    Solo team;
    Quiet quiet;
    auto const outcome = train(settings, data, {1, 2}, 0, team, quiet);
    BOOST_TEST(outcome.validation[outcome.validation.n_elem - 1] < outcome.validation[0] - 0.2);
    // A normal of the data's own moments has 3.25 nats: the network does better.
    BOOST_TEST(-arma::mean(outcome.test_log_density) < 3.2);
  }
}

BOOST_AUTO_TEST_CASE(ends_early_where_validation_does_not_improve) {
  // What is good for the training data is bad for those.
  TrainingData const data{sample_of("two_moons", 200) + 5, sample_of("two_moons", 60, 1) - 5, sample_of("two_moons", 60, 2)};
  auto settings = small_training(Optimiser::adam);
  settings.iterations = 100;
  settings.rate = 0.05;
  settings.patience = 3;
  settings.check_every = 2;
  Solo team;
  Quiet quiet;
  auto const outcome = train(settings, data, {1, 2}, 0, team, quiet);
  BOOST_TEST(outcome.iterations < 100u);
  BOOST_TEST(std::isnan(outcome.loss[outcome.iterations]));
}

BOOST_AUTO_TEST_SUITE_END()
