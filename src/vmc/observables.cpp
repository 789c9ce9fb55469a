#include "fermiac/vmc/observables.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "fermiac/base/error.hpp"
#include "fermiac/base/range.hpp"

namespace fermiac::vmc {

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double parts_of_unit = 0x1p16;
constexpr arma::uword n_rows_at_once = 64;

// Where the sums of a group begin; each histogram has a cell more, for what is outside. Index: spin, or kind of pair.
struct Places {
  explicit Places(ObservableShape const& shape) {
    auto const two_of = [&](std::uint64_t(&place)[2], std::uint64_t n) {
      for (auto& p : place) {
        p = end;
        end += n;
      }
    };
    bool const plane = shape.dimensions > 1;
    two_of(radial, shape.radial_cells + std::uint64_t{1});
    two_of(planar, plane ? std::uint64_t{shape.planar_cells} * shape.planar_cells + 1 : 0);
    two_of(pair, shape.pair_cells + std::uint64_t{1});
    two_of(angle, shape.dimensions == 2 ? shape.angle_cells + std::uint64_t{1} : 0);
    two_of(distance, 1);
    two_of(inverse, 1);
  }

  std::uint64_t end = 1;  // the first is the number of samples
  std::uint64_t radial[2];
  std::uint64_t planar[2];
  std::uint64_t pair[2];
  std::uint64_t angle[2];
  std::uint64_t distance[2];
  std::uint64_t inverse[2];
};

// Cell of t >= 0 in units of cells; n where it is beyond or not a number.
[[gnu::always_inline]] inline double cell_of(double t, double n) { return t < n ? t : n; }

[[gnu::always_inline]] inline double rounded(double x) {
  constexpr double magic = 0x1.8p52;
  return (x + magic) - magic;
}

// Angle between two vectors, 0 to pi, from their products; NaN where both vanish. By atan(t) = t Q(t^2), Q interpolating at the
// 15 Chebyshev nodes of [0, 1] (relative error 3e-13).
[[gnu::always_inline]] inline double angle_of(double dot, double cross) {
  double const across = std::abs(cross);
  double const along = std::abs(dot);
  double const less = across < along ? across : along;
  double const more = across < along ? along : across;
  double const t = less / more;
  double const z = t * t;
  double const z2 = z * z;
  double even = 0x1.657b3ba0095aep-13;
  even = std::fma(even, z2, 0x1.850bdf56a80b6p-8);
  even = std::fma(even, z2, 0x1.d17abe7889664p-6);
  even = std::fma(even, z2, 0x1.bf2393efe8459p-5);
  even = std::fma(even, z2, 0x1.39e23d1599a8ep-4);
  even = std::fma(even, z2, 0x1.c717834559cfep-4);
  even = std::fma(even, z2, 0x1.999998469d323p-3);
  even = std::fma(even, z2, 0x1.ffffffffff5ccp-1);
  double odd = -0x1.807a77421f2f7p-10;
  odd = std::fma(odd, z2, -0x1.f323674b044a5p-7);
  odd = std::fma(odd, z2, -0x1.5ab9279e2b201p-5);
  odd = std::fma(odd, z2, -0x1.0bb9539dc5436p-4);
  odd = std::fma(odd, z2, -0x1.742d65ac65c77p-4);
  odd = std::fma(odd, z2, -0x1.24922161af34dp-3);
  odd = std::fma(odd, z2, -0x1.5555555316212p-2);
  double const octant = t * std::fma(odd, z, even);
  double const quadrant = across < along ? octant : std::numbers::pi / 2 - octant;
  return dot < 0 ? std::numbers::pi - quadrant : quadrant;
}

void require(bool condition, char const* what) {
  if (!condition) throw InputError(std::string("observables: ") + what);
}

void count(std::int32_t const* cells, arma::uword n, double* histogram) {
  for (arma::uword w = 0; w < n; ++w) histogram[cells[w]] += 1;
}

// Sum of exact numbers, in no particular order.
double total(double const* values, arma::uword n) {
  double sum = 0;
  for (arma::uword w = 0; w < n; ++w) sum += values[w];
  return sum;
}

arma::vec edges(double first, double last, std::uint32_t n_cells) {
  arma::vec result(n_cells + arma::uword{1});
  for (arma::uword i = 0; i <= n_cells; ++i)
    result[i] = first + (last - first) * (static_cast<double>(i) / static_cast<double>(n_cells));
  return result;
}

arma::vec shells(arma::vec const& ends, int dimensions) {
  arma::vec result(ends.n_elem - 1);
  for (arma::uword i = 0; i < result.n_elem; ++i) {
    double const width = ends[i + 1] - ends[i];
    double const sum = ends[i + 1] + ends[i];
    double const area = dimensions == 1   ? 2
                        : dimensions == 2 ? std::numbers::pi * sum
                                          : std::numbers::pi * (sum * sum - ends[i + 1] * ends[i]) * (4.0 / 3);
    result[i] = width * area;
  }
  return result;
}

}  // namespace

