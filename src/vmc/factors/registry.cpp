#include <algorithm>

#include "fermiac/base/error.hpp"
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

std::vector<std::string> factor_names(std::string const& product) {
  std::vector<std::string> names;
  for (std::size_t first = 0; first <= product.size();) {
    std::size_t const end = std::min(product.find('*', first), product.size());
    std::string name = product.substr(first, end - first);
    name.erase(0, name.find_first_not_of(' '));
    name.erase(name.find_last_not_of(' ') + 1);
    if (name.empty()) throw InputError("ansatz.factors", "in \"" + product + "\" the name of a factor is missing");
    names.push_back(name);
    first = end + 1;
  }
  return names;
}

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
