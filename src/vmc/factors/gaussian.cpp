#include "fermiac/vmc/factors/gaussian.hpp"

#include <cmath>

#include "envelope.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::vmc {
namespace {

class Gaussian final : public Factor {
 public:
  Gaussian(System const& system, bool trainable, arma::uword n_walkers)
      : n_(n_walkers),
        trainable_(trainable),
        dimensions_(static_cast<std::size_t>(system.dimensions)),
        M_(static_cast<std::size_t>(system.particles) * dimensions_) {
    for (std::size_t c = 0; c < dimensions_; ++c) frequency_.push_back(system.omega * system.frequency_ratio[c]);
    set_parameters({});
  }

  void set_parameters(std::span<double const> parameters) override {
    double const alpha = parameters.empty() ? 1.0 : simd::exp(parameters[0]);
    width_.clear();
    for (double const frequency : frequency_) width_.push_back(alpha * frequency);
  }

  void refresh(Columns const&) override {}

  void propose(Columns const& x, Proposal const& proposal, Ratio const& ratio) override {
    double* __restrict exponent = ratio.exponent;
    for (std::size_t c = 0; c < dimensions_; ++c) {
      double const width = width_[c];
      double const* __restrict from = x.column(proposal.particle * dimensions_ + c);
      double const* __restrict to = proposal.x.column(c);
#pragma GCC ivdep
      for (std::size_t k = 0; k < n_; ++k) exponent[k] = std::fma(-width * (to[k] - from[k]), to[k] + from[k], exponent[k]);
    }
  }

  void take(Columns const&, Proposal const&, double const*) override {}

  void add_drift(Columns const& x, std::size_t particle, Columns& drift) override {
    for (std::size_t c = 0; c < dimensions_; ++c) add_force(x.column(particle * dimensions_ + c), width_[c], drift.column(c));
  }

  void add_proposed_drift(Columns const&, Proposal const& proposal, Columns& drift) override {
    for (std::size_t c = 0; c < dimensions_; ++c) add_force(proposal.x.column(c), width_[c], drift.column(c));
  }

  void add_slope(Columns const& x, Columns& drift, double* laplacian) override {
    double sum = 0;
    for (std::size_t i = 0; i < M_; ++i) {
      add_force(x.column(i), width_[i % dimensions_], drift.column(i));
      sum += width_[i % dimensions_];
    }
    for (std::size_t k = 0; k < n_; ++k) laplacian[k] -= sum;
  }

  void log_derivatives(Columns const& x, Columns& O, arma::uword first, Columns const* direction, Columns* along) override {
    if (!trainable_) return;
    width_derivative(x, width_, O.column(first), direction, direction != nullptr ? along->column(first) : nullptr);
  }

  void add_log_psi(Columns const& x, double* log_psi, double*) override { add_log_gaussian(x, width_, log_psi); }

 private:
  void add_force(double const* __restrict x, double width, double* __restrict drift) const {
#pragma GCC ivdep
    for (std::size_t k = 0; k < n_; ++k) drift[k] = std::fma(-width, x[k], drift[k]);
  }

  std::size_t n_;
  bool trainable_;
  std::size_t dimensions_;
  std::size_t M_;
  std::vector<double> frequency_;
  std::vector<double> width_;  ///< alpha times frequency, a direction each
};

class GaussianForm final : public FactorForm {
 public:
  GaussianForm(System const& system, AnsatzSettings const& ansatz)
      : system_(system), trainable_(ansatz.options.flag("gaussian.width_trainable")) {}

  arma::uword n_parameters() const override { return trainable_ ? 1 : 0; }
  std::vector<std::string> parameter_names() const override {
    return trainable_ ? std::vector<std::string>{"ln_alpha"} : std::vector<std::string>();
  }
  Exchange exchange() const override { return Exchange::symmetric; }
  bool confines() const override { return true; }
  arma::vec initial_parameters(rng::Stream&) const override { return arma::vec(n_parameters(), arma::fill::zeros); }
  std::unique_ptr<Factor> make(arma::uword n_walkers) const override {
    return std::make_unique<Gaussian>(system_, trainable_, n_walkers);
  }

 private:
  System system_;
  bool trainable_;
};

}  // namespace

FactorKind gaussian_kind() {
  return {"gaussian",
          "exp(-alpha omega/2 sum r^2)",
          {flag("gaussian.width_trainable", true, "train ln alpha of exp(-alpha omega/2 r^2)")},
          [](System const& system, AnsatzSettings const& ansatz) { return std::make_unique<GaussianForm>(system, ansatz); }};
}

}  // namespace fermiac::vmc
