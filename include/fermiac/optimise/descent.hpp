/// First-order optimisers of noisy functions: gradient descent with momentum, and Adam.
///
/// Both turn a gradient into the change of the parameters; the caller adds it. Their state (moments, number of steps) goes
/// into a checkpoint under a prefix of the caller's choice and continues from there with the same bits.
#pragma once

#include <armadillo>
#include <cstdint>
#include <string>

#include "fermiac/base/archive.hpp"

namespace fermiac::optimise {

/// Gradient descent with momentum (heavy ball):
///
///     v <- momentum v - rate g,     change = v
class GradientDescent {
 public:
  /// @param rate      greater than 0, finite
  /// @param momentum  0 (plain descent) up to but not 1
  /// @throws InputError  where they are outside these ranges
  GradientDescent(arma::uword n_parameters, double rate, double momentum = 0);

  /// The change of the parameters.
  /// @param gradient  n_parameters values
  /// @throws ItemFailure  where a component is not finite; the state is as it was
  arma::vec step(arma::vec const& gradient);

  /// Stores `prefix` + "velocity".
  void save(Archive& archive, std::string const& prefix) const;

  /// @throws SystemError  where the archive lacks it or has it in another length
  void restore(Archive const& archive, std::string const& prefix);

 private:
  double rate_;
  double momentum_;
  arma::vec velocity_;
};

/// Adam, with bias-corrected moments:
///
///     m <- beta1 m + (1 - beta1) g,     v <- beta2 v + (1 - beta2) g^2     (by component)
///     change = -rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
///
/// The first change is -rate sign(g), whatever the scale of the gradient.
///
/// Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015, arXiv:1412.6980, algorithm 1.
class Adam {
 public:
  /// @param rate          greater than 0, finite; the size of a step in each parameter
  /// @param beta1, beta2  0 up to but not 1: memory of the mean and of the mean square
  /// @param epsilon       greater than 0
  /// @throws InputError   where they are outside these ranges
  Adam(arma::uword n_parameters, double rate, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8);

  /// The change of the parameters.
  /// @param gradient  n_parameters values
  /// @throws ItemFailure  where a component is not finite; the state is as it was
  arma::vec step(arma::vec const& gradient);

  /// Stores `prefix` + "mean", "mean_square", "powers" (of beta1 and beta2).
  void save(Archive& archive, std::string const& prefix) const;

  /// @throws SystemError  where the archive lacks one of them or has it in another length
  void restore(Archive const& archive, std::string const& prefix);

 private:
  double rate_;
  double beta1_;
  double beta2_;
  double epsilon_;
  double beta1_power_ = 1;  ///< beta1^t
  double beta2_power_ = 1;
  arma::vec mean_;
  arma::vec mean_square_;
};

}  // namespace fermiac::optimise
