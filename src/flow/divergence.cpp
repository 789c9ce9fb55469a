#include "fermiac/flow/divergence.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/stats/moments.hpp"

namespace fermiac::flow {
namespace {

/// No probes: the field's own divergence.
class Exact final : public DivergenceKernel {
 public:
  void load(std::size_t, Columns const&, std::size_t) override {}
  void copy(std::size_t, DivergenceKernel const&, std::size_t) override {}
  void evaluate(FieldKernel& field, Lanes const& lanes, Columns& f, Columns& divergence) override {
    field.evaluate(lanes, f, divergence.column(0));
  }
};

/// sum_i e_i . J e_i
class Products final : public DivergenceKernel {
 public:
  Products(std::size_t dimension, std::size_t max_lanes) : v_(max_lanes, dimension), Jv_(max_lanes, dimension) {}
  void load(std::size_t, Columns const&, std::size_t) override {}
  void copy(std::size_t, DivergenceKernel const&, std::size_t) override {}
  void evaluate(FieldKernel& field, Lanes const& lanes, Columns& f, Columns& divergence) override {
    field.evaluate(lanes, f, nullptr);
    double* __restrict sum = divergence.column(0);
    std::fill_n(sum, lanes.n, 0.0);
    for (std::size_t i = 0; i < v_.n_columns(); ++i) {
      v_.zero();
      std::fill_n(v_.column(i), lanes.n, 1.0);
      field.jacobian_product(lanes, v_, Jv_);
      double const* __restrict own = Jv_.column(i);
      for (std::size_t k = 0; k < lanes.n; ++k) sum[k] += own[k];
    }
  }

 private:
  Columns v_, Jv_;
};

/// Kernels with probes: d components of each of a number of vectors.
class Probing : public DivergenceKernel {
 public:
  Probing(std::size_t dimension, std::size_t n_vectors, std::size_t max_lanes) : d_(dimension), Jv_(max_lanes, dimension) {
    for (std::size_t p = 0; p < n_vectors; ++p) vectors_.emplace_back(max_lanes, dimension);
  }

  void load(std::size_t lane, Columns const& probes, std::size_t sample) override {
    for (std::size_t p = 0; p < vectors_.size(); ++p)
      for (std::size_t i = 0; i < d_; ++i) vectors_[p].column(i)[lane] = probes.column(p * d_ + i)[sample];
  }
  void copy(std::size_t lane, DivergenceKernel const& from, std::size_t from_lane) override {
    auto const& others = static_cast<Probing const&>(from).vectors_;
    for (std::size_t p = 0; p < vectors_.size(); ++p)
      for (std::size_t i = 0; i < d_; ++i) vectors_[p].column(i)[lane] = others[p].column(i)[from_lane];
  }

 protected:
  /// to += v . w
  void add_products(std::size_t n, Columns const& v, Columns const& w, double* __restrict to) const {
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict a = v.column(i);
      double const* __restrict b = w.column(i);
      for (std::size_t k = 0; k < n; ++k) to[k] = std::fma(a[k], b[k], to[k]);
    }
  }

  std::size_t d_;
  std::vector<Columns> vectors_;
  Columns Jv_;
};

class Hutchinson final : public Probing {
 public:
  using Probing::Probing;
  void evaluate(FieldKernel& field, Lanes const& lanes, Columns& f, Columns& divergence) override {
    field.evaluate(lanes, f, nullptr);
    for (std::size_t p = 0; p < vectors_.size(); ++p) {
      field.jacobian_product(lanes, vectors_[p], Jv_);
      double* value = divergence.column(p);
      std::fill_n(value, lanes.n, 0.0);
      add_products(lanes.n, vectors_[p], Jv_, value);
    }
  }
};

class HutchPp final : public Probing {
 public:
  HutchPp(std::size_t dimension, std::size_t rank, std::size_t n_probes, std::size_t max_lanes)
      : Probing(dimension, rank + n_probes, max_lanes),
        rank_(rank),
        rest_(max_lanes, dimension),
        exact_(max_lanes),
        weight_(max_lanes),
        norm_(max_lanes) {
    for (std::size_t r = 0; r < rank; ++r) Q_.emplace_back(max_lanes, dimension);
  }

