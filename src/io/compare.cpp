#include "fermiac/io/compare.hpp"

#include <fmt/format.h>
#include <hdf5_hl.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>
#include <span>
#include <vector>

#include "fermiac/base/error.hpp"
#include "hdf5_call.hpp"

namespace fermiac::io {

namespace {

using Path = std::filesystem::path;
using Difference = std::optional<std::string>;
using Names = std::set<std::string>;

constexpr std::size_t buffer_bytes = std::size_t{1} << 22;

herr_t take_link(hid_t, char const* name, H5L_info_t const*, void* names) noexcept {
  static_cast<Names*>(names)->emplace(name);
  return 0;
}

herr_t take_attribute(hid_t, char const* name, H5A_info_t const*, void* names) noexcept {
  static_cast<Names*>(names)->emplace(name);
  return 0;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t most = 60;
  if (text.size() > most) return fmt::format("\"{}...\" ({} bytes)", text.substr(0, most), text.size());
  return fmt::format("\"{}\"", text);
}

std::string both(std::string const& a, std::string const& b) { return a + " and " + b; }

/// The element at `bytes`, of a type that is read into memory as `type`.
std::string element_text(hid_t type, std::byte const* bytes, bool with_bits) {
  auto const size = H5Tget_size(type);
  auto const kind = H5Tget_class(type);
  if (kind == H5T_FLOAT && size == sizeof(double)) {
    double value = 0;
    std::memcpy(&value, bytes, sizeof value);
    return with_bits ? fmt::format("{} (0x{:016x})", value, std::bit_cast<std::uint64_t>(value)) : fmt::format("{}", value);
  }
  if (kind == H5T_INTEGER && size == sizeof(std::int64_t) && H5Tget_sign(type) == H5T_SGN_2) {
    std::int64_t value = 0;
    std::memcpy(&value, bytes, sizeof value);
    return fmt::format("{}", value);
  }
  if (kind == H5T_INTEGER && size == 1) return fmt::format("{}", static_cast<unsigned>(*bytes));
  if (kind == H5T_STRING && !with_bits) {
    auto const* const characters = reinterpret_cast<char const*>(bytes);
    return in_quotes({characters, ::strnlen(characters, size)});
  }
  std::string text = "0x";
  for (std::size_t i = 0; i < std::min<std::size_t>(size, 32); ++i)
    text += fmt::format("{:02x}", static_cast<unsigned>(bytes[i]));
  return text;
}

std::string element_texts(hid_t type, std::byte const* a, std::byte const* b) {
  auto const text_a = element_text(type, a, false);
  auto const text_b = element_text(type, b, false);
  if (text_a != text_b) return both(text_a, text_b);
  return both(element_text(type, a, true), element_text(type, b, true));
}

std::string shape_text(std::vector<hsize_t> const& shape) {
  std::string text = "[";
  for (auto const length : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(length);
  return text + "]";
}

std::string type_text(hid_t type) {
  auto const bits = 8 * H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_FLOAT:
      return fmt::format("float{}", bits);
    case H5T_INTEGER:
      return fmt::format("{}int{}", H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "", bits);
    case H5T_STRING:
      return H5Tis_variable_str(type) > 0 ? std::string("text") : fmt::format("text of {} bytes", H5Tget_size(type));
    default:
      return fmt::format("HDF5 class {} of {} bytes", static_cast<int>(H5Tget_class(type)), H5Tget_size(type));
  }
}

/// One of the two files.
struct Side {
  Path path;
  Handle file;

  template <typename Result>
  Result call(Result result) const {
    return checked(result, "read", path);
  }
};

class Comparison {
 public:
  Comparison(Path const& a, Path const& b) : a_{a, open_for_reading(a)}, b_{b, open_for_reading(b)} {}

  Difference run() const {
    Handle const root_a(a_.call(H5Oopen(a_.file, "/", H5P_DEFAULT)), H5Oclose);
    Handle const root_b(b_.call(H5Oopen(b_.file, "/", H5P_DEFAULT)), H5Oclose);
    return groups("", root_a, root_b);
  }

