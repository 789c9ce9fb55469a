/// Exact moments of gradient estimators that relax a categorical draw by Gumbel noise.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace fermiac::estimators {

/// Mean and second moment with what is left out of them.
struct RelaxedMoments {
  double mean = 0, second = 0;
  double mean_error = 0, second_error = 0;
};

/// Of one component j.
struct GumbelMoments {
  RelaxedMoments soft;  ///< (2 / tau) (c_j x_j^2 - x_j sum_k c_k x_k^2): d/dtheta_j of sum_k c_k x_k^2
  RelaxedMoments
      hard;  ///< (2 / tau) c_z x_z ([z = j] - x_j): the same with f' taken at the one-hot vector of z (straight through)
};

/// With x = softmax((log p + g) / tau), g independent standard Gumbel, z the largest of log p + g; for each of `components`.
///
/// With y = exp((log p + g) / tau) and S = sum y, E[prod y_k^{m_k} / S^n] = 1 / Gamma(n) int_0^inf t^{n-1} prod_k E[y_k^{m_k}
/// e^{-t y_k}] dt, a product of integrals over one Gumbel variable each; where z = k, the others are integrated up to log p_k +
/// g_k. Trapezoidal rules in log t and in g, exact to rounding, and for the cumulative integrals the sixth-order rule of six
/// points. Errors are the differences from twice the steps. The p are positive and add up to 1; 0.02 <= tau.
///
/// Cost: about 9e4 (1 / tau + 1) / tau nodes, each of two exponentials and 30 operations a class.
std::vector<GumbelMoments> gumbel_softmax_moments(std::span<double const> p, std::span<double const> c, double tau,
                                                  std::span<std::size_t const> components);

}  // namespace fermiac::estimators
