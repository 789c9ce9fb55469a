#include "determinant.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "fermiac/simd/functions.hpp"

// Loops over the walkers of a tile are innermost, of constant length but for the last tile.
#define FERMIAC_VECTORISE _Pragma("GCC ivdep")

namespace fermiac::vmc {
namespace {

using std::size_t;
using FullTile = std::integral_constant<size_t, tile_walkers>;

/// Calls body(tile, number of walkers) for each tile, the number a constant for full ones.
template <class Body>
[[gnu::always_inline]] inline void for_each_tile(size_t n_walkers, Body const& body) {
  size_t tile = 0;
  for (; (tile + 1) * tile_walkers <= n_walkers; ++tile) body(tile, FullTile{});
  if (tile * tile_walkers < n_walkers) body(tile, n_walkers - tile * tile_walkers);
}

/// The orbitals of an isotropic trap, known when compiled.
template <size_t D, size_t n>
constexpr std::array<Quanta, n> shells() {
  std::array<Quanta, n> result = {};
  size_t found = 0;
  for (int shell = 0; found < n; ++shell)
    for (int x = shell; x >= 0; --x)
      for (int y = D > 1 ? shell - x : 0; y >= 0; --y) {
        int const z = shell - x - y;
        if ((D < 3 && z > 0) || found == n) continue;
        result[found++] = {x, y, z};
      }
  return result;
}

/// Powers of one walker: p[c][m].
template <size_t D, int highest>
struct Powers {
  double p[D][highest + 1];

  [[gnu::always_inline]] explicit Powers(double const (&y)[D]) {
    for (size_t c = 0; c < D; ++c) p[c][0] = 1;
    for (size_t c = 0; c < D; ++c) p[c][1] = y[c];
    rise(y, std::make_integer_sequence<int, highest - 1>{});
  }
  template <int... m>
  [[gnu::always_inline]] void rise(double const (&y)[D], std::integer_sequence<int, m...>) {
    for (size_t c = 0; c < D; ++c) ((p[c][m + 2] = std::fma(y[c], p[c][m + 1], -0.5 * (m + 1) * p[c][m])), ...);
  }
  /// p_m'
  template <int m>
  [[gnu::always_inline]] double slope(size_t c) const {
    if constexpr (m == 0)
      return 0;
    else
      return m * p[c][m - 1];
  }
};

}  // namespace

Determinant::Determinant(Orbitals const& orbitals, size_t first, size_t n_walkers)
    : table_(orbitals),
      first_(first),
      n_(orbitals.size()),
      n_walkers_(n_walkers),
      n_tiles_((n_walkers + tile_walkers - 1) / tile_walkers),
      inverse_(tile_walkers, n_ * n_ * n_tiles_),
      phi_(tile_walkers, n_ * n_tiles_),
      ratio_(tile_walkers, n_tiles_),
      elimination_(n_) {}

void Determinant::fill(Columns const& x, size_t first_walker, size_t count) {
  for (size_t i = 0; i < n_; ++i) {
    double const* r[3] = {};
    size_t const D = table_.orbitals().dimensions;
    for (size_t c = 0; c < D; ++c) r[c] = x.column((first_ + i) * D + c) + first_walker;
    table_.set(r, count, 0);
    table_.row(count, elimination_.element(i, 0));
  }
}

void Determinant::refresh(Columns const& x, double const* known, double& error) {
  for (size_t tile = 0; tile < n_tiles_; ++tile) {
    size_t const first_walker = tile * tile_walkers;
    size_t const count = std::min(tile_walkers, n_walkers_ - first_walker);
    fill(x, first_walker, count);
    elimination_.invert(count);
    double size[tile_walkers] = {};
    double difference[tile_walkers] = {};
    for (size_t i = 0; i < n_; ++i)
      for (size_t j = 0; j < n_; ++j) {
        double* __restrict old = B(tile, i) + j * tile_walkers;
        double const* __restrict anew = elimination_.inverse(j, i);
        FERMIAC_VECTORISE
        for (size_t k = 0; k < count; ++k) {
          double const magnitude = std::fabs(anew[k]);
          double const change = std::fabs(anew[k] - old[k]);
          size[k] = magnitude > size[k] ? magnitude : size[k];
          difference[k] = change > difference[k] ? change : difference[k];
          old[k] = anew[k];
        }
      }
    for (size_t k = 0; k < count; ++k)
      if (known[first_walker + k] > 0 && difference[k] > error * size[k]) error = difference[k] / size[k];
  }
}

void Determinant::add_log(Columns const& x, double* log_psi, double* sign) {
  for (size_t tile = 0; tile < n_tiles_; ++tile) {
    size_t const first_walker = tile * tile_walkers;
    size_t const count = std::min(tile_walkers, n_walkers_ - first_walker);
    fill(x, first_walker, count);
    elimination_.reduce(count);
    for (size_t k = 0; k < count; ++k) sign[first_walker + k] *= elimination_.sign()[k];
    for (size_t i = 0; i < n_; ++i) {
      double const* pivot = elimination_.pivot(i);
      for (size_t k = 0; k < count; ++k) {
        log_psi[first_walker + k] += simd::log(std::fabs(pivot[k]));
        sign[first_walker + k] *= pivot[k] < 0 ? -1.0 : 1.0;
      }
    }
  }
}

// ------------------------------------------------------------------------------------------------------------ any orbitals
namespace {

/// Orbitals one after the other.
class AnyDeterminant final : public Determinant {
 public:
  using Determinant::Determinant;

