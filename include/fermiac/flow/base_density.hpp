/// What samples begin as: a density that can be drawn from and computed, or a table of samples.
///
/// | kind     | density                                                                             |
/// |----------|--------------------------------------------------------------------------------------|
/// | gaussian | y = mean + A x, x standard normal: log p(y) = -|x|^2/2 - d/2 log(2 pi) - log |det A| |
/// | mixture  | components of equal weight, centres m_k, one deviation s in all directions            |
/// | uniform  | the box between two corners                                                           |
/// | table    | given samples, in order; its density is not known (NaN)                               |
#pragma once

#include <armadillo>
#include <cstdint>
#include <memory>

#include "fermiac/base/parameter.hpp"
#include "fermiac/flow/field.hpp"
#include "fermiac/rng/stream.hpp"

namespace fermiac::flow {

class BaseDensity {
 public:
  virtual ~BaseDensity() = default;

  /// Samples number first ... first + z.n_rows() - 1: those of the walkers of these numbers, whatever is drawn beside them.
  virtual void draw(rng::StreamId const& id, std::uint64_t first, Columns& z) const = 0;
  /// log p of the first n rows; -inf outside.
  virtual void log_density(Columns const& z, std::size_t n, double* log_p) const = 0;
  /// -E log p in nats; NaN where no closed form is known.
  virtual double entropy() const = 0;
  virtual arma::vec mean() const = 0;
  virtual arma::mat covariance() const = 0;
  virtual bool is_gaussian() const { return false; }
  virtual bool has_density() const { return true; }
};

/// Keys of "prefix.": kind, mean, covariance, map, centres, deviation, lower, upper and table.
std::vector<Parameter> density_parameters(std::string const& prefix, std::vector<std::string> const& kinds,
                                          std::string const& what);

/// @param table  the samples of kind table, a row each
/// @throws InputError  where the options do not make a density of this dimension
std::unique_ptr<BaseDensity> make_density(std::string const& prefix, std::size_t dimension, Parameters const& options,
                                          arma::mat const& table = {});

}  // namespace fermiac::flow
