#include "fermiac/study/stop.hpp"

#include <csignal>
#include <initializer_list>

namespace fermiac::study {

namespace {

std::sig_atomic_t volatile signalled = 0;

extern "C" void note_signal(int) { signalled = 1; }

}  // namespace

void catch_stop_signals() {
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  for (int const signal : {SIGTERM, SIGUSR1, SIGUSR2, SIGINT}) sigaction(signal, &action, nullptr);
}

bool stop_signalled() noexcept { return signalled != 0; }

}  // namespace fermiac::study
