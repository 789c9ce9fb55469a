/// The factor exp(sum_{i<j} u(r_ij)) for any function u of the distance, one for unlike and one for like pairs.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/vmc/factor.hpp"

namespace fermiac::vmc {

enum PairClass : std::size_t { unlike_pair, like_pair };

/// Number of the pair of two different particles.
constexpr std::size_t pair_number(std::size_t p, std::size_t q) { return p < q ? q * (q - 1) / 2 + p : p * (p - 1) / 2 + q; }

/// The class of every pair, by number.
inline std::vector<PairClass> pair_classes(System const& system) {
  std::vector<PairClass> classes;
  for (std::size_t q = 1; q < static_cast<std::size_t>(system.particles); ++q)
    for (std::size_t p = 0; p < q; ++p) classes.push_back(are_like(system, p, q) ? like_pair : unlike_pair);
  return classes;
}

/// Whether there are pairs of each class.
inline std::array<bool, 2> present_pairs(System const& system) { return {has_unlike_pairs(system), has_like_pairs(system)}; }

/// Names of a parameter for each class that is present: "beta_unlike", "beta_like".
inline std::vector<std::string> pair_names(System const& system, std::string const& parameter) {
  std::vector<std::string> names;
  auto const present = present_pairs(system);
  if (present[unlike_pair]) names.push_back(parameter + "_unlike");
  if (present[like_pair]) names.push_back(parameter + "_like");
  return names;
}

/// Kato's conditions: d ln Psi / dr at the contact of a pair of each class, for Coulomb interaction in two or three dimensions.
inline std::array<double, 2> exact_cusps(System const& system) {
  return {1.0 / (system.dimensions - 1), 1.0 / (system.dimensions + 1)};
}

/// What a factor needs of u where slopes are asked for.
struct PairSlope {
  double first;      ///< u' / r
  double laplacian;  ///< u'' + (D - 1) u' / r
};

/// What it needs of the derivative of u in its one parameter.
struct PairSensitivity {
  double value;
  double first;  ///< (d value / dr) / r
};

/// `Function` is u with its numbers, and has, for r > 0,
///
///     double value(double r);   PairSlope slope(double r, double D_minus_1);   PairSensitivity sensitivity(double r);
///
/// Values of u of all pairs are remembered, so that a move computes no more than those of its N - 1 new distances.
template <class Function, std::size_t D>
class PairFactor : public Factor {
 public:
  /// @param slots  which parameter is that of each class, -1 for none
  PairFactor(System const& system, std::array<int, 2> slots, arma::uword n_walkers)
      : n_(n_walkers),
        N_(static_cast<std::size_t>(system.particles)),
        slots_(slots),
        classes_(pair_classes(system)),
        value_(n_walkers, classes_.size()),
        proposed_(n_walkers, N_) {}

  void refresh(Columns const& x) override {
    for (std::size_t q = 1; q < N_; ++q)
      for (std::size_t p = 0; p < q; ++p) {
        auto const pair = pair_number(p, q);
        Function const u = function_[classes_[pair]];
        double* __restrict value = value_.column(pair);
        Sites const sites(x.column(p * D), x.column(q * D), x.stride());
#pragma GCC ivdep
        for (std::size_t k = 0; k < n_; ++k) value[k] = u.value(sites.distance(k));
      }
  }

  void propose(Columns const& x, Proposal const& proposal, Ratio const& ratio) override {
    double* __restrict exponent = ratio.exponent;
    for (std::size_t q = 0; q < N_; ++q) {
      if (q == proposal.particle) continue;
      auto const pair = pair_number(proposal.particle, q);
      Function const u = function_[classes_[pair]];
      double const* __restrict before = value_.column(pair);
      double* __restrict after = proposed_.column(q);
      Sites const sites(proposal.x.column(0), proposal.x.stride(), x.column(q * D), x.stride());
#pragma GCC ivdep
      for (std::size_t k = 0; k < n_; ++k) {
        double const value = u.value(sites.distance(k));
        after[k] = value;
        exponent[k] = std::fma(2.0, value - before[k], exponent[k]);
      }
    }
  }

  void take(Columns const&, Proposal const& proposal, double const* taken) override {
    double const* __restrict mask = taken;
    for (std::size_t q = 0; q < N_; ++q) {
      if (q == proposal.particle) continue;
      double* __restrict value = value_.column(pair_number(proposal.particle, q));
      double const* __restrict after = proposed_.column(q);
#pragma GCC ivdep
      for (std::size_t k = 0; k < n_; ++k) value[k] = mask[k] > 0 ? after[k] : value[k];
    }
  }

  void add_drift(Columns const& x, std::size_t particle, Columns& drift) override {
    add_forces(x, particle, x.column(particle * D), x.stride(), drift);
  }

  void add_proposed_drift(Columns const& x, Proposal const& proposal, Columns& drift) override {
    add_forces(x, proposal.particle, proposal.x.column(0), proposal.x.stride(), drift);
  }

