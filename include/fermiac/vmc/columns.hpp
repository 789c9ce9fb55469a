/// Walkers down the rows: the matrix of `simd/columns.hpp` by the name that this module uses.
#pragma once

#include "fermiac/simd/columns.hpp"

namespace fermiac::vmc {

using simd::Columns;

}  // namespace fermiac::vmc
