#include "fermiac/estimators/wishart.hpp"

#include <algorithm>
#include <boost/math/constants/constants.hpp>
#include <boost/math/quadrature/tanh_sinh.hpp>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "fermiac/base/error.hpp"

namespace fermiac::estimators {

namespace {

using Real = boost::multiprecision::number<boost::multiprecision::cpp_bin_float<200>, boost::multiprecision::et_off>;

class Square {
 public:
  explicit Square(std::size_t n) : n_(n), elements_(n * n) {}
  std::size_t n() const { return n_; }
  Real& operator()(std::size_t i, std::size_t j) { return elements_[i * n_ + j]; }
  Real const& operator()(std::size_t i, std::size_t j) const { return elements_[i * n_ + j]; }

 private:
  std::size_t n_;
  std::vector<Real> elements_;
};

Square times(Square const& A, Square const& B) {
  Square C(A.n());
  for (std::size_t i = 0; i < A.n(); ++i)
    for (std::size_t k = 0; k < A.n(); ++k)
      for (std::size_t j = 0; j < A.n(); ++j) C(i, j) += A(i, k) * B(k, j);
  return C;
}

Real trace(Square const& A) {
  Real sum = 0;
  for (std::size_t i = 0; i < A.n(); ++i) sum += A(i, i);
  return sum;
}

/// A^-1 by Gauss and Jordan with partial pivots.
Square inverse(Square A) {
  auto const n = A.n();
  Square B(n);
  for (std::size_t i = 0; i < n; ++i) B(i, i) = 1;
  for (std::size_t c = 0; c < n; ++c) {
    auto pivot = c;
    for (auto i = c + 1; i < n; ++i)
      if (abs(A(i, c)) > abs(A(pivot, c))) pivot = i;
    for (std::size_t j = 0; j < n; ++j) {
      std::swap(A(c, j), A(pivot, j));
      std::swap(B(c, j), B(pivot, j));
    }
    Real const scale = 1 / A(c, c);
    for (std::size_t j = 0; j < n; ++j) {
      A(c, j) *= scale;
      B(c, j) *= scale;
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (i == c) continue;
      Real const factor = A(i, c);
      for (std::size_t j = 0; j < n; ++j) {
        A(i, j) -= factor * A(c, j);
        B(i, j) -= factor * B(c, j);
      }
    }
  }
  return B;
}

/// Gamma(a + 1/2) / Gamma(a) at a = n / 2, n > 0: by Gamma(a + 1) = a Gamma(a) from its values at 1/2 and 1.
Real half_step(std::uint64_t n) {
  Real const root = sqrt(boost::math::constants::pi<Real>());
  Real above = 1, below = 1;
  for (std::uint64_t i = 2 - n % 2; i < n; i += 2) {
    above *= i + 1;
    below *= i;
  }
  return above / below * (n % 2 == 0 ? Real(root / 2) : Real(1 / root));
}

/// I_1/2(a, b) by its series of positive terms (DLMF 8.17.8), from `factor` = 2^-(a + b) / (a B(a, b)).
Real incomplete_beta_at_half(Real const& a, Real const& b, Real const& factor) {
  Real sum = 1, term = 1;
  for (unsigned i = 0; term > sum * std::numeric_limits<Real>::epsilon(); ++i) {
    term *= (a + b + i) / (2 * (a + 1 + i));
    sum += term;
  }
  return factor * sum;
}

/// Of x^(a - 1) e^-x at a = first, first + 1/2, ...: Gamma(a), and the skew products of two over both Gamma functions,
/// P(x < y) - P(x > y) for x ~ Gamma(a) and y ~ Gamma(b), which is 2 I_1/2(a, b) - 1, by recurrence in a.
class GammaWeights {
 public:
  GammaWeights(std::uint64_t twice_first, std::size_t n) : gamma_(n), skew_(n) {
    Real const first = Real(twice_first) / 2;
    auto const at = [&](std::size_t s) { return Real(first + Real(s) / 2); };
    gamma_[0] = 1;
    gamma_[1] = half_step(twice_first);
    for (std::size_t s = 2; s < n; ++s) gamma_[s] = at(s - 2) * gamma_[s - 2];
    // Gamma(b) 2^-b / Gamma(first)^2 at b = 2 first, 2 first + 1/2, ..., the first by Legendre's duplication.
    std::vector<Real> doubled(2 * n);
    doubled[0] = gamma_[1] / (2 * sqrt(boost::math::constants::pi<Real>()));
    doubled[1] = doubled[0] * half_step(2 * twice_first) / sqrt(Real(2));
    for (std::size_t s = 2; s < 2 * n; ++s) doubled[s] = (first + at(s - 2)) / 2 * doubled[s - 2];
    skew_(0, 1) = 2 * incomplete_beta_at_half(first, at(1), doubled[1] / (first * gamma_[1])) - 1;
    for (std::size_t t = 0; t < n; ++t)
      for (std::size_t s = t + 1; s < n; ++s) {
        // Element (s - 2, t) lies in this column, on the diagonal (0), or is the mirror of (t, t - 1).
        if (s == 1)
          skew_(s, t) = -skew_(0, 1);
        else
          skew_(s, t) = skew_(s - 2, t) - 2 * doubled[s - 2 + t] / (gamma_[s - 2] * gamma_[t] * at(s - 2));
        skew_(t, s) = -skew_(s, t);
      }
  }

