/// What a results file holds: a plain description, made before the file is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace fermiac::io {

/// Types of elements: float64, int64, uint8, and UTF-8 text of fixed length, padded with null bytes.
enum class Type { real, integer, byte, text };

using Attribute = std::variant<double, std::int64_t, std::string, std::vector<double>>;
/// In the order in which they are written.
using Attributes = std::vector<std::pair<std::string, Attribute>>;

/// A dimension and the coordinates along it: becomes a one-dimensional dataset that is an HDF5 dimension scale, the
/// netCDF-4 form of a coordinate variable.
struct Scale {
  std::string name;
  /// Values along the dimension; where there are none, the indices 0, 1, ..., size-1 are written.
  std::variant<std::monostate, std::vector<double>, std::vector<std::int64_t>, std::vector<std::string>> coordinates = {};
  /// Length of the dimension; read only where there are no coordinates.
  std::uint64_t size = 0;
  Attributes attributes = {};

  std::uint64_t length() const;
};

/// A dataset over the scales it names.
struct Variable {
  std::string name;
  Type type = Type::real;
  /// Names of scales of the same group, or else of the root; none for a scalar.
  std::vector<std::string> dimensions = {};
  /// Bytes of an element of type text, at least 2 (one byte would be taken for a netCDF array of characters).
  std::uint64_t text_length = 0;
  Attributes attributes = {};
  /// Names of auxiliary coordinate variables: the netCDF attribute `coordinates`.
  std::vector<std::string> coordinates = {};
  /// Value of every element at the start, for integer and byte; 0 where it is not given. Reals start as NaN, texts empty.
  std::optional<std::int64_t> fill = {};
  /// Values at the start, one for each element in row-major order, of the variable's own type; none: filled.
  std::variant<std::monostate, std::vector<double>, std::vector<std::int64_t>, std::vector<std::uint8_t>,
               std::vector<std::string>>
      initial = {};
};

/// One group of a results file. Names are unique within it.
struct Group {
  Attributes attributes = {};
  std::vector<Scale> scales = {};
  std::vector<Variable> variables = {};
};

/// A results file: the root holds what is the same for every honest run, `run` (the group /run) what may differ.
struct Schema {
  Group root = {};
  Group run = {};
};

}  // namespace fermiac::io
