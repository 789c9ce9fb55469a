/// The progress of a run, for people: a live bar on a terminal, a line now and then in a log.
#pragma once

#include <cstdint>
#include <string>

#include "fermiac/base/deadline.hpp"

namespace fermiac::study {

/// Shows how many items are finished. Only rank 0 has one that shows anything.
class Progress {
 public:
  enum class Style { silent, bar, lines };

  /// A bar where standard error is a terminal, else a line every 30 s; nothing where `quiet`.
  static Style style(bool quiet);

  /// @param title     name of the study
  /// @param n_items   all items, of which `n_before` were finished before this run
  Progress(Style style, std::string title, std::uint64_t n_items, std::uint64_t n_before);

  /// Whether it is time to show something again; cheap.
  bool is_due() const { return style_ != Style::silent && clock_.elapsed_s() >= next_s_; }

  /// @param n_finished  in this run, by all ranks
  void show(std::uint64_t n_finished);

  /// Share of this rank's item at hand that is done; shown where items are long.
  void set_current(double fraction) { current_ = fraction; }

  /// Ends the line of the bar.
  void end();

 private:
  Style style_;
  std::string title_;
  std::uint64_t n_items_;
  std::uint64_t n_before_;
  Deadline clock_;
  double next_s_;
  double current_ = 0;
};

/// "1 h 02 min", "3 min 20 s", "12.3 s".
std::string duration(double seconds);

}  // namespace fermiac::study
