#include "fermiac/study/runner.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "fermiac/base/error.hpp"
#include "fermiac/base/sha256.hpp"
#include "fermiac/base/version.hpp"
#include "fermiac/io/checkpoint.hpp"
#include "fermiac/io/lock.hpp"
#include "fermiac/par/communicator.hpp"
#include "fermiac/par/counter.hpp"
#include "fermiac/par/mpi_team.hpp"
#include "fermiac/study/engine_context.hpp"
#include "fermiac/study/progress.hpp"
#include "fermiac/study/rounds.hpp"
#include "fermiac/study/schedule.hpp"
#include "fermiac/study/stop.hpp"
#include "fermiac/study/study_file.hpp"

namespace fermiac::study {

namespace {

constexpr double lock_wait_s = 5;         // orphans of a killed mpirun die within 2.5 s
constexpr double lock_patience_s = 0.5;   // `fermiac status` holds the lock for a moment
constexpr double flush_interval_s = 0.5;  // finished cheap items are written together, at most this late
constexpr double cheap_item_s = 0.01;
constexpr std::size_t flush_items = 4096;

/// A refusal that all ranks share and rank 0 has printed.
struct Refused {
  ExitStatus status;
};

/// Does `work` on rank 0. Where it fails, rank 0 prints why and all ranks throw Refused.
void on_root(par::Communicator const& world, std::function<void()> const& work) {
  std::uint64_t status = all_done;
  if (world.is_root()) {
    try {
      work();
    } catch (InputError const& error) {
      fmt::print(stderr, "fermiac: {}\n", error.what());
      status = bad_usage;
    } catch (std::exception const& error) {
      fmt::print(stderr, "fermiac: {}\n", one_line(error.what()));
      status = some_failed;
    }
  }
  status = world.broadcast(status);
  if (status != all_done) throw Refused{static_cast<ExitStatus>(status)};
}

std::string time_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

/// The cores that this process may use, as a hexadecimal mask.
std::string core_mask() {
  cpu_set_t set;
  std::string mask;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return mask;
  for (int first = 0; first < CPU_SETSIZE; first += 4) {
    int digit = 0;
    for (int i = 0; i < 4; ++i)
      if (CPU_ISSET(first + i, &set)) digit |= 1 << i;
    mask += "0123456789abcdef"[digit];
  }
  return mask;
}

int available_cores() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/// What a run was given on one host: ranks there, and the cores that any of them may use.
struct Given {
  int ranks = 0;
  int cores = 0;
};

/// By the host's name. Complete on rank 0, empty elsewhere; collective.
std::map<std::string, Given> given_by_host(par::Communicator const& world) {
  std::map<std::string, std::string> masks;
  std::map<std::string, Given> given;
  for (auto const& text : world.collect(host_name() + " " + core_mask())) {
    auto const host = text.substr(0, text.find(' '));
    auto const mask = text.substr(host.size() + 1);
    auto& whole = masks.try_emplace(host, mask.size(), '0').first->second;
    for (std::size_t i = 0; i < mask.size(); ++i)
      whole[i] = "0123456789abcdef"[std::stoi(whole.substr(i, 1), nullptr, 16) | std::stoi(mask.substr(i, 1), nullptr, 16)];
    ++given[host].ranks;
  }
  for (auto& [host, what] : given)
    for (char const digit : masks.at(host))
      what.cores += std::popcount(static_cast<unsigned>(std::stoi(std::string(1, digit), nullptr, 16)));
  return given;
}

/// Seconds after which to stop: as asked for, or what SLURM leaves of its job less a tenth (5 to 60 s) to write checkpoints in.
double time_limit_s(RunOptions const& options) {
  char const* const end = std::getenv("SLURM_JOB_END_TIME");
  if (std::isfinite(options.time_limit_s) || !end) return options.time_limit_s;
  char* rest = nullptr;
  double const end_s = std::strtod(end, &rest);
  if (rest == end || *rest != '\0') return options.time_limit_s;
  double const left_s = end_s - std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  return std::max(0.0, left_s - std::clamp(0.1 * left_s, 5.0, 60.0));
}

/// Threads a rank uses; collective.
int set_threads(par::Communicator const& world, int asked) {
  int const neighbours = world.split_by_node().size();
  int threads = asked;
  if (threads == 0 && std::getenv("OMP_NUM_THREADS")) threads = omp_get_max_threads();
  // A launcher that binds each rank to cores of its own shows it fewer cores than the node has.
  auto const node_cores = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  if (threads == 0) threads = available_cores() < node_cores ? available_cores() : std::max(1, node_cores / neighbours);
  omp_set_num_threads(threads);
  return threads;
}

std::filesystem::path checkpoint_path(std::filesystem::path const& out, std::uint64_t item) {
  return fmt::format("{}.item_{}", out.string(), item);
}

void remove_checkpoints(std::filesystem::path const& out) {
  auto const prefix = out.filename().string() + ".item_";
  auto const folder = out.has_parent_path() ? out.parent_path() : std::filesystem::path(".");
  std::error_code ignored;
  for (auto const& entry : std::filesystem::directory_iterator(folder, ignored))
    if (entry.path().filename().string().starts_with(prefix)) std::filesystem::remove(entry.path(), ignored);
}

/// The lines that differ between two canonical studies.
std::string difference(std::string const& stored, std::string const& asked) {
  auto const lines = [](std::string const& text) {
    std::vector<std::string> result;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
      if (!line.empty()) result.push_back(line);
    return result;
  };
  auto const a = lines(stored), b = lines(asked);
  std::vector<std::string> parts;
  for (auto const& line : a)
    if (std::ranges::find(b, line) == b.end()) parts.push_back("-" + line);
  for (auto const& line : b)
    if (std::ranges::find(a, line) == a.end()) parts.push_back("+" + line);
  return fmt::format("{}", fmt::join(parts, "; "));
}

void require_same_build(StudyFile const& file, std::filesystem::path const& path, bool allow_build) {
  auto const executions = file.executions();
  if (allow_build || executions.empty()) return;
  auto const& last = executions.back();
  if (last.version != version() || last.commit != commit())
    throw InputError(fmt::format("{}: was computed by version {} ({}), this is {} ({}); --allow-build goes on all the same",
                                 path.string(), last.version, last.commit, version(), commit()));
}

std::string inputs_of(io::ResultsFile const& file) {
  if (!file.has_attribute("", "inputs")) return {};
  auto const value = file.attribute("", "inputs");
  auto const* const text = std::get_if<std::string>(&value);
  return text ? *text : std::string();
}

/// An older results file from which finished items can be taken.
struct OldResults {
  /// @throws InputError  where there is nothing to reuse for `study`
  OldResults(std::filesystem::path const& path, Study const& for_study, std::string const& inputs, Registry const& registry,
             bool allow_build)
      : results(io::ResultsFile::reading(path)), study(stored_study(results, registry)), file(study, results) {
    require_same_build(file, path, allow_build);
    if (study.kind().name() != for_study.kind().name() || study.seed() != for_study.seed())
      throw InputError(fmt::format("--reuse {}: its kind or seed is another, nothing can be reused", path.string()));
    if (inputs_of(results) != inputs)
      throw InputError(fmt::format("--reuse {}: its input files are others, nothing can be reused", path.string()));
  }