  Real const& skew(std::size_t s, std::size_t t) const { return skew_(s, t); }
  /// E (2 x)^(p / 2) for x ~ Gamma(first + s / 2).
  Real raised(std::size_t s, unsigned p) const {
    Real const power = ldexp(gamma_[s + p] / gamma_[s], static_cast<int>(p / 2));
    return p % 2 == 0 ? power : Real(power * sqrt(Real(2)));
  }

 private:
  std::vector<Real> gamma_;  // over Gamma(first)
  Square skew_;
};

struct Cumulants {
  Real mean, variance;
};

/// Of sum f with f given by its terms, n >= d.
class SpectralLaw {
 public:
  SpectralLaw(std::uint64_t n, std::size_t d, unsigned highest)
      : d_(d), n_powers_(2 * highest + 1), weights_(n - d + 1, 2 * d + 2 * highest), inverse_(d + d % 2) {
    for (std::size_t i = 0; i < d; ++i) {
      // Eigenvalues are twice the x.
      for (unsigned p = 0; p < n_powers_; ++p) raised_.push_back(weights_.raised(2 * i, p));
      for (std::size_t j = 0; j < d; ++j) inverse_(i, j) = weights_.skew(2 * i, 2 * j);
    }
    border(inverse_, std::vector<Real>(d, Real(1)));
    inverse_ = inverse(inverse_);
  }

  Cumulants of(std::span<SpectralTerm const> terms) const {
    Square first(inverse_.n()), second(inverse_.n());
    std::vector<Real> border_first(d_), border_second(d_);
    for (auto const& a : terms) {
      auto const p = a.half_power;
      for (std::size_t i = 0; i < d_; ++i) {
        border_first[i] += a.coefficient * raised(i, p);
        for (std::size_t j = 0; j < d_; ++j)
          first(i, j) +=
              a.coefficient * (raised(i, p) * weights_.skew(2 * i + p, 2 * j) + raised(j, p) * weights_.skew(2 * i, 2 * j + p));
      }
      for (auto const& b : terms) {
        auto const q = b.half_power;
        Real const c = Real(a.coefficient) * b.coefficient;
        for (std::size_t i = 0; i < d_; ++i) {
          border_second[i] += c * raised(i, p + q);
          for (std::size_t j = 0; j < d_; ++j)
            second(i, j) += c * (raised(i, p + q) * weights_.skew(2 * i + p + q, 2 * j) +
                                 raised(j, p + q) * weights_.skew(2 * i, 2 * j + p + q) +
                                 2 * raised(i, p) * raised(j, q) * weights_.skew(2 * i + p, 2 * j + q));
        }
      }
    }
    border(first, border_first);
    border(second, border_second);
    auto const ratio = times(inverse_, first);
    return {trace(ratio) / 2, (trace(times(inverse_, second)) - trace(times(ratio, ratio))) / 2};
  }

 private:
  Real const& raised(std::size_t i, unsigned p) const { return raised_[i * n_powers_ + p]; }

  void border(Square& matrix, std::vector<Real> const& elements) const {
    if (d_ % 2 == 0) return;
    for (std::size_t i = 0; i < d_; ++i) {
      matrix(i, d_) = elements[i];
      matrix(d_, i) = -elements[i];
    }
  }

