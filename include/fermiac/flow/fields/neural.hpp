/// A tanh network as field: `network/tanh_network.hpp` says what it computes and how its parameters lie.
///
///     neural.hidden       units of the hidden layers, "64, 64"
///     neural.layer        concat_squash, concat or plain (autonomous)
///     neural.output_gate  concat_squash: whether the last layer has a gate; without, the exact divergence of two hidden layers
///                         costs one product whatever the dimension
///     neural.from         where the program has its parameters from; a field made here begins with all 0
#pragma once

#include "fermiac/flow/field.hpp"
#include "fermiac/network/tanh_network.hpp"

namespace fermiac::flow {

FieldKind neural_kind();

/// What is added to a field that is trained, integrated along each path: (kinetic |f|^2 + jacobian |J|_F^2) dt.
///
/// Finlay, Jacobsen, Nurbekyan & Oberman, How to train your neural ODE, ICML 2020, arXiv:2002.02798; |J|_F^2 exactly here,
/// where they have one probe.
struct Penalty {
  double kinetic = 0;
  double jacobian = 0;
  bool any() const { return kinetic != 0 || jacobian != 0; }
};

/// A network's field; with a penalty, its integral is one more component z_d, which no other depends on: a field of dimension
/// d + 1 with the same divergence.
std::unique_ptr<Field> make_neural_field(network::Shape const& shape, Penalty const& penalty = {});

/// The shape that options choose.
/// @throws InputError  naming neural.hidden
network::Shape neural_shape(std::size_t dimension, Parameters const& options);

}  // namespace fermiac::flow
