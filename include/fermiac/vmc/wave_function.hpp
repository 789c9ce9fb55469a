/// A wave function as a study chooses it: a product of named factors.
#pragma once

#include <armadillo>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fermiac/rng/stream.hpp"
#include "fermiac/vmc/factor.hpp"
#include "fermiac/vmc/pack.hpp"
#include "fermiac/vmc/system.hpp"

namespace fermiac::vmc {

/// Immutable; parameters are one vector, factor after factor in the order of the product.
///
/// Fermions of one spin need a wave function that changes sign under their exchange: exactly one antisymmetric factor, the
/// others symmetric. Without an antisymmetric factor a product is refused where there are like pairs; with a factor that is
/// neither, it is flagged (`symmetry` is not `exact`): its energy is bounded by the ground state of distinguishable particles
/// alone, which is that of bosons, and E_L has a pole 1/r where like particles meet.
class WaveFunction {
 public:
  /// @throws InputError  naming the key ("ansatz.factors", "system.up", ...) where a factor is unknown, comes twice, or cannot
  /// be had
  ///                     for this system; where the product has no ground state to find (nothing confines the particles)
  WaveFunction(System const& system, AnsatzSettings const& ansatz);

  System const& system() const noexcept { return system_; }

  struct Part {
    std::string name;
    arma::uword first;
    arma::uword n_parameters;
    std::unique_ptr<FactorForm const> form;
  };
  std::vector<Part> const& parts() const noexcept { return parts_; }

  arma::uword n_parameters() const noexcept;
  arma::vec initial_parameters(rng::Stream& stream) const;
  arma::vec units() const;
  Cusp cusp(arma::vec const& parameters) const;
  bool moves_nodes() const;
  bool has_nodes() const;  ///< whether a factor changes sign

  enum class Symmetry {
    exact,  ///< antisymmetric under exchange of like fermions, or symmetric for bosons
    none    ///< neither: flagged
  };
  Symmetry symmetry() const noexcept { return symmetry_; }

  /// Whether this is a restricted Boltzmann machine alone, on raw coordinates, in the isotropic harmonic trap: closed forms are
  /// known, and it has a pack of its own (`RbmPack`).
  bool is_rbm() const noexcept { return is_rbm_; }

  /// @param node_length  see `ProductPack`
  std::unique_ptr<Pack> make_pack(Sampler sampler, std::uint32_t first_walker, arma::uword n_walkers, double node_length) const;

 private:
  System system_;
  AnsatzSettings ansatz_;
  std::vector<Part> parts_;
  Symmetry symmetry_ = Symmetry::exact;
  bool is_rbm_ = false;
};

}  // namespace fermiac::vmc
