/// A limit on wall time.
#pragma once

#include <chrono>
#include <limits>

namespace fermiac {

/// Seconds from its construction on, against an optional limit.
class Deadline {
 public:
  Deadline() = default;
  /// @param time_limit_s  seconds from now; infinity for none
  explicit Deadline(double time_limit_s) : time_limit_s_(time_limit_s) {}

  double elapsed_s() const noexcept { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  double remaining_s() const noexcept { return time_limit_s_ - elapsed_s(); }
  bool passed() const noexcept { return remaining_s() <= 0; }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double time_limit_s_ = std::numeric_limits<double>::infinity();
};

}  // namespace fermiac
