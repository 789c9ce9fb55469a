/// A pack of walkers in the distribution |Psi|^2 of a restricted Boltzmann machine: moves, local energies, derivatives.
#pragma once

#include <armadillo>
#include <cstdint>
#include <vector>

#include "fermiac/vmc/pack.hpp"
#include "fermiac/vmc/rbm.hpp"
#include "fermiac/vmc/system.hpp"

namespace fermiac::vmc {

/// `n_walkers` walkers (0 and up), numbered from `first_walker` on, computed together by one thread.
///
/// **State**: coordinates X (walkers x M), and hidden units in one of two forms, the same for all walkers of the pack, chosen
/// by `refresh`. *Near*: e_j = exp(theta_j) and P = prod_j (1 + e_j), so that ln F = ln P - |x - a|^2 / (2 sigma^2), while
/// every P is below 2^300. *Far*, for all else: theta_j, e_j = exp(-|theta_j|), A = sum_j |theta_j| and P = prod_j (1 + e_j),
/// so that ln F = (A + sum_j theta_j) / 2 + ln P - |x - a|^2 / (2 sigma^2); with many hidden units, P then holds the factors of
/// the last (H mod 256) units and 2 ln of the others is in A: P^2 cannot overflow. That one walker of a pack is far may thus
/// change the last bits of the others.
///
/// **Moves** (`sweep`). Particle after particle is offered x' = x + step (u - 1/2), each coordinate with its own u, and takes
/// it where
///
///     u P^{2s} < P'^{2s} exp(-s (|x' - a|^2 - |x - a|^2) / sigma^2),    s = 1/2 or 1,
///
/// (far, times exp(s (A' - A + sum_j (theta'_j - theta_j)))), that is with probability min(1, |Psi'/Psi|^2): H + 1
/// exponentials, no logarithm. All u are (k + 1/2) 2^-32 with k of the move's own block of random words, of index sweep *
/// particles + particle (words 0 to dimensions - 1 propose, word 3 decides). e_j changes by factors exp(V_j . (x' - x)), or
/// theta_j by increments where far; both are computed anew by `refresh`, which `set_parameters` and `place` call, and every 64
/// sweeps, so that rounding does not build up. A pack goes far where a P reaches 2^300 or a single step may change theta by
/// hundreds.
///
/// **Gibbs sampling** (`gibbs_sweep`): |Psi|^2 is itself the marginal of a machine, of F for Psi = sqrt(F), and for Psi = F of
/// F^2, in which every hidden unit is there twice, with sigma^2 / 2 and W / 2. Its two conditional distributions,
///
///     h_j | x = 1 with probability 1 / (1 + exp(-theta_j)),   x | h normal, mean a + W h, variance sigma^2,
///
/// are drawn from in turn: every walker moves, nothing is refused, there is no step.
///
/// **Local energies** need no further exponentials but one per pair for the control variate, which is that of `Pack` with all
/// pairs of particles, cusp 0.
///
/// **Features** of the derivatives (`DerivativeSums`):
///
///     parameter   phi                                                O = d ln Psi / d parameter
///     a_i         x_i                                                s (phi - a_i) / sigma^2
///     b_j         p_j = 1 / (1 + exp(-theta_j))                      s phi
///     W_ij        x_i p_j                                            s phi / sigma^2
///     ln sigma    |x - a|^2 / sigma^2 - 2 sum_j (theta_j - b_j) p_j  s phi
///
/// Extremes: theta of any finite size is exact (far, e_j is held above 2^-1021 and A carries it). Two particles in one place
/// have interaction +inf and energy NaN. A coordinate beyond 1e150 gives infinite or NaN energies; a move to where the exponent
/// is NaN is refused.
class RbmPack final : public Pack {
 public:
  /// @param sigma_squared  where sigma is not trained, length^2
  /// @param sampler        metropolis or gibbs: what `sweep` does
  /// @throws InputError    where the system is not one this can do (see `check`), or M is not particles times dimensions
  RbmPack(System const& system, RbmShape const& shape, std::uint32_t first_walker, arma::uword n_walkers,
          double sigma_squared = 1, Sampler sampler = Sampler::metropolis);

  arma::uword n_walkers() const noexcept override { return x_.n_rows(); }

  void set_parameters(arma::vec const& parameters) override;
  void set_parameters(RbmParameters const& parameters);

  void place(arma::mat const& X) override;
  arma::mat positions() const override { return x_.matrix(); }
  Columns const& coordinates() const override { return x_; }

  /// Computes e and P, or theta, e, A and P, of all walkers from their coordinates.
  void refresh() override;

  std::uint64_t sweep(double step, MoveStream const& stream, std::uint64_t sweep, Context* context = nullptr) override;

  /// Draws the hidden units of every walker, and then its coordinates.
  ///
  /// Blocks of the stream: 2^63 + sweep * B on, B = copies * ceil(H / 4) + ceil(M / 2), copies = 1 for sqrt(F) and 2 for F:
  /// none that `sweep` uses. For each copy, unit 4 b + w is chosen with word w of block b, as 1 where (word + 1/2) 2^-32 is
  /// below its probability (which is thereby kept within 2^-33; one below that never happens); then the normals of
  /// `rng::PackStream`.
  /// @param sweep    number of this sweep in the stream, below 2^31 / particles
  /// @param context  ticked once a copy and at the end; null on threads that must not
  /// @return         n_walkers * particles: all move
  std::uint64_t gibbs_sweep(MoveStream const& stream, std::uint64_t sweep, Context* context = nullptr);

  void measure(LocalEnergies& energies, DerivativeSums* sums = nullptr) override;
  Columns const& derivatives() override;
  arma::vec feature_scale() const override;

  arma::vec log_psi() const override;
  arma::mat drift() const override;
  arma::vec laplacian() const override;
  arma::mat log_derivatives() const override;  ///< in the order of `flatten`

 private:
  struct View;
  View view() const;
  void go_far();

  System system_;
  RbmShape shape_;
  std::uint32_t first_walker_;
  double sigma_squared_;  ///< where it is not trained
  Sampler sampler_;

  arma::vec a_;
  arma::vec b_;
  std::vector<double> V_;         ///< W / sigma^2, M x H, row after row
  std::vector<double> V_square_;  ///< sum_i V_ij^2, H
  std::vector<double> V_sum_;     ///< sum_j V_ij, M
  double inverse_sigma_squared_ = 1;
  double largest_of_particle_ = 0;  ///< max over particles of sum |V_ij|
  double largest_of_unit_ = 0;      ///< max over j of sum_i |V_ij|

  bool near_ = false;
  Columns x_;
  Columns theta_;
  Columns e_;
  Columns size_P_;  ///< A, and P
  std::vector<std::uint32_t> words_;
  arma::mat noise_;  ///< normals of a Gibbs sweep
  Columns scratch_;
  Columns derivatives_;
};

}  // namespace fermiac::vmc
