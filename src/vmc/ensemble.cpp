#include "ensemble.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>

#include "fermiac/rng/stream.hpp"
#include "fermiac/simd/sum.hpp"

namespace fermiac::vmc {

Ensemble::Ensemble(WaveFunction const& wave_function, Sampler sampler, double node_length, std::uint32_t n_walkers,
                   std::uint32_t pack_size, Team& team, Context& context)
    : wave_function_(wave_function),
      node_length_(node_length),
      n_walkers_(n_walkers),
      pack_size_(pack_size),
      n_packs_((std::uint64_t{n_walkers} + pack_size - 1) / pack_size),
      particles_(static_cast<std::uint64_t>(wave_function.system().particles)),
      n_coordinates_(particles_ * static_cast<arma::uword>(wave_function.system().dimensions)),
      n_parameters_(wave_function.n_parameters()),
      empty_(wave_function.make_pack(sampler, 0, 0, node_length)),
      team_(team),
      context_(context),
      share_(team.share(n_packs_)) {
  packs_.reserve(share_.size());
  for (auto p = share_.first; p < share_.last; ++p) {
    auto const n = walkers_of(p);
    packs_.push_back({wave_function.make_pack(sampler, static_cast<std::uint32_t>(p) * pack_size, n, node_length),
                      LocalEnergies(n), DerivativeSums(n_parameters_, false), Columns(n, 2 * walker_sums_per_half), Columns(),
                      nullptr, nullptr});
  }
}

std::uint32_t Ensemble::walkers_of(std::uint64_t pack) const noexcept {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(pack_size_, n_walkers_ - pack * pack_size_));
}

template <class Body>
void Ensemble::for_each_pack(Body const& body) {
#pragma omp parallel for schedule(dynamic, 1)
  for (std::size_t i = 0; i < packs_.size(); ++i) body(i, omp_get_thread_num() == 0 ? &context_ : nullptr);
}

void Ensemble::set_parameters(arma::vec const& parameters) {
  parameters_ = parameters;
  empty_->set_parameters(parameters);
  scale_ = empty_->feature_scale();
  for_each_pack([&](std::size_t i, Context* context) {
    packs_[i].pack->set_parameters(parameters);
    if (context != nullptr) context->tick();
  });
}

void Ensemble::place(rng::Key key, std::uint32_t replicate, std::uint64_t block, double deviation) {
  for (std::size_t i = 0; i < packs_.size(); ++i) {
    auto const p = share_.first + i;
    rng::PackStream stream({key, rng::Purpose::place, replicate}, p * pack_size_, walkers_of(p));
    stream.seek(block);
    arma::mat X(walkers_of(p), n_coordinates_);
    stream.normals(X);
    packs_[i].pack->place(deviation * X);
    context_.tick();
  }
}

void Ensemble::zero_derivatives(bool with_products) {
  for (auto& state : packs_)
    if (state.sums.with_products() == with_products)
      state.sums.zero();
    else
      state.sums = DerivativeSums(n_parameters_, with_products);
}

void Ensemble::zero_walker_sums() {
  for (auto& state : packs_) state.walker_sums.zero();
}

void Ensemble::observe(ObservableShape const& shape) {
  for (auto& state : packs_) state.observables = std::make_unique<Observables>(shape);
}

void Ensemble::compare(WaveFunction const& theirs, arma::vec const& their_parameters) {
  for_each_pack([&](std::size_t i, Context* context) {
    packs_[i].comparison = std::make_unique<Comparison>(wave_function_, parameters_, theirs, their_parameters, node_length_,
                                                        packs_[i].pack->n_walkers());
    if (context != nullptr) context->tick();
  });
}

void Ensemble::merge_halves() {
  for (auto& state : packs_)
    for (arma::uword c = 0; c < walker_sums_per_half; ++c) {
      double* first = state.walker_sums.column(c);
      double* second = state.walker_sums.column(walker_sums_per_half + c);
      for (arma::uword k = 0; k < state.walker_sums.n_rows(); ++k) {
        first[k] += second[k];
        second[k] = 0;
      }
    }
}

double Ensemble::update_error() {
  // Rounding is seen when it is removed: what the last round built up counts whether the next one follows now or after a stop.
  for_each_pack([&](std::size_t i, Context*) { packs_[i].pack->refresh(); });
  auto const whole = collect(1, [](PackState const& state, std::span<double> value) { value[0] = state.pack->update_error(); });
  return *std::max_element(whole.begin(), whole.end());
}

arma::mat Ensemble::samples() {
  arma::uword const n_columns = 1 + n_parameters_;
  std::uint64_t n_measurements = 0;
  for (auto const& state : packs_) n_measurements = state.samples.n_columns() / n_columns;
  // Members without packs learn how many there are from the others.
  auto const counts =
      collect(1, [&](PackState const&, std::span<double> value) { value[0] = static_cast<double>(n_measurements); });
  n_measurements = static_cast<std::uint64_t>(counts[0]);
  std::uint64_t const per_pack = n_measurements * n_columns * pack_size_;
  auto const whole = collect(per_pack, [&](PackState const& state, std::span<double> values) {
    for (std::uint64_t c = 0; c < n_measurements * n_columns; ++c)
      std::copy_n(state.samples.column(c), state.samples.n_rows(), values.data() + c * pack_size_);
  });
  arma::mat result(n_walkers_ * n_measurements, n_columns);
  for (std::uint64_t p = 0; p < n_packs_; ++p)
    for (std::uint64_t m = 0; m < n_measurements; ++m)
      for (std::uint64_t c = 0; c < n_columns; ++c)
        std::copy_n(whole.data() + p * per_pack + (m * n_columns + c) * pack_size_, walkers_of(p),
                    result.colptr(c) + m * n_walkers_ + p * pack_size_);
  return result;
}

