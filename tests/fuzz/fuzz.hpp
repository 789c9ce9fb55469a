/// What the targets of the fuzzer share.
///
/// Each target is a function of bytes that must return, whatever they are. The first byte says which reader they are for. On
/// purpose our readers throw `Error` alone, in one line; anything else that comes out of one is a finding.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>

#include "fermiac/base/error.hpp"

namespace fermiac::fuzz {

/// What the fuzzer sees as a crash.
inline void require(bool condition) {
  if (!condition) std::abort();
}

/// Calls a reader, which may refuse in one line.
template <typename Reader>
void read(Reader reader) {
  try {
    reader();
  } catch (Error const& error) {
    std::string const what = error.what();
    require(!what.empty() && what == one_line(what));
  }
}

/// A file in memory with a path, for readers of files.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("fuzz", 0)) { require(descriptor_ >= 0); }
  MemoryFile(MemoryFile const&) = delete;
  MemoryFile& operator=(MemoryFile const&) = delete;
  ~MemoryFile() { ::close(descriptor_); }

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

  void hold(std::span<std::uint8_t const> bytes) {
    require(::ftruncate(descriptor_, 0) == 0);
    require(::pwrite(descriptor_, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  }

 private:
  int descriptor_;
};

}  // namespace fermiac::fuzz
