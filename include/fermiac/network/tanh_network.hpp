/// Networks of tanh layers with the exact trace of their Jacobian, for blocks of samples.
///
///     x_0 = z,     y_l = (W_l x_{l-1} + b_l) sigmoid(g_l t + a_l) + c_l t,     x_l = tanh(y_l),     f = y_{L+1}
///
/// with L hidden layers and one of output. That is the layer `concat_squash` (Grathwohl, Chen, Bettencourt, Sutskever &
/// Duvenaud, FFJORD, ICLR 2019, arXiv:1810.01367); `concat` has no sigmoid, `plain` neither sigmoid nor c t. The output layer
/// may do without its gate: then, with two hidden layers, the trace costs one product whatever the dimension (below).
///
/// **Parameters** are one vector: for each layer W (row by row, out x in), b, then c (concat, concat_squash), then g and a
/// (gated layers), `out` values each.
///
/// **Trace of the Jacobian.** With S_l = (1 - x_l^2) sigmoid(...) and J = G W_{L+1} S_L W_L ... S_1 W_1,
///
/// | hidden layers | output gate | tr J                                                                   | products a sample |
/// |---------------|-------------|------------------------------------------------------------------------|-------------------|
/// | 1             | no          | s_1 . m,    m_j = sum_i W_2,ij W_1,ji                                  | none: O(hidden)   |
/// | 2             | no          | s_2^T M s_1,    M = W_2 o (W_1 W_3)^T                                  | hidden x hidden   |
/// | otherwise     |             | sum_i G_i e_i^T W_{L+1} S_L W_L ... S_1 W_1 e_i, from dimension tangents | d for each W_l, 1
/// < l |
///
/// m and M do not depend on the sample, and where the gate depends on a sample's own time, they would. A product with a
/// hidden x hidden matrix for each dimension is what any exact method pays there.
///
/// **Order and bits.** All sums of products run in the order of their inner index, by fused multiply-adds (functions of
/// `simd` otherwise): a sample's numbers depend on the sample alone. Sums over samples (for the parameters) run over the lanes
/// of a block in their order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fermiac/rng/stream.hpp"
#include "fermiac/simd/columns.hpp"

namespace fermiac::network {

using simd::Columns;

enum class Layer : std::uint8_t { plain, concat, concat_squash };

struct Shape {
  std::size_t inputs = 1;
  std::vector<std::size_t> hidden = {};  ///< units of each hidden layer
  std::size_t outputs = 1;
  Layer layer = Layer::concat_squash;
  bool output_gate = true;  ///< concat_squash: whether the output layer has one, too
};

/// Shape and parameters.
class TanhNetwork {
 public:
  /// All parameters 0.
  /// @throws InputError  where a width is 0
  explicit TanhNetwork(Shape shape);

  Shape const& shape() const noexcept { return shape_; }
  std::size_t n_layers() const noexcept { return layers_.size(); }
  std::size_t n_parameters() const noexcept { return parameters_.size(); }
  std::span<double const> parameters() const noexcept { return parameters_; }

  /// Takes others, `n_parameters()` of them.
  void set_parameters(std::span<double const> parameters);

  /// W normal with variance 2 / (in + out), c and g with 2 / (1 + out), b and a 0.
  ///
  /// Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.
  void initialise(rng::Stream& stream);

  /// A layer's sizes and its places in the vector of parameters.
  struct Place {
    std::size_t in = 0, out = 0;
    bool timed = false, gated = false;
    std::size_t W = 0, b = 0, c = 0, g = 0, a = 0;
  };
  Place const& layer(std::size_t l) const { return layers_[l]; }

  /// How the trace is had.
  enum class Trace : std::uint8_t { vector, product, tangents };
  Trace trace() const noexcept { return trace_; }
  /// K = (W_1 W_3)^T and M = W_2 o K, row by row (product), m (vector), else nothing.
  std::vector<double> const& K() const noexcept { return K_; }
  std::vector<double> const& M() const noexcept { return M_; }

