#include "fermiac/vmc/observables.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/rng/stream.hpp"

using namespace fermiac::vmc;
using std::numbers::pi;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr arma::uword up = 0, down = 1, like = 0, unlike = 1;
auto const rounding = boost::test_tools::tolerance(1e-13);

Columns columns(arma::mat const& values) {
  Columns result(values.n_rows, values.n_cols);
  result.assign(values);
  return result;
}

arma::mat normals(arma::uword rows, arma::uword n_columns, std::uint64_t first_walker, std::uint64_t replicate = 0) {
  arma::mat result(rows, n_columns);
  fermiac::rng::PackStream stream({.key = {77, 5}, .replicate = replicate}, first_walker, rows);
  stream.normals(result);
  return result;
}

double volume(double r, int dimensions) {
  return dimensions == 1 ? 2 * r : dimensions == 2 ? pi * r * r : 4 * pi / 3 * r * r * r;
}

arma::vec shells(arma::vec const& ends, int dimensions) {
  arma::vec result(ends.n_elem - 1);
  for (arma::uword i = 0; i < result.n_elem; ++i) result[i] = volume(ends[i + 1], dimensions) - volume(ends[i], dimensions);
  return result;
}

// P(|x| < r) for `dimensions` independent normals of deviation s.
double inside_sphere(double r, double s, int dimensions) {
  double const t = r / s;
  double const one = std::erf(t / std::sqrt(2));
  if (dimensions == 1) return one;
  if (dimensions == 2) return -std::expm1(-t * t / 2);
  return one - std::sqrt(2 / pi) * t * std::exp(-t * t / 2);
}

// Probability of each cell, from that of lying below its ends.
arma::vec probabilities(arma::vec const& ends, std::function<double(double)> const& below) {
  arma::vec result(ends.n_elem - 1);
  for (arma::uword i = 0; i < result.n_elem; ++i) result[i] = below(ends[i + 1]) - below(ends[i]);
  return result;
}

arma::vec planar_probabilities(arma::vec const& ends, double s) {
  arma::vec const side = probabilities(ends, [&](double x) { return 0.5 * std::erf(x / (s * std::sqrt(2))); });
  return arma::vectorise(side * side.t());
}

// (chi^2 - k) / sqrt(2 k) of counts; cells in which fewer than ten are expected make one with what is outside.
double chi_square_score(arma::vec const& counts, arma::vec const& expected_share, double n) {
  double chi_square = 0;
  double rest = n;
  double rest_expected = n;
  double k = 0;
  for (arma::uword i = 0; i < counts.n_elem; ++i) {
    double const expected = n * expected_share[i];
    if (expected < 10) continue;
    chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    rest -= counts[i];
    rest_expected -= expected;
    ++k;
  }
  if (rest_expected > 10)
    chi_square += (rest - rest_expected) * (rest - rest_expected) / rest_expected;
  else
    --k;
  return (chi_square - k) / std::sqrt(2 * k);
}

// Samples of walkers by a function of four normals for each, in packs of 256.
struct Sampled {
  ObservableShape shape;
  std::vector<double> sums;

  ObservableEstimates estimates() const { return observable_estimates(shape, sums); }
};

using Placed = std::function<arma::mat(arma::uword walkers, std::uint64_t first, std::uint64_t sample)>;

Sampled sample(ObservableShape const& shape, int n_packs, int n_samples, Placed const& place) {
  Sampled result{shape, {}};
  for (int p = 0; p < n_packs; ++p) {
    Observables pack(shape);
    for (int i = 0; i < n_samples; ++i)
      pack.add(columns(place(256, static_cast<std::uint64_t>(p) * 256, static_cast<std::uint64_t>(i))));
    result.sums.insert(result.sums.end(), pack.sums().begin(), pack.sums().end());
  }
  return result;
}

Sampled gaussian(ObservableShape const& shape, double s, int n_packs, int n_samples) {
  auto const M = static_cast<arma::uword>(shape.particles * shape.dimensions);
  return sample(shape, n_packs, n_samples, [=](arma::uword walkers, std::uint64_t first, std::uint64_t number) {
    return arma::mat(s * normals(walkers, M, first, number));
  });
}

