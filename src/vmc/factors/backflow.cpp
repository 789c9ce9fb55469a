#include "fermiac/vmc/factors/backflow.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "displacement.hpp"
#include "elimination.hpp"
#include "envelope.hpp"
#include "fermiac/base/error.hpp"
#include "fermiac/simd/functions.hpp"
#include "fermiac/vmc/factors/slater.hpp"
#include "orbital_table.hpp"

// Everything is computed for whole tiles: walkers that are not there stand where the first one of their tile does.
#define FERMIAC_EACH_WALKER _Pragma("GCC ivdep") for (std::size_t k = 0; k < tile_walkers; ++k)

namespace fermiac::vmc {
namespace {

using std::size_t;

/// Which parameters are whose: eta of like and unlike pairs, mu.
enum Kind : size_t { like, unlike, central, n_kinds };
constexpr char const* kind_names[n_kinds] = {"like", "unlike", "central"};

struct Layout {
  System system;
  Envelope envelope;
  DisplacementForm form;
  size_t terms;
  bool used[n_kinds];

  std::unique_ptr<Displacement> displacement(size_t kind) const {
    return used[kind] ? make_displacement(form, system.omega, terms, kind == central) : nullptr;
  }
};

/// The particles of one spin.
struct Spin {
  Spin(System const& system, size_t first_of_it, size_t n_of_it)
      : first(first_of_it), n(n_of_it), table(lowest_orbitals(system, n_of_it)), elimination(n_of_it) {
    auto const D = static_cast<size_t>(system.dimensions);
    slope = Columns(tile_walkers, n * D * n);
    curvature = Columns(tile_walkers, n * D * D);
    G = Columns(tile_walkers, n * n * D);
  }
  size_t first;
  size_t n;
  OrbitalTable table;
  Elimination elimination;
  Columns slope;      ///< d_c phi_j(q_i) in column (i D + c) n + j
  Columns curvature;  ///< sum_j d_c d_d phi_j(q_i) B(j, i) in column (i D + c) D + d
  Columns G;          ///< G^c_il in column (i n + l) D + c
};

template <size_t D>
class Backflow final : public Factor {
 public:
  Backflow(Layout const& layout, arma::uword n_walkers)
      : layout_(layout),
        n_(n_walkers),
        N_(static_cast<size_t>(layout.system.particles)),
        M_(N_ * D),
        n_up_(n_up(layout.system)),
        n_tiles_((n_walkers + tile_walkers - 1) / tile_walkers) {
    for (size_t kind = 0; kind < n_kinds; ++kind) displacement_[kind] = layout.displacement(kind);
    for (auto const& [first, n] : {std::pair{size_t{0}, n_up_}, std::pair{n_up_, N_ - n_up_}})
      if (n > 0) spins_.emplace_back(layout.system, first, n);
    for (size_t c = 0; c < D; ++c) frequency_[c] = layout.system.omega * layout.system.frequency_ratio[c];
    for (Columns* const of_coordinates : {&at_, &q_, &q_proposed_, &F_, &F_proposed_})
      *of_coordinates = Columns(tile_walkers, M_ * n_tiles_);
    std::fill_n(at_.data(), at_.stride() * at_.n_columns(), std::nan(""));
    to_ = Columns(tile_walkers, D * n_tiles_);
    radial_ = Columns(tile_walkers, N_ * n_tiles_);
    radial_to_ = Columns(tile_walkers, n_tiles_);
    eta_ = Columns(tile_walkers, N_ * N_ * n_tiles_);
    eta_from_ = Columns(tile_walkers, N_ * n_tiles_);
    eta_to_ = Columns(tile_walkers, N_ * n_tiles_);
    determinant_ = Columns(tile_walkers, n_tiles_);
    determinant_proposed_ = Columns(tile_walkers, n_tiles_);
    J_ = Columns(tile_walkers, M_ * M_);
    bend_ = Columns(tile_walkers, M_);
    size_t n_parameters = 0;
    for (auto const& displacement : displacement_) n_parameters += displacement ? displacement->n_parameters() : 0;
    O_ = Columns(tile_walkers, n_parameters);
    along_ = Columns(tile_walkers, n_parameters);
  }

  void set_parameters(std::span<double const> parameters) override {
    double const* next = parameters.data();
    double alpha = layout_.envelope.width;
    if (layout_.envelope.trainable) alpha = simd::exp(*next++);
    for (size_t c = 0; c < D; ++c) width_[c] = layout_.envelope.on ? alpha * frequency_[c] : 0;
    for (auto const& displacement : displacement_)
      if (displacement) {
        displacement->set_parameters(next);
        next += displacement->n_parameters();
      }
    parameters_changed_ = true;
  }

  void refresh(Columns const& x) override {
    slopes_known_ = false;
    slopes_proposed_ = false;
    alignas(64) Tile known, size, difference;
    for (size_t tile = 0; tile < n_tiles_; ++tile) {
      double const same = parameters_changed_ ? 0.0 : 1.0;
      std::fill_n(known, tile_walkers, same);
      std::fill_n(size, tile_walkers, 0.0);
      std::fill_n(difference, tile_walkers, 0.0);
      for (size_t i = 0; i < M_; ++i) {
        alignas(64) Tile now = {};
        load(x.column(i), tile, now);
        double* __restrict was = at(tile, i);
        FERMIAC_EACH_WALKER {
          known[k] = was[k] == now[k] ? known[k] : 0.0;
          was[k] = now[k];
        }
      }
      for (size_t i = 0; i < M_; ++i) std::copy_n(q(tile, i), tile_walkers, q_proposed(tile, i));
      displace(tile);
      for (size_t i = 0; i < M_; ++i) {
        double const* __restrict old = q_proposed(tile, i);
        double const* __restrict anew = q(tile, i);
        FERMIAC_EACH_WALKER {
          double const magnitude = std::fabs(anew[k]);
          double const change = std::fabs(anew[k] - old[k]);
          size[k] = magnitude > size[k] ? magnitude : size[k];
          difference[k] = change > difference[k] ? change : difference[k];
        }
      }
      for (size_t k = 0; k < tile_walkers; ++k)
        if (known[k] > 0 && difference[k] > update_error_ * size[k]) update_error_ = difference[k] / size[k];
      determinants([&](size_t i) { return q(tile, i); }, determinant_.column(tile));
    }
    parameters_changed_ = false;
  }

