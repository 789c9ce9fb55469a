/// The divergence of a field along the flow: exact, or estimated from random probes.
///
///     exact       the field's closed form; or d products J e_i ("products"), for fields without one and to check the other
///     hutchinson  v . J v with E[v v^T] = 1: unbiased. Probes of +-1 (Rademacher) or normal (Hutchinson 1990; FFJORD,
///                 Grathwohl et al. 2019)
///     hutch_pp    tr(Q^T J Q) exactly on the range of J S, S d x r probes, plus Hutchinson of the rest (Meyer, Musco, Musco &
///                 Woodruff, SOSA 2021)
///
/// The probes of a sample stay the same for its whole solve: with new ones at every evaluation the right-hand side would be
/// noise, and no step size would do. Every probe has its own integral along the same path, so that a log-density comes with the
/// spread of its probes. One probe alone gives a number that is unbiased for log p, but it is not a density: its exponential is
/// too large by the mean of exp(error), and nothing tells the error.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "fermiac/flow/field.hpp"
#include "fermiac/stats/estimate.hpp"

namespace fermiac::flow {

enum class Trace { exact, products, hutchinson, hutch_pp };
enum class ProbeKind { rademacher, gaussian };

struct DivergenceSettings {
  Trace trace = Trace::exact;
  ProbeKind probe = ProbeKind::rademacher;
  std::size_t n_probes = 1;  ///< integrals a sample has: 1 and up
  std::size_t rank = 0;      ///< of hutch_pp: columns of S, 1 to the dimension
};

/// How many integrals a sample carries: its probes, or 1 where nothing is random.
std::size_t n_integrals(DivergenceSettings const& settings);
/// How many random numbers a sample needs: probe after probe, first the rank columns of S, component after component.
std::size_t n_probe_numbers(DivergenceSettings const& settings, std::size_t dimension);

/// Computes f and the divergence of the samples in the lanes of one block, one thread.
class DivergenceKernel {
 public:
  virtual ~DivergenceKernel() = default;

  /// Puts the probes of row `sample` of `probes` (samples x n_probe_numbers) into a lane.
  virtual void load(std::size_t lane, Columns const& probes, std::size_t sample) = 0;
  /// Copies a lane of `from`, a kernel of the same settings or this one.
  virtual void copy(std::size_t lane, DivergenceKernel const& from, std::size_t from_lane) = 0;
  /// f, and the divergence of each integral: lanes x n_integrals.
  virtual void evaluate(FieldKernel& field, Lanes const& lanes, Columns& f, Columns& divergence) = 0;
};

std::unique_ptr<DivergenceKernel> make_divergence_kernel(DivergenceSettings const& settings, std::size_t dimension,
                                                         std::size_t max_lanes);

/// The log-density of one sample from its integrals: their mean, and what the probes say of its error.
struct LogDensity {
  stats::Estimate value;  ///< standard error from the spread of the probes; none (NaN) with one
  double jensen_bias;  ///< of exp(log p) as an estimate of p, relative: variance / 2 in the leading order; NaN with one probe
};
/// @param integrals  the k values of log p, `stride` apart
LogDensity log_density_of(double const* integrals, std::size_t k, std::size_t stride);

}  // namespace fermiac::flow
