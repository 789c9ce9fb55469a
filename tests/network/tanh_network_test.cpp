#include "fermiac/network/tanh_network.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "fermiac/base/error.hpp"
#include "support/network_twin.hpp"

using namespace fermiac;
using namespace fermiac::network;
using fermiac::testing::first_difference;
using fermiac::testing::network_twin;
using fermiac::testing::Real;
using fermiac::testing::Reals;
using simd::Columns;
using Want = NetworkKernel::Want;

namespace {

struct Case {
  std::string name;
  Shape shape;
};

/// Every way of having the trace, odd widths, each kind of layer.
std::vector<Case> cases() {
  return {
      {"linear", {3, {}, 3, Layer::concat_squash, true}},
      {"one hidden layer, closed", {3, {11}, 3, Layer::concat, false}},
      {"one hidden layer, gated", {2, {9}, 2, Layer::concat_squash, true}},
      {"two hidden layers, closed", {3, {13, 6}, 3, Layer::concat_squash, false}},
      {"two hidden layers, plain", {2, {8, 16}, 2, Layer::plain, true}},
      {"two hidden layers, gated", {2, {7, 10}, 2, Layer::concat_squash, true}},
      {"three hidden layers", {2, {5, 4, 6}, 2, Layer::concat_squash, false}},
      {"one dimension", {1, {3, 5}, 1, Layer::concat_squash, true}},
  };
}

Reals to_reals(std::span<double const> values) { return {values.begin(), values.end()}; }

/// A network with parameters that leave nothing at 0, and samples of it.
struct Setting {
  Setting(Shape const& shape, std::size_t n_samples)
      : network(shape), n(n_samples), t(n), z(n, shape.inputs), a(n, shape.outputs), b(n) {
    rng::Stream stream({{3, 4}, rng::Purpose::test, n}, 0);
    network.initialise(stream);
    std::vector<double> theta(network.parameters().begin(), network.parameters().end());
    for (auto& value : theta) value += 0.3 * stream.normal();
    network.set_parameters(theta);
    for (std::size_t k = 0; k < n; ++k) {
      t[k] = stream.uniform();
      b[k] = stream.normal();
      for (std::size_t i = 0; i < shape.inputs; ++i) z.column(i)[k] = stream.normal();
      for (std::size_t i = 0; i < shape.outputs; ++i) a.column(i)[k] = stream.normal();
    }
  }

  Reals point(std::size_t k) const {
    Reals result(z.n_columns());
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = z.column(i)[k];
    return result;
  }

  TanhNetwork network;
  std::size_t n;
  std::vector<double> t;
  Columns z, a;
  std::vector<double> b;
};

double distance(Real x, double y) { return static_cast<double>(std::abs(x - y)); }

}  // namespace

BOOST_AUTO_TEST_SUITE(tanh_network)

BOOST_AUTO_TEST_CASE(agrees_with_its_twin_at_odd_sizes) {
  for (auto const& [name, shape] : cases())
    for (std::size_t const n : {0, 1, 2, 17}) {
      Setting s(shape, n);
      NetworkKernel kernel(s.network, 17, Want::jacobian);
      Columns f(n, shape.outputs), f_plain(n, shape.outputs), f_all(n, shape.outputs);
      std::vector<double> trace(n), trace_of_all(n);
      kernel.evaluate(n, s.t.data(), s.z, f_plain, Want::nothing, nullptr);
      kernel.evaluate(n, s.t.data(), s.z, f, Want::trace, trace.data());
      kernel.evaluate(n, s.t.data(), s.z, f_all, Want::jacobian, trace_of_all.data());
      auto const theta = to_reals(s.network.parameters());
      for (std::size_t k = 0; k < n; ++k) {
        auto const twin = network_twin(shape, theta, s.point(k), s.t[k]);
        for (std::size_t i = 0; i < shape.outputs; ++i) {
          BOOST_TEST(distance(twin.f[i], f.column(i)[k]) < 1e-14, name);
          BOOST_TEST(f.column(i)[k] == f_plain.column(i)[k]);
          BOOST_TEST(f.column(i)[k] == f_all.column(i)[k]);
          for (std::size_t j = 0; j < shape.inputs; ++j)
            BOOST_TEST(distance(twin.J[i][j], kernel.jacobian(i, j)[k]) < 1e-14, name);
        }
        BOOST_TEST(distance(twin.trace(), trace[k]) < 1e-14, name);
        BOOST_TEST(distance(twin.trace(), trace_of_all[k]) < 1e-14, name);
      }
    }
}

