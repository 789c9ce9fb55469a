/// Runs a study: claims items, computes them, keeps results and checkpoints, stops in time, summarises.
#pragma once

#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "fermiac/study/study.hpp"

namespace fermiac::study {

/// What `fermiac run` was asked for.
struct RunOptions {
  std::filesystem::path study;
  std::optional<std::filesystem::path> out;  ///< default results/<study name>.h5
  std::vector<std::string> overrides;        ///< key=value
  bool resume = false;
  bool overwrite = false;
  bool retry_failed = false;
  bool allow_build = false;
  bool quiet = false;
  std::optional<std::filesystem::path> reuse;  ///< an older results file to take finished items from
  double time_limit_s =
      std::numeric_limits<double>::infinity();  ///< infinite: from SLURM_JOB_END_TIME (seconds since 1970), if set
  double checkpoint_interval_s = 60;
  int threads = 0;  ///< 0: OMP_NUM_THREADS, else the cores of the node over its ranks
  int ranks_per_item = 1;
};

/// Exit statuses of the program.
enum ExitStatus { all_done = 0, some_failed = 1, bad_usage = 2, stopped_in_time = 75 };

/// Runs a study on all ranks; called by each of them. Errors of users and machines are printed once, by rank 0.
/// An exception that only one rank meets takes the whole run down (MPI_Abort) with one message.
ExitStatus run(RunOptions const& options, Registry const& registry);

/// Reads a file as text. @throws InputError where it cannot be read
std::string read_text(std::filesystem::path const& path);

}  // namespace fermiac::study
