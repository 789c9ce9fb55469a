/// Two wave functions on the same walkers: by how much the energy of one lies below that of the other.
///
/// Walkers sample |Psi_B|^2; Psi_A is another wave function of the same system. With w = |Psi_A / Psi_B|^2 at every sample,
///
///     E_A = <w E_A,L> / <w>,    gain = E_A - E_B,    E_B = <E_B,L>.
///
/// Both energies come from the same samples, and where the wave functions are alike their noise is too: the error of the
/// difference is that of what tells them apart. It is linearised,
///
///     d_m = (w E_A,L)_m / <w> - E_A w_m / <w> - (E_B,L)_m + E_B,      error^2 = sum_m d_m^2 / (M (M - 1))
///
/// for the means of M independent walkers m. Local energies are those with the control variate of either wave function
/// (`Pack`): that of A has mean 0 under |Psi_A|^2, and so under weights.
///
/// **Nodes.** At a distance d from a node of Psi_B that is none of Psi_A, w goes like 1/d^2 and |Psi_B|^2 like d^2: w has a
/// mean and no variance. Where the nodes may differ (one of them has backflow, and the other not the same), w is multiplied by
/// the f of `ProductPack`, with the same node_length: its variance is finite then, and the bias of order node_length^3 alone.
///
/// `overlap_share` = <w>^2 / <w^2> says how much of the samples counts: 1 where Psi_A is Psi_B, and where it is small the error
/// does not hold, for samples that matter are hardly ever met.
///
/// Ceperley, Chester & Kalos, Phys. Rev. B 16, 3081 (1977) (reweighting); Umrigar, Wilson & Wilkins, Phys. Rev. Lett. 60, 1719
/// (1988) (correlated sampling); Pathak & Wagner, AIP Advances 10, 085213 (2020) (f).
#pragma once

#include <armadillo>
#include <limits>
#include <memory>
#include <vector>

#include "fermiac/stats/estimate.hpp"
#include "fermiac/vmc/columns.hpp"
#include "fermiac/vmc/pack.hpp"
#include "fermiac/vmc/wave_function.hpp"

namespace fermiac::vmc {

/// A wave function with its parameters, for a system that is known.
struct FrozenWaveFunction {
  AnsatzSettings ansatz;
  arma::vec parameters;
};

/// Both wave functions at the walkers of one pack. They are evaluated at rest, anew at every sample, so that nothing depends on
/// how walkers got where they are, and a wave function compared with itself has a gain of exactly 0 with an error of 0.
class Comparison {
 public:
  /// @param ours, theirs  Psi_B, Psi_A; of the same system
  /// @param node_length   a length, 0 and up
  Comparison(WaveFunction const& ours, arma::vec const& our_parameters, WaveFunction const& theirs,
             arma::vec const& their_parameters, double node_length, arma::uword n_walkers);

  /// Adds a sample of each walker, X walkers x M.
  void add(arma::mat const& X);

  /// Columns of the sums over samples, walkers down the rows.
  enum Sum : arma::uword {
    log_scale,      ///< the largest ln w so far: what follows, but for the last, is divided by its exponential
    weight,         ///< w
    weight_square,  ///< w^2, divided by the square
    weight_energy,  ///< w E_A,L
    energy,         ///< E_B,L
    n_sums
  };
  Columns const& sums() const noexcept { return sums_; }
  Columns& sums() noexcept { return sums_; }

 private:
  std::unique_ptr<Pack> ours_;
  std::unique_ptr<Pack> theirs_;
  double node_length_;  ///< 0 where the nodes are the same
  LocalEnergies our_energies_;
  LocalEnergies their_energies_;
  std::vector<double> node_weight_;
  Columns sums_;
};

struct ComparisonEstimates {
  static constexpr double no_value = std::numeric_limits<double>::quiet_NaN();
  stats::Estimate gain{no_value, no_value};    ///< E_A - E_B, atomic units: greater than 0 where Psi_B is the better one
  stats::Estimate energy{no_value, no_value};  ///< E_A
  double overlap_share = no_value;             ///< 0 to 1
};

/// @param sums       of all walkers, walkers x `Comparison::n_sums`
/// @param n_samples  of each walker
ComparisonEstimates compare(arma::mat const& sums, double n_samples);

/// Whether two wave functions of one system are known to vanish in the same places.
bool have_same_nodes(WaveFunction const& a, arma::vec const& a_parameters, WaveFunction const& b,
                     arma::vec const& b_parameters);

}  // namespace fermiac::vmc
