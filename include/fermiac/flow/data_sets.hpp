/// Data in the plane to train flows on, with their exact densities where these can be had.
///
/// | name            | samples                                                                                 | entropy    |
/// |-----------------|-----------------------------------------------------------------------------------------|------------|
/// | eight_gaussians | deviation 1/sqrt(8), centres evenly on the circle of radius sqrt(8)                     | quadrature |
/// | two_moons       | two half circles of radius 2 around (-1, -0.2) and (1, 0.8), normal noise of 0.2        | quadrature |
/// | rings           | circles of radius 0.75, 1.5, 2.25, 3 with equal shares, normal noise of 0.08            | quadrature |
/// | checkerboard    | uniform on eight of the sixteen squares of side 2 of a board of side 8                  | ln 32      |
/// | pinwheel        | five arms: normal around (2, 0), deviations (0.6, 0.2), turned by exp(x/2)/4 further    | unknown    |
///
/// Those of Grathwohl et al., FFJORD, ICLR 2019 (arXiv:1810.01367). The densities of the first three are mixtures of normals,
/// over the eight centres or along the curves, where the trapezoidal and the midpoint rule with 512 points a curve are exact to
/// 1e-6 and better.
#pragma once

#include <armadillo>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fermiac/rng/stream.hpp"

namespace fermiac::flow {

/// Their names, in order.
std::vector<std::string> const& data_sets();

/// n x 2 samples, the next of the stream.
arma::mat draw_data(std::string const& name, std::uint64_t n, rng::Stream& stream);

/// log p of each row; none where the density is not known.
std::optional<arma::vec> exact_log_density(std::string const& name, arma::mat const& points);

/// -integral p log p by the trapezoidal rule on a square of side 12 with `n_cells` along it (exponentially convergent for the
/// mixtures; ln 32 for the checkerboard); none where the density is not known.
std::optional<double> exact_entropy(std::string const& name, std::uint64_t n_cells = 400);

}  // namespace fermiac::flow