  io::ResultsFile results;
  Study study;
  StudyFile file;
};

/// Takes over finished items of `old` that are items of `study` too.
std::uint64_t take_over(Study const& study, StudyFile& file, OldResults const& old) {
  auto const& old_study = old.study;
  auto const& old_file = old.file;
  std::map<std::string, std::uint64_t> old_points;
  for (std::uint64_t p = 0; p < old_study.n_points(); ++p) old_points[old_study.point(p).complete()] = p;
  auto const old_states = old_file.states();
  std::vector<Finished> batch;
  std::uint64_t n_taken = 0;
  for (std::uint64_t i = 0; i < study.n_items(); ++i) {
    auto const item = study.item(i);
    auto const old_point = old_points.find(study.point(item.point).complete());
    if (old_point == old_points.end() || item.replicates.first / old_study.replicates_per_item() >= old_study.items_per_point())
      continue;
    auto const old_index =
        old_point->second * old_study.items_per_point() + item.replicates.first / old_study.replicates_per_item();
    if (old_study.item(old_index).replicates != item.replicates || old_states[old_index] != State::done ||
        !old_file.is_intact(old_index))
      continue;
    auto const old_record = old_file.read(old_index);
    auto record = study.item_record(item);
    // Padding differs where the longest point differs.
    for (auto part : {&ItemRecord::replicates, &ItemRecord::item})
      for (auto const& column : (record.*part).columns())
        for (std::uint64_t entry = 0; entry < (record.*part).n_entries(); ++entry)
          (record.*part).take(column.variable->name, old_record.*part, entry);
    batch.push_back({i, State::done, std::move(record), {}});
    ++n_taken;
    if (batch.size() == flush_items) file.write(batch);
  }
  file.write(batch);
  return n_taken;
}

constexpr char const* existing_file_hint = "--resume goes on with it, --overwrite starts afresh";

bool is_results_file(std::filesystem::path const& path) {
  try {
    return io::ResultsFile::reading(path).has_attribute("", "schema");
  } catch (SystemError const&) {
    return false;
  }
}

/// On rank 0: makes the file ready, new or to be resumed.
void prepare_file(RunOptions const& options, Study const& study, std::string const& inputs, std::filesystem::path const& out,
                  Registry const& registry) {
  bool const exists = std::filesystem::exists(out);
  if (exists && options.resume) {
    auto results = io::ResultsFile::writing(out);
    auto const stored = stored_study(results, registry);
    if (stored.resolved() != study.resolved())
      throw InputError(fmt::format("{}: holds another study: {} (--reuse takes what is common into a new file)", out.string(),
                                   difference(stored.resolved(), study.resolved())));
    if (inputs_of(results) != inputs)
      throw InputError(
          fmt::format("{}: was computed from other input files: {}", out.string(), difference(inputs_of(results), inputs)));
    StudyFile file(study, results);
    require_same_build(file, out, options.allow_build);
    auto const states = file.states();
    auto damaged = file.damaged(states);
    if (options.retry_failed)
      for (std::uint64_t i = 0; i < states.size(); ++i)
        if (states[i] == State::failed) damaged.push_back(i);
    std::ranges::sort(damaged);
    damaged.erase(std::ranges::unique(damaged).begin(), damaged.end());
    // What was not needed may be, once these are computed again.
    for (std::uint64_t k = 0, n = damaged.size(); k < n; ++k) {
      if (k > 0 && study.item(damaged[k]).point == study.item(damaged[k - 1]).point) continue;
      auto const first = study.item(damaged[k]).point * study.items_per_point();
      for (std::uint64_t i = first; i < first + study.items_per_point(); ++i)
        if (states[i] == State::not_needed) damaged.push_back(i);
    }
    if (!damaged.empty()) {
      file.mark_summarised(false);
      file.reset(damaged);
    }
    // A kill between an item's `done` byte and the removal of its checkpoint leaves the checkpoint.
    for (std::uint64_t i = 0; i < states.size(); ++i)
      if (states[i] != State::pending && std::filesystem::exists(checkpoint_path(out, i)))
        io::remove_checkpoint(checkpoint_path(out, i));
    return;
  }
  // Asked again, now under the lock: another run may have made it meanwhile.
  if (exists && !options.overwrite) throw InputError(fmt::format("{} exists: {}", out.string(), existing_file_hint));
  if (exists && !is_results_file(out))
    throw InputError(fmt::format("{}: is no results file of fermiac, and is not overwritten", out.string()));
  std::unique_ptr<OldResults const> old;
  if (options.reuse) {
    old = std::make_unique<OldResults const>(*options.reuse, study, inputs, registry, options.allow_build);
  }
  io::create(out, schema_of(study, inputs));
  remove_checkpoints(out);
  if (old) {
    auto results = io::ResultsFile::writing(out);
    StudyFile file(study, results);
    auto const n = take_over(study, file, *old);
    if (!options.quiet)
      fmt::print(stderr, "{}: {} of {} items taken over from {}\n", study.name(), n, study.n_items(), options.reuse->string());
  }
}

/// On rank 0: where the results go; makes the default folder.
std::filesystem::path output_path(RunOptions const& options, Study const& study) {
  auto const out = options.out.value_or(std::filesystem::path("results") / (study.name() + ".h5"));
  auto const folder = out.has_parent_path() ? out.parent_path() : std::filesystem::path(".");
  if (out.empty()) throw InputError("--out: there is no file of an empty name");
  if (std::filesystem::is_directory(out)) throw InputError(fmt::format("--out {}: is a folder", out.string()));
  if (options.reuse && !std::filesystem::exists(*options.reuse))
    throw InputError(fmt::format("--reuse {}: there is no such file", options.reuse->string()));
  std::error_code failure;
  if (!options.out) std::filesystem::create_directories(folder, failure);
  if (failure) throw SystemError(fmt::format("{}: cannot be created: {}", folder.string(), failure.message()));
  if (!std::filesystem::is_directory(folder))
    throw InputError(fmt::format("--out {}: there is no folder {}", out.string(), folder.string()));
  if (std::filesystem::exists(out) && !options.resume && !options.overwrite)
    throw InputError(fmt::format("{} exists: {}", out.string(), existing_file_hint));
  return out;
}

/// One run by one rank, after everybody agreed on study and file.
class Run {
 public:
  Run(RunOptions const& options, Study const& study, par::Communicator const& world, par::MpiTeam& team,
      io::ResultsFile& results, Deadline deadline, std::uint64_t n_before)
      : options_(options),
        study_(study),
        world_(world),
        team_(team),
        file_(study, results),
        counter_(world),
        progress_(world.is_root() ? Progress::style(options.quiet) : Progress::Style::silent, study.name(), study.n_items(),
                  n_before),
        context_(counter_, progress_, deadline, team.rank() == 0, options.checkpoint_interval_s),
        fingerprint_(hexadecimal(sha256(study.resolved() + commit()))) {
    // Cheap items before a long one must not wait for its end.
    context_.on_poll([this] {
      if (since_flush_.elapsed_s() > flush_interval_s) flush();
    });
  }

