#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/flow/expression.hpp"
#include "fermiac/flow/field.hpp"
#include "fermiac/flow/number_list.hpp"
#include "fermiac/rng/stream.hpp"

using namespace fermiac;
using namespace fermiac::flow;

namespace {

constexpr std::size_t n = 17;

std::unique_ptr<Field> field_of(std::string const& name, std::size_t d,
                                std::vector<std::pair<std::string, Value>> const& options = {}) {
  Parameters all(field_options());
  for (auto const& [key, value] : options) all.set(key, value);
  return make_field(name, d, all);
}

Columns random(std::size_t d, std::uint64_t walker) {
  Columns z(n, d);
  rng::Stream stream({{3, 4}, rng::Purpose::test, 0}, walker);
  for (std::size_t i = 0; i < d; ++i) stream.normals({z.column(i), n});
  return z;
}

/// Central differences of order 4 of what `at` yields for z moved by s along v.
template <typename At>
double difference(At at) {
  constexpr double h = 1e-3;
  return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
}

/// Derivatives against differences; a block of any size against the largest.
void check_field(Field& field) {
  auto const d = field.dimension();
  auto const kernel = field.make_kernel(n);
  Columns const z = random(d, 0);
  Columns const v = random(d, 1);
  Columns const a = random(d, 2);
  Columns const b = random(1, 3);
  std::vector<double> t(n);
  for (std::size_t k = 0; k < n; ++k) t[k] = 0.1 * static_cast<double>(k);
  struct Values {
    Columns f;
    std::vector<double> divergence;
  };
  auto const values_at = [&](double s) {
    Columns moved(n, d);
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t k = 0; k < n; ++k) moved.column(i)[k] = std::fma(s, v.column(i)[k], z.column(i)[k]);
    Values values{Columns(n, d), std::vector<double>(n)};
    kernel->evaluate({n, t.data(), moved}, values.f, values.divergence.data());
    return values;
  };
  constexpr double h = 1e-3;
  Values const steps[] = {values_at(-2 * h), values_at(-h), values_at(h), values_at(2 * h)};
  auto const slope = [&](auto part) {
    return (8 * (part(steps[2]) - part(steps[1])) - (part(steps[3]) - part(steps[0]))) / (12 * h);
  };
  Values const here = values_at(0);
  Lanes const lanes{n, t.data(), z};
  Columns Jv(n, d);
  kernel->jacobian_product(lanes, v, Jv);
  Columns z_bar(n, d);
  std::vector<double> theta_bar(field.n_parameters());
  kernel->pull_back(lanes, a, b.column(0), z_bar, theta_bar.data());
  for (std::size_t k = 0; k < n; ++k) {
    double pulled = 0;
    double pushed = 0;
    for (std::size_t i = 0; i < d; ++i) {
      double const expected = slope([&](Values const& x) { return x.f.column(i)[k]; });
      BOOST_TEST(std::abs(Jv.column(i)[k] - expected) < 1e-7 * (1 + std::abs(expected)));
      pulled += z_bar.column(i)[k] * v.column(i)[k];
      pushed += a.column(i)[k] * expected;
    }
    pushed += b.column(0)[k] * slope([&](Values const& x) { return x.divergence[k]; });
    BOOST_TEST(std::abs(pulled - pushed) < 1e-6 * (1 + std::abs(pushed)));
  }
  // The divergence is the trace of J.
  std::vector<double> trace(n);
  for (std::size_t i = 0; i < d; ++i) {
    Columns unit(n, d);
    std::fill_n(unit.column(i), n, 1.0);
    kernel->jacobian_product(lanes, unit, Jv);
    for (std::size_t k = 0; k < n; ++k) trace[k] += Jv.column(i)[k];
  }
  for (std::size_t k = 0; k < n; ++k) BOOST_TEST(std::abs(trace[k] - here.divergence[k]) < 1e-12 * (1 + std::abs(trace[k])));
  // A lane's bits do not depend on the block, nor on whether the divergence is asked for.
  for (std::size_t const size : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
    Columns f(n, d);
    kernel->evaluate({size, t.data(), z}, f, nullptr);
    for (std::size_t k = 0; k < size; ++k)
      for (std::size_t i = 0; i < d; ++i) BOOST_TEST(f.column(i)[k] == here.f.column(i)[k]);
  }
  // Parameters, by differences of sum a . f + b div.
  std::vector<double> const theta(field.parameters().begin(), field.parameters().end());
  for (std::size_t p = 0; p < theta.size(); ++p) {
    double const expected = difference([&](double s) {
      auto moved = theta;
      moved[p] += s;
      field.set_parameters(moved);
      Values const x = values_at(0);
      double sum = 0;
      for (std::size_t k = 0; k < n; ++k) {
        sum += b.column(0)[k] * x.divergence[k];
        for (std::size_t i = 0; i < d; ++i) sum += a.column(i)[k] * x.f.column(i)[k];
      }
      return sum;
    });
    BOOST_TEST(std::abs(theta_bar[p] - expected) < 1e-6 * (1 + std::abs(expected)));
  }
  field.set_parameters(theta);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fields)

