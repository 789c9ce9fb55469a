#include "fermiac/study/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "fermiac/study/progress.hpp"

namespace fermiac::study {

namespace {

/// Seconds since an ISO time in UTC, as /run writes it.
double seconds_since(std::string const& time) {
  std::tm fields{};
  if (!strptime(time.c_str(), "%Y-%m-%dT%H:%M:%SZ", &fields)) return 0;
  return std::difftime(std::time(nullptr), timegm(&fields));
}

}  // namespace

Status status_of(Study const& study, StudyFile const& file, bool running) {
  Status status;
  status.name = study.name();
  status.n_items = study.n_items();
  status.running = running;
  for (auto const state : file.states()) {
    if (state == State::done) ++status.done;
    if (state == State::failed) ++status.failed;
    if (state == State::pending) ++status.pending;
    if (state == State::not_needed) ++status.not_needed;
  }
  status.summarised = file.is_summarised();
  auto const executions = file.executions();
  status.executions = executions.size();
  if (running && !executions.empty()) {
    double const elapsed_s = seconds_since(executions.back().start);
    auto const finished =
        static_cast<double>(status.n_items - status.pending) - static_cast<double>(executions.back().items_before);
    if (elapsed_s > 0 && finished > 0) {
      status.rate = finished / elapsed_s;
      status.time_left_s = static_cast<double>(status.pending) / *status.rate;
    }
  }
  return status;
}

std::string Status::as_text() const {
  std::string text = fmt::format("{}: {} of {} items done, {} failed, {} pending", name, done, n_items, failed, pending);
  if (not_needed) text += fmt::format(", {} not needed", not_needed);
  text += running      ? ", running"
          : pending    ? ", not running (--resume goes on)"
          : summarised ? ", complete"
                       : ", not summarised (--resume does it)";
  if (rate) text += fmt::format("; {:.3g} items/s, {} left", *rate, duration(*time_left_s));
  return text + "\n";
}

std::string Status::as_json() const {
  auto const number = [](std::optional<double> value) { return value ? fmt::format("{}", *value) : "null"; };
  return fmt::format(
      "{{\"name\": \"{}\", \"items\": {}, \"done\": {}, \"failed\": {}, \"pending\": {}, \"not_needed\": {}, \"summarised\": "
      "{}, "
      "\"running\": {}, \"executions\": {}, \"rate\": {}, \"time_left_s\": {}}}\n",
      name, n_items, done, failed, pending, not_needed, summarised, running, executions, number(rate), number(time_left_s));
}

}  // namespace fermiac::study
