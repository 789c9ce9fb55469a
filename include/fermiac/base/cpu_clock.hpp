/// Processor time of the calling thread: what a computation costs, however busy the machine is.
#pragma once

#include <ctime>

namespace fermiac {

/// Seconds of processor time that the calling thread has used so far.
inline double thread_cpu_s() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace fermiac
