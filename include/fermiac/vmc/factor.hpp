/// One factor of a wave function: what a pack of walkers asks of it, and what a study chooses of it.
///
///     Psi = prod_f Psi_f,     ln |Psi| = sum_f ln |Psi_f|,     grad ln Psi and del^2 ln Psi likewise
///
/// A factor comes in three parts. Its `FactorKind` is known by name and declares its options. Its `FactorForm` is the factor
/// as chosen for one system: sizes, symmetry, where the parameters begin. A `Factor` computes it for the walkers of one pack.
/// To add one: a header and a source in `factors/`, and its line in `factors/registry.cpp`.
#pragma once

#include <armadillo>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fermiac/base/parameter.hpp"
#include "fermiac/rng/stream.hpp"
#include "fermiac/vmc/columns.hpp"
#include "fermiac/vmc/rbm.hpp"
#include "fermiac/vmc/system.hpp"

namespace fermiac::vmc {

/// A particle of every walker, and where it is offered to go.
struct Proposal {
  std::size_t particle = 0;
  Columns x;  ///< walkers x dimensions
};

/// |Psi'/Psi|^2 = numerator / denominator * exp(exponent), one of each for a walker: factors multiply and add what they have.
/// Nobody divides or takes an exponential for a single factor.
struct Ratio {
  double* exponent;
  double* numerator;
  double* denominator;
};

/// A factor of all walkers of one pack, with whatever it remembers of each of them. Coordinates X are walkers x M, M =
/// particles times dimensions, coordinate particle * dimensions + c; walkers are contiguous. Loops go over walkers innermost,
/// each walker by itself, so that bits depend on nothing but its own coordinates and the history of its moves since `refresh`.
class Factor {
 public:
  virtual ~Factor() = default;

  /// Takes other parameters (as many as the form has). `refresh` follows.
  virtual void set_parameters(std::span<double const> parameters) = 0;

  /// What is remembered of the walkers, anew from their coordinates.
  virtual void refresh(Columns const& x) = 0;

  /// Brings |Psi_f(X')/Psi_f(X)|^2 into `ratio`, X' = X with the proposal's particle moved, and remembers what `take` and
  /// `add_proposed_drift` need of it.
  virtual void propose(Columns const& x, Proposal const& proposal, Ratio const& ratio) = 0;

  /// Makes the last proposal true of walkers k with taken[k] > 0 (1 or 0). `x` still holds the old coordinates.
  virtual void take(Columns const& x, Proposal const& proposal, double const* taken) = 0;

  /// Adds grad_particle ln |Psi_f| to `drift`, walkers x dimensions.
  virtual void add_drift(Columns const& x, std::size_t particle, Columns& drift) = 0;
  /// Adds the same of the proposal's particle where it is offered to go: at X'.
  virtual void add_proposed_drift(Columns const& x, Proposal const& proposal, Columns& drift) = 0;

  /// Adds grad ln |Psi_f| to `drift`, walkers x M, and del^2 ln |Psi_f| to `laplacian`.
  virtual void add_slope(Columns const& x, Columns& drift, double* laplacian) = 0;

  /// Writes d ln |Psi_f| / d parameter to the columns of `O` from `first` on, a column for each parameter. Where `direction`
  /// (walkers x M) is given, also grad (d ln |Psi_f| / d parameter) . direction to the same columns of `along`.
  virtual void log_derivatives(Columns const& x, Columns& O, arma::uword first, Columns const* direction, Columns* along) = 0;

  /// Adds ln |Psi_f|, up to the norm, to `log_psi`, and multiplies `sign` by the sign of Psi_f.
  virtual void add_log_psi(Columns const& x, double* log_psi, double* sign) = 0;

