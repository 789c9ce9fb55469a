// How ranks best write finished items to one file, and what the shared counter bears.
//
// Each of the ranks has records of one number for places of one variable, as items finish: scattered (claimed one by one, so
// that its neighbours in the file belong to other ranks) or in contiguous packs of 64. Microseconds a record of the whole job,
// time times cores in use over records:
//   ours         ResultsFile::write_flat, independent MPI-IO at a place known beforehand
//   HDF5         H5Dwrite of a hyperslab, independent
//   collective   the same, all ranks together: what it costs when all are ready at once, which items never are
//   gathered     all records sent to rank 0, which writes them
// The file lies in the temporary folder (TMPDIR). Claims: MPI_Fetch_and_op on the counter, all ranks at once.
#include <fmt/format.h>
#include <hdf5.h>
#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "fermiac/io/results_file.hpp"
#include "fermiac/par/communicator.hpp"
#include "fermiac/par/counter.hpp"

using namespace fermiac;

namespace {

constexpr std::uint64_t n_rounds = 50;
constexpr std::uint64_t n_a_round = 64;  // records of a rank

struct Job {
  par::Communicator const& world;
  std::uint64_t ranks = static_cast<std::uint64_t>(world.size());
  std::uint64_t rank = static_cast<std::uint64_t>(world.rank());
  double cores = static_cast<double>(std::min<long>(world.size(), sysconf(_SC_NPROCESSORS_ONLN)));

  /// Best of five, of all ranks together.
  template <typename Work>
  double us_a_record(std::uint64_t n_records, Work work) const {
    double best = 1e300;
    for (int repeat = 0; repeat < 5; ++repeat) {
      world.barrier();
      double const start = MPI_Wtime();
      work();
      world.barrier();
      best = std::min(best, MPI_Wtime() - start);
    }
    return 1e6 * cores * best / static_cast<double>(n_records);
  }
};

/// The first place of the pack `k` of this rank in a round.
std::uint64_t place(Job const& job, std::uint64_t round, std::uint64_t pack, std::uint64_t k) {
  return round * n_a_round * job.ranks + (k * job.ranks + job.rank) * pack;
}

void write_all(Job const& job, std::filesystem::path const& path, std::uint64_t pack) {
  std::vector<double> const values(pack, 1.0);
  std::uint64_t const n_packs = n_a_round / pack;
  std::uint64_t const n_records = n_rounds * n_a_round * job.ranks;
  double ours = 0;
  {
    io::ResultsFile file(path, job.world.handle());
    ours = job.us_a_record(n_records, [&] {
      for (std::uint64_t round = 0; round < n_rounds; ++round)
        for (std::uint64_t k = 0; k < n_packs; ++k) file.write_flat("x", place(job, round, pack, k), values);
    });
    file.close();
  }

  hid_t const access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_mpio(access, job.world.handle(), MPI_INFO_NULL);
  hid_t const file = H5Fopen(path.c_str(), H5F_ACC_RDWR, access);
  hid_t const dataset = H5Dopen2(file, "x", H5P_DEFAULT);
  hid_t const space = H5Dget_space(dataset);
  auto const with = [&](H5FD_mpio_xfer_t how) {
    hid_t const transfer = H5Pcreate(H5P_DATASET_XFER);
    H5Pset_dxpl_mpio(transfer, how);
    bool const together = how == H5FD_MPIO_COLLECTIVE;
    hsize_t const n = together ? n_a_round : pack;
    std::vector<double> const data(n, 1.0);
    hid_t const memory = H5Screate_simple(1, &n, nullptr);
    double const us = job.us_a_record(n_records, [&] {
      for (std::uint64_t round = 0; round < n_rounds; ++round)
        for (std::uint64_t k = 0; k < (together ? 1 : n_packs); ++k) {
          hsize_t const first = place(job, round, pack, k);
          hsize_t const stride = job.ranks * pack;
          hsize_t const count = together ? n_packs : 1;
          hsize_t const block = pack;
          H5Sselect_hyperslab(space, H5S_SELECT_SET, &first, &stride, &count, &block);
          H5Dwrite(dataset, H5T_NATIVE_DOUBLE, memory, space, transfer, data.data());
        }
    });
    H5Sclose(memory);
    H5Pclose(transfer);
    return us;
  };
  double const independent = with(H5FD_MPIO_INDEPENDENT);
  double const collective = with(H5FD_MPIO_COLLECTIVE);
  H5Sclose(space);
  H5Dclose(dataset);
  H5Fclose(file);
  H5Pclose(access);

  io::ResultsFile results(path, job.world.handle());
  std::vector<double> const mine(n_a_round, 1.0);
  std::vector<double> everybody(job.world.is_root() ? n_a_round * job.ranks : 0);
  double const gathered = job.us_a_record(n_records, [&] {
    for (std::uint64_t round = 0; round < n_rounds; ++round) {
      MPI_Gather(mine.data(), n_a_round, MPI_DOUBLE, everybody.data(), n_a_round, MPI_DOUBLE, 0, job.world.handle());
      if (job.world.is_root()) results.write_flat("x", round * n_a_round * job.ranks, everybody);
    }
  });
  results.close();
  if (job.world.is_root())
    fmt::print("{:2d} ranks, packs of {:2d}: ours {:6.2f}   HDF5 {:6.2f}   collective {:6.2f}   gathered {:6.2f} us a record\n",
               job.ranks, pack, ours, independent, collective, gathered);
}

void claim_all(Job const& job) {
  constexpr int n_claims = 20'000;
  par::SharedCounter counter(job.world);
  double const us = job.us_a_record(n_claims * job.ranks, [&] {
    for (int i = 0; i < n_claims; ++i) counter.claim();
  });
  if (job.world.is_root())
    fmt::print("{:2d} ranks: {:.2f} us a claim, {:.2g} claims a second\n", job.ranks, us, 1e6 * job.cores / us);
}

}  // namespace

int main() {
  par::Environment const environment;
  auto const world = par::Communicator::world();
  Job const job{world};
  auto path = (std::filesystem::temp_directory_path() / "fermiac_write_bench.h5").string();
  if (world.is_root()) {
    io::Schema schema;
    schema.root.scales.push_back({"item", {}, n_rounds * n_a_round * job.ranks, {}});
    schema.root.variables.push_back({"x", io::Type::real, {"item"}});
    io::create(path, schema);
  }
  world.barrier();
  for (std::uint64_t const pack : {1, 64}) write_all(job, path, pack);
  claim_all(job);
  world.barrier();
  if (world.is_root()) std::filesystem::remove(path);
}
