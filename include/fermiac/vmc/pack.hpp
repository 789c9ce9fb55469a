/// A pack of walkers in the distribution |Psi|^2: moves, local energies, derivatives. What an experiment knows of them.
#pragma once

#include <armadillo>
#include <cstdint>

#include "fermiac/base/context.hpp"
#include "fermiac/rng/philox.hpp"
#include "fermiac/vmc/columns.hpp"
#include "fermiac/vmc/derivative_sums.hpp"

namespace fermiac::vmc {

enum class Sampler {
  metropolis,  ///< single-particle moves in a box, accepted with min(1, |Psi'/Psi|^2)
  langevin,    ///< single-particle moves along the drift, accepted with the ratio of Green's functions
  gibbs        ///< hidden units and coordinates in turn, exactly: a pure restricted Boltzmann machine alone
};

/// Where the random numbers of moves come from: blocks (walker, index) of this stream, some for each single-particle move.
struct MoveStream {
  rng::Key key;
  rng::Purpose purpose;
  std::uint32_t replicate = 0;
};

/// What `Pack::measure` yields for every walker, in atomic units. The local energy is kinetic + trap + interaction.
struct LocalEnergies {
  LocalEnergies() = default;
  explicit LocalEnergies(arma::uword n_walkers) : columns(n_walkers, n_terms) {}

  enum Term : arma::uword {
    energy,                 ///< E_L + control: the one to average
    kinetic,                ///< -1/2 (del^2 Psi) / Psi
    kinetic_from_gradient,  ///< 1/2 |grad ln Psi|^2: the same mean; regularised where Psi has nodes (`ProductPack`)
    trap,                   ///< V
    interaction,            ///< sum over pairs of v(r)
    control,                ///< -Z/2, mean 0; 0 unless the wave function leaves a pole 1/r at contact
    stein,                  ///< x . grad ln |Psi|^2, mean -particles dimensions
    n_terms
  };
  double const* term(Term t) const { return columns.column(t); }

  Columns columns;
};

/// Walkers (0 and up) computed together by one thread, numbered from a first one on; their numbers choose their random streams.
/// Bits depend on nothing but arguments and history: not on thread, architecture or how walkers are dealt to packs.
///
/// **Control variate.** Where two particles meet at which Psi does not vanish, and d ln Psi / dr there is not Kato's, E_L has a
/// pole defect / r, defect = g - (D - 1) cusp, g = 1 for Coulomb interaction and 0 otherwise, whose square has no mean in two
/// dimensions. -Z/2,
///
///     Z = sum_i (del_i^2 G + 2 grad_i ln Psi . grad_i G),    G = defect / (D - 1) sum r_ij exp(-k r_ij),
///
/// summed over unlike pairs, k = sqrt(omega), has mean 0 for every Psi (an integral of div(|Psi|^2 grad G) over |Psi|^2) and
/// cancels the pole. For any O the mean of Z O is minus that of grad G . grad O, so the mean of E_L O is that of
///
///     (E_L - Z/2) O - 1/2 grad G . grad O,
///
/// which has a variance where E_L O has none: `measure` sums it.
///
/// Assaraf & Caffarel, Phys. Rev. Lett. 83, 4682 (1999) (control variates of this kind).
class Pack {
 public:
  virtual ~Pack() = default;

  virtual arma::uword n_walkers() const noexcept = 0;

  /// Takes other parameters, all of the wave function in its order, and refreshes.
  virtual void set_parameters(arma::vec const& parameters) = 0;

  /// Puts the walkers at the rows of `X`, walkers x M, and refreshes.
  virtual void place(arma::mat const& X) = 0;
  virtual arma::mat positions() const = 0;
  /// The same where they are; columns of coordinates.
  virtual Columns const& coordinates() const = 0;

  /// Computes what is remembered of the walkers from their coordinates.
  virtual void refresh() = 0;

  /// Offers every particle of every walker a move.
  /// @param step     metropolis: width of the box, a length; langevin: time step; greater than 0. gibbs: not used
  /// @param sweep    number of this sweep in the stream, below 2^31 / particles
  /// @param context  ticked after every particle; null on threads that must not
  /// @return         moves taken, of n_walkers * particles
  virtual std::uint64_t sweep(double step, MoveStream const& stream, std::uint64_t sweep, Context* context) = 0;

  /// Writes the local energies to `energies` and, where `sums` is given, adds this sample to the sums of the derivatives.
  virtual void measure(LocalEnergies& energies, DerivativeSums* sums) = 0;

  /// O of every walker, walkers x parameters, as it entered the sums of the last `measure` that had some.
  virtual Columns const& derivatives() = 0;

  /// The factor that makes O = d ln Psi / d parameter of the features in `DerivativeSums`, for each parameter.
  virtual arma::vec feature_scale() const = 0;

  virtual arma::vec log_psi() const = 0;          ///< ln |Psi|, up to the norm; walkers
  virtual arma::mat drift() const = 0;            ///< grad ln Psi, walkers x M, inverse length
  virtual arma::vec laplacian() const = 0;        ///< del^2 ln Psi, walkers
  virtual arma::mat log_derivatives() const = 0;  ///< d ln Psi / d parameter, walkers x parameters

  /// Largest relative error that updates of remembered state built up until they were refreshed (`Factor::update_error`).
  virtual double update_error() const { return 0; }
};

}  // namespace fermiac::vmc
