#include "fermiac/vmc/factors/symmetric_rbm.hpp"

#include "fermiac/base/error.hpp"
#include "pair_factor.hpp"
#include "symmetric_rbm_factors.hpp"

namespace fermiac::vmc {
namespace {

enum class Inputs { pairs, power_sums, permutations };

class SymmetricRbmForm final : public FactorForm {
 public:
  SymmetricRbmForm(System const& system, AnsatzSettings const& ansatz)
      : system_(system),
        n_hidden_(static_cast<std::size_t>(ansatz.options.integer("symmetric_rbm.hidden"))),
        weights_(ansatz.options.real("symmetric_rbm.weights")) {
    auto const& inputs = ansatz.options.text("symmetric_rbm.inputs");
    inputs_ = inputs == "pairs" ? Inputs::pairs : inputs == "power_sums" ? Inputs::power_sums : Inputs::permutations;
    if (inputs_ == Inputs::permutations && system.particles > 4)
      throw InputError("symmetric_rbm.inputs", "\"permutations\" is for at most 4 particles, not " +
                                                   std::to_string(system.particles) + "; take \"pairs\"");
  }

  arma::uword n_parameters() const override { return n_machines() * n_hidden_ * (1 + n_inputs()); }
  std::vector<std::string> parameter_names() const override {
    std::vector<std::string> const machines = inputs_ == Inputs::pairs ? pair_names(system_, "") : std::vector<std::string>{""};
    auto const inputs = input_names();
    std::vector<std::string> names;
    for (auto const& machine : machines)
      for (std::size_t h = 0; h < n_hidden_; ++h) {
        std::string const unit = machine + "_" + std::to_string(h);
        names.push_back("b" + unit);
        for (auto const& input : inputs) names.push_back("w" + unit + "_" + input);
      }
    return names;
  }
  Exchange exchange() const override { return Exchange::symmetric; }

  arma::vec initial_parameters(rng::Stream& stream) const override {
    arma::mat values(1 + n_inputs(), n_machines() * n_hidden_);  // a column for each unit
    if (inputs_ == Inputs::permutations) {
      stream.normals({values.memptr(), values.n_elem});
      return weights_ / 5 * arma::vectorise(values);
    }
    for (arma::uword machine = 0; machine < n_machines(); ++machine)
      for (arma::uword h = 0; h < n_hidden_; ++h) {
        auto const column = machine * n_hidden_ + h;
        if (h % 2 == 1) {
          values.col(column) = values.col(column - 1);
        } else if (h + 1 == n_hidden_) {
          values.col(column).zeros();
          values(0, column) = -4;
        } else {
          stream.normals({values.colptr(column), values.n_rows});
          values.col(column) *= weights_;
          // Inputs below 1 get the larger weights.
          for (arma::uword f = inputs_ == Inputs::pairs ? 2 : 1; f < values.n_rows; ++f) values(f, column) *= 2;
        }
      }
    return arma::vectorise(values);
  }

  arma::vec units() const override {
    arma::vec unit(n_parameters(), arma::fill::ones);
    if (inputs_ == Inputs::permutations)
      for (arma::uword i = 0; i < unit.n_elem; ++i)
        if (i % (1 + n_inputs()) > 0) unit[i] = std::sqrt(system_.omega);
    return unit;
  }

  std::unique_ptr<Factor> make(arma::uword n_walkers) const override {
    switch (inputs_) {
      case Inputs::pairs:
        return make_pair_rbm(system_, n_hidden_, n_walkers);
      case Inputs::power_sums:
        return make_power_sum_rbm(system_, n_hidden_, n_walkers);
      default:
        return make_permuted_rbm(system_, n_hidden_, n_walkers);
    }
  }

 private:
  arma::uword n_inputs() const {
    if (inputs_ == Inputs::pairs) return n_pair_inputs;
    if (inputs_ == Inputs::power_sums) return n_power_sums(system_);
    return static_cast<arma::uword>(system_.particles * system_.dimensions);
  }
  std::vector<std::string> input_names() const {
    if (inputs_ == Inputs::pairs) return {"distance", "sum", "product"};
    if (inputs_ == Inputs::permutations) return coordinate_names(system_);
    std::vector<std::string> names{"centre", "centre_squared"};
    for (auto const& pairs : pair_names(system_, ""))
      for (auto const* scale : {"1", "3"}) names.push_back(pairs.substr(1) + "_" + scale);
    return names;
  }
  arma::uword n_machines() const {
    return inputs_ == Inputs::pairs ? arma::uword{has_unlike_pairs(system_)} + arma::uword{has_like_pairs(system_)} : 1;
  }

  System system_;
  std::size_t n_hidden_;
  double weights_;
  Inputs inputs_;
};

}  // namespace

FactorKind symmetric_rbm_kind() {
  return {
      "symmetric_rbm",
      "hidden units of symmetric inputs: pairs and the centre, power sums, or summed over permutations",
      {choice("symmetric_rbm.inputs", "pairs", {"pairs", "power_sums", "permutations"}, "what hidden units see"),
       integer("symmetric_rbm.hidden", 8, "hidden units, of each class of pairs for pairs").at_least(1).at_most(256),
       real("symmetric_rbm.weights", 1.0, "size of the random weights to begin with").at_least(0)},
      [](System const& system, AnsatzSettings const& ansatz) { return std::make_unique<SymmetricRbmForm>(system, ansatz); }};
}

}  // namespace fermiac::vmc
