#include "fermiac/estimators/experiment.hpp"

namespace fermiac::estimators {

std::string_view name(Measure measure) {
  constexpr std::string_view names[] = {"bias",           "variance",           "mse", "coverage", "width", "bias_difference",
                                        "mse_difference", "coverage_difference"};
  return names[static_cast<std::size_t>(measure)];
}

Outputs::Outputs(std::size_t n_estimators, std::size_t n_intervals, std::size_t n_quantities, std::uint64_t n_replicates)
    : n_quantities_(n_quantities),
      first_low_(n_estimators * n_quantities),
      first_high_((n_estimators + n_intervals) * n_quantities),
      values_(n_replicates, (n_estimators + 2 * n_intervals) * n_quantities, arma::fill::value(arma::datum::nan)) {}

}  // namespace fermiac::estimators
