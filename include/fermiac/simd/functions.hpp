/// Elementary functions of a double that the compiler vectorises in plain loops, with the same bits everywhere.
///
///     for (std::size_t i = 0; i < n; ++i) y[i] = simd::exp(x[i]);      // full vectors at any width
///
/// Each function is branch-free, inlined and made of IEEE operations and explicit `std::fma` only, so its bits do not depend
/// on the vector width, on ARCH, MODE or libm, nor on the neighbours of a value in an array (`simd/arrays.hpp`).
/// Argument reduction rounds by adding a magic number, for no instruction below AVX-512 converts doubles to 64-bit integers.
///
/// Errors in units in the last place of the exact value (of the least subnormal where the value is subnormal), tested against
/// 113-bit references over the whole range. NaN gives NaN everywhere; which NaN is not specified.
///
/// | function     | ulp  | range and limits                                                                                   |
/// |--------------|------|----------------------------------------------------------------------------------------------------|
/// | exp          | 1.0  | +inf above 709.782712893384, gradual underflow below -708.39, 0 below -745.1332; exp(+-0) = 1 | |
/// log          | 0.9  | every positive double, subnormals too; log(+-0) = -inf, log(x < 0) = NaN, log(inf) = inf             |
/// | log1p        | 1.5  | every x > -1; log1p(+-0) = +-0, tiny x maps to itself; log1p(-1) = -inf, NaN below, log1p(inf) = inf
/// | | tanh         | 2.6  | odd; tanh(+-0) = +-0, tiny x maps to itself; +-1 from 19.07 on | | sigmoid      | 2.5  | 1 / (1 +
/// exp(-x)); gradual underflow below -708.39, 0 below -745.1332, 1 from 37 on                  | | softplus     | 1.9  | log(1
/// + exp(x)); gradual underflow below -708.39, 0 below -745.1332, x from 37 on                    | | sincos       | 0.9  | |x|
/// <= 2^30, next to the zeros of either too; NaN beyond and at +-inf; sin(+-0) = +-0                | | sincos_turns | 1.1  |
/// sin and cos of 2 pi x, |x| <= 2^49; NaN beyond and at +-inf; exact at multiples of 1/4               |
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "fermiac/simd/group.hpp"

