#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "fermiac/simd/functions.hpp"
#include "symmetric_rbm_factors.hpp"

namespace fermiac::vmc {
namespace {

using std::size_t;

/// ln Psi = ln sum_P exp(f_P), f_P = sum_h softplus(theta_h(P x)). Loops over walkers are innermost; nothing but ln Psi is
/// remembered.
class PermutedRbm final : public Factor {
 public:
  PermutedRbm(System const& system, size_t n_hidden, arma::uword n_walkers)
      : n_(n_walkers),
        D_(static_cast<size_t>(system.dimensions)),
        M_(static_cast<size_t>(system.particles) * D_),
        H_(n_hidden),
        b_(n_hidden),
        W_(n_hidden * M_),
        moved_(n_walkers, M_),
        log_(n_walkers, 2),
        work_(n_walkers, 3),
        slope_(n_walkers, M_),
        mean_slope_(n_walkers, M_) {
    std::vector<size_t> order(static_cast<size_t>(system.particles));
    std::iota(order.begin(), order.end(), size_t{0});
    do permutations_.push_back(order);
    while (std::next_permutation(order.begin(), order.end()));
    f_ = Columns(n_walkers, permutations_.size());
    turn_ = Columns(n_walkers, permutations_.size());
  }

  void set_parameters(std::span<double const> parameters) override {
    for (size_t h = 0; h < H_; ++h) {
      b_[h] = parameters[h * (1 + M_)];
      for (size_t i = 0; i < M_; ++i) W_[h * M_ + i] = parameters[h * (1 + M_) + 1 + i];
    }
  }

  void refresh(Columns const& x) override { compute_log(x, log_.column(0)); }

  void propose(Columns const& x, Proposal const& proposal, Ratio const& ratio) override {
    move(x, proposal);
    compute_log(moved_, log_.column(1));
    double* __restrict exponent = ratio.exponent;
    double const* __restrict before = log_.column(0);
    double const* __restrict after = log_.column(1);
#pragma GCC ivdep
    for (size_t k = 0; k < n_; ++k) exponent[k] = std::fma(2.0, after[k] - before[k], exponent[k]);
  }

  void take(Columns const&, Proposal const&, double const* taken) override {
    double* __restrict held = log_.column(0);
    double const* __restrict offered = log_.column(1);
    double const* __restrict mask = taken;
#pragma GCC ivdep
    for (size_t k = 0; k < n_; ++k) held[k] = mask[k] > 0 ? offered[k] : held[k];
  }

  void add_drift(Columns const& x, size_t particle, Columns& drift) override { add_force(x, particle, drift); }

  void add_proposed_drift(Columns const& x, Proposal const& proposal, Columns& drift) override {
    move(x, proposal);
    add_force(moved_, proposal.particle, drift);
  }