void check(ObservableShape const& shape) {
  require(shape.particles >= 1, "there must be at least one particle");
  require(shape.dimensions >= 1 && shape.dimensions <= 3, "there are 1, 2 or 3 dimensions");
  require(shape.n_up >= 0 && shape.n_up <= shape.particles, "particles with spin up are 0 up to all");
  require(shape.length > 0 && std::isfinite(shape.length), "the length of the trap must be greater than 0 and finite");
  require(shape.range > 0 && std::isfinite(shape.range), "the range must be greater than 0 and finite");
  require(shape.radial_cells > 0 && shape.planar_cells > 0 && shape.pair_cells > 0 && shape.angle_cells > 0,
          "there must be at least one cell of each kind");
  require(shape.planar_cells <= 4096, "there are at most 4096 cells along a side");
  require(shape.groups_per_pack > 0, "there must be at least one group in a pack");
  require(Places(shape).end <= std::uint64_t{1} << 27, "there are too many cells");
}

std::uint64_t n_observable_sums(ObservableShape const& shape) {
  check(shape);
  return shape.groups_per_pack * Places(shape).end;
}

ObservableEdges observable_edges(ObservableShape const& shape) {
  check(shape);
  double const R = shape.range * shape.length;
  ObservableEdges result;
  result.radial = edges(0, R, shape.radial_cells);
  if (shape.dimensions > 1) result.planar = edges(-R, R, shape.planar_cells);
  result.pair = edges(0, 2 * R, shape.pair_cells);
  if (shape.dimensions == 2) result.angle = edges(0, std::numbers::pi, shape.angle_cells);
  return result;
}

Observables::Observables(ObservableShape const& shape) : shape_(shape), sums_(n_observable_sums(shape)) {}

void Observables::zero() { std::fill(sums_.begin(), sums_.end(), 0.0); }

void Observables::merge(Observables const& other) {
  FERMIAC_ASSERT(other.sums_.size() == sums_.size());
  for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] += other.sums_[i];
}

void Observables::add(Columns const& X) {
  FERMIAC_ASSERT(X.n_columns() == static_cast<arma::uword>(shape_.particles * shape_.dimensions));
  auto const per_group = Places(shape_).end;
  for (std::uint64_t g = 0; g < shape_.groups_per_pack; ++g) {
    auto const rows = share_of(X.n_rows(), shape_.groups_per_pack, g);
    double* const sums = sums_.data() + g * per_group;
    sums[0] += static_cast<double>(rows.size());
    switch (shape_.dimensions) {
      case 1:
        add_rows<1>(X, rows.first, rows.last, sums);
        break;
      case 2:
        add_rows<2>(X, rows.first, rows.last, sums);
        break;
      default:
        add_rows<3>(X, rows.first, rows.last, sums);
    }
  }
}

