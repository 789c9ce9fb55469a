/// A study's results file: which variables there are, how items and summaries go in and come out.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fermiac/io/results_file.hpp"
#include "fermiac/io/schema.hpp"
#include "fermiac/study/study.hpp"

namespace fermiac::study {

/// What `done[axes..., item]` holds.
enum class State : std::uint8_t { pending = 0, done = 1, failed = 2, not_needed = 3 };

/// An item that has been computed, or has failed.
struct Finished {
  std::uint64_t index = 0;
  State state = State::done;
  ItemRecord record;
  std::string error;  ///< empty unless failed; at most 255 bytes are kept
};

/// One execution of a study, as /run records it.
struct Execution {
  std::string version, commit, build, hosts, slurm_job, start, end, outcome;
  std::int64_t ranks = 0, threads = 0, items_before = 0, items_after = 0;
};
constexpr std::uint64_t max_executions = 64;  ///< later ones take the last place

/// Reads the input files of all points (`Kind::prepare`) and returns a line "SHA-256 path" for each, in order of their paths;
/// empty where there are none. @throws InputError  naming the key
std::string prepare_inputs(Study const& study);

/// The layout of the results file of a study (DESIGN: one file, netCDF-4 conventions, all datasets there from the start).
/// @param inputs  of `prepare_inputs`; the attribute `inputs` where it is not empty
io::Schema schema_of(Study const& study, std::string const& inputs = {});

/// The study stored in a results file. @throws InputError where the file is not one of fermiac, or of a newer schema
Study stored_study(io::ResultsFile const& file, Registry const& registry);

/// The items and summaries of a study in an open results file.
///
/// Only raw values are written: first the values of items, then their checksums, then their `done` bytes, so that a kill
/// at any instant leaves a file in which every item marked done is whole.
class StudyFile {
 public:
  /// @param study, file  must outlive this object
  /// @throws SystemError  where the file has not the items of the study
  StudyFile(Study const& study, io::ResultsFile& file);

  std::vector<State> states() const;

  /// Writes finished items; consecutive ones together. Sorts `batch`.
  void write(std::vector<Finished>& batch);

  /// Marks items as pending again.
  void reset(std::vector<std::uint64_t> const& items);
  /// Marks a range of items that are pending as not needed.
  void mark_not_needed(Range items);

  ItemRecord read(std::uint64_t item) const;
  std::string error(std::uint64_t item) const;

  /// Whether the stored values are those that were written (their checksum agrees).
  bool is_intact(std::uint64_t item) const;
  /// The items among those done or failed that are not intact, in order; reads the file in large pieces.
  std::vector<std::uint64_t> damaged(std::span<State const> states) const;

  void write_summary(std::uint64_t point, Record const& summary);
  Record read_summary(std::uint64_t point) const;
  void write_whole(Record const& whole);
  Record read_whole() const;
  void mark_summarised(bool summarised);
  bool is_summarised() const;

  /// Executions so far.
  std::vector<Execution> executions() const;
  void write_execution(std::uint64_t place, Execution const& execution);

 private:
  /// For each item of a range whether it is intact.
  std::vector<bool> are_intact(Range items) const;

  Study const& study_;
  io::ResultsFile& file_;
};

}  // namespace fermiac::study
