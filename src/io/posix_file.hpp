/// Files as the operating system sees them: every refusal becomes a SystemError with one line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace fermiac::io {

/// Throws SystemError "cannot <action> <path>: <reason>".
[[noreturn]] void refuse(std::string_view action, std::filesystem::path const& path, int error_number);
[[noreturn]] void refuse(std::string_view action, std::filesystem::path const& path, std::string_view reason);

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { reset(); }

  int number() const noexcept { return number_; }
  bool is_open() const noexcept { return number_ >= 0; }
  int release() noexcept;
  /// Returns what close(2) returns.
  int reset() noexcept;

 private:
  int number_ = -1;
};

/// Returns 0, or the error number.
int write_fully(int descriptor, std::span<std::byte const> bytes, std::uint64_t offset);
/// Returns 0, or the error number; a file that ends too soon is EIO.
int read_fully(int descriptor, std::span<std::byte> bytes, std::uint64_t offset);

/// A file that is written under a temporary name and takes its own name when it is whole and on the disk.
class NewFile {
 public:
  explicit NewFile(std::filesystem::path path);
  NewFile(NewFile const&) = delete;
  NewFile& operator=(NewFile const&) = delete;
  /// Removes the temporary file where there was no `commit`.
  ~NewFile();

  /// Makes the file `size` bytes of zeros that are really there.
  void reserve(std::uint64_t size);
  void write(std::span<std::byte const> bytes, std::uint64_t offset);
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  Descriptor descriptor_;
  bool committed_ = false;
};

}  // namespace fermiac::io
