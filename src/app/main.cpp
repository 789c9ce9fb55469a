#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "fermiac/app/commands.hpp"
#include "fermiac/app/registry.hpp"
#include "fermiac/base/error.hpp"
#include "fermiac/io/compare.hpp"
#include "fermiac/study/runner.hpp"

extern "C" void openblas_set_num_threads(int);

namespace {

using namespace fermiac;

/// What is wrong with a command line that CLI11 refuses, with the nearest word that it would have taken.
std::string complaint(CLI::App const& program, CLI::ParseError const& error, int argc, char** argv) {
  auto const unknown = [](std::string const& what, std::string const& word, std::vector<std::string> const& candidates) {
    return fmt::format("unknown {} {} (did you mean {}?)", what, word, nearest(word, candidates));
  };
  auto const known = program.get_subcommands({});
  CLI::App const* command = nullptr;
  std::vector<std::string> names;
  for (auto const* candidate : known) {
    names.push_back(candidate->get_name());
    if (argc > 1 && candidate->get_name() == argv[1]) command = candidate;
  }
  if (!command)
    return argc > 1 ? unknown("command", argv[1], names) : fmt::format("{}: one of {}", error.what(), fmt::join(names, ", "));
  std::vector<std::string> options;
  for (auto const* option : command->get_options())
    for (auto const& name : option->get_lnames()) options.push_back("--" + name);
  for (int i = 2; i < argc; ++i) {
    std::string const word = std::string(argv[i]).substr(0, std::string(argv[i]).find('='));
    if (word.starts_with("--") && std::ranges::find(options, word) == options.end()) return unknown("option", word, options);
  }
  return error.what();
}

/// Parses, runs one subcommand, returns the exit status.
int run(int argc, char** argv) {
  auto const registry = app::all_kinds();
  CLI::App program("fermiac: batch-parallel Monte Carlo studies whose results prove themselves", "fermiac");
  program.require_subcommand(1);
  program.set_version_flag("--version", app::version_text());
  int status = study::all_done;

  std::filesystem::path path;
  std::vector<std::string> overrides;
  auto const takes_study = [&](CLI::App* command) {
    command->add_option("STUDY", path, "study file (TOML)")->required();
    command->add_option("--set", overrides, "key=value: overrides a key of the study file")->allow_extra_args(false);
  };
  auto const takes_file = [&](CLI::App* command) { command->add_option("FILE", path, "results file (HDF5)")->required(); };
  app::Format format = app::Format::text;
  auto const add_format = [&](CLI::App* command, char const* flag, app::Format value, char const* help) {
    command->add_flag_callback(
        flag, [&format, value] { format = value; }, help);
  };

  study::RunOptions options;
  auto* const run = program.add_subcommand("run", "compute a study; under mpirun or srun on many ranks");
  takes_study(run);
  run->add_option("--out", options.out, "results file; default results/<study name>.h5");
  run->add_flag("--resume", options.resume, "go on with an existing file (or start afresh where there is none)");
  run->add_flag("--overwrite", options.overwrite, "replace an existing file");
  run->add_option("--reuse", options.reuse,
                  "older results file: items already computed for the same parameters are taken over");
  run->add_option("--time-limit", options.time_limit_s,
                  "seconds after which to stop in time (exit status 75); default: from SLURM")
      ->check(CLI::NonNegativeNumber);
  run->add_option("--threads", options.threads, "threads of each rank")->check(CLI::PositiveNumber);
  run->add_option("--ranks-per-item", options.ranks_per_item, "ranks that compute one item together")
      ->check(CLI::PositiveNumber);
  run->add_option("--checkpoint-interval", options.checkpoint_interval_s, "seconds between two checkpoints of a long item")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  run->add_flag("--retry-failed", options.retry_failed, "with --resume: compute failed items again");
  run->add_flag("--allow-build", options.allow_build, "go on with a file that another build of fermiac began");
  run->add_flag("--quiet", options.quiet, "no progress, no summary");
  run->callback([&] {
    options.study = path;
    options.overrides = overrides;
    status = study::run(options, registry);
  });

  auto* const check =
      program.add_subcommand("check", "validate a study; print points, items, memory, file size, estimated time");
  takes_study(check);
  check->callback([&] { std::cout << app::check(path, overrides, registry); });

  auto* const state = program.add_subcommand("status", "done, failed, pending, rate, time left; works while the study runs");
  takes_file(state);
  add_format(state, "--json", app::Format::json, "print JSON");
  state->callback([&] { std::cout << app::status(path, format, registry); });

  auto* const show = program.add_subcommand("show", "the results: estimates with errors, truths or bounds, z-scores");
  takes_file(show);
  add_format(show, "--csv", app::Format::csv, "print CSV");
  add_format(show, "--json", app::Format::json, "print JSON");
  show->callback([&] { std::cout << app::show(path, format, registry); });

  std::uint64_t point = 0;
  std::uint64_t replicate = 0;
  auto* const item = program.add_subcommand("item", "compute one item alone and print its record");
  takes_study(item);
  item->add_option("--point", point, "number of the point, the last axis running fastest")->required();
  item->add_option("--replicate", replicate, "number of the replicate")->required();
  item->callback([&] { std::cout << app::item(path, overrides, point, replicate, registry); });

  std::filesystem::path other;
  auto* const compare =
      program.add_subcommand("compare", "are the results the same bits? exit 0 or 1, naming the first difference");
  compare->add_option("A", path, "results file")->required();
  compare->add_option("B", other, "results file")->required();
  compare->callback([&] {
    for (auto const& file : {path, other})
      if (!std::filesystem::exists(file)) throw InputError(file.string() + ": there is no such file");
    auto const difference = io::first_difference(path, other);
    std::cout << difference.value_or("the same bits") << "\n";
    if (difference) status = 1;
  });

  std::string name;
  auto* const list = program.add_subcommand("list", "what can be studied, with the source of its truth");
  list->add_option("FAMILY_OR_KIND", name, "vmc, flow, estimator, or a kind");
  list->callback([&] { std::cout << app::list(name, registry); });

  auto* const make_template =
      program.add_subcommand("template", "a commented study file with every key, its default, unit and meaning");
  make_template->add_option("KIND", name, "a kind; `fermiac list` prints all")->required();
  make_template->callback([&] { std::cout << study::template_text(registry.kind(name)); });

  try {
    program.parse(argc, argv);
  } catch (CLI::Success const& success) {
    return program.exit(success);
  } catch (CLI::ParseError const& error) {
    std::cerr << "fermiac: " << complaint(program, error, argc, argv) << "; `fermiac --help` lists commands\n";
    return study::bad_usage;
  }
  return status;
}

/// Starts the program anew with threads that sleep while they wait for one another, unless the user chose otherwise.
///
/// libgomp lets them spin by default, and reads its settings before main. Where another process takes one of the cores,
/// spinning threads hold up those that work: two threads were measured eight times slower than one.
void let_threads_sleep(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  setenv("OMP_WAIT_POLICY", "passive", 1);
  execv("/proc/self/exe", argv);  // where that fails, threads spin: slower at worst
}

}  // namespace

int main(int argc, char** argv) {
  let_threads_sleep(argv);
  // One BLAS thread: fermiac's own threads are the parallelism, and the bits of a product must not depend on their number.
  openblas_set_num_threads(1);
  // A file-size limit shows as a failed write, not as a signal.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (fermiac::InputError const& error) {
    std::cerr << "fermiac: " << error.what() << "\n";
    return fermiac::study::bad_usage;
  } catch (std::exception const& error) {
    std::cerr << "fermiac: " << error.what() << "\n";
    return fermiac::study::some_failed;
  }
}
