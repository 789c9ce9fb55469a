#include "fermiac/simd/columns.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdint>

using fermiac::simd::Columns;

BOOST_AUTO_TEST_SUITE(columns)

BOOST_AUTO_TEST_CASE(start_at_cache_lines_with_zeros) {
  for (arma::uword const n : {0, 1, 7, 8, 17}) {
    Columns const x(n, 3);
    BOOST_TEST(x.stride() >= n);
    for (arma::uword j = 0; j < 3; ++j) {
      if (n > 0) BOOST_TEST(reinterpret_cast<std::uintptr_t>(x.column(j)) % 64 == 0);
      for (arma::uword k = 0; k < n; ++k) BOOST_TEST(x.column(j)[k] == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(have_copies_of_their_own_and_windows_on_the_same) {
  Columns x(24, 2);
  for (arma::uword j = 0; j < 2; ++j)
    for (arma::uword k = 0; k < 24; ++k) x.column(j)[k] = static_cast<double>(100 * j + k);
  Columns window = x.window(8, 8);
  BOOST_TEST(window.n_rows() == 8);
  BOOST_TEST(window.column(1)[2] == 110);
  Columns const copy = window;
  window.column(1)[2] = -1;
  BOOST_TEST(x.column(1)[10] == -1);
  BOOST_TEST(copy.column(1)[2] == 110);
  window.zero();
  BOOST_TEST(x.column(0)[7] == 7);
  BOOST_TEST(x.column(0)[8] == 0);
  BOOST_TEST(x.column(0)[15] == 0);
  BOOST_TEST(x.column(0)[16] == 16);

  x = Columns();  // what a window shows outlives the whole
  window.column(0)[0] = 5;
  BOOST_TEST(window.column(0)[0] == 5);
}

BOOST_AUTO_TEST_SUITE_END()
