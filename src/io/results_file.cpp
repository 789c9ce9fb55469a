#include "fermiac/io/results_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <hdf5_hl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "fermiac/base/error.hpp"
#include "hdf5_call.hpp"
#include "posix_file.hpp"

namespace fermiac::io {

namespace {

using Path = std::filesystem::path;
using Indices = std::span<std::uint64_t const>;

std::uint64_t product(Indices values) {
  return std::accumulate(values.begin(), values.end(), std::uint64_t{1}, std::multiplies<>());
}

std::string list_of(Indices values) {
  std::string text = "[";
  for (auto const value : values) text += (text.size() > 1 ? ", " : "") + std::to_string(value);
  return text + ']';
}

template <typename T>
constexpr Type type_of = Type::real;
template <>
constexpr Type type_of<std::int64_t> = Type::integer;
template <>
constexpr Type type_of<std::uint8_t> = Type::byte;

std::string_view name_of(Type type) {
  switch (type) {
    case Type::real:
      return "real";
    case Type::integer:
      return "integer";
    case Type::byte:
      return "byte";
    case Type::text:
      return "text";
  }
  return "unknown";
}

struct Dataset {
  Handle handle;
  Type type = Type::real;
  Handle memory_type;
  std::uint64_t element_bytes = 0;
  std::vector<std::uint64_t> shape;
  std::uint64_t size = 0;
  /// Where the elements lie in the file, exactly as in memory; none in files that another program wrote otherwise.
  std::optional<std::uint64_t> offset;
  /// All elements of such a dataset once it was read.
  std::vector<std::byte> converted;
};

std::string message_of_mpi(int code) {
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  return std::string("MPI-IO: ") + text;
}

}  // namespace

struct ResultsFile::Contents {
  Path path;
  Handle access;
  Handle file;
  bool is_writable = false;
  bool is_shared = false;       // by several ranks: closing is collective
  int descriptor = -1;          // of the serial driver
  MPI_File mpi_file = nullptr;  // of MPI-IO
  Descriptor for_sync;
  int n_exceptions = std::uncaught_exceptions();
  mutable std::map<std::string, Dataset, std::less<>> datasets;
  std::map<std::string, std::vector<std::string>, std::less<>> names;

  template <typename Result>
  Result call(Result result, std::string_view action = "read") const {
    return checked(result, action, path);
  }

  [[noreturn]] void misused(std::string_view name, std::string_view reason) const {
    throw SystemError(fmt::format("{}: variable '{}' {}", path.string(), name, reason));
  }

  Dataset& find(std::string_view name) const {
    auto const found = datasets.find(name);
    if (found == datasets.end()) throw SystemError(fmt::format("{}: there is no variable '{}'", path.string(), name));
    return found->second;
  }

  Dataset& find(std::string_view name, Type type) const {
    auto& dataset = find(name);
    if (dataset.type != type) misused(name, fmt::format("is of type {}, not {}", name_of(dataset.type), name_of(type)));
    return dataset;
  }

  // -------------------------------------------------------------------------------------------------- opening

  static herr_t take_name(hid_t, char const* name, H5L_info_t const*, void* names) noexcept {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
  }

  std::vector<std::string> links(hid_t group) const {
    std::vector<std::string> result;
    Handle const creation(call(H5Gget_create_plist(group)), H5Pclose);
    unsigned order = 0;
    H5Pget_link_creation_order(creation, &order);
    auto const index = (order & H5P_CRT_ORDER_INDEXED) != 0 ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
    hsize_t position = 0;
    call(H5Literate(group, index, H5_ITER_INC, &position, take_name, &result));
    return result;
  }

  void open_all() {
    Handle const root(call(H5Gopen2(file, "/", H5P_DEFAULT)), H5Gclose);
    open_all(root, "");
    H5Eclear2(H5E_DEFAULT);
  }

