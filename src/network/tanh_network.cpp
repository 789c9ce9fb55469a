#include "fermiac/network/tanh_network.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "fermiac/base/error.hpp"

namespace fermiac::network {

using std::size_t;

TanhNetwork::TanhNetwork(Shape shape) : shape_(std::move(shape)) {
  std::vector<size_t> widths = shape_.hidden;
  widths.insert(widths.begin(), shape_.inputs);
  widths.push_back(shape_.outputs);
  for (auto const width : widths)
    if (width == 0) throw InputError("a layer of a network without units");
  size_t n = 0;
  for (size_t l = 0; l + 1 < widths.size(); ++l) {
    bool const last = l + 2 == widths.size();
    Place place;
    place.in = widths[l];
    place.out = widths[l + 1];
    place.W = n;
    place.timed = shape_.layer != Layer::plain;
    place.gated = shape_.layer == Layer::concat_squash && (!last || shape_.output_gate);
    n += place.in * place.out;
    for (auto const& [offset, present] :
         {std::pair{&place.b, true}, {&place.c, place.timed}, {&place.g, place.gated}, {&place.a, place.gated}}) {
      *offset = n;
      if (present) n += place.out;
    }
    layers_.push_back(place);
  }
  bool const square = shape_.inputs == shape_.outputs;
  bool const gated = layers_.back().gated;
  if (square && !gated && shape_.hidden.size() == 1) trace_ = Trace::vector;
  if (square && !gated && shape_.hidden.size() == 2) trace_ = Trace::product;
  set_parameters(std::vector<double>(n, 0.0));
}

void TanhNetwork::set_parameters(std::span<double const> parameters) {
  parameters_.assign(parameters.begin(), parameters.end());
  if (trace_ == Trace::tangents) return;
  size_t const d = shape_.inputs;
  size_t const first = shape_.hidden.front();
  size_t const last = shape_.hidden.back();
  double const* W_in = parameters_.data() + layers_.front().W;
  double const* W_out = parameters_.data() + layers_.back().W;
  if (trace_ == Trace::vector) {
    M_.assign(first, 0.0);
    for (size_t j = 0; j < first; ++j)
      for (size_t i = 0; i < d; ++i) M_[j] = std::fma(W_out[i * first + j], W_in[j * d + i], M_[j]);
    return;
  }
  K_.assign(last * first, 0.0);
  M_.resize(last * first);
  double const* W = parameters_.data() + layers_[1].W;
  for (size_t j = 0; j < last; ++j)
    for (size_t k = 0; k < first; ++k) {
      double sum = 0;
      for (size_t i = 0; i < d; ++i) sum = std::fma(W_out[i * last + j], W_in[k * d + i], sum);
      K_[j * first + k] = sum;
      M_[j * first + k] = W[j * first + k] * sum;
    }
}

void TanhNetwork::initialise(rng::Stream& stream) {
  std::vector<double> values(n_parameters(), 0.0);
  auto const draw = [&](size_t first, size_t n, size_t fans) {
    double const deviation = std::sqrt(2.0 / static_cast<double>(fans));
    for (size_t i = 0; i < n; ++i) values[first + i] = deviation * stream.normal();
  };
  for (auto const& layer : layers_) {
    draw(layer.W, layer.in * layer.out, layer.in + layer.out);
    if (layer.timed) draw(layer.c, layer.out, 1 + layer.out);
    if (layer.gated) draw(layer.g, layer.out, 1 + layer.out);
  }
  set_parameters(values);
}

}  // namespace fermiac::network
