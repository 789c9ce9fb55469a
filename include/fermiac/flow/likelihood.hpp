/// The likelihood of data under a flow, and its gradient.
///
/// Data x are at t1, the base is the standard normal at t0:
///
///     log p(x) = log N(z(t0)) - integral from t0 to t1 of div f dt     along the path that ends at x,
///     loss = mean over the data of (-log p + penalty)
///
/// The gradient is that of the numbers computed (`flow/adjoint.hpp`). Data are cut into packs of `pack` consecutive rows,
/// shared by the members of a team and their threads; sums over packs are those of `simd::tree_sum`: the same bits on any
/// number of them. Every pack has a vector of n_parameters, so many packs take memory: 8 n_parameters n_packs bytes. Steps for
/// the adjoint are kept within `memory_mb`, shared by the threads, whatever the tolerance.
#pragma once

#include <armadillo>
#include <cstdint>
#include <memory>
#include <vector>

#include "fermiac/base/context.hpp"
#include "fermiac/base/team.hpp"
#include "fermiac/flow/adjoint.hpp"
#include "fermiac/flow/field.hpp"
#include "fermiac/flow/solver.hpp"

namespace fermiac::flow {

struct LikelihoodSettings {
  SolverSettings solver = {};  ///< exact divergence
  double t0 = 0;
  double t1 = 0.5;
  std::uint32_t pack = 100;                       ///< data rows computed together, 1 and up; part of the result
  double memory_mb = Adjoint::default_memory_mb;  ///< of steps, all threads; 0 and up; changes no bits
};

class Likelihood {
 public:
  /// @param field  outlives it; its dimension is the data's, or one more where its last component is a penalty's integral
  /// @throws InputError  as `check(SolverSettings)`
  Likelihood(Field const& field, std::size_t dimension, LikelihoodSettings const& settings);
  ~Likelihood();

  struct Loss {
    double value = 0;          ///< with the penalty
    double negative_log = 0;   ///< mean of -log p
    double penalty = 0;        ///< mean
    double n_evaluations = 0;  ///< mean, of f in the solves
    double n_steps = 0;        ///< mean
  };

  /// Collective over the team.
  /// @param data      a sample a row
  /// @param gradient  of `value` with respect to the parameters, resized; unless null
  /// @throws ItemFailure  where a sample's path cannot be computed, or there is no data
  Loss loss(arma::mat const& data, arma::vec* gradient, Team& team, Context& context);

  /// log p of each sample; where a path cannot be computed, -inf. Collective over the team.
  arma::vec log_densities(arma::mat const& data, Team& team, Context& context);

 private:
  class Worker;

  template <typename Body>
  void for_each_pack(std::uint64_t n_packs, Team& team, Context& context, Body const& body);

  Field const& field_;
  std::size_t dimension_;
  LikelihoodSettings settings_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace fermiac::flow
