/// Declared parameters: name, type, default, unit, range and help in one place.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fermiac {

/// A value of a study file.
using Value = std::variant<bool, std::int64_t, double, std::string>;

/// "true", "3", "0.1" (the shortest text that reads back as the same double, with a point or an exponent), "\"text\"": valid
/// TOML.
std::string to_toml(Value const& value);

/// "a flag", "an integer", "a number", "a text".
std::string type_name(Value const& value);

/// One key that a kind understands. Made by the functions below, refined by the chained members:
///
///     real("system.omega", 1.0, "trap frequency").unit("1/time").above(0)
///     choice("system.interaction", "coulomb", {"none", "coulomb"}, "...")
class Parameter {
 public:
  Parameter(std::string key, Value default_value, std::string help)
      : key_(std::move(key)), default_(std::move(default_value)), help_(std::move(help)) {}

  Parameter& unit(std::string unit);
  Parameter& at_least(double bound);
  Parameter& above(double bound);
  Parameter& at_most(double bound);
  Parameter& choices(std::vector<std::string> choices);
  /// Leaves the key out of the random streams, so that points that differ in it alone share their random numbers.
  Parameter& shares_streams();

  std::string const& key() const noexcept { return key_; }
  Value const& default_value() const noexcept { return default_; }
  std::string const& help() const noexcept { return help_; }
  std::string const& unit() const noexcept { return unit_; }
  bool in_streams() const noexcept { return in_streams_; }

  /// "greater than 0, at most 1", "one of none, coulomb", "a number".
  std::string expectation() const;

  /// The value as this parameter's type (an integer is taken for a number).
  /// @throws InputError  naming the key, the value and what was expected
  Value accept(Value const& value) const;

 private:
  std::string key_;
  Value default_;
  std::string help_;
  std::string unit_;
  std::optional<double> at_least_, above_, at_most_;
  std::vector<std::string> choices_;
  bool in_streams_ = true;
};

Parameter real(std::string key, double default_value, std::string help);
Parameter integer(std::string key, std::int64_t default_value, std::string help);
Parameter flag(std::string key, bool default_value, std::string help);
Parameter choice(std::string key, std::string default_value, std::vector<std::string> choices, std::string help);
Parameter text(std::string key, std::string default_value, std::string help);

/// One value for every declared key: the parameters of a point.
class Parameters {
 public:
  /// All defaults.
  explicit Parameters(std::span<Parameter const> declared);

  /// The parameter's values by type. Asking for a key that was not declared, or as another type, is an internal error.
  double real(std::string_view key) const;
  std::int64_t integer(std::string_view key) const;
  bool flag(std::string_view key) const;
  std::string const& text(std::string_view key) const;

  Value const& value(std::string_view key) const;
  /// @throws InputError  where the declared parameter does not accept the value
  void set(std::string_view key, Value const& value);

  std::span<Parameter const> declared() const noexcept { return declared_; }

  /// The canonical text of a point, from which its random streams are keyed: a line `key = value` for every parameter
  /// that is in the streams, ordered by key. Independent of the order and spelling of the study file.
  std::string canonical() const;

  /// The same of all parameters: two points of one study never share it.
  std::string complete() const;

 private:
  std::string lines(bool all) const;

  std::span<Parameter const> declared_;
  std::map<std::string, Value, std::less<>> values_;
};

/// The declared key nearest to `key` in edit distance: what the user probably meant.
std::string nearest(std::string_view key, std::vector<std::string> const& candidates);

}  // namespace fermiac