  void propose(size_t i, Columns const& to, double* numerator) override {
    for_each_tile(n_walkers_, [&](size_t tile, auto count_of_tile) {
      size_t const count = count_of_tile;
      double const* r[3] = {};
      for (size_t c = 0; c < table_.orbitals().dimensions; ++c) r[c] = to.column(c) + tile * tile_walkers;
      table_.set(r, count, 0);
      table_.row(count, phi(tile));
      alignas(64) double R[tile_walkers] = {};
      for (size_t j = 0; j < n_; ++j) {
        double const* __restrict value = phi(tile) + j * tile_walkers;
        double const* __restrict b = B(tile, i) + j * tile_walkers;
        FERMIAC_VECTORISE
        for (size_t k = 0; k < count; ++k) R[k] = std::fma(value[k], b[k], R[k]);
      }
      double* __restrict kept = ratio(tile);
      double* __restrict result = numerator + tile * tile_walkers;
      FERMIAC_VECTORISE
      for (size_t k = 0; k < count; ++k) {
        kept[k] = R[k];
        result[k] *= R[k] * R[k];
      }
    });
  }

  void take(size_t i, double const* taken) override {
    for_each_tile(n_walkers_, [&](size_t tile, auto count_of_tile) {
      size_t const count = count_of_tile;
      double const* __restrict take = taken + tile * tile_walkers;
      double const* __restrict R = ratio(tile);
      alignas(64) double inverse[tile_walkers];
      alignas(64) double factor[tile_walkers];
      FERMIAC_VECTORISE
      for (size_t k = 0; k < count; ++k) {
        double const one_over = 1.0 / R[k];
        inverse[k] = take[k] > 0 ? one_over : 1.0;
        factor[k] = take[k] > 0 ? -one_over : 0.0;
      }
      double* const moved = B(tile, i);
      for (size_t l = 0; l < n_; ++l)
        if (l != i) update(phi(tile), moved, B(tile, l), factor, count_of_tile);
      for (size_t j = 0; j < n_; ++j) {
        double* __restrict b = moved + j * tile_walkers;
        FERMIAC_VECTORISE
        for (size_t k = 0; k < count; ++k) b[k] *= inverse[k];
      }
    });
  }

  void add_gradient(size_t i, double const* const* x, bool proposed, double* const* drift, double* laplacian) override {
    size_t const D = table_.orbitals().dimensions;
    for_each_tile(n_walkers_, [&](size_t tile, auto count_of_tile) {
      size_t const count = count_of_tile;
      size_t const first_walker = tile * tile_walkers;
      double const* r[3] = {};
      for (size_t c = 0; c < D; ++c) r[c] = x[c] + first_walker;
      table_.set(r, count, 1);
      alignas(64) double v[3][tile_walkers] = {};
      alignas(64) double term[tile_walkers];
      for (size_t j = 0; j < n_; ++j) {
        double const* __restrict b = B(tile, i) + j * tile_walkers;
        for (size_t c = 0; c < D; ++c) {
          std::array<int, 3> order = {};
          order[c] = 1;
          if (!table_.derivative(j, order, count, term)) continue;
          double* __restrict sum = v[c];
          FERMIAC_VECTORISE
          for (size_t k = 0; k < count; ++k) sum[k] = std::fma(term[k], b[k], sum[k]);
        }
      }
      double const* __restrict R = ratio(tile);
      for (size_t c = 0; c < D; ++c) {
        double* __restrict to = drift[c] + first_walker;
        double* __restrict sum = v[c];
        double const scale = table_.scale(c);
        FERMIAC_VECTORISE
        for (size_t k = 0; k < count; ++k) {
          double const here = scale * sum[k];
          double const there = here / R[k];
          sum[k] = proposed ? there : here;
          to[k] += sum[k];
        }
        if (laplacian == nullptr) continue;
        double const* __restrict from = r[c];
        double* __restrict result = laplacian + first_walker;
        double const twice = 2 * table_.orbitals().frequency[c];
        FERMIAC_VECTORISE
        for (size_t k = 0; k < count; ++k) result[k] = std::fma(std::fma(twice, from[k], -sum[k]), sum[k], result[k]);
      }
    });
  }

