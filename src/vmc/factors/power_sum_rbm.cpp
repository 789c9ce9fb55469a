#include <algorithm>
#include <cmath>
#include <vector>

#include "fermiac/simd/functions.hpp"
#include "pair_factor.hpp"
#include "symmetric_inputs.hpp"
#include "symmetric_rbm_factors.hpp"

namespace fermiac::vmc {
namespace {

using std::size_t;

constexpr double pair_scales[2] = {1, 9};  // m^2

/// Sums P_k of every walker, changed by what a move changes.
class PowerSumRbm final : public Factor {
 public:
  PowerSumRbm(System const& system, size_t n_hidden, arma::uword n_walkers)
      : n_(n_walkers),
        N_(static_cast<size_t>(system.particles)),
        D_(static_cast<size_t>(system.dimensions)),
        H_(n_hidden),
        K_(n_power_sums(system)),
        omega_(system.omega),
        spread_(mean_square(system)),
        share_(1.0 / system.particles),
        classes_(pair_classes(system)),
        like_begins_(has_unlike_pairs(system) ? 4 : 2),
        b_(n_hidden),
        W_(n_hidden * K_),
        sum_(n_walkers, K_),
        new_sum_(n_walkers, K_),
        log_(n_walkers, 2),
        push_(n_walkers, K_),
        gradient_(n_walkers, K_ * N_ * D_),
        laplacian_(n_walkers, K_),
        turn_(n_walkers, K_),
        work_(n_walkers, 2) {}

  void set_parameters(std::span<double const> parameters) override {
    for (size_t h = 0; h < H_; ++h) {
      b_[h] = parameters[h * (1 + K_)];
      std::copy_n(parameters.begin() + static_cast<std::ptrdiff_t>(h * (1 + K_) + 1), K_,
                  W_.begin() + static_cast<std::ptrdiff_t>(h * K_));
    }
  }

  void refresh(Columns const& x) override {
    sum_.zero();
    for (size_t p = 0; p < N_; ++p) {
      add_particle(x.column(p * D_), x.stride(), 1, sum_);
      for (size_t q = 0; q < p; ++q)
        add_pair(pair_number(p, q), x.column(p * D_), x.stride(), x.column(q * D_), x.stride(), 1, sum_);
    }
    compute_log(sum_, log_.column(0));
  }

  void propose(Columns const& x, Proposal const& proposal, Ratio const& ratio) override {
    size_t const p = proposal.particle;
    std::copy_n(sum_.data(), sum_.stride() * K_, new_sum_.data());
    add_particle(x.column(p * D_), x.stride(), -1, new_sum_);
    add_particle(proposal.x.column(0), proposal.x.stride(), 1, new_sum_);
    for (size_t q = 0; q < N_; ++q) {
      if (q == p) continue;
      add_pair(pair_number(p, q), x.column(p * D_), x.stride(), x.column(q * D_), x.stride(), -1, new_sum_);
      add_pair(pair_number(p, q), proposal.x.column(0), proposal.x.stride(), x.column(q * D_), x.stride(), 1, new_sum_);
    }
    compute_log(new_sum_, log_.column(1));
    double* __restrict exponent = ratio.exponent;
    double const* __restrict before = log_.column(0);
    double const* __restrict after = log_.column(1);
#pragma GCC ivdep
    for (size_t k = 0; k < n_; ++k) exponent[k] = std::fma(2.0, after[k] - before[k], exponent[k]);
  }

  void take(Columns const&, Proposal const&, double const* taken) override {
    for (size_t f = 0; f < K_; ++f) select(sum_.column(f), new_sum_.column(f), taken);
    select(log_.column(0), log_.column(1), taken);
  }

  void add_drift(Columns const& x, size_t particle, Columns& drift) override {
    add_force(x, particle, x.column(particle * D_), x.stride(), sum_, drift);
  }

  void add_proposed_drift(Columns const& x, Proposal const& proposal, Columns& drift) override {
    add_force(x, proposal.particle, proposal.x.column(0), proposal.x.stride(), new_sum_, drift);
  }

