#include "fermiac/simd/sum.hpp"

#include <algorithm>
#include <bit>
#include <vector>

namespace fermiac::simd {

double sum(std::span<double const> x) {
  double const* a = x.data();
  return sum_terms(x.size(), [a](double s, std::size_t i) { return s + a[i]; });
}

double dot(std::span<double const> x, std::span<double const> y) {
  FERMIAC_ASSERT(x.size() == y.size());
  double const* a = x.data();
  double const* b = y.data();
  return sum_terms(x.size(), [a, b](double s, std::size_t i) { return std::fma(a[i], b[i], s); });
}

double weighted_dot(std::span<double const> w, std::span<double const> x, std::span<double const> y) {
  FERMIAC_ASSERT(w.size() == x.size() && x.size() == y.size());
  double const* a = w.data();
  double const* b = x.data();
  double const* c = y.data();
  return sum_terms(x.size(), [a, b, c](double s, std::size_t i) { return std::fma(a[i] * b[i], c[i], s); });
}

void tree_sum(std::span<double const> parts, std::span<double> total) {
  auto const n_values = total.size();
  FERMIAC_ASSERT(n_values > 0 && parts.size() % n_values == 0);
  auto const n_packs = parts.size() / n_values;
  if (n_packs == 0) {
    std::fill(total.begin(), total.end(), 0.0);
    return;
  }
  // As a binary counter counts: row k holds the last complete node of level k while bit k of the number of packs seen is set.
  std::vector<double> nodes(n_values * static_cast<std::size_t>(std::bit_width(n_packs)));
  auto const add_left = [&](unsigned level) {
    double const* left = nodes.data() + n_values * level;
    for (std::size_t v = 0; v < n_values; ++v) total[v] = left[v] + total[v];
  };
  for (std::size_t pack = 0; pack < n_packs; ++pack) {
    std::copy_n(parts.data() + n_values * pack, n_values, total.data());
    unsigned level = 0;
    for (; (pack >> level) & 1U; ++level) add_left(level);
    std::copy_n(total.data(), n_values, nodes.data() + n_values * level);
  }
  auto const lowest = static_cast<unsigned>(std::countr_zero(n_packs));
  std::copy_n(nodes.data() + n_values * lowest, n_values, total.data());
  for (unsigned level = lowest + 1; level < static_cast<unsigned>(std::bit_width(n_packs)); ++level)
    if ((n_packs >> level) & 1U) add_left(level);
}

}  // namespace fermiac::simd