  /// Claims and computes until nothing is left or a stop is agreed. Collective. @return false where a stop came first
  bool compute(Schedule const& schedule) {
    counter_.restart();
    while (!stopped_) {
      std::uint64_t chunk = schedule.n_chunks();
      if (leads_team() && !context_.stop_requested()) chunk = counter_.claim();
      chunk = team_.communicator().broadcast(chunk);
      auto const items = schedule.chunk(chunk);
      if (items.empty()) break;
      for (auto const index : items) {
        context_.begin_item(checkpoint_path(*options_.out, index), fmt::format("{} item {}", fingerprint_, index));
        stopped_ = team_.any(context_.stop_requested());
        if (stopped_ || !compute_item(index)) break;
      }
    }
    flush();
    world_.wait_for_all([this] { context_.tick(); });
    return world_.largest(stopped_ || context_.stop_requested()) == 0;
  }

  void end_progress() { progress_.end(); }

  /// The pass after the last item; collective. @return false where a stop came first
  bool summarise(std::vector<State> const& states) {
    auto const n_teams = static_cast<std::uint64_t>(world_.size() / team_.size());
    auto const own = static_cast<std::uint64_t>(world_.rank() / team_.size());
    for (std::uint64_t point = own; point < study_.n_points() && leads_team(); point += n_teams) {
      if (context_.stop_requested()) break;
      std::vector<ItemRecord> records;
      for (std::uint64_t i = point * study_.items_per_point(); i < (point + 1) * study_.items_per_point(); ++i)
        if (states[i] == State::done) records.push_back(file_.read(i));
      auto summary = study_.summary_record();
      study_.kind().summarise(study_.point(point), records, context_, summary);
      file_.write_summary(point, summary);
      context_.tick();
    }
    world_.wait_for_all([this] { context_.tick(); });
    bool const complete = world_.largest(context_.stop_requested()) == 0;
    if (complete && world_.is_root()) {
      summarise_study();
      file_.mark_summarised(true);
    }
    return complete;
  }