  void open_all(hid_t group, std::string const& group_name) {
    auto& group_names = names[group_name];
    for (auto const& name : links(group)) {
      Handle object(H5Oopen(group, name.c_str(), H5P_DEFAULT), H5Oclose);
      auto const kind = H5Iget_type(object);
      if (kind == H5I_GROUP && group_name.empty()) open_all(object, name);
      if (kind == H5I_DATASET) {
        group_names.push_back(name);
        add(group_name.empty() ? name : group_name + '/' + name, std::move(object));
      }
    }
  }

  void add(std::string const& name, Handle handle) {
    Dataset dataset;
    Handle const space(call(H5Dget_space(handle)), H5Sclose);
    auto const rank = static_cast<std::size_t>(call(H5Sget_simple_extent_ndims(space)));
    std::vector<hsize_t> shape(rank);
    call(H5Sget_simple_extent_dims(space, shape.data(), nullptr));
    dataset.shape.assign(shape.begin(), shape.end());
    dataset.size = product(dataset.shape);

    Handle const type(call(H5Dget_type(handle)), H5Tclose);
    auto const kind = H5Tget_class(type);
    auto const bytes = H5Tget_size(type);
    hid_t memory_type = H5I_INVALID_HID;
    if (kind == H5T_FLOAT) {
      memory_type = H5T_IEEE_F64LE;
    } else if (kind == H5T_INTEGER && bytes == 1 && H5Tget_sign(type) == H5T_SGN_NONE) {
      dataset.type = Type::byte;
      memory_type = H5T_STD_U8LE;
    } else if (kind == H5T_INTEGER) {
      dataset.type = Type::integer;
      memory_type = H5T_STD_I64LE;
    } else if (kind == H5T_STRING && H5Tis_variable_str(type) == 0) {
      dataset.type = Type::text;
      memory_type = type;
    } else {
      return;  // not ours, and nothing we could hand out
    }
    dataset.memory_type = Handle(call(H5Tcopy(memory_type)), H5Tclose);
    dataset.element_bytes = H5Tget_size(dataset.memory_type);

    Handle const creation(call(H5Dget_create_plist(handle)), H5Pclose);
    if (H5Pget_layout(creation) == H5D_CONTIGUOUS && H5Pget_external_count(creation) == 0 &&
        H5Tequal(type, dataset.memory_type) > 0) {
      if (auto const offset = H5Dget_offset(handle); offset != HADDR_UNDEF) dataset.offset = offset;
    }
    dataset.handle = std::move(handle);
    datasets.emplace(name, std::move(dataset));
  }

  // -------------------------------------------------------------------------------------------------- bytes

  void write_bytes(std::string_view name, std::span<std::byte const> bytes, std::uint64_t offset) {
    if (mpi_file == nullptr) {
      if (auto const error_number = write_fully(descriptor, bytes, offset); error_number != 0)
        refuse(fmt::format("write '{}' to", name), path, error_number);
      return;
    }
    in_pieces(bytes.size(), [&](std::size_t begin, int n) {
      MPI_Status status;
      auto const code =
          MPI_File_write_at(mpi_file, static_cast<MPI_Offset>(offset + begin), bytes.data() + begin, n, MPI_BYTE, &status);
      if (code != MPI_SUCCESS) refuse(fmt::format("write '{}' to", name), path, message_of_mpi(code));
      check_count(status, n, fmt::format("write '{}' to", name));
    });
  }

  void read_bytes(std::string_view name, std::span<std::byte> bytes, std::uint64_t offset) const {
    if (mpi_file == nullptr) {
      if (auto const error_number = read_fully(descriptor, bytes, offset); error_number != 0)
        refuse(fmt::format("read '{}' from", name), path, error_number);
      return;
    }
    in_pieces(bytes.size(), [&](std::size_t begin, int n) {
      MPI_Status status;
      auto const code =
          MPI_File_read_at(mpi_file, static_cast<MPI_Offset>(offset + begin), bytes.data() + begin, n, MPI_BYTE, &status);
      if (code != MPI_SUCCESS) refuse(fmt::format("read '{}' from", name), path, message_of_mpi(code));
      check_count(status, n, fmt::format("read '{}' from", name));
    });
  }

