/// Maximum likelihood of a neural flow.
///
/// Adam on mini-batches drawn with replacement, the rate falling along a cosine; or L-BFGS on all training data at once,
/// restarted at every check. Every `check_every` iterations the mean of -log p over the validation data is taken; the
/// parameters of the lowest one are kept, and after `patience` checks without a lower one the training ends. What is reported
/// is the log-density of the test data, which no decision saw, without penalty and at `report_tolerance`.
///
/// The same bits on any number of threads and members of the team, and after any interruption.
#pragma once

#include <armadillo>
#include <cstdint>

#include "fermiac/base/context.hpp"
#include "fermiac/base/team.hpp"
#include "fermiac/flow/fields/neural.hpp"
#include "fermiac/flow/likelihood.hpp"
#include "fermiac/rng/philox.hpp"

namespace fermiac::flow {

enum class Optimiser : std::uint8_t { adam, lbfgs };

struct TrainingSettings {
  network::Shape shape = {};
  Penalty penalty = {};
  LikelihoodSettings likelihood = {};  ///< its tolerance is that of training
  Optimiser optimiser = Optimiser::adam;
  std::uint32_t iterations = 1000;
  std::uint32_t batch = 500;       ///< adam: samples of an iteration, 1 and up
  double rate = 5e-3;              ///< adam: greater than 0
  double final_fraction = 0.01;    ///< adam: of the rate that is left in the end, 0 to 1
  std::uint32_t check_every = 50;  ///< iterations, 1 and up
  std::uint32_t patience = 0;      ///< checks; 0: never ends early
  double report_tolerance = 1e-8;
  arma::vec start = {};  ///< parameters to begin with; none: random ones

  std::uint32_t n_checks() const { return (iterations + check_every - 1) / check_every; }
};

struct TrainingData {
  arma::mat training, validation, test;  ///< a sample a row
};

struct TrainingOutcome {
  arma::vec parameters;   ///< those of the lowest validation
  arma::vec loss;         ///< of each iteration, with the penalty; NaN where there was none (lbfgs: at checks alone)
  arma::vec evaluations;  ///< of f, mean over a batch's samples, likewise
  arma::vec validation;   ///< mean of -log p at each check, NaN where there was none
  std::uint32_t iterations = 0;
  arma::vec test_log_density;  ///< of each test sample
};

/// @throws ItemFailure  where a path cannot be computed at parameters that the optimiser came to, or there are no data;
///                      Stopped after saving a checkpoint on request
TrainingOutcome train(TrainingSettings const& settings, TrainingData const& data, rng::Key key, std::uint32_t replicate,
                      Team& team, Context& context);

}  // namespace fermiac::flow