// Counts by the plainest means, one walker after another.
struct Twin {
  explicit Twin(ObservableShape const& shape)
      : ends(observable_edges(shape)),
        radial(shape.radial_cells + 1, 2),
        planar(shape.planar_cells * shape.planar_cells + 1, 2),
        pair(shape.pair_cells + 1, 2),
        angle(shape.angle_cells + 1, 2) {}

  static arma::uword cell(double x, arma::vec const& ends) {
    for (arma::uword i = 0; i + 1 < ends.n_elem; ++i)
      if (x >= ends[i] && x < ends[i + 1]) return i;
    return ends.n_elem - 1;
  }

  void add(ObservableShape const& shape, arma::rowvec const& walker) {
    auto const D = static_cast<arma::uword>(shape.dimensions);
    for (arma::uword i = 0; i < static_cast<arma::uword>(shape.particles); ++i) {
      arma::uword const spin = i < static_cast<arma::uword>(shape.n_up) ? up : down;
      arma::rowvec const x = walker.subvec(i * D, i * D + D - 1);
      ++radial(cell(arma::norm(x), ends.radial), spin);
      if (D > 1) {
        auto const n = shape.planar_cells;
        auto const column = cell(x[0], ends.planar);
        auto const row = cell(x[1], ends.planar);
        ++planar(column < n && row < n ? column + n * row : n * n, spin);
      }
      for (arma::uword j = 0; j < i; ++j) {
        arma::rowvec const y = walker.subvec(j * D, j * D + D - 1);
        arma::uword const kind = (j < static_cast<arma::uword>(shape.n_up) ? up : down) == spin ? like : unlike;
        double const r = arma::norm(x - y);
        ++pair(cell(r, ends.pair), kind);
        distance[kind] += r;
        inverse[kind] += 1 / r;
        if (D == 2) {
          double const turn = std::abs(std::remainder(std::atan2(x[1], x[0]) - std::atan2(y[1], y[0]), 2 * pi));
          ++angle(cell(turn, ends.angle), kind);
        }
      }
    }
  }

  ObservableEdges ends;
  arma::mat radial, planar, pair, angle;
  arma::rowvec distance = {0, 0}, inverse = {0, 0};
};

void check_counts(CellEstimates const& found, arma::vec const& volumes, double n, arma::mat const& expected) {
  for (arma::uword column = 0; column < 2; ++column) {
    arma::vec const counts = n * volumes % found.value.col(column);
    for (arma::uword i = 0; i < counts.n_elem; ++i) BOOST_TEST(std::round(counts[i]) == expected(i, column));
    BOOST_TEST(std::round(n * found.outside[column]) == expected(counts.n_elem, column));
  }
}

bool same(std::span<double const> x, std::span<double const> y) { return std::equal(x.begin(), x.end(), y.begin(), y.end()); }

ObservableShape const coarse{.particles = 2,
                             .dimensions = 2,
                             .n_up = 1,
                             .length = 1,
                             .range = 4,
                             .radial_cells = 4,
                             .planar_cells = 4,
                             .pair_cells = 4,
                             .angle_cells = 3,
                             .groups_per_pack = 1};

}  // namespace

BOOST_AUTO_TEST_SUITE(observables)

// Up at (1, 0), down at (0, -2): r = 1 and 2, r_12 = sqrt(5), right angle.
BOOST_AUTO_TEST_CASE(densities_are_those_computed_by_hand) {
  Observables pack(coarse);
  pack.add(columns({{1, 0, 0, -2}}));
  auto const found = observable_estimates(coarse, pack.sums());
  BOOST_TEST(found.n_samples == 1);
  BOOST_TEST(found.radial.value(1, up) == 1 / (3 * pi), rounding);
  BOOST_TEST(found.radial.value(2, down) == 1 / (5 * pi), rounding);
  BOOST_TEST(found.planar.value(2 + 4 * 2, up) == 0.25);
  BOOST_TEST(found.planar.value(2 + 4 * 1, down) == 0.25);
  BOOST_TEST(found.pair_distance.value(1, unlike) == 0.5);
  BOOST_TEST(found.pair_density.value(1, unlike) == 1 / (12 * pi), rounding);
  BOOST_TEST(found.pair_angle.value(1, unlike) == 3 / pi, rounding);
  for (auto const* cells : {&found.radial, &found.planar})
    for (arma::uword const spin : {up, down}) BOOST_TEST(arma::accu(cells->value.col(spin) != 0) == 1);
  for (auto const* cells : {&found.pair_distance, &found.pair_density, &found.pair_angle})
    BOOST_TEST(arma::accu(cells->value != 0) == 1);
  BOOST_TEST(std::abs(found.distance[unlike].value - std::sqrt(5)) <= 0x1p-17);
  BOOST_TEST(std::abs(found.inverse_distance[unlike].value - 1 / std::sqrt(5)) <= 0x1p-17);
  BOOST_TEST(std::isnan(found.distance[like].value));
  BOOST_TEST(std::isnan(found.radial.error(1, up)));
  BOOST_TEST(std::isnan(found.distance[unlike].error));
}

