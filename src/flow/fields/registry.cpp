#include "fermiac/base/error.hpp"
#include "fermiac/flow/field.hpp"
#include "fermiac/flow/fields/expression.hpp"
#include "fermiac/flow/fields/linear.hpp"
#include "fermiac/flow/fields/mixture_flow.hpp"
#include "fermiac/flow/fields/neural.hpp"
#include "fermiac/flow/fields/planar.hpp"
#include "fermiac/flow/fields/rotation.hpp"
#include "fermiac/flow/fields/stiff.hpp"
#include "fermiac/flow/fields/tanh_cubed.hpp"

namespace fermiac::flow {

void Field::set_parameters(std::span<double const> parameters) { FERMIAC_ASSERT(parameters.empty()); }

std::vector<FieldKind> const& field_kinds() {
  static std::vector<FieldKind> const kinds = {
      expression_kind(),    //
      linear_kind(),        //
      mixture_flow_kind(),  //
      neural_kind(),        //
      planar_kind(),        //
      rotation_kind(),      //
      stiff_kind(),         //
      tanh_cubed_kind(),    //
  };
  return kinds;
}

std::vector<Parameter> const& field_options() {
  static std::vector<Parameter> const options = [] {
    std::vector<Parameter> all;
    for (auto const& kind : field_kinds()) all.insert(all.end(), kind.options.begin(), kind.options.end());
    return all;
  }();
  return options;
}

std::unique_ptr<Field> make_field(std::string const& name, std::size_t dimension, Parameters const& options) {
  std::vector<std::string> known;
  for (auto const& kind : field_kinds()) {
    if (kind.name == name) return kind.make(dimension, options);
    known.push_back(kind.name);
  }
  throw InputError("flow.field", "there is no field \"" + name + "\" (did you mean " + nearest(name, known) + "?)");
}

}  // namespace fermiac::flow
