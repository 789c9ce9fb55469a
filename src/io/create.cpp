#include <hdf5_hl.h>

#include <bit>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <stdexcept>

#include "fermiac/io/results_file.hpp"
#include "hdf5_call.hpp"
#include "memory_driver.hpp"
#include "posix_file.hpp"

namespace fermiac::io {

static_assert(std::endian::native == std::endian::little, "elements are written as they are in memory");

std::uint64_t Scale::length() const {
  return std::visit(
      [this](auto const& values) -> std::uint64_t {
        if constexpr (requires { values.size(); })
          return values.size();
        else
          return size;
      },
      coordinates);
}

namespace {

using Path = std::filesystem::path;

[[noreturn]] void contradiction(std::string const& message) { throw std::logic_error("results file: " + message); }

/// Where the elements of one dataset lie in the file, and what they are at the start.
struct Extent {
  std::uint64_t offset = 0;
  std::uint64_t n_bytes = 0;
  bool is_real = false;
  std::vector<std::byte> element;  // repeated over the extent; empty where that is zeros
  std::vector<std::byte> data;     // instead of it
};

template <typename T>
std::vector<std::byte> bytes_of(std::vector<T> const& values) {
  auto const bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> bytes_of(std::vector<std::string> const& texts, std::uint64_t length) {
  std::vector<std::byte> result(texts.size() * length);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() > length) contradiction("the text '" + texts[i] + "' is too long");
    std::memcpy(result.data() + i * length, texts[i].data(), texts[i].size());
  }
  return result;
}

template <typename T>
std::vector<std::byte> bytes_of_one(T value) {
  return bytes_of(std::vector<T>{value});
}

/// Composes the metadata in memory.
class Composer {
 public:
  Composer(Path const& path, Schema const& schema) : path_(path) {
    prepare_hdf5();
    Handle const access(call(H5Pcreate(H5P_FILE_ACCESS)), H5Pclose);
    call(set_memory_driver(access, image_));
    call(H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18));
    Handle const creation(call(H5Pcreate(H5P_FILE_CREATE)), H5Pclose);
    keep_order(creation);
    Handle file(call(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, access)), H5Fclose);
    compose(file, schema.root, nullptr);
    if (!(schema.run.attributes.empty() && schema.run.scales.empty() && schema.run.variables.empty())) {
      Handle const group_creation(call(H5Pcreate(H5P_GROUP_CREATE)), H5Pclose);
      keep_order(group_creation);
      Handle const group(call(H5Gcreate2(file, "run", H5P_DEFAULT, group_creation, H5P_DEFAULT)), H5Gclose);
      compose(group, schema.run, &schema.root);
    }
    root_scales_.clear();
    call(file.close());
  }

  Image const& image() const { return image_; }
  std::vector<Extent> const& extents() const { return extents_; }

 private:
  using Scales = std::map<std::string, std::pair<Handle, std::uint64_t>, std::less<>>;

  template <typename Result>
  Result call(Result result) const {
    return checked(result, "compose", path_);
  }

  void keep_order(hid_t creation) const {
    call(H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
    call(H5Pset_obj_track_times(creation, false));
  }

  Handle text_type(std::size_t length) const {
    Handle type(call(H5Tcopy(H5T_C_S1)), H5Tclose);
    call(H5Tset_size(type, length));
    call(H5Tset_strpad(type, length == H5T_VARIABLE ? H5T_STR_NULLTERM : H5T_STR_NULLPAD));
    call(H5Tset_cset(type, H5T_CSET_UTF8));
    return type;
  }

  void attach(hid_t object, std::string const& key, hid_t type, hid_t space, void const* value) const {
    Handle const attribute(call(H5Acreate2(object, key.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT)), H5Aclose);
    call(H5Awrite(attribute, type, value));
  }

  void attach(hid_t object, std::string const& key, Attribute const& attribute) const {
    Handle const scalar(call(H5Screate(H5S_SCALAR)), H5Sclose);
    if (auto const* const number = std::get_if<double>(&attribute)) {
      attach(object, key, H5T_IEEE_F64LE, scalar, number);
    } else if (auto const* const integer = std::get_if<std::int64_t>(&attribute)) {
      attach(object, key, H5T_STD_I64LE, scalar, integer);
    } else if (auto const* const text = std::get_if<std::string>(&attribute)) {
      // Of variable length: those live outside the object header, whose attributes must stay below 64 kB.
      char const* const characters = text->c_str();
      attach(object, key, text_type(H5T_VARIABLE), scalar, &characters);
    } else {
      auto const& numbers = std::get<std::vector<double>>(attribute);
      hsize_t const n = numbers.size();
      Handle const space(call(H5Screate_simple(1, &n, nullptr)), H5Sclose);
      attach(object, key, H5T_IEEE_F64LE, space, numbers.data());
    }
  }

  void attach(hid_t object, Attributes const& attributes) const {
    for (auto const& [key, value] : attributes) attach(object, key, value);
  }

  Handle add(hid_t group, std::string const& name, hid_t type, std::vector<hsize_t> const& shape, Extent extent) {
    if (name.empty() || name.find('/') != std::string::npos) contradiction("'" + name + "' cannot be a name");
    if (H5Lexists(group, name.c_str(), H5P_DEFAULT) > 0) contradiction("the name '" + name + "' is used twice");
    Handle const space(
        call(shape.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr)),
        H5Sclose);
    Handle const creation(call(H5Pcreate(H5P_DATASET_CREATE)), H5Pclose);
    call(H5Pset_obj_track_times(creation, false));
    call(H5Pset_layout(creation, H5D_CONTIGUOUS));
    call(H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY));
    call(H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER));  // filled by us
    if (!extent.element.empty()) call(H5Pset_fill_value(creation, type, extent.element.data()));
    Handle dataset(call(H5Dcreate2(group, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT)), H5Dclose);
    extent.n_bytes = H5Tget_size(type) * std::accumulate(shape.begin(), shape.end(), std::uint64_t{1}, std::multiplies<>());
    if (!extent.data.empty() && extent.data.size() != extent.n_bytes)
      contradiction("'" + name + "' is given the wrong number of initial values");
    if (extent.n_bytes > 0) {
      auto const offset = H5Dget_offset(dataset);
      if (offset == HADDR_UNDEF) refuse_with_hdf5("compose", path_);
      extent.offset = offset;
      extents_.push_back(std::move(extent));
    }
    if (H5Tget_class(type) == H5T_STRING) attach(dataset, "_Encoding", std::string("utf-8"));
    return dataset;
  }

  Handle add(hid_t group, Scale const& scale) {
    std::vector<hsize_t> const shape{scale.length()};
    Extent extent;
    if (auto const* const reals = std::get_if<std::vector<double>>(&scale.coordinates)) {
      extent.data = bytes_of(*reals);
      return add(group, scale.name, H5T_IEEE_F64LE, shape, std::move(extent));
    }
    if (auto const* const texts = std::get_if<std::vector<std::string>>(&scale.coordinates)) {
      std::size_t length = 2;
      for (auto const& text : *texts) length = std::max(length, text.size());
      extent.data = bytes_of(*texts, length);
      return add(group, scale.name, text_type(length), shape, std::move(extent));
    }
    if (auto const* const integers = std::get_if<std::vector<std::int64_t>>(&scale.coordinates)) {
      extent.data = bytes_of(*integers);
    } else {
      std::vector<std::int64_t> indices(scale.size);
      std::iota(indices.begin(), indices.end(), 0);
      extent.data = bytes_of(indices);
    }
    return add(group, scale.name, H5T_STD_I64LE, shape, std::move(extent));
  }

  Handle add(hid_t group, Variable const& variable, std::vector<hsize_t> const& shape) {
    Extent extent;
    auto const initial_of = [&]<typename T>(std::vector<T> const&) -> std::vector<T> const& {
      auto const* const values = std::get_if<std::vector<T>>(&variable.initial);
      if (values == nullptr) contradiction("the initial values of '" + variable.name + "' are of another type");
      return *values;
    };
    bool const is_given = !std::holds_alternative<std::monostate>(variable.initial);
    switch (variable.type) {
      case Type::real:
        extent.is_real = true;
        extent.element = bytes_of_one(std::numeric_limits<double>::quiet_NaN());
        if (is_given) extent.data = bytes_of(initial_of(std::vector<double>()));
        return add(group, variable.name, H5T_IEEE_F64LE, shape, std::move(extent));
      case Type::integer:
        if (variable.fill) extent.element = bytes_of_one(*variable.fill);
        if (is_given) extent.data = bytes_of(initial_of(std::vector<std::int64_t>()));
        return add(group, variable.name, H5T_STD_I64LE, shape, std::move(extent));
      case Type::byte:
        if (variable.fill) extent.element = bytes_of_one(static_cast<std::uint8_t>(*variable.fill));
        if (is_given) extent.data = bytes_of(initial_of(std::vector<std::uint8_t>()));
        return add(group, variable.name, H5T_STD_U8LE, shape, std::move(extent));
      case Type::text:
        if (variable.text_length < 2) contradiction("texts of '" + variable.name + "' are shorter than 2 bytes");
        if (is_given) extent.data = bytes_of(initial_of(std::vector<std::string>()), variable.text_length);
        return add(group, variable.name, text_type(variable.text_length), shape, std::move(extent));
    }
    contradiction("'" + variable.name + "' has no type");
  }

  void compose(hid_t group, Group const& description, Group const* root) {
    attach(group, description.attributes);
    Scales scales;
    for (auto const& scale : description.scales) {
      auto dataset = add(group, scale);
      call(H5DSset_scale(dataset, scale.name.c_str()));
      attach(dataset, scale.attributes);
      scales.emplace(scale.name, std::pair(std::move(dataset), scale.length()));
    }
    for (auto const& variable : description.variables) {
      std::vector<hid_t> along;
      std::vector<hsize_t> shape;
      for (auto const& dimension : variable.dimensions) {
        auto found = scales.find(dimension);
        if (found == scales.end() && root != nullptr) found = root_scales_.find(dimension);
        if (found == scales.end() || found == root_scales_.end())
          contradiction("'" + variable.name + "' has an unknown dimension '" + dimension + "'");
        along.push_back(found->second.first);
        shape.push_back(found->second.second);
      }
      auto const dataset = add(group, variable, shape);
      for (unsigned i = 0; i < along.size(); ++i) call(H5DSattach_scale(dataset, along[i], i));
      std::string coordinates;
      for (auto const& name : variable.coordinates) coordinates += (coordinates.empty() ? "" : " ") + name;
      if (!coordinates.empty()) attach(dataset, "coordinates", coordinates);
      attach(dataset, variable.attributes);
    }
    if (root == nullptr) root_scales_ = std::move(scales);
  }

  Path path_;
  Image image_;
  std::vector<Extent> extents_;
  Scales root_scales_;
};

