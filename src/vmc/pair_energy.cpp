#include "fermiac/vmc/pair_energy.hpp"

#include <algorithm>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/optimise/lbfgs.hpp"
#include "fermiac/rng/stream.hpp"
#include "fermiac/simd/functions.hpp"
#include "fermiac/vmc/factors/slater.hpp"
#include "fermiac/vmc/wave_function.hpp"

namespace fermiac::vmc {

namespace {

using Rule = boost::math::quadrature::gauss<double, 20>;

constexpr arma::uword not_trained = static_cast<arma::uword>(-1);

struct Width {
  double alpha;
  arma::uword parameter;  ///< ln alpha, or `not_trained`
};

/// A term of J and its parameter p.
struct Correlation {
  enum Kind { pade, simple, linear } kind;
  double strength;        ///< a, b, c
  double beta;            ///< of Padé's
  arma::uword parameter;  ///< ln beta, b, ln c, or `not_trained`

  struct Value {
    double J, dJ;         ///< and d/dr
    double by_p, d_by_p;  ///< dJ/dp, and d/dr of that
  };
  Value at(double r) const {
    if (kind == simple) return {strength * r, strength, r, 1};
    if (kind == linear) {
      double const share = 1 / (1 + strength * r);
      double const slope = strength * share;
      return {simd::log1p(strength * r), slope, slope * r, slope * share};
    }
    double const share = 1 / (1 + beta * r);
    double const slope = strength * share * share;
    return {strength * r * share, slope, -beta * r * r * slope, -2 * beta * r * slope * share};
  }
};

struct PairState {
  int dimensions;
  int l;
  double alpha = 0;
  std::vector<Width> widths;
  std::vector<Correlation> correlations;
};

/// Nothing where there is a factor whose form this is not.
std::optional<PairState> pair_state(System const& system, AnsatzSettings const& ansatz, arma::vec const& parameters) {
  WaveFunction const wave_function(system, ansatz);
  if (system.particles != 2 || !is_isotropic(system)) return std::nullopt;
  FERMIAC_ASSERT(parameters.n_elem == wave_function.n_parameters());
  if (!parameters.is_finite()) throw ItemFailure("a parameter of the wave function is not finite");

  bool const like = are_like(system, 0, 1);
  double const unit = std::sqrt(system.omega);
  PairState state{.dimensions = system.dimensions, .l = like ? 1 : 0, .alpha = 0, .widths = {}, .correlations = {}};
  for (auto const& part : wave_function.parts()) {
    bool const trained = part.n_parameters > 0;
    arma::uword const parameter = trained ? part.first : not_trained;
    auto const exponential = [&] { return simd::exp(parameters[part.first]); };
    double const cusp = 1.0 / (like ? system.dimensions + 1 : system.dimensions - 1);
    if (part.name == "gaussian") {
      state.widths.push_back({trained ? exponential() : 1, parameter});
    } else if (part.name == "slater") {
      if (auto const own = envelope(system, ansatz, part.name); own.on)
        state.widths.push_back({trained ? exponential() : own.width, parameter});
    } else if (part.name == "pade_jastrow") {
      state.correlations.push_back({Correlation::pade, cusp, unit * exponential(), parameter});
    } else if (part.name == "simple_jastrow") {
      state.correlations.push_back({Correlation::simple, parameters[part.first], 0, parameter});
    } else if (part.name == "linear_jastrow") {
      double const chosen = ansatz.options.real("linear_jastrow.c");
      state.correlations.push_back({Correlation::linear,
                                    trained      ? unit * exponential()
                                    : chosen > 0 ? chosen
                                                 : cusp,
                                    0, parameter});
    } else {
      return std::nullopt;
    }
  }
  for (auto const& width : state.widths) state.alpha += width.alpha;
  return state;
}

/// ln of |Psi|^2 at a distance, with the area of its sphere.
double log_weight(PairState const& state, double omega, double r) {
  double sum = (state.dimensions - 1 + 2 * state.l) * simd::log(r) - 0.5 * state.alpha * omega * r * r;
  for (auto const& correlation : state.correlations) sum += 2 * correlation.at(r).J;
  return sum;
}

struct Nodes {
  std::vector<double> r;
  std::vector<double> weight;  ///< of the quadrature times |Psi|^2, sum 1
};

Nodes nodes_of(PairState const& state, double omega) {
  constexpr int doublings = 40;
  constexpr double negligible = -90;  // e^-90 = 1e-39
  double const unit = 1 / std::sqrt(state.alpha * omega);
  double last = std::ldexp(unit, -doublings);
  double largest = log_weight(state, omega, last);
  for (;;) {
    last *= 2;
    double const here = log_weight(state, omega, last);
    if (!std::isfinite(here)) throw ItemFailure("the wave function of two particles has no finite norm in double precision");
    if (here < largest + negligible) break;
    largest = std::max(largest, here);
  }
  Nodes nodes;
  std::vector<double> log_weights;
  auto const& points = Rule::abscissa();
  auto const& shares = Rule::weights();
  auto const add_panel = [&](double from, double to) {
    double const middle = 0.5 * (from + to);
    double const half = 0.5 * (to - from);
    for (std::size_t i = 0; i < points.size(); ++i)
      for (double const side : {-1.0, 1.0}) {
        nodes.r.push_back(middle + side * half * points[i]);
        nodes.weight.push_back(half * shares[i]);
        log_weights.push_back(log_weight(state, omega, nodes.r.back()));
      }
  };
  double from = 0;
  for (int k = doublings; k >= 0; --k) {
    double const to = std::ldexp(last, -k);
    double const pieces = std::max(1.0, std::ceil((to - from) / (2 * unit)));
    for (double piece = 0; piece < pieces; ++piece)
      add_panel(from + (to - from) * (piece / pieces), from + (to - from) * ((piece + 1) / pieces));
    from = to;
  }
  double const top = *std::ranges::max_element(log_weights);
  double norm = 0;
  for (std::size_t i = 0; i < nodes.r.size(); ++i) {
    nodes.weight[i] *= simd::exp(log_weights[i] - top);
    norm += nodes.weight[i];
  }
  for (double& weight : nodes.weight) weight /= norm;
  return nodes;
}

double interaction_at(System const& system, double r) {
  if (system.interaction == Interaction::none) return 0;
  if (system.interaction == Interaction::coulomb) return 1 / r;
  return 1 / std::sqrt(r * r + system.softening * system.softening);
}

}  // namespace

std::optional<ExactEnergy> pair_energy(System const& system, AnsatzSettings const& ansatz, arma::vec const& parameters) {
  auto const state = pair_state(system, ansatz, parameters);
  if (!state) return std::nullopt;
  double const omega = system.omega;
  double const D = state->dimensions;
  double const alpha = state->alpha;
  auto const nodes = nodes_of(*state, omega);
  std::size_t const n = nodes.r.size();

  ExactEnergy energy;
  // Of every node: the energy, O and the energy's own derivative; those of the width by alpha.
  std::vector<double> local(n);
  arma::uword const n_correlations = state->correlations.size();
  arma::mat O(n, n_correlations + 1);
  arma::mat local_by(n, n_correlations + 1);
  for (std::size_t i = 0; i < n; ++i) {
    double const r = nodes.r[i];
    double u = state->l / r - 0.5 * alpha * omega * r;
    for (auto const& correlation : state->correlations) u += correlation.at(r).dJ;
    double const kinetic = u * u + state->l * (state->l + D - 2) / (r * r);
    double const trap = 0.25 * omega * omega * r * r;
    double const interaction = interaction_at(system, r);
    local[i] = kinetic + trap + interaction;
    energy.kinetic += nodes.weight[i] * kinetic;
    energy.trap += nodes.weight[i] * trap;
    energy.interaction += nodes.weight[i] * interaction;
    for (arma::uword c = 0; c < n_correlations; ++c) {
      auto const value = state->correlations[c].at(r);
      O(i, c) = value.by_p;
      local_by(i, c) = 2 * u * value.d_by_p;
    }
    O(i, n_correlations) = -0.25 * omega * r * r;
    local_by(i, n_correlations) = -u * omega * r;
  }
  double const mean = energy.kinetic + energy.trap + energy.interaction;

  arma::vec slope(n_correlations + 1, arma::fill::zeros);
  for (arma::uword c = 0; c < slope.n_elem; ++c) {
    double mean_O = 0;
    for (std::size_t i = 0; i < n; ++i) mean_O += nodes.weight[i] * O(i, c);
    for (std::size_t i = 0; i < n; ++i)
      slope[c] += nodes.weight[i] * (2 * (local[i] - mean) * (O(i, c) - mean_O) + local_by(i, c));
  }
  slope[n_correlations] += 0.25 * D * omega * (1 - 1 / (alpha * alpha));

  energy.kinetic += 0.25 * D * alpha * omega;
  energy.trap += 0.25 * D * omega / alpha;
  energy.total = energy.kinetic + energy.trap + energy.interaction;
  energy.gradient.zeros(parameters.n_elem);
  for (arma::uword c = 0; c < n_correlations; ++c)
    if (auto const parameter = state->correlations[c].parameter; parameter != not_trained)
      energy.gradient[parameter] = slope[c];
  for (auto const& width : state->widths)
    if (width.parameter != not_trained) energy.gradient[width.parameter] = width.alpha * slope[n_correlations];
  if (!std::isfinite(energy.total) || !energy.gradient.is_finite())
    throw ItemFailure("the energy of two particles is not finite");
  return energy;
}

std::optional<PairMinimum> pair_minimum(System const& system, AnsatzSettings const& ansatz) {
  WaveFunction const wave_function(system, ansatz);
  if (system.particles != 2 || !is_isotropic(system)) return std::nullopt;
  rng::Stream stream({{0, 0}, rng::Purpose::initialise, 0}, 0);
  arma::vec const units = wave_function.units();
  arma::vec const start = wave_function.initial_parameters(stream);
  auto const first = pair_energy(system, ansatz, start);
  if (!first) return std::nullopt;
  if (start.is_empty()) return PairMinimum{first->total, start, true};
  auto const energy = [&](arma::vec const& point, arma::vec& gradient) {
    try {
      auto const exact = *pair_energy(system, ansatz, arma::vec(point % units));
      gradient = exact.gradient % units;
      return exact.total;
    } catch (ItemFailure const&) {
      return std::numeric_limits<double>::quiet_NaN();  // too far out: the search turns back
    }
  };
  auto const minimum = optimise::minimise(
      energy, start / units, {.gradient_tolerance = 1e-9 * system.omega, .value_tolerance = 1e-15, .first_step = 0.3});
  return PairMinimum{minimum.value, minimum.point % units, minimum.converged};
}

}  // namespace fermiac::vmc
