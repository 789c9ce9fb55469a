/// All walkers of one item: packs dealt to the members of a team and to threads.
#pragma once

#include <armadillo>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "fermiac/base/context.hpp"
#include "fermiac/base/team.hpp"
#include "fermiac/vmc/comparison.hpp"
#include "fermiac/vmc/observables.hpp"
#include "fermiac/vmc/pack.hpp"
#include "fermiac/vmc/wave_function.hpp"

namespace fermiac::vmc {

/// Sums over the measurements of single walkers, in halves of the run, for errors from independent walkers and for R-hat.
/// Columns: half 0: the terms of `LocalEnergies`, energy^2, (energy - control)^2; half 1: the same.
inline constexpr arma::uword walker_sums_per_half = LocalEnergies::n_terms + 2;

/// What one member holds of a pack.
struct PackState {
  std::unique_ptr<Pack> pack;
  LocalEnergies energies;
  DerivativeSums sums;
  Columns walker_sums;                       ///< walkers x (2 walker_sums_per_half)
  Columns samples;                           ///< of a round that keeps them: walkers x measurements (1 + parameters): E and O
  std::unique_ptr<Observables> observables;  ///< null before `Ensemble::observe`
  std::unique_ptr<Comparison> comparison;    ///< null before `Ensemble::compare`
};

/// What one round does.
struct Round {
  MoveStream stream = {};
  std::uint64_t first_sweep = 0;  ///< its number in the stream
  std::uint32_t n_sweeps = 0;
  std::uint32_t thinning = 0;    ///< measures after every so many sweeps; 0 for never
  bool derivatives = false;      ///< adds to `PackState::sums`
  bool keep_samples = false;     ///< fills `PackState::samples`; asks for derivatives
  bool by_walker = false;        ///< adds to `PackState::walker_sums`
  bool compare = false;          ///< adds to `PackState::comparison`
  std::uint64_t measured = 0;    ///< measurements of the run before this round
  std::uint64_t first_half = 0;  ///< measurements of its first half
  std::uint32_t observe_every =
      0;  ///< adds to `PackState::observables` after every so many measurements of the run; 0 for never
};

class Ensemble {
 public:
  /// @param wave_function  outlives the ensemble
  Ensemble(WaveFunction const& wave_function, Sampler sampler, double node_length, std::uint32_t n_walkers,
           std::uint32_t pack_size, Team& team, Context& context);

  std::uint32_t n_walkers() const noexcept { return n_walkers_; }
  std::uint64_t n_packs() const noexcept { return n_packs_; }
  std::uint32_t walkers_of(std::uint64_t pack) const noexcept;

  void set_parameters(arma::vec const& parameters);
  /// `Pack::feature_scale` at the parameters set last.
  arma::vec feature_scale() const { return scale_; }
  /// X = deviation times normals of block `block` on of every walker's stream of placements.
  void place(rng::Key key, std::uint32_t replicate, std::uint64_t block, double deviation);

  void zero_derivatives(bool with_products);
  double update_error();  ///< largest of all packs at all members
  void zero_walker_sums();
  /// Sets up `PackState::observables`, with nothing counted.
  void observe(ObservableShape const& shape);
  /// Sets up `PackState::comparison`, with nothing added, for the parameters set last.
  void compare(WaveFunction const& theirs, arma::vec const& their_parameters);
  /// What was the second half becomes part of the first.
  void merge_halves();

  /// The samples kept by the last round, at every member: walkers times measurements rows; E, and parameters columns of O.
  arma::mat samples();
  /// sum over these samples of (O . v) O for a vector v of parameters.
  arma::vec sum_of_products(arma::vec const& v);

  struct Moved {
    std::uint64_t offered = 0;
    std::uint64_t taken = 0;
    arma::vec energy_sums;  ///< one for each measurement: sum of the energy over all walkers
    arma::vec square_sums;  ///< and of its square
  };
  /// Begins by refreshing all packs: a run that was resumed has to do so, and the others do the same.
  Moved advance(Round const& round, double step);

  /// Values of every pack at every member: body(pack state, values of the pack) fills `per_pack` of them. By the packs' order.
  std::vector<double> collect(std::uint64_t per_pack, std::function<void(PackState const&, std::span<double>)> const& body);
  /// The inverse: body takes the values of each of this member's packs.
  void distribute(std::span<double const> whole, std::uint64_t per_pack,
                  std::function<void(PackState&, std::span<double const>)> const& body);

 private:
  template <class Body>
  void for_each_pack(Body const& body);

  WaveFunction const& wave_function_;
  double node_length_;
  arma::vec parameters_;
  std::uint32_t n_walkers_;
  std::uint32_t pack_size_;
  std::uint64_t n_packs_;
  std::uint64_t particles_;
  arma::uword n_coordinates_;
  arma::uword n_parameters_;
  std::unique_ptr<Pack> empty_;  ///< no walkers: for members without packs
  arma::vec scale_;
  Team& team_;
  Context& context_;
  Range share_;
  std::vector<PackState> packs_;
};

}  // namespace fermiac::vmc