  void propose(Columns const&, Proposal const& proposal, Ratio const& ratio) override {
    slopes_proposed_ = false;
    size_t const p = proposal.particle;
    for (size_t tile = 0; tile < n_tiles_; ++tile) {
      size_t const first_walker = tile * tile_walkers;
      size_t const count = std::min(tile_walkers, n_ - first_walker);
      for (size_t c = 0; c < D; ++c) load(proposal.x.column(c), tile, to(tile, c));
      propose_displacement(tile, p);
      double* __restrict proposed = determinant_proposed_.column(tile);
      determinants([&](size_t i) { return q_proposed(tile, i); }, proposed);
      double const* __restrict now = determinant_.column(tile);
      double* __restrict numerator = ratio.numerator + first_walker;
#pragma GCC ivdep
      for (size_t k = 0; k < count; ++k) {
        double const R = proposed[k] / now[k];
        numerator[k] *= R * R;
      }
      if (!layout_.envelope.on) continue;
      double* __restrict exponent = ratio.exponent + first_walker;
      for (size_t c = 0; c < D; ++c) {
        double const width = width_[c];
        double const* __restrict from = at(tile, p * D + c);
        double const* __restrict there = to(tile, c);
#pragma GCC ivdep
        for (size_t k = 0; k < count; ++k)
          exponent[k] = std::fma(-width * (there[k] - from[k]), there[k] + from[k], exponent[k]);
      }
    }
  }

  void take(Columns const&, Proposal const& proposal, double const* taken) override {
    size_t const p = proposal.particle;
    for (size_t tile = 0; tile < n_tiles_; ++tile) {
      alignas(64) Tile take = {};
      std::copy_n(taken + tile * tile_walkers, std::min(tile_walkers, n_ - tile * tile_walkers), take);
      auto const choose = [&](double* __restrict old, double const* __restrict anew) {
        FERMIAC_EACH_WALKER old[k] = take[k] > 0 ? anew[k] : old[k];
      };
      for (size_t c = 0; c < D; ++c) choose(at(tile, p * D + c), to(tile, c));
      choose(radial(tile, p), radial_to_.column(tile));
      for (size_t i = 0; i < M_; ++i) choose(q(tile, i), q_proposed(tile, i));
      for (size_t j = 0; j < N_; ++j) {
        if (j == p) continue;
        choose(eta(tile, p, j), eta_from_.column(tile * N_ + j));
        choose(eta(tile, j, p), eta_to_.column(tile * N_ + j));
      }
      choose(determinant_.column(tile), determinant_proposed_.column(tile));
      if (slopes_known_ && slopes_proposed_)
        for (size_t i = 0; i < M_; ++i) choose(F(tile, i), F_proposed(tile, i));
    }
    slopes_known_ = slopes_known_ && slopes_proposed_;
    slopes_proposed_ = false;
  }

  void add_drift(Columns const&, size_t particle, Columns& drift) override {
    know_slopes();
    for (size_t tile = 0; tile < n_tiles_; ++tile) {
      alignas(64) double v[D][tile_walkers];
      pull_back(
          tile, particle, radial(tile, particle), [&](size_t i) { return at(tile, i); }, [&](size_t i) { return F(tile, i); },
          v);
      for (size_t c = 0; c < D; ++c) store(v[c], tile, drift.column(c));
    }
  }

  void add_proposed_drift(Columns const&, Proposal const& proposal, Columns& drift) override {
    size_t const p = proposal.particle;
    for (size_t tile = 0; tile < n_tiles_; ++tile) {
      if (!slopes_proposed_)
        for (Spin& spin : spins_) {
          inverses(spin, [&](size_t i) { return q_proposed(tile, i); });
          gradient(spin, [&](size_t i) { return F_proposed(tile, i); });
        }
      alignas(64) double v[D][tile_walkers];
      pull_back(
          tile, p, radial_to_.column(tile), [&](size_t i) { return i / D == p ? to(tile, i % D) : at(tile, i); },
          [&](size_t i) { return F_proposed(tile, i); }, v);
      for (size_t c = 0; c < D; ++c) store(v[c], tile, drift.column(c));
    }
    slopes_proposed_ = true;
  }

