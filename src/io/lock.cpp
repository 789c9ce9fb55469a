#include "fermiac/io/lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "fermiac/base/deadline.hpp"
#include "fermiac/base/error.hpp"
#include "posix_file.hpp"

namespace fermiac::io {

struct Lock::State {
  std::filesystem::path path;
  Descriptor descriptor;
  bool is_enforced = true;
};

namespace {

std::string this_process() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("process {} on {}", ::getpid(), host.data());
}

/// What the holder wrote; a process that has just taken the lock may not have done so yet.
std::string holder_of(int descriptor) {
  std::array<char, 512> text{};
  auto const n = ::pread(descriptor, text.data(), text.size(), 0);
  std::string holder(text.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  if (auto const end = holder.find('\n'); end != std::string::npos) return holder.substr(0, end);
  return "another process";
}

/// Whether the locked file is still the one of that name: a holder removes it on release.
bool is_current(int descriptor, std::filesystem::path const& path) {
  struct stat open_file {};
  struct stat named_file {};
  return ::fstat(descriptor, &open_file) == 0 && ::stat(path.c_str(), &named_file) == 0 &&
         open_file.st_ino == named_file.st_ino && open_file.st_dev == named_file.st_dev;
}

}  // namespace

Lock::Lock(std::filesystem::path const& results, double wait_s) : state_(std::make_unique<State>()) {
  state_->path = results;
  state_->path += ".lock";
  auto const& path = state_->path;
  Deadline const deadline(wait_s);
  for (;;) {
    Descriptor descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (!descriptor.is_open()) {
      auto const error_number = errno;
      if (error_number == ENOENT)
        refuse("create", results, fmt::format("there is no folder {}", results.parent_path().string()));
      refuse("create", path, error_number);
    }
    if (::flock(descriptor.number(), LOCK_EX | LOCK_NB) == 0) {
      if (!is_current(descriptor.number(), path)) continue;
      auto const text = this_process() + '\n';
      auto error_number = ::ftruncate(descriptor.number(), 0) == 0 ? 0 : errno;
      if (error_number == 0) error_number = write_fully(descriptor.number(), std::as_bytes(std::span(text)), 0);
      if (error_number != 0) {
        ::unlink(path.c_str());
        refuse("write", path, error_number);
      }
      state_->descriptor = std::move(descriptor);
      return;
    }
    auto const error_number = errno;
    if (error_number == EINTR) continue;
    if (error_number == ENOSYS || error_number == ENOLCK || error_number == EOPNOTSUPP) {
      state_->is_enforced = false;
      return;
    }
    if (error_number != EWOULDBLOCK) refuse("lock", path, error_number);
    if (deadline.passed())
      throw SystemError(fmt::format("{} is being written by {} (lock file {})", results.string(),
                                    holder_of(descriptor.number()), path.string()));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Lock::Lock(Lock&&) noexcept = default;

Lock& Lock::operator=(Lock&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

Lock::~Lock() {
  // Removed before it is released: whoever opened it meanwhile sees that it is no longer current.
  if (state_ && state_->descriptor.is_open()) ::unlink(state_->path.c_str());
}

bool Lock::is_enforced() const { return state_->is_enforced; }

bool is_locked(std::filesystem::path const& results) {
  auto path = results;
  path += ".lock";
  Descriptor const descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return descriptor.is_open() && ::flock(descriptor.number(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace fermiac::io
