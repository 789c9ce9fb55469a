/// Counting hits: the estimator whose distribution is known to the last digit.
#pragma once

#include <cstdint>

#include "fermiac/base/context.hpp"
#include "fermiac/rng/philox.hpp"

namespace fermiac::estimators {

/// Number of `n_draws` independent uniforms that lie below `probability`: binomial, mean n p, variance n p (1 - p).
///
/// Uniforms are multiples of 2^-52 shifted by 2^-53, so a hit has probability round(p 2^52) / 2^52.
///
/// @param probability  0 to 1
/// @param key          of the point; the draws are those of purpose `draw`, walker 0 of the replicate
std::uint64_t count_below(double probability, std::uint64_t n_draws, rng::Key key, std::uint32_t replicate, Context& context);

}  // namespace fermiac::estimators
