#include "fermiac/optimise/plateau.hpp"

#include <algorithm>
#include <cmath>

#include "fermiac/base/error.hpp"

namespace fermiac::optimise {

Plateau::Plateau(PlateauOptions const& options) : options_(options) {
  if (options.window < 2)
    throw InputError("the window of the convergence test must be at least 2 iterations, not " + std::to_string(options.window));
  if (!(options.tolerance >= 0) || !std::isfinite(options.tolerance))
    throw InputError("the tolerance of the convergence test must be at least 0 and finite, not " +
                     std::to_string(options.tolerance));
  double const W = options.window;
  double const limit = std::sqrt(1.5 * W * W / (W + 1));
  if (!(options.z >= 0 && options.z <= limit))
    throw InputError("the convergence test needs 0 <= z <= " + std::to_string(limit) + " with this window, not " +
                     std::to_string(options.z));
  energies_.resize(2 * std::size_t{options.window});
  errors_.resize(energies_.size());
}

bool Plateau::add(double energy, double error) {
  if (!std::isfinite(energy) || !std::isfinite(error) || error < 0)
    throw ItemFailure("an energy of the optimisation, or its error, is not finite");
  auto const place = n_added_ % energies_.size();
  energies_[place] = energy;
  errors_[place] = error;
  ++n_added_;
  auto const c = change();
  bool const still = std::abs(c.value) <= std::max(options_.tolerance, options_.z * c.error);
  n_still_ = still ? n_still_ + 1 : 0;
  return converged();
}

stats::Estimate Plateau::change() const {
  if (n_added_ < energies_.size()) return {};
  auto const n = static_cast<double>(options_.window);
  double mean[2];
  double variance[2];
  for (std::uint64_t half = 0; half < 2; ++half) {
    auto const first = n_added_ + half * options_.window;  // in the ring, the oldest stands at n_added mod 2 W
    auto const place = [&](std::uint64_t i) { return (first + i) % energies_.size(); };
    double sum = 0;
    double square_error = 0;
    for (std::uint64_t i = 0; i < options_.window; ++i) {
      sum += energies_[place(i)];
      square_error += errors_[place(i)] * errors_[place(i)];
    }
    mean[half] = sum / n;
    double square = 0;
    for (std::uint64_t i = 0; i < options_.window; ++i) {
      double const deviation = energies_[place(i)] - mean[half];
      square += deviation * deviation;
    }
    variance[half] = std::max(square_error / n, square / (n - 1));
  }
  return {.value = mean[1] - mean[0], .error = std::sqrt((variance[0] + variance[1]) / n)};
}

void Plateau::save(Archive& archive, std::string const& prefix) const {
  std::uint64_t const counts[] = {n_added_, n_still_};
  archive.put(prefix + "energies", energies_);
  archive.put(prefix + "errors", errors_);
  archive.put_integers(prefix + "counts", counts);
}

void Plateau::restore(Archive const& archive, std::string const& prefix) {
  std::uint64_t counts[2];
  archive.take(prefix + "energies", energies_);
  archive.take(prefix + "errors", errors_);
  archive.take_integers(prefix + "counts", counts);
  n_added_ = counts[0];
  n_still_ = counts[1];
}

}  // namespace fermiac::optimise
