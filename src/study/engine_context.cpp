#include "fermiac/study/engine_context.hpp"

#include <omp.h>

#include "fermiac/io/checkpoint.hpp"
#include "fermiac/study/stop.hpp"

namespace fermiac::study {

namespace {
constexpr std::chrono::microseconds poll_interval{200};
}

EngineContext::EngineContext(par::SharedCounter& counter, Progress& progress, Deadline deadline, bool leads_team,
                             double checkpoint_interval_s)
    : counter_(counter),
      progress_(progress),
      deadline_(deadline),
      leads_team_(leads_team),
      checkpoint_interval_s_(checkpoint_interval_s) {}

void EngineContext::tick() {
  if (omp_get_thread_num() != 0) return;
  auto const now = std::chrono::steady_clock::now();
  if (now - last_poll_ < poll_interval) return;
  last_poll_ = now;
  poll();
}

void EngineContext::poll() {
  counter_.progress();
  on_poll_();
  if (!stop_ && (stop_signalled() || deadline_.passed())) counter_.ask_stop();
  stop_ = stop_ || counter_.stop_asked();
  if (progress_.is_due()) progress_.show(counter_.finished());
}

bool EngineContext::checkpoint_due() const {
  return stop_ || std::chrono::duration<double>(std::chrono::steady_clock::now() - last_save_).count() > checkpoint_interval_s_;
}

void EngineContext::begin_item(std::filesystem::path checkpoint, std::string fingerprint) {
  checkpoint_ = std::move(checkpoint);
  fingerprint_ = std::move(fingerprint);
  kept_ = false;
  last_save_ = std::chrono::steady_clock::now();
  poll();
}

std::optional<Archive> EngineContext::saved() {
  auto checkpoint = io::read_checkpoint(checkpoint_, fingerprint_);
  kept_ = kept_ || checkpoint.state || !checkpoint.ignored.empty();
  return checkpoint.state;
}

void EngineContext::save(Archive const& state) {
  if (leads_team_) io::write_checkpoint(checkpoint_, fingerprint_, state);
  kept_ = true;
  last_save_ = std::chrono::steady_clock::now();
}

void EngineContext::end_item() {
  if (kept_ && leads_team_) io::remove_checkpoint(checkpoint_);
  kept_ = false;
}

}  // namespace fermiac::study
