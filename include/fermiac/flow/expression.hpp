/// Formulas given at run time: parsed once, differentiated, computed for blocks of samples.
///
///     tanh(z1^3) - 0.5 * sin(2*pi*t) * z2
///
/// | what       | written                                                                     |
/// |------------|-----------------------------------------------------------------------------|
/// | numbers    | 1, 0.5, 2e-3, pi                                                             |
/// | variables  | z1, z2, ... (components), t (time)                                           |
/// | operations | + - * / and ^ (right to left, before the sign: -z1^2 is -(z1^2)), brackets |
/// | functions  | exp log sqrt tanh sin cos                                                    |
///
/// A whole-number power is a product of factors; any other is exp(b log a), defined for a > 0. Outside their domains functions
/// give NaN. Derivatives are formulas too, so that they are exact and can be differentiated again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "fermiac/flow/field.hpp"

namespace fermiac::flow {

/// A set of formulas that share what they have in common: what is equal is computed once.
class Formulas {
 public:
  /// The number of a formula or a part of one.
  using Node = std::size_t;

  /// @param dimension  components that may be named
  explicit Formulas(std::size_t dimension);

  /// @param key  the parameter that the text is of
  /// @throws InputError  naming the key, what is wrong and where
  Node parse(std::string const& text, std::string const& key);
  Node derivative(Node of, std::size_t component);
  Node sum(std::vector<Node> const& terms);
  bool depends_on_time(Node node) const;

 private:
  friend class FormulaTape;
  friend class FormulaParser;
  enum class Op : std::uint8_t {
    number,
    component,
    time,
    add,
    subtract,
    multiply,
    divide,
    negate,
    exp,
    log,
    sqrt,
    tanh,
    sin,
    cos
  };
  struct Step {
    Op op;
    Node a = 0, b = 0;  ///< of component: its number
    double value = 0;
    auto operator<=>(Step const&) const = default;
  };

  Node number(double value) { return add({Op::number, 0, 0, value}); }
  Node add(Step step);  ///< simplified, and the same node for the same step
  Node unary(Op op, Node a) { return add({op, a}); }
  Node binary(Op op, Node a, Node b) { return add({op, a, b}); }
  Node whole_power(Node a, unsigned exponent);
  /// Of one step, when those of its operands are known.
  Node derivative_of_step(Node of, std::size_t component);
  static int n_operands(Op op);
  /// Marks the operands of the marked steps, their operands, and so on.
  void mark_operands(std::vector<bool>& needed) const;
  bool is(Node node, double value) const { return steps_[node].op == Op::number && steps_[node].value == value; }

  std::size_t dimension_;
  std::vector<Step> steps_;  ///< every step after those it needs
  std::map<Step, Node> known_;
  std::map<std::pair<Node, std::size_t>, Node> derivatives_;
};

/// Computes some of the formulas for blocks of samples.
class FormulaTape {
 public:
  FormulaTape(Formulas const& formulas, std::vector<Formulas::Node> const& wanted, std::size_t max_lanes);

  void compute(Lanes const& lanes);
  /// Values of the i-th wanted formula at the lanes of the last `compute`.
  double const* value(std::size_t i) const { return values_.column(places_[i]); }

 private:
  struct Step {
    Formulas::Op op;
    std::size_t a, b;
    double value;
  };
  std::vector<Step> steps_;
  std::vector<std::size_t> places_;
  Columns values_;
};

}  // namespace fermiac::flow
