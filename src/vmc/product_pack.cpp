#include "fermiac/vmc/product_pack.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "fermiac/base/error.hpp"
#include "fermiac/simd/functions.hpp"
#include "hamiltonian.hpp"

namespace fermiac::vmc {
namespace {

using std::size_t;

constexpr std::uint64_t sweeps_between_refreshes = 64;

/// Columns of `ProductPack::ratio_`.
enum : arma::uword { power_of_e, numerator, denominator, taken, limit_here, limit_there, n_ratio_columns };

/// (word + 1/2) 2^-32 - 1/2, times 2^32: exact. A signed conversion, for there is no unsigned one below AVX-512.
[[gnu::always_inline]] inline double centred(std::uint32_t word) {
  return static_cast<double>(std::bit_cast<std::int32_t>(word ^ 0x80000000U)) + 0.5;
}

/// tau w(v) / v, w(v) the limited drift; tau where v^2 tau -> 0.
void limited_steps(Columns const& drift, double tau, double* __restrict step) {
  size_t const n = drift.n_rows();
  std::fill_n(step, n, 0.0);
  for (size_t c = 0; c < drift.n_columns(); ++c) {
    double const* __restrict v = drift.column(c);
#pragma GCC ivdep
    for (size_t k = 0; k < n; ++k) step[k] = std::fma(v[k], v[k], step[k]);
  }
#pragma GCC ivdep
  for (size_t k = 0; k < n; ++k) step[k] = tau * (2.0 / (1.0 + std::sqrt(1.0 + 2.0 * (step[k] * tau))));
}

/// The factor f by which terms are multiplied near nodes; the squared distance to one is half over the kinetic energy from the
/// gradient.
[[gnu::always_inline]] inline double node_weight(double unit, double from_gradient) {
  double const y2 = std::min(1.0, unit / from_gradient);
  return y2 * std::fma(y2, std::fma(7.0, y2, -15.0), 9.0);
}

double near_node(double length) { return 0.5 / (length * length); }

}  // namespace

double ProductPack::node_unit(System const& system) {
  double const root = std::sqrt(0.5 * std::max(2, system.particles));
  return 1 / (std::sqrt(system.omega) * root * std::sqrt(root));
}

ProductPack::ProductPack(WaveFunction const& wave_function, Sampler sampler, std::uint32_t first_walker, arma::uword n_walkers,
                         double node_length)
    : system_(wave_function.system()),
      sampler_(sampler),
      first_walker_(first_walker),
      n_parameters_(wave_function.n_parameters()),
      node_length_(wave_function.has_nodes() ? node_length : 0),
      node_length_of_forms_(node_length_ > 0 ? 0.1 * node_unit(system_) : 0),
      wave_function_(&wave_function) {
  FERMIAC_ASSERT(sampler != Sampler::gibbs);
  auto const D = static_cast<arma::uword>(system_.dimensions);
  auto const M = static_cast<arma::uword>(system_.particles) * D;
  for (auto const& part : wave_function.parts()) factors_.push_back(part.form->make(n_walkers));
  x_ = Columns(n_walkers, M);
  proposal_.x = Columns(n_walkers, D);
  ratio_ = Columns(n_walkers, n_ratio_columns);
  words_.resize(8 * n_walkers);
  here_ = Columns(n_walkers, D);
  there_ = Columns(n_walkers, D);
  slope_ = Columns(n_walkers, M);
  laplacian_ = Columns(n_walkers, 1);
  pair_gradient_ = Columns(n_walkers, M);
  O_ = Columns(n_walkers, n_parameters_);
}

void ProductPack::set_parameters(arma::vec const& parameters) {
  FERMIAC_ASSERT(parameters.n_elem == n_parameters_);
  auto const& parts = wave_function_->parts();
  for (size_t f = 0; f < factors_.size(); ++f)
    factors_[f]->set_parameters({parameters.memptr() + parts[f].first, parts[f].n_parameters});
  double const wanted = system_.interaction == Interaction::coulomb ? 1 : 0;
  defect_ = has_unlike_pairs(system_) ? wanted - (system_.dimensions - 1) * wave_function_->cusp(parameters).unlike : 0;
  if (std::abs(defect_) < 1e-12) defect_ = 0;  // the exact cusp but for rounding
  if (defect_ != 0 && along_.n_columns() != n_parameters_) along_ = Columns(n_walkers(), n_parameters_);
  refresh();
}

void ProductPack::place(arma::mat const& X) {
  FERMIAC_ASSERT(X.n_rows == n_walkers() && X.n_cols == x_.n_columns());
  x_.assign(X);
  refresh();
}

void ProductPack::refresh() {
  for (auto& factor : factors_) factor->refresh(x_);
}

std::uint64_t ProductPack::sweep(double step, MoveStream const& stream, std::uint64_t sweep, Context* context) {
  if (sweep % sweeps_between_refreshes == 0) refresh();
  auto const particles = static_cast<size_t>(system_.particles);
  std::uint64_t accepted = 0;
  for (size_t p = 0; p < particles; ++p) {
    proposal_.particle = p;
    std::uint64_t const index = sweep * particles + p;
    accepted += sampler_ == Sampler::metropolis ? metropolis(step, stream, index) : langevin(step, stream, index);
    if (context != nullptr) context->tick();
  }
  return accepted;
}

/// Asks every factor for its part of |Psi'/Psi|^2.
void ProductPack::propose() {
  auto const n = n_walkers();
  std::fill_n(ratio_.column(power_of_e), n, 0.0);
  std::fill_n(ratio_.column(numerator), n, 1.0);
  std::fill_n(ratio_.column(denominator), n, 1.0);
  Ratio const ratio{ratio_.column(power_of_e), ratio_.column(numerator), ratio_.column(denominator)};
  for (auto& factor : factors_) factor->propose(x_, proposal_, ratio);
}

/// Takes the proposal where u denominator < numerator exp(exponent), u of `words`.
std::uint64_t ProductPack::decide(std::uint32_t const* words) {
  size_t const n = n_walkers();
  double const* __restrict power = ratio_.column(power_of_e);
  double const* __restrict above = ratio_.column(numerator);
  double const* __restrict below = ratio_.column(denominator);
  double* __restrict take = ratio_.column(taken);
  std::uint64_t accepted = 0;
#pragma GCC ivdep
  for (size_t k = 0; k < n; ++k) {
    double const u = std::fma(centred(words[k]), 0x1p-32, 0.5);
    bool const yes = u * below[k] < above[k] * simd::exp_held(power[k]);
    take[k] = yes ? 1.0 : 0.0;
    accepted += yes ? 1 : 0;
  }
  for (auto& factor : factors_) factor->take(x_, proposal_, take);
  auto const D = proposal_.x.n_columns();
  for (size_t c = 0; c < D; ++c) {
    double* __restrict x = x_.column(proposal_.particle * D + c);
    double const* __restrict to = proposal_.x.column(c);
#pragma GCC ivdep
    for (size_t k = 0; k < n; ++k) x[k] = take[k] > 0 ? to[k] : x[k];
  }
  return accepted;
}

std::uint64_t ProductPack::metropolis(double step, MoveStream const& stream, std::uint64_t index) {
  size_t const n = n_walkers();
  std::uint32_t* const words[4] = {words_.data(), words_.data() + n, words_.data() + 2 * n, words_.data() + 3 * n};
  rng::blocks_over_walkers(stream.key, stream.purpose, stream.replicate, first_walker_, static_cast<std::uint32_t>(n), index,
                           words[0], words[1], words[2], words[3]);
  auto const D = proposal_.x.n_columns();
  double const scale = step * 0x1p-32;
  for (size_t c = 0; c < D; ++c) {
    double const* __restrict x = x_.column(proposal_.particle * D + c);
    double* __restrict to = proposal_.x.column(c);
    std::uint32_t const* __restrict word = words[c];
#pragma GCC ivdep
    for (size_t k = 0; k < n; ++k) to[k] = std::fma(centred(word[k]), scale, x[k]);
  }
  propose();
  return decide(words[3]);
}

std::uint64_t ProductPack::langevin(double tau, MoveStream const& stream, std::uint64_t index) {
  size_t const n = n_walkers();
  std::uint32_t* words[8];
  for (size_t w = 0; w < 8; ++w) words[w] = words_.data() + w * n;
  for (std::uint64_t b = 0; b < 2; ++b)
    rng::blocks_over_walkers(stream.key, stream.purpose, stream.replicate, first_walker_, static_cast<std::uint32_t>(n),
                             2 * index + b, words[4 * b], words[4 * b + 1], words[4 * b + 2], words[4 * b + 3]);
  auto const D = proposal_.x.n_columns();
  size_t const p = proposal_.particle;
  here_.zero();
  for (auto& factor : factors_) factor->add_drift(x_, p, here_);

  // Box and Muller: two normals of the first block, the third of the second.
  double const root = std::sqrt(tau);
  for (size_t pair = 0; 2 * pair < D; ++pair) {
    std::uint32_t const* __restrict radial = words[4 * pair];
    std::uint32_t const* __restrict angular = words[4 * pair + 1];
    double* __restrict first = proposal_.x.column(2 * pair);
    double* __restrict second = 2 * pair + 1 < D ? proposal_.x.column(2 * pair + 1) : ratio_.column(taken);
#pragma GCC ivdep
    for (size_t k = 0; k < n; ++k) {
      double const radius = std::sqrt(-2.0 * simd::log(rng::uniform_of(radial[k])));
      auto const angle = simd::sincos_turns(rng::uniform_of(angular[k]));
      first[k] = radius * angle.cos;
      second[k] = radius * angle.sin;
    }
  }
  double* __restrict here = ratio_.column(limit_here);
  limited_steps(here_, tau, here);
  for (size_t c = 0; c < D; ++c) {
    double const* __restrict x = x_.column(p * D + c);
    double* __restrict to = proposal_.x.column(c);
    double const* __restrict v = here_.column(c);
#pragma GCC ivdep
    for (size_t k = 0; k < n; ++k) to[k] = std::fma(root, to[k], std::fma(here[k], v[k], x[k]));
  }
  propose();
  there_.zero();
  for (auto& factor : factors_) factor->add_proposed_drift(x_, proposal_, there_);
  double* __restrict there = ratio_.column(limit_there);
  limited_steps(there_, tau, there);
  double* __restrict power = ratio_.column(power_of_e);
  double const weight = 0.5 / tau;
  for (size_t c = 0; c < D; ++c) {
    double const* __restrict x = x_.column(p * D + c);
    double const* __restrict to = proposal_.x.column(c);
    double const* __restrict v = here_.column(c);
    double const* __restrict w = there_.column(c);
#pragma GCC ivdep
    for (size_t k = 0; k < n; ++k) {
      double const forth = to[k] - x[k] - here[k] * v[k];
      double const back = x[k] - to[k] - there[k] * w[k];
      power[k] = std::fma((forth - back) * (forth + back), weight, power[k]);
    }
  }
  return decide(words[7]);
}

void ProductPack::compute_slope() const {
  slope_.zero();
  laplacian_.zero();
  for (auto const& factor : factors_) factor->add_slope(x_, slope_, laplacian_.data());
}

void ProductPack::measure(LocalEnergies& energies, DerivativeSums* sums) {
  size_t const n = n_walkers();
  FERMIAC_ASSERT(energies.columns.n_rows() == n);
  compute_slope();
  local_energies(system_, x_, slope_, laplacian_.data(), defect_, energies, pair_gradient_);
  double* const weight = ratio_.column(taken);
  if (node_length_ > 0) {
    double* __restrict from_gradient = energies.columns.column(LocalEnergies::kinetic_from_gradient);
    double const unit = near_node(node_length_);
    double const unit_of_forms = near_node(node_length_of_forms_);
#pragma GCC ivdep
    for (size_t w = 0; w < n; ++w) {
      weight[w] = node_weight(unit, from_gradient[w]);
      from_gradient[w] *= node_weight(unit_of_forms, from_gradient[w]);
    }
  }
  if (sums == nullptr) return;
  bool const control = defect_ != 0;
  for (size_t f = 0; f < factors_.size(); ++f)
    factors_[f]->log_derivatives(x_, O_, wave_function_->parts()[f].first, control ? &pair_gradient_ : nullptr,
                                 control ? &along_ : nullptr);
  if (control)
    for (size_t k = 0; k < n_parameters_; ++k) {
      double* __restrict along = along_.column(k);
      for (size_t w = 0; w < n; ++w) along[w] *= -0.5;
    }
  if (node_length_ > 0)
    for (auto const& part : wave_function_->parts()) {
      if (!part.form->moves_nodes()) continue;
      for (auto k = part.first; k < part.first + part.n_parameters; ++k) {
        double* __restrict O = O_.column(k);
        for (size_t w = 0; w < n; ++w) O[w] *= weight[w];
        if (!control) continue;
        double* __restrict along = along_.column(k);
        for (size_t w = 0; w < n; ++w) along[w] *= weight[w];
      }
    }
  add_sample(*sums, n, energies.term(LocalEnergies::energy), O_, control ? &along_ : nullptr);
}

arma::vec ProductPack::log_psi() const {
  arma::vec result(n_walkers(), arma::fill::zeros);
  arma::vec sign(n_walkers(), arma::fill::ones);
  for (auto const& factor : factors_) factor->add_log_psi(x_, result.memptr(), sign.memptr());
  return result;
}

arma::vec ProductPack::sign() const {
  arma::vec result(n_walkers(), arma::fill::zeros);
  arma::vec sign(n_walkers(), arma::fill::ones);
  for (auto const& factor : factors_) factor->add_log_psi(x_, result.memptr(), sign.memptr());
  return sign;
}

arma::mat ProductPack::drift() const {
  compute_slope();
  return slope_.matrix();
}

arma::vec ProductPack::laplacian() const {
  compute_slope();
  return laplacian_.matrix().as_col();
}

arma::mat ProductPack::log_derivatives() const {
  for (size_t f = 0; f < factors_.size(); ++f)
    factors_[f]->log_derivatives(x_, O_, wave_function_->parts()[f].first, nullptr, nullptr);
  return O_.matrix();
}

double ProductPack::update_error() const {
  double largest = 0;
  for (auto const& factor : factors_) largest = std::max(largest, factor->update_error());
  return largest;
}

}  // namespace fermiac::vmc
