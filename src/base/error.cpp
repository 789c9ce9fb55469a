#include "fermiac/base/error.hpp"

namespace fermiac {

std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

void assertion_failed(char const* condition, char const* file, int line) {
  throw std::logic_error(std::string("internal error: ") + condition + " does not hold (" + file + ":" + std::to_string(line) +
                         ")");
}

}  // namespace fermiac
