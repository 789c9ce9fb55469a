#include "fermiac/simd/functions.hpp"

#include <quadmath.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

#include "fermiac/base/sha256.hpp"
#include "fermiac/simd/arrays.hpp"

using namespace fermiac;

namespace {

using Quad = __float128;
constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double quiet_nan = std::numeric_limits<double>::quiet_NaN();
constexpr double least = std::numeric_limits<double>::denorm_min();
constexpr double greatest = std::numeric_limits<double>::max();

/// Distance of `value` from `exact` in units in the last place of `exact`; an infinite value counts as 2^1024.
double ulp_error(double value, Quad exact) {
  if (isnanq(exact)) return std::isnan(value) ? 0 : inf;
  if (std::isnan(value)) return inf;
  if (isinfq(exact)) return Quad{value} == exact ? 0 : inf;
  Quad const limit = scalbnq(1, 1024);
  if (std::isinf(value) && fabsq(exact) >= limit) return (value > 0) == (exact > 0) ? 0 : inf;
  Quad const measured = std::isinf(value) ? copysignq(limit, value) : Quad{value};
  int exponent = 0;
  frexpq(exact, &exponent);
  Quad const ulp = scalbnq(1, std::clamp(exponent - 53, -1074, 971));
  return static_cast<double>(fabsq(measured - exact) / ulp);
}

/// sin or cos of 2 pi x by exact reduction to an eighth of a turn.
Quad turns(Quad x, int shift) {
  if (!finiteq(x)) return nanq("");
  Quad const quarters = rintq(4 * x);
  Quad const angle = 2 * acosq(-1) * (x - quarters / 4);
  switch ((llrintq(quarters) + shift) & 3) {
    case 0:
      return sinq(angle);
    case 1:
      return cosq(angle);
    case 2:
      return -sinq(angle);
    default:
      return -cosq(angle);
  }
}

struct Case {
  char const* name;
  double (*function)(double);
  Quad (*exact)(Quad);
  double bound;                               ///< the header's
  std::vector<std::array<double, 2>> ranges;  ///< where arguments are drawn evenly
  std::vector<double> planted;                ///< arguments whose neighbours are tried too
};

/// The doubles up to 2^30 that come closest to multiples of pi/2 (6e-19 and 1.7e-18), by search over all multiples.
constexpr double near_half_pi[] = {0x1.6c6cbc45dc8dep+5, 0x1.6c6cbc45dc8dep+6, 0x1.b951f1572eba5p+23};

Quad limited(Quad x, double limit) { return fabsq(x) <= limit ? x : nanq(""); }

std::vector<Case> const& cases() {
  static std::vector<Case> const all = {
      {"exp",
       [](double x) { return simd::exp(x); },
       [](Quad x) { return expq(x); },
       1.0,
       {{-746, 710.5}, {-1, 1}, {-30, 30}, {-746, -707}, {709, 710}, {-1e-8, 1e-8}},
       {709.782712893384, -708.3964185322641, -745.1332191019411, -745.1332191019412, 746, -746, 710, 0.34657359027997264}},
      {"log",
       [](double x) { return simd::log(x); },
       [](Quad x) { return logq(x); },
       0.9,
       {{0, 2}, {0.9, 1.1}, {0, 1e6}, {0, 1e-307}, {0, 1e300}, {-3, 0}},
       {1, 2, 0.5, 0.7071067811865476, 1.4142135623730951, 0x1p-1022, 0x1p-1074, 0x1p1023, 2.718281828459045}},
      {"log1p",
       [](double x) { return simd::log1p(x); },
       [](Quad x) { return log1pq(x); },
       1.5,
       {{-1, 1}, {-1e-3, 1e-3}, {0.40, 0.43}, {1, 1e4}, {0, 0x1p62}, {-0x1p-50, 0x1p-50}, {-1.0, -0.99999}, {-3, -1}},
       {-1, 1, -0.5, -0.2928932188134524, 0.41421356237309503, 0x1p52, 0x1p53, 0x1p54, 0x1p60, 0x1p-53, 0x1p1023}},
      {"tanh",
       [](double x) { return simd::tanh(x); },
       [](Quad x) { return tanhq(x); },
       2.6,
       {{-1, 1}, {-0.2, 0.2}, {-20, 20}, {18, 31}, {-1e-8, 1e-8}},
       {0.17328679513998632, 0.5198603854199590, 19.061547465398498, 30, 1e-300, 0x1p-1022}},
      {"sigmoid",
       [](double x) { return simd::sigmoid(x); },
       [](Quad x) { return x < 0 ? expq(x) / (1 + expq(x)) : 1 / (1 + expq(-x)); },
       2.5,
       {{-1, 1}, {-40, 40}, {-746, -700}, {30, 40}, {-1e-8, 1e-8}},
       {-0x1.5b5673205321p+1, 0.34657359027997264, 36.7368005696771, -708.3964185322641, -745.1332191019411, -745.1332191019412,
        746, -746}},
      {"softplus",
       [](double x) { return simd::softplus(x); },
       [](Quad x) { return x < 0 ? log1pq(expq(x)) : x + log1pq(expq(-x)); },
       1.9,
       {{-1, 1}, {-40, 40}, {-746, -700}, {30, 40}, {-1e-8, 1e-8}},
       {-0x1.8bfde3a25a8d4p-1, 0.34657359027997264, -0.881373587019543, 36.7368005696771, -708.3964185322641,
        -745.1332191019411, 746, -746}},
      {"sin of sincos",
       [](double x) { return simd::sincos(x).sin; },
       [](Quad x) { return sinq(limited(x, 0x1p30)); },
       0.9,
       {{-1, 1}, {-10, 10}, {-1e4, 1e4}, {-0x1p30, 0x1p30}, {3.14159, 3.1416}},
       {0x1p30, 0.7853981633974483, 1.5707963267948966, 3.141592653589793, 6.283185307179586, 314159.2653589793, 1e9,
        near_half_pi[0], near_half_pi[1], near_half_pi[2]}},
      {"cos of sincos",
       [](double x) { return simd::sincos(x).cos; },
       [](Quad x) { return cosq(limited(x, 0x1p30)); },
       0.9,
       {{-1, 1}, {-10, 10}, {-1e4, 1e4}, {-0x1p30, 0x1p30}, {1.5707, 1.5709}},
       {0x1p30, 0.7853981633974483, 1.5707963267948966, 3.141592653589793, 6.283185307179586, 314159.2653589793, 1e9,
        near_half_pi[0], near_half_pi[1], near_half_pi[2]}},
      {"sin of sincos_turns",
       [](double x) { return simd::sincos_turns(x).sin; },
       [](Quad x) { return turns(limited(x, 0x1p49), 0); },
       1.1,
       {{-1, 1}, {0, 1}, {-1e6, 1e6}, {-0x1p49, 0x1p49}, {0.499999, 0.500001}},
       {0x1p49, 0.125, 0.25, 0.375, 0.5, 0.75, 1, 1e9}},
      {"cos of sincos_turns",
       [](double x) { return simd::sincos_turns(x).cos; },
       [](Quad x) { return turns(limited(x, 0x1p49), 1); },
       1.1,
       {{-1, 1}, {0, 1}, {-1e6, 1e6}, {-0x1p49, 0x1p49}, {0.249999, 0.250001}},
       {0x1p49, 0.125, 0.25, 0.375, 0.5, 0.75, 1, 1e9}},
  };
  return all;
}

/// SplitMix64: the tests' own source of arguments.
struct Bits {
  std::uint64_t state;
  std::uint64_t next() {
    std::uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  double between(double a, double b) { return a + (b - a) * (static_cast<double>(next() >> 11) * 0x1p-53); }
  double pattern() { return std::bit_cast<double>(next()); }
};

/// Zeros, subnormals, greatest, infinities, NaN and the planted values, with their neighbours and both signs.
std::vector<double> extremes(std::vector<double> planted) {
  planted.insert(planted.end(), {0.0, least, 3 * least, 0x1p-1022, 0x1p-1023, greatest, 1.0, 0x1p31, 0x1p50, 0x1p52, 1e300});
  std::vector<double> result{inf, -inf, quiet_nan, -quiet_nan};
  for (auto const x : planted)
    for (auto const y : {std::nextafter(x, -inf), x, std::nextafter(x, inf)}) {
      result.push_back(y);
      result.push_back(-y);
    }
  return result;
}

std::vector<double> arguments_of(Case const& c, int n_each) {
  auto result = extremes(c.planted);
  Bits bits{20230427};
  for (int i = 0; i < n_each; ++i) result.push_back(bits.pattern());
  for (auto const& range : c.ranges)
    for (int i = 0; i < n_each; ++i) result.push_back(bits.between(range[0], range[1]));
  return result;
}

std::string text_of(double x) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%a = %.17g", x, x);
  return buffer;
}

std::uint64_t bits_of(double x) { return std::isnan(x) ? 0x7ff8000000000000 : std::bit_cast<std::uint64_t>(x); }

}  // namespace

