/// The factors behind `symmetric_rbm`, one for each kind of inputs.
#pragma once

#include <memory>

#include "fermiac/vmc/factor.hpp"

namespace fermiac::vmc {

std::unique_ptr<Factor> make_pair_rbm(System const& system, std::size_t n_hidden, arma::uword n_walkers);
std::unique_ptr<Factor> make_power_sum_rbm(System const& system, std::size_t n_hidden, arma::uword n_walkers);
std::unique_ptr<Factor> make_permuted_rbm(System const& system, std::size_t n_hidden, arma::uword n_walkers);

inline constexpr std::size_t n_pair_inputs = 3;
/// K of the power sums.
std::size_t n_power_sums(System const& system);

}  // namespace fermiac::vmc
