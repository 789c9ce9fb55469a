/// Named arrays: what a checkpoint holds.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fermiac {

/// Named arrays of doubles and of unsigned integers, ordered by name.
///
/// An archive is the whole state of a long item between two of its rounds: walkers, tuning, moments of the optimiser,
/// accumulators, counters of the streams. It is defined on the team, never on a rank: the same item saves the same
/// archive whatever the number of ranks and threads.
class Archive {
 public:
  /// Stores a copy of `values` under `name`, replacing what was there.
  void put(std::string const& name, std::span<double const> values);
  void put_integers(std::string const& name, std::span<std::uint64_t const> values);
  void put_integer(std::string const& name, std::uint64_t value) { put_integers(name, {&value, 1}); }

  bool holds(std::string_view name) const;

  /// Copies the array `name` to `out`.
  /// @throws SystemError  where there is none of that name, or its length is not that of `out`
  void take(std::string_view name, std::span<double> out) const;
  void take_integers(std::string_view name, std::span<std::uint64_t> out) const;
  std::uint64_t take_integer(std::string_view name) const;

  std::map<std::string, std::vector<double>, std::less<>> const& reals() const noexcept { return reals_; }
  std::map<std::string, std::vector<std::uint64_t>, std::less<>> const& integers() const noexcept { return integers_; }

 private:
  std::map<std::string, std::vector<double>, std::less<>> reals_;
  std::map<std::string, std::vector<std::uint64_t>, std::less<>> integers_;
};

}  // namespace fermiac