  void add_slope(Columns const& x, Columns& drift, double* laplacian) override {
    compute_gradients(x);
    compute_push(sum_);
    double* __restrict curvature = laplacian;
    for (size_t f = 0; f < K_; ++f) {
      double const* __restrict push = push_.column(f);
      double const* __restrict own = laplacian_.column(f);
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) curvature[k] = std::fma(push[k], own[k], curvature[k]);
      for (size_t i = 0; i < N_ * D_; ++i) {
        double* __restrict force = drift.column(i);
        double const* __restrict slope = gradient_.column(f * N_ * D_ + i);
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) force[k] = std::fma(push[k], slope[k], force[k]);
      }
    }
    // The squared gradient of every theta.
    double* __restrict slope = work_.column(0);
    double* __restrict square = work_.column(1);
    for (size_t h = 0; h < H_; ++h) {
      std::fill_n(square, n_, 0.0);
      for (size_t i = 0; i < N_ * D_; ++i) {
        std::fill_n(slope, n_, 0.0);
        for (size_t f = 0; f < K_; ++f) {
          double const* __restrict own = gradient_.column(f * N_ * D_ + i);
          double const w = W_[h * K_ + f];
#pragma GCC ivdep
          for (size_t k = 0; k < n_; ++k) slope[k] = std::fma(w, own[k], slope[k]);
        }
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) square[k] = std::fma(slope[k], slope[k], square[k]);
      }
      compute_theta(sum_, h, slope);
      double const sign = h % 2 == 0 ? 1 : -1;
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) {
        double const p = simd::sigmoid(slope[k]);
        curvature[k] = std::fma(sign * p * (1 - p), square[k], curvature[k]);
      }
    }
  }

  void log_derivatives(Columns const& x, Columns& O, arma::uword first, Columns const* direction, Columns* along) override {
    if (direction != nullptr) {
      compute_gradients(x);
      for (size_t f = 0; f < K_; ++f) {
        double* __restrict turn = turn_.column(f);
        std::fill_n(turn, n_, 0.0);
        for (size_t i = 0; i < N_ * D_; ++i) {
          double const* __restrict slope = gradient_.column(f * N_ * D_ + i);
          double const* __restrict d = direction->column(i);
#pragma GCC ivdep
          for (size_t k = 0; k < n_; ++k) turn[k] = std::fma(slope[k], d[k], turn[k]);
        }
      }
    }
    for (size_t h = 0; h < H_; ++h) {
      double const sign = h % 2 == 0 ? 1 : -1;
      size_t const column = first + h * (1 + K_);
      double* __restrict theta = work_.column(0);
      compute_theta(sum_, h, theta);
      double* __restrict p = O.column(column);
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) p[k] = sign * simd::sigmoid(theta[k]);
      double* p_turn = nullptr;
      if (direction != nullptr) {
        double* __restrict turned = work_.column(1);
        std::fill_n(turned, n_, 0.0);
        for (size_t f = 0; f < K_; ++f) {
          double const* __restrict turn = turn_.column(f);
          double const w = W_[h * K_ + f];
#pragma GCC ivdep
          for (size_t k = 0; k < n_; ++k) turned[k] = std::fma(w, turn[k], turned[k]);
        }
        double* __restrict result = along->column(column);
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) result[k] = p[k] * (1 - sign * p[k]) * turned[k];
        p_turn = result;
      }
      for (size_t f = 0; f < K_; ++f) {
        double const* __restrict sum = sum_.column(f);
        double* __restrict result = O.column(column + 1 + f);
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) result[k] = p[k] * sum[k];
        if (direction == nullptr) continue;
        double const* __restrict turn = turn_.column(f);
        double const* __restrict of_p = p_turn;
        double* __restrict slope = along->column(column + 1 + f);
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) slope[k] = std::fma(of_p[k], sum[k], p[k] * turn[k]);
      }
    }
  }

  void add_log_psi(Columns const&, double* log_psi, double*) override {
    double const* value = log_.column(0);
    for (size_t k = 0; k < n_; ++k) log_psi[k] += value[k];
  }

 private:
  void select(double* __restrict held, double const* __restrict offered, double const* __restrict taken) const {
#pragma GCC ivdep
    for (size_t k = 0; k < n_; ++k) held[k] = taken[k] > 0 ? offered[k] : held[k];
  }

  /// First of the two inputs of a pair.
  size_t input_of(size_t pair) const { return classes_[pair] == unlike_pair ? 2 : like_begins_; }

  [[gnu::always_inline]] static double squared(double const* x, size_t stride, size_t D, size_t k) {
    double square = x[k] * x[k];
    for (size_t c = 1; c < D; ++c) square = std::fma(x[c * stride + k], x[c * stride + k], square);
    return square;
  }

  /// Adds `weight` times a particle's inputs to the sums.
  void add_particle(double const* __restrict x, size_t stride, double weight, Columns& sums) const {
    double* __restrict first = sums.column(0);
    double* __restrict second = sums.column(1);
    double const scaled = weight * share_;
    double const scale = spread_;
    double const omega = omega_;
    size_t const D = D_;
#pragma GCC ivdep
    for (size_t k = 0; k < n_; ++k) {
      double const c = saturating(omega * squared(x, stride, D, k), scale).value;
      first[k] = std::fma(scaled, c, first[k]);
      second[k] = std::fma(scaled * c, c, second[k]);
    }
  }

  void add_pair(size_t pair, double const* __restrict x, size_t stride_x, double const* __restrict y, size_t stride_y,
                double weight, Columns& sums) const {
    double* __restrict first = sums.column(input_of(pair));
    double* __restrict second = sums.column(input_of(pair) + 1);
    double const scaled = weight * share_;
    double const omega = omega_;
    size_t const D = D_;
#pragma GCC ivdep
    for (size_t k = 0; k < n_; ++k) {
      double square = 0;
      for (size_t c = 0; c < D; ++c) {
        double const shift = x[c * stride_x + k] - y[c * stride_y + k];
        square = std::fma(shift, shift, square);
      }
      square *= omega;
      first[k] = std::fma(scaled, saturating(square, pair_scales[0]).value, first[k]);
      second[k] = std::fma(scaled, saturating(square, pair_scales[1]).value, second[k]);
    }
  }

  void compute_theta(Columns const& sums, size_t h, double* __restrict theta) const {
    std::fill_n(theta, n_, b_[h]);
    for (size_t f = 0; f < K_; ++f) {
      double const* __restrict sum = sums.column(f);
      double const w = W_[h * K_ + f];
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) theta[k] = std::fma(w, sum[k], theta[k]);
    }
  }

  void compute_log(Columns const& sums, double* __restrict log) {
    std::fill_n(log, n_, 0.0);
    double* __restrict theta = work_.column(0);
    for (size_t h = 0; h < H_; ++h) {
      compute_theta(sums, h, theta);
      double const sign = h % 2 == 0 ? 1 : -1;
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) log[k] = std::fma(sign, simd::softplus(theta[k]), log[k]);
    }
  }

  /// d ln Psi / d P_k.
  void compute_push(Columns const& sums) {
    push_.zero();
    double* __restrict theta = work_.column(0);
    for (size_t h = 0; h < H_; ++h) {
      compute_theta(sums, h, theta);
      double const sign = h % 2 == 0 ? 1 : -1;
#pragma GCC ivdep
      for (size_t k = 0; k < n_; ++k) theta[k] = sign * simd::sigmoid(theta[k]);
      for (size_t f = 0; f < K_; ++f) {
        double* __restrict push = push_.column(f);
        double const w = W_[h * K_ + f];
#pragma GCC ivdep
        for (size_t k = 0; k < n_; ++k) push[k] = std::fma(w, theta[k], push[k]);
      }
    }
  }

  /// Gradients and Laplacians of all P_k.
  void compute_gradients(Columns const& x) {
    gradient_.zero();
    laplacian_.zero();
    auto const D = static_cast<double>(D_);
    for (size_t p = 0; p < N_; ++p)
      for (size_t k = 0; k < n_; ++k) {
        double const square = omega_ * squared(x.column(p * D_), x.stride(), D_, k);
        RadialFunction const c = saturating(square, spread_);
        RadialFunction const c2{c.value * c.value, 2 * c.value * c.first, 2 * std::fma(c.value, c.second, c.first * c.first)};
        for (size_t f = 0; f < 2; ++f) {
          RadialFunction const& g = f == 0 ? c : c2;
          laplacian_.column(f)[k] = std::fma(share_ * omega_, g.laplacian(D, square), laplacian_.column(f)[k]);
          for (size_t i = p * D_; i < (p + 1) * D_; ++i)
            gradient_.column(f * N_ * D_ + i)[k] = 2 * share_ * omega_ * g.first * x.column(i)[k];
        }
      }
    for (size_t p = 0; p < N_; ++p)
      for (size_t q = 0; q < p; ++q) {
        size_t const begin = input_of(pair_number(p, q));
        for (size_t k = 0; k < n_; ++k) {
          double square = 0;
          for (size_t c = 0; c < D_; ++c) {
            double const shift = x.column(p * D_ + c)[k] - x.column(q * D_ + c)[k];
            square = std::fma(shift, shift, square);
          }
          square *= omega_;
          for (size_t m = 0; m < 2; ++m) {
            RadialFunction const g = saturating(square, pair_scales[m]);
            size_t const f = begin + m;
            laplacian_.column(f)[k] = std::fma(2 * share_ * omega_, g.laplacian(D, square), laplacian_.column(f)[k]);
            for (size_t c = 0; c < D_; ++c) {
              double const push = 2 * share_ * omega_ * g.first * (x.column(p * D_ + c)[k] - x.column(q * D_ + c)[k]);
              gradient_.column(f * N_ * D_ + p * D_ + c)[k] += push;
              gradient_.column(f * N_ * D_ + q * D_ + c)[k] -= push;
            }
          }
        }
      }
  }

  void add_force(Columns const& x, size_t particle, double const* here, size_t stride, Columns const& sums, Columns& drift) {
    compute_push(sums);
    for (size_t k = 0; k < n_; ++k) {
      RadialFunction const c = saturating(omega_ * squared(here, stride, D_, k), spread_);
      double const own = 2 * share_ * omega_ * c.first * std::fma(2 * c.value, push_.column(1)[k], push_.column(0)[k]);
      for (size_t i = 0; i < D_; ++i) drift.column(i)[k] = std::fma(own, here[i * stride + k], drift.column(i)[k]);
    }
    for (size_t q = 0; q < N_; ++q) {
      if (q == particle) continue;
      size_t const begin = input_of(pair_number(particle, q));
      double const* y = x.column(q * D_);
      for (size_t k = 0; k < n_; ++k) {
        double square = 0;
        for (size_t c = 0; c < D_; ++c) {
          double const shift = here[c * stride + k] - y[c * x.stride() + k];
          square = std::fma(shift, shift, square);
        }
        square *= omega_;
        double const push = 2 * share_ * omega_ *
                            std::fma(push_.column(begin)[k], saturating(square, pair_scales[0]).first,
                                     push_.column(begin + 1)[k] * saturating(square, pair_scales[1]).first);
        for (size_t c = 0; c < D_; ++c)
          drift.column(c)[k] = std::fma(push, here[c * stride + k] - y[c * x.stride() + k], drift.column(c)[k]);
      }
    }
  }

  size_t n_;
  size_t N_;
  size_t D_;
  size_t H_;
  size_t K_;
  double omega_;
  double spread_;
  double share_;  ///< 1 / N
  std::vector<PairClass> classes_;
  size_t like_begins_;
  std::vector<double> b_;
  std::vector<double> W_;  ///< unit after unit

  Columns sum_;
  Columns new_sum_;
  Columns log_;  ///< ln Psi here and where a particle is offered to go
  Columns push_;
  Columns gradient_;  ///< walkers x (K M)
  Columns laplacian_;
  Columns turn_;
  Columns work_;
};

}  // namespace

std::size_t n_power_sums(System const& system) {
  return 2 + 2 * (std::size_t{has_unlike_pairs(system)} + std::size_t{has_like_pairs(system)});
}

std::unique_ptr<Factor> make_power_sum_rbm(System const& system, std::size_t n_hidden, arma::uword n_walkers) {
  return std::make_unique<PowerSumRbm>(system, n_hidden, n_walkers);
}

}  // namespace fermiac::vmc