BOOST_AUTO_TEST_SUITE(vector_functions)

BOOST_AUTO_TEST_CASE(keep_their_error_bounds_over_the_whole_range) {
  for (auto const& c : cases()) {
    double worst = 0;
    double where = 0;
    for (auto const x : arguments_of(c, 60000)) {
      double const error = ulp_error(c.function(x), c.exact(x));
      if (!(error <= worst)) {
        worst = error;
        where = x;
      }
    }
    BOOST_TEST_MESSAGE(c.name << ": " << worst << " ulp at " << text_of(where));
    BOOST_TEST(worst <= c.bound, c.name << ": " << worst << " ulp at " << text_of(where));
    // A bound that is far from what is found would hide a loss of digits.
    BOOST_TEST(worst >= 0.75 * c.bound, c.name << ": only " << worst << " ulp found");
  }
}

BOOST_AUTO_TEST_CASE(have_the_documented_limits) {
  for (auto const& c : cases()) BOOST_TEST(std::isnan(c.function(quiet_nan)), c.name);
  BOOST_TEST(simd::exp(0.0) == 1.0);
  BOOST_TEST(simd::exp(-0.0) == 1.0);
  BOOST_TEST(simd::exp(inf) == inf);
  BOOST_TEST(simd::exp(-inf) == 0.0);
  BOOST_TEST(simd::exp(710.0) == inf);
  BOOST_TEST(std::isfinite(simd::exp(709.782712893384)));
  BOOST_TEST(simd::exp(709.7827128933841) == inf);
  BOOST_TEST(simd::exp(-745.1332) == least);
  BOOST_TEST(simd::exp(-745.1333) == 0.0);
  BOOST_TEST(simd::exp(greatest) == inf);
  BOOST_TEST(simd::exp(-greatest) == 0.0);
  BOOST_TEST(simd::log(0.0) == -inf);
  BOOST_TEST(simd::log(-0.0) == -inf);
  BOOST_TEST(simd::log(1.0) == 0.0);
  BOOST_TEST(simd::log(inf) == inf);
  BOOST_TEST(std::isnan(simd::log(-least)));
  BOOST_TEST(std::isnan(simd::log(-inf)));
  BOOST_TEST(simd::log1p(-1.0) == -inf);
  BOOST_TEST(simd::log1p(inf) == inf);
  BOOST_TEST(std::isnan(simd::log1p(std::nextafter(-1.0, -2.0))));
  BOOST_TEST(simd::tanh(inf) == 1.0);
  BOOST_TEST(simd::tanh(-inf) == -1.0);
  BOOST_TEST(simd::tanh(19.07) == 1.0);
  BOOST_TEST(simd::sigmoid(inf) == 1.0);
  BOOST_TEST(simd::sigmoid(-inf) == 0.0);
  BOOST_TEST(simd::sigmoid(0.0) == 0.5);
  BOOST_TEST(simd::sigmoid(37.0) == 1.0);
  BOOST_TEST(simd::softplus(inf) == inf);
  BOOST_TEST(simd::softplus(-inf) == 0.0);
  BOOST_TEST(simd::softplus(37.0) == 37.0);
  BOOST_TEST(simd::softplus(greatest) == greatest);
  for (auto const x : {inf, -inf, std::nextafter(0x1p30, inf)}) {
    BOOST_TEST(std::isnan(simd::sincos(x).sin));
    BOOST_TEST(std::isnan(simd::sincos(x).cos));
  }
  for (auto const x : {inf, -inf, std::nextafter(0x1p49, inf)}) {
    BOOST_TEST(std::isnan(simd::sincos_turns(x).sin));
    BOOST_TEST(std::isnan(simd::sincos_turns(x).cos));
  }
}