  /// MPI counts in int.
  template <typename Piece>
  static void in_pieces(std::size_t size, Piece piece) {
    constexpr std::size_t most = std::size_t{1} << 30;
    for (std::size_t begin = 0; begin < size; begin += most) piece(begin, static_cast<int>(std::min(most, size - begin)));
  }

  void check_count(MPI_Status const& status, int expected, std::string const& action) const {
    int n = 0;
    MPI_Get_count(&status, MPI_BYTE, &n);
    if (n != expected) refuse(action, path, fmt::format("{} of {} bytes were transferred", n, expected));
  }

  // -------------------------------------------------------------------------------------------------- elements

  void check_range(std::string_view name, Dataset const& dataset, std::uint64_t first, std::uint64_t n) const {
    if (first > dataset.size || n > dataset.size - first)
      misused(name, fmt::format("holds {} elements, not {} from {} on", dataset.size, n, first));
  }

  void write_elements(std::string_view name, Dataset const& dataset, std::uint64_t first, std::span<std::byte const> bytes) {
    auto const n = bytes.size() / dataset.element_bytes;
    check_range(name, dataset, first, n);
    if (n == 0) return;
    if (!is_writable) misused(name, "cannot be written: the file is open for reading");
    if (!dataset.offset) misused(name, "cannot be written: it was laid out by another program");
    write_bytes(name, bytes, *dataset.offset + first * dataset.element_bytes);
  }

  void read_elements(std::string_view name, Dataset& dataset, std::uint64_t first, std::span<std::byte> bytes) const {
    auto const n = bytes.size() / dataset.element_bytes;
    check_range(name, dataset, first, n);
    if (n == 0) return;
    if (dataset.offset) {
      read_bytes(name, bytes, *dataset.offset + first * dataset.element_bytes);
      return;
    }
    if (dataset.converted.empty()) {
      std::vector<std::byte> whole(dataset.size * dataset.element_bytes);
      call(H5Dread(dataset.handle, dataset.memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, whole.data()));
      dataset.converted = std::move(whole);
    }
    std::memcpy(bytes.data(), dataset.converted.data() + first * dataset.element_bytes, bytes.size());
  }

  /// Calls `visit(flat position, first element in the buffer, number of elements)` for each contiguous run of a box.
  template <typename Visit>
  void by_run(std::string_view name, Dataset const& dataset, Indices first, Indices count, std::size_t n_elements,
              Visit visit) const {
    auto const& shape = dataset.shape;
    auto const rank = shape.size();
    bool fits = first.size() == rank && count.size() == rank;
    for (std::size_t i = 0; fits && i < rank; ++i) fits = first[i] <= shape[i] && count[i] <= shape[i] - first[i];
    if (!fits)
      misused(name,
              fmt::format("of shape {} has no box of {} elements from {} on", list_of(shape), list_of(count), list_of(first)));
    auto const n = product(count);
    if (n != n_elements) misused(name, fmt::format("was given {} elements for {}", n_elements, n));
    if (n == 0) return;
    // Trailing axes that are taken whole, and one more, form a run.
    auto split = rank;
    while (split > 0 && count[split - 1] == shape[split - 1]) --split;
    if (split > 0) --split;
    auto const run = product(count.subspan(split));
    std::vector<std::uint64_t> index(first.begin(), first.end());
    for (std::uint64_t done = 0; done < n; done += run) {
      std::uint64_t position = 0;
      for (std::size_t i = 0; i < rank; ++i) position = position * shape[i] + index[i];
      visit(position, done, run);
      for (auto i = split; i-- > 0;) {
        if (++index[i] < first[i] + count[i]) break;
        index[i] = first[i];
      }
    }
  }

