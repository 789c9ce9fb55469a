/// Errors by who made them, and assertions by what they cost.
#pragma once

#include <stdexcept>
#include <string>

namespace fermiac {

/// Root of every exception that fermiac throws on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The text with control characters replaced by spaces: a message is one line whatever a user put into a name.
std::string one_line(std::string text);

/// The user's input is wrong: a study file, a command line, a table. Exit status 2, nothing written.
///
/// `what()` is one line. `key()` is the parameter at fault ("system.omega"; empty where none is): whoever knows
/// the file adds file and line to it.
class InputError : public Error {
 public:
  explicit InputError(std::string const& message) : Error(one_line(message)) {}
  InputError(std::string key, std::string const& message) : Error(one_line(message)), key_(std::move(key)) {}

  std::string const& key() const noexcept { return key_; }

 private:
  std::string key_;
};

/// The machine refuses: disk, file system, MPI, HDF5. Exit status 1.
class SystemError : public Error {
 public:
  using Error::Error;
};

/// One item cannot be computed (a non-finite energy, a singular matrix). It is recorded, the study goes on, exit status 1.
///
/// The message is stored in the results file, so it must not name host, rank, thread or time.
class ItemFailure : public Error {
 public:
  using Error::Error;
};

/// Thrown by an item that saved its checkpoint because a stop was asked for. Not an error: the item stays pending.
class Stopped : public std::exception {
 public:
  char const* what() const noexcept override { return "stopped on request; the item stays pending"; }
};

[[noreturn]] void assertion_failed(char const* condition, char const* file, int line);

}  // namespace fermiac

/// Our own mistakes, cheap to check: kept in every build. Throws std::logic_error, which takes the run down.
#define FERMIAC_ASSERT(condition) \
  (static_cast<bool>(condition) ? void(0) : ::fermiac::assertion_failed(#condition, __FILE__, __LINE__))

/// Our own mistakes, dear to check (inside kernels): debug and asan builds only.
#ifdef FERMIAC_DEAR_ASSERTIONS
#define FERMIAC_ASSERT_DEAR(condition) FERMIAC_ASSERT(condition)
#else
#define FERMIAC_ASSERT_DEAR(condition) void(0)
#endif
