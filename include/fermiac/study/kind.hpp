/// What the engine knows of a kind of study: parameters, variables, how to compute an item and how to summarise a point.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fermiac/base/context.hpp"
#include "fermiac/base/parameter.hpp"
#include "fermiac/base/range.hpp"
#include "fermiac/base/team.hpp"

namespace fermiac::study {

/// An own dimension of a kind's variables, as long as the longest point needs.
struct Dimension {
  std::string name;
  std::uint64_t size = 0;
  std::string long_name;
  std::vector<std::string> labels = {};  ///< its coordinates, `size` of them; none: 0, 1, ...
};

/// A user's file that a point reads beside the study file.
struct Input {
  std::string key;   ///< parameter that names it
  std::string path;  ///< as given
};

/// What one value of a variable belongs to.
enum class Scope {
  replicate,  ///< dimensions [axes..., replicate, own...]; computed by an item
  item,       ///< dimensions [axes..., item, own...]: partial moments over an item's replicates; computed by an item
  point,      ///< dimensions [axes..., own...]: written by the pass after the last item
  study       ///< dimensions [own...]: written by the pass over all points
};

/// Whether a non-finite value fails the item or means "not applicable".
enum class Presence { required, optional };

/// One named array of the results file. All values are doubles; flags are 0 and 1, counts are exact up to 2^53.
struct Variable {
  std::string name;
  Scope scope = Scope::replicate;
  std::string units;
  std::string long_name;
  Presence presence = Presence::required;
  std::vector<std::string> dimensions = {};  ///< own dimensions, after those of the scope
  std::vector<std::string> meanings = {};    ///< of the values 0, 1, ..., where they stand for words
};

/// The values of a set of variables for a number of entries (replicates of an item; the item; the point).
///
/// A variable's values lie entry after entry, each padded with NaN to the own dimensions' full sizes (row-major).
class Record {
 public:
  /// Space for the variables of `scope` (NaN), `n_entries` entries of each.
  Record(std::span<Variable const> variables, std::span<Dimension const> dimensions, Scope scope, std::uint64_t n_entries);

  /// The padded values of entry `entry` (one value where the variable has no own dimension).
  std::span<double> values(std::string_view name, std::uint64_t entry = 0);
  std::span<double const> values(std::string_view name, std::uint64_t entry = 0) const;

  void set(std::string_view name, double value, std::uint64_t entry = 0) { values(name, entry).front() = value; }
  /// Copies `from` to the first values of the entry, leaving the rest NaN.
  void set(std::string_view name, std::span<double const> from, std::uint64_t entry = 0);
  /// Copies an array of these sizes (row-major; as many as the variable has own dimensions, none longer) to the places of the
  /// same indices, leaving the rest NaN.
  void set(std::string_view name, std::span<double const> from, std::span<std::uint64_t const> sizes, std::uint64_t entry);
  /// Copies what fits of another record's entry, index by index: own dimensions may be longer or shorter there.
  void take(std::string_view name, Record const& from, std::uint64_t entry);
  double value(std::string_view name, std::uint64_t entry = 0) const { return values(name, entry).front(); }

  std::uint64_t n_entries() const noexcept { return n_entries_; }

  /// One variable's values of all entries, and the number of values an entry has.
  struct Column {
    Variable const* variable = nullptr;
    std::uint64_t per_entry = 1;
    std::vector<double> values;
    std::vector<std::uint64_t> sizes = {};  ///< of the own dimensions
  };
  std::vector<Column> const& columns() const noexcept { return columns_; }
  std::vector<Column>& columns() noexcept { return columns_; }

 private:
  Column const& column(std::string_view name) const;

  std::uint64_t n_entries_;
  std::vector<Column> columns_;
};

/// What an item yields: its replicates' values and its own.
struct ItemRecord {
  Record replicates;
  Record item;
};

/// An estimate of a point beside its truth, as a kind with many of them wants them shown: tables of lines and measures.
struct Finding {
  std::string table;              ///< which table of the point: a quantity
  std::string line;               ///< which line of it: an estimator
  std::string measure;            ///< which column
  double value, error, truth, z;  ///< NaN: there is none
};

/// A kind of study. Everything is const and free of hidden state: an item is a pure function of its arguments.
class Kind {
 public:
  virtual ~Kind() = default;

  virtual std::string name() const = 0;     ///< "vmc"; what a study file says
  virtual std::string family() const = 0;   ///< "vmc", "flow" or "estimator"
  virtual std::string summary() const = 0;  ///< one line: what is studied
  virtual std::string truth() const = 0;    ///< one line: what its results are held against, with its source