 private:
  static std::string shown(std::string const& name) { return name.empty() ? "the root" : "'" + name + "'"; }

  std::string only_in(std::string const& what, bool in_a) const {
    return fmt::format("{} is only in {}", what, (in_a ? a_ : b_).path.string());
  }

  /// Names of one side that the other lacks are a difference; the first in order of name is reported.
  Difference names(std::string const& prefix, Names const& a, Names const& b) const {
    std::vector<std::string> lone;
    std::set_symmetric_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(lone));
    if (lone.empty()) return {};
    return only_in(fmt::format("{}'{}'", prefix, lone.front()), a.contains(lone.front()));
  }

  static Names links(Side const& side, hid_t group, bool is_root) {
    Names result;
    hsize_t position = 0;
    side.call(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &position, take_link, &result));
    if (is_root) result.erase("run");
    return result;
  }

  static Names attributes(Side const& side, hid_t object) {
    Names result;
    hsize_t position = 0;
    side.call(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &position, take_attribute, &result));
    // Addresses within the file; the scales that they stand for are compared by name.
    result.erase("REFERENCE_LIST");
    result.erase("DIMENSION_LIST");
    return result;
  }

  Difference groups(std::string const& name, hid_t a, hid_t b) const {
    if (auto difference = all_attributes(name, a, b)) return difference;
    auto const names_a = links(a_, a, name.empty());
    auto const names_b = links(b_, b, name.empty());
    if (auto difference = names(name.empty() ? "" : name + '/', names_a, names_b)) return difference;
    for (auto const& child : names_a) {
      Handle const child_a(a_.call(H5Oopen(a, child.c_str(), H5P_DEFAULT)), H5Oclose);
      Handle const child_b(b_.call(H5Oopen(b, child.c_str(), H5P_DEFAULT)), H5Oclose);
      if (auto difference = objects(name.empty() ? child : name + '/' + child, child_a, child_b)) return difference;
    }
    return {};
  }

  Difference objects(std::string const& name, hid_t a, hid_t b) const {
    auto const kind = H5Iget_type(a);
    if (kind != H5Iget_type(b)) return fmt::format("{} is not the same kind of object", shown(name));
    if (kind == H5I_GROUP) return groups(name, a, b);
    if (auto difference = all_attributes(name, a, b)) return difference;
    return kind == H5I_DATASET ? datasets(name, a, b) : Difference();
  }

  Difference types(std::string const& what, hid_t a, hid_t b) const {
    if (H5Tequal(a, b) > 0) return {};
    auto const text_a = type_text(a);
    auto const text_b = type_text(b);
    if (text_a == text_b) return fmt::format("types of {} differ in byte order or padding ({})", what, text_a);
    return fmt::format("types of {} differ: {}", what, both(text_a, text_b));
  }

  Difference shapes(std::string const& what, hid_t a, hid_t b) const {
    auto const shape_of = [](Side const& side, hid_t space) {
      std::vector<hsize_t> shape(static_cast<std::size_t>(side.call(H5Sget_simple_extent_ndims(space))));
      side.call(H5Sget_simple_extent_dims(space, shape.data(), nullptr));
      return shape;
    };
    auto const shape_a = shape_of(a_, a);
    auto const shape_b = shape_of(b_, b);
    if (shape_a == shape_b && H5Sget_simple_extent_type(a) == H5Sget_simple_extent_type(b)) return {};
    return fmt::format("shapes of {} differ: {}", what, both(shape_text(shape_a), shape_text(shape_b)));
  }

  Difference all_attributes(std::string const& name, hid_t a, hid_t b) const {
    auto const names_a = attributes(a_, a);
    auto const names_b = attributes(b_, b);
    if (auto difference = names("attribute of " + shown(name) + " ", names_a, names_b)) return difference;
    for (auto const& key : names_a) {
      if (auto difference = attribute(fmt::format("attribute '{}' of {}", key, shown(name)), key, a, b)) return difference;
    }
    return {};
  }

  Difference attribute(std::string const& what, std::string const& key, hid_t object_a, hid_t object_b) const {
    Handle const a(a_.call(H5Aopen(object_a, key.c_str(), H5P_DEFAULT)), H5Aclose);
    Handle const b(b_.call(H5Aopen(object_b, key.c_str(), H5P_DEFAULT)), H5Aclose);
    Handle const type_a(a_.call(H5Aget_type(a)), H5Tclose);
    Handle const type_b(b_.call(H5Aget_type(b)), H5Tclose);
    if (auto difference = types(what, type_a, type_b)) return difference;
    Handle const space_a(a_.call(H5Aget_space(a)), H5Sclose);
    Handle const space_b(b_.call(H5Aget_space(b)), H5Sclose);
    if (auto difference = shapes(what, space_a, space_b)) return difference;
    auto const n = static_cast<std::size_t>(a_.call(H5Sget_simple_extent_npoints(space_a)));
    if (H5Tis_variable_str(type_a) > 0) {
      if (n != 1) throw SystemError(fmt::format("cannot compare {}: it holds several texts", what));
      auto const text_a = text_of_attribute(a, a_.path);
      auto const text_b = text_of_attribute(b, b_.path);
      if (text_a != text_b) return text_difference(what, text_a, text_b);
      return {};
    }
    auto const size = H5Tget_size(type_a);
    std::vector<std::byte> bytes_a(n * size);
    std::vector<std::byte> bytes_b(n * size);
    a_.call(H5Aread(a, type_a, bytes_a.data()));
    b_.call(H5Aread(b, type_b, bytes_b.data()));
    for (std::size_t i = 0; i < n; ++i) {
      auto const* const element_a = bytes_a.data() + i * size;
      auto const* const element_b = bytes_b.data() + i * size;
      if (std::memcmp(element_a, element_b, size) != 0)
        return fmt::format("{} differs{}: {}", what, n > 1 ? fmt::format(" at {}", i) : "",
                           element_texts(type_a, element_a, element_b));
    }
    return {};
  }

  /// Long texts (a study file) differ somewhere in the middle: the lines that differ are shown.
  static std::string text_difference(std::string const& what, std::string const& a, std::string const& b) {
    auto const position = static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
    auto const line_of = [position](std::string const& text) {
      auto const before = position == 0 ? std::string::npos : text.rfind('\n', position - 1);
      auto const begin = before == std::string::npos ? 0 : before + 1;
      return in_quotes(std::string_view(text).substr(begin, text.find('\n', begin) - begin));
    };
    auto const line = 1 + std::count(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(position), '\n');
    auto const line_a = line_of(a);
    auto const line_b = line_of(b);
    if (line_a == line_b) return fmt::format("{} differs in line {}, byte {} of the text", what, line, position);
    return fmt::format("{} differs in line {}: {}", what, line, both(line_a, line_b));
  }

  static std::string scale_names(Side const& side, hid_t dataset, unsigned dimension) {
    if (H5DSis_scale(dataset) > 0 || side.call(H5DSget_num_scales(dataset, dimension)) == 0) return "";
    std::string result;
    auto const take = [](hid_t, unsigned, hid_t scale, void* text) noexcept -> herr_t {
      char buffer[1024];
      if (H5Iget_name(scale, buffer, sizeof buffer) <= 0) return -1;
      *static_cast<std::string*>(text) += buffer;
      return 0;
    };
    side.call(H5DSiterate_scales(dataset, dimension, nullptr, take, &result));
    return result;
  }

  Difference datasets(std::string const& name, hid_t a, hid_t b) const {
    auto const what = shown(name);
    Handle const type_a(a_.call(H5Dget_type(a)), H5Tclose);
    Handle const type_b(b_.call(H5Dget_type(b)), H5Tclose);
    if (auto difference = types(what, type_a, type_b)) return difference;
    Handle const space_a(a_.call(H5Dget_space(a)), H5Sclose);
    Handle const space_b(b_.call(H5Dget_space(b)), H5Sclose);
    if (auto difference = shapes(what, space_a, space_b)) return difference;
    auto const rank = static_cast<unsigned>(a_.call(H5Sget_simple_extent_ndims(space_a)));
    for (unsigned i = 0; i < rank; ++i) {
      auto const scale_a = scale_names(a_, a, i);
      auto const scale_b = scale_names(b_, b, i);
      if (scale_a != scale_b)
        return fmt::format("scales of dimension {} of {} differ: {}", i, what, both(in_quotes(scale_a), in_quotes(scale_b)));
    }
    if (H5Tdetect_class(type_a, H5T_VLEN) > 0 || H5Tis_variable_str(type_a) > 0 || H5Tdetect_class(type_a, H5T_REFERENCE) > 0)
      throw SystemError(fmt::format("cannot compare {}: its elements are of a type that no results file has", what));
    return elements(name, a, b, type_a, space_a);
  }

  Difference elements(std::string const& name, hid_t a, hid_t b, hid_t type, hid_t space) const {
    auto const rank = static_cast<std::size_t>(a_.call(H5Sget_simple_extent_ndims(space)));
    std::vector<hsize_t> shape(rank);
    a_.call(H5Sget_simple_extent_dims(space, shape.data(), nullptr));
    auto const n = static_cast<std::uint64_t>(a_.call(H5Sget_simple_extent_npoints(space)));
    if (n == 0) return {};
    auto const size = H5Tget_size(type);
    // Boxes of a few elements of one axis and the whole of the axes after it, as many as fit into the buffers.
    std::size_t axis = 0;
    std::uint64_t inner = rank > 0 ? n / shape[0] : n;
    while (axis + 1 < rank && inner * size > buffer_bytes) inner /= shape[++axis];
    auto const step = std::max<std::uint64_t>(1, buffer_bytes / (inner * size));
    std::vector<hsize_t> first(rank, 0);
    std::vector<hsize_t> count(rank, 1);
    for (auto i = axis + 1; i < rank; ++i) count[i] = shape[i];
    for (std::uint64_t done = 0; done < n;) {
      hsize_t box = inner;
      if (rank > 0) {
        count[axis] = std::min<hsize_t>(step, shape[axis] - first[axis]);
        box *= count[axis];
        a_.call(H5Sselect_hyperslab(space, H5S_SELECT_SET, first.data(), nullptr, count.data(), nullptr));
      }
      Handle const memory(a_.call(H5Screate_simple(1, &box, nullptr)), H5Sclose);
      std::vector<std::byte> bytes_a(box * size);
      std::vector<std::byte> bytes_b(box * size);
      a_.call(H5Dread(a, type, memory, space, H5P_DEFAULT, bytes_a.data()));
      b_.call(H5Dread(b, type, memory, space, H5P_DEFAULT, bytes_b.data()));
      bool const is_different = bytes_a != bytes_b;
      for (std::uint64_t i = 0; is_different && i < box; ++i) {
        auto const* const element_a = bytes_a.data() + i * size;
        auto const* const element_b = bytes_b.data() + i * size;
        if (std::memcmp(element_a, element_b, size) != 0)
          return fmt::format("{}{} differs: {}", name, index_text(done + i, shape), element_texts(type, element_a, element_b));
      }
      done += box;
      if (rank > 0) first[axis] += count[axis];
      for (auto i = axis; i > 0 && first[i] == shape[i]; --i) {
        first[i] = 0;
        ++first[i - 1];
      }
    }
    return {};
  }

  static std::string index_text(std::uint64_t position, std::vector<hsize_t> const& shape) {
    if (shape.empty()) return "";
    std::vector<hsize_t> index(shape.size());
    for (auto i = shape.size(); i-- > 0; position /= shape[i]) index[i] = position % shape[i];
    return shape_text(index);
  }

  Side a_;
  Side b_;
};

}  // namespace

Difference first_difference(Path const& a, Path const& b) { return Comparison(a, b).run(); }

}  // namespace fermiac::io
