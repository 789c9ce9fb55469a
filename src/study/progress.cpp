#include "fermiac/study/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace fermiac::study {

namespace {
constexpr double bar_interval_s = 0.2;
constexpr double line_interval_s = 30;
}  // namespace

std::string duration(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  auto const whole = static_cast<std::uint64_t>(seconds);
  if (seconds < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

Progress::Style Progress::style(bool quiet) {
  if (quiet) return Style::silent;
  return isatty(STDERR_FILENO) ? Style::bar : Style::lines;
}

Progress::Progress(Style style, std::string title, std::uint64_t n_items, std::uint64_t n_before)
    : style_(style),
      title_(std::move(title)),
      n_items_(n_items),
      n_before_(n_before),
      next_s_(style == Style::bar ? 0 : line_interval_s) {}

void Progress::show(std::uint64_t n_finished) {
  if (style_ == Style::silent) return;
  auto const n = n_before_ + n_finished;
  double const share = n_items_ ? static_cast<double>(n) / static_cast<double>(n_items_) : 1;
  std::string const current = current_ > 0 && current_ < 1 ? fmt::format(", one at {:.0f} %", 100 * current_) : "";
  std::string const left =
      n_finished ? duration(clock_.elapsed_s() / static_cast<double>(n_finished) * static_cast<double>(n_items_ - n)) + " left"
                 : "";
  if (style_ == Style::bar) {
    auto const filled = static_cast<std::size_t>(30 * share);
    fmt::print(stderr, "\r\033[K{} [{}{}] {}/{} items{}  {}", title_, std::string(filled, '#'), std::string(30 - filled, '.'),
               n, n_items_, current, left);
    next_s_ = clock_.elapsed_s() + bar_interval_s;
  } else {
    fmt::print(stderr, "{}: {} of {} items ({:.0f} %){}, {}\n", title_, n, n_items_, 100 * share, current, left);
    next_s_ = clock_.elapsed_s() + line_interval_s;
  }
  std::fflush(stderr);
}

void Progress::end() {
  if (style_ == Style::bar) fmt::print(stderr, "\r\033[K");
}

}  // namespace fermiac::study
