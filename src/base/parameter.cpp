#include "fermiac/base/parameter.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "fermiac/base/error.hpp"

namespace fermiac {

namespace {

std::string quoted(std::string const& text) {
  std::string result = "\"";
  for (char const c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      result += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else
      result += c;
  }
  return result + '"';
}

std::string number(double value) {
  std::string text = fmt::format("{}", value);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

}  // namespace

std::string to_toml(Value const& value) {
  struct {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return number(v); }
    std::string operator()(std::string const& v) const { return quoted(v); }
  } constexpr print;
  return std::visit(print, value);
}

std::string type_name(Value const& value) {
  constexpr char const* names[] = {"a flag (true or false)", "an integer", "a number", "a text"};
  return names[value.index()];
}

Parameter& Parameter::unit(std::string unit) {
  unit_ = std::move(unit);
  return *this;
}
Parameter& Parameter::at_least(double bound) {
  at_least_ = bound;
  return *this;
}
Parameter& Parameter::above(double bound) {
  above_ = bound;
  return *this;
}
Parameter& Parameter::at_most(double bound) {
  at_most_ = bound;
  return *this;
}
Parameter& Parameter::choices(std::vector<std::string> choices) {
  choices_ = std::move(choices);
  return *this;
}
Parameter& Parameter::shares_streams() {
  in_streams_ = false;
  return *this;
}

std::string Parameter::expectation() const {
  if (!choices_.empty()) return fmt::format("one of {}", fmt::join(choices_, ", "));
  std::string text = type_name(default_);
  if (at_least_) text += fmt::format(", at least {}", *at_least_);
  if (above_) text += fmt::format(", greater than {}", *above_);
  if (at_most_) text += fmt::format(", at most {}", *at_most_);
  return text;
}

Value Parameter::accept(Value const& value) const {
  auto const refuse = [&] {
    std::string hint;
    if (!choices_.empty() && std::holds_alternative<std::string>(value))
      hint = fmt::format(" (did you mean \"{}\"?)", nearest(std::get<std::string>(value), choices_));
    throw InputError(key_, fmt::format("{} = {}: expected {}{}", key_, to_toml(value), expectation(), hint));
  };
  Value accepted = value;
  if (std::holds_alternative<double>(default_) && std::holds_alternative<std::int64_t>(value))
    accepted = static_cast<double>(std::get<std::int64_t>(value));
  if (accepted.index() != default_.index()) refuse();
  if (std::holds_alternative<std::string>(accepted)) {
    if (!choices_.empty() && std::ranges::find(choices_, std::get<std::string>(accepted)) == choices_.end()) refuse();
  } else if (!std::holds_alternative<bool>(accepted)) {
    double const x = std::holds_alternative<double>(accepted) ? std::get<double>(accepted)
                                                              : static_cast<double>(std::get<std::int64_t>(accepted));
    if (!std::isfinite(x) || (at_least_ && x < *at_least_) || (above_ && x <= *above_) || (at_most_ && x > *at_most_)) refuse();
    if (x == 0 && std::holds_alternative<double>(accepted)) accepted = 0.0;  // one zero: -0.0 would be another stream
  }
  return accepted;
}

Parameter real(std::string key, double default_value, std::string help) {
  return {std::move(key), default_value, std::move(help)};
}
Parameter integer(std::string key, std::int64_t default_value, std::string help) {
  return {std::move(key), default_value, std::move(help)};
}
Parameter flag(std::string key, bool default_value, std::string help) {
  return {std::move(key), default_value, std::move(help)};
}
Parameter choice(std::string key, std::string default_value, std::vector<std::string> choices, std::string help) {
  return Parameter(std::move(key), std::move(default_value), std::move(help)).choices(std::move(choices));
}

Parameter text(std::string key, std::string default_value, std::string help) {
  return {std::move(key), std::move(default_value), std::move(help)};
}

Parameters::Parameters(std::span<Parameter const> declared) : declared_(declared) {
  for (auto const& parameter : declared_) values_[parameter.key()] = parameter.default_value();
}

Value const& Parameters::value(std::string_view key) const {
  auto const found = values_.find(key);
  if (found == values_.end()) throw std::logic_error("internal error: parameter '" + std::string(key) + "' is not declared");
  return found->second;
}

double Parameters::real(std::string_view key) const { return std::get<double>(value(key)); }
std::int64_t Parameters::integer(std::string_view key) const { return std::get<std::int64_t>(value(key)); }
bool Parameters::flag(std::string_view key) const { return std::get<bool>(value(key)); }
std::string const& Parameters::text(std::string_view key) const { return std::get<std::string>(value(key)); }

void Parameters::set(std::string_view key, Value const& value) {
  auto const parameter = std::ranges::find(declared_, key, &Parameter::key);
  FERMIAC_ASSERT(parameter != declared_.end());
  values_[std::string(key)] = parameter->accept(value);
}

std::string Parameters::canonical() const { return lines(false); }
std::string Parameters::complete() const { return lines(true); }

std::string Parameters::lines(bool all) const {
  std::vector<std::string> result;
  for (auto const& parameter : declared_)
    if (all || parameter.in_streams()) result.push_back(parameter.key() + " = " + to_toml(value(parameter.key())) + "\n");
  std::ranges::sort(result);
  return std::accumulate(result.begin(), result.end(), std::string());
}

std::string nearest(std::string_view key, std::vector<std::string> const& candidates) {
  auto const distance = [&](std::string_view other) {
    std::vector<std::size_t> row(other.size() + 1);
    std::iota(row.begin(), row.end(), 0u);
    for (std::size_t i = 1; i <= key.size(); ++i) {
      std::size_t diagonal = row[0]++;
      for (std::size_t j = 1; j <= other.size(); ++j) {
        std::size_t const substituted = diagonal + (key[i - 1] != other[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
      }
    }
    return row.back();
  };
  std::string best;
  for (auto const& candidate : candidates)
    if (best.empty() || distance(candidate) < distance(best)) best = candidate;
  return best;
}

}  // namespace fermiac