BOOST_AUTO_TEST_CASE(keep_the_sign_of_zero_and_tiny_arguments) {
  for (auto const tiny : {0.0, least, 3 * least, 0x1p-1022, 1e-300, 0x1p-60}) {
    for (auto const x : {tiny, -tiny}) {
      BOOST_TEST(bits_of(simd::log1p(x)) == bits_of(x), "log1p " << text_of(x));
      BOOST_TEST(bits_of(simd::tanh(x)) == bits_of(x), "tanh " << text_of(x));
      BOOST_TEST(bits_of(simd::sincos(x).sin) == bits_of(x), "sin " << text_of(x));
      BOOST_TEST(simd::sincos(x).cos == 1.0);
    }
  }
}

BOOST_AUTO_TEST_CASE(keep_their_symmetries_exactly) {
  Bits bits{1};
  for (int i = 0; i < 20000; ++i) {
    double const x = bits.between(-40, 40);
    BOOST_REQUIRE(simd::tanh(-x) == -simd::tanh(x));
    BOOST_REQUIRE(simd::sincos(-x).sin == -simd::sincos(x).sin);
    BOOST_REQUIRE(simd::sincos(-x).cos == simd::sincos(x).cos);
    BOOST_REQUIRE(simd::log(std::ldexp(1.5, i % 1000)) <= simd::log(std::ldexp(1.5, i % 1000 + 1)));
    // The reduced argument of x + 1 turns is that of x where x is a multiple of 2^-47.
    double const turn = std::nearbyint(x * 0x1p47) * 0x1p-47;
    BOOST_REQUIRE(simd::sincos_turns(turn + 1).sin == simd::sincos_turns(turn).sin);
    BOOST_REQUIRE(simd::sincos_turns(turn + 0.25).sin == simd::sincos_turns(turn).cos);
  }
}

