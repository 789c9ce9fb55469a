/// Signals that ask for a graceful stop.
#pragma once

namespace fermiac::study {

/// From now on SIGTERM, SIGUSR1, SIGUSR2 and SIGINT only set a flag (they come several times and together).
void catch_stop_signals();

/// Whether one of them has come.
bool stop_signalled() noexcept;

}  // namespace fermiac::study