  void add_slope(Columns const&, Columns& drift, double* laplacian) override {
    alignas(64) Tile sum, slope;
    for (size_t tile = 0; tile < n_tiles_; ++tile) {
      for (Spin& spin : spins_) second_order(spin, tile);
      jacobian(tile);
      double constant = 0;
      for (size_t c = 0; c < D; ++c) constant -= static_cast<double>(N_) * width_[c];
      std::fill_n(sum, tile_walkers, constant);
      for (size_t i = 0; i < M_; ++i) {
        double const* __restrict force = F(tile, i);
        double const* __restrict bend = bend_.column(i);
        FERMIAC_EACH_WALKER sum[k] = std::fma(force[k], bend[k], sum[k]);
      }
      for (Spin const& spin : spins_)
        for (size_t i = 0; i < spin.n; ++i)
          for (size_t l = 0; l <= i; ++l) add_curvature(spin, i, l, sum);
      store(sum, tile, laplacian);
      for (size_t m = 0; m < M_; ++m) {
        double const width = width_[m % D];
        double const* __restrict x = at(tile, m);
        FERMIAC_EACH_WALKER slope[k] = -width * x[k];
        for (size_t i = 0; i < M_; ++i) {
          double const* __restrict force = F(tile, i);
          double const* __restrict J = J_.column(i * M_ + m);
          FERMIAC_EACH_WALKER slope[k] = std::fma(force[k], J[k], slope[k]);
        }
        store(slope, tile, drift.column(m));
      }
    }
    slopes_known_ = true;
  }

  void log_derivatives(Columns const& x, Columns& O, arma::uword first, Columns const* direction, Columns* along) override {
    if (direction == nullptr) know_slopes();
    if (layout_.envelope.trainable) {
      width_derivative(x, {width_, D}, O.column(first), direction, direction != nullptr ? along->column(first) : nullptr);
      ++first;
    }
    for (size_t tile = 0; tile < n_tiles_; ++tile) {
      O_.zero();
      if (direction != nullptr) {
        along_.zero();
        for (Spin& spin : spins_) second_order(spin, tile);
        push_direction(*direction, tile);
      }
      derivatives(tile, direction != nullptr);
      size_t const count = std::min(tile_walkers, n_ - tile * tile_walkers);
      for (size_t p = 0; p < O_.n_columns(); ++p) {
        std::copy_n(O_.column(p), count, O.column(first + p) + tile * tile_walkers);
        if (direction != nullptr) std::copy_n(along_.column(p), count, along->column(first + p) + tile * tile_walkers);
      }
    }
    slopes_known_ = true;
  }

  void add_log_psi(Columns const& x, double* log_psi, double* sign) override {
    // Nothing of what moves left is asked: a copy of the walkers is displaced anew.
    Backflow anew(layout_, n_);
    for (size_t kind = 0; kind < n_kinds; ++kind) std::swap(anew.displacement_[kind], displacement_[kind]);
    std::copy_n(width_, D, anew.width_);
    for (size_t tile = 0; tile < n_tiles_; ++tile) {
      for (size_t i = 0; i < M_; ++i) load(x.column(i), tile, anew.at(tile, i));
      anew.displace(tile);
      size_t const first_walker = tile * tile_walkers;
      size_t const count = std::min(tile_walkers, n_ - first_walker);
      for (Spin& spin : anew.spins_) {
        anew.orbitals(
            spin, [&](size_t i) { return anew.q(tile, i); }, 0);
        spin.elimination.reduce(tile_walkers);
        for (size_t k = 0; k < count; ++k) sign[first_walker + k] *= spin.elimination.sign()[k];
        for (size_t j = 0; j < spin.n; ++j) {
          double const* pivot = spin.elimination.pivot(j);
          for (size_t k = 0; k < count; ++k) {
            log_psi[first_walker + k] += simd::log(std::fabs(pivot[k]));
            sign[first_walker + k] *= pivot[k] < 0 ? -1.0 : 1.0;
          }
        }
      }
      for (size_t i = 0; i < M_; ++i) {
        double const* xi = anew.at(tile, i);
        for (size_t k = 0; k < count; ++k) log_psi[first_walker + k] -= 0.5 * width_[i % D] * xi[k] * xi[k];
      }
    }
    for (size_t kind = 0; kind < n_kinds; ++kind) std::swap(anew.displacement_[kind], displacement_[kind]);
  }

  double update_error() const override { return update_error_; }

 private:
  double* at(size_t tile, size_t i) { return at_.column(tile * M_ + i); }
  double* q(size_t tile, size_t i) { return q_.column(tile * M_ + i); }
  double* q_proposed(size_t tile, size_t i) { return q_proposed_.column(tile * M_ + i); }
  double* F(size_t tile, size_t i) { return F_.column(tile * M_ + i); }
  double* F_proposed(size_t tile, size_t i) { return F_proposed_.column(tile * M_ + i); }
  double* to(size_t tile, size_t c) { return to_.column(tile * D + c); }
  double* radial(size_t tile, size_t i) { return radial_.column(tile * N_ + i); }
  double* eta(size_t tile, size_t i, size_t j) { return eta_.column((tile * N_ + i) * N_ + j); }

  bool has(size_t kind) const { return displacement_[kind] != nullptr; }
  size_t kind_of(size_t i, size_t j) const { return (i < n_up_) == (j < n_up_) ? like : unlike; }
  Displacement const& pair(size_t i, size_t j) const { return *displacement_[kind_of(i, j)]; }

  /// The walkers of a tile from the pack's column, the first one in the place of those that are not there; and back, added.
  void load(double const* column, size_t tile, double* result) const {
    size_t const count = std::min(tile_walkers, n_ - tile * tile_walkers);
    std::copy_n(column + tile * tile_walkers, count, result);
    std::fill(result + count, result + tile_walkers, result[0]);
  }
  void store(double const* __restrict values, size_t tile, double* __restrict column) const {
    size_t const count = std::min(tile_walkers, n_ - tile * tile_walkers);
    double* __restrict to = column + tile * tile_walkers;
#pragma GCC ivdep
    for (size_t k = 0; k < count; ++k) to[k] += values[k];
  }

