/// What a SystemError says.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fermiac/base/error.hpp"

namespace fermiac::io::test {

/// The message of the SystemError that `action` throws; empty where it throws none.
inline std::string refusal(std::function<void()> const& action) {
  try {
    action();
  } catch (SystemError const& error) {
    return error.what();
  }
  return "";
}

inline bool is_one_line_with(std::string const& message, std::vector<std::string> const& parts) {
  for (auto const& part : parts) {
    if (message.find(part) == std::string::npos) return false;
  }
  return message.find('\n') == std::string::npos;
}

}  // namespace fermiac::io::test