BOOST_AUTO_TEST_CASE(the_closed_trace_of_the_usual_size_agrees_with_brute_force) {
  for (bool const gate : {false, true}) {
    Shape const shape{2, {64, 64}, 2, Layer::concat_squash, gate};
    Setting s(shape, 9);
    NetworkKernel kernel(s.network, 9, Want::trace);
    Columns f(9, 2);
    std::vector<double> trace(9);
    kernel.evaluate(9, s.t.data(), s.z, f, Want::trace, trace.data());
    for (std::size_t k = 0; k < 9; ++k) {
      auto const twin = network_twin(shape, to_reals(s.network.parameters()), s.point(k), s.t[k]);
      BOOST_TEST(distance(twin.trace(), trace[k]) < 1e-14 * std::max(1.0, std::abs(trace[k])));
    }
  }
}

BOOST_AUTO_TEST_CASE(jacobian_products_agree_with_the_twin) {
  for (auto const& [name, shape] : cases()) {
    std::size_t const n = 5;
    Setting s(shape, n);
    NetworkKernel kernel(s.network, n, Want::trace);
    Columns f(n, shape.outputs), Jv(n, shape.outputs);
    std::vector<double> trace(n);
    kernel.evaluate(n, s.t.data(), s.z, f, Want::trace, trace.data());
    Columns v(n, shape.inputs);
    for (std::size_t i = 0; i < shape.inputs; ++i) std::copy_n(s.a.column(i), n, v.column(i));
    kernel.jacobian_product(n, v, Jv);
    auto const theta = to_reals(s.network.parameters());
    for (std::size_t k = 0; k < n; ++k) {
      auto const twin = network_twin(shape, theta, s.point(k), s.t[k]);
      for (std::size_t i = 0; i < shape.outputs; ++i) {
        Real product = 0;
        for (std::size_t j = 0; j < shape.inputs; ++j) product += twin.J[i][j] * v.column(j)[k];
        BOOST_TEST(distance(product, Jv.column(i)[k]) < 1e-13, name);
      }
    }
  }
}

/// sum over samples of a.f + sum_ij J_bar_ij J_ij, whose derivatives a pull-back gives.
struct Scalar {
  Setting const& s;
  Shape const& shape;
  std::function<Real(std::size_t k, std::size_t i, std::size_t j)> J_bar;

  Real operator()(Reals const& theta, std::size_t sample, std::size_t component, Real shift) const {
    Real sum = 0;
    for (std::size_t k = 0; k < s.n; ++k) {
      auto z = s.point(k);
      if (k == sample) z[component] += shift;
      auto const twin = network_twin(shape, theta, z, s.t[k]);
      for (std::size_t i = 0; i < shape.outputs; ++i) {
        sum += s.a.column(i)[k] * twin.f[i];
        for (std::size_t j = 0; j < shape.inputs; ++j) sum += J_bar(k, i, j) * twin.J[i][j];
      }
    }
    return sum;
  }
};

void check_against_differences(std::string const& name, Scalar const& scalar, Columns const& z_bar,
                               std::vector<double> const& theta_bar) {
  auto const theta = to_reals(scalar.s.network.parameters());
  for (std::size_t p = 0; p < theta.size(); ++p) {
    auto const along = [&](Real h) {
      auto moved = theta;
      moved[p] += h;
      return scalar(moved, 0, 0, 0);
    };
    BOOST_TEST(distance(first_difference(along, Real(0.004)), theta_bar[p]) < 2e-11, name << ", parameter " << p);
  }
  for (std::size_t k = 0; k < scalar.s.n; ++k)
    for (std::size_t i = 0; i < scalar.shape.inputs; ++i) {
      auto const along = [&](Real h) { return scalar(theta, k, i, h); };
      BOOST_TEST(distance(first_difference(along, Real(0.004)), z_bar.column(i)[k]) < 2e-11, name);
    }
}

