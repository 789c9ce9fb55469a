#include "fermiac/par/counter.hpp"

#include <algorithm>
#include <exception>

namespace fermiac::par {

namespace {
constexpr double shortest_poll_interval_s = 0.05;
constexpr double rank_poll_interval_s = 2e-4;  // 5,000 polls a second of all ranks are a fifth of what rank 0 can bear over TCP
}  // namespace

SharedCounter::SharedCounter(Communicator const& communicator)
    : handle_(communicator.handle()),
      poll_interval_s_(std::max(shortest_poll_interval_s, rank_poll_interval_s * communicator.size())) {
  MPI_Aint const bytes = communicator.is_root() ? n_words * static_cast<MPI_Aint>(sizeof(std::int64_t)) : 0;
  check(MPI_Win_allocate(bytes, sizeof(std::int64_t), MPI_INFO_NULL, handle_, &words_, &window_),
        "MPI_Win_allocate (where UCX finds no network, the environment variable OMPI_MCA_osc=^ucx helps)");
  check(MPI_Win_set_errhandler(window_, MPI_ERRORS_RETURN), "MPI_Win_set_errhandler");
  if (communicator.is_root())
    for (int i = 0; i < n_words; ++i) words_[i] = 0;
  check(MPI_Barrier(handle_), "MPI_Barrier");
  check(MPI_Win_lock_all(MPI_MODE_NOCHECK, window_), "MPI_Win_lock_all");
  check(MPI_Win_sync(window_), "MPI_Win_sync");
  check(MPI_Barrier(handle_), "MPI_Barrier");
}

SharedCounter::~SharedCounter() {
  if (std::uncaught_exceptions() != 0) return;  // collective: other ranks may never come
  if (poll_ != MPI_REQUEST_NULL) MPI_Wait(&poll_, MPI_STATUS_IGNORE);
  MPI_Win_unlock_all(window_);
  MPI_Win_free(&window_);
}

std::int64_t SharedCounter::fetch_and_add(Word word, std::int64_t amount) {
  std::int64_t before = 0;
  check(MPI_Fetch_and_op(&amount, &before, MPI_INT64_T, 0, word, MPI_SUM, window_), "MPI_Fetch_and_op");
  check(MPI_Win_flush(0, window_), "MPI_Win_flush");
  return before;
}

std::uint64_t SharedCounter::claim() { return static_cast<std::uint64_t>(fetch_and_add(next, 1)); }

void SharedCounter::restart() {
  check(MPI_Barrier(handle_), "MPI_Barrier");
  int rank = 0;
  MPI_Comm_rank(handle_, &rank);
  if (rank == 0) fetch_and_add(next, -fetch_and_add(next, 0));
  check(MPI_Barrier(handle_), "MPI_Barrier");
}

void SharedCounter::ask_stop() {
  if (stop_asked_) return;
  stop_asked_ = true;
  fetch_and_add(stop, 1);
}

void SharedCounter::add_finished(std::uint64_t n) {
  unreported_ += static_cast<std::int64_t>(n);
  double const now_s = MPI_Wtime();
  if (poll_interval_s_ > shortest_poll_interval_s && now_s - last_report_s_ < poll_interval_s_) return;
  last_report_s_ = now_s;
  fetch_and_add(n_finished, unreported_);
  unreported_ = 0;
}

std::uint64_t SharedCounter::finished() { return static_cast<std::uint64_t>(fetch_and_add(n_finished, 0)); }

void SharedCounter::progress() {
  if (poll_ == MPI_REQUEST_NULL) {
    double const now_s = MPI_Wtime();
    if (!stop_asked_ && now_s - last_poll_s_ > poll_interval_s_) {
      last_poll_s_ = now_s;
      // An atomic read: a plain get could see half of an update.
      check(MPI_Rget_accumulate(nullptr, 0, MPI_INT64_T, &stop_seen_, 1, MPI_INT64_T, 0, stop, 1, MPI_INT64_T, MPI_NO_OP,
                                window_, &poll_),
            "MPI_Rget_accumulate");
    }
  }
  int complete = 0;
  if (poll_ != MPI_REQUEST_NULL) {
    check(MPI_Test(&poll_, &complete, MPI_STATUS_IGNORE), "MPI_Test");
    if (complete && stop_seen_ > 0) stop_asked_ = true;
  } else {
    check(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, handle_, &complete, MPI_STATUS_IGNORE), "MPI_Iprobe");
  }
}

}  // namespace fermiac::par
