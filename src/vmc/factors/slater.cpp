#include "fermiac/vmc/factors/slater.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "determinant.hpp"
#include "envelope.hpp"
#include "fermiac/base/error.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::vmc {
namespace {

class Slater final : public Factor {
 public:
  Slater(System const& system, Envelope const& envelope, arma::uword n_walkers)
      : n_(n_walkers),
        D_(static_cast<std::size_t>(system.dimensions)),
        particles_(static_cast<std::size_t>(system.particles)),
        envelope_(envelope),
        at_(n_walkers, particles_ * D_),
        known_(n_walkers, 1) {
    for (std::size_t c = 0; c < D_; ++c) frequency_[c] = system.omega * system.frequency_ratio[c];
    std::size_t const up = n_up(system);
    for (auto const& [first, n] : {std::pair{std::size_t{0}, up}, std::pair{up, particles_ - up}}) {
      // One orbital is a constant.
      if (n < 2) continue;
      Orbitals const orbitals = lowest_orbitals(system, n);
      excitation_ += orbitals.excitation();
      determinants_.push_back(Determinant::make(orbitals, first, n_walkers));
    }
    std::fill_n(at_.data(), at_.stride() * at_.n_columns(), std::nan(""));
    set_parameters({});
  }

  void set_parameters(std::span<double const> parameters) override {
    double const alpha = parameters.empty() ? envelope_.width : simd::exp(parameters[0]);
    for (std::size_t c = 0; c < D_; ++c) width_[c] = envelope_.on ? alpha * frequency_[c] : 0;
  }

  void refresh(Columns const& x) override {
    // Only walkers that went nowhere but by our moves say something of updates.
    double* __restrict known = known_.column(0);
    std::fill_n(known, n_, 1.0);
    for (std::size_t i = 0; i < at_.n_columns(); ++i) {
      double* __restrict was = at_.column(i);
      double const* __restrict is = x.column(i);
      for (std::size_t k = 0; k < n_; ++k) {
        known[k] = was[k] == is[k] ? known[k] : 0.0;
        was[k] = is[k];
      }
    }
    for (auto const& determinant : determinants_) determinant->refresh(x, known, update_error_);
  }

  void propose(Columns const& x, Proposal const& proposal, Ratio const& ratio) override {
    if (Determinant* const own = determinant_of(proposal.particle))
      own->propose(proposal.particle - own->first(), proposal.x, ratio.numerator);
    if (!envelope_.on) return;
    double* __restrict exponent = ratio.exponent;
    for (std::size_t c = 0; c < D_; ++c) {
      double const width = width_[c];
      double const* __restrict from = x.column(proposal.particle * D_ + c);
      double const* __restrict to = proposal.x.column(c);
#pragma GCC ivdep
      for (std::size_t k = 0; k < n_; ++k) exponent[k] = std::fma(-width * (to[k] - from[k]), to[k] + from[k], exponent[k]);
    }
  }

  void take(Columns const&, Proposal const& proposal, double const* taken) override {
    if (Determinant* const own = determinant_of(proposal.particle)) own->take(proposal.particle - own->first(), taken);
    for (std::size_t c = 0; c < D_; ++c) {
      double* __restrict at = at_.column(proposal.particle * D_ + c);
      double const* __restrict to = proposal.x.column(c);
      double const* __restrict take = taken;
#pragma GCC ivdep
      for (std::size_t k = 0; k < n_; ++k) at[k] = take[k] > 0 ? to[k] : at[k];
    }
  }

  void add_drift(Columns const& x, std::size_t particle, Columns& drift) override {
    double const* r[3] = {};
    double* v[3] = {};
    for (std::size_t c = 0; c < D_; ++c) {
      r[c] = x.column(particle * D_ + c);
      v[c] = drift.column(c);
    }
    add_gradient(particle, r, false, v, nullptr);
  }

  void add_proposed_drift(Columns const&, Proposal const& proposal, Columns& drift) override {
    double const* r[3] = {};
    double* v[3] = {};
    for (std::size_t c = 0; c < D_; ++c) {
      r[c] = proposal.x.column(c);
      v[c] = drift.column(c);
    }
    add_gradient(proposal.particle, r, true, v, nullptr);
  }

  void add_slope(Columns const& x, Columns& drift, double* laplacian) override {
    double constant = -2 * excitation_;
    for (std::size_t c = 0; c < D_; ++c) constant -= static_cast<double>(particles_) * width_[c];
    for (std::size_t k = 0; k < n_; ++k) laplacian[k] += constant;
    for (std::size_t i = 0; i < particles_; ++i) {
      double const* r[3] = {};
      double* v[3] = {};
      for (std::size_t c = 0; c < D_; ++c) {
        r[c] = x.column(i * D_ + c);
        v[c] = drift.column(i * D_ + c);
      }
      add_gradient(i, r, false, v, laplacian);
    }
  }