  static void square(double const* const* r, double* __restrict result) {
    std::fill_n(result, tile_walkers, 0.0);
    for (size_t c = 0; c < D; ++c) {
      double const* __restrict x = r[c];
      FERMIAC_EACH_WALKER result[k] = std::fma(x[k], x[k], result[k]);
    }
  }
  static void difference(double const* const* r, double const* const* s, double (*result)[tile_walkers]) {
    for (size_t c = 0; c < D; ++c) {
      double const* __restrict x = r[c];
      double const* __restrict y = s[c];
      double* __restrict to = result[c];
      FERMIAC_EACH_WALKER to[k] = x[k] - y[k];
    }
  }
  static void square_of(double const (*r)[tile_walkers], double* result) {
    double const* columns[D];
    for (size_t c = 0; c < D; ++c) columns[c] = r[c];
    square(columns, result);
  }

  /// q and eta of the walkers of a tile.
  void displace(size_t tile) {
    alignas(64) Tile A, U, mu;
    alignas(64) double x[D][tile_walkers];
    for (size_t i = 0; i < N_; ++i) {
      double const* r[D];
      for (size_t c = 0; c < D; ++c) r[c] = at(tile, i * D + c);
      square(r, A);
      radial_feature(layout_.system.omega, A, radial(tile, i));
    }
    for (size_t i = 0; i < N_; ++i) {
      double const* r[D];
      for (size_t c = 0; c < D; ++c) r[c] = at(tile, i * D + c);
      square(r, A);
      std::fill_n(mu, tile_walkers, 0.0);
      if (has(central)) displacement_[central]->value(A, radial(tile, i), radial(tile, i), mu);
      for (size_t c = 0; c < D; ++c) {
        double* __restrict to = q(tile, i * D + c);
        double const* __restrict from = r[c];
        FERMIAC_EACH_WALKER to[k] = std::fma(from[k], mu[k], from[k]);
      }
      for (size_t j = 0; j < N_; ++j) {
        if (j == i || !has(kind_of(i, j))) continue;
        double const* s[D];
        for (size_t c = 0; c < D; ++c) s[c] = at(tile, j * D + c);
        difference(r, s, x);
        square_of(x, U);
        pair(i, j).value(U, radial(tile, i), radial(tile, j), eta(tile, i, j));
        double const* __restrict value = eta(tile, i, j);
        for (size_t c = 0; c < D; ++c) {
          double* __restrict to = q(tile, i * D + c);
          double const* __restrict apart = x[c];
          FERMIAC_EACH_WALKER to[k] = std::fma(apart[k], value[k], to[k]);
        }
      }
    }
  }

  /// q of all and eta of particle p with it alone moved.
  void propose_displacement(size_t tile, size_t p) {
    if (!has_like_pairs(layout_.system))
      for (size_t i = 0; i < M_; ++i) std::copy_n(q(tile, i), tile_walkers, q_proposed(tile, i));
    alignas(64) Tile A, U, mu;
    alignas(64) double there[D][tile_walkers];
    alignas(64) double here[D][tile_walkers];
    double const* r[D];
    double const* old[D];
    for (size_t c = 0; c < D; ++c) {
      r[c] = to(tile, c);
      old[c] = at(tile, p * D + c);
    }
    square(r, A);
    double* const a = radial_to_.column(tile);
    radial_feature(layout_.system.omega, A, a);
    std::fill_n(mu, tile_walkers, 0.0);
    if (has(central)) displacement_[central]->value(A, a, a, mu);
    for (size_t c = 0; c < D; ++c) {
      double* __restrict own = q_proposed(tile, p * D + c);
      double const* __restrict from = r[c];
      FERMIAC_EACH_WALKER own[k] = std::fma(from[k], mu[k], from[k]);
    }
    for (size_t j = 0; j < N_; ++j) {
      if (j == p || !has(kind_of(p, j))) continue;
      double const* s[D];
      for (size_t c = 0; c < D; ++c) s[c] = at(tile, j * D + c);
      difference(r, s, there);
      difference(old, s, here);
      square_of(there, U);
      double* __restrict from_p = eta_from_.column(tile * N_ + j);
      double* __restrict to_p = eta_to_.column(tile * N_ + j);
      auto const& function = pair(p, j);
      function.value(U, a, radial(tile, j), from_p);
      if (function.is_symmetric())
        std::copy_n(from_p, tile_walkers, to_p);
      else
        function.value(U, radial(tile, j), a, to_p);
      double const* __restrict to_p_before = eta(tile, j, p);
      for (size_t c = 0; c < D; ++c) {
        double* __restrict own = q_proposed(tile, p * D + c);
        double* __restrict other = q_proposed(tile, j * D + c);
        double const* __restrict before = q(tile, j * D + c);
        FERMIAC_EACH_WALKER {
          own[k] = std::fma(there[c][k], from_p[k], own[k]);
          other[k] = std::fma(-there[c][k], to_p[k], std::fma(here[c][k], to_p_before[k], before[k]));
        }
      }
    }
  }

  /// Orbitals of one spin at coordinates `at`, into its elimination; their first derivatives where order > 0.
  template <class At>
  void orbitals(Spin& spin, At const& coordinate, int order) {
    for (size_t i = 0; i < spin.n; ++i) {
      double const* r[D];
      for (size_t c = 0; c < D; ++c) r[c] = coordinate((spin.first + i) * D + c);
      spin.table.set(r, tile_walkers, order);
      spin.table.row(tile_walkers, spin.elimination.element(i, 0));
      if (order == 0) continue;
      for (size_t c = 0; c < D; ++c) {
        std::array<int, 3> once = {};
        once[c] = 1;
        double const scale = spin.table.scale(c);
        for (size_t j = 0; j < spin.n; ++j) {
          double* __restrict slope = spin.slope.column((i * D + c) * spin.n + j);
          spin.table.derivative(j, once, tile_walkers, slope);
          FERMIAC_EACH_WALKER slope[k] *= scale;
        }
      }
    }
  }