  std::size_t d_;
  unsigned n_powers_;
  GammaWeights weights_;
  std::vector<Real> raised_;
  Square inverse_;
};

}  // namespace

MeanAndVariance spectral_sum(std::uint64_t n, std::uint64_t d, std::span<SpectralTerm const> terms) {
  FERMIAC_ASSERT(n > 0 && d > 0);
  unsigned highest = 2;
  for (auto const& term : terms) highest = std::max(highest, term.half_power);
  SpectralLaw const law(std::max(n, d), static_cast<std::size_t>(std::min(n, d)), highest);
  SpectralTerm const trace_term{1, 2};
  auto const known = law.of({&trace_term, 1});
  Real const nd = Real(n) * d;
  constexpr double rounding = 1e-15;
  double const lost = std::max(static_cast<double>(abs(known.mean / nd - 1)), rounding);
  double const lost_squares = std::max(static_cast<double>(abs(known.variance / (2 * nd) - 1)), rounding);
  auto const found = law.of(terms);
  Truth mean{static_cast<double>(found.mean), 0}, variance{static_cast<double>(found.variance), 0};
  // Where digits ran out, nothing is known rather than something wrong.
  if (!(lost < 1e-9 && lost_squares < 1e-9)) return {};
  mean.error = lost * std::abs(mean.value);
  variance.error = lost_squares * std::abs(variance.value);
  return {mean, variance};
}

EigenvaluePair eigenvalues_of_two(std::uint64_t n, double s1, double s2) {
  FERMIAC_ASSERT(n >= 2 && s1 > 0 && s2 > 0);
  double const m = static_cast<double>(n);
  double const alpha = (1 / s1 + 1 / s2) / 2;
  double const rho = std::abs(1 / s2 - 1 / s1) / 2 / alpha;
  // E exp(-alpha s/2) s^k I0(rho alpha r s/2) over s is k! (2/alpha)^(k+1) (1 - x^2)^-((k+1)/2) P_k((1 - x^2)^-1/2), x = rho r.
  // With y^2 = 1 - x^2: y^-(2k+1) R_k, where R_k = y^k P_k(1/y) grows as (1 + x)^k.
  auto const logarithm = [&](double r, std::uint64_t k) {
    constexpr double large = 0x1p500;
    double const x = rho * r;
    double const y2 = (1 - x) * (1 + x);
    double before = 0, now = 1, taken_out = 0;
    for (std::uint64_t i = 0; i < k; ++i) {
      double const j = static_cast<double>(i);
      double const next = ((2 * j + 1) * now - j * y2 * before) / (j + 1);
      before = now;
      now = next;
      if (now > large) {
        before /= large;
        now /= large;
        taken_out += std::log(large);
      }
    }
    return std::log(now) + taken_out - (2 * static_cast<double>(k) + 1) / 2 * std::log(y2);
  };
  // Logarithm of the density of r without its constant, times r^power, at the power k of s; c = 1 - r, exact near 1.
  auto const term = [&](double r, double c, std::uint64_t k, unsigned power) {
    return (m - 3) / 2 * (std::log(c) + std::log1p(r)) + (1 + power) * std::log(r) + logarithm(r, k);
  };
  double shift = -std::numeric_limits<double>::infinity();
  for (int i = 1; i < 1024; ++i) shift = std::max(shift, term(i / 1024.0, 1 - i / 1024.0, n - 1, 0));
  boost::math::quadrature::tanh_sinh<double> quadrature(12);
  double worst = 0;
  auto const integral = [&](std::uint64_t k, unsigned power) {
    double error = 0;
    double const value = quadrature.integrate(
        [&](double r, double complement) {
          double const c = r < 0.5 ? 1 - r : std::abs(complement);
          return r > 0 && c > 0 ? std::exp(term(r, c, k, power) - shift) : 0.0;
        },
        0.0, 1.0, 1e-12, &error);
    worst = std::max(worst, error / value);
    return value;
  };
  double const norm = integral(n - 1, 0);
  double const difference = m * (2 / alpha) * integral(n, 1) / norm;
  double const sum_difference = m * (m + 1) * (2 / alpha) * (2 / alpha) * integral(n + 1, 1) / norm;
  double const sum = m * (s1 + s2);
  double const sum_squares = sum * sum + 2 * m * (s1 * s1 + s2 * s2);
  double const difference_squares = sum_squares - 4 * s1 * s2 * m * (m - 1);
  auto const of = [&](double sign) {
    double const mean = (sum + sign * difference) / 2;
    double const square = (sum_squares + difference_squares + sign * 2 * sum_difference) / 4;
    double const error = 2 * worst + 1e-14 * m;
    return MeanAndVariance{{mean, error * sum}, {square - mean * mean, error * sum_squares}};
  };
  return {of(1), of(-1)};
}

}  // namespace fermiac::estimators
