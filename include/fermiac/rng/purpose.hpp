/// What random numbers are drawn for: every purpose has streams of its own.
#pragma once

#include <cstdint>

namespace fermiac::rng {

/// The 8 highest bits of the counter. The numbers enter every result: a purpose is added at the end, never renumbered.
enum class Purpose : std::uint8_t {
  initialise = 0,  ///< starting parameters of a wave function or a network
  place = 1,       ///< starting positions of walkers
  burn_in = 2,     ///< moves before anything is averaged, tuning of steps
  optimise = 3,    ///< sampling while parameters are trained
  choose = 4,      ///< sampling that compares candidates (starts, hyperparameters)
  sample = 5,      ///< sampling with frozen parameters: what the estimates are made of
  draw = 6,        ///< independent draws from a known distribution
  data = 7,        ///< synthetic data sets, their splits and mini-batches
  probe = 8,       ///< probe vectors of stochastic traces
  resample = 9,    ///< bootstrap and other resampling of what was measured
  test = 255       ///< tests and benchmarks; no study uses it
};

}  // namespace fermiac::rng