// Walkers 0 and 1 make the first group, walker 2 the second; up within r < 1 for the first two: value 2/3, deviations of the
// counts 2/3 and -2/3, error^2 = 2 (8/9) / 9.
BOOST_AUTO_TEST_CASE(error_is_the_one_computed_by_hand) {
  ObservableShape shape = coarse;
  shape.groups_per_pack = 2;
  Observables pack(shape);
  pack.add(columns({{0.5, 0, 0, -2}, {0, -0.5, 0, -2}, {1.5, 0, 0, -2}}));
  auto const found = observable_estimates(shape, pack.sums());
  BOOST_TEST(found.radial.value(0, up) == 2 / (3 * pi), rounding);
  BOOST_TEST(found.radial.error(0, up) == 4 / (9 * pi), rounding);
  BOOST_TEST(found.radial.error(2, down) == 0);
  BOOST_TEST(found.distance[unlike].degrees_of_freedom == 1);
}

BOOST_AUTO_TEST_CASE(cells_hold_their_lower_end_and_strays_are_counted) {
  Observables pack(coarse);
  pack.add(columns({{1, 0, -1, 0},            // opposite: angle pi belongs to the last cell
                    {4, 0, 8, 0},             // beyond: neither 4 nor 8 lies below the last end; distance 4
                    {-4, -4, 4, 4},           // only the lower left corner is on the plane
                    {0, 0, 2, 0},             // no angle from the centre
                    {1e200, 0, 0, 3},         // r overflows
                    {0, 3, -infinity, 0}}));  // no angle with infinity
  auto const found = observable_estimates(coarse, pack.sums());
  auto const count = [](CellEstimates const& cells, arma::uword cell, arma::uword column, double cell_volume) {
    return std::round(6 * cells.value(cell, column) * cell_volume);
  };
  BOOST_TEST(count(found.radial, 0, up, pi) == 1);
  BOOST_TEST(count(found.radial, 1, up, 3 * pi) == 1);
  BOOST_TEST(count(found.radial, 3, up, 7 * pi) == 1);
  BOOST_TEST(6 * found.radial.outside[up] == 3, rounding);
  BOOST_TEST(6 * found.radial.outside[down] == 3, rounding);
  BOOST_TEST(count(found.planar, 0, up, 4) == 1);
  BOOST_TEST(6 * found.planar.outside[up] == 2, rounding);
  BOOST_TEST(6 * found.planar.outside[down] == 3, rounding);
  BOOST_TEST(count(found.pair_distance, 1, unlike, 2) == 2);
  BOOST_TEST(count(found.pair_distance, 2, unlike, 2) == 1);
  BOOST_TEST(6 * found.pair_distance.outside[unlike] == 3, rounding);
  BOOST_TEST(count(found.pair_angle, 0, unlike, pi / 3) == 1);
  BOOST_TEST(count(found.pair_angle, 1, unlike, pi / 3) == 1);
  BOOST_TEST(count(found.pair_angle, 2, unlike, pi / 3) == 2);
  BOOST_TEST(6 * found.pair_angle.outside[unlike] == 2, rounding);
  BOOST_TEST(found.distance[unlike].value == infinity);

  Observables lost(coarse);
  lost.add(columns({{not_a_number, 0, 0, 1}, {1, 0, 1, 0}}));
  auto const left = observable_estimates(coarse, lost.sums());
  BOOST_TEST(left.radial.outside[up] == 0.5);
  BOOST_TEST(left.planar.outside[up] == 0.5);
  BOOST_TEST(left.pair_density.outside[unlike] == 0.5);
  BOOST_TEST(left.pair_angle.outside[unlike] == 0.5);
  BOOST_TEST(std::isnan(left.distance[unlike].value));
}

