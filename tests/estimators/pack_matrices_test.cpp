#include "fermiac/estimators/pack_matrices.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

using namespace fermiac;
using namespace fermiac::estimators;

namespace {

/// One matrix A A' + diagonal a replicate, of a size that grows with the replicate.
std::vector<arma::mat> some_matrices(std::size_t n, std::size_t n_replicates) {
  rng::Stream stream({rng::make_key(1, "matrices"), rng::Purpose::test, 0}, 0);
  std::vector<arma::mat> all;
  for (std::size_t r = 0; r < n_replicates; ++r) {
    arma::mat A(n, n);
    for (auto& a : A) a = stream.normal();
    all.push_back(std::pow(10.0, static_cast<double>(r)) * (A * A.t() + 0.1 * arma::eye(n, n)));
  }
  return all;
}

PackMatrices packed(std::vector<arma::mat> const& matrices, std::size_t n) {
  PackMatrices result(matrices.size(), n);
  for (std::size_t r = 0; r < matrices.size(); ++r)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j) result.at(i, j)[r] = matrices[r](i, j);
  return result;
}

arma::mat triangle(PackMatrices& A, std::size_t r) {
  arma::mat result(A.n(), A.n(), arma::fill::zeros);
  for (std::size_t i = 0; i < A.n(); ++i)
    for (std::size_t j = 0; j <= i; ++j) result(i, j) = A.at(i, j)[r];
  return result;
}

arma::vec eigenvalues(PackMatrices& A, std::size_t r) {
  arma::vec values(A.n());
  for (std::size_t i = 0; i < A.n(); ++i) values(i) = A.at(i, i)[r];
  return arma::sort(values);
}

constexpr std::size_t sizes[] = {1, 2, 3, 8, 17};

}  // namespace

BOOST_AUTO_TEST_SUITE(pack_matrices)

BOOST_AUTO_TEST_CASE(cholesky_and_inverse_are_those_of_lapack) {
  for (auto const n : sizes) {
    auto const matrices = some_matrices(n, 5);
    auto A = packed(matrices, n);
    cholesky(A);
    for (std::size_t r = 0; r < 5; ++r) {
      arma::mat const L = triangle(A, r);
      BOOST_TEST(arma::approx_equal(L * L.t(), matrices[r], "reldiff", 1e-13));
    }
    auto inverse = A;
    invert_triangle(inverse);
    for (std::size_t r = 0; r < 5; ++r)
      BOOST_TEST(arma::approx_equal(triangle(inverse, r) * triangle(A, r), arma::eye(n, n), "absdiff", 1e-12));
  }
}

BOOST_AUTO_TEST_CASE(cholesky_says_nan_where_a_matrix_is_not_positive_and_spares_the_others) {
  std::vector<arma::mat> const matrices{{{4, 2}, {2, 1}}, {{4, 2}, {2, 2}}, {{-1, 0}, {0, 1}}};
  auto A = packed(matrices, 2);
  cholesky(A);
  BOOST_TEST(std::isnan(A.at(1, 1)[0]));
  BOOST_TEST(A.at(1, 1)[1] == 1);
  BOOST_TEST(std::isnan(A.at(0, 0)[2]));
  BOOST_TEST(std::isnan(A.at(1, 1)[2]));
}

BOOST_AUTO_TEST_CASE(eigenvalues_are_those_of_lapack) {
  for (auto const n : sizes) {
    auto const matrices = some_matrices(n, 5);
    auto A = packed(matrices, n);
    diagonalise(A);
    for (std::size_t r = 0; r < 5; ++r) {
      arma::vec const expected = arma::eig_sym(matrices[r]);
      BOOST_TEST(arma::abs(eigenvalues(A, r) - expected).max() < 1e-14 * static_cast<double>(n) * expected.max());
    }
  }
}

BOOST_AUTO_TEST_CASE(eigenvalues_of_diagonal_degenerate_and_singular_matrices) {
  std::vector<arma::mat> const matrices{arma::diagmat(arma::vec{3, 1, 2}), arma::eye(3, 3), arma::ones(3, 3), arma::zeros(3, 3),
                                        arma::mat{{1, 1e-200, 0}, {1e-200, 1, 0}, {0, 0, 1e200}}};
  auto A = packed(matrices, 3);
  diagonalise(A);
  for (std::size_t r = 0; r < matrices.size(); ++r) {
    arma::vec const expected = arma::eig_sym(matrices[r]);
    BOOST_TEST(arma::abs(eigenvalues(A, r) - expected).max() <= 1e-15 * std::max(1.0, expected.max()), "matrix " << r);
  }
}

BOOST_AUTO_TEST_CASE(not_a_number_stays_in_its_replicate) {
  std::vector<arma::mat> matrices{arma::ones(2, 2), arma::ones(2, 2)};
  matrices[0](1, 0) = NAN;
  auto A = packed(matrices, 2);
  diagonalise(A);
  BOOST_TEST(std::isnan(A.at(0, 0)[0]));
  BOOST_TEST((eigenvalues(A, 1)(1) == 2));
}

BOOST_AUTO_TEST_CASE(scatter_is_that_of_an_obvious_loop) {
  auto const key = rng::make_key(2, "scatter");
  Quiet context;
  for (std::size_t const n : {1, 3}) {
    rng::PackStream pack(key, rng::Purpose::test, {10, 27});
    arma::mat mean(17, n);
    PackMatrices W(17, n);
    draw_scatter(pack, 6, mean, W, context);
    for (std::uint64_t r = 0; r < 17; ++r) {
      rng::Stream stream({key, rng::Purpose::test, 10 + r}, 0);
      arma::mat z(n, 6);
      for (auto& v : z) v = stream.normal();
      BOOST_TEST(arma::approx_equal(mean.row(r).t(), arma::mean(z, 1), "absdiff", 1e-14));
      arma::mat const expected = 5 * arma::cov(z.t());
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j <= i; ++j) BOOST_TEST(std::abs(W.at(i, j)[r] - expected(i, j)) < 1e-13);
    }
  }
}

BOOST_AUTO_TEST_CASE(no_replicates_and_no_columns_are_no_trouble) {
  PackMatrices none(0, 3);
  cholesky(none);
  diagonalise(none);
  BOOST_TEST(none.n_replicates() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
