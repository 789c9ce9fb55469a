/// A contiguous range of counts.
#pragma once

#include <cstdint>

namespace fermiac {

/// The numbers first, first + 1, ..., last - 1.
struct Range {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  std::uint64_t size() const noexcept { return last - first; }
  bool empty() const noexcept { return first == last; }
  friend bool operator==(Range const&, Range const&) = default;
};

/// Part `index` of `n_parts` of the numbers 0 ... n-1: contiguous, in order, sizes differing by at most one, the longer first.
constexpr Range share_of(std::uint64_t n, std::uint64_t n_parts, std::uint64_t index) noexcept {
  auto const quotient = n / n_parts;
  auto const remainder = n % n_parts;
  auto const first = index * quotient + (index < remainder ? index : remainder);
  return {first, first + quotient + (index < remainder ? 1 : 0)};
}

}  // namespace fermiac
