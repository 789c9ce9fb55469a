/// Timing of small loops.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace fermiac::bench {

/// Makes the compiler believe that memory was read and written.
inline void use_memory() { asm volatile("" ::: "memory"); }

/// Nanoseconds a value of `work`, which handles n_values at a call: the best of n_rounds, each about 20 microseconds long, for
/// everything that disturbs a loop makes it longer.
template <typename Work>
double ns_per_value(std::size_t n_values, Work work, int n_rounds = 400) {
  using Clock = std::chrono::steady_clock;
  auto const seconds_of = [&](int n_calls) {
    auto const start = Clock::now();
    for (int call = 0; call < n_calls; ++call) {
      work();
      use_memory();
    }
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  int n_calls = 1;
  while (seconds_of(n_calls) < 20e-6) n_calls *= 2;
  double best = seconds_of(n_calls);
  for (int round = 0; round < n_rounds; ++round) best = std::min(best, seconds_of(n_calls));
  return best / n_calls / static_cast<double>(n_values) * 1e9;
}

}  // namespace fermiac::bench
