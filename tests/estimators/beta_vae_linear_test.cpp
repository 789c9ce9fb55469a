#include "fermiac/estimators/experiments/beta_vae_linear.hpp"

#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/test/unit_test.hpp>

#include "support/experiment_checks.hpp"

using namespace fermiac;
using namespace fermiac::testing;
using boost::test_tools::tolerance;

namespace {

auto const experiment = estimators::beta_vae_linear();
enum : std::size_t { known_axes, pca, sgd };
enum : std::size_t { w2_first, w2_second, w2_third, rate, distortion, active };

std::vector<std::pair<std::string, Value>> settings(std::int64_t N, double beta, std::int64_t passes = 1) {
  return {{"sample.n", N}, {"objective.beta", beta}, {"sgd.passes", passes}};
}

std::vector<double> targets(double beta) {
  ExperimentPoint const point(*experiment, settings(10, beta));
  return experiment->at(*point)->targets();
}

/// The objective along one axis of second moment l, by its definition.
double objective(double w, double a, double s2, double l, double r, double beta) {
  double const distortion = (1 - w * a) * (1 - w * a) * l + w * w * s2;
  return -distortion / (2 * r) - beta * (a * a * l + s2 - 1 - std::log(s2)) / 2;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(beta_vae_linear)

BOOST_AUTO_TEST_CASE(axes_collapse_where_beta_r_reaches_their_variance) {
  // r = 1/2, variances 4, 3/2, 1/2.
  std::vector<double> const one = targets(1), three = targets(3), ten = targets(10);
  BOOST_TEST((one[w2_first] == 3.5 && one[w2_second] == 1 && one[w2_third] == 0 && one[active] == 2));
  BOOST_TEST((three[w2_first] == 2.5 && three[w2_second] == 0 && three[active] == 1));
  BOOST_TEST((ten[w2_first] == 0 && ten[rate] == 0 && ten[distortion] == 6 && ten[active] == 0));
}

BOOST_AUTO_TEST_CASE(beta_is_the_multiplier_of_the_rate_distortion_curve) {
  // dR / d(D / 2 r) = -1 / beta, wherever some axis is active.
  for (double const beta : {0.3, 0.9, 2.0, 5.0}) {
    constexpr double h = 1e-5;
    auto const less = targets(beta - h), more = targets(beta + h);
    BOOST_TEST((more[rate] - less[rate]) / (more[distortion] - less[distortion]) == -1 / beta, tolerance(1e-7));
  }
}

BOOST_AUTO_TEST_CASE(the_maximum_is_one_and_has_the_stated_rate_and_distortion) {
  for (auto const& [l, r, beta] : {std::tuple{4.0, 0.5, 1.0}, {4.0, 0.5, 3.0}, {0.5, 0.5, 2.0}}) {
    double const theta = beta * r, w2 = std::max(l - theta, 0.0), w = std::sqrt(w2);
    double const a = w / (w2 + theta), s2 = theta / (w2 + theta);
    double const best = objective(w, a, s2, l, r, beta);
    for (double const dw : {-0.1, 0.0, 0.1})
      for (double const da : {-0.1, 0.0, 0.1})
        for (double const ds : {-0.1, 0.0, 0.1})
          BOOST_TEST(objective(w + dw, a + da, s2 * (1 + ds), l, r, beta) <= best + 1e-15);
    double const R = (a * a * l + s2 - 1 - std::log(s2)) / 2, D = (1 - w * a) * (1 - w * a) * l + w2 * s2;
    BOOST_TEST(R + 1 == 1 + std::max(0.0, std::log(l / theta) / 2), tolerance(1e-14));
    BOOST_TEST(D == std::min(l, theta), tolerance(1e-14));
  }
}

BOOST_AUTO_TEST_CASE(truths_are_those_of_another_quadrature) {
  using Rule = boost::math::quadrature::gauss_kronrod<double, 31>;
  for (std::int64_t const N : {2, 9, 60}) {
    ExperimentPoint const point(*experiment, settings(N, 1));
    auto const at = experiment->at(*point);
    double const k = static_cast<double>(N) / 2, theta = 0.5;
    auto const expectation = [&](double lambda, auto f) {
      auto const integrand = [&](double g) { return std::exp((k - 1) * std::log(g) - g - std::lgamma(k)) * f(lambda * g / k); };
      double const x = k * theta / lambda;  // where f has its kink
      return Rule::integrate(integrand, 0.0, x, 15, 1e-13) + Rule::integrate(integrand, x, x + 200.0 + 2 * k, 15, 1e-13);
    };
    double R = 0, D = 0, count = 0;
    std::array const lambda{4.0, 1.5, 0.5};
    for (std::size_t i = 0; i < 3; ++i) {
      auto const w2 = [&](double l) { return std::max(l - theta, 0.0); };
      double const mean = expectation(lambda[i], w2);
      double const square = expectation(lambda[i], [&](double l) { return w2(l) * w2(l); });
      double const fourth = expectation(lambda[i], [&](double l) { return std::pow(w2(l) - mean, 4); });
      auto const truth = at->truth(known_axes, w2_first + i);
      double const variance = square - mean * mean;
      BOOST_TEST(truth.bias.value + at->targets()[w2_first + i] == mean, tolerance(1e-9));
      BOOST_TEST(truth.variance.value == variance, tolerance(1e-8));
      BOOST_TEST(truth.kurtosis == fourth / (variance * variance), tolerance(1e-7));
      R += expectation(lambda[i], [&](double l) { return std::max(0.0, std::log(l / theta) / 2); });
      D += expectation(lambda[i], [&](double l) { return std::min(l, theta); });
      count += boost::math::gamma_q(k, k * theta / lambda[i]);
    }
    BOOST_TEST(at->truth(known_axes, rate).bias.value + at->targets()[rate] == R, tolerance(1e-9));
    BOOST_TEST(at->truth(known_axes, distortion).bias.value + at->targets()[distortion] == D, tolerance(1e-9));
    BOOST_TEST(at->truth(known_axes, active).bias.value + at->targets()[active] == count, tolerance(1e-12));
  }
}

BOOST_AUTO_TEST_CASE(what_never_or_hardly_ever_happens_is_constant_or_unknown) {
  // theta = 1 against 1/2: chi^2_N > 2 N has 3 %, 3e-8, 1e-84 at N = 10, 100, 1000.
  auto const truth = [&](std::int64_t N, std::size_t q) {
    ExperimentPoint const point(*experiment, settings(N, 2));
    return experiment->at(*point)->truth(known_axes, q);
  };
  BOOST_TEST(truth(10, w2_third).variance.value > 0);
  BOOST_TEST(!truth(100, w2_third).variance.is_known());
  BOOST_TEST(truth(1000, w2_third).variance.value == 0);
  BOOST_TEST(truth(1000, active).variance.value == 0);
  BOOST_TEST(truth(1000, distortion).variance.value == 2 * 0.25 / 1000, tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(replicates_are_those_of_an_obvious_loop) {
  ExperimentPoint const point(*experiment, settings(7, 2, 3));
  auto const at = experiment->at(*point);
  auto const key = rng::make_key(9, "twin");
  auto const outputs = replicated(*experiment, *at, key, {100, 117});
  for (std::uint64_t r = 0; r < 17; ++r) {
    rng::Stream data({key, rng::Purpose::data, 100 + r}, 0), noise({key, rng::Purpose::draw, 100 + r}, 0);
    arma::mat x(3, 7);
    for (auto& v : x) v = data.normal();
    x = arma::diagmat(arma::vec{2, std::sqrt(1.5), std::sqrt(0.5)}) * x;
    arma::mat const second = x * x.t() / 7;
    arma::vec w(3, arma::fill::ones), a(3), log_s(3);
    a.fill(0.5);
    log_s.fill(-0.5);
    int t = 0;
    for (int pass = 0; pass < 3; ++pass)
      for (arma::uword v = 0; v < 7; ++v) {
        double const step = 0.01 / (1 + t++ / 1000.0);
        for (arma::uword i = 0; i < 3; ++i) {
          // Gradients of log N(x; w z, r) - beta KL at z = a x + s e by central differences.
          double const e = noise.normal(), at_x = x(i, v);
          auto const value = [&](double w_, double a_, double log_s_) {
            double const s = std::exp(log_s_), z = a_ * at_x + s * e;
            return -(at_x - w_ * z) * (at_x - w_ * z) - 2 * (a_ * a_ * at_x * at_x + s * s - 1 - 2 * log_s_) / 2;
          };
          constexpr double h = 1e-5;
          double const dw = (value(w(i) + h, a(i), log_s(i)) - value(w(i) - h, a(i), log_s(i))) / (2 * h);
          double const da = (value(w(i), a(i) + h, log_s(i)) - value(w(i), a(i) - h, log_s(i))) / (2 * h);
          double const ds = (value(w(i), a(i), log_s(i) + h) - value(w(i), a(i), log_s(i) - h)) / (2 * h);
          w(i) += step * dw;
          a(i) += step * da;
          log_s(i) += step * ds;
        }
      }
    auto const expect = [&](std::size_t e, arma::vec const& l) {
      double R = 0, D = 0, count = 0;
      for (arma::uword i = 0; i < 3; ++i) {
        BOOST_TEST(std::abs(outputs.value(e, w2_first + i)[r] - std::max(l(i) - 1, 0.0)) < 1e-12);
        R += std::max(0.0, std::log(l(i)) / 2);
        D += std::min(l(i), 1.0);
        count += l(i) > 1;
      }
      BOOST_TEST(std::abs(outputs.value(e, rate)[r] - R) < 1e-12);
      BOOST_TEST(std::abs(outputs.value(e, distortion)[r] - D) < 1e-12);
      BOOST_TEST(outputs.value(e, active)[r] == count);
    };
    expect(known_axes, second.diag());
    expect(pca, arma::sort(arma::eig_sym(second), "descend"));
    for (arma::uword i = 0; i < 3; ++i) BOOST_TEST(std::abs(outputs.value(sgd, w2_first + i)[r] - w(i) * w(i)) < 1e-7);
  }
}

BOOST_AUTO_TEST_CASE(gradient_ascent_finds_the_maximum_and_the_collapse, *boost::unit_test::label("stat")) {
  // r = 1/2, beta = 2: 3, 1/2, 0 to the sample's deviation (0.1 of 4) and that of the steps.
  auto with = settings(2000, 2, 20);
  with.emplace_back("sgd.decay_after", 2000.0);
  ExperimentPoint const point(*experiment, with);
  auto const at = experiment->at(*point);
  auto const outputs = replicated(*experiment, *at, rng::make_key(1, "sgd"), {0, 64});
  auto const mean = [&](std::size_t e, std::size_t q) {
    double sum = 0;
    for (double const v : outputs.value(e, q)) sum += v / 64;
    return sum;
  };
  BOOST_TEST(std::abs(mean(sgd, w2_first) - mean(known_axes, w2_first)) < 0.1);
  BOOST_TEST(std::abs(mean(sgd, w2_second) - mean(known_axes, w2_second)) < 0.05);
  BOOST_TEST(mean(sgd, w2_third) < 0.02);
}

BOOST_AUTO_TEST_CASE(owes_what_every_experiment_owes) {
  for (auto const& [N, beta] : {std::pair{2, 1.0}, {30, 3.0}, {200, 8.0}}) {
    ExperimentPoint const point(*experiment, settings(N, beta));
    check_streams(*experiment, *point);
    check_declarations(*experiment, *point);
  }
}

BOOST_AUTO_TEST_CASE(its_truths_hold, *boost::unit_test::label("stat")) {
  for (auto const& [N, beta] : {std::pair{2, 1.0}, {10, 2.0}, {50, 1.0}, {50, 8.0}}) {
    ExperimentPoint const point(*experiment, settings(N, beta));
    check_truths(*experiment, *point, 40000);
  }
}

BOOST_AUTO_TEST_CASE(its_shapes_hold, *boost::unit_test::label("stat")) {
  for (auto const& [N, beta] : {std::pair{10, 2.0}, {50, 1.0}}) {
    ExperimentPoint const point(*experiment, settings(N, beta));
    check_shapes(*experiment, *point, 512, 3);
  }
}

BOOST_AUTO_TEST_SUITE_END()
