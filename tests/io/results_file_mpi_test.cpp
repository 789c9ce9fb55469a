#include <fstream>
#include <iterator>
#include <numeric>
#include <optional>
#include <stdexcept>

#include "fermiac/base/deadline.hpp"
#include "fermiac/io/results_file.hpp"
#include "io/refusal.hpp"
#include "io/sample.hpp"
#include "support/mpi_fixture.hpp"
#include "support/scratch_folder.hpp"

namespace {

using namespace fermiac;
using namespace fermiac::io;
using fermiac::io::test::is_one_line_with;
using fermiac::io::test::refusal;
using fermiac::support::mpi_rank;
using fermiac::support::mpi_size;
using fermiac::support::ScratchFolder;
namespace fs = std::filesystem;

/// One scratch folder for all ranks.
class SharedFolder {
 public:
  SharedFolder() {
    char name[4096] = "";
    if (mpi_rank() == 0) {
      own_.emplace();
      own_->path().string().copy(name, sizeof name - 1);
    }
    MPI_Bcast(name, sizeof name, MPI_CHAR, 0, MPI_COMM_WORLD);
    path_ = name;
  }
  ~SharedFolder() { MPI_Barrier(MPI_COMM_WORLD); }
  fs::path operator/(std::string const& name) const { return path_ / name; }