arma::vec Ensemble::sum_of_products(arma::vec const& v) {
  std::vector<double> whole(n_packs_ * n_parameters_);
  arma::uword const n_columns = 1 + n_parameters_;
  for_each_pack([&](std::size_t i, Context* context) {
    auto const& samples = packs_[i].samples;
    arma::uword const n = samples.n_rows();
    double* const out = whole.data() + (share_.first + i) * n_parameters_;
    std::vector<double> along(n);
    for (arma::uword m = 0; m < samples.n_columns() / n_columns; ++m) {
      std::fill(along.begin(), along.end(), 0.0);
      for (arma::uword k = 0; k < n_parameters_; ++k) {
        double const* __restrict O = samples.column(m * n_columns + 1 + k);
        double* __restrict sum = along.data();
        double const weight = v[k];
#pragma GCC ivdep
        for (arma::uword w = 0; w < n; ++w) sum[w] = std::fma(weight, O[w], sum[w]);
      }
      for (arma::uword k = 0; k < n_parameters_; ++k) out[k] += simd::dot({samples.column(m * n_columns + 1 + k), n}, along);
      if (context != nullptr) context->tick();
    }
  });
  team_.gather(whole, n_parameters_, n_packs_);
  arma::vec total(n_parameters_);
  simd::tree_sum(whole, {total.memptr(), total.n_elem});
  return total;
}

Ensemble::Moved Ensemble::advance(Round const& round, double step) {
  std::uint64_t const n_measurements = round.thinning > 0 ? round.n_sweeps / round.thinning : 0;
  std::uint64_t const per_pack = 1 + 2 * n_measurements;
  std::vector<double> whole(n_packs_ * per_pack);
  for_each_pack([&](std::size_t i, Context* context) {
    auto& state = packs_[i];
    if (round.keep_samples && state.samples.n_columns() != n_measurements * (1 + n_parameters_))
      state.samples = Columns(state.pack->n_walkers(), n_measurements * (1 + n_parameters_));
    double* const out = whole.data() + (share_.first + i) * per_pack;
    std::uint64_t taken = 0;
    std::uint64_t measured = 0;
    state.pack->refresh();
    for (std::uint32_t sweep = 0; sweep < round.n_sweeps; ++sweep) {
      taken += state.pack->sweep(step, round.stream, round.first_sweep + sweep, context);
      if (round.thinning == 0 || (sweep + 1) % round.thinning != 0) continue;
      state.pack->measure(state.energies, round.derivatives ? &state.sums : nullptr);
      auto const n = state.energies.columns.n_rows();
      double const* const energy = state.energies.term(LocalEnergies::energy);
      out[1 + measured] = simd::sum({energy, n});
      out[1 + n_measurements + measured] = simd::dot({energy, n}, {energy, n});
      if (round.keep_samples) {
        auto const& O = state.pack->derivatives();
        std::copy_n(energy, n, state.samples.column(measured * (1 + n_parameters_)));
        for (arma::uword k = 0; k < n_parameters_; ++k)
          std::copy_n(O.column(k), n, state.samples.column(measured * (1 + n_parameters_) + 1 + k));
      }
      if (round.by_walker) {
        arma::uword const first = round.measured + measured < round.first_half ? 0 : walker_sums_per_half;
        for (arma::uword t = 0; t < LocalEnergies::n_terms; ++t) {
          double const* __restrict value = state.energies.columns.column(t);
          double* __restrict sum = state.walker_sums.column(first + t);
          for (arma::uword k = 0; k < n; ++k) sum[k] += value[k];
        }
        double const* __restrict control = state.energies.term(LocalEnergies::control);
        double* __restrict square = state.walker_sums.column(first + LocalEnergies::n_terms);
        double* __restrict plain_square = state.walker_sums.column(first + LocalEnergies::n_terms + 1);
        for (arma::uword k = 0; k < n; ++k) {
          double const plain = energy[k] - control[k];
          square[k] = std::fma(energy[k], energy[k], square[k]);
          plain_square[k] = std::fma(plain, plain, plain_square[k]);
        }
      }
      ++measured;
      if (round.compare) state.comparison->add(state.pack->positions());
      if (round.observe_every > 0 && (round.measured + measured) % round.observe_every == 0)
        state.observables->add(state.pack->coordinates());
    }
    out[0] = static_cast<double>(taken);
  });
  team_.gather(whole, per_pack, n_packs_);
  arma::vec total(per_pack);
  simd::tree_sum(whole, {total.memptr(), total.n_elem});
  return {std::uint64_t{round.n_sweeps} * n_walkers_ * particles_, static_cast<std::uint64_t>(total[0]),
          arma::vec(total.memptr() + 1, n_measurements), arma::vec(total.memptr() + 1 + n_measurements, n_measurements)};
}

std::vector<double> Ensemble::collect(std::uint64_t per_pack,
                                      std::function<void(PackState const&, std::span<double>)> const& body) {
  std::vector<double> whole(n_packs_ * per_pack);
  for (std::size_t i = 0; i < packs_.size(); ++i)
    body(packs_[i], std::span(whole).subspan((share_.first + i) * per_pack, per_pack));
  team_.gather(whole, per_pack, n_packs_);
  return whole;
}

void Ensemble::distribute(std::span<double const> whole, std::uint64_t per_pack,
                          std::function<void(PackState&, std::span<double const>)> const& body) {
  for (std::size_t i = 0; i < packs_.size(); ++i) body(packs_[i], whole.subspan((share_.first + i) * per_pack, per_pack));
}

}  // namespace fermiac::vmc