  /// Conventions a reader of the numbers must know (Hamiltonian, units, signs); lines of text, stored in the results file.
  virtual std::string conventions() const = 0;

  /// All keys of its own tables. Called once.
  virtual std::vector<Parameter> parameters() const = 0;

  /// Checks what single ranges cannot say.
  /// @throws InputError  naming the key
  virtual void check(Parameters const&) const {}

  /// The files that it reads. Their SHA-256 go into the results file.
  virtual std::vector<Input> inputs(Parameters const&) const { return {}; }

  /// Reads these files and checks them. Called for every point before items are computed; `compute` then sees the same
  /// arrays whatever becomes of the files.
  /// @throws InputError  naming the key
  virtual void prepare(Parameters const&) const {}

  virtual std::vector<Variable> variables() const = 0;

  /// The own dimensions' sizes at this point. The same names in the same order at every point. Labels are stored where all
  /// points have the same.
  virtual std::vector<Dimension> dimensions(Parameters const&) const { return {}; }

  /// Names of the point variables that `show` prints, in order. `x` is printed with its error where there is `x_error`.
  virtual std::vector<std::string> table() const = 0;

  /// Keys whose values a reader of the table must know: `show` prints them where they are no columns of it.
  virtual std::vector<std::string> headline() const { return {}; }

  /// How many replicates an item holds; the last one may hold fewer.
  virtual std::uint64_t replicates_per_item(Parameters const&) const { return 1; }

  /// Work of one replicate in units of the kind's own (moves, draws); orders items, longest first.
  virtual double work(Parameters const&) const = 0;

  /// Processor seconds that one unit of work takes on one thread here, by a short self-timing (at most half a second).
  /// After `prepare`.
  virtual double seconds_per_work(Parameters const&) const = 0;

  /// Bytes that an item needs while it is computed, about; shared by the members of its team.
  virtual double memory(Parameters const&) const { return 0; }

  /// Computes an item: fills the record's required variables for `replicates`, entry by entry.
  ///
  /// @param point       its parameters
  /// @param seed        of the study; with the point's canonical text and the replicate it names the streams
  /// @param replicates  a contiguous range
  /// @throws ItemFailure  where it cannot be computed; Stopped after saving a checkpoint on request. All members of a team
  ///                      must come to the same end (decide from gathered values, or by `Team::any`): others would wait.
  virtual void compute(Parameters const& point, std::uint64_t seed, Range replicates, Team& team, Context& context,
                       ItemRecord& record) const = 0;

  /// The pass after the last item: from all done items of a point to its point variables. Deterministic and repeatable.
  /// A variable that cannot be computed stays NaN.
  ///
  /// @param items  records of the done items, in order; may be empty where all failed
  virtual void summarise(Parameters const& point, std::vector<ItemRecord> const& items, Context& context,
                         Record& summary) const = 0;

  /// The pass over all points after that, where there are variables of the study: fills these, and what of a point needs other
  /// points. Deterministic and repeatable: what it fills of a point, it does not read.
  ///
  /// @param points, summaries  in order, the last axis running fastest
  virtual void summarise_study(std::span<Parameters const> /*points*/, std::span<Record> /*summaries*/,
                               Record& /*whole*/) const {}

  /// How many items of a point come before anybody asks whether they are `enough`; 0: all that there are. Else items come in
  /// rounds that end at once, twice, four times, ... as many, so that the same items are computed whoever computes them.
  virtual std::uint64_t first_round(Parameters const&) const { return 0; }

  /// Asked after a round: whether the later items of the point are not needed. Deterministic.
  ///
  /// @param items  records of the done items so far, in order
  virtual bool enough(Parameters const& /*point*/, std::vector<ItemRecord> const& /*items*/) const { return false; }

  /// What `show` prints of a point instead of a line of `table()`, in order; empty: that line.
  virtual std::vector<Finding> findings(Parameters const& /*point*/, Record const& /*summary*/) const { return {}; }

  /// What `show` ends with, from the variables of the study; lines of text, or empty.
  virtual std::string verdict(Record const& /*whole*/) const { return {}; }
};

/// The kinds of a program.
class Registry {
 public:
  void add(std::unique_ptr<Kind const> kind);

  /// @throws InputError  for "study.kind" where there is none of that name, with the nearest
  Kind const& kind(std::string_view name) const;
  std::vector<Kind const*> kinds() const;

 private:
  std::vector<std::unique_ptr<Kind const>> kinds_;
};

}  // namespace fermiac::study