BOOST_AUTO_TEST_CASE(a_pull_back_is_the_derivative_of_value_and_trace) {
  for (auto const& [name, shape] : cases()) {
    std::size_t const n = 3;
    Setting s(shape, n);
    NetworkKernel kernel(s.network, n, Want::trace);
    Columns f(n, shape.outputs), z_bar(n, shape.inputs);
    std::vector<double> trace(n), theta_bar(s.network.n_parameters(), 0.0);
    kernel.evaluate(n, s.t.data(), s.z, f, Want::trace, trace.data());
    kernel.pull_back(n, s.a, s.b.data(), z_bar, theta_bar.data());
    check_against_differences(
        name, {s, shape, [&](std::size_t k, std::size_t i, std::size_t j) { return i == j ? Real(s.b[k]) : Real(0); }}, z_bar,
        theta_bar);

    // Again, and on top: the same bits; without parameters the same of z.
    Columns z_again(n, shape.inputs), z_alone(n, shape.inputs);
    auto twice = theta_bar;
    kernel.pull_back(n, s.a, s.b.data(), z_again, twice.data());
    kernel.pull_back(n, s.a, s.b.data(), z_alone, nullptr);
    for (std::size_t p = 0; p < twice.size(); ++p)
      BOOST_TEST(std::abs(twice[p] - 2 * theta_bar[p]) < 1e-13 * (1 + std::abs(twice[p])));
    for (std::size_t i = 0; i < shape.inputs; ++i)
      for (std::size_t k = 0; k < n; ++k) {
        BOOST_TEST(z_again.column(i)[k] == z_bar.column(i)[k]);
        BOOST_TEST(z_alone.column(i)[k] == z_bar.column(i)[k]);
      }
  }
}

