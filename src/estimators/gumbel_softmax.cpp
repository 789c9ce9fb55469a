#include "fermiac/estimators/gumbel_softmax.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "fermiac/base/error.hpp"
#include "fermiac/simd/functions.hpp"
#include "fermiac/simd/sum.hpp"

namespace fermiac::estimators {

namespace {

constexpr double far = 37;       // probabilities beyond are below e^-37
constexpr double vanishing = 7;  // exp(-exp(7)) = 0

// Zeros before and behind an integrand, for a rule of six points.
constexpr std::size_t before = 3, behind = 2;

/// Integrals of f from the first node to each of n nodes, nodes `step` apart; f[before] is its value at the first.
void accumulate(std::vector<double> const& f, std::size_t n, double step, std::vector<double>& to) {
  double const scale = step / 1440;
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double const* x = f.data() + i;
    sum += scale * (11 * (x[0] + x[5]) - 93 * (x[1] + x[4]) + 802 * (x[2] + x[3]));
    to[i] = sum;
  }
}

struct Raw {
  double soft_mean = 0, soft_second = 0, hard_mean = 0, hard_second = 0;
};

std::vector<Raw> moments_with(std::span<double const> p, std::span<double const> c, double tau,
                              std::span<std::size_t const> components, double coarseness) {
  auto const C = p.size();
  double const v_step = 0.1 * coarseness * std::min(tau, 1.0), s_step = 0.25 * coarseness;
  double const smallest = *std::ranges::min_element(p);
  double const v_low = simd::log(smallest) - simd::log(far + 3);
  auto const n_v = static_cast<std::size_t>(std::ceil((far - v_low) / v_step)) + 1;
  // Densities of log p_k + g_k.
  std::vector<std::vector<double>> density(C, std::vector<double>(n_v));
  for (std::size_t k = 0; k < C; ++k)
    for (std::size_t i = 0; i < n_v; ++i) {
      double const e = p[k] * simd::exp(-(v_low + v_step * static_cast<double>(i)));
      density[k][i] = e * simd::exp(-e);
    }
  std::vector<double> power(n_v), decay(n_v), product(n_v);
  std::vector<std::vector<double>> below(C, std::vector<double>(n_v));  // of e^{-t y_k}
  std::vector<double> below_1(n_v), below_2(n_v), integrand(before + n_v + behind);
  std::vector<std::array<double, 7>> psi(C);
  std::vector<Raw> result(components.size());
  double const s_low = -far / tau - far, s_high = vanishing - v_low / tau;
  for (double s = s_low; s < s_high; s += s_step) {
    // Beyond the node where e^{-t y} vanishes there is nothing.
    double const last = (tau * (vanishing - s) - v_low) / v_step;
    auto const n = last < 0 ? std::size_t{0} : std::min(n_v, static_cast<std::size_t>(last) + 1);
    if (n == 0) continue;
    for (std::size_t i = 0; i < n; ++i) {
      power[i] = simd::exp(s + (v_low + v_step * static_cast<double>(i)) / tau);
      decay[i] = simd::exp(-power[i]);
    }
    for (std::size_t k = 0; k < C; ++k)
      for (std::size_t m = 0; m < 7; ++m) {
        double const* d = density[k].data();
        double const *a = power.data(), *b = decay.data();
        psi[k][m] = v_step * simd::sum_terms(n, [=](double sum, std::size_t i) {
                      double x = d[i] * b[i];
                      for (std::size_t j = 0; j < m; ++j) x *= a[i];
                      return sum + x;
                    });
      }
    double all = 1;
    for (std::size_t k = 0; k < C; ++k) all *= psi[k][0];
    if (!(all > 1e-280)) continue;
    auto const cumulate = [&](std::size_t k, int m, std::vector<double>& to) {
      double *x = integrand.data() + before, *d = density[k].data(), *b = decay.data(), *a = power.data();
      for (std::size_t i = 0; i < n; ++i) x[i] = d[i] * b[i] * (m > 0 ? a[i] : 1) * (m > 1 ? a[i] : 1);
      x[n] = x[n + 1] = 0;  // what comes is smaller than exp(-exp(7))
      accumulate(integrand, n, v_step, to);
    };
    std::fill_n(product.begin(), n, 1.0);
    for (std::size_t k = 0; k < C; ++k) {
      cumulate(k, 0, below[k]);
      for (std::size_t i = 0; i < n; ++i) {
        below[k][i] = std::max(below[k][i], 1e-60);  // where it is less, so is everything beside it
        product[i] *= below[k][i];
      }
    }
    for (std::size_t which = 0; which < components.size(); ++which) {
      auto const j = components[which];
      auto& raw = result[which];
      auto const rho = [&](std::size_t k, std::size_t m) { return psi[k][m] / psi[k][0]; };
      double A = 0, squares = 0, fourths = 0;  // over k != j: c_k x_k^2 and its parts
      for (std::size_t k = 0; k < C; ++k) {
        if (k == j) continue;
        A += c[k] * rho(k, 2);
        squares += c[k] * c[k] * rho(k, 2) * rho(k, 2);
        fourths += c[k] * c[k] * rho(k, 4);
      }
      double const r1 = rho(j, 1), r2 = rho(j, 2), r3 = rho(j, 3), r4 = rho(j, 4), r5 = rho(j, 5), r6 = rho(j, 6);
      double const pairs = A * A - squares + fourths;
      // Divided by Gamma(n) = 1, 2, 6, 24, 120 for n = 2 ... 6.
      raw.soft_mean += all * (c[j] * r2 - (c[j] * r3 + r1 * A) / 2);
      raw.soft_second += all * (c[j] * c[j] * r4 / 6 - 2 * c[j] * (c[j] * r5 + r3 * A) / 24 +
                                (c[j] * c[j] * r6 + 2 * c[j] * r4 * A + r2 * pairs) / 120);

      cumulate(j, 1, below_1);
      cumulate(j, 2, below_2);
      double mean = 0, second = 0;
      for (std::size_t i = 0; i < n; ++i) {
        double const y = power[i], e = decay[i] * product[i];
        double const own = density[j][i] * e / below[j][i];
        mean += c[j] * own * (y - y * y);
        second += c[j] * c[j] * own * (y * y - y * y * y + y * y * y * y / 6);
        double others = 0, others_squared = 0;
        for (std::size_t k = 0; k < C; ++k) {
          if (k == j) continue;
          double const term = c[k] * density[k][i] / below[k][i];
          others += term;
          others_squared += c[k] * term;
        }
        mean -= e * y * below_1[i] / below[j][i] * others;
        second += e * y * y * below_2[i] / below[j][i] * others_squared / 6;
      }
      raw.hard_mean += v_step * mean;
      raw.hard_second += v_step * second;
    }
  }
  for (auto& raw : result) {
    raw.soft_mean *= 2 / tau * s_step;
    raw.hard_mean *= 2 / tau * s_step;
    raw.soft_second *= 4 / (tau * tau) * s_step;
    raw.hard_second *= 4 / (tau * tau) * s_step;
  }
  return result;
}

}  // namespace

std::vector<GumbelMoments> gumbel_softmax_moments(std::span<double const> p, std::span<double const> c, double tau,
                                                  std::span<std::size_t const> components) {
  FERMIAC_ASSERT(p.size() == c.size() && tau >= 0.02);
  auto const fine = moments_with(p, c, tau, components, 1), coarse = moments_with(p, c, tau, components, 2);
  std::vector<GumbelMoments> result;
  for (std::size_t i = 0; i < fine.size(); ++i) {
    auto const& [a, b, d, e] = fine[i];
    auto const& [A, B, D, E] = coarse[i];
    result.push_back({{a, b, std::abs(a - A), std::abs(b - B)}, {d, e, std::abs(d - D), std::abs(e - E)}});
  }
  return result;
}

}  // namespace fermiac::estimators
