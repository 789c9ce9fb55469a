#include "hamiltonian.hpp"

#include <cmath>

#include "pair_terms.hpp"

namespace fermiac::vmc {
namespace {

using std::size_t;

/// 1/r, or 1/sqrt(r^2 + softening^2), of one pair.
template <size_t D>
void add_interaction(double const* xp, double const* xq, size_t stride, double softening_squared, size_t n,
                     double* __restrict sum) {
#pragma GCC ivdep
  for (size_t k = 0; k < n; ++k) {
    double r2 = softening_squared;
#pragma GCC unroll 3
    for (size_t c = 0; c < D; ++c) {
      double const d = xp[c * stride + k] - xq[c * stride + k];
      r2 = std::fma(d, d, r2);
    }
    sum[k] += 1.0 / std::sqrt(r2);
  }
}

/// What one pair adds to -Z/2 and to grad G.
template <size_t D>
void add_control(double const* xp, double const* xq, double const* fp, double const* fq, size_t stride, double decay,
                 double weight, size_t n, double* __restrict control, double* __restrict Gp, double* __restrict Gq) {
#pragma GCC ivdep
  for (size_t k = 0; k < n; ++k) {
    double d[D];
    double r2 = 0;
    double df = 0;
#pragma GCC unroll 3
    for (size_t c = 0; c < D; ++c) {
      d[c] = xp[c * stride + k] - xq[c * stride + k];
      r2 = std::fma(d[c], d[c], r2);
      df = std::fma(d[c], fp[c * stride + k] - fq[c * stride + k], df);
    }
    double const r = std::sqrt(r2);
    auto const [half_Z, g1_over_r] = pair_control<D>(r, 1.0 / r, df, decay, weight);
    control[k] -= half_Z;
#pragma GCC unroll 3
    for (size_t c = 0; c < D; ++c) {
      Gp[c * stride + k] = std::fma(g1_over_r, d[c], Gp[c * stride + k]);
      Gq[c * stride + k] = std::fma(-g1_over_r, d[c], Gq[c * stride + k]);
    }
  }
}

template <size_t D>
void pairs(System const& system, Columns const& x, Columns const& drift, double defect, LocalEnergies& energies,
           Columns& pair_gradient) {
  size_t const n = x.n_rows();
  double const softening_squared = system.interaction == Interaction::coulomb ? 0 : system.softening * system.softening;
  double const decay = std::sqrt(system.omega);
  if (defect != 0) pair_gradient.zero();
  for (size_t q = 1; q < static_cast<size_t>(system.particles); ++q)
    for (size_t p = 0; p < q; ++p) {
      if (system.interaction != Interaction::none)
        add_interaction<D>(x.column(p * D), x.column(q * D), x.stride(), softening_squared, n,
                           energies.columns.column(LocalEnergies::interaction));
      if (defect != 0 && !are_like(system, p, q))
        add_control<D>(x.column(p * D), x.column(q * D), drift.column(p * D), drift.column(q * D), x.stride(), decay, defect, n,
                       energies.columns.column(LocalEnergies::control), pair_gradient.column(p * D),
                       pair_gradient.column(q * D));
    }
}

}  // namespace

void local_energies(System const& system, Columns const& x, Columns const& drift, double const* laplacian, double defect,
                    LocalEnergies& energies, Columns& pair_gradient) {
  size_t const n = x.n_rows();
  auto const D = static_cast<size_t>(system.dimensions);
  energies.columns.zero();
  double* __restrict energy = energies.columns.column(LocalEnergies::energy);
  double* __restrict kinetic = energies.columns.column(LocalEnergies::kinetic);
  double* __restrict from_gradient = energies.columns.column(LocalEnergies::kinetic_from_gradient);
  double* __restrict trap = energies.columns.column(LocalEnergies::trap);
  double* __restrict interaction = energies.columns.column(LocalEnergies::interaction);
  double* __restrict control = energies.columns.column(LocalEnergies::control);
  double* __restrict stein = energies.columns.column(LocalEnergies::stein);

  for (size_t i = 0; i < x.n_columns(); ++i) {
    double const* __restrict xi = x.column(i);
    double const* __restrict fi = drift.column(i);
    double const frequency = system.omega * system.frequency_ratio[i % D];
    double const strength = 0.5 * frequency * frequency;
    double const well = system.trap == Trap::double_well && i % D == 0 ? 0.5 * system.well_distance : 0.0;
#pragma GCC ivdep
    for (size_t k = 0; k < n; ++k) {
      double const from_well = std::fabs(xi[k]) - well;
      from_gradient[k] = std::fma(0.5 * fi[k], fi[k], from_gradient[k]);
      trap[k] = std::fma(strength * from_well, from_well, trap[k]);
      stein[k] = std::fma(2.0 * xi[k], fi[k], stein[k]);
    }
  }
  if (system.interaction != Interaction::none || defect != 0) {
    if (D == 1) pairs<1>(system, x, drift, defect, energies, pair_gradient);
    if (D == 2) pairs<2>(system, x, drift, defect, energies, pair_gradient);
    if (D == 3) pairs<3>(system, x, drift, defect, energies, pair_gradient);
  }
#pragma GCC ivdep
  for (size_t k = 0; k < n; ++k) {
    kinetic[k] = std::fma(-0.5, laplacian[k], -from_gradient[k]);
    energy[k] = kinetic[k] + trap[k] + (interaction[k] + control[k]);
  }
}

}  // namespace fermiac::vmc
