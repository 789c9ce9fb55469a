/// A study: its file read, checked and resolved into points and items.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/base/parameter.hpp"
#include "fermiac/base/range.hpp"
#include "fermiac/study/kind.hpp"

namespace fermiac::study {

/// One axis of the sweep: keys that vary together.
struct Axis {
  std::string name;                        ///< last component of the first key, or "table_key" where that is taken
  std::vector<std::string> keys;           ///< in source order
  std::vector<std::vector<Value>> values;  ///< values[k][i]: of key k at place i

  std::uint64_t size() const { return values.front().size(); }
  /// Name of the coordinate of key k: the axis's own name for the first, the key with underscores for the others.
  std::string coordinate_name(std::size_t k) const;
};

/// What a rank claims: a point and a contiguous range of its replicates.
struct Item {
  std::uint64_t point = 0;
  Range replicates;
};

/// A study, resolved. Points are numbered with the last axis running fastest; items point after point.
class Study {
 public:
  /// Reads the text of a study file.
  ///
  /// @param source     the file's bytes (TOML)
  /// @param file_name  for messages: "file:line: ..."
  /// @param overrides  "key=value" of the command line, applied last
  /// @throws InputError  one line with file, line, key, what was expected, the nearest valid key
  Study(std::string source, std::string const& file_name, Registry const& registry,
        std::vector<std::string> const& overrides = {});

  std::string const& source() const noexcept { return source_; }
  std::string const& name() const noexcept { return name_; }
  Kind const& kind() const noexcept { return *kind_; }
  std::uint64_t seed() const noexcept { return seed_; }
  std::uint64_t replicates() const noexcept { return replicates_; }
  std::vector<Axis> const& axes() const noexcept { return axes_; }

  std::uint64_t n_points() const noexcept { return n_points_; }
  std::uint64_t items_per_point() const noexcept { return (replicates_ + replicates_per_item_ - 1) / replicates_per_item_; }
  std::uint64_t n_items() const noexcept { return n_points_ * items_per_point(); }
  std::uint64_t replicates_per_item() const noexcept { return replicates_per_item_; }

  Item item(std::uint64_t index) const;
  Parameters point(std::uint64_t index) const;
  /// The place of a point on each axis.
  std::vector<std::uint64_t> places(std::uint64_t point) const;

  std::vector<Variable> const& variables() const noexcept { return *variables_; }
  /// Own dimensions, each as long as the longest point needs.
  std::vector<Dimension> const& dimensions() const noexcept { return dimensions_; }

  /// An empty record for an item.
  ItemRecord item_record(Item const& item) const;
  /// An empty record for a point.
  Record summary_record() const;
  /// An empty record for the study itself.
  Record whole_record() const;

  /// The same error with file and line of its key, for what `Kind::check` and `Kind::prepare` refuse.
  InputError located(InputError const& error) const;

  /// Canonical form with defaults and overrides: a study file that resolves to the same study.
  std::string resolved() const;

 private:
  std::string source_;
  std::string name_;
  Kind const* kind_ = nullptr;
  std::shared_ptr<std::vector<Parameter> const> declared_;
  std::shared_ptr<std::vector<Variable> const> variables_;
  std::vector<Dimension> dimensions_;
  std::uint64_t seed_ = 0;
  std::uint64_t replicates_ = 1;
  std::uint64_t replicates_per_item_ = 1;
  std::uint64_t n_points_ = 1;
  std::vector<Axis> axes_;
  std::unique_ptr<Parameters> base_;
  std::string file_name_;
  std::map<std::string, std::string> where_;  ///< "file:line: " of the keys that it gives
};

/// The keys of the table [study], as declared parameters.
std::vector<Parameter> study_parameters();

/// A commented study file of a kind with every key, its default, unit and meaning.
std::string template_text(Kind const& kind);

}  // namespace fermiac::study
