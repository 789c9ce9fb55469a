#include "fermiac/flow/fields/linear.hpp"

#include <cmath>

#include "fermiac/base/error.hpp"
#include "fermiac/flow/number_list.hpp"

namespace fermiac::flow {
namespace {

class Kernel final : public FieldKernel {
 public:
  explicit Kernel(arma::mat const& M) : M_(M), trace_(arma::trace(M)) {}

  void evaluate(Lanes const& lanes, Columns& f, double* divergence) override {
    multiply<false>(lanes.n, lanes.z, f, false);
    if (divergence != nullptr) std::fill_n(divergence, lanes.n, trace_);
  }
  void jacobian_product(Lanes const& lanes, Columns const& v, Columns& Jv) override { multiply<false>(lanes.n, v, Jv, false); }
  void pull_back(Lanes const& lanes, Columns const& a, double const*, Columns& z_bar, double*) override {
    multiply<true>(lanes.n, a, z_bar, true);
  }

 private:
  template <bool is_transposed>
  void multiply(std::size_t n, Columns const& from, Columns& to, bool add) const {
    for (std::size_t i = 0; i < M_.n_rows; ++i) {
      double* __restrict y = to.column(i);
      if (!add) std::fill_n(y, n, 0.0);
      for (std::size_t j = 0; j < M_.n_rows; ++j) {
        double const m = is_transposed ? M_(j, i) : M_(i, j);
        double const* __restrict x = from.column(j);
        for (std::size_t k = 0; k < n; ++k) y[k] = std::fma(m, x[k], y[k]);
      }
    }
  }

  arma::mat const& M_;
  double trace_;
};

class Linear final : public Field {
 public:
  explicit Linear(arma::mat M) : M_(std::move(M)) {}
  std::size_t dimension() const override { return M_.n_rows; }
  std::optional<End> exact_end(std::span<double const> z, double t0, double t1) const override {
    arma::vec const end = arma::expmat(M_ * (t1 - t0)) * arma::vec(z.data(), z.size());
    return End{{end.begin(), end.end()}, -arma::trace(M_) * (t1 - t0)};
  }
  std::unique_ptr<FieldKernel> make_kernel(std::size_t) const override { return std::make_unique<Kernel>(M_); }

 private:
  arma::mat M_;
};

arma::mat real_logarithm(arma::mat const& A) {
  arma::cx_mat log;
  if (!arma::logmat(log, A) || !log.is_finite() || arma::abs(arma::imag(log)).max() > 1e-12)
    throw InputError("linear.matrix", "this map has no real logarithm, so no linear flow ends in it");
  return arma::real(log);
}

}  // namespace

FieldKind linear_kind() {
  return {"linear",
          "f = M z",
          {text("linear.matrix", "-1, 0; 0, -1", "M, rows separated by semicolons"),
           flag("linear.of_map", false, "whether the matrix is the map that a unit of time makes, not M")},
          [](std::size_t dimension, Parameters const& options) {
            arma::mat const M = matrix_of(options.text("linear.matrix"), dimension, dimension, "linear.matrix");
            return std::make_unique<Linear>(options.flag("linear.of_map") ? real_logarithm(M) : M);
          }};
}

}  // namespace fermiac::flow
