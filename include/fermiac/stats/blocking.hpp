/// Mean and honest error of correlated series, by blocking, while they are sampled.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fermiac/stats/estimate.hpp"

namespace fermiac::stats {

/// Blocking of several chains that advance together, on all levels at once, in memory O(chains x log n).
///
/// Level k holds the means of 2^k consecutive samples of a chain. With N samples in all chains, n_k complete blocks of size
/// B = 2^k and s_k^2 the variance of their means about the common mean (n_k - 1 below), the error of the mean is
///
///     error_k^2 = B s_k^2 / N,   relative error of error_k = 1 / sqrt(2 (n_k - 1)),
///
/// too small while B is not well above the correlation time, ever noisier with larger B. The level is the lowest with
///
///     B^3 > 2 N (error_k / error_0)^4   and at least `fewest_blocks` blocks,
///
/// which balances the two (with n_corr = (error_k / error_0)^2 samples for one independent one, the left over bias of
/// error_k is about n_corr / (4 B), and while B < n_corr the condition asks for B > 2 N: it cannot stop too early).
/// Where no level fulfils it no plateau was reached: the estimate has `converged == false` and the largest error of all
/// levels with `fewest_blocks` blocks (of level 0 where there are none).
///
/// Chains must be independent; chains that sit in different places show as an error that keeps growing with the level.
///
/// Flyvbjerg & Petersen, J. Chem. Phys. 91 (1989) 461; level: Lee, Conduit, Nemec, Lopez Rios & Drummond,
/// Phys. Rev. E 83 (2011) 066706, section III; after Wolff, Comput. Phys. Commun. 156 (2004) 143.
class Blocking {
 public:
  static constexpr std::uint64_t fewest_blocks = 8;
  static constexpr std::size_t max_levels = 40;  ///< a chain holds fewer than 2^40 samples

  /// @throws std::logic_error  where there are no chains
  explicit Blocking(std::size_t n_chains = 1);

  /// The next sample of every chain: `n_chains` values.
  /// @throws std::logic_error  where their number is another
  void add(std::span<double const> row);
  void add(double x) { add({&x, 1}); }  ///< for one chain

  /// Takes in the complete blocks of other, independent chains (any number of them, of any length). Incomplete blocks of
  /// `other` are left out; one's own chains can be continued.
  void merge(Blocking const& other);

  std::size_t n_chains() const noexcept { return n_chains_; }  ///< that `add` expects
  std::uint64_t count() const noexcept;                        ///< samples of all chains, merged ones too
  std::vector<double> chain_means() const;                     ///< of one's own chains: for `mean_of_walkers`

  struct Level {
    std::uint64_t block_size = 0;  ///< B
    std::uint64_t n_blocks = 0;    ///< complete ones, over all chains
    double error = 0;              ///< error_k of the mean
    double error_of_error = 0;     ///< error_k / sqrt(2 (n_k - 1))
  };
  /// Every level with at least two blocks: the plot of error against block size.
  std::vector<Level> levels() const;

  /// Mean of all samples; degrees of freedom n_k - 1.
  Estimate estimate() const;

  /// Integrated autocorrelation time 1/2 + sum_{t>0} rho(t), in samples: (error_k / error_0)^2 / 2 at the level of
  /// `estimate()`, with the statistical error of that. 1/2 for independent samples. NaN where the series is constant.
  Estimate tau() const;

  /// The state as doubles (counts are exact up to 2^53). Adding to a reloaded accumulator gives the same bits as never
  /// having stopped. The size depends on the number of chains only.
  std::size_t state_size() const noexcept { return max_levels * (5 + 3 * n_chains_); }
  void save(std::span<double> state) const;
  /// @throws std::logic_error  where a span has not `state_size()` values
  void load(std::span<double const> state);

 private:
  // Mean and central sum of squares of complete blocks.
  struct Sums {
    std::uint64_t count = 0;
    double mean = 0, m2 = 0;
    void merge(Sums const& other);
  };
  struct Store {
    std::uint64_t n_blocks = 0;             // of each of one's own chains
    bool half_full = false;                 // `pending` holds the first half of the next level's block
    std::vector<double> mean, m2, pending;  // one value a chain
    Sums merged;                            // of other chains
  };

  Store& level(std::size_t k);
  std::vector<Sums> pooled() const;
  struct Choice;
  Choice choose() const;

  std::size_t n_chains_;
  std::vector<Store> levels_;
  std::vector<double> row_;
};

}  // namespace fermiac::stats