  /// The product of the determinants at coordinates.
  template <class At>
  void determinants(At const& coordinate, double* __restrict result) {
    std::fill_n(result, tile_walkers, 1.0);
    for (Spin& spin : spins_) {
      if (spin.n < 2) continue;
      orbitals(spin, coordinate, 0);
      spin.elimination.reduce(tile_walkers);
      double const* __restrict sign = spin.elimination.sign();
      FERMIAC_EACH_WALKER result[k] *= sign[k];
      for (size_t j = 0; j < spin.n; ++j) {
        double const* __restrict pivot = spin.elimination.pivot(j);
        FERMIAC_EACH_WALKER result[k] *= pivot[k];
      }
    }
  }

  /// B of one spin at coordinates, and first derivatives of its orbitals.
  template <class At>
  void inverses(Spin& spin, At const& coordinate) {
    orbitals(spin, coordinate, 1);
    spin.elimination.invert(tile_walkers);
  }

  /// sum_j derivative_j B(j, l)
  static void contract(Spin const& spin, double const* derivative, size_t l, double* __restrict result) {
    std::fill_n(result, tile_walkers, 0.0);
    for (size_t j = 0; j < spin.n; ++j) {
      double const* __restrict slope = derivative + j * tile_walkers;
      double const* __restrict b = spin.elimination.inverse(j, l);
      FERMIAC_EACH_WALKER result[k] = std::fma(slope[k], b[k], result[k]);
    }
  }

  /// F of one spin after `inverses`.
  template <class To>
  void gradient(Spin const& spin, To const& force) {
    for (size_t i = 0; i < spin.n; ++i)
      for (size_t c = 0; c < D; ++c)
        contract(spin, spin.slope.column((i * D + c) * spin.n), i, force((spin.first + i) * D + c));
  }

  void know_slopes() {
    if (slopes_known_) return;
    for (size_t tile = 0; tile < n_tiles_; ++tile)
      for (Spin& spin : spins_) {
        inverses(spin, [&](size_t i) { return q(tile, i); });
        gradient(spin, [&](size_t i) { return F(tile, i); });
      }
    slopes_known_ = true;
  }

  /// G, F and the curvature of orbitals of one spin.
  void second_order(Spin& spin, size_t tile) {
    inverses(spin, [&](size_t i) { return q(tile, i); });
    for (size_t i = 0; i < spin.n; ++i)
      for (size_t l = 0; l < spin.n; ++l)
        for (size_t c = 0; c < D; ++c)
          contract(spin, spin.slope.column((i * D + c) * spin.n), l, spin.G.column((i * spin.n + l) * D + c));
    alignas(64) Tile term;
    for (size_t i = 0; i < spin.n; ++i) {
      double const* r[D];
      for (size_t c = 0; c < D; ++c) {
        r[c] = q(tile, (spin.first + i) * D + c);
        std::copy_n(spin.G.column((i * spin.n + i) * D + c), tile_walkers, F(tile, (spin.first + i) * D + c));
      }
      spin.table.set(r, tile_walkers, 2);
      for (size_t c = 0; c < D; ++c)
        for (size_t d = 0; d <= c; ++d) {
          std::array<int, 3> twice = {};
          ++twice[c];
          ++twice[d];
          double* __restrict sum = spin.curvature.column((i * D + c) * D + d);
          double* __restrict mirror = spin.curvature.column((i * D + d) * D + c);
          std::fill_n(sum, tile_walkers, 0.0);
          for (size_t j = 0; j < spin.n; ++j) {
            if (!spin.table.derivative(j, twice, tile_walkers, term)) continue;
            double const* __restrict b = spin.elimination.inverse(j, i);
            FERMIAC_EACH_WALKER sum[k] = std::fma(term[k], b[k], sum[k]);
          }
          double const scale = spin.table.scale(c) * spin.table.scale(d);
          FERMIAC_EACH_WALKER sum[k] *= scale;
          if (d < c) std::copy_n(sum, tile_walkers, mirror);
        }
    }
  }

