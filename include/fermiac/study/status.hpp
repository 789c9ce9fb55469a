/// How far a study is; works while it runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "fermiac/study/study_file.hpp"

namespace fermiac::study {

struct Status {
  std::string name;
  std::uint64_t n_items = 0, done = 0, failed = 0, pending = 0, not_needed = 0;
  bool summarised = false;
  bool running = false;        ///< a program holds the file's lock
  std::optional<double> rate;  ///< items a second in the current execution; none where nothing runs
  std::optional<double> time_left_s;
  std::uint64_t executions = 0;

  std::string as_text() const;
  std::string as_json() const;
};

/// @param running  whether the lock of the file is held
Status status_of(Study const& study, StudyFile const& file, bool running);

}  // namespace fermiac::study