  StudyFile& file() { return file_; }

 private:
  bool leads_team() const { return team_.rank() == 0; }

  void summarise_study() {
    auto whole = study_.whole_record();
    if (whole.columns().empty()) return;
    std::vector<Parameters> points;
    std::vector<Record> summaries;
    for (std::uint64_t p = 0; p < study_.n_points(); ++p) {
      points.push_back(study_.point(p));
      summaries.push_back(file_.read_summary(p));
    }
    study_.kind().summarise_study(points, summaries, whole);
    for (std::uint64_t p = 0; p < study_.n_points(); ++p) file_.write_summary(p, summaries[p]);
    file_.write_whole(whole);
  }

  /// @return false where the item was stopped
  bool compute_item(std::uint64_t index) {
    auto const item = study_.item(index);
    Finished finished{index, State::done, study_.item_record(item), {}};
    Deadline const clock;
    try {
      study_.kind().compute(study_.point(item.point), study_.seed(), item.replicates, team_, context_, finished.record);
      require_finite(finished.record);
    } catch (Stopped const&) {
      stopped_ = true;
      return false;
    } catch (ItemFailure const& failure) {
      finished.state = State::failed;
      finished.record = study_.item_record(item);
      finished.error = failure.what();
    }
    if (!leads_team()) return true;
    finished_.push_back(std::move(finished));
    if (clock.elapsed_s() > cheap_item_s || context_.has_checkpoint() || since_flush_.elapsed_s() > flush_interval_s ||
        finished_.size() >= flush_items)
      flush();
    context_.end_item();
    return true;
  }

