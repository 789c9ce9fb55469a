/// One replicate of a flow study: samples drawn from a base density, carried through a field, and what they say of its density.
///
/// Densities on a grid come from the flow backward: p(y) = p_0(z(t0; y)) exp(-integral of div f), exact divergence. On a line
/// or in the plane they are integrated by the trapezoidal rule, which converges exponentially for smooth densities that are 0
/// at the borders (Trefethen & Weideman, SIAM Review 56 (2014) 385). Its error is the sum of the difference from the rule of
/// twice the spacing, of the solver's tolerance, and of the tail mass, which bounds the mass outside the grid:
///
///     tail mass = sum over components and both ends of m2 r / (1 - r),   r = m2 / m1,
///
/// m2 the mass of the marginal density in the outer twentieth of the grid at that end, m1 that in the twentieth next to it.
/// Where a marginal's tail is log-concave, masses of equal intervals fall at least as fast as a geometric series, whose rest
/// this is; Gaussian, exponential and bounded tails are. Where r is 1 or more the grid ends before the density falls, and the
/// bound is infinite. Tails that fall like a power of z need a look at the samples outside the grid.
#pragma once

#include <armadillo>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fermiac/base/context.hpp"
#include "fermiac/base/team.hpp"
#include "fermiac/flow/base_density.hpp"
#include "fermiac/flow/solver.hpp"
#include "fermiac/rng/philox.hpp"
#include "fermiac/stats/estimate.hpp"

namespace fermiac::flow {

struct ExperimentSettings {
  double t0 = 0;
  double t1 = 0.5;
  SolverSettings solver = {};
  std::uint64_t n_samples = 100000;
  std::uint64_t n_kept = 0;           ///< first samples whose ends are kept
  std::uint64_t n_checked = 0;        ///< first samples whose ends are held against the truth
  std::uint64_t n_paths = 0;          ///< first samples whose paths are kept
  std::uint64_t n_times = 11;         ///< of a path, the ends included
  std::string event = {};             ///< formula of z1, ... and t whose zeros along the paths are counted; empty: none
  double lower = -6, upper = 6;       ///< of the grid and the histograms, in every component
  std::uint64_t n_cells = 48;         ///< of a histogram
  std::uint64_t points_per_cell = 4;  ///< intervals of the grid in a cell, even; 0: no grid
  double grid_tolerance = 1e-10;      ///< of the solver on the grid
};

/// A number by quadrature.
struct Quadrature {
  double value;
  double error;
};

struct ExperimentOutcome {
  std::array<std::uint64_t, n_statuses> n_status = {};
  double steps = 0, evaluations = 0;  ///< mean over all samples

  // Of the samples that came through.
  arma::vec mean, mean_error;      ///< of each component
  arma::vec second, second_error;  ///< of its square
  arma::vec fourth, fourth_error;  ///< of its fourth power
  stats::Estimate entropy;         ///< -mean log p; NaN where the base has no density, or one probe stands for the divergence
  double probe_error = 0;          ///< root mean square of the probes' standard error of log p; NaN with one probe
  double jensen_bias = 0;          ///< mean of variance / 2
  stats::Estimate kl;              ///< mean of log p - log target
  double w2_gaussian = 0;          ///< 2-Wasserstein distance of the Gaussians with the samples' and the target's moments: at
                                   ///< most that of the densities themselves (Gelbrich 1990), and equal for Gaussians

  // Against the truth, of the samples that were checked.
  double error_z = 0, error_log = 0;  ///< largest
  double beyond = 0;                  ///< share of errors above the tolerance, failed samples included
  double rms_log = 0;                 ///< root mean square error of log p
  stats::Estimate exp_error;          ///< mean of exp(error of log p): 1 for a density
  bool truth_is_closed_form = false;

  // Histograms of each component: cells x components.
  arma::mat count;
  arma::mat expected;               ///< by quadrature; NaN without a grid
  arma::vec chi_square, n_classes;  ///< over cells of at least 10 expected samples, the others joined

  // The grid: n nodes an axis; d = 1 or 2.
  arma::vec nodes;
  arma::vec log_density;  ///< first component fastest
  Quadrature integral, entropy_truth;
  std::vector<Quadrature> mean_truth, second_truth, fourth_truth;
  double tail_mass = 0;  ///< bound of the mass outside

  arma::mat kept;              ///< samples x dimension
  arma::vec kept_log_density;  ///< or the mean of its probes
  arma::vec times;
  arma::cube paths;  ///< sample, component (then log p), time
  std::uint64_t n_events = 0, n_with_event = 0;
  stats::Estimate first_event;  ///< mean time of the first
};

/// @throws InputError  naming flow.event where its formula is wrong; ItemFailure where no sample comes through
ExperimentOutcome run(Field const& field, BaseDensity const& base, BaseDensity const* target,
                      ExperimentSettings const& settings, rng::Key key, std::uint32_t replicate, Team& team, Context& context);

}  // namespace fermiac::flow