template <int D>
void Observables::add_rows(Columns const& X, arma::uword first, arma::uword last, double* sums) const {
  Places const place(shape_);
  double const R = shape_.range * shape_.length;
  double const n_radial = shape_.radial_cells;
  double const n_planar = shape_.planar_cells;
  double const n_pair = shape_.pair_cells;
  double const n_angle = shape_.angle_cells;
  double const radial_scale = n_radial / R;
  double const planar_scale = n_planar / (2 * R);
  double const pair_scale = n_pair / (2 * R);
  double const angle_scale = n_angle / std::numbers::pi;
  double const parts_of_length = parts_of_unit / shape_.length;
  double const parts_of_inverse = parts_of_unit * shape_.length;
  auto const outside_plane = n_planar * n_planar;
  auto const N = static_cast<arma::uword>(shape_.particles);
  auto const n_up = static_cast<arma::uword>(shape_.n_up);

  alignas(64) std::int32_t cells[n_rows_at_once];
  alignas(64) std::int32_t other_cells[n_rows_at_once];
  for (auto row = first; row < last; row += n_rows_at_once) {
    auto const n = std::min(n_rows_at_once, last - row);
    alignas(64) double distances[2][n_rows_at_once] = {};
    alignas(64) double inverses[2][n_rows_at_once] = {};
    for (arma::uword i = 0; i < N; ++i) {
      double const* const x = X.column(i * D) + row;
      double const* const y = D > 1 ? X.column(i * D + 1) + row : x;
      double const* const z = D > 2 ? X.column(i * D + 2) + row : x;
      int const spin = i < n_up ? 0 : 1;
#pragma GCC ivdep
      for (arma::uword w = 0; w < n; ++w) {
        double square = x[w] * x[w];
        if constexpr (D > 1) square += y[w] * y[w];
        if constexpr (D > 2) square += z[w] * z[w];
        cells[w] = static_cast<std::int32_t>(cell_of(std::sqrt(square) * radial_scale, n_radial));
        if constexpr (D > 1) {
          double const u = (x[w] + R) * planar_scale;
          double const v = (y[w] + R) * planar_scale;
          double const in_row = std::floor(u) + n_planar * std::floor(v);
          double const from_below = u >= 0 ? in_row : outside_plane;
          double const from_left = v >= 0 ? from_below : outside_plane;
          double const from_above = u < n_planar ? from_left : outside_plane;
          other_cells[w] = static_cast<std::int32_t>(v < n_planar ? from_above : outside_plane);
        }
      }
      count(cells, n, sums + place.radial[spin]);
      if constexpr (D > 1) count(other_cells, n, sums + place.planar[spin]);

      for (arma::uword j = i + 1; j < N; ++j) {
        double const* const x_j = X.column(j * D) + row;
        double const* const y_j = D > 1 ? X.column(j * D + 1) + row : x_j;
        double const* const z_j = D > 2 ? X.column(j * D + 2) + row : x_j;
        int const kind = (i < n_up) == (j < n_up) ? 0 : 1;
        double* const __restrict distance = distances[kind];
        double* const __restrict inverse = inverses[kind];
#pragma GCC ivdep
        for (arma::uword w = 0; w < n; ++w) {
          double const dx = x[w] - x_j[w];
          double square = dx * dx;
          if constexpr (D > 1) square += (y[w] - y_j[w]) * (y[w] - y_j[w]);
          if constexpr (D > 2) square += (z[w] - z_j[w]) * (z[w] - z_j[w]);
          double const r = std::sqrt(square);
          cells[w] = static_cast<std::int32_t>(cell_of(r * pair_scale, n_pair));
          distance[w] += rounded(r * parts_of_length);
          inverse[w] += rounded(parts_of_inverse / r);
          if constexpr (D == 2) {
            // Plain products: exchange of the two only changes the sign of the second.
            double const angle = angle_of(x[w] * x_j[w] + y[w] * y_j[w], x[w] * y_j[w] - y[w] * x_j[w]);
            double const t = angle * angle_scale;
            double const inside = t < n_angle - 1 ? t : n_angle - 1;
            other_cells[w] = static_cast<std::int32_t>(angle >= 0 ? inside : n_angle);
          }
        }
        count(cells, n, sums + place.pair[kind]);
        if constexpr (D == 2) count(other_cells, n, sums + place.angle[kind]);
      }
    }
    for (int kind = 0; kind < 2; ++kind) {
      sums[place.distance[kind]] += total(distances[kind], n);
      sums[place.inverse[kind]] += total(inverses[kind], n);
    }
  }
}