  template <typename T>
  void write(std::string_view name, Indices first, Indices count, std::span<T const> data) {
    auto const& dataset = find(name, type_of<T>);
    by_run(name, dataset, first, count, data.size(), [&](std::uint64_t position, std::uint64_t begin, std::uint64_t n) {
      write_elements(name, dataset, position, std::as_bytes(data.subspan(begin, n)));
    });
  }

  template <typename T>
  void read(std::string_view name, Indices first, Indices count, std::span<T> out) const {
    auto& dataset = find(name, type_of<T>);
    by_run(name, dataset, first, count, out.size(), [&](std::uint64_t position, std::uint64_t begin, std::uint64_t n) {
      read_elements(name, dataset, position, std::as_writable_bytes(out.subspan(begin, n)));
    });
  }

  template <typename T>
  void write_flat(std::string_view name, std::uint64_t first, std::span<T const> data) {
    write_elements(name, find(name, type_of<T>), first, std::as_bytes(data));
  }

  template <typename T>
  void read_flat(std::string_view name, std::uint64_t first, std::span<T> out) const {
    read_elements(name, find(name, type_of<T>), first, std::as_writable_bytes(out));
  }

  // -------------------------------------------------------------------------------------------------- closing

  void close() {
    datasets.clear();
    names.clear();
    for_sync.reset();
    is_writable = false;
    mpi_file = nullptr;
    descriptor = -1;
    access.close();
    call(file.close(), "close");
  }