BOOST_AUTO_TEST_CASE(contact_has_an_infinite_inverse_distance) {
  Observables pack(coarse);
  pack.add(columns({{1, 1, 1, 1}}));
  auto const found = observable_estimates(coarse, pack.sums());
  BOOST_TEST(found.inverse_distance[unlike].value == infinity);
  BOOST_TEST(found.distance[unlike].value == 0);
  BOOST_TEST(found.pair_distance.value(0, unlike) == 0.5);
  BOOST_TEST(found.pair_angle.value(0, unlike) == 3 / pi, rounding);
}

BOOST_AUTO_TEST_CASE(counts_are_those_of_the_twin) {
  for (int const dimensions : {1, 2, 3})
    for (int const particles : {1, 2, 5})
      for (arma::uword const walkers : {0, 1, 2, 17, 200}) {
        ObservableShape const shape{.particles = particles,
                                    .dimensions = dimensions,
                                    .n_up = (particles + 1) / 2,
                                    .length = 0.8,
                                    .range = 2.5,
                                    .radial_cells = 13,
                                    .planar_cells = 7,
                                    .pair_cells = 9,
                                    .angle_cells = 11,
                                    .groups_per_pack = 3};
        auto const M = static_cast<arma::uword>(particles * dimensions);
        Observables pack(shape);
        Twin twin(shape);
        for (std::uint64_t i = 0; i < 3; ++i) {
          arma::mat const X = normals(walkers, M, 1000 * i);
          pack.add(columns(X));
          for (arma::uword w = 0; w < walkers; ++w) twin.add(shape, X.row(w));
        }
        if (walkers == 0) {
          BOOST_TEST(std::all_of(pack.sums().begin(), pack.sums().end(), [](double x) { return x == 0; }));
          continue;
        }
        auto const found = observable_estimates(shape, pack.sums());
        double const n = 3 * static_cast<double>(walkers);
        BOOST_TEST(found.n_samples == n);
        auto const& ends = twin.ends;
        check_counts(found.radial, shells(ends.radial, dimensions), n, twin.radial);
        check_counts(found.pair_density, shells(ends.pair, dimensions), n, twin.pair);
        check_counts(found.pair_distance, arma::diff(ends.pair), n, twin.pair);
        if (dimensions == 2) check_counts(found.pair_angle, arma::diff(ends.angle), n, twin.angle);
        if (dimensions > 1) {
          double const side = ends.planar[1] - ends.planar[0];
          check_counts(found.planar, arma::vec(49, arma::fill::value(side * side)), n, twin.planar);
        }
        BOOST_TEST(found.planar.value.is_empty() == (dimensions == 1));
        BOOST_TEST(found.pair_angle.value.is_empty() == (dimensions != 2));
        double const n_up = shape.n_up, n_down = particles - n_up;
        double const n_pairs[] = {n_up * (n_up - 1) / 2 + n_down * (n_down - 1) / 2, n_up * n_down};
        for (arma::uword const kind : {like, unlike}) {
          if (n_pairs[kind] == 0) {
            BOOST_TEST(std::isnan(found.distance[kind].value));
            continue;
          }
          double const mean = twin.distance[kind] / (n * n_pairs[kind]);
          double const inverse = twin.inverse[kind] / (n * n_pairs[kind]);
          BOOST_TEST(std::abs(found.distance[kind].value - mean) <= 0x1p-17 * 0.8);
          BOOST_TEST(std::abs(found.inverse_distance[kind].value - inverse) <= 0x1p-17 / 0.8 + 1e-13 * inverse);
        }
      }
}

