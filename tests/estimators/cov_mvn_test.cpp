#include "fermiac/estimators/experiments/cov_mvn.hpp"

#include <boost/test/unit_test.hpp>

#include "fermiac/base/error.hpp"
#include "support/experiment_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;
using boost::test_tools::tolerance;

namespace {

auto const experiment = estimators::cov_mvn();
enum : std::size_t { mle, sample, unbiased, shrunk, oas };
enum : std::size_t { mean_1, sigma_11, sigma_12, frobenius, precision_dd, log_det, largest, smallest, squares, kl, t2 };

/// Sigma = H Lambda H, as the manual says it.
arma::mat covariance(arma::uword d, double condition) {
  arma::vec const v = arma::normalise(arma::regspace(1, static_cast<double>(d)));
  arma::mat const H = arma::eye(d, d) - 2 * v * v.t();
  arma::vec lambda(d);
  for (arma::uword i = 0; i < d; ++i) lambda(i) = std::pow(condition, -static_cast<double>(i) / static_cast<double>(d - 1));
  return H * arma::diagmat(lambda) * H;
}

struct Setting {
  std::int64_t N, d;
};
std::vector<std::pair<std::string, Value>> settings(Setting s, double condition = 10) {
  return {{"sample.n", s.N}, {"mvn.dimensions", s.d}, {"mvn.condition", condition}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cov_mvn)

BOOST_AUTO_TEST_CASE(targets_are_those_of_the_covariance) {
  ExperimentPoint const point(*experiment, settings({30, 5}, 7));
  auto const targets = experiment->at(*point)->targets();
  arma::mat const Sigma = covariance(5, 7);
  auto const close = tolerance(1e-13);
  BOOST_TEST(targets[sigma_11] == Sigma(0, 0), close);
  BOOST_TEST(targets[sigma_12] == Sigma(0, 1), close);
  BOOST_TEST(targets[precision_dd] == arma::mat(arma::inv(Sigma))(4, 4), close);
  BOOST_TEST(targets[log_det] == std::log(arma::det(Sigma)), close);
  BOOST_TEST(targets[squares] == arma::trace(Sigma * Sigma), close);
  BOOST_TEST(targets[largest] == 1, close);
  BOOST_TEST(targets[smallest] == 1.0 / 7, close);
}

BOOST_AUTO_TEST_CASE(known_values_in_four_dimensions_at_fifteen_vectors) {
  // Independent evaluation: E KL = 1.0172 where d (d + 3)/(4 N) says 0.4667; the Wald region covers 0.8129.
  ExperimentPoint const point(*experiment, settings({15, 4}));
  auto const at = experiment->at(*point);
  BOOST_TEST(at->truth(mle, kl).bias.value == 1.0172, tolerance(5e-5));
  BOOST_TEST(at->truth_of_interval(1, t2).coverage.value == 0.8129, tolerance(1e-4));
  BOOST_TEST(at->truth_of_interval(0, t2).coverage.value == 0.95);
}

BOOST_AUTO_TEST_CASE(shrinking_by_nothing_is_the_sample_covariance) {
  auto with = settings({20, 3});
  with.emplace_back("shrinkage.intensity", 0.0);
  ExperimentPoint const point(*experiment, with);
  auto const at = experiment->at(*point);
  for (std::size_t const q : {sigma_11, sigma_12, frobenius, squares})
    for (auto const part : {&estimators::CellTruth::bias, &estimators::CellTruth::variance}) {
      auto const a = (at->truth(shrunk, q).*part).value, b = (at->truth(sample, q).*part).value;
      BOOST_TEST((same(a, b) || std::abs(a - b) < 1e-15), q);
    }
  auto const outputs = replicated(*experiment, *at, rng::make_key(1, ""), {0, 4});
  for (std::uint64_t r = 0; r < 4; ++r) BOOST_TEST(outputs.value(shrunk, kl)[r] == outputs.value(sample, kl)[r]);
}

BOOST_AUTO_TEST_CASE(moments_that_an_inverse_lacks_are_flagged) {
  for (auto const& [s, finite] : {std::pair{Setting{7, 5}, 1.0}, {{9, 5}, 2.0}, {{40, 4}, 18.0}}) {
    ExperimentPoint const point(*experiment, settings(s));
    auto const at = experiment->at(*point);
    for (std::size_t const q : {precision_dd, kl}) {
      BOOST_TEST(at->truth(mle, q).finite_moments == finite);
      BOOST_TEST(at->truth(mle, q).bias.is_known() == (finite > 1));
      BOOST_TEST(at->truth(shrunk, q).finite_moments > 10);
    }
    BOOST_TEST(at->truth(sample, t2).variance.is_known() == (finite > 2));
    BOOST_TEST(at->truth(mle, log_det).variance.is_known());
  }
}

BOOST_AUTO_TEST_CASE(eigenvalues_are_known_in_two_dimensions) {
  ExperimentPoint const two(*experiment, settings({401, 2})), three(*experiment, settings({401, 3}));
  // Lawley: s1 s2 / (s1 - s2) / n.
  BOOST_TEST(experiment->at(*two)->truth(sample, largest).bias.value == 0.1 / 0.9 / 400, tolerance(0.02));
  BOOST_TEST(!experiment->at(*three)->truth(sample, largest).bias.is_known());
}

BOOST_AUTO_TEST_CASE(replicates_are_those_of_an_obvious_loop) {
  Setting constexpr s{9, 3};
  ExperimentPoint const point(*experiment, settings(s, 6));
  auto const at = experiment->at(*point);
  auto const key = rng::make_key(9, "twin");
  auto const outputs = replicated(*experiment, *at, key, {100, 117});
  arma::mat const Sigma = covariance(3, 6);
  arma::vec const v = arma::normalise(arma::vec{1, 2, 3});
  arma::mat const root =
      (arma::eye(3, 3) - 2 * v * v.t()) * arma::diagmat(arma::vec{1, std::pow(6.0, -0.25), std::pow(6.0, -0.5)});
  auto const close = tolerance(1e-11);
  for (std::uint64_t r = 0; r < 17; ++r) {
    rng::Stream stream({key, rng::Purpose::draw, 100 + r}, 0);
    arma::mat z(3, 9);
    for (auto& a : z) a = stream.normal();
    arma::mat const x = root * z;
    arma::vec const mean = arma::mean(x, 1);
    arma::mat const S = arma::cov(x.t());
    auto const expect = [&](std::size_t e, arma::mat const& C) {
      BOOST_TEST(outputs.value(e, sigma_11)[r] == C(0, 0), close);
      BOOST_TEST(outputs.value(e, sigma_12)[r] == C(0, 1), close);
      BOOST_TEST(outputs.value(e, frobenius)[r] == arma::accu(arma::square(C - Sigma)), close);
      BOOST_TEST(outputs.value(e, precision_dd)[r] == arma::mat(arma::inv(C))(2, 2), close);
      BOOST_TEST(outputs.value(e, log_det)[r] == std::log(arma::det(C)), close);
      arma::vec const lambda = arma::eig_sym(C);
      BOOST_TEST(outputs.value(e, largest)[r] == lambda(2), close);
      BOOST_TEST(outputs.value(e, smallest)[r] == lambda(0), close);
      BOOST_TEST(outputs.value(e, squares)[r] == arma::accu(C % C), close);
      double const divergence = (arma::trace(arma::solve(C, Sigma)) + arma::dot(mean, arma::solve(C, mean)) - 3 +
                                 std::log(arma::det(C) / arma::det(Sigma))) /
                                2;
      BOOST_TEST(outputs.value(e, kl)[r] == divergence, close);
    };
    double const t = arma::trace(S), q = arma::accu(S % S);
    double const a = std::min(1.0, (q / 3 + t * t) / ((8 + 1.0 / 3) * (q - t * t / 3)));
    expect(sample, S);
    expect(mle, S * 8 / 9);
    expect(shrunk, 0.9 * S + 0.1 * t / 3 * arma::eye(3, 3));
    expect(oas, (1 - a) * S + a * t / 3 * arma::eye(3, 3));
    BOOST_TEST(outputs.value(mle, mean_1)[r] == mean(0), close);
    double const distance = 9 * arma::dot(mean, arma::solve(S, mean));
    BOOST_TEST(outputs.value(sample, t2)[r] == distance, close);
    // Quantiles: 3 * 8/6 * F(3, 6) 4.757062663, chi^2(8) 2.179730747 and 17.53454614.
    BOOST_TEST(outputs.low(0, t2)[r] == distance - 4 * 4.757062663, tolerance(1e-8));
    BOOST_TEST(outputs.high(0, sigma_11)[r] == 8 * S(0, 0) / 2.179730747, tolerance(1e-8));
    BOOST_TEST(outputs.low(0, sigma_11)[r] == 8 * S(0, 0) / 17.53454614, tolerance(1e-8));
    BOOST_TEST(outputs.low(1, sigma_11)[r] == S(0, 0) * (1 - 1.959963984540054 * 0.5), close);
  }
}

BOOST_AUTO_TEST_CASE(refuses_samples_too_small) {
  BOOST_CHECK_EXCEPTION(ExperimentPoint(*experiment, settings({4, 4})), InputError,
                        [](InputError const& e) { return std::string(e.what()).find("sample.n = 4") != std::string::npos; });
}

BOOST_AUTO_TEST_CASE(owes_what_every_experiment_owes) {
  for (auto const s : {Setting{3, 2}, {6, 5}, {40, 4}}) {
    ExperimentPoint const point(*experiment, settings(s));
    check_streams(*experiment, *point);
    check_declarations(*experiment, *point);
  }
}

BOOST_AUTO_TEST_CASE(its_truths_hold, *boost::unit_test::label("stat")) {
  for (auto const s : {Setting{12, 2}, {9, 5}, {60, 4}}) {
    ExperimentPoint const point(*experiment, settings(s));
    check_truths(*experiment, *point, 40000);
  }
}

BOOST_AUTO_TEST_SUITE_END()
