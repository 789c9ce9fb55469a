/// Where the particles are: densities, pair densities, angles and distances, with errors from independent walkers.
///
/// Walkers are counted into cells, pack by pack (`Observables`); the sums of all packs then become densities
/// (`observable_estimates`). Nothing is a ratio of two random numbers: samples, cells and pairs are known numbers.
#pragma once

#include <armadillo>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "fermiac/stats/estimate.hpp"
#include "fermiac/vmc/columns.hpp"

namespace fermiac::vmc {

/// What is counted, and into how many cells of equal width.
struct ObservableShape {
  int particles = 2;                 ///< N, at least 1
  int dimensions = 2;                ///< 1, 2 or 3
  int n_up = 1;                      ///< 0 to N: particles 0 ... n_up - 1 are up, the others down; N for bosons
  double length = 1;                 ///< of the trap, 1 / sqrt(omega), greater than 0
  double range = 5;                  ///< greater than 0: R = range length
  std::uint32_t radial_cells = 100;  ///< of r from the centre, 0 to R; 1 and up
  std::uint32_t planar_cells = 50;   ///< along each side of the square -R to R; 1 to 4096
  std::uint32_t pair_cells = 100;    ///< of the distance of two particles, 0 to 2 R; 1 and up
  std::uint32_t angle_cells = 60;    ///< of the angle between two particles, 0 to pi; 1 and up
  std::uint32_t groups_per_pack =
      4;  ///< 1 and up: walkers are dealt to so many groups, in order; errors are the spread of groups
};

/// @throws InputError  naming what is outside its range, or where a group would hold more than 2^27 values
void check(ObservableShape const& shape);

/// Numbers that a pack adds up: those of its groups, one after another.
std::uint64_t n_observable_sums(ObservableShape const& shape);

/// Ends of the cells, in units of length and in radians; one more than cells. Cells hold their lower end.
struct ObservableEdges {
  arma::vec radial;
  arma::vec planar;  ///< empty in one dimension
  arma::vec pair;
  arma::vec angle;  ///< empty but in two dimensions
};
ObservableEdges observable_edges(ObservableShape const& shape);

/// The counts of one pack.
///
/// Counts are integers in doubles, and lengths and inverse lengths are rounded, each, to a multiple of 2^-16 of the unit
/// (`length` and its inverse; the rounding is 4e-6 of the unit at random, and averages out). So all sums are exact up to 2^53
/// (of a typical length some 2^35 pairs), and depend neither on the order of walkers, nor on that of particles of like spin,
/// nor on how packs are added up.
///
/// What lies outside the cells or is not a number is counted in a cell of its own. An angle is known to 1e-12; of a particle in
/// the very centre it is not defined and counts as outside. Two particles in one place have an infinite inverse distance.
class Observables {
 public:
  /// @throws InputError  as `check`
  explicit Observables(ObservableShape const& shape);

  ObservableShape const& shape() const noexcept { return shape_; }

  /// Adds a sample of each walker.
  /// @param X  walkers x (particles dimensions), particle after particle: column particle * dimensions + dimension. Group g
  ///           has the rows `share_of(walkers, groups_per_pack, g)`, so that it is always the same walkers.
  void add(Columns const& X);

  /// Adds what another one of the same shape counted.
  void merge(Observables const& other);
  void zero();

  /// `n_observable_sums` values, to be gathered and saved; written to where a saved state is restored.
  std::span<double const> sums() const noexcept { return sums_; }
  std::span<double> sums() noexcept { return sums_; }

 private:
  template <int D>
  void add_rows(Columns const& X, arma::uword first, arma::uword last, double* sums) const;

  ObservableShape shape_;
  std::vector<double> sums_;
};

/// Values of cells, with standard errors: two columns, (up, down) or (like, unlike). An empty cell has value and error 0,
/// which says no more than that nobody was there.
struct CellEstimates {
  arma::mat value;
  arma::mat error;
  std::array<double, 2> outside{};  ///< mean number of particles or of pairs outside all cells
};

/// With V a cell's volume in d dimensions (between two circles, 2D; 2 (r_2 - r_1), 1D):
///
/// | member        | rows             | value                          | adds up, with what is outside, to                  |
/// |---------------|------------------|--------------------------------|----------------------------------------------------|
/// | radial        | radial_cells     | mean number of particles / V   | sum of value V: particles of that spin             |
/// | planar        | planar_cells^2   | mean number / cell area        | sum of value times area: the same                  |
/// | pair_distance | pair_cells       | mean number of pairs / width   | sum of value times width: pairs of that kind       |
/// | pair_density  | pair_cells       | mean number of pairs / V       | sum of value V: the same                           |
/// | pair_angle    | angle_cells      | mean number of pairs / width   | sum of value times width: the same                 |
///
/// Planar densities: row x + planar_cells y; in three dimensions those of the projection on the plane x-y; none in one.
/// `pair_density` is g(r) without the density of uncorrelated particles divided out: g(0) is what cusp conditions speak of.
/// `pair_angle` is that of the angle, 0 to pi, under which two particles are seen from the centre; in two dimensions only.
struct ObservableEstimates {
  double n_samples = 0;
  CellEstimates radial;
  CellEstimates planar;
  CellEstimates pair_distance;
  CellEstimates pair_density;
  CellEstimates pair_angle;
  std::array<stats::Estimate, 2> distance;          ///< mean of r_ij over pairs, like and unlike; NaN where there are none
  std::array<stats::Estimate, 2> inverse_distance;  ///< mean of 1 / r_ij, likewise
};

/// Means over all samples. With c_g the count and n_g the samples of group g, P groups that have any:
///
///     value = sum_g c_g / sum_g n_g,     error^2 = P / (P - 1) sum_g (c_g - n_g value)^2 / (sum_g n_g)^2,
///
/// for groups of one size the spread of their means; P - 1 degrees of freedom. With fewer than two groups errors are NaN.
/// Right for independent walkers, whatever the correlation of each walker's samples and of cells with one another.
///
/// @param sums  `Observables::sums` of all packs, pack after pack
/// @throws InputError  as `check`; std::logic_error where `sums` is not of whole packs
ObservableEstimates observable_estimates(ObservableShape const& shape, std::span<double const> sums);

}  // namespace fermiac::vmc