  void abandon() noexcept {
    for (auto& [name, dataset] : datasets) {
      dataset.handle.abandon();
      dataset.memory_type.abandon();
    }
    file.abandon();
    access.abandon();
  }
};

namespace {

void take_descriptor(hid_t file, int& descriptor, Path const& path) {
  void* handle = nullptr;
  checked(H5Fget_vfd_handle(file, H5P_DEFAULT, &handle), "open", path);
  descriptor = *static_cast<int*>(handle);
}

}  // namespace

ResultsFile::ResultsFile(std::unique_ptr<Contents> contents) : contents_(std::move(contents)) {}
ResultsFile::ResultsFile(ResultsFile&&) noexcept = default;

ResultsFile& ResultsFile::operator=(ResultsFile&& other) noexcept {
  std::swap(contents_, other.contents_);
  return *this;
}

ResultsFile::ResultsFile(Path const& path, MPI_Comm communicator) : contents_(std::make_unique<Contents>()) {
  prepare_hdf5();
  auto& file = *contents_;
  file.path = path;
  file.access = Handle(file.call(H5Pcreate(H5P_FILE_ACCESS), "open"), H5Pclose);
  file.call(H5Pset_fapl_mpio(file.access, communicator, MPI_INFO_NULL), "open");
  file.file = Handle(file.call(H5Fopen(path.c_str(), H5F_ACC_RDWR, file.access), "open"), H5Fclose);
  int n_ranks = 1;
  MPI_Comm_size(communicator, &n_ranks);
  file.is_shared = n_ranks > 1;
  file.is_writable = true;
  void* handle = nullptr;
  file.call(H5Fget_vfd_handle(file.file, file.access, &handle), "open");
  file.mpi_file = *static_cast<MPI_File*>(handle);
  file.open_all();
}

ResultsFile ResultsFile::reading(Path const& path) {
  auto contents = std::make_unique<Contents>();
  contents->path = path;
  contents->file = open_for_reading(path);
  take_descriptor(contents->file, contents->descriptor, path);
  contents->open_all();
  return ResultsFile(std::move(contents));
}

ResultsFile ResultsFile::writing(Path const& path) {
  auto contents = std::make_unique<Contents>();
  contents->path = path;
  contents->file = open_for_writing(path);
  take_descriptor(contents->file, contents->descriptor, path);
  contents->is_writable = true;
  contents->open_all();
  return ResultsFile(std::move(contents));
}

ResultsFile::~ResultsFile() {
  if (contents_ && contents_->is_shared && std::uncaught_exceptions() > contents_->n_exceptions) contents_->abandon();
}

void ResultsFile::close() { contents_->close(); }

Path const& ResultsFile::path() const { return contents_->path; }

std::vector<std::string> ResultsFile::names(std::string_view group) const {
  auto const found = contents_->names.find(group);
  return found != contents_->names.end() ? found->second : std::vector<std::string>();
}

bool ResultsFile::holds(std::string_view name) const { return contents_->datasets.contains(name); }

Type ResultsFile::type(std::string_view name) const { return contents_->find(name).type; }
std::uint64_t ResultsFile::element_bytes(std::string_view name) const { return contents_->find(name).element_bytes; }
std::vector<std::uint64_t> ResultsFile::shape(std::string_view name) const { return contents_->find(name).shape; }
std::uint64_t ResultsFile::size(std::string_view name) const { return contents_->find(name).size; }

std::vector<std::string> ResultsFile::dimensions(std::string_view name) const {
  auto const& dataset = contents_->find(name);
  std::vector<std::string> result(dataset.shape.size());
  auto const take = [](hid_t, unsigned, hid_t scale, void* text) -> herr_t {
    char buffer[1024];
    if (H5Iget_name(scale, buffer, sizeof buffer) <= 0) return -1;
    std::string_view const path(buffer);
    *static_cast<std::string*>(text) = path.substr(path.rfind('/') + 1);
    return 1;  // the first will do
  };
  for (unsigned i = 0; i < result.size(); ++i) {
    if (H5DSget_num_scales(dataset.handle, i) > 0)
      contents_->call(H5DSiterate_scales(dataset.handle, i, nullptr, take, &result[i]));
  }
  return result;
}

bool ResultsFile::has_attribute(std::string_view object, std::string const& key) const {
  return H5Aexists_by_name(contents_->file, ("/" + std::string(object)).c_str(), key.c_str(), H5P_DEFAULT) > 0;
}

Attribute ResultsFile::attribute(std::string_view object, std::string const& key) const {
  auto const& path = contents_->path;
  if (!has_attribute(object, key)) {
    H5Eclear2(H5E_DEFAULT);
    throw SystemError(fmt::format("{}: '/{}' has no attribute '{}'", path.string(), object, key));
  }
  auto const call = [&](auto result) { return contents_->call(result); };
  Handle const attribute(
      call(H5Aopen_by_name(contents_->file, ("/" + std::string(object)).c_str(), key.c_str(), H5P_DEFAULT, H5P_DEFAULT)),
      H5Aclose);
  Handle const type(call(H5Aget_type(attribute)), H5Tclose);
  Handle const space(call(H5Aget_space(attribute)), H5Sclose);
  auto const n = static_cast<std::size_t>(call(H5Sget_simple_extent_npoints(space)));
  bool const is_scalar = H5Sget_simple_extent_type(space) == H5S_SCALAR;
  auto const kind = H5Tget_class(type);
  if (kind == H5T_STRING && n == 1) return text_of_attribute(attribute, path);
  if (kind == H5T_INTEGER && is_scalar) {
    std::int64_t value = 0;
    call(H5Aread(attribute, H5T_STD_I64LE, &value));
    return value;
  }
  if (kind == H5T_FLOAT || kind == H5T_INTEGER) {
    std::vector<double> values(n);
    call(H5Aread(attribute, H5T_IEEE_F64LE, values.data()));
    if (is_scalar) return values[0];
    return values;
  }
  throw SystemError(fmt::format("{}: attribute '{}' of '/{}' is of an unknown type", path.string(), key, object));
}

void ResultsFile::write(std::string_view name, Indices first, Indices count, std::span<double const> data) {
  contents_->write(name, first, count, data);
}
void ResultsFile::write(std::string_view name, Indices first, Indices count, std::span<std::int64_t const> data) {
  contents_->write(name, first, count, data);
}
void ResultsFile::write(std::string_view name, Indices first, Indices count, std::span<std::uint8_t const> data) {
  contents_->write(name, first, count, data);
}

void ResultsFile::write_flat(std::string_view name, std::uint64_t first, std::span<double const> data) {
  contents_->write_flat(name, first, data);
}
void ResultsFile::write_flat(std::string_view name, std::uint64_t first, std::span<std::int64_t const> data) {
  contents_->write_flat(name, first, data);
}
void ResultsFile::write_flat(std::string_view name, std::uint64_t first, std::span<std::uint8_t const> data) {
  contents_->write_flat(name, first, data);
}

void ResultsFile::write_text(std::string_view name, std::uint64_t position, std::string_view text) {
  auto const& dataset = contents_->find(name, Type::text);
  if (text.size() > dataset.element_bytes) {
    auto n = dataset.element_bytes;
    while (n > 0 && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) --n;  // inside a character
    text = text.substr(0, n);
  }
  std::vector<std::byte> bytes(dataset.element_bytes);
  std::copy_n(reinterpret_cast<std::byte const*>(text.data()), text.size(), bytes.begin());
  contents_->write_elements(name, dataset, position, bytes);
}

void ResultsFile::sync() {
  auto& file = *contents_;
  // Data written through another descriptor of the same file are flushed too.
  if (!file.for_sync.is_open()) file.for_sync = Descriptor(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.for_sync.is_open() || ::fsync(file.for_sync.number()) != 0) refuse("flush", file.path, errno);
}

void ResultsFile::read(std::string_view name, Indices first, Indices count, std::span<double> out) const {
  contents_->read(name, first, count, out);
}
void ResultsFile::read(std::string_view name, Indices first, Indices count, std::span<std::int64_t> out) const {
  contents_->read(name, first, count, out);
}
void ResultsFile::read(std::string_view name, Indices first, Indices count, std::span<std::uint8_t> out) const {
  contents_->read(name, first, count, out);
}

void ResultsFile::read_flat(std::string_view name, std::uint64_t first, std::span<double> out) const {
  contents_->read_flat(name, first, out);
}
void ResultsFile::read_flat(std::string_view name, std::uint64_t first, std::span<std::int64_t> out) const {
  contents_->read_flat(name, first, out);
}
void ResultsFile::read_flat(std::string_view name, std::uint64_t first, std::span<std::uint8_t> out) const {
  contents_->read_flat(name, first, out);
}

std::string ResultsFile::read_text(std::string_view name, std::uint64_t position) const {
  return read_texts(name, position, 1).front();
}

std::vector<std::string> ResultsFile::read_texts(std::string_view name, std::uint64_t first, std::uint64_t n) const {
  auto& dataset = contents_->find(name, Type::text);
  contents_->check_range(name, dataset, first, n);
  std::vector<char> characters(n * dataset.element_bytes);
  contents_->read_elements(name, dataset, first, std::as_writable_bytes(std::span(characters)));
  std::vector<std::string> result;
  for (std::size_t i = 0; i < n; ++i) {
    auto const begin = characters.begin() + static_cast<std::ptrdiff_t>(i * dataset.element_bytes);
    auto const end = begin + static_cast<std::ptrdiff_t>(dataset.element_bytes);
    result.emplace_back(begin, std::find(begin, end, '\0'));
  }
  return result;
}

template <typename T>
std::vector<T> ResultsFile::read_all(std::string_view name) const {
  std::vector<T> result(size(name));
  read_flat(name, 0, std::span(result));
  return result;
}

template std::vector<double> ResultsFile::read_all(std::string_view) const;
template std::vector<std::int64_t> ResultsFile::read_all(std::string_view) const;
template std::vector<std::uint8_t> ResultsFile::read_all(std::string_view) const;

template <>
std::vector<std::string> ResultsFile::read_all(std::string_view name) const {
  return read_texts(name, 0, size(name));
}

}  // namespace fermiac::io