// Each bound is the sum of the documented errors of both sides, in units of 2^-53 (half an ulp of 1, at most an ulp's share).
BOOST_AUTO_TEST_CASE(satisfy_their_identities) {
  Bits bits{2};
  for (int i = 0; i < 20000; ++i) {
    double const x = bits.between(-30, 30);
    auto const [s, c] = simd::sincos(x);
    BOOST_REQUIRE_SMALL(s * s + c * c - 1, 8 * 0x1p-53);
    BOOST_REQUIRE_SMALL(simd::sigmoid(x) + simd::sigmoid(-x) - 1, 8 * 0x1p-53);
    BOOST_REQUIRE_SMALL(simd::softplus(x) - simd::softplus(-x) - x, 32 * 8 * 0x1p-53);
    // An error of e in log x is a relative error of e in x: an ulp of a number below 32 is at most 2^-48.
    BOOST_REQUIRE_SMALL(simd::log(simd::exp(x)) - x, 2 * 0x1p-48);
    BOOST_REQUIRE_SMALL(simd::tanh(x) - (2 * simd::sigmoid(2 * x) - 1), 16 * 0x1p-53);
  }
}

BOOST_AUTO_TEST_CASE(do_not_decrease_where_they_increase) {
  // Steps of 16 ulp of the argument or more: errors below 3 ulp cannot turn them round where the slope is near 1 or relative.
  for (int i = -3000; i < 3000; ++i) {
    double const x = i * 0.01;
    double const next = (i + 1) * 0.01;
    BOOST_REQUIRE(simd::exp(x) < simd::exp(next));
    BOOST_REQUIRE(simd::tanh(x) <= simd::tanh(next));
    BOOST_REQUIRE(simd::sigmoid(x) <= simd::sigmoid(next));
    BOOST_REQUIRE(simd::softplus(x) < simd::softplus(next));
    if (x > 0) BOOST_REQUIRE(simd::log(x) < simd::log(next));
    if (x > -1) BOOST_REQUIRE(simd::log1p(x) < simd::log1p(next));
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(vector_functions_over_arrays)

namespace {

using Map = void (*)(std::span<double const>, std::span<double>);

struct ArrayCase {
  Map map;
  double (*function)(double);
};

ArrayCase const array_cases[] = {
    {simd::exp, [](double x) { return simd::exp(x); }},
    {simd::log, [](double x) { return simd::log(x); }},
    {simd::log1p, [](double x) { return simd::log1p(x); }},
    {simd::tanh, [](double x) { return simd::tanh(x); }},
    {simd::sigmoid, [](double x) { return simd::sigmoid(x); }},
    {simd::softplus, [](double x) { return simd::softplus(x); }},
    {[](std::span<double const> x, std::span<double> y) {
       std::vector<double> cos(x.size());
       simd::sincos(x, y, cos);
     },
     [](double x) { return simd::sincos(x).sin; }},
    {[](std::span<double const> x, std::span<double> y) {
       std::vector<double> sin(x.size());
       simd::sincos(x, sin, y);
     },
     [](double x) { return simd::sincos(x).cos; }},
    {[](std::span<double const> x, std::span<double> y) {
       std::vector<double> cos(x.size());
       simd::sincos_turns(x, y, cos);
     },
     [](double x) { return simd::sincos_turns(x).sin; }},
    {[](std::span<double const> x, std::span<double> y) {
       std::vector<double> sin(x.size());
       simd::sincos_turns(x, sin, y);
     },
     [](double x) { return simd::sincos_turns(x).cos; }},
};

}  // namespace

BOOST_AUTO_TEST_CASE(give_the_bits_of_the_scalar_function_at_any_length_and_place) {
  auto const planted = extremes({-1, 709.78, -745, 0.7});
  Bits bits{3};
  for (std::size_t const n : {0, 1, 2, 7, 8, 15, 16, 17, 33, 1000}) {
    std::vector<double> x(n);
    for (std::size_t i = 0; i < n; ++i) x[i] = i % 3 == 0 ? planted[bits.next() % planted.size()] : bits.between(-20, 20);
    for (auto const& c : array_cases) {
      std::vector<double> y(n + 1, 42.0);
      c.map(x, std::span(y).first(n));
      std::vector<double> in_place = x;
      c.map(in_place, in_place);
      BOOST_TEST(y[n] == 42.0);
      for (std::size_t i = 0; i < n; ++i) {
        BOOST_REQUIRE(bits_of(y[i]) == bits_of(c.function(x[i])));
        BOOST_REQUIRE(bits_of(in_place[i]) == bits_of(y[i]));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(give_the_bits_of_the_scalar_function_in_groups) {
  std::vector<double> const x = {0.0, -0.0, 1e-300, -0.3, 2.5, 40.0, INFINITY, -INFINITY, NAN, 19.06};
  for (std::size_t i = 0; i + 3 < x.size(); ++i) {
    auto const of_four = simd::tanh(simd::Group<4>{{x[i], x[i + 1], x[i + 2], x[i + 3]}});
    for (std::size_t j = 0; j < 4; ++j) BOOST_TEST(bits_of(of_four.at[j]) == bits_of(simd::tanh(x[i + j])));
  }
}

BOOST_AUTO_TEST_CASE(refuse_arrays_of_different_lengths) {
  std::vector<double> const x(3);
  std::vector<double> y(2);
  std::vector<double> z(3);
  BOOST_CHECK_THROW(simd::exp(x, y), std::logic_error);
  BOOST_CHECK_THROW(simd::sincos(x, z, y), std::logic_error);
}

// The bits that every ARCH (AVX-512, AVX2) and MODE (release, debug, asan) gives. A change of this number changes every result.
BOOST_AUTO_TEST_CASE(have_the_recorded_fingerprint) {
  std::vector<std::uint64_t> outputs;
  for (std::size_t i = 0; i < std::size(array_cases); ++i) {
    auto const& c = array_cases[i];
    auto const x = arguments_of(cases()[i], 1500);
    std::vector<double> y(x.size());
    c.map(x, y);
    for (auto const value : y) outputs.push_back(bits_of(value));
  }
  auto const found = hexadecimal(sha256(std::as_bytes(std::span(outputs))));
  BOOST_TEST(found == "387eb679ab95de79146bf2fd70f6b06a9aed2dad2e52b8dc78b058c734e9b8e8");
}

BOOST_AUTO_TEST_SUITE_END()