  static void require_finite(ItemRecord const& record) {
    for (auto const* part : {&record.replicates, &record.item})
      for (auto const& column : part->columns())
        if (column.variable->presence == Presence::required &&
            !std::ranges::all_of(column.values, [](double v) { return std::isfinite(v); }))
          throw ItemFailure(fmt::format("{} is not finite", column.variable->name));
  }

  void flush() {
    since_flush_ = Deadline();
    if (finished_.empty()) return;
    auto const n = finished_.size();
    file_.write(finished_);
    counter_.add_finished(n);
  }

  RunOptions const& options_;
  Study const& study_;
  par::Communicator const& world_;
  par::MpiTeam& team_;
  StudyFile file_;
  par::SharedCounter counter_;
  Progress progress_;
  EngineContext context_;
  std::string fingerprint_;
  std::vector<Finished> finished_;
  Deadline since_flush_;
  bool stopped_ = false;
};

/// The states of all items as rank 0 reads them, on every rank: ranks that saw different ones would part ways.
std::vector<State> agreed_states(par::Communicator const& world, StudyFile const& file) {
  std::vector<std::uint8_t> bytes;
  if (world.is_root())
    for (auto const state : file.states()) bytes.push_back(static_cast<std::uint8_t>(state));
  bytes = world.broadcast(std::move(bytes));
  std::vector<State> states(bytes.size());
  std::ranges::transform(bytes, states.begin(), [](auto byte) { return static_cast<State>(byte); });
  return states;
}

/// Decides after which rounds the items so far are enough, and says what is to be computed next.
class Planner {
 public:
  explicit Planner(Study const& study) : study_(study), n_decided_(study.n_points(), 0) {}

  /// On rank 0: marks the items that turn out not to be needed.
  void decide(StudyFile& file, std::vector<State> const& states) {
    for (std::uint64_t p = 0; p < study_.n_points(); ++p) {
      auto const point = study_.point(p);
      auto const first_round = study_.kind().first_round(point);
      if (first_round == 0) continue;
      Rounds const rounds(study_.items_per_point(), first_round);
      auto const offset = p * study_.items_per_point();
      auto const n_decidable = rounds.n_decidable(std::span(states).subspan(offset, study_.items_per_point()));
      std::vector<ItemRecord> records;
      std::uint64_t read = 0;
      for (; n_decided_[p] < n_decidable; ++n_decided_[p]) {
        auto const end = rounds.ends()[n_decided_[p]];
        for (; read < end; ++read)
          if (states[offset + read] == State::done) records.push_back(file.read(offset + read));
        if (!study_.kind().enough(point, records)) continue;
        file.mark_not_needed({offset + end, offset + study_.items_per_point()});
        break;
      }
    }
  }

