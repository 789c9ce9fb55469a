/// Interruptions at will.
#pragma once

#include <optional>
#include <thread>

#include "fermiac/base/context.hpp"

namespace fermiac::testing {

/// Stops at the k-th opportunity; keeps the archive for the next attempt.
class Stopping final : public Context {
 public:
  explicit Stopping(std::uint64_t opportunities) : left_(opportunities) {}
  void tick() override {
    ++ticks;
    if (std::this_thread::get_id() != thread_) foreign_tick = true;
  }
  void progress(double fraction) override {
    if (!(fraction >= last_fraction && fraction <= 1)) bad_progress = true;
    last_fraction = fraction;
  }
  bool checkpoint_due() const override { return left_ != 0 && --left_ == 0; }
  bool stop_requested() const override { return left_ == 0; }
  std::optional<Archive> saved() override {
    if (!has_saved_) return std::nullopt;
    return saved_;
  }
  void save(Archive const& state) override {
    has_saved_ = true;
    saved_ = state;
  }

  bool has_saved() const { return has_saved_; }
  Archive const& state() const { return saved_; }

  std::uint64_t ticks = 0;
  bool foreign_tick = false;
  bool bad_progress = false;
  double last_fraction = 0;

 private:
  mutable std::uint64_t left_;
  bool has_saved_ = false;  // not an optional: GCC 12 warns of it under the address sanitizer
  Archive saved_;
  std::thread::id thread_ = std::this_thread::get_id();
};

}  // namespace fermiac::testing