 private:
  /// other += factor (phi . other) moved
  template <class Count>
  void update(double const* phi, double const* moved, double* other, double const* __restrict factor,
              Count count_of_tile) const {
    size_t const count = count_of_tile;
    alignas(64) double c[tile_walkers] = {};
    for (size_t j = 0; j < n_; ++j) {
      double const* __restrict value = phi + j * tile_walkers;
      double const* __restrict b = other + j * tile_walkers;
      FERMIAC_VECTORISE
      for (size_t k = 0; k < count; ++k) c[k] = std::fma(value[k], b[k], c[k]);
    }
    for (size_t k = 0; k < count; ++k) c[k] *= factor[k];
    for (size_t j = 0; j < n_; ++j) {
      double const* __restrict u = moved + j * tile_walkers;
      double* __restrict b = other + j * tile_walkers;
      FERMIAC_VECTORISE
      for (size_t k = 0; k < count; ++k) b[k] = std::fma(c[k], u[k], b[k]);
    }
  }
};

// --------------------------------------------------------------------------------------------- orbitals known when compiled
/// Everything of one walker in registers; the same bits as `AnyDeterminant`.
template <size_t D, size_t n>
class ShellDeterminant final : public Determinant {
  static constexpr std::array<Quanta, n> quanta = shells<D, n>();
  static constexpr int highest = quanta[n - 1][0] + quanta[n - 1][1] + quanta[n - 1][2];
  using Indices = std::make_index_sequence<n>;
  using Here = Powers<D, highest>;

 public:
  using Determinant::Determinant;

  static bool fits(Orbitals const& orbitals) {
    return orbitals.dimensions == D && std::equal(quanta.begin(), quanta.end(), orbitals.quanta.begin(), orbitals.quanta.end());
  }

  void propose(size_t i, Columns const& to, double* numerator) override {
    for_each_tile(n_walkers_, [&](size_t tile, auto count_of_tile) {
      size_t const count = count_of_tile;
      double const* __restrict x[D];
      for (size_t c = 0; c < D; ++c) x[c] = to.column(c) + tile * tile_walkers;
      double* __restrict value = phi(tile);
      double const* __restrict b = B(tile, i);
      double* __restrict kept = ratio(tile);
      double* __restrict result = numerator + tile * tile_walkers;
      double scale[D];
      for (size_t c = 0; c < D; ++c) scale[c] = table_.scale(c);
      FERMIAC_VECTORISE
      for (size_t k = 0; k < count; ++k) {
        double y[D];
        for (size_t c = 0; c < D; ++c) y[c] = scale[c] * x[c][k];
        double const R = row(Here(y), value + k, b + k, Indices{});
        kept[k] = R;
        result[k] *= R * R;
      }
    });
  }

  void take(size_t i, double const* taken) override {
    for_each_tile(n_walkers_, [&](size_t tile, auto count_of_tile) {
      size_t const count = count_of_tile;
      double const* __restrict take = taken + tile * tile_walkers;
      double const* __restrict R = ratio(tile);
      alignas(64) double inverse[tile_walkers];
      alignas(64) double factor[tile_walkers];
      FERMIAC_VECTORISE
      for (size_t k = 0; k < count; ++k) {
        double const one_over = 1.0 / R[k];
        inverse[k] = take[k] > 0 ? one_over : 1.0;
        factor[k] = take[k] > 0 ? -one_over : 0.0;
      }
      double* __restrict moved = B(tile, i);
      double const* __restrict value = phi(tile);
      for (size_t l = 0; l < n; ++l) {
        if (l == i) continue;
        double* __restrict other = B(tile, l);
        FERMIAC_VECTORISE
        for (size_t k = 0; k < count; ++k) update(value + k, moved + k, other + k, factor[k], Indices{});
      }
      FERMIAC_VECTORISE
      for (size_t k = 0; k < count; ++k) scale_all(moved + k, inverse[k], Indices{});
    });
  }

  void add_gradient(size_t i, double const* const* r, bool proposed, double* const* drift, double* laplacian) override {
    if (proposed)
      gradient<true, false>(i, r, drift, laplacian);
    else if (laplacian != nullptr)
      gradient<false, true>(i, r, drift, laplacian);
    else
      gradient<false, false>(i, r, drift, laplacian);
  }

