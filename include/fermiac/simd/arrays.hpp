/// The functions of `simd/functions.hpp` over arrays: y[i] = f(x[i]).
///
/// Each value is bit for bit that of the scalar function, whatever stands beside it. `x` and `y` have equal length and are the
/// same array or do not overlap. A length that differs is our own mistake (std::logic_error).
#pragma once

#include <span>

namespace fermiac::simd {

void exp(std::span<double const> x, std::span<double> y);
void log(std::span<double const> x, std::span<double> y);
void log1p(std::span<double const> x, std::span<double> y);
void tanh(std::span<double const> x, std::span<double> y);
void sigmoid(std::span<double const> x, std::span<double> y);
void softplus(std::span<double const> x, std::span<double> y);

/// Both of one angle; `sin` and `cos` do not overlap one another.
void sincos(std::span<double const> x, std::span<double> sin, std::span<double> cos);
void sincos_turns(std::span<double const> x, std::span<double> sin, std::span<double> cos);

}  // namespace fermiac::simd
