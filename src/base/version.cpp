#include "fermiac/base/version.hpp"

// FERMIAC_VERSION, FERMIAC_COMMIT, FERMIAC_MODE and FERMIAC_ARCH come from the Makefile, for this file alone.

namespace fermiac {

std::string version() { return FERMIAC_VERSION; }

std::string commit() { return FERMIAC_COMMIT; }

std::string build() { return std::string(FERMIAC_MODE) + ", ARCH=" + FERMIAC_ARCH + ", GCC " + __VERSION__; }

}  // namespace fermiac
