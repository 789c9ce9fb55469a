#include <algorithm>
#include <cmath>

#include "fermiac/base/error.hpp"
#include "fermiac/network/tanh_network.hpp"
#include "fermiac/simd/functions.hpp"
#include "products.hpp"

namespace fermiac::network {

using std::size_t;

namespace {

size_t padded(size_t n) { return (n + column_unit - 1) / column_unit * column_unit; }

/// Columns of a layer's transposed inputs: those, 1 and t.
size_t sum_width(TanhNetwork::Place const& layer) { return padded(layer.in + 2); }

}  // namespace

NetworkKernel::NetworkKernel(TanhNetwork const& network, size_t max_lanes, Want most)
    : network_(network), max_width_(padded(std::max<size_t>(max_lanes, 1))) {
  size_t const w = max_width_;
  size_t const d = shape().inputs;
  bool const tangents = most == Want::jacobian || (most == Want::trace && network.trace() == Trace::tangents);
  FERMIAC_ASSERT(most == Want::nothing || d == shape().outputs);
  size_t const stride = w * (tangents ? 1 + d : 1);
  size_t widest = d;
  size_t most_sums = 0;
  size_t most_columns = 0;
  for (size_t l = 0; l < network.n_layers(); ++l) {
    auto const& layer = network.layer(l);
    widest = std::max(widest, layer.out);
    most_columns = std::max(most_columns, sum_width(layer));
    most_sums = std::max(most_sums, layer.out * std::max(sum_width(layer), 2 * column_unit));
  }
  most_sums =
      std::max(most_sums, network.M().size() + (padded(shape().hidden.empty() ? 0 : shape().hidden.front()) + 8) * widest);

  // Twice: how much, then where.
  double* data = nullptr;
  for (int pass = 0; pass < 2; ++pass) {
    size_t used = 0;
    auto const take = [&](size_t n) {
      double* const place = data == nullptr ? nullptr : data + used;
      used += padded(n);
      return place;
    };
    t_ = take(w);
    b_ = take(w);
    z_ = take(d * w);
    layers_.clear();
    for (size_t l = 0; l < network.n_layers(); ++l) {
      size_t const out = network.layer(l).out;
      double* const v = take(out * stride);
      double* const x = take(out * stride);
      double* const g = take(out * w);
      layers_.push_back({v, x, g, take(out * w)});
    }
    x_bar_ = take(widest * stride);
    v_bar_ = take(widest * stride);
    s_bar_ = take(widest * w);
    y_bar_ = take(2 * widest * w);
    q_ = take(widest * w);
    q_bar_ = take(widest * w);
    transposed_ = take(stride * most_columns);
    ones_ = take(w * column_unit);
    sums_ = take(most_sums);
    if (pass == 0) {
      memory_ = Columns(used, 1);
      data = memory_.data();
    }
  }
  if (most == Want::jacobian) jacobian_ = Columns(w, d * d);
}

template <bool hidden, bool gated>
void NetworkKernel::activate(size_t l) {
  Place const& layer = network_.layer(l);
  Scratch const& here = layers_[l];
  double const* theta = parameters();
  double const* __restrict t = t_;
  size_t const w = width_;
  for (size_t r = 0; r < layer.out; ++r) {
    double* __restrict v = here.v + r * stride_;
    double* __restrict x = here.x + r * stride_;
    double* __restrict g = here.g + r * w;
    double* __restrict s = here.s + r * w;
    double const bias = theta[layer.b + r];
    double const c = layer.timed ? theta[layer.c + r] : 0.0;
    double const rate = gated ? theta[layer.g + r] : 0.0;
    double const offset = gated ? theta[layer.a + r] : 0.0;
    // One function to a loop: the constants of two do not fit into registers.
    for (size_t k = 0; k < w; ++k) g[k] = gated ? simd::sigmoid(std::fma(rate, t[k], offset)) : 1.0;
    for (size_t k = 0; k < w; ++k) {
      double const u = v[k] + bias;
      double const y = std::fma(u, g[k], c * t[k]);
      v[k] = u;
      x[k] = hidden ? simd::tanh(y) : y;
    }
    for (size_t k = 0; k < w; ++k) s[k] = hidden ? ((1 - x[k]) * (1 + x[k])) * g[k] : g[k];
    for (size_t i = 1; i < blocks_; ++i) {
      double* __restrict tangent = x + i * w;
      if (l == 0) {
        double const weight = theta[layer.W + r * layer.in + i - 1];
        for (size_t k = 0; k < w; ++k) tangent[k] = s[k] * weight;
      } else {
        double const* __restrict from = v + i * w;
        for (size_t k = 0; k < w; ++k) tangent[k] = s[k] * from[k];
      }
    }
  }
}

void NetworkKernel::evaluate(size_t n, double const* t, Columns const& z, Columns& f, Want want, double* trace) {
  size_t const d = shape().inputs;
  size_t const w = padded(n);
  FERMIAC_ASSERT(w <= max_width_);
  n_ = n;
  width_ = w;
  tangents_ = want == Want::jacobian || (want == Want::trace && network_.trace() == Trace::tangents);
  blocks_ = tangents_ ? 1 + d : 1;
  stride_ = w * blocks_;
  if (n == 0) return;
  std::copy_n(t, n, t_);
  std::fill(t_ + n, t_ + w, 0.0);
  for (size_t i = 0; i < d; ++i) {
    std::copy_n(z.column(i), n, z_ + i * w);
    std::fill(z_ + i * w + n, z_ + (i + 1) * w, 0.0);
  }
  for (size_t l = 0; l < layers_.size(); ++l) {
    Place const& layer = network_.layer(l);
    Entries const W{parameters() + layer.W, layer.in, 1};
    if (l == 0)
      multiply(W, z_, w, layers_[l].v, stride_, layer.out, layer.in, w);
    else
      multiply(W, layers_[l - 1].x, stride_, layers_[l].v, stride_, layer.out, layer.in, stride_);
    bool const hidden = l + 1 < layers_.size();
    if (hidden)
      layer.gated ? activate<true, true>(l) : activate<true, false>(l);
    else
      layer.gated ? activate<false, true>(l) : activate<false, false>(l);
  }
  Scratch const& last = layers_.back();
  for (size_t i = 0; i < shape().outputs; ++i) std::copy_n(last.x + i * stride_, n, f.column(i));
  if (want == Want::jacobian)
    for (size_t i = 0; i < d; ++i)
      for (size_t j = 0; j < d; ++j) std::copy_n(last.x + i * stride_ + (1 + j) * w, n, jacobian_.column(i * d + j));
  if (trace == nullptr) return;

  std::fill_n(trace, n, 0.0);
  if (tangents_) {
    for (size_t i = 0; i < d; ++i) {
      double const* __restrict entry = last.x + i * stride_ + (1 + i) * w;
      for (size_t k = 0; k < n; ++k) trace[k] += entry[k];
    }
    return;
  }
  std::vector<double> const& M = network_.M();
  size_t const first = shape().hidden.front();
  if (network_.trace() == Trace::vector) {
    for (size_t j = 0; j < first; ++j) {
      double const* __restrict s = layers_[0].s + j * w;
      for (size_t k = 0; k < n; ++k) trace[k] = std::fma(M[j], s[k], trace[k]);
    }
    return;
  }
  multiply({M.data(), first, 1}, layers_[0].s, w, q_, w, shape().hidden[1], first, w);
  for (size_t j = 0; j < shape().hidden[1]; ++j) {
    double const* __restrict s = layers_[1].s + j * w;
    double const* __restrict q = q_ + j * w;
    for (size_t k = 0; k < n; ++k) trace[k] = std::fma(s[k], q[k], trace[k]);
  }
}

void NetworkKernel::jacobian_product(size_t n, Columns const& v, Columns& Jv) {
  FERMIAC_ASSERT(n == n_);
  if (n == 0) return;
  size_t const w = width_;
  for (size_t i = 0; i < shape().inputs; ++i) {
    std::copy_n(v.column(i), n, x_bar_ + i * w);
    std::fill(x_bar_ + i * w + n, x_bar_ + (i + 1) * w, 0.0);
  }
  for (size_t l = 0; l < layers_.size(); ++l) {
    Place const& layer = network_.layer(l);
    multiply({parameters() + layer.W, layer.in, 1}, x_bar_, w, v_bar_, w, layer.out, layer.in, w);
    double const* __restrict s = layers_[l].s;
    double const* __restrict from = v_bar_;
    double* __restrict to = x_bar_;
    for (size_t k = 0; k < layer.out * w; ++k) to[k] = s[k] * from[k];
  }
  for (size_t i = 0; i < shape().outputs; ++i) std::copy_n(x_bar_ + i * w, n, Jv.column(i));
}

// ---------------------------------------------------------------------------------------------------------- backwards
/// From the cotangents of x, its tangents and s to those of v, its tangents, y and the gate's argument.
template <bool hidden, bool gated>
void NetworkKernel::deactivate(size_t l, bool with_jacobian) {
  Place const& layer = network_.layer(l);
  Scratch const& here = layers_[l];
  size_t const w = width_;
  size_t const blocks = with_jacobian ? blocks_ : 1;
  for (size_t r = 0; r < layer.out; ++r) {
    double const* __restrict v = here.v + r * stride_;
    double const* __restrict x = here.x + r * stride_;
    double const* __restrict g = here.g + r * w;
    double const* __restrict s = here.s + r * w;
    double const* __restrict x_bar = x_bar_ + r * stride_;
    double* __restrict v_bar = v_bar_ + r * stride_;
    double* __restrict s_bar = s_bar_ + r * w;
    double* __restrict y_bar = y_bar_ + r * w;
    double* __restrict gate_bar = y_bar_ + (layer.out + r) * w;
    for (size_t i = 1; i < blocks; ++i) {
      double const* __restrict from = x_bar + i * w;
      double* __restrict to = v_bar + i * w;
      if (l == 0) {
        double const weight = parameters()[layer.W + r * layer.in + i - 1];
        for (size_t k = 0; k < w; ++k) {
          s_bar[k] = std::fma(from[k], weight, s_bar[k]);
          to[k] = from[k] * s[k];
        }
      } else {
        double const* __restrict tangent = v + i * w;
        for (size_t k = 0; k < w; ++k) {
          s_bar[k] = std::fma(from[k], tangent[k], s_bar[k]);
          to[k] = from[k] * s[k];
        }
      }
    }
#pragma GCC ivdep
    for (size_t k = 0; k < w; ++k) {
      double const slope = hidden ? (1 - x[k]) * (1 + x[k]) : 1.0;
      double const value_bar = hidden ? std::fma(-2 * x[k] * g[k], s_bar[k], x_bar[k]) : x_bar[k];
      double const y = value_bar * slope;
      v_bar[k] = y * g[k];
      if constexpr (gated) {
        y_bar[k] = y;
        gate_bar[k] = std::fma(y, v[k], s_bar[k] * slope) * (g[k] * (1 - g[k]));
      }
    }
  }
}

/// Cotangents of s that the closed forms of the trace bring.
void NetworkKernel::set_slope_cotangents(size_t l) {
  Place const& layer = network_.layer(l);
  size_t const w = width_;
  std::vector<double> const& M = network_.M();
  if (l == 1) {
    for (size_t r = 0; r < layer.out; ++r)
      for (size_t k = 0; k < w; ++k) {
        s_bar_[r * w + k] = b_[k] * q_[r * w + k];
        q_bar_[r * w + k] = b_[k] * layers_[1].s[r * w + k];
      }
  } else if (network_.trace() == Trace::vector) {
    for (size_t r = 0; r < layer.out; ++r)
      for (size_t k = 0; k < w; ++k) s_bar_[r * w + k] = b_[k] * M[r];
  } else {
    multiply({M.data(), 1, layer.out}, q_bar_, w, s_bar_, w, layer.out, shape().hidden[1], w);
  }
}

/// Adds the sums over samples of a layer's own parameters.
void NetworkKernel::add_layer_sums(size_t l, bool with_jacobian, double* theta_bar) {
  Place const& layer = network_.layer(l);
  size_t const w = width_;
  size_t const columns = sum_width(layer);
  size_t const blocks = with_jacobian && l > 0 ? blocks_ : 1;
  double const* inputs = l == 0 ? z_ : layers_[l - 1].x;
  size_t const input_stride = l == 0 ? w : stride_;
  transpose(inputs, input_stride, transposed_, columns, layer.in, blocks * w);
  for (size_t k = 0; k < blocks * w; ++k) {
    double* const row = transposed_ + k * columns;
    std::fill(row + layer.in, row + columns, 0.0);
    if (k >= w) continue;
    row[layer.in] = 1;
    row[layer.in + 1] = t_[k];
  }
  multiply({v_bar_, stride_, 1}, transposed_, columns, sums_, columns, layer.out, blocks * w, columns);
  for (size_t r = 0; r < layer.out; ++r) {
    double const* sums = sums_ + r * columns;
    for (size_t j = 0; j < layer.in; ++j) theta_bar[layer.W + r * layer.in + j] += sums[j];
    theta_bar[layer.b + r] += sums[layer.in];
    if (layer.timed && !layer.gated) theta_bar[layer.c + r] += sums[layer.in + 1];
  }
  if (layer.gated) {
    multiply({y_bar_, w, 1}, ones_, column_unit, sums_, column_unit, 2 * layer.out, w, column_unit);
    for (size_t r = 0; r < layer.out; ++r) {
      theta_bar[layer.c + r] += sums_[r * column_unit + 1];
      theta_bar[layer.a + r] += sums_[(layer.out + r) * column_unit];
      theta_bar[layer.g + r] += sums_[(layer.out + r) * column_unit + 1];
    }
  }
  if (l == 0 && with_jacobian)
    for (size_t i = 0; i < layer.in; ++i) {
      multiply({v_bar_ + (1 + i) * w, stride_, 1}, ones_, column_unit, sums_, column_unit, layer.out, w, column_unit);
      for (size_t r = 0; r < layer.out; ++r) theta_bar[layer.W + r * layer.in + i] += sums_[r * column_unit];
    }
}

/// Adds what the closed forms of the trace say of the weights.
void NetworkKernel::add_trace_sums(double* theta_bar) {
  size_t const w = width_;
  size_t const d = shape().inputs;
  size_t const first = shape().hidden.front();
  size_t const last = shape().hidden.back();
  Place const& in = network_.layer(0);
  Place const& out = network_.layer(layers_.size() - 1);
  double const* W_in = parameters() + in.W;
  double const* W_out = parameters() + out.W;
  if (network_.trace() == Trace::vector) {
    for (size_t j = 0; j < first; ++j) {
      double M_bar = 0;
      for (size_t k = 0; k < w; ++k) M_bar = std::fma(b_[k], layers_[0].s[j * w + k], M_bar);
      for (size_t i = 0; i < d; ++i) {
        theta_bar[in.W + j * d + i] += M_bar * W_out[i * first + j];
        theta_bar[out.W + i * first + j] += M_bar * W_in[j * d + i];
      }
    }
    return;
  }
  size_t const columns = padded(first);
  transpose(layers_[0].s, w, transposed_, columns, first, w);
  for (size_t k = 0; k < w; ++k) std::fill(transposed_ + k * columns + first, transposed_ + (k + 1) * columns, 0.0);
  multiply({q_bar_, w, 1}, transposed_, columns, sums_, columns, last, w, columns);  // M_bar
  Place const& middle = network_.layer(1);
  double const* W = parameters() + middle.W;
  std::vector<double> const& K = network_.K();
  for (size_t j = 0; j < last; ++j) {
    double* __restrict row = sums_ + j * columns;
    double* __restrict W_bar = theta_bar + middle.W + j * first;
    for (size_t k = 0; k < first; ++k) {
      W_bar[k] = std::fma(row[k], K[j * first + k], W_bar[k]);
      row[k] *= W[j * first + k];  // K_bar
    }
    for (size_t i = 0; i < d; ++i) {
      double sum = theta_bar[out.W + i * last + j];
      double const weight = W_out[i * last + j];
      for (size_t k = 0; k < first; ++k) {
        sum = std::fma(row[k], W_in[k * d + i], sum);
        theta_bar[in.W + k * d + i] = std::fma(row[k], weight, theta_bar[in.W + k * d + i]);
      }
      theta_bar[out.W + i * last + j] = sum;
    }
  }
}

void NetworkKernel::run_back(Columns& z_bar, double* theta_bar, bool with_jacobian, bool with_trace) {
  size_t const w = width_;
  for (size_t k = 0; k < w; ++k) {
    std::fill_n(ones_ + k * column_unit, column_unit, 0.0);
    ones_[k * column_unit] = 1;
    ones_[k * column_unit + 1] = t_[k];
  }
  for (size_t l = layers_.size(); l-- > 0;) {
    Place const& layer = network_.layer(l);
    bool const hidden = l + 1 < layers_.size();
    if (with_trace && hidden)
      set_slope_cotangents(l);
    else
      std::fill_n(s_bar_, layer.out * w, 0.0);
    if (hidden)
      layer.gated ? deactivate<true, true>(l, with_jacobian) : deactivate<true, false>(l, with_jacobian);
    else
      layer.gated ? deactivate<false, true>(l, with_jacobian) : deactivate<false, false>(l, with_jacobian);
    if (theta_bar != nullptr) add_layer_sums(l, with_jacobian, theta_bar);
    Entries const W_transposed{parameters() + layer.W, 1, layer.in};
    if (l > 0)
      multiply(W_transposed, v_bar_, stride_, x_bar_, stride_, layer.in, layer.out, with_jacobian ? stride_ : w);
    else
      multiply(W_transposed, v_bar_, stride_, s_bar_, w, layer.in, layer.out, w);
  }
  if (with_trace && theta_bar != nullptr) add_trace_sums(theta_bar);
  for (size_t i = 0; i < shape().inputs; ++i) {
    double* __restrict to = z_bar.column(i);
    double const* __restrict from = s_bar_ + i * w;
    for (size_t k = 0; k < n_; ++k) to[k] += from[k];
  }
}

void NetworkKernel::begin_back(size_t n, Columns const& a) {
  FERMIAC_ASSERT(n == n_);
  for (size_t i = 0; i < shape().outputs; ++i) {
    double* const row = x_bar_ + i * stride_;
    std::fill_n(row, stride_, 0.0);
    std::copy_n(a.column(i), n, row);
  }
}

void NetworkKernel::pull_back(size_t n, Columns const& a, double const* b, Columns& z_bar, double* theta_bar) {
  if (n == 0) return;
  begin_back(n, a);
  if (b != nullptr) {
    std::copy_n(b, n, b_);
    std::fill(b_ + n, b_ + width_, 0.0);
    if (tangents_)
      for (size_t i = 0; i < shape().inputs; ++i) std::copy_n(b, n, x_bar_ + i * stride_ + (1 + i) * width_);
  }
  run_back(z_bar, theta_bar, b != nullptr && tangents_, b != nullptr && !tangents_);
}

void NetworkKernel::pull_back_jacobian(size_t n, Columns const& a, Columns const& J_bar, Columns& z_bar, double* theta_bar) {
  if (n == 0) return;
  begin_back(n, a);
  size_t const d = shape().inputs;
  for (size_t i = 0; i < d; ++i)
    for (size_t j = 0; j < d; ++j) std::copy_n(J_bar.column(i * d + j), n, x_bar_ + i * stride_ + (1 + j) * width_);
  run_back(z_bar, theta_bar, true, false);
}

}  // namespace fermiac::network