BOOST_AUTO_TEST_CASE(a_pull_back_of_the_value_alone_is_its_derivative) {
  for (auto const& [name, shape] : cases()) {
    Setting s(shape, 2);
    for (auto const want : {Want::nothing, Want::trace}) {
      NetworkKernel kernel(s.network, 2, Want::trace);
      Columns f(2, shape.outputs), z_bar(2, shape.inputs);
      std::vector<double> trace(2), theta_bar(s.network.n_parameters(), 0.0);
      kernel.evaluate(2, s.t.data(), s.z, f, want, want == Want::trace ? trace.data() : nullptr);
      kernel.pull_back(2, s.a, nullptr, z_bar, theta_bar.data());
      check_against_differences(name, {s, shape, [](std::size_t, std::size_t, std::size_t) { return Real(0); }}, z_bar,
                                theta_bar);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_pull_back_of_the_jacobian_is_its_derivative) {
  for (auto const& [name, shape] : cases()) {
    std::size_t const n = 2;
    Setting s(shape, n);
    NetworkKernel kernel(s.network, n, Want::jacobian);
    Columns f(n, shape.outputs), z_bar(n, shape.inputs), J_bar(n, shape.inputs * shape.inputs);
    rng::Stream stream({{3, 4}, rng::Purpose::test, 99}, 0);
    for (std::size_t c = 0; c < J_bar.n_columns(); ++c)
      for (std::size_t k = 0; k < n; ++k) J_bar.column(c)[k] = stream.normal();
    std::vector<double> theta_bar(s.network.n_parameters(), 0.0);
    kernel.evaluate(n, s.t.data(), s.z, f, Want::jacobian, nullptr);
    kernel.pull_back_jacobian(n, s.a, J_bar, z_bar, theta_bar.data());
    check_against_differences(
        name,
        {s, shape, [&](std::size_t k, std::size_t i, std::size_t j) { return Real(J_bar.column(i * shape.inputs + j)[k]); }},
        z_bar, theta_bar);
  }
}

BOOST_AUTO_TEST_CASE(a_sample_has_the_same_bits_in_any_block) {
  for (auto const& [name, shape] : cases()) {
    std::size_t const n = 53;
    Setting s(shape, n);
    s.z.column(0)[7] = std::numeric_limits<double>::quiet_NaN();
    s.z.column(0)[11] = std::numeric_limits<double>::infinity();
    NetworkKernel kernel(s.network, n, Want::trace);
    Columns f(n, shape.outputs), z_bar(n, shape.inputs);
    std::vector<double> trace(n);
    kernel.evaluate(n, s.t.data(), s.z, f, Want::trace, trace.data());
    kernel.pull_back(n, s.a, s.b.data(), z_bar, nullptr);
    for (std::size_t const k : {0, 8, 31, 52}) {
      Columns z(1, shape.inputs), a(1, shape.outputs), f_alone(1, shape.outputs), z_bar_alone(1, shape.inputs);
      for (std::size_t i = 0; i < shape.inputs; ++i) z.column(i)[0] = s.z.column(i)[k];
      for (std::size_t i = 0; i < shape.outputs; ++i) a.column(i)[0] = s.a.column(i)[k];
      double trace_alone = 0;
      kernel.evaluate(1, &s.t[k], z, f_alone, Want::trace, &trace_alone);
      kernel.pull_back(1, a, &s.b[k], z_bar_alone, nullptr);
      BOOST_TEST(trace_alone == trace[k], name);
      for (std::size_t i = 0; i < shape.inputs; ++i) {
        BOOST_TEST(f_alone.column(i)[0] == f.column(i)[k]);
        BOOST_TEST(z_bar_alone.column(i)[0] == z_bar.column(i)[k]);
      }
    }
    if (shape.hidden.empty()) BOOST_TEST(!std::isfinite(f.column(0)[11]));
    BOOST_TEST(std::isnan(f.column(0)[7]));
  }
}

BOOST_AUTO_TEST_CASE(samples_that_are_switched_off_add_nothing) {
  Shape const shape{2, {10, 12}, 2, Layer::concat_squash, true};
  Setting s(shape, 12);
  NetworkKernel kernel(s.network, 12, Want::trace);
  auto const sums = [&](std::size_t n) {
    Columns f(12, 2), z_bar(12, 2);
    std::vector<double> trace(12), theta_bar(s.network.n_parameters(), 0.0);
    kernel.evaluate(n, s.t.data(), s.z, f, Want::trace, trace.data());
    kernel.pull_back(n, s.a, s.b.data(), z_bar, theta_bar.data());
    return theta_bar;
  };
  auto const five = sums(5);
  for (std::size_t k = 5; k < 12; ++k) s.a.column(0)[k] = s.a.column(1)[k] = s.b[k] = 0;
  BOOST_TEST(sums(12) == five, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(networks_that_are_not_square_map_from_inputs_to_outputs) {
  Shape const shape{3, {5}, 1, Layer::plain, true};
  Setting s(shape, 4);
  NetworkKernel kernel(s.network, 4, Want::nothing);
  Columns f(4, 1), z_bar(4, 3);
  std::vector<double> theta_bar(s.network.n_parameters(), 0.0);
  kernel.evaluate(4, s.t.data(), s.z, f, Want::nothing, nullptr);
  kernel.pull_back(4, s.a, nullptr, z_bar, theta_bar.data());
  BOOST_TEST(s.network.n_parameters() == 3u * 5 + 5 + 5 + 1);
  check_against_differences("regression", {s, shape, [](std::size_t, std::size_t, std::size_t) { return Real(0); }}, z_bar,
                            theta_bar);
}

BOOST_AUTO_TEST_CASE(begins_with_xavier_weights) {
  TanhNetwork network({50, {200}, 50, Layer::concat_squash, true});
  rng::Stream stream({{1, 2}, rng::Purpose::initialise, 0}, 0);
  network.initialise(stream);
  auto const& layer = network.layer(0);
  double square = 0;
  for (std::size_t i = 0; i < layer.in * layer.out; ++i) square += std::pow(network.parameters()[layer.W + i], 2);
  double const ratio = square / static_cast<double>(layer.in * layer.out) / (2.0 / 250);
  BOOST_TEST(std::abs(ratio - 1) < 6 * std::sqrt(2.0 / 1e4));  // chi-square of 1e4, 6 sigma: false alarm 2e-9
  for (std::size_t r = 0; r < layer.out; ++r) BOOST_TEST(network.parameters()[layer.b + r] == 0);
}

BOOST_AUTO_TEST_CASE(refuses_layers_without_units) {
  BOOST_CHECK_THROW(TanhNetwork({2, {4, 0}, 2}), InputError);
  BOOST_CHECK_THROW(TanhNetwork({0, {4}, 2}), InputError);
}

BOOST_AUTO_TEST_SUITE_END()
