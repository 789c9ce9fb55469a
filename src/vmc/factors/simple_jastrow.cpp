#include "fermiac/vmc/factors/simple_jastrow.hpp"

#include "pair_factor.hpp"

namespace fermiac::vmc {
namespace {

struct Line {
  double b = 0;

  [[gnu::always_inline]] double value(double r) const { return b * r; }
  [[gnu::always_inline]] PairSlope slope(double r, double D_minus_1) const {
    double const first = b / r;
    return {first, D_minus_1 * first};
  }
  [[gnu::always_inline]] PairSensitivity sensitivity(double r) const { return {r, 1 / r}; }
};

template <std::size_t D>
class SimpleJastrow final : public PairFactor<Line, D> {
 public:
  SimpleJastrow(System const& system, arma::uword n_walkers)
      : PairFactor<Line, D>(system, pair_slots(system, true), n_walkers) {}

  void set_parameters(std::span<double const> parameters) override {
    for (auto const kind : {unlike_pair, like_pair})
      if (int const slot = this->slots()[kind]; slot >= 0) this->function_[kind].b = parameters[static_cast<std::size_t>(slot)];
  }
};

class SimpleJastrowForm final : public FactorForm {
 public:
  SimpleJastrowForm(System const& system, AnsatzSettings const& ansatz)
      : system_(system), unit_(std::sqrt(system.omega)), b_(ansatz.options.real("simple_jastrow.b")) {
    if (system.dimensions == 1)
      throw InputError("ansatz.factors", "\"simple_jastrow\" would be a kink in one dimension; there are two or three");
  }

  arma::uword n_parameters() const override {
    auto const present = present_pairs(system_);
    return arma::uword{present[unlike_pair]} + arma::uword{present[like_pair]};
  }
  std::vector<std::string> parameter_names() const override { return pair_names(system_, "b"); }
  Exchange exchange() const override { return Exchange::symmetric; }
  Cusp cusp(std::span<double const> parameters) const override {
    auto const slots = pair_slots(system_, true);
    auto const b = [&](int slot) { return slot < 0 ? 0.0 : parameters[static_cast<std::size_t>(slot)]; };
    return {b(slots[unlike_pair]), b(slots[like_pair])};
  }
  arma::vec initial_parameters(rng::Stream&) const override {
    arma::vec parameters(n_parameters());
    parameters.fill(b_ * unit_);
    return parameters;
  }
  arma::vec units() const override {
    arma::vec units(n_parameters());
    units.fill(unit_);
    return units;
  }
  std::unique_ptr<Factor> make(arma::uword n_walkers) const override {
    if (system_.dimensions == 2) return std::make_unique<SimpleJastrow<2>>(system_, n_walkers);
    return std::make_unique<SimpleJastrow<3>>(system_, n_walkers);
  }

 private:
  System system_;
  double unit_;
  double b_;
};

}  // namespace

FactorKind simple_jastrow_kind() {
  return {
      "simple_jastrow",
      "exp(sum b r) over pairs, b of unlike and of like ones: cusps that are not exact",
      {real("simple_jastrow.b", 0.3, "where b of exp(b r) begins").unit("sqrt(omega)")},
      [](System const& system, AnsatzSettings const& ansatz) { return std::make_unique<SimpleJastrowForm>(system, ansatz); }};
}

}  // namespace fermiac::vmc
