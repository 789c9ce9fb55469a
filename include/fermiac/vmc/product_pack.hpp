/// A pack of walkers of any product of factors.
#pragma once

#include <memory>
#include <vector>

#include "fermiac/vmc/factor.hpp"
#include "fermiac/vmc/pack.hpp"
#include "fermiac/vmc/wave_function.hpp"

namespace fermiac::vmc {

/// **Metropolis moves.** As `RbmPack`: x' = x + step (u - 1/2) by coordinate, taken where u denominator < numerator
/// exp(exponent) (`Ratio`). Block (walker, sweep * particles + particle): words 0 to dimensions - 1 propose, word 3 decides.
///
/// **Langevin moves.** With v = grad ln Psi of the moved particle, limited to
///
///     w(v) = v (sqrt(1 + 2 v^2 tau) - 1) / (v^2 tau),
///
/// x' = x + tau w(v(x)) + sqrt(tau) xi, xi normal, taken with probability
///
///     min(1, |Psi'/Psi|^2 G(x' -> x) / G(x -> x')),    G(x -> y) = exp(-|y - x - tau w(v(x))|^2 / (2 tau)),
///
/// v(x') of the moved particle with the others where they are. The limiter tames the drift near nodes; being the same both ways
/// it leaves detailed balance exact. Blocks 2 i and 2 i + 1 of i = sweep * particles + particle: the first makes two normals
/// (Box and Muller of 32-bit uniforms), the second the third, in words 0 and 1, and decides with word 3.
///
/// **Nodes.** At a distance d from a node of Psi, |grad ln Psi|^2 goes like 1/d^2 and |Psi|^2 like d^2: the kinetic energy from
/// the gradient has a mean and no variance, and so have E_L O and O O of parameters that move nodes. `measure` multiplies O
/// where `FactorForm::moves_nodes`, and that energy (with the length node_unit / 10), by
///
///     f = 7 y^6 - 15 y^4 + 9 y^2,   y = d / node_length < 1, and 1 beyond,    d = 1 / |grad ln Psi|,
///
/// which makes variances finite; since f has the mean 1 over y from 0 to 1, the bias is of order node_length^3 alone, as long
/// as the length is well below that over which Psi changes far from nodes. node_length = 0 leaves everything as it is. The
/// local energy itself is never touched.
///
/// Every 64 sweeps the factors are refreshed.
///
/// Umrigar, Nightingale & Runge, J. Chem. Phys. 99, 2865 (1993) (limiter); Pathak & Wagner, AIP Advances 10, 085213 (2020) (f).
class ProductPack final : public Pack {
 public:
  /// @param wave_function  outlives the pack
  /// @param sampler        metropolis or langevin
  /// @param node_length    length, 0 or greater; 0 for no regularisation, that of the kinetic energy included
  ProductPack(WaveFunction const& wave_function, Sampler sampler, std::uint32_t first_walker, arma::uword n_walkers,
              double node_length = 0);

  arma::uword n_walkers() const noexcept override { return x_.n_rows(); }
  void set_parameters(arma::vec const& parameters) override;
  void place(arma::mat const& X) override;
  arma::mat positions() const override { return x_.matrix(); }
  Columns const& coordinates() const override { return x_; }
  void refresh() override;
  std::uint64_t sweep(double step, MoveStream const& stream, std::uint64_t sweep, Context* context = nullptr) override;
  void measure(LocalEnergies& energies, DerivativeSums* sums = nullptr) override;
  Columns const& derivatives() override { return O_; }
  arma::vec feature_scale() const override { return arma::vec(n_parameters_, arma::fill::ones); }
  arma::vec log_psi() const override;
  arma::mat drift() const override;
  arma::vec laplacian() const override;
  arma::mat log_derivatives() const override;
  double update_error() const override;

  arma::vec sign() const;  ///< of Psi, 1 or -1; walkers

  /// The length that shrinks like the slope near nodes grows: (particles / 2)^(-3/4) / sqrt(omega), at most 1 / sqrt(omega).
  /// The slope is taken along all coordinates, its square is twice a kinetic energy, which goes like N^(3/2) in two dimensions.
  static double node_unit(System const& system);

 private:
  std::uint64_t metropolis(double step, MoveStream const& stream, std::uint64_t index);
  std::uint64_t langevin(double tau, MoveStream const& stream, std::uint64_t index);
  void propose();
  std::uint64_t decide(std::uint32_t const* words);
  void compute_slope() const;

  System system_;
  Sampler sampler_;
  std::uint32_t first_walker_;
  arma::uword n_parameters_;
  double node_length_;
  double node_length_of_forms_;
  double defect_ = 0;  ///< g - (D - 1) cusp of unlike pairs (`Pack`), 0 where it needs no control variate
  WaveFunction const* wave_function_;
  std::vector<std::unique_ptr<Factor>> factors_;

  Columns x_;
  Proposal proposal_;
  Columns ratio_;  ///< exponent, numerator, denominator, taken
  std::vector<std::uint32_t> words_;
  mutable Columns here_;       ///< walkers x D, drift of a particle where it is
  mutable Columns there_;      ///< and where it is offered to go
  mutable Columns slope_;      ///< walkers x M: drift of all
  mutable Columns laplacian_;  ///< walkers x 1
  Columns pair_gradient_;      ///< walkers x M: grad G
  mutable Columns O_;          ///< walkers x parameters
  Columns along_;              ///< the same: grad G . grad O
};

}  // namespace fermiac::vmc