  /// grad_p of ln |det det|: J^T F of one particle, positions and F as given.
  template <class At, class Force>
  void pull_back(size_t tile, size_t p, double const* a_p, At const& coordinate, Force const& force,
                 double (*v)[tile_walkers]) {
    alignas(64) Tile A, U, F_x;
    alignas(64) double x[D][tile_walkers];
    typename Displacement::Slopes s;
    double const* r[D];
    double const* F_p[D];
    for (size_t c = 0; c < D; ++c) {
      r[c] = coordinate(p * D + c);
      F_p[c] = force(p * D + c);
      double const width = width_[c];
      FERMIAC_EACH_WALKER v[c][k] = std::fma(-width, r[c][k], F_p[c][k]);
    }
    square(r, A);
    auto const dot = [](auto const& a, auto const& b, double* __restrict result) {
      std::fill_n(result, tile_walkers, 0.0);
      for (size_t c = 0; c < D; ++c) {
        double const* __restrict left = a[c];
        double const* __restrict right = b[c];
        FERMIAC_EACH_WALKER result[k] = std::fma(left[k], right[k], result[k]);
      }
    };
    if (has(central)) {
      displacement_[central]->slopes(A, a_p, a_p, s);
      dot(F_p, r, F_x);
      for (size_t c = 0; c < D; ++c)
        FERMIAC_EACH_WALKER v[c][k] += std::fma(F_p[c][k], s.eta[k], 2 * s.U[k] * F_x[k] * r[c][k]);
    }
    for (size_t j = 0; j < N_; ++j) {
      if (j == p || !has(kind_of(p, j))) continue;
      double const* y[D];
      double const* F_j[D];
      for (size_t c = 0; c < D; ++c) {
        y[c] = coordinate(j * D + c);
        F_j[c] = force(j * D + c);
      }
      difference(r, y, x);
      square_of(x, U);
      pair(p, j).slopes(U, a_p, radial(tile, j), s);
      dot(F_p, x, F_x);
      for (size_t c = 0; c < D; ++c)
        FERMIAC_EACH_WALKER v[c][k] += std::fma(F_p[c][k], s.eta[k], 2 * F_x[k] * std::fma(s.U[k], x[c][k], s.A[k] * r[c][k]));
      // eta(j, p): here particle p is the second one, and x_j - x_p = -x.
      if (!pair(p, j).is_symmetric()) pair(p, j).slopes(U, radial(tile, j), a_p, s);
      dot(F_j, x, F_x);
      for (size_t c = 0; c < D; ++c)
        FERMIAC_EACH_WALKER v[c][k] -= std::fma(F_j[c][k], s.eta[k], 2 * F_x[k] * std::fma(s.U[k], x[c][k], s.B[k] * r[c][k]));
    }
  }

  /// J, and del^2 q in `bend_`.
  void jacobian(size_t tile) {
    alignas(64) Tile A, B, U, x_r, x_y, factor;
    alignas(64) double x[D][tile_walkers];
    alignas(64) double first[D][tile_walkers];
    alignas(64) double second[D][tile_walkers];
    typename Displacement::Slopes s;
    constexpr double twice_D = 2 * static_cast<double>(D);
    for (size_t i = 0; i < N_; ++i) {
      double const* r[D];
      for (size_t c = 0; c < D; ++c) r[c] = at(tile, i * D + c);
      square(r, A);
      if (has(central)) {
        displacement_[central]->slopes(A, radial(tile, i), radial(tile, i), s);
      } else {
        for (double* zero : {s.eta, s.U, s.UU}) std::fill_n(zero, tile_walkers, 0.0);
      }
      FERMIAC_EACH_WALKER factor[k] = std::fma(twice_D + 4, s.U[k], 4 * A[k] * s.UU[k]);
      for (size_t c = 0; c < D; ++c) {
        double* __restrict bend = bend_.column(i * D + c);
        FERMIAC_EACH_WALKER bend[k] = factor[k] * r[c][k];
        for (size_t d = 0; d < D; ++d) {
          double* __restrict own = J(i, c, i, d);
          double const unit = c == d ? 1.0 : 0.0;
          FERMIAC_EACH_WALKER own[k] = std::fma(unit, 1 + s.eta[k], 2 * s.U[k] * r[c][k] * r[d][k]);
        }
      }
      for (size_t j = 0; j < N_; ++j) {
        if (j == i || !has(kind_of(i, j))) continue;
        double const* y[D];
        for (size_t c = 0; c < D; ++c) y[c] = at(tile, j * D + c);
        square(y, B);
        difference(r, y, x);
        square_of(x, U);
        pair(i, j).slopes(U, radial(tile, i), radial(tile, j), s);
        std::fill_n(x_r, tile_walkers, 0.0);
        std::fill_n(x_y, tile_walkers, 0.0);
        for (size_t c = 0; c < D; ++c) FERMIAC_EACH_WALKER {
            first[c][k] = 2 * std::fma(s.U[k], x[c][k], s.A[k] * r[c][k]);
            second[c][k] = 2 * std::fma(-s.U[k], x[c][k], s.B[k] * y[c][k]);
            x_r[k] = std::fma(x[c][k], r[c][k], x_r[k]);
            x_y[k] = std::fma(x[c][k], y[c][k], x_y[k]);
          }
        // del_i^2 eta + del_j^2 eta
        FERMIAC_EACH_WALKER factor[k] =
            twice_D * (2 * s.U[k] + s.A[k] + s.B[k]) +
            4 * (2 * (s.UU[k] * U[k] + s.UA[k] * x_r[k] - s.UB[k] * x_y[k]) + s.AA[k] * A[k] + s.BB[k] * B[k]);
        for (size_t c = 0; c < D; ++c) {
          double* __restrict bend = bend_.column(i * D + c);
          FERMIAC_EACH_WALKER bend[k] += std::fma(x[c][k], factor[k], 2 * (first[c][k] - second[c][k]));
          for (size_t d = 0; d < D; ++d) {
            double* __restrict own = J(i, c, i, d);
            double* __restrict other = J(i, c, j, d);
            double const unit = c == d ? 1.0 : 0.0;
            FERMIAC_EACH_WALKER {
              own[k] += std::fma(unit, s.eta[k], x[c][k] * first[d][k]);
              other[k] = std::fma(-unit, s.eta[k], x[c][k] * second[d][k]);
            }
          }
        }
      }
    }
  }
  double* J(size_t i, size_t c, size_t m, size_t d) { return J_.column((i * D + c) * M_ + m * D + d); }

