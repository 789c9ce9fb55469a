#include "fermiac/vmc/factors/linear_jastrow.hpp"

#include "fermiac/simd/functions.hpp"
#include "pair_factor.hpp"

namespace fermiac::vmc {
namespace {

struct Linear {
  double c = 0;

  [[gnu::always_inline]] double value(double r) const { return simd::log1p(c * r); }
  [[gnu::always_inline]] PairSlope slope(double r, double D_minus_1) const {
    double const inverse = 1 / (r * std::fma(c, r, 1.0));
    double const rate = c * r * inverse;
    return {c * inverse, std::fma(-rate, rate, D_minus_1 * c * inverse)};
  }
  [[gnu::always_inline]] PairSensitivity sensitivity(double r) const {
    double const inverse = 1 / (r * std::fma(c, r, 1.0));
    double const share = c * r * r * inverse;
    return {share, c * r * inverse * inverse};
  }
};

template <std::size_t D>
class LinearJastrow final : public PairFactor<Linear, D> {
 public:
  LinearJastrow(System const& system, double c, bool trainable, arma::uword n_walkers)
      : PairFactor<Linear, D>(system, pair_slots(system, trainable), n_walkers), unit_(std::sqrt(system.omega)), c_(c) {}

  void set_parameters(std::span<double const> parameters) override {
    Linear const linear{parameters.empty() ? c_ : unit_ * simd::exp(parameters[0])};
    this->function_ = {linear, linear};
  }

 private:
  double unit_;
  double c_;
};

class LinearJastrowForm final : public FactorForm {
 public:
  LinearJastrowForm(System const& system, AnsatzSettings const& ansatz)
      : system_(system),
        c_(ansatz.options.real("linear_jastrow.c")),
        trainable_(ansatz.options.flag("linear_jastrow.trainable")) {
    if (system.particles != 2)
      throw InputError("ansatz.factors",
                       "\"linear_jastrow\" is a factor of two particles, not of " + std::to_string(system.particles));
    if (system.dimensions == 1)
      throw InputError("ansatz.factors", "\"linear_jastrow\" would be a kink in one dimension; there are two or three");
    if (c_ == 0) c_ = exact_cusps(system)[are_like(system, 0, 1) ? like_pair : unlike_pair];
  }

  arma::uword n_parameters() const override { return trainable_ ? 1 : 0; }
  std::vector<std::string> parameter_names() const override {
    return trainable_ ? pair_names(system_, "ln_c") : std::vector<std::string>();
  }
  Exchange exchange() const override { return Exchange::symmetric; }
  Cusp cusp(std::span<double const> parameters) const override {
    double const c = parameters.empty() ? c_ : std::sqrt(system_.omega) * simd::exp(parameters[0]);
    return are_like(system_, 0, 1) ? Cusp{0, c} : Cusp{c, 0};
  }
  arma::vec initial_parameters(rng::Stream&) const override {
    arma::vec parameters(n_parameters());
    parameters.fill(simd::log(c_ / std::sqrt(system_.omega)));
    return parameters;
  }
  std::unique_ptr<Factor> make(arma::uword n_walkers) const override {
    if (system_.dimensions == 2) return std::make_unique<LinearJastrow<2>>(system_, c_, trainable_, n_walkers);
    return std::make_unique<LinearJastrow<3>>(system_, c_, trainable_, n_walkers);
  }

 private:
  System system_;
  double c_;
  bool trainable_;
};

}  // namespace

FactorKind linear_jastrow_kind() {
  return {
      "linear_jastrow",
      "1 + c r of two particles: exact at omega = 1 (2D), 1/2 (3D), like spins 1/3 and 1/4",
      {real("linear_jastrow.c", 0.0, "c of 1 + c r; 0: the exact cusp").unit("1/length").at_least(0),
       flag("linear_jastrow.trainable", false, "train ln c")},
      [](System const& system, AnsatzSettings const& ansatz) { return std::make_unique<LinearJastrowForm>(system, ansatz); }};
}

}  // namespace fermiac::vmc
