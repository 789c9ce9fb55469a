/// Keeps a second writer away from a results file.
#pragma once

#include <filesystem>
#include <memory>

namespace fermiac::io {

/// The right to write one results file, held by one process from construction to destruction or death.
///
/// It is an flock(2) on FILE.lock, which the system releases when the process ends in whatever way, on NFS too (where
/// Linux passes it on to the server). The file names its holder by host and process; it is removed on release, and one left
/// behind by a kill means nothing. Readers take no lock.
class Lock {
 public:
  /// @param results  the results file, which need not exist
  /// @param wait_s   how long to wait for another holder: ranks outlive a killed mpirun by 2 to 3 seconds
  /// @throws SystemError  one line that names the holder, or why FILE.lock cannot be written
  explicit Lock(std::filesystem::path const& results, double wait_s = 0);
  Lock(Lock&&) noexcept;
  Lock& operator=(Lock&&) noexcept;
  ~Lock();

  /// False where the file system knows no locks (Lustre mounted without `flock`): nothing is held then, and the user
  /// should be told.
  bool is_enforced() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Whether somebody holds the right to write `results`. Changes nothing; false where it cannot be told.
bool is_locked(std::filesystem::path const& results);

}  // namespace fermiac::io