 private:
  template <size_t j>
  [[gnu::always_inline]] static double orbital(Here const& at) {
    double result = at.p[0][quanta[j][0]];
    for (size_t c = 1; c < D; ++c) result *= at.p[c][quanta[j][c]];
    return result;
  }
  template <size_t... j>
  [[gnu::always_inline]] static double row(Here const& at, double* value, double const* b, std::index_sequence<j...>) {
    double R = 0;
    ((value[j * tile_walkers] = orbital<j>(at), R = std::fma(orbital<j>(at), b[j * tile_walkers], R)), ...);
    return R;
  }
  template <size_t... j>
  [[gnu::always_inline]] static void update(double const* value, double const* moved, double* other, double factor,
                                            std::index_sequence<j...>) {
    double b[n];
    double c = 0;
    ((b[j] = other[j * tile_walkers], c = std::fma(value[j * tile_walkers], b[j], c)), ...);
    c *= factor;
    ((other[j * tile_walkers] = std::fma(c, moved[j * tile_walkers], b[j])), ...);
  }
  template <size_t... j>
  [[gnu::always_inline]] static void scale_all(double* moved, double factor, std::index_sequence<j...>) {
    ((moved[j * tile_walkers] *= factor), ...);
  }
  template <size_t j, size_t c>
  [[gnu::always_inline]] static double slope(Here const& at, double b, double sum) {
    if constexpr (quanta[j][c] == 0) {
      return sum;
    } else {
      double term = c == 0 ? at.template slope<quanta[j][0]>(0) : at.p[0][quanta[j][0]];
      if constexpr (D > 1) term *= c == 1 ? at.template slope<quanta[j][1]>(1) : at.p[1][quanta[j][1]];
      if constexpr (D > 2) term *= c == 2 ? at.template slope<quanta[j][2]>(2) : at.p[2][quanta[j][2]];
      return std::fma(term, b, sum);
    }
  }
  template <size_t j>
  [[gnu::always_inline]] static void slopes(Here const& at, double b, double (&v)[D]) {
    v[0] = slope<j, 0>(at, b, v[0]);
    if constexpr (D > 1) v[1] = slope<j, 1>(at, b, v[1]);
    if constexpr (D > 2) v[2] = slope<j, 2>(at, b, v[2]);
  }
  template <size_t... j>
  [[gnu::always_inline]] static void all_slopes(Here const& at, double const* b, double (&v)[D], std::index_sequence<j...>) {
    (slopes<j>(at, b[j * tile_walkers], v), ...);
  }

  template <bool proposed, bool with_laplacian>
  void gradient(size_t i, double const* const* r, double* const* drift, double* laplacian) {
    for_each_tile(n_walkers_, [&](size_t tile, auto count_of_tile) {
      size_t const count = count_of_tile;
      size_t const first_walker = tile * tile_walkers;
      double const* __restrict x[D];
      double* __restrict to[D];
      double scale[D];
      double twice[D];
      for (size_t c = 0; c < D; ++c) {
        x[c] = r[c] + first_walker;
        to[c] = drift[c] + first_walker;
        scale[c] = table_.scale(c);
        twice[c] = 2 * table_.orbitals().frequency[c];
      }
      double const* __restrict b = B(tile, i);
      double const* __restrict R = ratio(tile);
      double* __restrict result = with_laplacian ? laplacian + first_walker : nullptr;
      FERMIAC_VECTORISE
      for (size_t k = 0; k < count; ++k) {
        double y[D];
        double v[D] = {};
        for (size_t c = 0; c < D; ++c) y[c] = scale[c] * x[c][k];
        all_slopes(Here(y), b + k, v, Indices{});
        double sum = with_laplacian ? result[k] : 0;
        for (size_t c = 0; c < D; ++c) {
          v[c] *= scale[c];
          if constexpr (proposed) v[c] /= R[k];
          to[c][k] += v[c];
          if constexpr (with_laplacian) sum = std::fma(std::fma(twice[c], x[c][k], -v[c]), v[c], sum);
        }
        if constexpr (with_laplacian) result[k] = sum;
      }
    });
  }
};

/// The first of `Known` that fits; none: null.
template <class... Known>
std::unique_ptr<Determinant> choose(Orbitals const& orbitals, size_t first, size_t n_walkers) {
  std::unique_ptr<Determinant> result;
  (void)((Known::fits(orbitals) && (result = std::make_unique<Known>(orbitals, first, n_walkers), true)) || ...);
  return result;
}

}  // namespace

std::unique_ptr<Determinant> Determinant::make(Orbitals const& orbitals, size_t first, size_t n_walkers, bool compiled) {
  std::unique_ptr<Determinant> result;
  if (compiled)
    result = choose<ShellDeterminant<2, 2>, ShellDeterminant<2, 3>, ShellDeterminant<2, 6>, ShellDeterminant<2, 10>,
                    ShellDeterminant<3, 4>, ShellDeterminant<3, 10>>(orbitals, first, n_walkers);
  if (!result) result = std::make_unique<AnyDeterminant>(orbitals, first, n_walkers);
  return result;
}

}  // namespace fermiac::vmc
