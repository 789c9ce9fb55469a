#include "fermiac/flow/expression.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>

#include "fermiac/base/error.hpp"
#include "fermiac/simd/functions.hpp"

namespace fermiac::flow {

/// Recursive descent: sum of products of powers of atoms.
class FormulaParser {
 public:
  using Node = Formulas::Node;
  using Op = Formulas::Op;

  FormulaParser(Formulas& formulas, std::string const& text, std::string const& key) : to_(formulas), text_(text), key_(key) {}

  Node parse() {
    Node const result = sum();
    if (next() != '\0') fail("expected an operation");
    return result;
  }

 private:
  [[noreturn]] void fail(std::string const& what) const {
    throw InputError(key_, fmt::format("in \"{}\" at character {}: {}", text_, at_ + 1, what));
  }
  char next() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char symbol) {
    if (next() != symbol) return false;
    ++at_;
    return true;
  }

  Node sum() {
    Node left = product();
    for (;;) {
      if (take('+'))
        left = to_.binary(Op::add, left, product());
      else if (take('-'))
        left = to_.binary(Op::subtract, left, product());
      else
        return left;
    }
  }
  Node product() {
    Node left = signed_power();
    for (;;) {
      if (take('*'))
        left = to_.binary(Op::multiply, left, signed_power());
      else if (take('/'))
        left = to_.binary(Op::divide, left, signed_power());
      else
        return left;
    }
  }
  Node signed_power() {
    // Deeper than any formula that is meant: a bound on the stack.
    if (++depth_ > 200) fail("too many brackets, signs or powers within one another");
    Node const result = take('-') ? to_.unary(Op::negate, signed_power()) : take('+') ? signed_power() : power();
    --depth_;
    return result;
  }
  Node power() {
    Node const base = atom();
    if (!take('^')) return base;
    Node const exponent = signed_power();
    auto const step = to_.steps_[exponent];  // a copy: new nodes move them
    if (step.op == Op::number && step.value == std::floor(step.value) && std::abs(step.value) <= 64) {
      auto const size = static_cast<unsigned>(std::abs(step.value));
      Node const whole = to_.whole_power(base, size);
      return step.value < 0 ? to_.binary(Op::divide, to_.number(1), whole) : whole;
    }
    return to_.unary(Op::exp, to_.binary(Op::multiply, exponent, to_.unary(Op::log, base)));
  }
  Node atom() {
    char const first = next();
    if (take('(')) {
      Node const inner = sum();
      if (!take(')')) fail("expected )");
      return inner;
    }
    if (std::isdigit(static_cast<unsigned char>(first)) != 0 || first == '.') {
      double value = 0;
      auto const [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
      if (error != std::errc()) fail("expected a number");
      at_ = static_cast<std::size_t>(end - text_.data());
      return to_.number(value);
    }
    if (std::isalpha(static_cast<unsigned char>(first)) == 0) fail("expected a number, a variable or a function");
    std::size_t const start = at_;
    while (at_ < text_.size() && std::isalnum(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    std::string const word = text_.substr(start, at_ - start);
    if (word == "t") return to_.add({Op::time});
    if (word == "pi") return to_.number(std::numbers::pi);
    for (auto const& [name, op] : {std::pair{"exp", Op::exp},
                                   {"log", Op::log},
                                   {"sqrt", Op::sqrt},
                                   {"tanh", Op::tanh},
                                   {"sin", Op::sin},
                                   {"cos", Op::cos}})
      if (word == name) {
        if (!take('(')) fail("expected ( after a function");
        Node const inner = sum();
        if (!take(')')) fail("expected )");
        return to_.unary(op, inner);
      }
    std::size_t component = 0;
    auto const [end, error] = std::from_chars(word.data() + 1, word.data() + word.size(), component);
    bool const is_component = word[0] == 'z' && error == std::errc() && end == word.data() + word.size();
    if (is_component && component >= 1 && component <= to_.dimension_) return to_.add({Op::component, component - 1});
    at_ = start;
    fail(is_component
             ? fmt::format("there are only z1 to z{}", to_.dimension_)
             : fmt::format("\"{}\" is none of z1 to z{}, t, pi, exp, log, sqrt, tanh, sin, cos", word, to_.dimension_));
  }

  Formulas& to_;
  std::string const& text_;
  std::string const& key_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

Formulas::Formulas(std::size_t dimension) : dimension_(dimension) {}

Formulas::Node Formulas::parse(std::string const& text, std::string const& key) {
  return FormulaParser(*this, text, key).parse();
}

Formulas::Node Formulas::add(Step step) {
  if (n_operands(step.op) == 2 && steps_[step.a].op == Op::number && steps_[step.b].op == Op::number) {
    double const a = steps_[step.a].value;
    double const b = steps_[step.b].value;
    double const folded = step.op == Op::add        ? a + b
                          : step.op == Op::subtract ? a - b
                          : step.op == Op::multiply ? a * b
                                                    : a / b;
    if (std::isfinite(folded)) return number(folded);  // known_ cannot find a NaN again
  }
  switch (step.op) {
    case Op::add:
      if (is(step.a, 0)) return step.b;
      if (is(step.b, 0)) return step.a;
      break;
    case Op::subtract:
      if (is(step.b, 0)) return step.a;
      if (is(step.a, 0)) return unary(Op::negate, step.b);
      break;
    case Op::multiply:
      if (is(step.a, 0) || is(step.b, 0)) return number(0);
      if (is(step.a, 1)) return step.b;
      if (is(step.b, 1)) return step.a;
      break;
    case Op::divide:
      if (is(step.a, 0)) return number(0);
      if (is(step.b, 1)) return step.a;
      break;
    case Op::negate:
      if (steps_[step.a].op == Op::number) return number(-steps_[step.a].value);
      break;
    default:
      break;
  }
  auto const [place, is_new] = known_.try_emplace(step, steps_.size());
  if (is_new) steps_.push_back(step);
  return place->second;
}

Formulas::Node Formulas::whole_power(Node a, unsigned exponent) {
  if (exponent == 0) return number(1);
  if (exponent == 1) return a;
  Node const half = whole_power(a, exponent / 2);
  Node const square = binary(Op::multiply, half, half);
  return exponent % 2 == 0 ? square : binary(Op::multiply, square, a);
}

Formulas::Node Formulas::sum(std::vector<Node> const& terms) {
  Node total = number(0);
  for (Node const term : terms) total = binary(Op::add, total, term);
  return total;
}

bool Formulas::depends_on_time(Node node) const {
  std::vector<bool> depends(node + 1);
  for (Node n = 0; n <= node; ++n) {
    auto const& step = steps_[n];
    auto const n_of_step = n_operands(step.op);
    depends[n] = step.op == Op::time || (n_of_step > 0 && depends[step.a]) || (n_of_step > 1 && depends[step.b]);
  }
  return depends[node];
}

int Formulas::n_operands(Op op) {
  if (op == Op::number || op == Op::component || op == Op::time) return 0;
  return op == Op::add || op == Op::subtract || op == Op::multiply || op == Op::divide ? 2 : 1;
}

void Formulas::mark_operands(std::vector<bool>& needed) const {
  for (std::size_t n = needed.size(); n-- > 0;) {
    if (!needed[n]) continue;
    if (n_operands(steps_[n].op) > 0) needed[steps_[n].a] = true;
    if (n_operands(steps_[n].op) > 1) needed[steps_[n].b] = true;
  }
}

Formulas::Node Formulas::derivative(Node of, std::size_t component) {
  // Operands before what they are part of, not by recursion: a sum may have more terms than the stack has room for.
  std::vector<bool> needed(of + 1);
  needed[of] = true;
  mark_operands(needed);
  for (Node n = 0; n <= of; ++n)
    if (needed[n] && !derivatives_.contains({n, component})) derivatives_[{n, component}] = derivative_of_step(n, component);
  return derivatives_.at({of, component});
}

Formulas::Node Formulas::derivative_of_step(Node of, std::size_t component) {
  auto const d = [&](Node node) { return derivatives_.at({node, component}); };
  auto const times = [&](Node a, Node b) { return binary(Op::multiply, a, b); };
  Step const step = steps_[of];
  switch (step.op) {
    case Op::number:
    case Op::time:
      return number(0);
    case Op::component:
      return number(step.a == component ? 1 : 0);
    case Op::add:
    case Op::subtract:
      return binary(step.op, d(step.a), d(step.b));
    case Op::multiply:
      return binary(Op::add, times(d(step.a), step.b), times(step.a, d(step.b)));
    case Op::divide:
      return binary(Op::divide, binary(Op::subtract, d(step.a), times(of, d(step.b))), step.b);
    case Op::negate:
      return unary(Op::negate, d(step.a));
    case Op::exp:
      return times(of, d(step.a));
    case Op::log:
      return binary(Op::divide, d(step.a), step.a);
    case Op::sqrt:
      return binary(Op::divide, d(step.a), times(number(2), of));
    case Op::tanh:
      return times(times(binary(Op::subtract, number(1), of), binary(Op::add, number(1), of)), d(step.a));
    case Op::sin:
      return times(unary(Op::cos, step.a), d(step.a));
    case Op::cos:
      return unary(Op::negate, times(unary(Op::sin, step.a), d(step.a)));
  }
  return number(0);
}

FormulaTape::FormulaTape(Formulas const& formulas, std::vector<Formulas::Node> const& wanted, std::size_t max_lanes) {
  auto const& all = formulas.steps_;
  std::vector<bool> needed(all.size());
  for (auto const node : wanted) needed[node] = true;
  formulas.mark_operands(needed);
  std::vector<std::size_t> place(all.size());
  for (std::size_t n = 0; n < all.size(); ++n) {
    if (!needed[n]) continue;
    auto const& step = all[n];
    place[n] = steps_.size();
    auto const n_operands = Formulas::n_operands(step.op);
    steps_.push_back({step.op, n_operands > 0 ? place[step.a] : step.a, n_operands > 1 ? place[step.b] : 0, step.value});
  }
  for (auto const node : wanted) places_.push_back(place[node]);
  values_ = Columns(max_lanes, steps_.size());
}

void FormulaTape::compute(Lanes const& lanes) {
  using Op = Formulas::Op;
  auto const n = lanes.n;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    auto const& step = steps_[i];
    double* __restrict to = values_.column(i);
    double const* a = values_.column(step.a < steps_.size() ? step.a : 0);
    double const* b = values_.column(step.b);
    auto const fill = [&](auto function) {
#pragma GCC ivdep
      for (std::size_t k = 0; k < n; ++k) to[k] = function(k);
    };
    switch (step.op) {
      case Op::number:
        std::fill_n(to, n, step.value);
        break;
      case Op::component:
        std::copy_n(lanes.z.column(step.a), n, to);
        break;
      case Op::time:
        std::copy_n(lanes.t, n, to);
        break;
      case Op::add:
        fill([=](std::size_t k) { return a[k] + b[k]; });
        break;
      case Op::subtract:
        fill([=](std::size_t k) { return a[k] - b[k]; });
        break;
      case Op::multiply:
        fill([=](std::size_t k) { return a[k] * b[k]; });
        break;
      case Op::divide:
        fill([=](std::size_t k) { return a[k] / b[k]; });
        break;
      case Op::negate:
        fill([=](std::size_t k) { return -a[k]; });
        break;
      case Op::exp:
        fill([=](std::size_t k) { return simd::exp(a[k]); });
        break;
      case Op::log:
        fill([=](std::size_t k) { return simd::log(a[k]); });
        break;
      case Op::sqrt:
        fill([=](std::size_t k) { return std::sqrt(a[k]); });
        break;
      case Op::tanh:
        fill([=](std::size_t k) { return simd::tanh(a[k]); });
        break;
      case Op::sin:
        fill([=](std::size_t k) { return simd::sincos(a[k]).sin; });
        break;
      case Op::cos:
        fill([=](std::size_t k) { return simd::sincos(a[k]).cos; });
        break;
    }
  }
}

}  // namespace fermiac::flow
