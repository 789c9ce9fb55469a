/// The field of a flow: what an integrator asks of it, and what a study chooses of it.
///
///     dz/dt = f(z, t; theta),     d log p / dt = -div f = -sum_i df_i / dz_i
///
/// (the instantaneous change of variables: Chen, Rubanova, Bettencourt & Duvenaud, NeurIPS 2018, theorem 1). A field comes in
/// three parts. Its `FieldKind` is known by name and declares its options. Its `Field` is the field as chosen: dimension and
/// parameters. A `FieldKernel` computes it for one thread. To add one: a header and a source in `fields/`, and its line in
/// `fields/registry.cpp`.
///
/// Samples sit in lanes: a block of n of them, components down the columns, lanes contiguous, each lane at its own time. Every
/// lane is computed by itself, so that no value depends on n or on its neighbours: the size of a block is a tuning constant
/// that changes no bits.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fermiac/base/parameter.hpp"
#include "fermiac/rng/stream.hpp"
#include "fermiac/simd/columns.hpp"

namespace fermiac::flow {

using simd::Columns;

/// Where a block of samples is: lanes 0 ... n-1 of `t` (n times) and `z` (at least n rows, a column for each component).
struct Lanes {
  std::size_t n;
  double const* t;
  Columns const& z;
};

/// A field computed by one thread, with its scratch memory. Matrices have at least lanes.n rows, of which the first lanes.n are
/// read and written; they do not overlap. Non-finite lanes give non-finite values and disturb no other lane.
///
/// `evaluate` comes first; the other functions may use what it remembered, so they are called with the same lanes, unchanged.
class FieldKernel {
 public:
  virtual ~FieldKernel() = default;

  /// f = f(z, t), lanes x dimension, and, unless null, divergence[lane] = sum_i df_i / dz_i, exactly.
  virtual void evaluate(Lanes const& lanes, Columns& f, double* divergence) = 0;

  /// Jv = J v, J_ij = df_i / dz_j.
  virtual void jacobian_product(Lanes const& lanes, Columns const& v, Columns& Jv) = 0;

  /// From cotangents a of f (lanes x dimension) and b of the divergence (a value a lane; null for 0), adds
  ///
  ///     J^T a + b grad div                                     to z_bar, lanes x dimension
  ///     sum over lanes of (df/dtheta)^T a + b ddiv/dtheta      to theta_bar, n_parameters values; unless null
  ///
  /// The order of the sum over lanes depends on lanes.n alone. A lane with a = 0 and b = 0 adds nothing, so that lanes can be
  /// switched off. With b, `evaluate` had to compute the divergence.
  virtual void pull_back(Lanes const& lanes, Columns const& a, double const* b, Columns& z_bar, double* theta_bar) = 0;
};

/// A field as chosen. Constant but for its parameters; its kernels, of any number of threads, read them there.
class Field {
 public:
  virtual ~Field() = default;

  virtual std::size_t dimension() const = 0;
  /// Whether f does not depend on t.
  virtual bool is_autonomous() const { return true; }

  /// The flow's own solution, where it is known otherwise than by a solver of this module.
  struct End {
    std::vector<double> z;
    double log_change;  ///< log p(t1) - log p(t0) along the path
  };
  /// @param z  at t0, `dimension` values; none where it is not known
  virtual std::optional<End> exact_end(std::span<double const> /*z*/, double /*t0*/, double /*t1*/) const { return {}; }

  virtual std::size_t n_parameters() const { return 0; }
  virtual std::span<double const> parameters() const { return {}; }
  /// Takes others, n_parameters of them, while no kernel computes.
  virtual void set_parameters(std::span<double const> parameters);
  /// Draws parameters to begin a training with; fields without random ones keep theirs.
  virtual void initialise(rng::Stream& /*stream*/) {}

  /// @param max_lanes  the largest block that it will be asked for
  virtual std::unique_ptr<FieldKernel> make_kernel(std::size_t max_lanes) const = 0;
};

/// A field by name.
struct FieldKind {
  std::string name;                ///< as in `flow.field`
  std::string summary;             ///< one line: formula, source
  std::vector<Parameter> options;  ///< keys "name.option"
  /// @throws InputError  where the field cannot be had in this dimension or with these options (a value for each of
  ///                     `field_options()`)
  std::function<std::unique_ptr<Field>(std::size_t dimension, Parameters const& options)> make;
};

/// All of them, in the order of their names.
std::vector<FieldKind> const& field_kinds();

/// The options of all kinds.
std::vector<Parameter> const& field_options();

/// The field of that name.
/// @throws InputError  naming flow.field where there is none, with the nearest; as `FieldKind::make` otherwise
std::unique_ptr<Field> make_field(std::string const& name, std::size_t dimension, Parameters const& options);

}  // namespace fermiac::flow