  /// sum_cd H_(ic)(ld) (J J^T)_(ic)(ld), twice where l is another particle.
  void add_curvature(Spin const& spin, size_t i, size_t l, double* __restrict sum) {
    alignas(64) double product[D * D][tile_walkers] = {};
    size_t const stride = J_.stride();
    for (size_t m = 0; m < N_; ++m) {
      double const* __restrict left = J(spin.first + i, 0, m, 0);
      double const* __restrict right = J(spin.first + l, 0, m, 0);
      FERMIAC_EACH_WALKER {
        for (size_t c = 0; c < D; ++c)
          for (size_t d = 0; d < D; ++d) {
            double value = product[c * D + d][k];
            for (size_t e = 0; e < D; ++e)
              value = std::fma(left[(c * M_ + e) * stride + k], right[(d * M_ + e) * stride + k], value);
            product[c * D + d][k] = value;
          }
      }
    }
    for (size_t c = 0; c < D; ++c)
      for (size_t d = 0; d < D; ++d) {
        double const* __restrict there = spin.G.column((i * spin.n + l) * D + c);
        double const* __restrict back = spin.G.column((l * spin.n + i) * D + d);
        double const* __restrict own = spin.curvature.column((i * D + c) * D + d);
        double const* __restrict JJ = product[c * D + d];
        double const same = i == l ? 1.0 : 0.0;
        double const times = i == l ? 1.0 : 2.0;
        FERMIAC_EACH_WALKER {
          double const H = std::fma(-there[k], back[k], same * own[k]);
          sum[k] = std::fma(times * H, JJ[k], sum[k]);
        }
      }
  }

  /// The direction, and the rates of F where the walkers of a tile go along it: dF = H J d.
  void push_direction(Columns const& direction, size_t tile) {
    jacobian(tile);
    direction_ = Columns(tile_walkers, M_);
    F_rate_ = Columns(tile_walkers, M_);
    Columns dq(tile_walkers, M_);
    for (size_t i = 0; i < M_; ++i) load(direction.column(i), tile, direction_.column(i));
    auto const add_product = [](double const* __restrict a, double const* __restrict b, double sign, double* __restrict sum) {
      FERMIAC_EACH_WALKER sum[k] = std::fma(sign * a[k], b[k], sum[k]);
    };
    for (size_t i = 0; i < M_; ++i)
      for (size_t m = 0; m < M_; ++m) add_product(J_.column(i * M_ + m), direction_.column(m), 1, dq.column(i));
    alignas(64) Tile term;
    for (Spin const& spin : spins_)
      for (size_t i = 0; i < spin.n; ++i)
        for (size_t c = 0; c < D; ++c) {
          double* rate = F_rate_.column((spin.first + i) * D + c);
          for (size_t d = 0; d < D; ++d)
            add_product(spin.curvature.column((i * D + c) * D + d), dq.column((spin.first + i) * D + d), 1, rate);
          for (size_t l = 0; l < spin.n; ++l) {
            std::fill_n(term, tile_walkers, 0.0);
            for (size_t d = 0; d < D; ++d)
              add_product(spin.G.column((l * spin.n + i) * D + d), dq.column((spin.first + l) * D + d), 1, term);
            add_product(spin.G.column((i * spin.n + l) * D + c), term, -1, rate);
          }
        }
  }

  /// F . dq/dp of the displacements, and its rate along the direction.
  void derivatives(size_t tile, bool with_rates) {
    alignas(64) Tile A, U, weight;
    alignas(64) double x[D][tile_walkers];
    Displacement::Rates rates;
    auto const dot = [](auto const& a, auto const& b, double factor, double* __restrict sum) {
      for (size_t c = 0; c < D; ++c) {
        double const* __restrict left = a[c];
        double const* __restrict right = b[c];
        FERMIAC_EACH_WALKER sum[k] = std::fma(factor * left[k], right[k], sum[k]);
      }
    };
    size_t first[n_kinds] = {};
    for (size_t kind = 1; kind < n_kinds; ++kind)
      first[kind] = first[kind - 1] + (has(kind - 1) ? displacement_[kind - 1]->n_parameters() : 0);
    for (size_t i = 0; i < N_; ++i) {
      double const *r[D], *force[D], *r_rate[D] = {}, *F_rate[D] = {};
      for (size_t c = 0; c < D; ++c) {
        r[c] = at(tile, i * D + c);
        force[c] = F(tile, i * D + c);
        if (with_rates) r_rate[c] = direction_.column(i * D + c);
        if (with_rates) F_rate[c] = F_rate_.column(i * D + c);
      }
      square(r, A);
      if (with_rates) {
        std::fill_n(rates.A, tile_walkers, 0.0);
        dot(r, r_rate, 2, rates.A);
      }
      if (has(central)) {
        std::fill_n(weight, tile_walkers, 0.0);
        dot(force, r, 1, weight);
        if (with_rates) {
          std::copy_n(rates.A, tile_walkers, rates.U);
          std::copy_n(rates.A, tile_walkers, rates.B);
          std::fill_n(rates.weight, tile_walkers, 0.0);
          dot(F_rate, r, 1, rates.weight);
          dot(force, r_rate, 1, rates.weight);
        }
        displacement_[central]->add_derivatives(A, radial(tile, i), radial(tile, i), weight, O_.column(first[central]),
                                                with_rates ? &rates : nullptr, along_.column(first[central]));
      }
      for (size_t j = 0; j < N_; ++j) {
        if (j == i || !has(kind_of(i, j))) continue;
        double const* y[D];
        for (size_t c = 0; c < D; ++c) y[c] = at(tile, j * D + c);
        difference(r, y, x);
        square_of(x, U);
        std::fill_n(weight, tile_walkers, 0.0);
        dot(force, x, 1, weight);
        if (with_rates) {
          double const* y_rate[D];
          alignas(64) double x_rate[D][tile_walkers];
          for (size_t c = 0; c < D; ++c) y_rate[c] = direction_.column(j * D + c);
          difference(r_rate, y_rate, x_rate);
          for (double* zero : {rates.U, rates.B, rates.weight}) std::fill_n(zero, tile_walkers, 0.0);
          dot(x, x_rate, 2, rates.U);
          dot(y, y_rate, 2, rates.B);
          dot(F_rate, x, 1, rates.weight);
          dot(force, x_rate, 1, rates.weight);
        }
        size_t const kind = kind_of(i, j);
        displacement_[kind]->add_derivatives(U, radial(tile, i), radial(tile, j), weight, O_.column(first[kind]),
                                             with_rates ? &rates : nullptr, along_.column(first[kind]));
      }
    }
  }

