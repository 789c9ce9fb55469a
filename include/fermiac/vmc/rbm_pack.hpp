/// A pack of walkers in the distribution |Psi|^2 of a restricted Boltzmann machine: moves, local energies, derivatives.
#pragma once

#include <armadillo>
#include <cstdint>
#include <vector>

#include "fermiac/base/context.hpp"
#include "fermiac/rng/philox.hpp"
#include "fermiac/vmc/columns.hpp"
#include "fermiac/vmc/derivative_sums.hpp"
#include "fermiac/vmc/rbm.hpp"
#include "fermiac/vmc/system.hpp"

namespace fermiac::vmc {

/// Where the random numbers of moves come from: block (walker, index) of this stream, one for each single-particle move.
struct MoveStream {
  rng::Key key;
  rng::Purpose purpose;
  std::uint32_t replicate = 0;
};

/// What `RbmPack::measure` yields for every walker, in atomic units. The local energy is kinetic + trap + interaction.
struct LocalEnergies {
  LocalEnergies() = default;
  explicit LocalEnergies(arma::uword n_walkers) : columns(n_walkers, n_terms) {}

  enum Term : arma::uword {
    energy,                 ///< E_L + control: the one to average
    kinetic,                ///< -1/2 (del^2 Psi) / Psi
    kinetic_from_gradient,  ///< 1/2 |grad ln Psi|^2: the same mean
    trap,                   ///< 1/2 omega^2 r^2
    interaction,            ///< sum over pairs of v(r)
    control,                ///< -Z/2, mean 0; 0 unless the interaction is Coulomb's
    stein,                  ///< x . grad ln |Psi|^2, mean -particles dimensions
    n_terms
  };
  double const* term(Term t) const { return columns.column(t); }

  Columns columns;
};

/// `n_walkers` walkers (0 and up), numbered from `first_walker` on, computed together by one thread.
///
/// State: coordinates X (walkers x M), and for each walker theta_j, e_j = exp(-|theta_j|), A = sum_j |theta_j| and
/// P = prod_j (1 + e_j), so that ln F = (A + sum_j theta_j) / 2 + ln P - |x - a|^2 / (2 sigma^2). With many hidden units, P
/// holds the factors of the last (H mod 256) units and 2 ln of the others is in A: P^2 cannot overflow.
///
/// **Moves.** Particle after particle is offered x' = x + step (u - 1/2), each coordinate with its own u, and takes it where
///
///     u P^{2s} < P'^{2s} exp(s (A' - A + sum_j (theta'_j - theta_j) - (|x' - a|^2 - |x - a|^2) / sigma^2)),    s = 1/2 or 1,
///
/// that is with probability min(1, |Psi'/Psi|^2): H + 1 exponentials, no logarithm; the sum over j is linear in the shift. All
/// u are (k + 1/2) 2^-32 with k of the move's own block of random words (words 0 to dimensions - 1 propose, word 3 decides).
/// theta changes by increments; it is computed anew by `refresh`, which `set_parameters` and `place` call, and every 64 sweeps,
/// so that rounding does not build up.
///
/// **Local energies** need no further exponentials but one per pair for the control variate. With Coulomb interaction E_L has a
/// pole 1/r at the contact of two particles, whose square has no mean in two dimensions. The control variate -Z/2,
///
///     Z = sum_i (del_i^2 G + 2 grad_i ln Psi . grad_i G),    G = sum_{i<j} g(r_ij),   g(r) = r exp(-k r) / (dimensions - 1),
///
/// has mean 0 for every Psi (an integral of div(|Psi|^2 grad G) over |Psi|^2) and cancels the pole. k = sqrt(omega).
///
/// **Derivatives.** For any O, the mean of Z O is minus that of grad G . grad O. So the mean of E_L O is that of
/// (E_L - Z/2) O - 1/2 grad G . grad O, which has a variance where E_L O has none: `measure` sums the latter.
///
/// Extremes: theta of any finite size is exact (e_j is held above 2^-1021, A carries it). Two particles in one place have
/// interaction +inf and energy NaN. A coordinate beyond 1e150 gives infinite or NaN energies; a move to where the exponent is
/// NaN is refused.
///
/// Bits depend on nothing but the arguments: not on thread, architecture or how walkers are dealt to packs.
///
/// Assaraf & Caffarel, Phys. Rev. Lett. 83, 4682 (1999) (control variates of this kind).
class RbmPack {
 public:
  /// @throws InputError  where the system is not one this can do (see `check`), or M is not particles times dimensions
  RbmPack(System const& system, RbmShape const& shape, std::uint32_t first_walker, arma::uword n_walkers);

  arma::uword n_walkers() const noexcept { return x_.n_rows(); }

  /// Takes other parameters, and refreshes.
  void set_parameters(RbmParameters const& parameters);

  /// Puts the walkers at the rows of `X`, walkers x M, and refreshes.
  void place(arma::mat const& X);
  arma::mat positions() const { return x_.matrix(); }

  /// Computes theta, e, m and P of all walkers from their coordinates.
  void refresh();

  /// Offers every particle of every walker a move.
  /// @param step     width of the box, a length, greater than 0
  /// @param sweep    number of this sweep in the stream, 0 to 2^32 / particles - 1: its moves have the indices
  ///                 sweep * particles + particle
  /// @param context  ticked after every particle; null on threads that must not
  /// @return         moves taken, of n_walkers * particles
  std::uint64_t sweep(double step, MoveStream const& stream, std::uint64_t sweep, Context* context = nullptr);

  /// Writes the local energies to `energies` and, where `sums` is given, adds this sample to the sums of the derivatives.
  void measure(LocalEnergies& energies, DerivativeSums* sums = nullptr);

  arma::vec log_psi() const;          ///< ln Psi, up to the norm; walkers
  arma::mat drift() const;            ///< grad ln Psi, walkers x M, inverse length
  arma::vec laplacian() const;        ///< del^2 ln Psi, walkers
  arma::mat log_derivatives() const;  ///< d ln Psi / d parameter, walkers x n_parameters, in the order of `flatten`

 private:
  struct View;
  View view() const;
  void go_far();

  System system_;
  RbmShape shape_;
  std::uint32_t first_walker_;

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
  Columns size_P_;  ///< sum_j |theta_j|, and P
  std::vector<std::uint32_t> words_;
  Columns scratch_;
};

}  // namespace fermiac::vmc