  void add_slope(Columns const& x, Columns& drift, double* laplacian) override {
    compute_shares(x);
    mean_slope_.zero();
    double* __restrict curvature = laplacian;
    for (size_t P = 0; P < permutations_.size(); ++P) {
      double* __restrict own = work_.column(2);
      std::fill_n(own, n_, 0.0);
      compute_slope(x, P, own);
      double const* __restrict share = f_.column(P);
      for (size_t i = 0; i < M_; ++i) {
        double const* __restrict slope = slope_.column(i);
        double* __restrict mean = mean_slope_.column(i);
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) {
          own[k] = std::fma(slope[k], slope[k], own[k]);
          mean[k] = std::fma(share[k], slope[k], mean[k]);
        }
      }
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) curvature[k] = std::fma(share[k], own[k], curvature[k]);
    }
    for (size_t i = 0; i < M_; ++i) {
      double const* __restrict mean = mean_slope_.column(i);
      double* __restrict force = drift.column(i);
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) {
        force[k] += mean[k];
        curvature[k] = std::fma(-mean[k], mean[k], curvature[k]);
      }
    }
  }

  void log_derivatives(Columns const& x, Columns& O, arma::uword first, Columns const* direction, Columns* along) override {
    compute_shares(x);
    for (size_t i = 0; i < H_ * (1 + M_); ++i) {
      std::fill_n(O.column(first + i), n_, 0.0);
      if (direction != nullptr) std::fill_n(along->column(first + i), n_, 0.0);
    }
    double* __restrict p = work_.column(0);
    double* __restrict turn = work_.column(1);
    if (direction != nullptr) compute_turns(x, *direction);
    for (size_t P = 0; P < permutations_.size(); ++P) {
      double const* __restrict share = f_.column(P);
      for (size_t h = 0; h < H_; ++h) {
        compute_theta(x, P, h, p);
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) p[k] = simd::sigmoid(p[k]);
        size_t const column = first + h * (1 + M_);
        double* __restrict of_b = O.column(column);
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) of_b[k] = std::fma(share[k], p[k], of_b[k]);
        double* along_b = nullptr;
        if (direction != nullptr) {
          // Derivatives of share times p along the direction; shares change at f's own rate against the mean one.
          compute_theta(*direction, P, h, turn);
          double const* __restrict rate = turn_.column(P);
          double const b = b_[h];
          double* __restrict slope = along->column(column);
#pragma GCC ivdep
          for (size_t k = 0; k < n_; ++k) {
            turn[k] = share[k] * p[k] * std::fma(1 - p[k], turn[k] - b, rate[k]);
            slope[k] += turn[k];
          }
          along_b = turn;
        }
        for (size_t i = 0; i < M_; ++i) {
          double const* __restrict xi = x.column(permuted(P, i));
          double* __restrict result = O.column(column + 1 + i);
#pragma GCC ivdep
          for (size_t k = 0; k < n_; ++k) result[k] = std::fma(share[k] * p[k], xi[k], result[k]);
          if (direction == nullptr) continue;
          double const* __restrict d = direction->column(permuted(P, i));
          double const* __restrict p_turn = along_b;
          double* __restrict slope = along->column(column + 1 + i);
#pragma GCC ivdep
          for (size_t k = 0; k < n_; ++k) slope[k] += std::fma(p_turn[k], xi[k], share[k] * p[k] * d[k]);
        }
      }
    }
  }

  void add_log_psi(Columns const&, double* log_psi, double*) override {
    double const* value = log_.column(0);
    for (size_t k = 0; k < n_; ++k) log_psi[k] += value[k];
  }

 private:
  /// The coordinate that takes the place of coordinate i.
  size_t permuted(size_t P, size_t i) const { return permutations_[P][i / D_] * D_ + i % D_; }

  void move(Columns const& x, Proposal const& proposal) {
    std::copy_n(x.data(), x.stride() * M_, moved_.data());
    for (size_t c = 0; c < D_; ++c) std::copy_n(proposal.x.column(c), n_, moved_.column(proposal.particle * D_ + c));
  }

  void compute_theta(Columns const& x, size_t P, size_t h, double* __restrict theta) const {
    std::fill_n(theta, n_, b_[h]);
    for (size_t i = 0; i < M_; ++i) {
      double const* __restrict xi = x.column(permuted(P, i));
      double const w = W_[h * M_ + i];
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) theta[k] = std::fma(w, xi[k], theta[k]);
    }
  }

  /// f of all permutations and ln Psi.
  void compute_log(Columns const& x, double* __restrict log) {
    double* __restrict theta = work_.column(0);
    double* __restrict largest = work_.column(1);
    for (size_t P = 0; P < permutations_.size(); ++P) {
      double* __restrict f = f_.column(P);
      std::fill_n(f, n_, 0.0);
      for (size_t h = 0; h < H_; ++h) {
        compute_theta(x, P, h, theta);
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) f[k] += simd::softplus(theta[k]);
      }
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) largest[k] = P == 0 || f[k] > largest[k] ? f[k] : largest[k];
    }
    std::fill_n(log, n_, 0.0);
    for (size_t P = 0; P < permutations_.size(); ++P) {
      double const* __restrict f = f_.column(P);
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) log[k] += simd::exp(f[k] - largest[k]);
    }
