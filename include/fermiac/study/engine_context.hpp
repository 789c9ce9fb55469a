/// The engine as the items of a run see it.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include "fermiac/base/context.hpp"
#include "fermiac/base/deadline.hpp"
#include "fermiac/par/counter.hpp"
#include "fermiac/study/progress.hpp"

namespace fermiac::study {

/// Moves messages, notices deadline and signals, keeps the checkpoints of the item at hand.
class EngineContext final : public Context {
 public:
  /// @param leads_team             whether this rank writes the checkpoints of its team
  /// @param checkpoint_interval_s  seconds between two checkpoints of an item
  EngineContext(par::SharedCounter& counter, Progress& progress, Deadline deadline, bool leads_team,
                double checkpoint_interval_s);

  void tick() override;
  void progress(double fraction) override { progress_.set_current(fraction); }
  bool checkpoint_due() const override;
  bool stop_requested() const override { return stop_; }
  std::optional<Archive> saved() override;
  void save(Archive const& state) override;

  /// The item that saves and is restored from now on, by its file; `fingerprint` names study and item.
  void begin_item(std::filesystem::path checkpoint, std::string fingerprint);
  /// Removes the item's checkpoint: it is done, and written.
  void end_item();
  /// Whether the item has one.
  bool has_checkpoint() const { return kept_; }

  /// Called now and then by `tick`, for what the run must do in time.
  void on_poll(std::function<void()> action) { on_poll_ = std::move(action); }

 private:
  void poll();

  par::SharedCounter& counter_;
  Progress& progress_;
  Deadline deadline_;
  bool leads_team_;
  double checkpoint_interval_s_;
  std::filesystem::path checkpoint_;
  std::string fingerprint_;
  std::function<void()> on_poll_ = [] {};
  bool kept_ = false;
  std::chrono::steady_clock::time_point last_poll_{};
  std::chrono::steady_clock::time_point last_save_{};
  bool stop_ = false;
};

}  // namespace fermiac::study
