/// The functions eta and mu by which backflow displaces coordinates.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "elimination.hpp"
#include "fermiac/rng/stream.hpp"

namespace fermiac::vmc {

/// One value for each walker of a tile.
using Tile = double[tile_walkers];

/// What a displacement knows of where a particle is: sqrt(1 + omega r^2).
void radial_feature(double omega, double const* square, double* result);

/// eta(U, A, B) of U = r_ij^2, A = r_i^2, B = r_j^2 for tiles of walkers, or mu(U) of U = r_i^2: one such function with its
/// parameters. All arrays are of `tile_walkers`. In the place of A and B stand their features a = `radial_feature`.
class Displacement {
 public:
  virtual ~Displacement() = default;

  virtual std::size_t n_parameters() const = 0;
  virtual std::vector<std::string> parameter_names() const = 0;
  /// Small ones: |eta| of order 1e-2.
  virtual void begin(rng::Stream& stream, double* parameters) const = 0;
  virtual void set_parameters(double const* parameters) = 0;
  /// Whether eta depends on U alone.
  virtual bool is_symmetric() const = 0;

  virtual void value(double const* U, double const* a_i, double const* a_j, double* eta) const = 0;

  struct Slopes {
    alignas(64) Tile eta, U, A, B, UU, UA, UB, AA, BB;  ///< eta and its derivatives
  };
  virtual void slopes(double const* U, double const* a_i, double const* a_j, Slopes& result) const = 0;

  /// Where all is going: rates of U, A, B and of the weight.
  struct Rates {
    alignas(64) Tile U, A, B, weight;
  };
  /// Adds weight d eta / d parameter to columns `tile_walkers` apart, and, where rates are given, its rate to those at `along`.
  virtual void add_derivatives(double const* U, double const* a_i, double const* a_j, double const* weight, double* O,
                               Rates const* rates, double* along) const = 0;
};

enum class DisplacementForm { pair, network };

/// @param terms    n or h, 1 and up
/// @param central  whether it is mu
std::unique_ptr<Displacement> make_displacement(DisplacementForm form, double omega, std::size_t terms, bool central);

}  // namespace fermiac::vmc
