#include "fermiac/vmc/rbm_pack.hpp"

#include <algorithm>
#include <cmath>

#include "fermiac/base/error.hpp"
#include "fermiac/rng/stream.hpp"
#include "fermiac/simd/functions.hpp"
#include "rbm_kernels.hpp"

namespace fermiac::vmc {
namespace {

constexpr std::uint64_t sweeps_between_refreshes = 64;

constexpr std::uint64_t first_gibbs_block = std::uint64_t{1} << 63;

// A move that stays near changes the sum of all theta by less than this, so that P, below e^208 before it, is below e^308 after
// it, and its square is a number.
constexpr double largest_near_change = 100;

// From one refresh to the next a near theta rises by less than this: where exp(theta) is held, or has underflown, 1 +
// exp(theta) is 1 all the while.
constexpr double largest_near_drift = 600;

}  // namespace

struct RbmPack::View {
  kernels::Machine machine;
  kernels::Walkers walkers;
  kernels::Form form;
};

RbmPack::RbmPack(System const& system, RbmShape const& shape, std::uint32_t first_walker, arma::uword n_walkers,
                 double sigma_squared, Sampler sampler)
    : system_(system),
      shape_(shape),
      first_walker_(first_walker),
      sigma_squared_(sigma_squared),
      sampler_(sampler),
      a_(shape.n_coordinates, arma::fill::zeros),
      b_(shape.n_hidden, arma::fill::zeros),
      V_(shape.n_coordinates * shape.n_hidden),
      V_square_(shape.n_hidden),
      V_sum_(shape.n_coordinates),
      x_(n_walkers, shape.n_coordinates),
      theta_(n_walkers, shape.n_hidden),
      e_(n_walkers, shape.n_hidden),
      size_P_(n_walkers, 2),
      words_(4 * n_walkers) {
  check(system);
  FERMIAC_ASSERT(sampler != Sampler::langevin);
  if (shape.n_coordinates != static_cast<arma::uword>(system.particles * system.dimensions))
    throw InputError("the machine has " + std::to_string(shape.n_coordinates) + " coordinates, the system " +
                     std::to_string(system.particles * system.dimensions));
  scratch_ = Columns(kernels::tile_size, kernels::scratch_columns(view().machine));
  refresh();
}

RbmPack::View RbmPack::view() const {
  auto& self = const_cast<RbmPack&>(*this);
  bool const coulomb = system_.interaction == Interaction::coulomb;
  bool const interacting = system_.interaction != Interaction::none && system_.particles > 1;
  auto const dimensions = static_cast<std::size_t>(system_.dimensions);
  return {.machine = {.particles = static_cast<std::size_t>(system_.particles),
                      .dimensions = dimensions,
                      .hidden = shape_.n_hidden,
                      .parameters = shape_.n_parameters(),
                      .a = a_.memptr(),
                      .b = b_.memptr(),
                      .V = V_.data(),
                      .V_square = V_square_.data(),
                      .V_sum = V_sum_.data(),
                      .inverse_sigma_squared = inverse_sigma_squared_,
                      .s = exponent(shape_.convention),
                      .sigma_trainable = shape_.sigma_trainable,
                      .omega = system_.omega,
                      .interacting = interacting,
                      .softening_squared = coulomb ? 0 : system_.softening * system_.softening,
                      .control = interacting && coulomb,
                      .control_decay = std::sqrt(system_.omega)},
          .walkers = {.n = x_.n_rows(),
                      .stride = x_.stride(),
                      .x = self.x_.data(),
                      .theta = self.theta_.data(),
                      .e = self.e_.data(),
                      .size = self.size_P_.column(0),
                      .P = self.size_P_.column(1),
                      .scratch = self.scratch_.data()},
          .form = near_ ? kernels::Form::near : kernels::Form::far};
}

void RbmPack::set_parameters(arma::vec const& parameters) { set_parameters(unflatten(shape_, parameters, sigma_squared_)); }

Columns const& RbmPack::derivatives() {
  if (derivatives_.n_columns() == 0) derivatives_ = Columns(n_walkers(), shape_.n_parameters());
  derivatives_.assign(log_derivatives());
  return derivatives_;
}

arma::vec RbmPack::feature_scale() const {
  auto const M = shape_.n_coordinates;
  auto const H = shape_.n_hidden;
  double const s = exponent(shape_.convention);
  arma::vec scale(shape_.n_parameters(), arma::fill::value(s));
  std::fill_n(scale.memptr(), M, s * inverse_sigma_squared_);
  std::fill_n(scale.memptr() + M + H, M * H, s * inverse_sigma_squared_);
  return scale;
}

void RbmPack::set_parameters(RbmParameters const& parameters) {
  auto const M = shape_.n_coordinates;
  auto const H = shape_.n_hidden;
  FERMIAC_ASSERT(parameters.a.n_elem == M && parameters.b.n_elem == H);
  FERMIAC_ASSERT(parameters.W.n_rows == M && parameters.W.n_cols == H && parameters.sigma_squared > 0);
  a_ = parameters.a;
  b_ = parameters.b;
  inverse_sigma_squared_ = 1 / parameters.sigma_squared;
  std::fill(V_sum_.begin(), V_sum_.end(), 0.0);
  auto const D = static_cast<arma::uword>(system_.dimensions);
  arma::vec of_particle(static_cast<arma::uword>(system_.particles), arma::fill::zeros);
  largest_of_unit_ = 0;
  for (arma::uword j = 0; j < H; ++j) {
    V_square_[j] = 0;
    double of_unit = 0;
    for (arma::uword i = 0; i < M; ++i) {
      double const weight = parameters.W(i, j) * inverse_sigma_squared_;
      V_[i * H + j] = weight;
      V_square_[j] += weight * weight;
      V_sum_[i] += weight;
      of_unit += std::fabs(weight);
      of_particle[i / D] += std::fabs(weight);
    }
    largest_of_unit_ = std::max(largest_of_unit_, of_unit);
  }
  largest_of_particle_ = of_particle.max();
  refresh();
}

void RbmPack::place(arma::mat const& X) {
  FERMIAC_ASSERT(X.n_rows == n_walkers() && X.n_cols == shape_.n_coordinates);
  x_.assign(X);
  refresh();
}

void RbmPack::refresh() {
  auto const v = view();
  near_ = kernels::refresh_near(v.machine, v.walkers);
  if (!near_) kernels::refresh_far(v.machine, v.walkers);
}

void RbmPack::go_far() {
  auto const v = view();
  kernels::refresh_far(v.machine, v.walkers);
  near_ = false;
}

std::uint64_t RbmPack::sweep(double step, MoveStream const& stream, std::uint64_t sweep, Context* context) {
  if (sampler_ == Sampler::gibbs) return gibbs_sweep(stream, sweep, context);
  if (sweep % sweeps_between_refreshes == 0) refresh();
  // Written so that NaN goes far.
  bool const small = 0.5 * step * largest_of_particle_ < largest_near_change &&
                     0.5 * step * largest_of_unit_ * sweeps_between_refreshes < largest_near_drift;
  if (near_ && !small) go_far();
  std::uint32_t* const words[4] = {words_.data(), words_.data() + n_walkers(), words_.data() + 2 * n_walkers(),
                                   words_.data() + 3 * n_walkers()};
  auto const v = view();
  std::uint64_t accepted = 0;
  for (std::size_t p = 0; p < v.machine.particles; ++p) {
    rng::blocks_over_walkers(stream.key, stream.purpose, stream.replicate, first_walker_,
                             static_cast<std::uint32_t>(n_walkers()), sweep * v.machine.particles + p, words[0], words[1],
                             words[2], words[3]);
    auto const move = kernels::move_for(v.machine.dimensions, near_ ? kernels::Form::near : kernels::Form::far);
    auto const moved = move(v.machine, v.walkers, p, step, words);
    accepted += moved.accepted;
    if (near_ && !moved.near) go_far();
    if (context != nullptr) context->tick();
  }
  return accepted;
}

std::uint64_t RbmPack::gibbs_sweep(MoveStream const& stream, std::uint64_t sweep, Context* context) {
  auto const v = view();
  auto const M = shape_.n_coordinates;
  auto const H = shape_.n_hidden;
  // |Psi|^2 = F, or F^2: the machine in which every hidden unit is there twice.
  arma::uword const copies = shape_.convention == Convention::f ? 2 : 1;
  double const variance = 1 / (static_cast<double>(copies) * inverse_sigma_squared_);
  std::uint64_t const blocks_of_copy = (H + 3) / 4;
  std::uint64_t index = first_gibbs_block + sweep * (copies * blocks_of_copy + (M + 1) / 2);

  for (arma::uword i = 0; i < M; ++i) std::fill_n(x_.column(i), n_walkers(), a_[i]);
  std::uint32_t* const words[4] = {words_.data(), words_.data() + n_walkers(), words_.data() + 2 * n_walkers(),
                                   words_.data() + 3 * n_walkers()};
  for (arma::uword copy = 0; copy < copies; ++copy) {
    for (arma::uword j = 0; j < H; j += 4) {
      rng::blocks_over_walkers(stream.key, stream.purpose, stream.replicate, first_walker_,
                               static_cast<std::uint32_t>(n_walkers()), index++, words[0], words[1], words[2], words[3]);
      kernels::choose_hidden(v.machine, v.walkers, v.form, j, std::min<arma::uword>(4, H - j), variance, words);
    }
    if (context != nullptr) context->tick();
  }

  noise_.set_size(n_walkers(), M);
  rng::PackStream normals({stream.key, stream.purpose, stream.replicate}, first_walker_, n_walkers());
  normals.seek(index);
  normals.normals(noise_);
  double const deviation = std::sqrt(variance);
  for (arma::uword i = 0; i < M; ++i) {
    double* __restrict x = x_.column(i);
    double const* __restrict normal = noise_.memptr() + i * n_walkers();
    for (arma::uword k = 0; k < n_walkers(); ++k) x[k] = std::fma(deviation, normal[k], x[k]);
  }
  refresh();
  if (context != nullptr) context->tick();
  return n_walkers() * static_cast<std::uint64_t>(system_.particles);
}

void RbmPack::measure(LocalEnergies& energies, DerivativeSums* sums) {
  FERMIAC_ASSERT(energies.columns.n_rows() == n_walkers());
  auto const v = view();
  kernels::measure_for(v.machine.dimensions, v.form)(v.machine, v.walkers, energies.columns.data(), energies.columns.stride(),
                                                     sums != nullptr ? sums->lanes.data() : nullptr,
                                                     sums != nullptr && sums->with_products());
}

arma::vec RbmPack::log_psi() const {
  arma::vec result(n_walkers());
  for (arma::uword k = 0; k < n_walkers(); ++k) {
    double square = 0;
    for (arma::uword i = 0; i < shape_.n_coordinates; ++i) {
      double const offset = x_.column(i)[k] - a_[i];
      square = std::fma(offset, offset, square);
    }
    double log_F = simd::log(size_P_.column(1)[k]) - 0.5 * inverse_sigma_squared_ * square;
    if (!near_) {
      double size = size_P_.column(0)[k];
      for (arma::uword j = 0; j < shape_.n_hidden; ++j) size += theta_.column(j)[k];
      log_F += 0.5 * size;
    }
    result[k] = exponent(shape_.convention) * log_F;
  }
  return result;
}

arma::mat RbmPack::drift() const {
  arma::mat result(n_walkers(), shape_.n_coordinates);
  arma::vec laplacian(n_walkers());
  auto const v = view();
  kernels::slope_for(v.machine.dimensions, v.form)(v.machine, v.walkers, result.memptr(), result.n_rows, laplacian.memptr());
  return result;
}

arma::vec RbmPack::laplacian() const {
  arma::mat drift(n_walkers(), shape_.n_coordinates);
  arma::vec result(n_walkers());
  auto const v = view();
  kernels::slope_for(v.machine.dimensions, v.form)(v.machine, v.walkers, drift.memptr(), drift.n_rows, result.memptr());
  return result;
}

arma::mat RbmPack::log_derivatives() const {
  auto const M = shape_.n_coordinates;
  auto const H = shape_.n_hidden;
  double const s = exponent(shape_.convention);
  arma::mat O(n_walkers(), shape_.n_parameters());
  for (arma::uword k = 0; k < n_walkers(); ++k) {
    double of_log_sigma = 0;
    for (arma::uword i = 0; i < M; ++i) {
      double const offset = x_.column(i)[k] - a_[i];
      O(k, i) = s * inverse_sigma_squared_ * offset;
      of_log_sigma = std::fma(offset * inverse_sigma_squared_, offset, of_log_sigma);
    }
    for (arma::uword j = 0; j < H; ++j) {
      double shift = 0;  // theta - b
      for (arma::uword i = 0; i < M; ++i) shift = std::fma(V_[i * H + j], x_.column(i)[k], shift);
      double const e = e_.column(j)[k];
      double const probability = (!near_ && theta_.column(j)[k] > 0 ? 1.0 : e) / (1.0 + e);
      O(k, M + j) = s * probability;
      for (arma::uword i = 0; i < M; ++i) O(k, M + H + i + M * j) = s * inverse_sigma_squared_ * x_.column(i)[k] * probability;
      of_log_sigma = std::fma(-2 * shift, probability, of_log_sigma);
    }
    if (shape_.sigma_trainable) O(k, O.n_cols - 1) = s * of_log_sigma;
  }
  return O;
}

}  // namespace fermiac::vmc
