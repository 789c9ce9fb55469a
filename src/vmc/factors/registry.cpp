#include "fermiac/vmc/factor.hpp"
#include "fermiac/vmc/factors/backflow.hpp"
#include "fermiac/vmc/factors/gaussian.hpp"
#include "fermiac/vmc/factors/linear_jastrow.hpp"
#include "fermiac/vmc/factors/pade_jastrow.hpp"
#include "fermiac/vmc/factors/rbm.hpp"
#include "fermiac/vmc/factors/simple_jastrow.hpp"
#include "fermiac/vmc/factors/slater.hpp"
#include "fermiac/vmc/factors/symmetric_rbm.hpp"

namespace fermiac::vmc {

std::vector<FactorKind> const& factor_kinds() {
  static std::vector<FactorKind> const kinds = {
      backflow_kind(),        //
      gaussian_kind(),        //
      linear_jastrow_kind(),  //
      pade_jastrow_kind(),    //
      rbm_kind(),             //
      simple_jastrow_kind(),  //
      slater_kind(),          //
      symmetric_rbm_kind(),   //
  };
  return kinds;
}

std::vector<Parameter> const& factor_options() {
  static std::vector<Parameter> const options = [] {
    std::vector<Parameter> all;
    for (auto const& kind : factor_kinds()) all.insert(all.end(), kind.options.begin(), kind.options.end());
    return all;
  }();
  return options;
}

}  // namespace fermiac::vmc
