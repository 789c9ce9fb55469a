#include "fermiac/optimise/descent.hpp"

#include <cmath>

#include "fermiac/base/error.hpp"

namespace fermiac::optimise {

namespace {

void require_positive(char const* name, double value) {
  if (!(value > 0) || !std::isfinite(value))
    throw InputError(std::string(name) + " must be greater than 0 and finite, not " + std::to_string(value));
}

void require_memory(char const* name, double value) {
  if (!(value >= 0 && value < 1))
    throw InputError(std::string(name) + " must be at least 0 and less than 1, not " + std::to_string(value));
}

void require_finite(arma::vec const& gradient) {
  for (arma::uword i = 0; i < gradient.n_elem; ++i)
    if (!std::isfinite(gradient[i])) throw ItemFailure("component " + std::to_string(i) + " of the gradient is not finite");
}

std::span<double const> view(arma::vec const& values) { return {values.memptr(), values.n_elem}; }
std::span<double> view(arma::vec& values) { return {values.memptr(), values.n_elem}; }

}  // namespace

GradientDescent::GradientDescent(arma::uword n_parameters, double rate, double momentum)
    : rate_(rate), momentum_(momentum), velocity_(n_parameters, arma::fill::zeros) {
  require_positive("the rate", rate);
  require_memory("the momentum", momentum);
}

arma::vec GradientDescent::step(arma::vec const& gradient) {
  FERMIAC_ASSERT(gradient.n_elem == velocity_.n_elem);
  require_finite(gradient);
  for (arma::uword i = 0; i < gradient.n_elem; ++i) velocity_[i] = momentum_ * velocity_[i] - rate_ * gradient[i];
  return velocity_;
}

void GradientDescent::save(Archive& archive, std::string const& prefix) const {
  archive.put(prefix + "velocity", view(velocity_));
}

void GradientDescent::restore(Archive const& archive, std::string const& prefix) {
  archive.take(prefix + "velocity", view(velocity_));
}

Adam::Adam(arma::uword n_parameters, double rate, double beta1, double beta2, double epsilon)
    : rate_(rate),
      beta1_(beta1),
      beta2_(beta2),
      epsilon_(epsilon),
      mean_(n_parameters, arma::fill::zeros),
      mean_square_(n_parameters, arma::fill::zeros) {
  require_positive("the rate", rate);
  require_memory("beta1", beta1);
  require_memory("beta2", beta2);
  require_positive("epsilon", epsilon);
}

arma::vec Adam::step(arma::vec const& gradient) {
  FERMIAC_ASSERT(gradient.n_elem == mean_.n_elem);
  require_finite(gradient);
  beta1_power_ *= beta1_;
  beta2_power_ *= beta2_;
  arma::vec change(gradient.n_elem);
  for (arma::uword i = 0; i < gradient.n_elem; ++i) {
    mean_[i] = beta1_ * mean_[i] + (1 - beta1_) * gradient[i];
    mean_square_[i] = beta2_ * mean_square_[i] + (1 - beta2_) * gradient[i] * gradient[i];
    auto const mean = mean_[i] / (1 - beta1_power_);
    auto const deviation = std::sqrt(mean_square_[i] / (1 - beta2_power_));
    change[i] = -rate_ * mean / (deviation + epsilon_);
  }
  return change;
}

void Adam::save(Archive& archive, std::string const& prefix) const {
  double const powers[] = {beta1_power_, beta2_power_};
  archive.put(prefix + "mean", view(mean_));
  archive.put(prefix + "mean_square", view(mean_square_));
  archive.put(prefix + "powers", powers);
}

void Adam::restore(Archive const& archive, std::string const& prefix) {
  double powers[2];
  archive.take(prefix + "mean", view(mean_));
  archive.take(prefix + "mean_square", view(mean_square_));
  archive.take(prefix + "powers", powers);
  beta1_power_ = powers[0];
  beta2_power_ = powers[1];
}

}  // namespace fermiac::optimise
