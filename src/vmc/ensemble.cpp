#include "ensemble.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>

#include "fermiac/rng/stream.hpp"
#include "fermiac/simd/sum.hpp"

namespace fermiac::vmc {

Ensemble::Ensemble(System const& system, RbmShape const& shape, std::uint32_t n_walkers, std::uint32_t pack_size, Team& team,
                   Context& context)
    : n_walkers_(n_walkers),
      pack_size_(pack_size),
      n_packs_((std::uint64_t{n_walkers} + pack_size - 1) / pack_size),
      particles_(static_cast<std::uint64_t>(system.particles)),
      shape_(shape),
      team_(team),
      context_(context),
      share_(team.share(n_packs_)) {
  packs_.reserve(share_.size());
  for (auto p = share_.first; p < share_.last; ++p) {
    auto const n = walkers_of(p);
    packs_.push_back({RbmPack(system, shape, static_cast<std::uint32_t>(p) * pack_size, n), LocalEnergies(n),
                      DerivativeSums(shape, false), Columns(n, 2 * walker_sums_per_half)});
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

void Ensemble::set_parameters(RbmParameters const& parameters) {
  for (auto& state : packs_) {
    state.pack.set_parameters(parameters);
    context_.tick();
  }
}

void Ensemble::place(rng::Key key, std::uint32_t replicate, std::uint64_t block, double deviation) {
  for (std::size_t i = 0; i < packs_.size(); ++i) {
    auto const p = share_.first + i;
    rng::PackStream stream({key, rng::Purpose::place, replicate}, p * pack_size_, walkers_of(p));
    stream.seek(block);
    arma::mat X(walkers_of(p), shape_.n_coordinates);
    stream.normals(X);
    packs_[i].pack.place(deviation * X);
    context_.tick();
  }
}

void Ensemble::zero_derivatives(bool with_products) {
  for (auto& state : packs_)
    if (state.sums.with_products() == with_products)
      state.sums.zero();
    else
      state.sums = DerivativeSums(shape_, with_products);
}

void Ensemble::zero_walker_sums() {
  for (auto& state : packs_) state.walker_sums.zero();
}

Ensemble::Moved Ensemble::advance(Round const& round, double step) {
  std::uint64_t const n_measurements = round.thinning > 0 ? round.n_sweeps / round.thinning : 0;
  std::uint64_t const per_pack = 1 + n_measurements;
  std::vector<double> whole(n_packs_ * per_pack);
  for_each_pack([&](std::size_t i, Context* context) {
    auto& state = packs_[i];
    double* const out = whole.data() + (share_.first + i) * per_pack;
    std::uint64_t taken = 0;
    std::uint64_t measured = 0;
    state.pack.refresh();
    for (std::uint32_t sweep = 0; sweep < round.n_sweeps; ++sweep) {
      taken += state.pack.sweep(step, round.stream, round.first_sweep + sweep, context);
      if (round.thinning == 0 || (sweep + 1) % round.thinning != 0) continue;
      state.pack.measure(state.energies, round.derivatives ? &state.sums : nullptr);
      auto const n = state.energies.columns.n_rows();
      double const* const energy = state.energies.term(LocalEnergies::energy);
      out[1 + measured] = simd::sum({energy, n});
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
    }
    out[0] = static_cast<double>(taken);
  });
  team_.gather(whole, per_pack, n_packs_);
  arma::vec total(per_pack);
  simd::tree_sum(whole, {total.memptr(), total.n_elem});
  return {std::uint64_t{round.n_sweeps} * n_walkers_ * particles_, static_cast<std::uint64_t>(total[0]),
          arma::vec(total.memptr() + 1, n_measurements)};
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
