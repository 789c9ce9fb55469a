#include "fermiac/io/checkpoint.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "fermiac/base/sha256.hpp"
#include "posix_file.hpp"

namespace fermiac::io {

static_assert(std::endian::native == std::endian::little, "numbers are written as they are in memory");

namespace {

constexpr std::string_view magic = "fermiac-checkpoint/1\n";
enum class Kind : std::uint8_t { real, integer };

class Writer {
 public:
  template <typename T>
  void append(std::span<T const> values) {
    auto const bytes = std::as_bytes(values);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void append(std::string_view text) { append(std::span(text)); }
  void append_number(std::uint64_t number) { append(std::span<std::uint64_t const>(&number, 1)); }
  void append_text(std::string_view text) {
    append_number(text.size());
    append(text);
  }
  template <typename Arrays>
  void append_arrays(Arrays const& arrays, Kind kind) {
    for (auto const& [name, values] : arrays) {
      append(std::span<Kind const>(&kind, 1));
      append_text(name);
      append_number(values.size());
      append(std::span(values));
    }
  }
  std::vector<std::byte> const& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// Takes values off the front of the bytes; each function returns false where too few are left.
class Reader {
 public:
  explicit Reader(std::span<std::byte const> bytes) : left_(bytes) {}

  bool take(void* out, std::uint64_t n) {
    if (n > left_.size()) return false;
    if (n > 0) std::memcpy(out, left_.data(), n);
    left_ = left_.subspan(n);
    return true;
  }
  bool take_number(std::uint64_t& number) { return take(&number, sizeof number); }
  bool take_text(std::string& text) {
    std::uint64_t n = 0;
    if (!take_number(n) || n > left_.size()) return false;
    text.resize(n);
    return take(text.data(), n);
  }
  template <typename T>
  bool take_values(std::vector<T>& values) {
    std::uint64_t n = 0;
    if (!take_number(n) || n > left_.size() / sizeof(T)) return false;
    values.resize(n);
    return take(values.data(), n * sizeof(T));
  }
  bool is_empty() const { return left_.empty(); }

 private:
  std::span<std::byte const> left_;
};

bool take_arrays(Reader& reader, Archive& state) {
  std::uint64_t n_arrays = 0;
  if (!reader.take_number(n_arrays)) return false;
  std::string name;
  std::vector<double> reals;
  std::vector<std::uint64_t> integers;
  for (std::uint64_t i = 0; i < n_arrays; ++i) {
    std::uint8_t kind = 0;
    if (!reader.take(&kind, 1) || !reader.take_text(name)) return false;
    if (kind == static_cast<std::uint8_t>(Kind::real)) {
      if (!reader.take_values(reals)) return false;
      state.put(name, reals);
    } else if (kind == static_cast<std::uint8_t>(Kind::integer)) {
      if (!reader.take_values(integers)) return false;
      state.put_integers(name, integers);
    } else {
      return false;
    }
  }
  return reader.is_empty();
}

}  // namespace

void write_checkpoint(std::filesystem::path const& path, std::string_view fingerprint, Archive const& state) {
  Writer writer;
  writer.append(magic);
  writer.append_text(fingerprint);
  writer.append_number(state.reals().size() + state.integers().size());
  writer.append_arrays(state.reals(), Kind::real);
  writer.append_arrays(state.integers(), Kind::integer);
  auto const digest = sha256(std::span(writer.bytes()));
  writer.append(std::span<std::uint8_t const>(digest));
  NewFile file(path);
  file.write(writer.bytes(), 0);
  file.commit();
}

Checkpoint read_checkpoint(std::filesystem::path const& path, std::string_view fingerprint) {
  Descriptor const descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!descriptor.is_open()) {
    if (errno == ENOENT) return {};
    refuse("read", path, errno);
  }
  auto const ignored = [&](std::string const& reason) {
    return Checkpoint{{}, "the checkpoint " + path.string() + " is ignored: " + reason};
  };
  struct stat status {};
  if (::fstat(descriptor.number(), &status) != 0) refuse("read", path, errno);
  if (!S_ISREG(status.st_mode)) return ignored("it is not a file");
  std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
  if (auto const error_number = read_fully(descriptor.number(), bytes, 0); error_number != 0)
    refuse("read", path, error_number);

  Digest digest{};
  if (bytes.size() < magic.size() || std::memcmp(bytes.data(), magic.data(), magic.size()) != 0)
    return ignored("it is damaged or of another version");
  if (bytes.size() < magic.size() + digest.size()) return ignored("it is damaged");
  auto const contents = std::span<std::byte const>(bytes).first(bytes.size() - digest.size());
  std::memcpy(digest.data(), bytes.data() + contents.size(), digest.size());
  if (sha256(contents) != digest) return ignored("it is damaged");

  Reader reader(contents.subspan(magic.size()));
  std::string found;
  if (!reader.take_text(found)) return ignored("it is damaged");
  if (found != fingerprint) return ignored("it belongs to another study, build or item");
  Archive state;
  if (!take_arrays(reader, state)) return ignored("it is damaged");
  return {std::move(state), {}};
}

void remove_checkpoint(std::filesystem::path const& path) {
  auto temporary = path;
  temporary += ".tmp";
  for (auto const& file : {temporary, path}) {
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) refuse("remove", file, errno);
  }
}

}  // namespace fermiac::io
