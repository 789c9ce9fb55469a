#include "fermiac/vmc/comparison.hpp"

#include <algorithm>
#include <cmath>

#include "fermiac/base/error.hpp"
#include "fermiac/simd/functions.hpp"
#include "fermiac/simd/sum.hpp"
#include "fermiac/stats/walkers.hpp"
#include "node_weight.hpp"

namespace fermiac::vmc {
namespace {

constexpr double lowest = -1e300;  // finite: ln w of a walker on a node of A is -inf

WaveFunction::Part const& antisymmetric_part(WaveFunction const& wave_function) {
  return *std::ranges::find_if(wave_function.parts(),
                               [](WaveFunction::Part const& part) { return part.form->exchange() == Exchange::antisymmetric; });
}

double mean_of(arma::vec const& values) { return stats::mean_of_walkers(values).value; }

}  // namespace

bool have_same_nodes(WaveFunction const& a, arma::vec const& a_parameters, WaveFunction const& b,
                     arma::vec const& b_parameters) {
  if (!a.has_nodes() || !b.has_nodes()) return a.has_nodes() == b.has_nodes();
  auto const& of_a = antisymmetric_part(a);
  auto const& of_b = antisymmetric_part(b);
  if (!of_a.form->moves_nodes() && !of_b.form->moves_nodes()) return true;
  return of_a.name == of_b.name && of_a.form->parameter_names() == of_b.form->parameter_names() &&
         of_a.form->fixed_settings() == of_b.form->fixed_settings() &&
         std::equal(a_parameters.begin() + of_a.first, a_parameters.begin() + of_a.first + of_a.n_parameters,
                    b_parameters.begin() + of_b.first);
}

Comparison::Comparison(WaveFunction const& ours, arma::vec const& our_parameters, WaveFunction const& theirs,
                       arma::vec const& their_parameters, double node_length, arma::uword n_walkers)
    : ours_(ours.make_pack(Sampler::metropolis, 0, n_walkers, 0)),
      theirs_(theirs.make_pack(Sampler::metropolis, 0, n_walkers, 0)),
      node_length_(have_same_nodes(ours, our_parameters, theirs, their_parameters) ? 0 : node_length),
      our_energies_(n_walkers),
      their_energies_(n_walkers),
      node_weight_(n_walkers, 1.0),
      sums_(n_walkers, n_sums) {
  ours_->set_parameters(our_parameters);
  theirs_->set_parameters(their_parameters);
  std::fill_n(sums_.column(log_scale), n_walkers, lowest);
}

void Comparison::add(arma::mat const& X) {
  ours_->place(X);
  theirs_->place(X);
  ours_->measure(our_energies_, nullptr);
  theirs_->measure(their_energies_, nullptr);
  std::size_t const n = sums_.n_rows();
  if (node_length_ > 0) {
    double const* __restrict from_gradient = our_energies_.term(LocalEnergies::kinetic_from_gradient);
    double* __restrict f = node_weight_.data();
    double const unit = near_node(node_length_);
#pragma GCC ivdep
    for (std::size_t k = 0; k < n; ++k) f[k] = node_weight(unit, from_gradient[k]);
  }
  arma::vec const our_log = ours_->log_psi();
  arma::vec const their_log = theirs_->log_psi();
  double const* __restrict ln_b = our_log.memptr();
  double const* __restrict ln_a = their_log.memptr();
  double const* __restrict f = node_weight_.data();
  double const* __restrict e_b = our_energies_.term(LocalEnergies::energy);
  double const* __restrict e_a = their_energies_.term(LocalEnergies::energy);
  double* __restrict scale = sums_.column(log_scale);
  double* __restrict sum_w = sums_.column(weight);
  double* __restrict sum_ww = sums_.column(weight_square);
  double* __restrict sum_we = sums_.column(weight_energy);
  double* __restrict sum_e = sums_.column(energy);
#pragma GCC ivdep
  for (std::size_t k = 0; k < n; ++k) {
    double const log_w = 2 * (ln_a[k] - ln_b[k]);
    double const larger = log_w > scale[k] ? log_w : scale[k];
    double const keep = simd::exp(scale[k] - larger);
    double const w = f[k] * simd::exp(log_w - larger);
    sum_w[k] = std::fma(keep, sum_w[k], w);
    sum_ww[k] = std::fma(keep * keep, sum_ww[k], w * w);
    sum_we[k] = std::fma(keep, sum_we[k], w * e_a[k]);
    sum_e[k] += e_b[k];
    scale[k] = larger;
  }
}

ComparisonEstimates compare(arma::mat const& sums, double n_samples) {
  FERMIAC_ASSERT(sums.n_cols == Comparison::n_sums && sums.n_rows > 0);
  double const largest = sums.col(Comparison::log_scale).max();
  arma::vec w(sums.n_rows), ww(sums.n_rows), we(sums.n_rows);
  for (arma::uword m = 0; m < sums.n_rows; ++m) {
    double const scale = simd::exp(sums(m, Comparison::log_scale) - largest);
    w[m] = scale * sums(m, Comparison::weight) / n_samples;
    ww[m] = scale * scale * sums(m, Comparison::weight_square) / n_samples;
    we[m] = scale * sums(m, Comparison::weight_energy) / n_samples;
  }
  arma::vec const e = sums.col(Comparison::energy) / n_samples;
  double const mean_w = mean_of(w);
  double const energy_a = mean_of(we) / mean_w;
  double const energy_b = mean_of(e);
  arma::vec const spread_a = (we - energy_a * w) / mean_w;
  ComparisonEstimates result;
  result.energy = stats::mean_of_walkers(spread_a);
  result.energy.value = energy_a;
  result.gain = stats::mean_of_walkers(arma::vec(spread_a - (e - energy_b)));
  result.gain.value = energy_a - energy_b;
  result.overlap_share = mean_w * mean_w / mean_of(ww);
  return result;
}

}  // namespace fermiac::vmc