  /// The pending items of the rounds that are open.
  std::vector<std::uint64_t> next(std::vector<State> const& states) const {
    std::vector<std::uint64_t> items;
    for (std::uint64_t p = 0; p < study_.n_points(); ++p) {
      Rounds const rounds(study_.items_per_point(), study_.kind().first_round(study_.point(p)));
      auto const of_point = std::span(states).subspan(p * study_.items_per_point(), study_.items_per_point());
      auto const round = rounds.open_round(of_point);
      if (round == rounds.ends().size()) continue;
      for (std::uint64_t i = 0; i < rounds.ends()[round]; ++i)
        if (of_point[i] == State::pending) items.push_back(p * study_.items_per_point() + i);
    }
    return items;
  }

  Schedule schedule(std::vector<std::uint64_t> const& items, std::uint64_t n_claimants) const {
    std::vector<double> work;
    double of_replicate = 0;
    for (std::size_t k = 0; k < items.size(); ++k) {
      auto const item = study_.item(items[k]);
      if (k == 0 || item.point != study_.item(items[k - 1]).point) of_replicate = study_.kind().work(study_.point(item.point));
      work.push_back(of_replicate * static_cast<double>(item.replicates.size()));
    }
    return {items, work, n_claimants};
  }

 private:
  Study const& study_;
  std::vector<std::uint64_t> n_decided_;
};

ExitStatus run_on(par::Communicator const& world, RunOptions options, Registry const& registry) {
  Deadline const deadline(time_limit_s(options));
  std::string source;
  on_root(world, [&] { source = read_text(options.study); });
  source = world.broadcast(source);
  std::unique_ptr<Study const> study;
  try {
    study = std::make_unique<Study const>(source, options.study.string(), registry, options.overrides);
    if (options.resume && options.overwrite) throw InputError("--resume and --overwrite exclude one another");
    if (options.retry_failed && !options.resume) throw InputError("--retry-failed goes with --resume");
    if (!(options.time_limit_s >= 0)) throw InputError("--time-limit: expected seconds, at least 0");
    if (world.size() % options.ranks_per_item != 0)
      throw InputError(fmt::format("--ranks-per-item {} does not divide the {} ranks", options.ranks_per_item, world.size()));
  } catch (InputError const& error) {
    if (world.is_root()) fmt::print(stderr, "fermiac: {}\n", error.what());
    return bad_usage;
  }
  std::string inputs;
  on_root(world, [&] { inputs = prepare_inputs(*study); });
  if (!world.is_root()) prepare_inputs(*study);
  int const threads = set_threads(world, options.threads);
  auto const given = given_by_host(world);

  std::unique_ptr<io::Lock> lock;
  std::string out;
  on_root(world, [&] {
    out = output_path(options, *study).string();
    lock = std::make_unique<io::Lock>(out, options.resume ? lock_wait_s : lock_patience_s);
    if (!lock->is_enforced()) fmt::print(stderr, "fermiac: warning: {}: this file system knows no locks\n", out);
    prepare_file(options, *study, inputs, out, registry);
  });
  options.out = world.broadcast(out);

  io::ResultsFile results(*options.out, world.handle());
  par::MpiTeam team(world.split(world.rank() / options.ranks_per_item));
  StudyFile file(*study, results);
  auto const initial = agreed_states(world, file);
  auto const n_to_do = static_cast<std::uint64_t>(std::ranges::count(initial, State::pending));
  auto const n_before = initial.size() - n_to_do;
  bool const summarised_before = world.broadcast(std::uint64_t{world.is_root() && file.is_summarised()}) != 0;
  auto const n_claimants = static_cast<std::uint64_t>(world.size() / options.ranks_per_item);

  std::uint64_t place = 0;
  Execution execution;
  if (world.is_root()) {
    place = file.executions().size();
    std::vector<std::string> hosts;
    int n_cores = 0;
    for (auto const& [host, what] : given) {
      hosts.push_back(host);
      n_cores += what.cores;
      if (!options.quiet && what.ranks * threads > what.cores)
        fmt::print(stderr, "fermiac: warning: {}: {} ranks x {} threads share {} cores\n", host, what.ranks, threads,
                   what.cores);
    }
    char const* const job = std::getenv("SLURM_JOB_ID");
    execution = {version(),
                 commit(),
                 build(),
                 fmt::format("{}", fmt::join(hosts, " ")),
                 job ? job : "",
                 time_now(),
                 "",
                 "running",
                 world.size(),
                 threads,
                 static_cast<std::int64_t>(n_before),
                 0};
    file.write_execution(place, execution);
    if (!options.quiet)
      fmt::print(
          stderr, "{}: {} points, {} items, {} to do; {} ranks x {} threads on {} ({} cores){}\n", study->name(),
          study->n_points(), study->n_items(), n_to_do, world.size(), threads, execution.hosts, n_cores,
          std::isfinite(deadline.remaining_s()) ? fmt::format(", stops after {}", duration(deadline.remaining_s())) : "");
  }
  world.barrier();  // nobody writes before everybody has read what is pending

  Deadline const clock;
  bool complete = false;
  std::vector<State> states;
  {
    Run run(options, *study, world, team, results, deadline, n_before);
    Planner planner(*study);
    for (bool stopped = false; !stopped;) {
      if (world.is_root()) planner.decide(file, file.states());
      states = agreed_states(world, file);
      auto const items = planner.next(states);
      if (items.empty()) break;
      stopped = !run.compute(planner.schedule(items, n_claimants));
      results.sync();
      world.barrier();
    }
    run.end_progress();
    states = agreed_states(world, file);
    auto const n_pending = std::ranges::count(states, State::pending);
    complete = n_pending == 0 && (summarised_before || run.summarise(states));
  }
  auto const n_failed = std::ranges::count(states, State::failed);
  auto const n_done = std::ranges::count(states, State::done);
  auto const status = !complete ? stopped_in_time : n_failed ? some_failed : all_done;
  if (world.is_root()) {
    execution.end = time_now();
    execution.outcome = !complete ? "stopped" : n_failed ? "some items failed" : "complete";
    execution.items_after = n_done + n_failed;
    file.write_execution(place, execution);
    if (!options.quiet)
      fmt::print(stderr, "{}: {} of {} items done, {} failed, in {}: {}\n", study->name(), n_done, states.size(), n_failed,
                 duration(clock.elapsed_s()), options.out->string());
    if (!complete) fmt::print(stderr, "{}: stopped in time; --resume goes on\n", study->name());
    for (std::uint64_t i = 0, shown = 0; i < states.size() && shown < 5; ++i)
      if (states[i] == State::failed) {
        fmt::print(stderr, "{}: item {} failed: {}\n", study->name(), i, file.error(i));
        ++shown;
      }
  }
  if (world.is_root() && status == all_done) remove_checkpoints(*options.out);
  results.sync();
  world.barrier();
  results.close();
  return status;
}

}  // namespace

std::string read_text(std::filesystem::path const& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream || std::filesystem::is_directory(path)) throw InputError(fmt::format("{}: cannot be read", path.string()));
  return {std::istreambuf_iterator<char>(stream), {}};
}

ExitStatus run(RunOptions const& options, Registry const& registry) {
  try {
    catch_stop_signals();
    par::Environment const environment;
    auto const world = par::Communicator::world();
    try {
      return run_on(world, options, registry);
    } catch (Refused const& refused) {
      return refused.status;
    } catch (std::exception const& error) {
      par::abort_run(error.what());
    }
  } catch (Error const& error) {
    fmt::print(stderr, "fermiac: {}\n", error.what());
    return some_failed;
  }
}

}  // namespace fermiac::study
