/// The one counter from which all ranks claim work, and the words beside it.
#pragma once

#include <mpi.h>

#include <array>
#include <cstdint>

#include "fermiac/par/communicator.hpp"

namespace fermiac::par {

/// Words in the memory of rank 0 that every rank reaches by one-sided operations: no rank is a controller.
///
/// Between nodes an operation completes only when rank 0 enters MPI, so kernels call `progress()` (through
/// `Context::tick`) at least every millisecond.
class SharedCounter {
 public:
  /// Collective over `communicator`, which must outlive the counter.
  explicit SharedCounter(Communicator const& communicator);
  ~SharedCounter();
  SharedCounter(SharedCounter const&) = delete;
  SharedCounter& operator=(SharedCounter const&) = delete;

  /// The next number: 0, 1, 2, ... each given once among all ranks. Blocks until rank 0 enters MPI.
  std::uint64_t claim();

  /// Begins again at 0. Collective; nobody claims meanwhile.
  void restart();

  /// Asks all ranks to stop. May be called by any rank, any number of times.
  void ask_stop();

  /// Whether a stop is known here to have been asked for. Never blocks: the stop word is fetched in the background by
  /// `progress`, at most every 50 ms, above 250 ranks every 0.2 ms a rank, so that rank 0 bears the polls of any number.
  bool stop_asked() const noexcept { return stop_asked_; }

  /// Adds to the number of finished items, for the progress line: at once, above 250 ranks as seldom as polls.
  void add_finished(std::uint64_t n);

  /// Items finished on all ranks so far. Blocks until rank 0 enters MPI; at once on rank 0.
  std::uint64_t finished();

  /// Lets MPI move messages and refreshes `stop_asked`. Cheap; main thread only.
  void progress();

 private:
  enum Word : MPI_Aint { next, stop, n_finished, n_words };

  std::int64_t fetch_and_add(Word word, std::int64_t amount);

  MPI_Win window_ = MPI_WIN_NULL;
  std::int64_t* words_ = nullptr;
  MPI_Comm handle_;
  double poll_interval_s_;
  MPI_Request poll_ = MPI_REQUEST_NULL;
  std::int64_t stop_seen_ = 0;
  std::int64_t unreported_ = 0;
  double last_poll_s_ = 0;
  double last_report_s_ = 0;
  bool stop_asked_ = false;
};

}  // namespace fermiac::par