 private:
  std::optional<ScratchFolder> own_;
  fs::path path_;
};

/// A new sample file that all ranks see.
fs::path sample_in(SharedFolder const& folder) {
  auto const path = folder / "sample.h5";
  if (mpi_rank() == 0) create(path, io::test::sample_schema());
  MPI_Barrier(MPI_COMM_WORLD);
  return path;
}

std::string bytes_of(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What item `i` of 24 writes.
void write_item(ResultsFile& file, std::uint64_t i) {
  std::vector<double> walkers(5);
  std::iota(walkers.begin(), walkers.end(), static_cast<double>(5 * i));
  file.write_flat("positions", 5 * i, walkers);
  file.write_flat("counts", i, std::vector<std::int64_t>{static_cast<std::int64_t>(i)});
  file.write_text("error", i, "item " + std::to_string(i));
  file.write_flat("done", i, std::vector<std::uint8_t>{1});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shared_results_file)

BOOST_AUTO_TEST_CASE(is_written_by_all_ranks_without_a_trace_of_who_wrote_what) {
  SharedFolder const folder;
  auto const path = sample_in(folder);
  {
    ResultsFile file(path, MPI_COMM_WORLD);
    for (auto i = static_cast<std::uint64_t>(mpi_rank()); i < 24; i += static_cast<std::uint64_t>(mpi_size()))
      write_item(file, i);
    file.sync();
  }
  MPI_Barrier(MPI_COMM_WORLD);
  auto const file = ResultsFile::reading(path);
  std::vector<double> positions(120);
  std::iota(positions.begin(), positions.end(), 0.0);
  BOOST_TEST(file.read_all<double>("positions") == positions, boost::test_tools::per_element());
  BOOST_TEST(file.read_all<std::uint8_t>("done") == std::vector<std::uint8_t>(24, 1), boost::test_tools::per_element());
  BOOST_TEST(file.read_text("error", 23) == "item 23");
  if (mpi_rank() == 0) {
    create(folder / "alone.h5", io::test::sample_schema());
    auto alone = ResultsFile::writing(folder / "alone.h5");
    for (std::uint64_t i = 0; i < 24; ++i) write_item(alone, i);
    alone.close();
    BOOST_TEST((bytes_of(folder / "alone.h5") == bytes_of(path)));
  }
}

BOOST_AUTO_TEST_CASE(keeps_its_metadata_byte_by_byte) {
  SharedFolder const folder;
  auto const path = sample_in(folder);
  auto const before = bytes_of(path);
  MPI_Barrier(MPI_COMM_WORLD);
  ResultsFile file(path, MPI_COMM_WORLD);
  auto const first = static_cast<std::uint64_t>(mpi_rank());
  std::vector<double> energy(1);
  file.read_flat("energy", first, energy);
  file.write_flat("energy", first, energy);
  BOOST_TEST((bytes_of(path) == before));
  file.close();
  BOOST_TEST((bytes_of(path) == before));
}

BOOST_AUTO_TEST_CASE(shows_one_rank_what_another_wrote) {
  SharedFolder const folder;
  ResultsFile file(sample_in(folder), MPI_COMM_WORLD);
  auto const n = static_cast<std::uint64_t>(mpi_size());
  auto const me = static_cast<std::uint64_t>(mpi_rank());
  std::vector<std::uint64_t> const first{0, 1, me}, count{3, 1, 1};
  std::vector<double> const mine(3, static_cast<double>(me));
  file.write("energy", first, count, mine);
  MPI_Barrier(MPI_COMM_WORLD);
  for (std::uint64_t rank = 0; rank < n; ++rank) {
    std::vector<double> seen(3);
    std::vector<std::uint64_t> const theirs{0, 1, rank};
    file.read("energy", theirs, count, seen);
    BOOST_TEST(seen == std::vector<double>(3, static_cast<double>(rank)), boost::test_tools::per_element());
  }
  BOOST_TEST(std::get<std::int64_t>(file.attribute("", "seed")) == 20230427);
  BOOST_TEST(file.dimensions("energy")[0] == "omega");
}

BOOST_AUTO_TEST_CASE(refuses_on_every_rank_what_cannot_be_opened) {
  SharedFolder const folder;
  auto const open = [](fs::path const& path) { return refusal([&] { ResultsFile(path, MPI_COMM_WORLD); }); };
  BOOST_TEST(is_one_line_with(open(folder / "none.h5"), {"cannot open", "none.h5"}));
  if (mpi_rank() == 0) std::ofstream(folder / "text.h5") << "not HDF5 at all";
  MPI_Barrier(MPI_COMM_WORLD);
  BOOST_TEST(is_one_line_with(open(folder / "text.h5"), {"cannot open", "text.h5", "HDF5: "}));
  BOOST_TEST(open(sample_in(folder)).empty());
}

// Closing is collective: were it done here, the first rank to be thrown out would wait for one that waits for it.
BOOST_AUTO_TEST_CASE(is_abandoned_by_a_rank_that_fails_alone) {
  SharedFolder const folder;
  auto const path = sample_in(folder);
  std::optional<ResultsFile> kept;
  try {
    ResultsFile file(path, MPI_COMM_WORLD);
    if (mpi_rank() == 0) {
      for (int rank = 1; rank < mpi_size(); ++rank) MPI_Recv(nullptr, 0, MPI_BYTE, rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    throw std::runtime_error("this rank fails");
  } catch (std::runtime_error const&) {
    if (mpi_rank() != 0) MPI_Send(nullptr, 0, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
  }
  BOOST_TEST(ResultsFile::reading(path).size("energy") == 24u);
}

// For the test that kills it: `mpirun ... results_file_mpi_test --run_test=shared_results_file/round_after_round -- FILE`.
// Each round sets all of an item's elements to the round's number; `done` says that the first round is whole.
BOOST_AUTO_TEST_CASE(round_after_round) {
  SharedFolder const folder;
  auto const& suite = boost::unit_test::framework::master_test_suite();
  bool const is_asked = suite.argc > 1;
  fs::path const path = is_asked ? fs::path(suite.argv[1]) : folder / "rounds.h5";
  if (mpi_rank() == 0) create(path, io::test::sample_schema());
  MPI_Barrier(MPI_COMM_WORLD);
  ResultsFile file(path, MPI_COMM_WORLD);
  Deadline const deadline(is_asked ? 60 : 0.2);
  for (double round = 1; !deadline.passed(); ++round) {
    for (auto i = static_cast<std::uint64_t>(mpi_rank()); i < 24; i += static_cast<std::uint64_t>(mpi_size())) {
      file.write_flat("positions", 5 * i, std::vector<double>(5, round));
      file.write_flat("done", i, std::vector<std::uint8_t>{1});
    }
  }
  file.close();
  MPI_Barrier(MPI_COMM_WORLD);
  auto const done = ResultsFile::reading(path).read_all<std::uint8_t>("done");
  BOOST_TEST(done == std::vector<std::uint8_t>(24, 1), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