  /// Largest relative difference that `refresh` has found so far between what moves made of the state and the state computed
  /// anew: the rounding that updates build up. 0 for factors without updates of that kind.
  virtual double update_error() const { return 0; }
};

/// What exchanging two like particles (for bosons, any two) does to a factor.
enum class Exchange { symmetric, antisymmetric, none };

/// d ln |Psi_f| / d r where two particles meet, inverse length, beside a zero of first order for like particles: what a factor
/// adds to the cusp. Kato's conditions ask for 1 / (dimensions - 1) in all for unlike ones and 1 / (dimensions + 1) for like.
struct Cusp {
  double unlike = 0;
  double like = 0;
};

/// Everything a study says of its wave function.
struct AnsatzSettings;

/// A factor as chosen: immutable, shared by all packs.
class FactorForm {
 public:
  virtual ~FactorForm() = default;

  virtual arma::uword n_parameters() const = 0;
  /// What they are, one short name each, in order.
  virtual std::vector<std::string> parameter_names() const = 0;
  /// In words, what a study fixes of the factor that gives its parameters another meaning. Parameters of the same names are the
  /// same where this is.
  virtual std::string fixed_settings() const { return {}; }
  virtual Exchange exchange() const = 0;
  virtual Cusp cusp(std::span<double const> /*parameters*/) const { return {}; }

  /// Parameters to begin with; random ones from `stream`.
  virtual arma::vec initial_parameters(rng::Stream& stream) const = 0;
  /// The scale on which each parameter is of order 1: 1 for numbers, 1 / sqrt(omega) for lengths.
  virtual arma::vec units() const { return arma::vec(n_parameters(), arma::fill::ones); }
  /// Parameters of the same factor in another trap, `from`, as they are in this one: by default, units for units.
  virtual arma::vec carried_over(arma::vec const& parameters, FactorForm const& from) const {
    return parameters / from.units() % units();
  }
  /// Whether it keeps the particles together by itself.
  virtual bool confines() const { return false; }
  /// Whether O and its products have no variance at the nodes of Psi: parameters that move nodes.
  virtual bool moves_nodes() const { return false; }

  virtual std::unique_ptr<Factor> make(arma::uword n_walkers) const = 0;
};

/// A factor by name.
struct FactorKind {
  std::string name;                ///< as in `ansatz.factors`
  std::string summary;             ///< one line: formula, source
  std::vector<Parameter> options;  ///< keys "name.option"
  /// @throws InputError  where the factor cannot be had for this system
  std::function<std::unique_ptr<FactorForm>(System const&, AnsatzSettings const&)> make;
};

/// The names in a product: "slater * pade_jastrow" has two.
/// @throws InputError  naming ansatz.factors, where one is missing
std::vector<std::string> factor_names(std::string const& product);

/// All of them, in the order of their names.
std::vector<FactorKind> const& factor_kinds();

/// The options of all kinds.
std::vector<Parameter> const& factor_options();

enum class Initialisation {
  antisymmetric,  ///< weights of alternating sign from particle to particle, hidden units in opposite pairs, size sigma, and
                  ///< noise
  random          ///< all parameters normal: a and W of deviation sigma / 2, b of 1/2
};

/// The trial function and how it begins. The members from `hidden` on are those of the factor `rbm`; the options of the others
/// are in `options`.
struct AnsatzSettings {
  std::string factors = "rbm";                 ///< names of factors, joined by " * "
  arma::uword hidden = 2;                      ///< hidden units, 0 and up
  Convention convention = Convention::sqrt_f;  ///< which function of the marginal Psi is
  double sigma_squared = 0;      ///< width squared, length^2, greater than 0; 0 for the trap's own, 1 / (2 omega) or 1 / omega
  bool sigma_trainable = false;  ///< whether ln sigma is a parameter; `sigma_squared` is then where it begins
  Initialisation initialisation = Initialisation::antisymmetric;
  double noise = 0.1;  ///< deviation of the noise on antisymmetric weights, in sigma, and on b, 0 and up
  Parameters options = Parameters(factor_options());  ///< of the other factors
};

}  // namespace fermiac::vmc
