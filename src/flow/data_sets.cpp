#include "fermiac/flow/data_sets.hpp"

#include <algorithm>
#include <cmath>

#include "fermiac/base/error.hpp"
#include "fermiac/simd/functions.hpp"
#include "fermiac/simd/sum.hpp"

namespace fermiac::flow {
namespace {

using std::size_t;

constexpr double log_two_pi = 1.8378770664093454836;
constexpr size_t points_a_curve = 512;
constexpr double ring_radii[] = {0.75, 1.5, 2.25, 3};
constexpr double ring_noise = 0.08;
constexpr double moon_noise = 0.2;
constexpr double moon_radius = 2;

struct Point {
  double x, y;
};

Point moon(bool second, double half_turns) {
  auto const [sin, cos] = simd::sincos_turns(0.5 * half_turns);
  if (second) return {1 - moon_radius * cos, 0.8 - moon_radius * sin};
  return {-1 + moon_radius * cos, -0.2 + moon_radius * sin};
}

Point gaussian_centre(size_t i) {
  auto const [sin, cos] = simd::sincos_turns(static_cast<double>(i) / 8);
  double const radius = std::sqrt(8.0);
  return {radius * cos, radius * sin};
}

/// Normals of equal weight and deviation.
struct Mixture {
  std::vector<Point> centres;
  double deviation;

  double log_density(double x, double y) const {
    double const scale = -0.5 / (deviation * deviation);
    auto const exponent = [&](Point const& c) { return scale * ((x - c.x) * (x - c.x) + (y - c.y) * (y - c.y)); };
    double largest = -std::numeric_limits<double>::infinity();
    for (auto const& centre : centres) largest = std::max(largest, exponent(centre));
    double const sum =
        simd::sum_terms(centres.size(), [&](double s, size_t i) { return s + simd::exp(exponent(centres[i]) - largest); });
    return largest + simd::log(sum / static_cast<double>(centres.size())) - log_two_pi - 2 * simd::log(deviation);
  }
};

std::optional<Mixture> mixture(std::string const& name) {
  Mixture result;
  if (name == "eight_gaussians") {
    result.deviation = std::sqrt(0.125);
    for (size_t i = 0; i < 8; ++i) result.centres.push_back(gaussian_centre(i));
    return result;
  }
  if (name == "rings") {
    result.deviation = ring_noise;
    for (double const radius : ring_radii)
      for (size_t i = 0; i < points_a_curve; ++i) {
        auto const [sin, cos] = simd::sincos_turns(static_cast<double>(i) / points_a_curve);
        result.centres.push_back({radius * cos, radius * sin});
      }
    return result;
  }
  if (name == "two_moons") {
    result.deviation = moon_noise;
    for (bool const second : {false, true})
      for (size_t i = 0; i < points_a_curve; ++i)
        result.centres.push_back(moon(second, (static_cast<double>(i) + 0.5) / points_a_curve));
    return result;
  }
  return std::nullopt;
}

bool is_dark(double x, double y) {
  auto const square = [](double value) { return static_cast<int>(std::floor(value / 2)); };
  return x >= -4 && x < 4 && y >= -4 && y < 4 && (square(x) + square(y)) % 2 == 0;
}

}  // namespace

std::vector<std::string> const& data_sets() {
  static std::vector<std::string> const names = {"checkerboard", "eight_gaussians", "pinwheel", "rings", "two_moons"};
  return names;
}

arma::mat draw_data(std::string const& name, std::uint64_t n, rng::Stream& stream) {
  arma::mat data(n, 2);
  auto const pick = [&](double bound) { return std::floor(bound * stream.uniform()); };
  for (std::uint64_t k = 0; k < n; ++k) {
    Point centre{0, 0};
    double deviation = 0;
    if (name == "eight_gaussians") {
      centre = gaussian_centre(static_cast<size_t>(pick(8)));
      deviation = std::sqrt(0.125);
    } else if (name == "two_moons") {
      bool const second = pick(2) == 1;
      centre = moon(second, stream.uniform());
      deviation = moon_noise;
    } else if (name == "rings") {
      double const radius = ring_radii[static_cast<size_t>(pick(4))];
      auto const [sin, cos] = simd::sincos_turns(stream.uniform());
      centre = {radius * cos, radius * sin};
      deviation = ring_noise;
    } else if (name == "checkerboard") {
      double const column = pick(4);
      double const row = 2 * pick(2) + (column == 1 || column == 3 ? 1 : 0);
      centre = {2 * (column + stream.uniform()) - 4, 2 * (row + stream.uniform()) - 4};
    } else {
      FERMIAC_ASSERT(name == "pinwheel");
      double const arm = pick(5);
      double const along = 1 + 0.3 * stream.normal();
      double const across = 0.1 * stream.normal();
      auto const [sin, cos] = simd::sincos(simd::exp(along) / 4);
      auto const [arm_sin, arm_cos] = simd::sincos_turns(arm / 5);
      double const c = cos * arm_cos - sin * arm_sin;
      double const s = sin * arm_cos + cos * arm_sin;
      centre = {2 * (c * along - s * across), 2 * (s * along + c * across)};
    }
    data(k, 0) = centre.x;
    data(k, 1) = centre.y;
    if (deviation > 0) {
      data(k, 0) += deviation * stream.normal();
      data(k, 1) += deviation * stream.normal();
    }
  }
  return data;
}

std::optional<arma::vec> exact_log_density(std::string const& name, arma::mat const& points) {
  if (points.n_cols != 2) return std::nullopt;
  arma::vec result(points.n_rows);
  if (name == "checkerboard") {
    for (arma::uword k = 0; k < points.n_rows; ++k)
      result[k] = is_dark(points(k, 0), points(k, 1)) ? -simd::log(32) : -std::numeric_limits<double>::infinity();
    return result;
  }
  auto const known = mixture(name);
  if (!known) return std::nullopt;
  for (arma::uword k = 0; k < points.n_rows; ++k) result[k] = known->log_density(points(k, 0), points(k, 1));
  return result;
}

std::optional<double> exact_entropy(std::string const& name, std::uint64_t n_cells) {
  if (name == "checkerboard") return simd::log(32);
  auto const known = mixture(name);
  if (!known) return std::nullopt;
  double const cell = 12.0 / static_cast<double>(n_cells);
  double const sum = simd::sum_terms((n_cells + 1) * (n_cells + 1), [&](double s, size_t i) {
    double const x = -6 + cell * static_cast<double>(i % (n_cells + 1));
    double const y = -6 + cell * static_cast<double>(i / (n_cells + 1));
    double const log_p = known->log_density(x, y);
    return std::fma(-log_p, simd::exp(log_p), s);
  });
  return sum * cell * cell;
}

}  // namespace fermiac::flow