BOOST_AUTO_TEST_CASE(derivatives_are_those_of_the_field) {
  for (std::size_t const d : {1, 2, 3}) check_field(*field_of("tanh_cubed", d));
  check_field(*field_of("linear", 2, {{"linear.matrix", std::string("0.3, -1; 2, 0.1")}}));
  check_field(*field_of("rotation", 5, {{"rotation.rate", 1.5}}));
  check_field(*field_of("planar", 3, {{"planar.u", std::string("1, -0.5, 0.2")}, {"planar.w", std::string("0.7, 1, -1")}}));
  check_field(*field_of("stiff", 2, {{"stiff.rate", 3.0}}));
  check_field(*field_of("mixture_flow", 2));
  check_field(*field_of("mixture_flow", 1, {{"mixture_flow.centres", std::string("-1; 0.5; 2")}, {"mixture_flow.rate", 2.0}}));
  check_field(
      *field_of("expression", 2,
                {{"expression.components",
                  std::string("exp(-z1^2)*sin(z2) + t/(1 + z1^2); sqrt(2 + z2^2) - log(3 + cos(z1))^3 * tanh(z1*z2)")}}));
}

BOOST_AUTO_TEST_CASE(formulas_say_what_is_written) {
  auto const value = [](std::string const& text) { return vector_of(text, 1, "key")[0]; };
  BOOST_TEST(value("1 + 2*3^2 - -4/2") == 21);
  BOOST_TEST(value("-2^2") == -4);
  BOOST_TEST(value("2^3^2") == 512);
  BOOST_TEST(value("2^-2") == 0.25);
  BOOST_TEST(std::abs(value("4^0.5") - 2) < 1e-15);
  BOOST_TEST(std::abs(value("cos(pi)") + 1) < 1e-15);
  BOOST_TEST(value("3/5") == 0.6);
  arma::mat const matrix = matrix_of("3/5, 2/5; 1/5, 4/5", 2, 2, "key");
  BOOST_TEST(matrix(0, 1) == 0.4);
  BOOST_TEST(matrix(1, 0) == 0.2);
}

BOOST_AUTO_TEST_CASE(a_formula_is_the_field_it_describes) {
  auto const kernel = field_of("tanh_cubed", 2)->make_kernel(n);
  auto const formula = field_of("expression", 2);
  auto const other = formula->make_kernel(n);
  Columns const z = random(2, 7);
  std::vector<double> const t(n, 0.0);
  Columns f(n, 2), g(n, 2);
  std::vector<double> f_div(n), g_div(n);
  kernel->evaluate({n, t.data(), z}, f, f_div.data());
  other->evaluate({n, t.data(), z}, g, g_div.data());
  for (std::size_t k = 0; k < n; ++k) {
    BOOST_TEST(std::abs(f.column(0)[k] - g.column(0)[k]) < 1e-15);
    BOOST_TEST(std::abs(f_div[k] - g_div[k]) < 1e-14);
  }
}

BOOST_AUTO_TEST_CASE(a_sum_may_have_more_terms_than_the_stack_has_room_for) {
  std::string text = "z1";
  for (int i = 0; i < 50'000; ++i) text += "+z1*z2";
  Formulas formulas(2);
  auto const derivative = formulas.derivative(formulas.parse(text, "key"), 0);
  FormulaTape tape(formulas, {derivative}, 1);
  Columns z(1, 2);
  z.column(0)[0] = 0.5;
  z.column(1)[0] = 2;
  double const t = 0;
  tape.compute({1, &t, z});
  BOOST_TEST(tape.value(0)[0] == 100'001.0);
}

BOOST_AUTO_TEST_CASE(wrong_texts_are_refused_in_one_line) {
  auto const refused = [](std::string const& formulas, std::string const& says) {
    BOOST_CHECK_EXCEPTION(field_of("expression", 2, {{"expression.components", formulas}}), InputError,
                          [&](InputError const& e) {
                            return e.key() == "expression.components" && std::string(e.what()).find(says) != std::string::npos;
                          });
  };
  refused("z1", "has 1 formulas, expected 2");
  refused("z1; z3", "there are only z1 to z2");
  refused("z1; 2*(z1", "expected )");
  refused("z1 +; z2", "expected a number");
  refused("z1 z2; z2", "at character 4: expected an operation");
  refused("foo(z1); z2", "\"foo\" is none of");
  refused(std::string(1000, '(') + "; z2", "too many brackets");
  refused(std::string(100'000, '-') + "z1; z2", "too many brackets");
  BOOST_CHECK_THROW(field_of("linear", 3), InputError);
  BOOST_CHECK_THROW(field_of("linear", 2, {{"linear.matrix", std::string("1, 0; 0, 1/0")}}), InputError);
  BOOST_CHECK_THROW(field_of("linear", 2, {{"linear.matrix", std::string("-1, 0; 0, 2")}, {"linear.of_map", true}}),
                    InputError);
  BOOST_CHECK_THROW(field_of("rotation", 1), InputError);
  BOOST_CHECK_EXCEPTION(field_of("tanh_cubd", 2), InputError,
                        [](InputError const& e) { return std::string(e.what()).find("tanh_cubed") != std::string::npos; });
}

BOOST_AUTO_TEST_SUITE_END()
