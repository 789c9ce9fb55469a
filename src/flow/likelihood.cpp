#include "fermiac/flow/likelihood.hpp"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <span>

#include "fermiac/base/error.hpp"
#include "fermiac/simd/sum.hpp"

namespace fermiac::flow {
namespace {

using std::size_t;

constexpr double half_log_two_pi = 0.91893853320467274178;

/// What a pack tells beside its gradient.
enum PackValue : size_t { sum_of_logs, sum_of_penalties, sum_of_evaluations, sum_of_steps, failure, n_pack_values };

}  // namespace

/// One thread's solver, and what it solved last.
class Likelihood::Worker {
 public:
  Worker(Field const& field, size_t dimension, LikelihoodSettings const& s, double memory_mb)
      : field_(field),
        dimension_(dimension),
        solver_(field, s.solver, s.t1, s.t0),
        adjoint_(field, s.solver, s.t1, s.t0, memory_mb) {}

  Samples const& solve(arma::mat const& data, size_t first, size_t n, bool keep, std::function<void()> const& tick) {
    if (samples_.size() != n) samples_ = Samples(n, field_.dimension());
    for (size_t i = 0; i < dimension_; ++i) std::copy_n(data.colptr(i) + first, n, samples_.z.column(i));
    if (has_penalty()) std::fill_n(samples_.z.column(dimension_), n, 0.0);
    if (keep)
      adjoint_.solve(samples_, tick);
    else
      solver_.solve(samples_, tick);
    return samples_;
  }

  double log_density(size_t k) const {
    if (samples_.status[k] != Status::done) return -std::numeric_limits<double>::infinity();
    double sum = -samples_.log_change.column(0)[k];
    for (size_t i = 0; i < dimension_; ++i) {
      double const z = samples_.z.column(i)[k];
      sum -= std::fma(0.5 * z, z, half_log_two_pi);
    }
    return sum;
  }

  /// The penalty is integrated from t1 to t0: it comes out negative.
  double penalty(size_t k) const { return has_penalty() ? -samples_.z.column(dimension_)[k] : 0.0; }

  /// Of the sum over samples of -log p + penalty, times `weight`.
  void add_gradient(double weight, double* theta_bar, std::function<void()> const& tick) {
    size_t const n = samples_.size();
    if (z_bar_.n_rows() != n) z_bar_ = Columns(n, field_.dimension());
    log_change_bar_.assign(n, weight);
    for (size_t i = 0; i < dimension_; ++i)
      for (size_t k = 0; k < n; ++k) z_bar_.column(i)[k] = weight * samples_.z.column(i)[k];
    if (has_penalty()) std::fill_n(z_bar_.column(dimension_), n, -weight);
    adjoint_.pull_back(z_bar_, log_change_bar_.data(), theta_bar, tick);
  }

 private:
  bool has_penalty() const { return field_.dimension() > dimension_; }

  Field const& field_;
  size_t dimension_;
  Solver solver_;
  Adjoint adjoint_;
  Samples samples_{0, 0};
  Columns z_bar_;
  std::vector<double> log_change_bar_;
};

Likelihood::Likelihood(Field const& field, size_t dimension, LikelihoodSettings const& settings)
    : field_(field), dimension_(dimension), settings_(settings) {
  flow::check(settings.solver);
  FERMIAC_ASSERT(settings.pack > 0 && settings.t0 < settings.t1);
  FERMIAC_ASSERT(field.dimension() == dimension || field.dimension() == dimension + 1);
}
Likelihood::~Likelihood() = default;

template <typename Body>
void Likelihood::for_each_pack(std::uint64_t n_packs, Team& team, Context& context, Body const& body) {
  workers_.resize(std::max<size_t>(workers_.size(), static_cast<size_t>(omp_get_max_threads())));
  auto const n_threads = static_cast<double>(omp_get_max_threads());
  Range const share = team.share(n_packs);
  std::function<void()> const tick = [&context] { context.tick(); };
  std::function<void()> const no_tick;
#pragma omp parallel for schedule(dynamic, 1)
  for (std::uint64_t pack = share.first; pack < share.last; ++pack) {
    auto& worker = workers_[static_cast<size_t>(omp_get_thread_num())];
    if (!worker) worker = std::make_unique<Worker>(field_, dimension_, settings_, settings_.memory_mb / n_threads);
    body(pack, *worker, omp_get_thread_num() == 0 ? tick : no_tick);
  }
}

Likelihood::Loss Likelihood::loss(arma::mat const& data, arma::vec* gradient, Team& team, Context& context) {
  FERMIAC_ASSERT(data.n_cols == dimension_);
  if (data.n_rows == 0) throw ItemFailure("there are no data");
  std::uint64_t const n_packs = (data.n_rows + settings_.pack - 1) / settings_.pack;
  size_t const n_parameters = gradient == nullptr ? 0 : field_.n_parameters();
  size_t const per_pack = n_pack_values + n_parameters;
  double const weight = 1.0 / static_cast<double>(data.n_rows);
  std::vector<double> whole(n_packs * per_pack, 0.0);
  for_each_pack(n_packs, team, context, [&](std::uint64_t pack, Worker& worker, std::function<void()> const& tick) {
    size_t const first = pack * settings_.pack;
    size_t const n = std::min<size_t>(settings_.pack, data.n_rows - first);
    auto const& samples = worker.solve(data, first, n, gradient != nullptr, tick);
    double* const values = whole.data() + pack * per_pack;
    for (size_t k = 0; k < n; ++k) {
      if (samples.status[k] != Status::done) {
        values[failure] = static_cast<double>(samples.status[k]);
        return;
      }
      values[sum_of_logs] -= worker.log_density(k);
      values[sum_of_penalties] += worker.penalty(k);
      values[sum_of_evaluations] += samples.n_evaluations[k];
      values[sum_of_steps] += samples.n_steps[k];
    }
    if (gradient != nullptr) worker.add_gradient(weight, values + n_pack_values, tick);
  });
  team.gather(whole, per_pack, n_packs);
  for (std::uint64_t pack = 0; pack < n_packs; ++pack)
    if (double const status = whole[pack * per_pack + failure]; status != 0)
      throw ItemFailure("the path of a sample cannot be computed: " + name(static_cast<Status>(status)));
  std::vector<double> total(per_pack);
  simd::tree_sum(whole, total);
  if (gradient != nullptr) *gradient = arma::vec(total.data() + n_pack_values, n_parameters);
  Loss result;
  result.negative_log = weight * total[sum_of_logs];
  result.penalty = weight * total[sum_of_penalties];
  result.value = result.negative_log + result.penalty;
  result.n_evaluations = weight * total[sum_of_evaluations];
  result.n_steps = weight * total[sum_of_steps];
  return result;
}

arma::vec Likelihood::log_densities(arma::mat const& data, Team& team, Context& context) {
  FERMIAC_ASSERT(data.n_cols == dimension_);
  std::uint64_t const n_packs = (data.n_rows + settings_.pack - 1) / settings_.pack;
  std::vector<double> whole(n_packs * settings_.pack, 0.0);
  for_each_pack(n_packs, team, context, [&](std::uint64_t pack, Worker& worker, std::function<void()> const& tick) {
    size_t const first = pack * settings_.pack;
    size_t const n = std::min<size_t>(settings_.pack, data.n_rows - first);
    worker.solve(data, first, n, false, tick);
    for (size_t k = 0; k < n; ++k) whole[first + k] = worker.log_density(k);
  });
  team.gather(whole, settings_.pack, n_packs);
  return arma::vec(whole.data(), data.n_rows);
}

}  // namespace fermiac::flow