ObservableEstimates observable_estimates(ObservableShape const& shape, std::span<double const> sums) {
  FERMIAC_ASSERT(sums.size() % n_observable_sums(shape) == 0);
  Places const place(shape);
  auto const per_group = place.end;
  auto const n_groups = sums.size() / per_group;
  double n_samples = 0;
  double n_filled = 0;
  for (std::size_t g = 0; g < n_groups; ++g) {
    n_samples += sums[g * per_group];
    n_filled += sums[g * per_group] > 0 ? 1 : 0;
  }

  auto const estimate = [&](std::uint64_t at, double unit) {
    double count = 0;
    for (std::size_t g = 0; g < n_groups; ++g) count += sums[g * per_group + at];
    double const mean = count / n_samples;
    double square = 0;
    for (std::size_t g = 0; g < n_groups; ++g) {
      double const deviation = sums[g * per_group + at] - sums[g * per_group] * mean;
      square += deviation * deviation;
    }
    double const error = std::sqrt(square * n_filled / (n_filled - 1)) / (n_samples * unit);
    return stats::Estimate{.value = mean / unit,
                           .error = n_filled > 1 ? error : not_a_number,
                           .degrees_of_freedom = n_filled - 1,
                           .how = stats::How::walkers};
  };
  auto const cells = [&](std::uint64_t const(&at)[2], arma::vec const& volumes) {
    CellEstimates result{arma::mat(volumes.n_elem, 2), arma::mat(volumes.n_elem, 2), {}};
    for (arma::uword column = 0; column < 2; ++column) {
      for (arma::uword i = 0; i < volumes.n_elem; ++i) {
        auto const cell = estimate(at[column] + i, volumes[i]);
        result.value(i, column) = cell.value;
        result.error(i, column) = cell.error;
      }
      result.outside[column] = estimate(at[column] + volumes.n_elem, 1).value;
    }
    return result;
  };

  auto const ends = observable_edges(shape);
  ObservableEstimates result;
  result.n_samples = n_samples;
  result.radial = cells(place.radial, shells(ends.radial, shape.dimensions));
  if (shape.dimensions > 1) {
    double const side = 2 * shape.range * shape.length / shape.planar_cells;
    auto const n_cells = arma::uword{shape.planar_cells} * shape.planar_cells;
    result.planar = cells(place.planar, arma::vec(n_cells, arma::fill::value(side * side)));
  }
  result.pair_distance = cells(place.pair, arma::diff(ends.pair));
  result.pair_density = cells(place.pair, shells(ends.pair, shape.dimensions));
  if (shape.dimensions == 2) result.pair_angle = cells(place.angle, arma::diff(ends.angle));
  double const up = shape.n_up;
  double const down = shape.particles - shape.n_up;
  double const n_pairs[] = {up * (up - 1) / 2 + down * (down - 1) / 2, up * down};
  for (std::size_t kind = 0; kind < 2; ++kind) {
    if (n_pairs[kind] == 0) continue;
    result.distance[kind] = estimate(place.distance[kind], n_pairs[kind] * parts_of_unit / shape.length);
    result.inverse_distance[kind] = estimate(place.inverse[kind], n_pairs[kind] * parts_of_unit * shape.length);
  }
  return result;
}

}  // namespace fermiac::vmc
