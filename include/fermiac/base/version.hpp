/// Which program this is.
#pragma once

#include <string>

namespace fermiac {

/// Version of the program, "0.1.0".
std::string version();

/// Short commit the program was built from, with "-dirty" where the work tree differed; "unknown" outside a repository.
std::string commit();

/// How it was built: mode, architecture and compiler, "release, ARCH=native, GCC 12.2.0".
std::string build();

}  // namespace fermiac
