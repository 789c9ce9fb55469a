#include "posix_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "fermiac/base/error.hpp"

namespace fermiac::io {

void refuse(std::string_view action, std::filesystem::path const& path, std::string_view reason) {
  throw SystemError(fmt::format("cannot {} {}: {}", action, path.string(), reason));
}

void refuse(std::string_view action, std::filesystem::path const& path, int error_number) {
  refuse(action, path, std::system_category().message(error_number));
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    number_ = other.release();
  }
  return *this;
}

int Descriptor::release() noexcept { return std::exchange(number_, -1); }

int Descriptor::reset() noexcept {
  auto const number = release();
  return number >= 0 ? ::close(number) : 0;
}

int write_fully(int descriptor, std::span<std::byte const> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    auto const n = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return EIO;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return 0;
}

int read_fully(int descriptor, std::span<std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    auto const n = ::pread(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return EIO;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return 0;
}

namespace {

std::filesystem::path folder_of(std::filesystem::path const& path) {
  auto const folder = path.parent_path();
  return folder.empty() ? std::filesystem::path(".") : folder;
}

}  // namespace

NewFile::NewFile(std::filesystem::path path) : path_(std::move(path)), temporary_(path_) {
  temporary_ += ".tmp";
  std::error_code ignored;
  if (std::filesystem::is_directory(path_, ignored)) refuse("create", path_, EISDIR);
  descriptor_ = Descriptor(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (descriptor_.is_open()) return;
  auto const error_number = errno;
  if (error_number == ENOENT) refuse("create", path_, fmt::format("there is no folder {}", folder_of(path_).string()));
  refuse("create", path_, error_number);
}

NewFile::~NewFile() {
  if (!committed_ && descriptor_.is_open()) ::unlink(temporary_.c_str());
}

void NewFile::reserve(std::uint64_t size) {
  if (size == 0) return;
  int error_number = 0;
  do {
    error_number = ::posix_fallocate(descriptor_.number(), 0, static_cast<off_t>(size));
  } while (error_number == EINTR);
  if (error_number != 0) refuse(fmt::format("reserve {:.3g} MB for", static_cast<double>(size) / 1e6), path_, error_number);
}

void NewFile::write(std::span<std::byte const> bytes, std::uint64_t offset) {
  if (auto const error_number = write_fully(descriptor_.number(), bytes, offset); error_number != 0)
    refuse("write", path_, error_number);
}

void NewFile::commit() {
  if (::fsync(descriptor_.number()) != 0) refuse("write", path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) refuse("create", path_, errno);
  committed_ = true;
  if (descriptor_.reset() != 0) refuse("write", path_, errno);
  Descriptor const folder(::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot flush a folder; the file itself is on the disk.
  if (folder.is_open() && ::fsync(folder.number()) != 0 && errno != EINVAL && errno != ENOTSUP)
    refuse("flush the folder of", path_, errno);
}

}  // namespace fermiac::io