  Layout layout_;
  size_t n_;
  size_t N_;
  size_t M_;
  size_t n_up_;
  size_t n_tiles_;
  std::unique_ptr<Displacement> displacement_[n_kinds];
  std::vector<Spin> spins_;
  double frequency_[D] = {};
  double width_[D] = {};  ///< alpha omega_c; 0 without envelope

  // Of every tile, its columns one after the other.
  Columns at_;           ///< M: where the walkers are; NaN before the first refresh
  Columns q_;            ///< M
  Columns q_proposed_;   ///< M
  Columns F_;            ///< M
  Columns F_proposed_;   ///< M
  Columns to_;           ///< D: where the proposal's particle goes
  Columns radial_;       ///< N: `radial_feature` of each particle
  Columns radial_to_;    ///< 1: of the proposal's, where it goes
  Columns eta_;          ///< N x N: eta(i, j) in column i N + j
  Columns eta_from_;     ///< N: eta(p, j) of the proposal
  Columns eta_to_;       ///< N: eta(j, p)
  Columns determinant_;  ///< 1: of both spins
  Columns determinant_proposed_;

  // Of one tile at a time.
  Columns J_;     ///< M x M, by rows
  Columns bend_;  ///< M
  Columns O_, along_;
  Columns direction_, F_rate_;  ///< M

  bool slopes_known_ = false;     ///< whether F is that of q
  bool slopes_proposed_ = false;  ///< whether F_proposed is that of q_proposed
  bool parameters_changed_ = true;
  double update_error_ = 0;
};

class BackflowForm final : public FactorForm {
 public:
  BackflowForm(System const& system, AnsatzSettings const& ansatz)
      : layout_{system,
                envelope(system, ansatz, "backflow"),
                DisplacementForm::network,
                static_cast<size_t>(ansatz.options.integer("backflow.terms")),
                {}} {
    // Where no two particles are alike the determinants are constants, wherever their coordinates are.
    if (has_like_pairs(system)) {
      layout_.used[like] = true;
      layout_.used[unlike] = has_unlike_pairs(system);
      layout_.used[central] = ansatz.options.flag("backflow.central");
    }
    if (ansatz.options.text("backflow.form") == "pair") layout_.form = DisplacementForm::pair;
  }

  arma::uword n_parameters() const override {
    arma::uword n = layout_.envelope.trainable ? 1 : 0;
    for (size_t kind = 0; kind < n_kinds; ++kind)
      if (auto const displacement = layout_.displacement(kind)) n += displacement->n_parameters();
    return n;
  }
  std::vector<std::string> parameter_names() const override {
    std::vector<std::string> names;
    if (layout_.envelope.trainable) names.push_back("ln_alpha");
    for (size_t kind = 0; kind < n_kinds; ++kind)
      if (auto const displacement = layout_.displacement(kind))
        for (auto const& name : displacement->parameter_names()) names.push_back(kind_names[kind] + ("_" + name));
    return names;
  }
  Exchange exchange() const override { return has_like_pairs(layout_.system) ? Exchange::antisymmetric : Exchange::symmetric; }
  bool confines() const override { return layout_.envelope.on; }
  arma::vec initial_parameters(rng::Stream& stream) const override {
    arma::vec result(n_parameters());
    double* next = result.memptr();
    if (layout_.envelope.trainable) *next++ = simd::log(layout_.envelope.width);
    for (size_t kind = 0; kind < n_kinds; ++kind)
      if (auto const displacement = layout_.displacement(kind)) {
        displacement->begin(stream, next);
        next += displacement->n_parameters();
      }
    return result;
  }
  bool moves_nodes() const override { return has_like_pairs(layout_.system); }
  std::unique_ptr<Factor> make(arma::uword n_walkers) const override {
    switch (layout_.system.dimensions) {
      case 1:
        return std::make_unique<Backflow<1>>(layout_, n_walkers);
      case 2:
        return std::make_unique<Backflow<2>>(layout_, n_walkers);
      default:
        return std::make_unique<Backflow<3>>(layout_, n_walkers);
    }
  }

 private:
  Layout layout_;
};

}  // namespace

FactorKind backflow_kind() {
  return {"backflow",
          "slater at displaced coordinates q_i = x_i (1 + mu) + sum_j (x_i - x_j) eta",
          {choice("backflow.form", "network", {"pair", "network"},
                  "eta of backflow: powers of 1 / (1 + kappa r_ij^2), or a network of r_ij^2, r_i^2, r_j^2"),
           integer("backflow.terms", 4, "powers, or hidden units, of each function of backflow").at_least(1).at_most(256),
           flag("backflow.central", true, "whether backflow moves a particle along its own radius too")},
          [](System const& system, AnsatzSettings const& ansatz) { return std::make_unique<BackflowForm>(system, ansatz); }};
}

}  // namespace fermiac::vmc
