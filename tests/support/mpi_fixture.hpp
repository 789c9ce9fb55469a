/// MPI around all cases of a test program: one rank that fails takes all ranks down, because the others would wait for it.
///
/// To be included by each `*_mpi_test.cpp`, and by nothing else: it installs itself.
#pragma once

#include <mpi.h>

#include <boost/test/results_reporter.hpp>
#include <boost/test/tree/observer.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <iostream>
#include <ostream>

namespace fermiac::support {

inline int mpi_rank() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

inline int mpi_size() {
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

class MpiFixture : public boost::unit_test::test_observer {
 public:
  MpiFixture() {
    int provided = MPI_THREAD_SINGLE;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
    boost::unit_test::framework::register_observer(*this);
    // All ranks are given the same file for the report.
    if (mpi_rank() != 0) boost::unit_test::results_reporter::set_stream(silence());
  }
  ~MpiFixture() override {
    boost::unit_test::framework::deregister_observer(*this);
    MPI_Finalize();
  }

  /// Behind the log, which is to tell what failed first.
  int priority() override { return 100; }
  void assertion_result(boost::unit_test::assertion_result result) override {
    if (result == boost::unit_test::AR_FAILED) abort_all();
  }
  void exception_caught(boost::execution_exception const&) override { abort_all(); }

 private:
  [[noreturn]] static void abort_all() {
    std::cout.flush();
    std::cerr.flush();
    std::fprintf(stderr, "rank %d of %d failed; all ranks are stopped\n", mpi_rank(), mpi_size());
    std::fflush(nullptr);
    MPI_Abort(MPI_COMM_WORLD, 1);
    std::abort();
  }

  /// Outlives the fixture: the report is made behind it.
  static std::ostream& silence() {
    static std::ostream stream(nullptr);
    return stream;
  }
};

}  // namespace fermiac::support

using FermiacMpiFixture = fermiac::support::MpiFixture;
BOOST_TEST_GLOBAL_FIXTURE(FermiacMpiFixture);
