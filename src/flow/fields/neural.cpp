#include "fermiac/flow/fields/neural.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "fermiac/base/error.hpp"

namespace fermiac::flow {
namespace {

using network::NetworkKernel;
using Want = NetworkKernel::Want;

class Kernel final : public FieldKernel {
 public:
  Kernel(network::TanhNetwork const& network, Penalty const& penalty, std::size_t max_lanes)
      : d_(network.shape().inputs),
        penalty_(penalty),
        network_(network, max_lanes, penalty.jacobian != 0 ? Want::jacobian : Want::trace),
        f_(penalty.any() ? max_lanes : 0, d_),
        a_(f_.n_rows(), d_),
        J_bar_(penalty.jacobian != 0 ? max_lanes : 0, d_ * d_) {}

  void evaluate(Lanes const& lanes, Columns& f, double* divergence) override {
    bool const with_jacobian = penalty_.jacobian != 0;
    Want const want = with_jacobian ? Want::jacobian : divergence != nullptr ? Want::trace : Want::nothing;
    network_.evaluate(lanes.n, lanes.t, lanes.z, f, want, divergence);
    if (!penalty_.any()) return;
    double* __restrict sum = f.column(d_);
    std::fill_n(sum, lanes.n, 0.0);
    auto const add_square = [&](double weight, double const* __restrict x) {
      for (std::size_t k = 0; k < lanes.n; ++k) sum[k] = std::fma(weight * x[k], x[k], sum[k]);
    };
    for (std::size_t i = 0; i < d_; ++i) {
      std::copy_n(f.column(i), lanes.n, f_.column(i));
      add_square(penalty_.kinetic, f.column(i));
      if (with_jacobian)
        for (std::size_t j = 0; j < d_; ++j) add_square(penalty_.jacobian, network_.jacobian(i, j));
    }
  }

  void jacobian_product(Lanes const& lanes, Columns const& v, Columns& Jv) override {
    FERMIAC_ASSERT(!penalty_.any());
    network_.jacobian_product(lanes.n, v, Jv);
  }

  void pull_back(Lanes const& lanes, Columns const& a, double const* b, Columns& z_bar, double* theta_bar) override {
    if (!penalty_.any()) {
      network_.pull_back(lanes.n, a, b, z_bar, theta_bar);
      return;
    }
    double const* __restrict weight = a.column(d_);
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict from = a.column(i);
      double const* __restrict f = f_.column(i);
      double* __restrict to = a_.column(i);
      for (std::size_t k = 0; k < lanes.n; ++k) to[k] = std::fma(2 * penalty_.kinetic * weight[k], f[k], from[k]);
    }
    if (penalty_.jacobian == 0) {
      network_.pull_back(lanes.n, a_, b, z_bar, theta_bar);
      return;
    }
    for (std::size_t i = 0; i < d_; ++i)
      for (std::size_t j = 0; j < d_; ++j) {
        double const* __restrict entry = network_.jacobian(i, j);
        double* __restrict to = J_bar_.column(i * d_ + j);
        for (std::size_t k = 0; k < lanes.n; ++k)
          to[k] = 2 * penalty_.jacobian * weight[k] * entry[k] + (i == j && b != nullptr ? b[k] : 0.0);
      }
    network_.pull_back_jacobian(lanes.n, a_, J_bar_, z_bar, theta_bar);
  }

 private:
  std::size_t d_;
  Penalty penalty_;
  NetworkKernel network_;
  Columns f_, a_, J_bar_;
};

class Neural final : public Field {
 public:
  Neural(network::Shape const& shape, Penalty const& penalty) : network_(shape), penalty_(penalty) {}

  std::size_t dimension() const override { return network_.shape().inputs + (penalty_.any() ? 1 : 0); }
  bool is_autonomous() const override { return network_.shape().layer == network::Layer::plain; }
  std::size_t n_parameters() const override { return network_.n_parameters(); }
  std::span<double const> parameters() const override { return network_.parameters(); }
  void set_parameters(std::span<double const> parameters) override { network_.set_parameters(parameters); }
  void initialise(rng::Stream& stream) override { network_.initialise(stream); }
  std::unique_ptr<FieldKernel> make_kernel(std::size_t max_lanes) const override {
    return std::make_unique<Kernel>(network_, penalty_, max_lanes);
  }

 private:
  network::TanhNetwork network_;
  Penalty penalty_;
};

}  // namespace

std::unique_ptr<Field> make_neural_field(network::Shape const& shape, Penalty const& penalty) {
  return std::make_unique<Neural>(shape, penalty);
}

network::Shape neural_shape(std::size_t dimension, Parameters const& options) {
  network::Shape shape{dimension, {}, dimension};
  std::string const& text = options.text("neural.hidden");
  char const* at = text.data();
  char const* const end = at + text.size();
  auto const skip_spaces = [&] { at = std::find_if(at, end, [](char c) { return c != ' '; }); };
  for (skip_spaces(); at != end; skip_spaces()) {
    std::size_t units = 0;
    auto const [next, error] = std::from_chars(at, end, units);
    at = next;
    skip_spaces();
    if (error != std::errc() || units == 0 || units > 4096 || (at != end && *at != ','))
      throw InputError("neural.hidden",
                       "neural.hidden = \"" + text + "\": expected numbers of units, 1 to 4096, with commas between them");
    shape.hidden.push_back(units);
    if (at != end) ++at;
  }
  std::string const& layer = options.text("neural.layer");
  shape.layer = layer == "plain"    ? network::Layer::plain
                : layer == "concat" ? network::Layer::concat
                                    : network::Layer::concat_squash;
  shape.output_gate = options.flag("neural.output_gate");
  return shape;
}

FieldKind neural_kind() {
  return {
      "neural",
      "tanh network, concat-squash layers (Grathwohl et al. 2019): x' = tanh((W x + b) sigmoid(g t + a) + c t)",
      {text("neural.hidden", "64, 64", "units of the hidden layers"),
       choice("neural.layer", "concat_squash", {"concat_squash", "concat", "plain"}, "how time enters; plain: not at all"),
       flag("neural.output_gate", true, "concat_squash: whether the last layer has a gate"),
       text("neural.from", "", "results file of a flow_training study: the parameters of its best network").shares_streams()},
      [](std::size_t dimension, Parameters const& options) { return make_neural_field(neural_shape(dimension, options)); }};
}

}  // namespace fermiac::flow
