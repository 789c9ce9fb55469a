/// What an item may ask of the engine while it computes.
#pragma once

#include <optional>

#include "fermiac/base/archive.hpp"

namespace fermiac {

/// The engine as an item sees it: it keeps messages moving, asks for a stop, keeps checkpoints. Nothing here may
/// influence what the item computes.
class Context {
 public:
  virtual ~Context() = default;

  /// To be called at least every millisecond by every kernel loop, from any thread: it drives the messages of the rank
  /// (other ranks' claims wait for that), polls the stop word and redraws the progress line. Reads the clock (some
  /// 20 ns) where nothing is due; returns at once on all threads but the first.
  virtual void tick() = 0;

  /// Share of the item's work that is done, 0 to 1; for the progress line only.
  virtual void progress(double fraction) = 0;

  /// Whether the item should save its state now: it has been some time since the last checkpoint, or a stop was asked for.
  /// Asked by one member of a team between two rounds and agreed with `Team::any` before anybody acts on it.
  virtual bool checkpoint_due() const = 0;

  /// Whether a stop was asked for. An item that saved its checkpoint then throws `Stopped`. Agreed with `Team::any` too.
  virtual bool stop_requested() const = 0;

  /// The state saved by an earlier, interrupted computation of this same item; none where it starts afresh.
  virtual std::optional<Archive> saved() = 0;

  /// Keeps `state` so that the item can go on from here after any kill. All members of a team call it with the same state.
  /// @throws SystemError  where the file cannot be written
  virtual void save(Archive const& state) = 0;
};

/// A context that does nothing: for tests, self-timings and `fermiac item`.
class Quiet final : public Context {
 public:
  void tick() override {}
  void progress(double) override {}
  bool checkpoint_due() const override { return false; }
  bool stop_requested() const override { return false; }
  std::optional<Archive> saved() override { return std::nullopt; }
  void save(Archive const&) override {}
};

}  // namespace fermiac
