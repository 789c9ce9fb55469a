#include "fermiac/vmc/factors/pade_jastrow.hpp"

#include "fermiac/simd/functions.hpp"
#include "pair_factor.hpp"

namespace fermiac::vmc {
namespace {

struct Pade {
  double a = 0;
  double beta = 0;

  [[gnu::always_inline]] double value(double r) const { return a * r / std::fma(beta, r, 1.0); }
  // Divisions are the dearest part: one gives 1 / r and 1 / (1 + beta r) both.
  [[gnu::always_inline]] PairSlope slope(double r, double D_minus_1) const {
    double const q = std::fma(beta, r, 1.0);
    double const inverse = 1 / (r * q);
    double const inverse_q = inverse * r;
    double const first = a * inverse_q * inverse;
    return {first, std::fma(D_minus_1, first, -2 * beta * a * (inverse_q * inverse_q) * inverse_q)};
  }
  [[gnu::always_inline]] PairSensitivity sensitivity(double r) const {
    double const inverse_q = 1 / std::fma(beta, r, 1.0);
    double const share = r * inverse_q;
    double const scale = -a * beta;
    return {scale * share * share, 2 * scale * inverse_q * inverse_q * inverse_q};
  }
};

template <std::size_t D>
class PadeJastrow final : public PairFactor<Pade, D> {
 public:
  PadeJastrow(System const& system, arma::uword n_walkers)
      : PairFactor<Pade, D>(system, pair_slots(system, true), n_walkers),
        cusps_(exact_cusps(system)),
        unit_(std::sqrt(system.omega)) {}

  void set_parameters(std::span<double const> parameters) override {
    for (auto const kind : {unlike_pair, like_pair})
      if (int const slot = this->slots()[kind]; slot >= 0)
        this->function_[kind] = {cusps_[kind], unit_ * simd::exp(parameters[static_cast<std::size_t>(slot)])};
  }

 private:
  std::array<double, 2> cusps_;
  double unit_;
};

class PadeJastrowForm final : public FactorForm {
 public:
  PadeJastrowForm(System const& system, AnsatzSettings const& ansatz)
      : system_(system), beta_(ansatz.options.real("pade_jastrow.beta")) {
    if (system.dimensions == 1)
      throw InputError("ansatz.factors", "\"pade_jastrow\" has the cusps of two or three dimensions, not of one");
  }

  arma::uword n_parameters() const override {
    auto const present = present_pairs(system_);
    return arma::uword{present[unlike_pair]} + arma::uword{present[like_pair]};
  }
  std::vector<std::string> parameter_names() const override { return pair_names(system_, "ln_beta"); }
  Exchange exchange() const override { return Exchange::symmetric; }
  Cusp cusp(std::span<double const>) const override {
    auto const cusps = exact_cusps(system_);
    return {cusps[unlike_pair], cusps[like_pair]};
  }
  arma::vec initial_parameters(rng::Stream&) const override {
    arma::vec parameters(n_parameters());
    parameters.fill(simd::log(beta_));
    return parameters;
  }
  std::unique_ptr<Factor> make(arma::uword n_walkers) const override {
    if (system_.dimensions == 2) return std::make_unique<PadeJastrow<2>>(system_, n_walkers);
    return std::make_unique<PadeJastrow<3>>(system_, n_walkers);
  }

 private:
  System system_;
  double beta_;
};

}  // namespace

FactorKind pade_jastrow_kind() {
  return {"pade_jastrow",
          "exp(sum a r / (1 + beta r)) over pairs, exact cusps a, beta of unlike and of like ones",
          {real("pade_jastrow.beta", 0.4, "where beta of exp(a r / (1 + beta r)) begins").unit("sqrt(omega)").above(0)},
          [](System const& system, AnsatzSettings const& ansatz) { return std::make_unique<PadeJastrowForm>(system, ansatz); }};
}

}  // namespace fermiac::vmc
