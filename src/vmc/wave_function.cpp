#include "fermiac/vmc/wave_function.hpp"

#include <algorithm>
#include <cmath>

#include "fermiac/base/error.hpp"
#include "fermiac/vmc/factors/rbm.hpp"
#include "fermiac/vmc/product_pack.hpp"
#include "fermiac/vmc/rbm_pack.hpp"

namespace fermiac::vmc {
namespace {

FactorKind const& kind_of(std::string const& name) {
  std::vector<std::string> known;
  for (auto const& kind : factor_kinds()) {
    if (kind.name == name) return kind;
    known.push_back(kind.name);
  }
  throw InputError("ansatz.factors", "there is no factor \"" + name + "\" (did you mean " + nearest(name, known) + "?)");
}

}  // namespace

WaveFunction::WaveFunction(System const& system, AnsatzSettings const& ansatz) : system_(system), ansatz_(ansatz) {
  check(system);
  arma::uword first = 0;
  std::size_t n_antisymmetric = 0;
  bool all_have_symmetry = true;
  for (auto const& name : factor_names(ansatz.factors)) {
    if (std::ranges::any_of(parts_, [&](Part const& part) { return part.name == name; }))
      throw InputError("ansatz.factors", "the factor \"" + name + "\" comes twice");
    auto form = kind_of(name).make(system, ansatz);
    auto const n = form->n_parameters();
    if (form->exchange() == Exchange::antisymmetric) ++n_antisymmetric;
    if (form->exchange() == Exchange::none) all_have_symmetry = false;
    parts_.push_back({name, first, n, std::move(form)});
    first += n;
  }
  if (has_like_pairs(system) && n_antisymmetric != 1)
    throw InputError("ansatz.factors", "fermions of one spin need exactly one antisymmetric factor (slater or backflow), not " +
                                           std::to_string(n_antisymmetric) + "; for bosons set system.statistics = \"bosons\"");
  bool const exchanges_matter = has_like_pairs(system) || (system.statistics == Statistics::bosons && system.particles > 1);
  symmetry_ = all_have_symmetry || !exchanges_matter ? Symmetry::exact : Symmetry::none;
  if (std::ranges::none_of(parts_, [](Part const& part) { return part.form->confines(); }))
    throw InputError("ansatz.factors", "nothing confines the particles: one factor must be gaussian, rbm, slater or backflow");
  is_rbm_ = parts_.size() == 1 && parts_[0].name == "rbm" && is_isotropic(system);
}

arma::uword WaveFunction::n_parameters() const noexcept { return parts_.back().first + parts_.back().n_parameters; }

arma::vec WaveFunction::initial_parameters(rng::Stream& stream) const {
  arma::vec result(n_parameters());
  for (auto const& part : parts_) {
    arma::vec const own = part.form->initial_parameters(stream);
    FERMIAC_ASSERT(own.n_elem == part.n_parameters);
    std::copy(own.begin(), own.end(), result.begin() + part.first);
  }
  return result;
}

arma::vec WaveFunction::units() const {
  arma::vec result(n_parameters());
  for (auto const& part : parts_) {
    arma::vec const own = part.form->units();
    std::copy(own.begin(), own.end(), result.begin() + part.first);
  }
  return result;
}

Cusp WaveFunction::cusp(arma::vec const& parameters) const {
  Cusp total;
  for (auto const& part : parts_) {
    auto const own = part.form->cusp({parameters.memptr() + part.first, part.n_parameters});
    total.unlike += own.unlike;
    total.like += own.like;
  }
  return total;
}

bool WaveFunction::moves_nodes() const {
  return std::ranges::any_of(parts_, [](Part const& part) { return part.form->moves_nodes(); });
}

bool WaveFunction::has_nodes() const {
  return std::ranges::any_of(parts_, [](Part const& part) { return part.form->exchange() == Exchange::antisymmetric; });
}

std::unique_ptr<Pack> WaveFunction::make_pack(Sampler sampler, std::uint32_t first_walker, arma::uword n_walkers,
                                              double node_length) const {
  if (is_rbm_ && sampler != Sampler::langevin)
    return std::make_unique<RbmPack>(system_, rbm_shape(system_, ansatz_), first_walker, n_walkers,
                                     initial_sigma_squared(system_, ansatz_), sampler);
  if (sampler == Sampler::gibbs)
    throw InputError("sampler.method",
                     "gibbs samples a restricted Boltzmann machine alone (factors = \"rbm\"), in the isotropic harmonic trap");
  return std::make_unique<ProductPack>(*this, sampler, first_walker, n_walkers, node_length);
}

}  // namespace fermiac::vmc
