#include "fermiac/par/communicator.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <thread>

#include "fermiac/base/error.hpp"

namespace fermiac::par {

void check(int code, char const* what) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw SystemError(std::string(what) + ": " + std::string(text, static_cast<std::size_t>(length)));
}

void abort_run(std::string const& message) {
  std::fprintf(stderr, "fermiac: %s\n", message.c_str());
  std::fflush(stderr);
  int started = 0;
  int ended = 0;
  MPI_Initialized(&started);
  MPI_Finalized(&ended);
  int size = 1;
  if (started && !ended) MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size > 1) MPI_Abort(MPI_COMM_WORLD, 1);
  std::_Exit(1);
}

Environment::Environment() {
  int provided = 0;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS || provided < MPI_THREAD_FUNNELED)
    throw SystemError("MPI cannot start with the threads that fermiac needs");
}

Environment::~Environment() { MPI_Finalize(); }

Communicator::Communicator(MPI_Comm handle) : handle_(handle) {
  check(MPI_Comm_set_errhandler(handle_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check(MPI_Comm_rank(handle_, &rank_), "MPI_Comm_rank");
  check(MPI_Comm_size(handle_, &size_), "MPI_Comm_size");
}

Communicator::Communicator(Communicator&& other) noexcept : handle_(other.handle_), rank_(other.rank_), size_(other.size_) {
  other.handle_ = MPI_COMM_NULL;
}

Communicator::~Communicator() {
  // Freeing is collective: while an exception is on its way up, other ranks may never come.
  if (handle_ != MPI_COMM_NULL && std::uncaught_exceptions() == 0) MPI_Comm_free(&handle_);
}

Communicator Communicator::world() {
  MPI_Comm handle = MPI_COMM_NULL;
  check(MPI_Comm_dup(MPI_COMM_WORLD, &handle), "MPI_Comm_dup");
  return Communicator(handle);
}

Communicator Communicator::split(int colour) const {
  MPI_Comm handle = MPI_COMM_NULL;
  check(MPI_Comm_split(handle_, colour, rank_, &handle), "MPI_Comm_split");
  return Communicator(handle);
}

Communicator Communicator::split_by_node() const {
  MPI_Comm handle = MPI_COMM_NULL;
  check(MPI_Comm_split_type(handle_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &handle), "MPI_Comm_split_type");
  return Communicator(handle);
}

MPI_Request Communicator::begin_barrier() const {
  MPI_Request request = MPI_REQUEST_NULL;
  check(MPI_Ibarrier(handle_, &request), "MPI_Ibarrier");
  return request;
}

bool Communicator::test_and_doze(MPI_Request& request) {
  // Quick returns first: ranks mostly arrive together.
  for (int attempt = 0; attempt < 64; ++attempt) {
    int complete = 0;
    check(MPI_Test(&request, &complete, MPI_STATUS_IGNORE), "MPI_Test");
    if (complete) return true;
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return false;
}

std::uint64_t Communicator::broadcast(std::uint64_t value) const {
  check(MPI_Bcast(&value, 1, MPI_UINT64_T, 0, handle_), "MPI_Bcast");
  return value;
}

std::string Communicator::broadcast(std::string text) const {
  text.resize(broadcast(static_cast<std::uint64_t>(text.size())));
  check(MPI_Bcast(text.data(), static_cast<int>(text.size()), MPI_CHAR, 0, handle_), "MPI_Bcast");
  return text;
}

std::vector<std::uint8_t> Communicator::broadcast(std::vector<std::uint8_t> bytes) const {
  bytes.resize(broadcast(static_cast<std::uint64_t>(bytes.size())));
  constexpr std::size_t piece = 1u << 30;  // MPI counts are ints
  for (std::size_t first = 0; first < bytes.size(); first += piece)
    check(MPI_Bcast(bytes.data() + first, static_cast<int>(std::min(piece, bytes.size() - first)), MPI_BYTE, 0, handle_),
          "MPI_Bcast");
  return bytes;
}

std::int64_t Communicator::largest(std::int64_t value) const {
  check(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_MAX, handle_), "MPI_Allreduce");
  return value;
}

std::int64_t Communicator::sum(std::int64_t value) const {
  check(MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_SUM, handle_), "MPI_Allreduce");
  return value;
}

std::vector<std::string> Communicator::collect(std::string const& text) const {
  std::vector<int> lengths(static_cast<std::size_t>(size_));
  int const length = static_cast<int>(text.size());
  check(MPI_Gather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, 0, handle_), "MPI_Gather");
  std::vector<int> offsets(lengths.size());
  std::exclusive_scan(lengths.begin(), lengths.end(), offsets.begin(), 0);
  std::string all(static_cast<std::size_t>(is_root() ? offsets.back() + lengths.back() : 0), '\0');
  check(MPI_Gatherv(text.data(), length, MPI_CHAR, all.data(), lengths.data(), offsets.data(), MPI_CHAR, 0, handle_),
        "MPI_Gatherv");
  std::vector<std::string> texts;
  if (is_root())
    for (std::size_t i = 0; i < lengths.size(); ++i)
      texts.push_back(all.substr(static_cast<std::size_t>(offsets[i]), static_cast<std::size_t>(lengths[i])));
  return texts;
}

void Communicator::gather_in_place(std::span<double> whole, std::vector<int> const& counts) const {
  std::vector<int> offsets(counts.size());
  std::exclusive_scan(counts.begin(), counts.end(), offsets.begin(), 0);
  FERMIAC_ASSERT(static_cast<std::size_t>(offsets.back() + counts.back()) == whole.size());
  check(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, whole.data(), counts.data(), offsets.data(), MPI_DOUBLE, handle_),
        "MPI_Allgatherv");
}

}  // namespace fermiac::par