  void log_derivatives(Columns const& x, Columns& O, arma::uword first, Columns const* direction, Columns* along) override {
    if (!envelope_.trainable) return;
    width_derivative(x, {width_, D_}, O.column(first), direction, direction != nullptr ? along->column(first) : nullptr);
  }

  void add_log_psi(Columns const& x, double* log_psi, double* sign) override {
    for (auto const& determinant : determinants_) determinant->add_log(x, log_psi, sign);
    if (!envelope_.on) return;
    add_log_gaussian(x, {width_, D_}, log_psi);
  }

  double update_error() const override { return update_error_; }

 private:
  Determinant* determinant_of(std::size_t particle) const {
    for (auto const& determinant : determinants_)
      if (particle >= determinant->first() && particle < determinant->first() + determinant->size()) return determinant.get();
    return nullptr;
  }

  void add_gradient(std::size_t particle, double const* const* r, bool proposed, double* const* drift, double* laplacian) {
    if (Determinant* const own = determinant_of(particle))
      own->add_gradient(particle - own->first(), r, proposed, drift, laplacian);
    if (!envelope_.on) return;
    for (std::size_t c = 0; c < D_; ++c) {
      double const width = width_[c];
      double const* __restrict x = r[c];
      double* __restrict v = drift[c];
#pragma GCC ivdep
      for (std::size_t k = 0; k < n_; ++k) v[k] = std::fma(-width, x[k], v[k]);
    }
  }

  std::size_t n_;
  std::size_t D_;
  std::size_t particles_;
  Envelope envelope_;
  double frequency_[3] = {};
  double width_[3] = {};  ///< alpha omega_c; 0 without envelope
  double excitation_ = 0;
  std::vector<std::unique_ptr<Determinant>> determinants_;
  Columns at_;     ///< where updates believe the walkers to be; NaN before the first refresh
  Columns known_;  ///< 1 where they are there
  double update_error_ = 0;
};

class SlaterForm final : public FactorForm {
 public:
  SlaterForm(System const& system, AnsatzSettings const& ansatz)
      : system_(system), envelope_(envelope(system, ansatz, "slater")) {}

  arma::uword n_parameters() const override { return envelope_.trainable ? 1 : 0; }
  std::vector<std::string> parameter_names() const override {
    return envelope_.trainable ? std::vector<std::string>{"ln_alpha"} : std::vector<std::string>();
  }
  Exchange exchange() const override { return has_like_pairs(system_) ? Exchange::antisymmetric : Exchange::symmetric; }
  bool confines() const override { return envelope_.on; }
  arma::vec initial_parameters(rng::Stream&) const override {
    return arma::vec(n_parameters()).fill(simd::log(envelope_.width));
  }
  std::unique_ptr<Factor> make(arma::uword n_walkers) const override {
    return std::make_unique<Slater>(system_, envelope_, n_walkers);
  }

 private:
  System system_;
  Envelope envelope_;
};

}  // namespace

Envelope envelope(System const& system, AnsatzSettings const& ansatz, std::string const& factor) {
  if (system.statistics != Statistics::fermions)
    throw InputError("ansatz.factors", factor + " is for fermions, and system.statistics is \"bosons\"");
  std::string const& choice = ansatz.options.text("slater.envelope");
  bool const confined =
      std::ranges::any_of(factor_names(ansatz.factors), [](auto const& name) { return name == "rbm" || name == "gaussian"; });
  if (choice == "off" && !confined)
    throw InputError("slater.envelope",
                     "slater.envelope = \"off\" leaves the particles free where neither rbm nor gaussian is a factor");
  bool const on = choice == "on" || (choice == "auto" && !confined);
  return {on, on && ansatz.options.flag("slater.width_trainable"), ansatz.options.real("slater.width")};
}

FactorKind slater_kind() {
  return {"slater",
          "det_up det_down of harmonic-oscillator orbitals, alpha their width",
          {real("slater.width", 1, "alpha at first: orbitals carry exp(-alpha omega/2 r^2)").above(0),
           flag("slater.width_trainable", true, "train ln alpha"),
           choice("slater.envelope", "auto", {"auto", "on", "off"},
                  "whether orbitals carry that Gaussian; auto: unless rbm or gaussian is a factor")},
          [](System const& system, AnsatzSettings const& ansatz) { return std::make_unique<SlaterForm>(system, ansatz); }};
}

}  // namespace fermiac::vmc
