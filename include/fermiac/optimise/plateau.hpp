/// When a noisy optimisation has come to rest: a stated test of convergence.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fermiac/base/archive.hpp"
#include "fermiac/stats/estimate.hpp"

namespace fermiac::optimise {

struct PlateauOptions {
  std::uint32_t window = 20;  ///< W, at least 2
  double tolerance = 0;       ///< at least 0, unit of the energy
  double z = 3;               ///< at least 0: standard errors that pass for no change
};

/// Compares the mean of the last W energies with that of the W before them. After iteration t,
///
///     change  c = mean(E_{t-W+1} ... E_t) - mean(E_{t-2W+1} ... E_{t-W}),
///     error   e = sqrt((v_1 + v_2) / W),   v = max(mean of the squared errors, variance (n - 1) of the energies) of a window,
///     still   |c| <= max(tolerance, z e),
///
/// and converged where this was so for the last W iterations in a row: after 3 W - 1 iterations at the earliest. The variance
/// of the energies stands for noise of the parameters that the error of a single energy does not know. A rise is a change like
/// a fall, so that a run that goes astray has not converged.
///
/// On a plateau with independent normal noise, W iterations in a row are still with probability at least
/// 1 - W P(|Z| > z) (0.95 for the defaults). A steady slope s is seen where W |s| is well above max(tolerance, z e); it raises
/// e itself, v by s^2 W (W + 1) / 12, so that no slope would be seen with z above sqrt(6 W^2 / (W + 1)): the constructor
/// refuses half of that. Slopes below max(tolerance, z e) / W pass for rest: what is left to be gained is bounded by the window
/// that the user chose. Where walkers go on from one iteration to the next, errors are to hold their correlation.
class Plateau {
 public:
  /// @throws InputError  where an option is outside its range, or z above sqrt(1.5 W^2 / (W + 1)) (3.2 for W = 8 and 5.3
  ///                     for W = 20)
  explicit Plateau(PlateauOptions const& options);

  /// @param error  standard error of `energy`, at least 0
  /// @return       `converged()`
  /// @throws ItemFailure  where one of them is not finite or the error is negative; the state is as it was
  bool add(double energy, double error);

  bool converged() const noexcept { return n_still_ >= options_.window; }
  /// c and e after the last iteration; NaN before there are 2 W.
  stats::Estimate change() const;

  /// Stores `prefix` + "energies", "errors", "counts".
  void save(Archive& archive, std::string const& prefix) const;
  /// @throws SystemError  where the archive lacks one of them or has it in another length
  void restore(Archive const& archive, std::string const& prefix);

 private:
  PlateauOptions options_;
  std::vector<double> energies_;  ///< of the last 2 W iterations; that of iteration t in place t mod 2 W
  std::vector<double> errors_;
  std::uint64_t n_added_ = 0;
  std::uint64_t n_still_ = 0;  ///< iterations in a row
};

}  // namespace fermiac::optimise