/// Repeats `element` over `n_bytes` from `offset` on.
void fill(NewFile& file, std::span<std::byte const> element, std::uint64_t offset, std::uint64_t n_bytes) {
  constexpr std::uint64_t buffer_bytes = std::uint64_t{1} << 22;
  std::vector<std::byte> buffer(std::min(n_bytes, buffer_bytes));  // a multiple of the element's 1 or 8 bytes
  for (std::size_t i = 0; i < buffer.size(); ++i) buffer[i] = element[i % element.size()];
  for (std::uint64_t done = 0; done < n_bytes; done += buffer.size())
    file.write(std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), n_bytes - done)), offset + done);
}

}  // namespace

void create(Path const& path, Schema const& schema, std::uint64_t fill_limit_bytes) {
  Composer const composed(path, schema);
  auto const& image = composed.image();
  std::uint64_t n_data_bytes = 0;
  for (auto const& extent : composed.extents()) n_data_bytes += extent.n_bytes;

  NewFile file(path);
  file.reserve(image.size);
  for (auto const& [page, bytes] : image.pages) {
    auto const offset = page * Image::page_bytes;
    if (offset < image.size)
      file.write(std::span(bytes).first(std::min<std::uint64_t>(bytes.size(), image.size - offset)), offset);
  }
  for (auto const& extent : composed.extents()) {
    if (!extent.data.empty()) {
      file.write(extent.data, extent.offset);
    } else if (!extent.element.empty() && !(extent.is_real && n_data_bytes > fill_limit_bytes)) {
      fill(file, extent.element, extent.offset, extent.n_bytes);
    }
  }
  file.commit();
}

}  // namespace fermiac::io
