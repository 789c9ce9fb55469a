/// Error and bias of a function of means.
#pragma once

#include <armadillo>
#include <functional>

#include "fermiac/stats/estimate.hpp"

namespace fermiac::stats {

/// A function of the D means; called with D values, must not keep the reference.
using FunctionOfMeans = std::function<double(arma::vec const& means)>;

struct Jackknifed {
  Estimate estimate;  ///< bias-corrected value; as many degrees of freedom as blocks less one
  double plain = 0;   ///< f of the plain means
  double bias = 0;    ///< plain - estimate.value, of order 1/n
};

/// Jackknife of f(mean of the rows of `samples`): rows are cut into `n_blocks` runs of consecutive rows, as equal as can be
/// (a run should be well above the correlation time). With n rows, g blocks of m_j rows, h_j = n / m_j and f_(j) the
/// function without block j:
///
///     f_J = g f - sum_j (1 - 1/h_j) f_(j),
///     error^2 = (1/g) sum_j (h_j f - (h_j - 1) f_(j) - f_J)^2 / (h_j - 1),
///
/// for equal blocks the usual (g - 1)/g sum_j (f_(j) - mean of f_(j))^2.
///
/// @param samples   n x D, one sample (or walker's mean, or block mean) a row
/// @param n_blocks  2 to n; n is delete-one
/// @throws std::logic_error  where n_blocks is not 2 to n
///
/// Right for smooth f only (not for a median). Cost: g + 1 calls of f.
///
/// Quenouille, Biometrika 43 (1956) 353; unequal blocks: Busing, Meijer & van der Leeden, Stat. Comput. 9 (1999) 3, eqs. 5, 8.
Jackknifed jackknife(arma::mat const& samples, arma::uword n_blocks, FunctionOfMeans const& f);

/// Delete-one: n_blocks = n.
Jackknifed jackknife(arma::mat const& samples, FunctionOfMeans const& f);

}  // namespace fermiac::stats
