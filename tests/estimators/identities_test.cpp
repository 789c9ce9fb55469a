// Identities that estimators rest on, by name: of conditional expectations, eigenvalues, matrix derivatives, quadratic forms,
// and of the likelihoods of decoders. Matrices are drawn once; derivatives are taken along the imaginary axis, where nothing
// cancels.
#include <array>
#include <boost/math/distributions/bernoulli.hpp>
#include <boost/math/distributions/gamma.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <complex>
#include <numbers>

#include "fermiac/estimators/pack_matrices.hpp"
#include "fermiac/simd/functions.hpp"

using namespace fermiac;
using boost::test_tools::tolerance;

namespace {

using Complex = std::complex<double>;
using Quadrature = boost::math::quadrature::gauss_kronrod<double, 61>;

constexpr arma::uword n = 5;

arma::mat drawn(arma::uword rows, arma::uword columns, std::uint64_t number) {
  rng::Stream stream({rng::make_key(1, "identities"), rng::Purpose::test, number}, 0);
  arma::mat A(rows, columns);
  for (auto& a : A) a = stream.normal();
  return A;
}

arma::mat positive(std::uint64_t number) {
  arma::mat const A = drawn(n, n, number);
  return A * A.t() + arma::eye(n, n);
}

/// Derivative of f at X along E: the imaginary part of f(X + i h E) / h, whose error is of order h^2.
template <typename Function, typename Real>
double derivative(Function f, Real const& X, Real const& E) {
  constexpr double h = 1e-30;
  return std::imag(f(arma::conv_to<arma::cx_mat>::from(X) + Complex(0, h) * E)) / h;
}

/// A joint law of X and Y on 3 x 4 points.
struct Joint {
  std::array<double, 3> x{-1, 0.5, 2};
  std::array<double, 4> y{0, 1, 3, -2};
  std::array<std::array<double, 4>, 3> p{{{0.05, 0.1, 0.02, 0.13}, {0.2, 0.03, 0.07, 0.1}, {0.04, 0.11, 0.09, 0.06}}};

  template <typename Function>
  double mean(Function f) const {
    double sum = 0;
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 4; ++j) sum += p[i][j] * f(x[i], y[j]);
    return sum;
  }
  double p_of_y(std::size_t j) const { return p[0][j] + p[1][j] + p[2][j]; }
  /// E[f(X) | Y = y_j].
  template <typename Function>
  double given(std::size_t j, Function f) const {
    double sum = 0;
    for (std::size_t i = 0; i < 3; ++i) sum += p[i][j] * f(x[i]);
    return sum / p_of_y(j);
  }
  /// E over Y of a function of its number.
  template <typename Function>
  double over_y(Function f) const {
    double sum = 0;
    for (std::size_t j = 0; j < 4; ++j) sum += p_of_y(j) * f(j);
    return sum;
  }
};

double itself(double v) { return v; }
double squared(double v) { return v * v; }

}  // namespace

BOOST_AUTO_TEST_SUITE(identities)

// ------------------------------------------------------------------------------------------------ conditional expectations

BOOST_AUTO_TEST_CASE(law_of_total_expectation) {
  Joint const joint;
  BOOST_TEST(joint.mean([](double, double) { return 1.0; }) == 1.0, tolerance(1e-15));
  double const nested = joint.over_y([&](std::size_t j) { return joint.given(j, itself); });
  BOOST_TEST(nested == joint.mean([](double x, double) { return x; }), tolerance(1e-15));
}

BOOST_AUTO_TEST_CASE(law_of_total_variance) {
  Joint const joint;
  double const mean = joint.mean([](double x, double) { return x; });
  double const variance = joint.mean([&](double x, double) { return (x - mean) * (x - mean); });
  double const within = joint.over_y([&](std::size_t j) { return joint.given(j, squared) - squared(joint.given(j, itself)); });
  double const between = joint.over_y([&](std::size_t j) { return squared(joint.given(j, itself) - mean); });
  BOOST_TEST(within + between == variance, tolerance(1e-14));
  BOOST_TEST((within > 0.1 && between > 0.1));
}