 private:
  Shape shape_;
  std::vector<Place> layers_;
  std::vector<double> parameters_;
  Trace trace_ = Trace::tangents;
  std::vector<double> K_;
  std::vector<double> M_;
};

/// A network computed by one thread, with its scratch memory. The network outlives it; parameters change between `evaluate`s.
///
/// Matrices have at least n rows (samples, in lanes), a column for each component. `evaluate` comes first; the other functions
/// use what it remembered of the same n samples. Non-finite samples disturb no other, but for the sums over samples.
class NetworkKernel {
 public:
  /// What is wanted of the Jacobian; a square network's alone.
  enum class Want : std::uint8_t { nothing, trace, jacobian };

  /// @param max_lanes  samples that it will be asked for at once
  /// @param most       the most that will be wanted (memory)
  NetworkKernel(TanhNetwork const& network, std::size_t max_lanes, Want most);

  /// f, n x outputs.
  /// @param trace  n values of tr J where they are wanted, else null
  void evaluate(std::size_t n, double const* t, Columns const& z, Columns& f, Want want, double* trace);

  /// Entry (i, j) of the Jacobian of each sample, n values, after `evaluate` with want = jacobian.
  double const* jacobian(std::size_t i, std::size_t j) const { return jacobian_.column(i * shape().inputs + j); }

  /// Jv = J v.
  void jacobian_product(std::size_t n, Columns const& v, Columns& Jv);

  /// Adds J^T a + b grad tr J to z_bar, and the sum over samples of (df/dtheta)^T a + b d tr J / dtheta to theta_bar (unless
  /// null). b null: 0; else the trace was wanted of `evaluate`.
  void pull_back(std::size_t n, Columns const& a, double const* b, Columns& z_bar, double* theta_bar);

  /// The same with cotangents of all entries of the Jacobian instead of the trace's, after `evaluate` with want = jacobian:
  /// column i * inputs + j of J_bar is that of entry (i, j).
  void pull_back_jacobian(std::size_t n, Columns const& a, Columns const& J_bar, Columns& z_bar, double* theta_bar);

 private:
  using Place = TanhNetwork::Place;
  using Trace = TanhNetwork::Trace;

  /// Of a layer, unit after unit: `width_` lanes of the samples, then (v, x) as many for each tangent.
  struct Scratch {
    double* v;  ///< W x_{l-1} + b, and W times the tangents
    double* x;  ///< x_l, and its tangents
    double* g;  ///< gate
    double* s;  ///< dx/dv: (1 - x^2) gate
  };

  Shape const& shape() const { return network_.shape(); }
  double const* parameters() const { return network_.parameters().data(); }
  template <bool hidden, bool gated>
  void activate(std::size_t l);
  template <bool hidden, bool gated>
  void deactivate(std::size_t l, bool with_jacobian);
  void run_back(Columns& z_bar, double* theta_bar, bool with_jacobian, bool with_trace);
  void set_slope_cotangents(std::size_t l);
  void add_layer_sums(std::size_t l, bool with_jacobian, double* theta_bar);
  void add_trace_sums(double* theta_bar);
  void begin_back(std::size_t n, Columns const& a);

  TanhNetwork const& network_;
  std::size_t max_width_;
  std::size_t n_ = 0;
  std::size_t width_ = 0;   ///< lanes, to the next multiple of 8
  std::size_t blocks_ = 1;  ///< 1, and the number of tangents
  std::size_t stride_ = 0;  ///< from unit to unit where there are tangents: width_ blocks_
  bool tangents_ = false;
  Columns memory_;
  double* t_;
  double* b_;
  double* z_;
  std::vector<Scratch> layers_;
  double* x_bar_;
  double* v_bar_;
  double* s_bar_;
  double* y_bar_;  ///< cotangents of y, then of the gates' arguments
  double* q_;      ///< M s_1
  double* q_bar_;  ///< b s_2
  double* transposed_;
  double* ones_;  ///< lane after lane 1, t, 0, ...
  double* sums_;
  Columns jacobian_;
};

}  // namespace fermiac::network
