#include "fermiac/base/error.hpp"

namespace fermiac {

void assertion_failed(char const* condition, char const* file, int line) {
  throw std::logic_error(std::string("internal error: ") + condition + " does not hold (" + file + ":" + std::to_string(line) +
                         ")");
}

}  // namespace fermiac