  void add_slope(Columns const& x, Columns& drift, double* laplacian) override {
    double* __restrict curvature = laplacian;
    std::size_t const stride = drift.stride();
    for (std::size_t q = 1; q < N_; ++q)
      for (std::size_t p = 0; p < q; ++p) {
        Function const u = function_[classes_[pair_number(p, q)]];
        Sites const sites(x.column(p * D), x.column(q * D), x.stride());
        double* __restrict drift_p = drift.column(p * D);
        double* __restrict drift_q = drift.column(q * D);
#pragma GCC ivdep
        for (std::size_t k = 0; k < n_; ++k) {
          PairSlope const slope = u.slope(sites.distance(k), D - 1.0);
          curvature[k] = std::fma(2.0, slope.laplacian, curvature[k]);
#pragma GCC unroll 3
          for (std::size_t c = 0; c < D; ++c) {
            double const force = slope.first * sites.shift(k, c);
            drift_p[c * stride + k] += force;
            drift_q[c * stride + k] -= force;
          }
        }
      }
  }

  void log_derivatives(Columns const& x, Columns& O, arma::uword first, Columns const* direction, Columns* along) override {
    for (int const slot : slots_) {
      if (slot < 0) continue;
      std::fill_n(O.column(first + static_cast<arma::uword>(slot)), n_, 0.0);
      if (direction != nullptr) std::fill_n(along->column(first + static_cast<arma::uword>(slot)), n_, 0.0);
    }
    for (std::size_t q = 1; q < N_; ++q)
      for (std::size_t p = 0; p < q; ++p) {
        auto const kind = classes_[pair_number(p, q)];
        if (slots_[kind] < 0) continue;
        auto const column = first + static_cast<arma::uword>(slots_[kind]);
        Function const u = function_[kind];
        Sites const sites(x.column(p * D), x.column(q * D), x.stride());
        double* __restrict result = O.column(column);
        if (direction == nullptr) {
#pragma GCC ivdep
          for (std::size_t k = 0; k < n_; ++k) result[k] += u.sensitivity(sites.distance(k)).value;
          continue;
        }
        double* __restrict slope = along->column(column);
        Sites const turned(direction->column(p * D), direction->column(q * D), direction->stride());
#pragma GCC ivdep
        for (std::size_t k = 0; k < n_; ++k) {
          PairSensitivity const s = u.sensitivity(sites.distance(k));
          result[k] += s.value;
          double product = 0;
#pragma GCC unroll 3
          for (std::size_t c = 0; c < D; ++c) product = std::fma(sites.shift(k, c), turned.shift(k, c), product);
          slope[k] = std::fma(s.first, product, slope[k]);
        }
      }
  }

  void add_log_psi(Columns const&, double* log_psi, double*) override {
    for (std::size_t pair = 0; pair < classes_.size(); ++pair) {
      double const* value = value_.column(pair);
      for (std::size_t k = 0; k < n_; ++k) log_psi[k] += value[k];
    }
  }

 protected:
  std::array<Function, 2> function_ = {};
  std::array<int, 2> const& slots() const { return slots_; }

 private:
  /// Two particles of every walker.
  struct Sites {
    Sites(double const* p, double const* q, std::size_t stride) : Sites(p, stride, q, stride) {}
    Sites(double const* p, std::size_t stride_p, double const* q, std::size_t stride_q) {
      for (std::size_t c = 0; c < D; ++c) {
        first[c] = p + c * stride_p;
        second[c] = q + c * stride_q;
      }
    }
    [[gnu::always_inline]] double shift(std::size_t k, std::size_t c) const { return first[c][k] - second[c][k]; }
    [[gnu::always_inline]] double distance(std::size_t k) const {
      double square = shift(k, 0) * shift(k, 0);
      if constexpr (D > 1) square = std::fma(shift(k, 1), shift(k, 1), square);
      if constexpr (D > 2) square = std::fma(shift(k, 2), shift(k, 2), square);
      return std::sqrt(square);
    }
    double const* first[D];
    double const* second[D];
  };

  void add_forces(Columns const& x, std::size_t particle, double const* at, std::size_t stride_at, Columns& drift) {
    std::size_t const stride = drift.stride();
    double* __restrict force = drift.column(0);
    for (std::size_t q = 0; q < N_; ++q) {
      if (q == particle) continue;
      Function const u = function_[classes_[pair_number(particle, q)]];
      Sites const sites(at, stride_at, x.column(q * D), x.stride());
#pragma GCC ivdep
      for (std::size_t k = 0; k < n_; ++k) {
        double const slope = u.slope(sites.distance(k), D - 1.0).first;
#pragma GCC unroll 3
        for (std::size_t c = 0; c < D; ++c) force[c * stride + k] = std::fma(slope, sites.shift(k, c), force[c * stride + k]);
      }
    }
  }

  std::size_t n_;
  std::size_t N_;
  std::array<int, 2> slots_;
  std::vector<PairClass> classes_;
  Columns value_;     ///< walkers x pairs: u
  Columns proposed_;  ///< walkers x particles: u of the pairs of the particle that is offered a move
};

/// Parameters of the classes that are present, unlike before like.
inline std::array<int, 2> pair_slots(System const& system, bool trainable) {
  auto const present = present_pairs(system);
  int const unlike = trainable && present[unlike_pair] ? 0 : -1;
  int const like = trainable && present[like_pair] ? unlike + 1 : -1;
  return {unlike, like};
}

}  // namespace fermiac::vmc
