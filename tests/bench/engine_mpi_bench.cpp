// What the engine adds to an item: the same 100,000 trivial items as a study and as a plain loop.
#include <fmt/format.h>
#include <mpi.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "fermiac/app/registry.hpp"
#include "fermiac/base/context.hpp"
#include "fermiac/estimators/count.hpp"
#include "fermiac/study/runner.hpp"

using namespace fermiac;

namespace {

constexpr std::uint64_t n_items = 100'000;
constexpr std::uint64_t n_draws = 10;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double plain_loop_s() {
  Quiet context;
  auto const start = std::chrono::steady_clock::now();
  std::uint64_t hits = 0;
  for (std::uint64_t i = 0; i < n_items; ++i)
    hits += estimators::count_below(0.5, n_draws, {}, static_cast<std::uint32_t>(i), context);
  double const seconds = seconds_since(start);
  return hits > 0 ? seconds : 0;
}

}  // namespace

int main() {
  char const* const rank_text = std::getenv("OMPI_COMM_WORLD_RANK");
  char const* const size_text = std::getenv("OMPI_COMM_WORLD_SIZE");
  bool const is_root = !rank_text || std::string(rank_text) == "0";
  int const n_ranks = size_text ? std::stoi(size_text) : 1;
  auto const folder = std::filesystem::temp_directory_path() / "fermiac_engine_bench";
  std::filesystem::create_directories(folder);
  study::RunOptions options;
  options.study = folder / "study.toml";
  options.out = folder / "study.h5";
  options.overwrite = true;
  options.quiet = true;
  options.threads = 1;
  if (is_root)
    std::ofstream(options.study) << fmt::format(
        "[study]\nname = \"bench\"\nkind = \"count\"\nseed = 1\nreplicates = {}\n[count]\ndraws = {}\n", n_items, n_draws);
  double const loop_s = plain_loop_s();
  auto const start = std::chrono::steady_clock::now();
  auto const status = study::run(options, app::all_kinds());
  double const study_s = seconds_since(start);
  if (is_root) {
    fmt::print(
        "{} ranks: {:.1f} us an item and rank of engine (whole run with start-up {:.2f} s, plain loop {:.1f} us an item)\n",
        n_ranks, 1e6 * (study_s * n_ranks - loop_s) / n_items, study_s, 1e6 * loop_s / n_items);
    std::filesystem::remove_all(folder);
  }
  return status;
}
