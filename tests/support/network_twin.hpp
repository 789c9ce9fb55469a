/// A tanh network, sample by sample and unit by unit, in long double.
#pragma once

#include <cmath>
#include <vector>

#include "fermiac/network/tanh_network.hpp"
#include "support/differences.hpp"

namespace fermiac::testing {

/// f and its Jacobian, J[i][j] = df_i / dz_j.
struct TwinValues {
  Reals f;
  std::vector<Reals> J;

  Real trace() const {
    Real sum = 0;
    for (std::size_t i = 0; i < f.size(); ++i) sum += J[i][i];
    return sum;
  }
};

inline TwinValues network_twin(network::Shape const& shape, Reals const& theta, Reals const& z, Real t) {
  std::vector<std::size_t> widths = shape.hidden;
  widths.insert(widths.begin(), shape.inputs);
  widths.push_back(shape.outputs);
  Reals x = z;
  std::vector<Reals> tangents(shape.inputs, Reals(shape.inputs, 0));
  for (std::size_t j = 0; j < shape.inputs; ++j) tangents[j][j] = 1;
  std::size_t at = 0;
  for (std::size_t l = 0; l + 1 < widths.size(); ++l) {
    auto const in = widths[l];
    auto const out = widths[l + 1];
    bool const last = l + 2 == widths.size();
    bool const timed = shape.layer != network::Layer::plain;
    bool const gated = shape.layer == network::Layer::concat_squash && (!last || shape.output_gate);
    auto const W = at;
    auto const b = W + in * out;
    auto const c = b + out;
    auto const g = c + (timed ? out : 0);
    auto const a = g + (gated ? out : 0);
    at = a + (gated ? out : 0);
    Reals value(out);
    std::vector<Reals> change(shape.inputs, Reals(out));
    for (std::size_t r = 0; r < out; ++r) {
      Real u = theta[b + r];
      for (std::size_t k = 0; k < in; ++k) u += theta[W + r * in + k] * x[k];
      Real const gate = gated ? 1 / (1 + std::exp(-(theta[g + r] * t + theta[a + r]))) : Real(1);
      Real const y = u * gate + (timed ? theta[c + r] * t : Real(0));
      value[r] = last ? y : std::tanh(y);
      Real const slope = (last ? Real(1) : 1 - value[r] * value[r]) * gate;
      for (std::size_t j = 0; j < shape.inputs; ++j) {
        Real sum = 0;
        for (std::size_t k = 0; k < in; ++k) sum += theta[W + r * in + k] * tangents[j][k];
        change[j][r] = slope * sum;
      }
    }
    x = value;
    tangents = change;
  }
  TwinValues result{x, std::vector<Reals>(shape.outputs, Reals(shape.inputs))};
  for (std::size_t i = 0; i < shape.outputs; ++i)
    for (std::size_t j = 0; j < shape.inputs; ++j) result.J[i][j] = tangents[j][i];
  return result;
}

}  // namespace fermiac::testing