namespace fermiac::simd {

/// Sine and cosine of one angle.
struct SinCos {
  double sin;
  double cos;
};

namespace detail {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double ln2_hi = 0x1.62e42fefa39efp-1;
inline constexpr double ln2_lo = 0x1.abc9e3b39803fp-56;

[[gnu::always_inline]] inline std::uint64_t bits(double x) noexcept { return std::bit_cast<std::uint64_t>(x); }
[[gnu::always_inline]] inline double from_bits(std::uint64_t x) noexcept { return std::bit_cast<double>(x); }

/// |x| without a call, and the sign bit alone.
[[gnu::always_inline]] inline double magnitude(double x) noexcept { return from_bits(bits(x) & 0x7fffffffffffffffU); }
[[gnu::always_inline]] inline std::uint64_t sign_bit(double x) noexcept { return bits(x) & 0x8000000000000000U; }

/// x = n ln 2 + r with |r| <= ln 2 / 2, for |x| <= 750; `shifted` holds n + 2046 in its low 12 bits.
struct ExpReduction {
  double n;
  double r;
  std::uint64_t shifted;
};

[[gnu::always_inline]] inline ExpReduction reduce_exp(double x) noexcept {
  constexpr double magic = 0x1.8p52 + 2046;
  double const t = std::fma(x, 0x1.71547652b82fep+0, magic);
  double const n = t - magic;
  // n ln2_hi is subtracted exactly, for the difference is a multiple of 2^-54 below 1/2.
  double const r = std::fma(-n, ln2_lo, std::fma(-n, ln2_hi, x));
  return {n, r, bits(t)};
}

/// u (e^r - 1 - r) / r^2 for |r| <= ln 2 / 2 and r = u x, u a power of 2 that goes into the weights: minimax of degree 9, 2^-56
/// relative to e^r after multiplication by r^2.
template <int u = 1, typename T>
[[gnu::always_inline]] inline T exp_tail(T const& x) noexcept {
  constexpr double u2 = u * u, u4 = u2 * u2, u6 = u4 * u2, u8 = u4 * u4;
  auto const z = each([](double r) { return r * r; }, x);
  auto even = each([](double y) { return std::fma(u * u8 * 0x1.28a2c5572dbc8p-22, y, u * u6 * 0x1.a019a6d51837ap-16); }, z);
  auto odd = each([](double y) { return std::fma(u2 * u8 * 0x1.ad56ae49faf4cp-26, y, u2 * u6 * 0x1.71df30f3793efp-19); }, z);
  even = each([](double p, double y) { return std::fma(p, y, u * u4 * 0x1.6c16c17edac6ep-10); }, even, z);
  odd = each([](double p, double y) { return std::fma(p, y, u2 * u4 * 0x1.a01a012d50f1ep-13); }, odd, z);
  even = each([](double p, double y) { return std::fma(p, y, u * u2 * 0x1.555555555248fp-5); }, even, z);
  odd = each([](double p, double y) { return std::fma(p, y, u2 * u2 * 0x1.11111111252b8p-7); }, odd, z);
  even = each([](double p, double y) { return std::fma(p, y, u * 0x1.0000000000004p-1); }, even, z);
  odd = each([](double p, double y) { return std::fma(p, y, u2 * 0x1.555555555550fp-3); }, odd, z);
  return each([](double p, double q, double r) { return std::fma(p, r, q); }, odd, even, x);
}

/// log(m) for m = 1 + f, f in [sqrt(1/2) - 1, sqrt(2) - 1], plus k ln 2: with s = f / (2 + f),
/// log(1 + f) = 2 atanh(s) = f - s (f - R(s^2)), R minimax of degree 7 (the scheme of fdlibm's e_log.c).
[[gnu::always_inline]] inline double log_reduced(double f, double k) noexcept {
  double const s = f / (2.0 + f);
  double const z = s * s;
  double const z2 = z * z;
  double even = 0x1.2d08db491b61bp-3;
  even = std::fma(even, z2, 0x1.7464203484a10p-3);
  even = std::fma(even, z2, 0x1.24924933f450ep-2);
  even = std::fma(even, z2, 0x1.555555555555ep-1);
  double odd = 0x1.39d62ec14b463p-3;
  odd = std::fma(odd, z2, 0x1.c71c5cda4ee6ap-3);
  odd = std::fma(odd, z2, 0x1.9999999990864p-2);
  double const p = std::fma(odd, z, even);
  double const half_square = 0.5 * f * f;
  double const lower = std::fma(s, std::fma(p, z, half_square), k * ln2_lo);
  return std::fma(k, ln2_hi, f - (half_square - lower));
}

/// The bits of x = 2^k m with m in [sqrt(1/2), sqrt(2)), for positive normal x.
struct LogReduction {
  double k;
  double m;
  std::uint64_t biased_k;  ///< k + 1023
};

[[gnu::always_inline]] inline LogReduction reduce_log(double x) noexcept {
  constexpr std::uint64_t sqrt_half = 0x3fe6a09e667f3bcdU;
  std::uint64_t const moved = bits(x) + (0x3ff0000000000000U - sqrt_half);
  std::uint64_t const biased_k = moved >> 52;
  double const k = from_bits(biased_k | 0x4330000000000000U) - (0x1p52 + 1023);
  return {k, from_bits((moved & 0x000fffffffffffffU) + sqrt_half), biased_k};
}

/// log x of a positive normal x, without the limits: for arguments that are known to be inside, such as uniforms.
[[gnu::always_inline]] inline double log_of_normal(double x) noexcept {
  auto const [k, m, biased_k] = reduce_log(x);
  return log_reduced(m - 1.0, k);
}

/// What rounding lost in u = 1 + x, x < 2^60, in units of 2^k, with k as in `reduce_log(u)`.
[[gnu::always_inline]] inline double lost_digits(double x, double u, std::uint64_t biased_k) noexcept {
  return (x - (u - 1.0)) * from_bits((2046 - biased_k) << 52);
}

/// log(1 + x) for 0 <= x <= 1.
[[gnu::always_inline]] inline double log1p_inside(double x) noexcept {
  double const u = 1.0 + x;
  auto const [k, m, biased_k] = reduce_log(u);
  return log_reduced((m - 1.0) + lost_digits(x, u, biased_k), k);
}

/// exp(x) for |x| <= 746, NaN for NaN, anything elsewhere.
[[gnu::always_inline]] inline double exp_inside(double x) noexcept {
  auto const [n, r, shifted] = reduce_exp(x);
  double const p = std::fma(std::fma(exp_tail(r), r, 1.0), r, 1.0);
  // 2^n in two factors, both normal: the product rounds once where it is subnormal.
  std::uint64_t const k = shifted & 0xfffU;
  std::uint64_t const half = k >> 1;
  return p * from_bits(half << 52) * from_bits((k - half) << 52);
}

/// exp(-x) for x >= 0 and +inf.
[[gnu::always_inline]] inline double exp_of_minus(double x) noexcept {
  // A conditional 0 would make the compiler split what the caller goes on to compute into two paths.
  std::uint64_t const outside = x > 746.0 ? 1U : 0U;
  return from_bits(bits(exp_inside(-x)) & (outside - 1U));
}

/// sin and cos of r + r_lo, |r| <= pi/4, r_lo below half an ulp of r (the scheme of fdlibm's k_sin.c and k_cos.c).
[[gnu::always_inline]] inline SinCos sincos_reduced(double r, double r_lo) noexcept {
  double const z = r * r;
  double s = 0x1.5dd39dc523157p-33;
  s = std::fma(s, z, -0x1.ae5f551aa75b1p-26);
  s = std::fma(s, z, 0x1.71de36c152c07p-19);
  s = std::fma(s, z, -0x1.a01a019db03bep-13);
  s = std::fma(s, z, 0x1.11111111106c7p-7);
  s = std::fma(s, z, -0x1.5555555555553p-3);
  double c = -0x1.9002564312bfcp-37;
  c = std::fma(c, z, 0x1.1eea9539a6166p-29);
  c = std::fma(c, z, -0x1.27e4f90f6b09cp-22);
  c = std::fma(c, z, 0x1.a01a019e2e7e0p-16);
  c = std::fma(c, z, -0x1.6c16c16c16187p-10);
  c = std::fma(c, z, 0x1.5555555555553p-5);
  // sin: r + (r_lo (1 - z/2) + r^3 S);  cos: 1 - z/2 with its rounding error, + z^2 C - r r_lo.
  double const half_z = 0.5 * z;
  double const w = 1.0 - half_z;
  double const sine = r + std::fma(r * z, s, std::fma(-half_z, r_lo, r_lo));
  double const cosine = w + (((1.0 - w) - half_z) + std::fma(z * z, c, -r * r_lo));
  return {sine, cosine};
}

/// sin and cos of an angle that is n quarter turns more than that of `first`; only the low two bits of `n` count.
[[gnu::always_inline]] inline SinCos turn_quarters(SinCos first, std::uint64_t n) noexcept {
  std::uint64_t const swap = std::uint64_t{0} - (n & 1U);
  std::uint64_t const s = bits(first.sin);
  std::uint64_t const c = bits(first.cos);
  std::uint64_t const difference = (s ^ c) & swap;
  return {from_bits(s ^ difference ^ ((n & 2U) << 62)), from_bits(c ^ difference ^ (((n + 1U) & 2U) << 62))};
}

/// sin and cos of 2 pi x for |x| <= 2^49, without the limits.
[[gnu::always_inline]] inline SinCos sincos_turns_inside(double x) noexcept {
  constexpr double magic = 0x1.8p50;  // rounds to multiples of 1/4
  double const t = x + magic;
  double const r = x - (t - magic);  // exact, |r| <= 1/8
  double const z = r * r;
  double s = 0x1.e45d421a0a139p+1;
  s = std::fma(s, z, -0x1.e301b255fc61fp+3);
  s = std::fma(s, z, 0x1.507831470d637p+5);
  s = std::fma(s, z, -0x1.32d2cce464ad9p+6);
  s = std::fma(s, z, 0x1.466bc67759e98p+6);
  s = std::fma(s, z, -0x1.4abbce625be51p+5);
  s = std::fma(s, z, 0x1.1a62633145c07p-52);  // the rest of 2 pi
  double c = -0x1.b2ab6a1af28aap+0;
  c = std::fma(c, z, 0x1.f9cd3e979d708p+2);
  c = std::fma(c, z, -0x1.a6d1eddf593bcp+4);
  c = std::fma(c, z, 0x1.e1f506854dd6ap+5);
  c = std::fma(c, z, -0x1.55d3c7e3ca7c5p+6);
  c = std::fma(c, z, 0x1.03c1f081b5abcp+6);
  c = std::fma(c, z, -0x1.3bd3cc9be45dep+4);
  return turn_quarters({std::fma(r, 0x1.921fb54442d18p+2, r * s), std::fma(c, z, 1.0)}, bits(t));
}

}  // namespace detail

/// e^x.
[[gnu::always_inline]] inline double exp(double x) noexcept {
  double const limit = x > 0.0 ? detail::infinity : 0.0;
  double const inside = detail::exp_inside(x);
  return detail::magnitude(x) > 746.0 ? limit : inside;
}

/// e^x held between 2^-1021 and 2^1022, for x between -707.7 and 708.3 the value of `exp` up to its last bit; NaN gives NaN.
/// A third cheaper than `exp`, for kernels to which underflow is nothing and that compare before anything overflows.
[[gnu::always_inline]] inline double exp_held(double x) noexcept {
  double const above = x < -707.7 ? -707.7 : x;
  double const held = above > 708.3 ? 708.3 : above;
  auto const [n, r, shifted] = detail::reduce_exp(held);
  double const p = std::fma(std::fma(detail::exp_tail(r), r, 1.0), r, 1.0);
  return p * detail::from_bits((shifted - 1023) << 52);
}

/// e^-|x| held above 2^-1021, as `exp_held`: cheaper again.
[[gnu::always_inline]] inline double exp_decay(double x) noexcept {
  double const negative = detail::from_bits(detail::bits(x) | 0x8000000000000000U);
  auto const [n, r, shifted] = detail::reduce_exp(negative < -707.7 ? -707.7 : negative);
  double const p = std::fma(std::fma(detail::exp_tail(r), r, 1.0), r, 1.0);
  return p * detail::from_bits((shifted - 1023) << 52);
}

/// e^x for |x| <= 700, anything elsewhere: the value of `exp_held` there, and the cheapest of all.
[[gnu::always_inline]] inline double exp_unheld(double x) noexcept {
  constexpr double magic = 0x1.8p52;
  double const t = std::fma(x, 0x1.71547652b82fep+0, magic);
  double const n = t - magic;
  double const r = std::fma(-n, detail::ln2_lo, std::fma(-n, detail::ln2_hi, x));
  double const p = std::fma(std::fma(detail::exp_tail(r), r, 1.0), r, 1.0);
  // The product with 2^n is normal: adding to the exponent is exact.
  return detail::from_bits(detail::bits(p) + (detail::bits(t) << 52));
}

/// e^2x for |x| <= ln 2 / 2 to 4.5e-16 of it, anything elsewhere: two thirds of the operations of `exp_unheld`.
[[gnu::always_inline]] inline double exp_of_twice(double x) noexcept {
  double const root = std::fma(std::fma(detail::exp_tail(x), x, 1.0), x, 1.0);
  return root * root;
}

/// Natural logarithm of x.
[[gnu::always_inline]] inline double log(double x) noexcept {
  bool const subnormal = x < 0x1p-1022;
  auto const [k, m, biased_k] = detail::reduce_log(subnormal ? x * 0x1p54 : x);
  double const inside = detail::log_reduced(m - 1.0, subnormal ? k - 54.0 : k);
  double const positive = x < detail::infinity ? inside : x;
  double const outside = x == 0.0 ? -detail::infinity : detail::nan;
  return x > 0.0 ? positive : outside;
}

/// log(1 + x).
[[gnu::always_inline]] inline double log1p(double x) noexcept {
  double const u = 1.0 + x;
  auto const [k, m, biased_k] = detail::reduce_log(u);
  // Where k = 0, this argument is x exactly.
  double const lost = x > 0x1p60 ? 0.0 : detail::lost_digits(x, u, biased_k);
  double const inside = detail::log_reduced((m - 1.0) + lost, k);
  double const finite = x == 0.0 ? x : inside;
  double const positive = x < detail::infinity ? finite : x;
  double const outside = x == -1.0 ? -detail::infinity : detail::nan;
  return x > -1.0 ? positive : outside;
}

/// Hyperbolic tangent, of a double or of a group.
template <typename T>
[[gnu::always_inline]] inline T tanh(T const& x) noexcept {
  // tanh |x| = |E / (2 + E)| with E = exp(-2 |x|) - 1 = 2^n (e^r - 1) + (2^n - 1), r = -2 |x| - n ln 2. Half of r is had
  // without a product by 2, and n + 1024, the exponent of 2^(n + 1), without an addition.
  constexpr double magic = 0x1.8p52 + 1024;
  auto const size = each([](double v) { return detail::magnitude(v); }, x);
  auto const t = each([](double v) { return std::fma(v, -0x1.71547652b82fep+1, magic); }, size);
  auto const n = each([](double v) { return v - magic; }, t);
  auto const higher = each([](double m, double v) { return std::fma(-m, 0.5 * detail::ln2_hi, -v); }, n, size);
  auto const half_r = each([](double m, double v) { return std::fma(-m, 0.5 * detail::ln2_lo, v); }, n, higher);
  auto const twice_scale = each([](double v) { return detail::from_bits(detail::bits(v) << 52); }, t);
  auto const half_difference =
      each([](double p, double r) { return std::fma(p, r * r, r); }, detail::exp_tail<2>(half_r), half_r);
  auto const E = each([](double s, double p) { return std::fma(s, p, std::fma(s, 0.5, -1.0)); }, twice_scale, half_difference);
  auto const inside = each([](double e) { return detail::magnitude(e / (2.0 + e)); }, E);
  return each(
      [](double v, double s, double value) {
        return detail::from_bits(detail::bits(s > 30.0 ? 1.0 : value) | detail::sign_bit(v));  // 1 from 19.07 on
      },
      x, size, inside);
}

/// 1 / (1 + e^-x).
[[gnu::always_inline]] inline double sigmoid(double x) noexcept {
  double const e = detail::exp_of_minus(detail::magnitude(x));
  return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

/// log(1 + e^x).
[[gnu::always_inline]] inline double softplus(double x) noexcept {
  double const e = detail::exp_of_minus(detail::magnitude(x));
  return (x > 0.0 ? x : 0.0) + detail::log1p_inside(e);
}

/// Sine and cosine of x in radians, |x| <= 2^30.
[[gnu::always_inline]] inline SinCos sincos(double x) noexcept {
  constexpr double magic = 0x1.8p52;
  double const inside = detail::magnitude(x) <= 0x1p30 ? x : detail::nan;
  double const t = std::fma(inside, 0x1.45f306dc9c883p-1, magic);
  double const n = t - magic;
  // x - n pi/2 with pi/2 in three doubles: the first difference is exact, the second carries its error, so that r keeps
  // all its digits next to the multiples of pi/2 (no double in this range comes closer to one than 2^-61).
  constexpr double half_pi[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110};
  double const first = std::fma(-n, half_pi[0], inside);
  double const product = n * half_pi[1];
  double const product_error = std::fma(n, half_pi[1], -product);
  double const second = first - product;
  double const back = second - first;
  double const second_error = (first - (second - back)) - (product + back);
  double const lower = std::fma(-n, half_pi[2], second_error - product_error);
  double const r = second + lower;
  SinCos const value = detail::turn_quarters(detail::sincos_reduced(r, (second - r) + lower), detail::bits(t));
  return {x == 0.0 ? x : value.sin, value.cos};
}

/// Sine and cosine of x whole turns, that is of 2 pi x: exact reduction, for phases and angles drawn at random.
[[gnu::always_inline]] inline SinCos sincos_turns(double x) noexcept {
  return detail::sincos_turns_inside(detail::magnitude(x) <= 0x1p49 ? x : detail::nan);
}

}  // namespace fermiac::simd
