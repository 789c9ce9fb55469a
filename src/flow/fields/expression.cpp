#include "fermiac/flow/fields/expression.hpp"

#include <fmt/format.h>

#include <cmath>

#include "fermiac/base/error.hpp"
#include "fermiac/flow/expression.hpp"
#include "fermiac/flow/number_list.hpp"

namespace fermiac::flow {
namespace {

constexpr char const* key = "expression.components";

/// The formulas that a field needs, of which f comes first: f, J row by row, the divergence, its gradient.
struct FieldFormulas {
  FieldFormulas(std::vector<std::string> const& components) : d(components.size()), formulas(d) {
    for (auto const& component : components) f.push_back(formulas.parse(component, key));
    for (auto const node : f) is_autonomous = is_autonomous && !formulas.depends_on_time(node);
    std::vector<Formulas::Node> diagonal;
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j < d; ++j) {
        jacobian.push_back(formulas.derivative(f[i], j));
        if (i == j) diagonal.push_back(jacobian.back());
      }
    divergence = formulas.sum(diagonal);
    for (std::size_t j = 0; j < d; ++j) gradient.push_back(formulas.derivative(divergence, j));
  }

  std::size_t d;
  Formulas formulas;
  std::vector<Formulas::Node> f, jacobian, gradient;
  Formulas::Node divergence = 0;
  bool is_autonomous = true;
};

class Kernel final : public FieldKernel {
 public:
  Kernel(FieldFormulas const& formulas, std::size_t max_lanes)
      : d_(formulas.d),
        f_(formulas.formulas, formulas.f, max_lanes),
        f_and_divergence_(formulas.formulas, with(formulas.f, {formulas.divergence}), max_lanes),
        jacobian_(formulas.formulas, formulas.jacobian, max_lanes),
        gradient_(formulas.formulas, formulas.gradient, max_lanes) {}

  void evaluate(Lanes const& lanes, Columns& f, double* divergence) override {
    auto& tape = divergence == nullptr ? f_ : f_and_divergence_;
    tape.compute(lanes);
    for (std::size_t i = 0; i < d_; ++i) std::copy_n(tape.value(i), lanes.n, f.column(i));
    if (divergence != nullptr) std::copy_n(tape.value(d_), lanes.n, divergence);
  }

  void jacobian_product(Lanes const& lanes, Columns const& v, Columns& Jv) override {
    jacobian_.compute(lanes);
    for (std::size_t i = 0; i < d_; ++i) {
      std::fill_n(Jv.column(i), lanes.n, 0.0);
      for (std::size_t j = 0; j < d_; ++j) add(lanes.n, jacobian_.value(i * d_ + j), v.column(j), Jv.column(i));
    }
  }

  void pull_back(Lanes const& lanes, Columns const& a, double const* b, Columns& z_bar, double*) override {
    jacobian_.compute(lanes);
    for (std::size_t j = 0; j < d_; ++j)
      for (std::size_t i = 0; i < d_; ++i) add(lanes.n, jacobian_.value(i * d_ + j), a.column(i), z_bar.column(j));
    if (b == nullptr) return;
    gradient_.compute(lanes);
    for (std::size_t j = 0; j < d_; ++j) add(lanes.n, gradient_.value(j), b, z_bar.column(j));
  }

 private:
  static std::vector<Formulas::Node> with(std::vector<Formulas::Node> nodes, std::vector<Formulas::Node> const& more) {
    nodes.insert(nodes.end(), more.begin(), more.end());
    return nodes;
  }
  static void add(std::size_t n, double const* __restrict a, double const* __restrict b, double* __restrict to) {
    for (std::size_t k = 0; k < n; ++k) to[k] = std::fma(a[k], b[k], to[k]);
  }

  std::size_t d_;
  FormulaTape f_, f_and_divergence_, jacobian_, gradient_;
};

class ExpressionField final : public Field {
 public:
  explicit ExpressionField(std::vector<std::string> const& components) : formulas_(components) {}
  std::size_t dimension() const override { return formulas_.d; }
  bool is_autonomous() const override { return formulas_.is_autonomous; }
  std::unique_ptr<FieldKernel> make_kernel(std::size_t max_lanes) const override {
    return std::make_unique<Kernel>(formulas_, max_lanes);
  }

 private:
  FieldFormulas formulas_;
};

}  // namespace

FieldKind expression_kind() {
  return {"expression",
          "formulas of z1, z2, ... and t, differentiated automatically",
          {text(key, "tanh(z1^3); tanh(z2^3)", "f, a formula for each component, separated by semicolons")},
          [](std::size_t dimension, Parameters const& options) {
            auto const components = split(options.text(key), ';');
            if (components.size() != dimension)
              throw InputError(key, fmt::format("has {} formulas, expected {}", components.size(), dimension));
            return std::make_unique<ExpressionField>(components);
          }};
}

}  // namespace fermiac::flow
