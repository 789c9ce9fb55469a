/// MPI, wrapped once: start and end, a communicator of our own, the few collectives the engine needs.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fermiac::par {

/// Starts MPI (funneled: only the main thread calls it) and ends it when destroyed. One per process.
/// @throws SystemError  where MPI cannot start
class Environment {
 public:
  Environment();
  ~Environment();
  Environment(Environment const&) = delete;
  Environment& operator=(Environment const&) = delete;
};

/// A duplicate of the world or a part of it, owned. Every failing call throws SystemError with MPI's own text.
class Communicator {
 public:
  /// All ranks.
  static Communicator world();
  /// The ranks that pass the same `colour`, in order of their rank here. Collective.
  Communicator split(int colour) const;
  /// The ranks that share memory with this one (those of its node). Collective.
  Communicator split_by_node() const;

  Communicator(Communicator&& other) noexcept;
  Communicator& operator=(Communicator&&) = delete;
  ~Communicator();

  int rank() const noexcept { return rank_; }
  int size() const noexcept { return size_; }
  bool is_root() const noexcept { return rank_ == 0; }
  MPI_Comm handle() const noexcept { return handle_; }

  /// Waits for all ranks without burning the core: polls every millisecond and calls `meanwhile` each time.
  template <typename Function>
  void wait_for_all(Function meanwhile) const {
    MPI_Request request = begin_barrier();
    while (!test_and_doze(request)) meanwhile();
  }
  void barrier() const {
    wait_for_all([] {});
  }

  /// The text of rank 0, on every rank.
  std::string broadcast(std::string text) const;
  std::vector<std::uint8_t> broadcast(std::vector<std::uint8_t> bytes) const;
  std::uint64_t broadcast(std::uint64_t value) const;

  /// Largest and sum over the ranks, on every rank.
  std::int64_t largest(std::int64_t value) const;
  std::int64_t sum(std::int64_t value) const;

  /// The texts of all ranks, in order of rank, on rank 0; empty elsewhere.
  std::vector<std::string> collect(std::string const& text) const;

  /// Completes `whole` from contiguous parts of the ranks (sizes in `counts`, in order of rank), on every rank.
  void gather_in_place(std::span<double> whole, std::vector<int> const& counts) const;

 private:
  explicit Communicator(MPI_Comm handle);
  MPI_Request begin_barrier() const;
  static bool test_and_doze(MPI_Request& request);

  MPI_Comm handle_;
  int rank_ = 0;
  int size_ = 1;
};

/// Throws SystemError "`what`: text of MPI" where `code` is not MPI_SUCCESS.
void check(int code, char const* what);

/// Takes the whole run down with one message on standard error. Does not return.
[[noreturn]] void abort_run(std::string const& message);

}  // namespace fermiac::par