  void evaluate(FieldKernel& field, Lanes const& lanes, Columns& f, Columns& divergence) override {
    auto const n = lanes.n;
    field.evaluate(lanes, f, nullptr);
    std::fill_n(exact_.begin(), n, 0.0);
    for (std::size_t r = 0; r < rank_; ++r) {
      field.jacobian_product(lanes, vectors_[r], Q_[r]);
      make_orthonormal(n, r);
    }
    for (std::size_t r = 0; r < rank_; ++r) {
      field.jacobian_product(lanes, Q_[r], Jv_);
      add_products(n, Q_[r], Jv_, exact_.data());
    }
    for (std::size_t p = 0; p + rank_ < vectors_.size(); ++p) {
      for (std::size_t i = 0; i < d_; ++i) std::copy_n(vectors_[rank_ + p].column(i), n, rest_.column(i));
      for (std::size_t r = 0; r < rank_; ++r) project_out(n, Q_[r], rest_);
      field.jacobian_product(lanes, rest_, Jv_);
      double* value = divergence.column(p);
      std::copy_n(exact_.begin(), n, value);
      add_products(n, rest_, Jv_, value);
    }
  }

 private:
  /// v -= q (q . v)
  void project_out(std::size_t n, Columns const& q, Columns& v) {
    std::fill_n(weight_.begin(), n, 0.0);
    add_products(n, q, v, weight_.data());
    for (std::size_t i = 0; i < d_; ++i) {
      double const* __restrict from = q.column(i);
      double* __restrict to = v.column(i);
      for (std::size_t k = 0; k < n; ++k) to[k] = std::fma(-weight_[k], from[k], to[k]);
    }
  }

  /// Gram and Schmidt, twice, for one pass leaves what rounding makes of nearly dependent columns. A column that depends on the
  /// others becomes 0: its range is covered.
  void make_orthonormal(std::size_t n, std::size_t r) {
    Columns& q = Q_[r];
    std::fill_n(norm_.begin(), n, 0.0);
    add_products(n, q, q, norm_.data());
    std::vector<double>& before = exact_norm_;
    before.assign(norm_.begin(), norm_.begin() + static_cast<std::ptrdiff_t>(n));
    for (int pass = 0; pass < 2; ++pass)
      for (std::size_t other = 0; other < r; ++other) project_out(n, Q_[other], q);
    std::fill_n(norm_.begin(), n, 0.0);
    add_products(n, q, q, norm_.data());
    for (std::size_t k = 0; k < n; ++k) norm_[k] = norm_[k] > 1e-26 * before[k] ? 1 / std::sqrt(norm_[k]) : 0.0;
    for (std::size_t i = 0; i < d_; ++i) {
      double* __restrict to = q.column(i);
      for (std::size_t k = 0; k < n; ++k) to[k] *= norm_[k];
    }
  }

  std::size_t rank_;
  std::vector<Columns> Q_;
  Columns rest_;
  std::vector<double> exact_, weight_, norm_, exact_norm_;
};

bool is_random(Trace trace) { return trace == Trace::hutchinson || trace == Trace::hutch_pp; }

}  // namespace

std::size_t n_integrals(DivergenceSettings const& settings) { return is_random(settings.trace) ? settings.n_probes : 1; }

std::size_t n_probe_numbers(DivergenceSettings const& settings, std::size_t dimension) {
  if (!is_random(settings.trace)) return 0;
  return dimension * (settings.n_probes + (settings.trace == Trace::hutch_pp ? settings.rank : 0));
}

std::unique_ptr<DivergenceKernel> make_divergence_kernel(DivergenceSettings const& settings, std::size_t dimension,
                                                         std::size_t max_lanes) {
  switch (settings.trace) {
    case Trace::products:
      return std::make_unique<Products>(dimension, max_lanes);
    case Trace::hutchinson:
      return std::make_unique<Hutchinson>(dimension, settings.n_probes, max_lanes);
    case Trace::hutch_pp:
      return std::make_unique<HutchPp>(dimension, settings.rank, settings.n_probes, max_lanes);
    case Trace::exact:
      break;
  }
  return std::make_unique<Exact>();
}

LogDensity log_density_of(double const* integrals, std::size_t k, std::size_t stride) {
  stats::Moments moments;
  for (std::size_t p = 0; p < k; ++p) moments.add(integrals[p * stride]);
  auto const mean = moments.mean_estimate();
  return {mean, 0.5 * mean.error * mean.error};
}

}  // namespace fermiac::flow