BOOST_AUTO_TEST_CASE(expectation_of_a_product_is_that_of_y_times_the_conditional_one) {
  Joint const joint;
  double const nested = joint.over_y([&](std::size_t j) { return joint.y[j] * joint.given(j, itself); });
  BOOST_TEST(nested == joint.mean([](double x, double y) { return x * y; }), tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(independence_makes_conditional_expectations_constant) {
  Joint joint;
  std::array const of_x{0.2, 0.5, 0.3};
  std::array const of_y{0.1, 0.4, 0.15, 0.35};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 4; ++j) joint.p[i][j] = of_x[i] * of_y[j];
  double const mean = joint.mean([](double x, double) { return x; });
  for (std::size_t j = 0; j < 4; ++j) BOOST_TEST(joint.given(j, itself) == mean, tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(total_laws_of_a_gaussian_whose_mean_and_variance_are_gamma) {
  // X | Y ~ N(a Y, b Y), Y ~ Gamma(k): E X = a k, Var X = b k + a^2 k, E XY = a k (k + 1).
  double const a = 1.4, b = 0.6, k = 3;
  boost::math::gamma_distribution<> const law(k);
  auto const mean = [&](auto f) {
    auto const over_x = [&](double y) {
      auto const density = [&](double u) {
        return std::exp(-u * u / 2) / std::sqrt(2 * std::numbers::pi) * f(a * y + std::sqrt(b * y) * u, y);
      };
      return pdf(law, y) * Quadrature::integrate(density, -12.0, 12.0, 2, 1e-12);
    };
    return Quadrature::integrate(over_x, 0.0, 60.0, 6, 1e-12);
  };
  double const first = mean([](double x, double) { return x; });
  BOOST_TEST(first == a * k, tolerance(1e-10));
  BOOST_TEST(mean([&](double x, double) { return (x - first) * (x - first); }) == b * k + a * a * k, tolerance(1e-10));
  BOOST_TEST(mean([](double x, double y) { return x * y; }) == a * k * (k + 1), tolerance(1e-10));
}

// ------------------------------------------------------------------------------------------------------------- eigenvalues

BOOST_AUTO_TEST_CASE(an_inverse_has_the_same_eigenvectors_and_inverse_eigenvalues) {
  arma::mat const A = positive(1), inverse = arma::inv(A);
  arma::vec lambda;
  arma::mat V;
  arma::eig_sym(lambda, V, A);
  for (arma::uword i = 0; i < n; ++i) BOOST_TEST(arma::norm(inverse * V.col(i) - V.col(i) / lambda(i)) < 1e-13);
}

BOOST_AUTO_TEST_CASE(eigenvalues_of_a_triangular_matrix_are_its_diagonal) {
  arma::mat const T = arma::trimatu(drawn(n, n, 2));
  arma::vec const found = arma::sort(arma::real(arma::eig_gen(T)));
  BOOST_TEST(arma::approx_equal(found, arma::sort(arma::vec(T.diag())), "absdiff", 1e-13));
}

BOOST_AUTO_TEST_CASE(eigenvalues_multiply_to_the_determinant_and_add_up_to_the_trace) {
  arma::mat const B = drawn(n, n, 3), A = positive(3);
  arma::cx_vec const general = arma::eig_gen(B);
  BOOST_TEST(std::abs(arma::prod(general) - arma::det(B)) < 1e-12 * std::abs(arma::det(B)));
  BOOST_TEST(std::abs(arma::sum(general) - arma::trace(B)) < 1e-13);
  // The same of the kernels that experiments use.
  estimators::PackMatrices rotated(1, n), factor(1, n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) rotated.at(i, j)[0] = factor.at(i, j)[0] = A(i, j);
  estimators::diagonalise(rotated);
  estimators::cholesky(factor);
  double product = 1, sum = 0, pivots = 1;
  for (std::size_t i = 0; i < n; ++i) {
    product *= rotated.at(i, i)[0];
    sum += rotated.at(i, i)[0];
    pivots *= factor.at(i, i)[0];
  }
  BOOST_TEST(product == arma::det(A), tolerance(1e-13));
  BOOST_TEST(sum == arma::trace(A), tolerance(1e-14));
  BOOST_TEST(pivots * pivots == arma::det(A), tolerance(1e-13));
}

// ------------------------------------------------------------------------------------------------------ matrix derivatives

BOOST_AUTO_TEST_CASE(derivative_of_a_linear_form) {
  arma::mat const a = drawn(n, 1, 4), x = drawn(n, 1, 5), e = drawn(n, 1, 6);
  auto const f = [&](arma::cx_mat const& v) { return arma::as_scalar(a.t() * v); };
  BOOST_TEST(derivative(f, x, e) == arma::dot(a, e), tolerance(1e-14));
}

BOOST_AUTO_TEST_CASE(derivative_of_a_quadratic_form) {
  // d(x'Ax)/dx = (A + A') x, A not symmetric.
  arma::mat const A = drawn(n, n, 7), x = drawn(n, 1, 5), e = drawn(n, 1, 6);
  auto const f = [&](arma::cx_mat const& v) { return arma::as_scalar(v.st() * A * v); };
  BOOST_TEST(derivative(f, x, e) == arma::dot((A + A.t()) * x, e), tolerance(1e-13));
}

BOOST_AUTO_TEST_CASE(derivative_of_a_squared_linear_form) {
  // d(x'a)^2/dx = 2 (x'a) a.
  arma::mat const a = drawn(n, 1, 4), x = drawn(n, 1, 5), e = drawn(n, 1, 6);
  auto const f = [&](arma::cx_mat const& v) {
    Complex const form = arma::as_scalar(v.st() * a);
    return form * form;
  };
  BOOST_TEST(derivative(f, x, e) == 2 * arma::dot(x, a) * arma::dot(a, e), tolerance(1e-13));
}

BOOST_AUTO_TEST_CASE(derivative_of_a_trace_is_the_transpose) {
  // d tr(AB)/dA = B', element by element.
  arma::mat const A = drawn(n, 3, 8), B = drawn(3, n, 9);
  auto const f = [&](arma::cx_mat const& X) { return arma::trace(X * B); };
  for (arma::uword i = 0; i < n; ++i)
    for (arma::uword j = 0; j < 3; ++j) {
      arma::mat E(n, 3, arma::fill::zeros);
      E(i, j) = 1;
      BOOST_TEST(derivative(f, A, E) == B(j, i), tolerance(1e-14));
    }
}

BOOST_AUTO_TEST_CASE(derivatives_of_log_determinant_and_inverse) {
  // d log det X = tr(X^-1 E), d tr(X^-1 A) = -tr(X^-1 E X^-1 A).
  arma::mat const X = positive(10), A = drawn(n, n, 11), E = drawn(n, n, 12);
  auto const log_det = [](arma::cx_mat const& Y) { return std::log(arma::det(Y)); };
  BOOST_TEST(derivative(log_det, X, E) == arma::trace(arma::solve(X, E)), tolerance(1e-12));
  // To Armadillo's eyes Y is Hermitian to rounding, which would lose its imaginary part.
  auto const complex_A = arma::conv_to<arma::cx_mat>::from(A);
  auto const trace = [&](arma::cx_mat const& Y) { return arma::trace(arma::solve(Y, complex_A, arma::solve_opts::no_sympd)); };
  arma::mat const inverse = arma::inv(X);
  BOOST_TEST(derivative(trace, X, E) == -arma::trace(inverse * E * inverse * A), tolerance(1e-11));
}

BOOST_AUTO_TEST_CASE(derivative_of_an_eigenvalue) {
  // d lambda = v'Ev with |v| = 1, against central differences of the kernel that experiments use.
  arma::mat const X = positive(13);
  arma::mat const E = arma::symmatl(drawn(n, n, 14));
  arma::vec lambda;
  arma::mat V;
  arma::eig_sym(lambda, V, X);
  auto const eigenvalues = [&](double h) {
    estimators::PackMatrices A(1, n);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j) A.at(i, j)[0] = X(i, j) + h * E(i, j);
    estimators::diagonalise(A);
    arma::vec values(n);
    for (std::size_t i = 0; i < n; ++i) values(i) = A.at(i, i)[0];
    return arma::vec(arma::sort(values));
  };
  constexpr double h = 1e-5;
  arma::vec const slope = (eigenvalues(h) - eigenvalues(-h)) / (2 * h);
  for (arma::uword i = 0; i < n; ++i) BOOST_TEST(std::abs(slope(i) - arma::dot(V.col(i), E * V.col(i))) < 1e-8);
}

// --------------------------------------------------------------------------------------------------------- quadratic forms

BOOST_AUTO_TEST_CASE(a_quadratic_form_is_a_trace) {
  // x'Ax = tr(xx'A).
  arma::mat const A = drawn(n, n, 15), x = drawn(n, 1, 16);
  BOOST_TEST(arma::as_scalar(x.t() * A * x) == arma::trace(x * x.t() * A), tolerance(1e-13));
}

BOOST_AUTO_TEST_CASE(completion_of_the_square) {
  // x'Ax - 2 b'x + c = (x - m)'A(x - m) + c - b'm, m = A^-1 b.
  arma::mat const A = positive(17), b = drawn(n, 1, 18), x = drawn(n, 1, 19);
  arma::mat const m = arma::solve(A, b);
  double const left = arma::as_scalar(x.t() * A * x - 2 * b.t() * x) + 0.3;
  double const right = arma::as_scalar((x - m).t() * A * (x - m) - b.t() * m) + 0.3;
  BOOST_TEST(left == right, tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(completion_of_the_square_gives_the_posterior_of_a_gaussian_mean) {
  // sum (x_i - mu)^2 / s2 + (mu - nu)^2 / t2 = (mu - map)^2 / p + what does not contain mu.
  std::array const x{1.2, 3.4, 0.1, 2.2};
  double const s2 = 5, nu = 1, t2 = 2, N = 4;
  double sum = 0;
  for (double const v : x) sum += v;
  double const w = N * t2 / (N * t2 + s2), map = w * sum / N + (1 - w) * nu, p = s2 * t2 / (N * t2 + s2);
  auto const rest = [&](double mu) {
    double total = (mu - nu) * (mu - nu) / t2 - (mu - map) * (mu - map) / p;
    for (double const v : x) total += (v - mu) * (v - mu) / s2;
    return total;
  };
  for (double const mu : {-3.0, 0.0, 1.7, 20.0}) BOOST_TEST(rest(mu) == rest(1), tolerance(1e-12));
}

// ---------------------------------------------------------------------------------------------------------------- decoders

BOOST_AUTO_TEST_CASE(a_gaussian_decoder_of_variance_one_half_is_squared_error) {
  // -log p(x | z) = |x - f|^2 / (2 r) + D/2 log(2 pi r): with r = 1/2, squared error and D/2 log pi.
  arma::vec const x = drawn(n, 1, 20), f = drawn(n, 1, 21);
  for (double const r : {0.5, 1.0, 0.01}) {
    double likelihood = 0;
    for (arma::uword i = 0; i < n; ++i) likelihood += std::log(pdf(boost::math::normal(f(i), std::sqrt(r)), x(i)));
    double const error = arma::accu(arma::square(x - f));
    BOOST_TEST(-likelihood == error / (2 * r) + n / 2.0 * std::log(2 * std::numbers::pi * r), tolerance(1e-12));
    if (r == 0.5) BOOST_TEST(-likelihood == error + n / 2.0 * std::log(std::numbers::pi), tolerance(1e-13));
  }
}

BOOST_AUTO_TEST_CASE(a_bernoulli_decoder_is_binary_cross_entropy) {
  for (double const p : {0.03, 0.5, 0.8})
    for (int const x : {0, 1}) {
      double const cross_entropy = -(x * std::log(p) + (1 - x) * std::log(1 - p));
      BOOST_TEST(-std::log(pdf(boost::math::bernoulli(p), x)) == cross_entropy, tolerance(1e-14));
      // From logits, as it is computed: softplus(l) - x l.
      double const l = std::log(p / (1 - p));
      BOOST_TEST(simd::softplus(l) - x * l == cross_entropy, tolerance(1e-13));
    }
}

BOOST_AUTO_TEST_CASE(cross_entropy_of_grey_data_lacks_the_normaliser_of_the_continuous_bernoulli) {
  // p(x) = C l^x (1 - l)^(1 - x) on [0, 1], C = 2 atanh(1 - 2 l) / (1 - 2 l), and 2 at l = 1/2.
  auto const C = [](double l) { return l == 0.5 ? 2.0 : 2 * std::atanh(1 - 2 * l) / (1 - 2 * l); };
  for (double const l : {1e-6, 0.03, 0.4, 0.4999, 0.5, 0.7, 0.999}) {
    auto const density = [l](double x) { return std::pow(l, x) * std::pow(1 - l, 1 - x); };
    double const mass = Quadrature::integrate(density, 0.0, 1.0, 4, 1e-13);
    BOOST_TEST(C(l) * mass == 1.0, tolerance(1e-11));
    BOOST_TEST(mass <= 0.5 * (1 + 1e-12));  // cross entropy is no log-likelihood of grey data, but short by at least log 2
  }
  BOOST_TEST(C(0.5 + 1e-7) == 2.0, tolerance(1e-8));
}

BOOST_AUTO_TEST_SUITE_END()