BOOST_AUTO_TEST_CASE(densities_add_up_to_the_particles) {
  for (int const dimensions : {1, 2, 3}) {
    ObservableShape const shape{.particles = 5, .dimensions = dimensions, .n_up = 3, .range = 2};
    auto const found = gaussian(shape, 1, 2, 3).estimates();
    auto const ends = observable_edges(shape);
    double const particles[] = {3, 2};
    double const pairs[] = {4, 6};
    for (arma::uword const c : {0, 1}) {
      auto const total = [&](CellEstimates const& cells, arma::vec const& volumes) {
        return arma::dot(cells.value.col(c), volumes) + cells.outside[c];
      };
      BOOST_TEST(total(found.radial, shells(ends.radial, dimensions)) == particles[c], rounding);
      BOOST_TEST(total(found.pair_density, shells(ends.pair, dimensions)) == pairs[c], rounding);
      BOOST_TEST(total(found.pair_distance, arma::diff(ends.pair)) == pairs[c], rounding);
      if (dimensions == 2) BOOST_TEST(total(found.pair_angle, arma::diff(ends.angle)) == pairs[c], rounding);
      if (dimensions > 1) {
        double const side = ends.planar[1] - ends.planar[0];
        BOOST_TEST(total(found.planar, arma::vec(2500, arma::fill::value(side * side))) == particles[c], rounding);
      }
      BOOST_TEST(found.radial.outside[c] > 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(order_of_walkers_and_of_like_particles_leaves_all_bits) {
  for (int const dimensions : {1, 2, 3}) {
    ObservableShape const shape{.particles = 5, .dimensions = dimensions, .n_up = 3, .groups_per_pack = 1};
    auto const D = static_cast<arma::uword>(dimensions);
    arma::mat const X = normals(133, 5 * D, 0);
    arma::uvec walkers = arma::regspace<arma::uvec>(0, 132);
    std::reverse(walkers.begin() + 7, walkers.end());
    auto const reordered = [&](arma::uvec const& particles) {
      arma::mat Y(133, 5 * D);
      for (arma::uword i = 0; i < 5; ++i) Y.cols(i * D, i * D + D - 1) = X.cols(particles[i] * D, particles[i] * D + D - 1);
      return arma::mat(Y.rows(walkers));
    };
    Observables first(shape), second(shape), other(shape);
    first.add(columns(X));
    second.add(columns(reordered({2, 0, 1, 4, 3})));
    other.add(columns(reordered({3, 1, 2, 0, 4})));
    BOOST_TEST(same(first.sums(), second.sums()));
    BOOST_TEST(!same(first.sums(), other.sums()));
  }
}

BOOST_AUTO_TEST_CASE(merged_equal_those_of_the_union) {
  ObservableShape const shape{.particles = 3, .dimensions = 2, .n_up = 2};
  Observables whole(shape), part(shape), rest(shape);
  for (std::uint64_t i = 0; i < 6; ++i) {
    auto const X = columns(normals(50, 6, 50 * i));
    whole.add(X);
    (i < 2 ? part : rest).add(X);
  }
  Observables restored(shape);
  std::copy(rest.sums().begin(), rest.sums().end(), restored.sums().begin());
  restored.merge(part);
  part.merge(rest);
  BOOST_TEST(same(part.sums(), whole.sums()));
  BOOST_TEST(same(restored.sums(), whole.sums()));
  part.zero();
  BOOST_TEST(same(part.sums(), Observables(shape).sums()));
}

// Samples that are copies say nothing new: twice each walker gives the same values and the same errors.
BOOST_AUTO_TEST_CASE(repeated_samples_do_not_lower_the_error) {
  ObservableShape const shape{.particles = 3, .dimensions = 3, .n_up = 2, .planar_cells = 10};
  Observables once(shape), twice(shape);
  auto const X = columns(normals(64, 9, 0));
  once.add(X);
  for (int i = 0; i < 2; ++i) twice.add(X);
  auto const a = observable_estimates(shape, once.sums());
  auto const b = observable_estimates(shape, twice.sums());
  for (auto const& [x, y] : {std::pair{&a.radial, &b.radial}, {&a.planar, &b.planar}, {&a.pair_density, &b.pair_density}}) {
    BOOST_TEST(arma::abs(x->value - y->value).max() == 0);
    BOOST_TEST(arma::abs(x->error - y->error).max() == 0);
    BOOST_TEST(x->error.max() > 0);
  }
  BOOST_TEST(a.distance[unlike].error == b.distance[unlike].error);
}

BOOST_AUTO_TEST_CASE(lengths_scale_with_the_trap) {
  ObservableShape shape{.particles = 2, .dimensions = 2, .n_up = 1};
  arma::mat const X = normals(100, 4, 0);
  Observables plain(shape);
  plain.add(columns(X));
  auto const a = observable_estimates(shape, plain.sums());
  shape.length = 0.25;
  Observables scaled(shape);
  scaled.add(columns(0.25 * X));
  auto const b = observable_estimates(shape, scaled.sums());
  BOOST_TEST(same(plain.sums(), scaled.sums()));
  BOOST_TEST(arma::abs(16 * a.radial.value - b.radial.value).max() == 0);
  BOOST_TEST(arma::abs(4 * a.pair_distance.value - b.pair_distance.value).max() == 0);
  BOOST_TEST(a.distance[unlike].value == 4 * b.distance[unlike].value);
  BOOST_TEST(4 * a.inverse_distance[unlike].value == b.inverse_distance[unlike].value);
  BOOST_TEST(observable_edges(shape).radial.back() == 1.25);
  BOOST_TEST(observable_edges(shape).pair.back() == 2.5);
}

// Independent normals. Scores of chi-squares with some 50 to 600 degrees are normal but for their skewness: below 6 with
// probability 1 - 1e-6 at least. Particles a width 6 % off raise the score by 2 d n 0.06^2 / sqrt(2 k): 20 at least.
BOOST_AUTO_TEST_CASE(counts_of_gaussians_are_distributed_as_they_must, *boost::unit_test::label("stat")) {
  for (int const dimensions : {1, 2, 3})
    for (int const n_up : {1, 2}) {
      double const s = 0.9;
      ObservableShape const shape{.particles = 2, .dimensions = dimensions, .n_up = n_up, .length = 1.1};
      auto const found = gaussian(shape, s, 10, 10).estimates();
      auto const ends = observable_edges(shape);
      double const n = found.n_samples;
      BOOST_TEST(n == 25600);
      auto const sphere = [&](double width) { return [=](double r) { return inside_sphere(r, width, dimensions); }; };
      arma::vec const shell = shells(ends.radial, dimensions);
      arma::vec const pair_shell = shells(ends.pair, dimensions);
      auto const score = [&](CellEstimates const& cells, arma::uword c, arma::vec const& volumes, arma::vec const& expected,
                             double n_each) {
        return chi_square_score(n * volumes % cells.value.col(c), expected, n * n_each);
      };
      arma::uword const kind = n_up == 2 ? like : unlike;
      double const in_each = n_up == 2 ? 2 : 1;
      for (arma::uword c = 0; c < (n_up == 2 ? 1U : 2U); ++c) {
        BOOST_TEST(std::abs(score(found.radial, c, shell, probabilities(ends.radial, sphere(s)), in_each)) < 6);
        BOOST_TEST(score(found.radial, c, shell, probabilities(ends.radial, sphere(1.06 * s)), in_each) > 6);
        if (dimensions == 1) continue;
        double const side = ends.planar[1] - ends.planar[0];
        arma::vec const areas(2500, arma::fill::value(side * side));
        BOOST_TEST(std::abs(score(found.planar, c, areas, planar_probabilities(ends.planar, s), in_each)) < 6);
        BOOST_TEST(score(found.planar, c, areas, planar_probabilities(ends.planar, 1.06 * s), in_each) > 6);
      }
      double const width = s * std::sqrt(2);
      arma::vec const pairs = probabilities(ends.pair, sphere(width));
      BOOST_TEST(std::abs(score(found.pair_density, kind, pair_shell, pairs, 1)) < 6);
      BOOST_TEST(std::abs(score(found.pair_distance, kind, arma::diff(ends.pair), pairs, 1)) < 6);
      BOOST_TEST(score(found.pair_density, kind, pair_shell, probabilities(ends.pair, sphere(1.06 * width)), 1) > 6);
      if (dimensions == 2) {
        arma::vec const uniform(60, arma::fill::value(1.0 / 60));
        BOOST_TEST(std::abs(score(found.pair_angle, kind, arma::diff(ends.angle), uniform, 1)) < 6);
      }
      // Mean of r and 1 / r of the normal difference; 40 groups: Student's t with 39 degrees passes 7 with 1e-8.
      double const mean = width * (dimensions == 1   ? std::sqrt(2 / pi)
                                   : dimensions == 2 ? std::sqrt(pi / 2)
                                                     : 2 * std::sqrt(2 / pi));
      auto const r = found.distance[kind];
      BOOST_TEST(r.degrees_of_freedom == 39);
      BOOST_TEST(std::abs(r.value - mean) < 7 * r.error);
      if (dimensions == 1) continue;  // 1 / r has no mean
      double const inverse = (dimensions == 2 ? std::sqrt(pi / 2) : std::sqrt(2 / pi)) / width;
      auto const inverse_r = found.inverse_distance[kind];
      BOOST_TEST(std::abs(inverse_r.value - inverse) < 7 * inverse_r.error);
    }
}

// Each cell's distance from the truth in its errors is Student's t with 255 degrees of freedom, mean square 255/253; some 400
// cells with 100 counts and more, nearly independent: 6 sqrt(2/400) on either side. Halved errors give 4, doubled ones 1/4.
BOOST_AUTO_TEST_CASE(errors_are_those_of_the_cells, *boost::unit_test::label("stat")) {
  double const s = 0.9;
  ObservableShape const shape{
      .particles = 2, .dimensions = 2, .n_up = 1, .range = 3, .radial_cells = 30, .planar_cells = 20, .groups_per_pack = 16};
  auto const found = gaussian(shape, s, 16, 60).estimates();
  auto const ends = observable_edges(shape);
  arma::vec const planar = planar_probabilities(ends.planar, s);
  double square = 0;
  double n_cells = 0;
  for (arma::uword const spin : {up, down})
    for (arma::uword i = 0; i < planar.n_elem; ++i) {
      if (planar[i] * found.n_samples < 100) continue;
      double const z = (found.planar.value(i, spin) - planar[i] / (0.3 * 0.3)) / found.planar.error(i, spin);
      square += z * z;
      ++n_cells;
    }
  BOOST_TEST(n_cells > 400);
  BOOST_TEST(std::abs(square / n_cells - 255.0 / 253) < 6 * std::sqrt(2 / 400.0));
}

// Two like electrons without interaction but with a node at contact: the relative vector has density r^2 exp(-r^2 / (2 t^2)),
// r^2 / (2 t^2) = -ln(u_1 u_2), so that P(r < R) = 1 - (1 + y) exp(-y) with y = R^2 / (2 t^2).
BOOST_AUTO_TEST_CASE(pair_density_shows_the_node_at_contact, *boost::unit_test::label("stat")) {
  double const t = 0.8;
  ObservableShape const shape{.particles = 2, .dimensions = 2, .n_up = 2, .range = 3};
  auto const sampled = sample(shape, 10, 10, [&](arma::uword walkers, std::uint64_t first, std::uint64_t number) {
    fermiac::rng::PackStream stream({.key = {77, 6}, .replicate = number}, first, walkers);
    arma::mat u(walkers, 3);
    arma::mat centre(walkers, 2);
    stream.uniforms(u);
    stream.normals(centre);
    arma::vec const r = t * arma::sqrt(-2 * arma::log(u.col(0) % u.col(1)));
    arma::mat const half = 0.5 * arma::join_rows(r % arma::cos(2 * pi * u.col(2)), r % arma::sin(2 * pi * u.col(2)));
    return arma::mat(arma::join_rows(centre + half, centre - half));
  });
  auto const found = sampled.estimates();
  auto const ends = observable_edges(shape).pair;
  arma::vec const expected = probabilities(ends, [&](double R) {
    double const y = R * R / (2 * t * t);
    return 1 - (1 + y) * std::exp(-y);
  });
  arma::vec const counts = found.n_samples * shells(ends, 2) % found.pair_density.value.col(like);
  BOOST_TEST(std::abs(chi_square_score(counts, expected, found.n_samples)) < 6);
  BOOST_TEST(found.pair_density.value(0, like) < 0.1 * found.pair_density.value(20, like));
}

// Vectors (x, y) and c (x, y) + sqrt(1 - c^2) (x', y'): their phase difference has density, over -pi to pi,
// (1 - c^2) / (2 pi (1 - b^2)) [1 + b arccos(-b) / sqrt(1 - b^2)] with b = c cos(angle).
// Goodman, Statistical Optics, Wiley 1985, section 2.9.
BOOST_AUTO_TEST_CASE(pair_angle_of_correlated_particles_is_the_known_one, *boost::unit_test::label("stat")) {
  double const c = -0.6;
  ObservableShape const shape{.particles = 2, .dimensions = 2, .n_up = 1};
  auto const found = sample(shape, 10, 10, [&](arma::uword walkers, std::uint64_t first, std::uint64_t number) {
                       arma::mat X = normals(walkers, 4, first, 100 + number);
                       X.cols(2, 3) = c * X.cols(0, 1) + std::sqrt(1 - c * c) * X.cols(2, 3);
                       return X;
                     }).estimates();
  auto const density = [&](double angle) {
    double const b = c * std::cos(angle);
    return (1 - c * c) / (pi * (1 - b * b)) * (1 + b * std::acos(-b) / std::sqrt(1 - b * b));
  };
  auto const ends = observable_edges(shape).angle;
  arma::vec expected(60);
  for (arma::uword i = 0; i < 60; ++i)  // Simpson's rule is good to 1e-9 over so narrow a cell
    expected[i] = (density(ends[i]) + 4 * density(0.5 * (ends[i] + ends[i + 1])) + density(ends[i + 1])) * (pi / 60) / 6;
  BOOST_TEST(arma::accu(expected) == 1, boost::test_tools::tolerance(1e-6));
  arma::vec const counts = found.n_samples * arma::diff(ends) % found.pair_angle.value.col(unlike);
  BOOST_TEST(std::abs(chi_square_score(counts, expected, found.n_samples)) < 6);
  BOOST_TEST(chi_square_score(counts, arma::reverse(expected), found.n_samples) > 6);
}

BOOST_AUTO_TEST_CASE(refuses_shapes_outside_their_ranges) {
  BOOST_CHECK_NO_THROW(check(ObservableShape{}));
  for (auto const& shape :
       {ObservableShape{.particles = 0, .n_up = 0}, ObservableShape{.dimensions = 0}, ObservableShape{.dimensions = 4},
        ObservableShape{.n_up = -1}, ObservableShape{.n_up = 3}, ObservableShape{.length = 0},
        ObservableShape{.length = infinity}, ObservableShape{.range = -1}, ObservableShape{.range = not_a_number},
        ObservableShape{.radial_cells = 0}, ObservableShape{.planar_cells = 0}, ObservableShape{.planar_cells = 4097},
        ObservableShape{.pair_cells = 0}, ObservableShape{.angle_cells = 0}, ObservableShape{.groups_per_pack = 0},
        ObservableShape{.radial_cells = 1U << 30}}) {
    BOOST_CHECK_THROW(check(shape), fermiac::InputError);
    BOOST_CHECK_THROW(Observables{shape}, fermiac::InputError);
    BOOST_CHECK_THROW(observable_edges(shape), fermiac::InputError);
    BOOST_CHECK_THROW(observable_estimates(shape, {}), fermiac::InputError);
  }
}

BOOST_AUTO_TEST_CASE(sums_of_another_shape_are_our_own_mistake) {
  Observables pack(coarse);
  BOOST_CHECK_THROW(pack.add(Columns(3, 5)), std::logic_error);
  BOOST_CHECK_THROW(pack.merge(Observables(ObservableShape{})), std::logic_error);
  BOOST_CHECK_THROW(observable_estimates(coarse, pack.sums().subspan(1)), std::logic_error);
}

BOOST_AUTO_TEST_CASE(nothing_measured_is_not_a_number) {
  auto const none = observable_estimates(coarse, {});
  BOOST_TEST(none.n_samples == 0);
  BOOST_TEST(std::isnan(none.radial.value(0, up)));
  BOOST_TEST(std::isnan(none.distance[unlike].value));
}

BOOST_AUTO_TEST_SUITE_END()