#pragma GCC ivdep
    for (size_t k = 0; k < n_; ++k) log[k] = largest[k] + simd::log(log[k]);
  }

  /// exp(f_P) / Psi of all permutations, in the columns of f.
  void compute_shares(Columns const& x) {
    double* log = work_.column(2);
    compute_log(x, log);
    for (size_t P = 0; P < permutations_.size(); ++P) {
      double* __restrict f = f_.column(P);
      double const* __restrict value = log;
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) f[k] = simd::exp(f[k] - value[k]);
    }
  }

  /// grad f_P, and del^2 f_P added to `laplacian`.
  void compute_slope(Columns const& x, size_t P, double* __restrict laplacian) {
    slope_.zero();
    double* __restrict p = work_.column(0);
    for (size_t h = 0; h < H_; ++h) {
      compute_theta(x, P, h, p);
      double square = 0;
      for (size_t i = 0; i < M_; ++i) square = std::fma(W_[h * M_ + i], W_[h * M_ + i], square);
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) {
        p[k] = simd::sigmoid(p[k]);
        laplacian[k] = std::fma(square * p[k], 1 - p[k], laplacian[k]);
      }
      for (size_t i = 0; i < M_; ++i) {
        double* __restrict slope = slope_.column(permuted(P, i));
        double const w = W_[h * M_ + i];
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) slope[k] = std::fma(w, p[k], slope[k]);
      }
    }
  }

  /// grad (f_P - ln Psi) . direction of all permutations. Shares have been computed.
  void compute_turns(Columns const& x, Columns const& direction) {
    double* __restrict mean = work_.column(1);
    std::fill_n(mean, n_, 0.0);
    for (size_t P = 0; P < permutations_.size(); ++P) {
      compute_slope(x, P, work_.column(2));
      double* __restrict turn = turn_.column(P);
      double const* __restrict share = f_.column(P);
      std::fill_n(turn, n_, 0.0);
      for (size_t i = 0; i < M_; ++i) {
        double const* __restrict slope = slope_.column(i);
        double const* __restrict d = direction.column(i);
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) turn[k] = std::fma(slope[k], d[k], turn[k]);
      }
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) mean[k] = std::fma(share[k], turn[k], mean[k]);
    }
    for (size_t P = 0; P < permutations_.size(); ++P) {
      double* __restrict turn = turn_.column(P);
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) turn[k] -= mean[k];
    }
  }

  void add_force(Columns const& x, size_t particle, Columns& drift) {
    compute_shares(x);
    for (size_t P = 0; P < permutations_.size(); ++P) {
      compute_slope(x, P, work_.column(2));
      double const* __restrict share = f_.column(P);
      for (size_t c = 0; c < D_; ++c) {
        double const* __restrict slope = slope_.column(particle * D_ + c);
        double* __restrict force = drift.column(c);
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) force[k] = std::fma(share[k], slope[k], force[k]);
      }
    }
  }

  size_t n_;
  size_t D_;
  size_t M_;
  size_t H_;
  std::vector<std::vector<size_t>> permutations_;
  std::vector<double> b_;
  std::vector<double> W_;  ///< unit after unit
  Columns moved_;          ///< all coordinates after the proposal
  Columns log_;            ///< ln Psi here and where a particle is offered to go
  Columns work_;
  Columns slope_;
  Columns mean_slope_;
  Columns f_;
  Columns turn_;
};

}  // namespace

std::unique_ptr<Factor> make_permuted_rbm(System const& system, std::size_t n_hidden, arma::uword n_walkers) {
  return std::make_unique<PermutedRbm>(system, n_hidden, n_walkers);
}

}  // namespace fermiac::vmc
