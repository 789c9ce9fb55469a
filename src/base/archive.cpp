#include "fermiac/base/archive.hpp"

#include <algorithm>

#include "fermiac/base/error.hpp"

namespace fermiac {

namespace {

template <typename Map, typename Value>
void copy_out(Map const& map, std::string_view name, std::span<Value> out) {
  auto const found = map.find(name);
  if (found == map.end()) throw SystemError("the checkpoint holds no array '" + std::string(name) + "'");
  if (found->second.size() != out.size())
    throw SystemError("array '" + std::string(name) + "' of the checkpoint holds " + std::to_string(found->second.size()) +
                      " values where " + std::to_string(out.size()) + " belong");
  std::copy(found->second.begin(), found->second.end(), out.begin());
}

}  // namespace

void Archive::put(std::string const& name, std::span<double const> values) {
  reals_[name].assign(values.begin(), values.end());
}

void Archive::put_integers(std::string const& name, std::span<std::uint64_t const> values) {
  integers_[name].assign(values.begin(), values.end());
}

bool Archive::holds(std::string_view name) const { return reals_.contains(name) || integers_.contains(name); }

void Archive::take(std::string_view name, std::span<double> out) const { copy_out(reals_, name, out); }

void Archive::take_integers(std::string_view name, std::span<std::uint64_t> out) const { copy_out(integers_, name, out); }

std::uint64_t Archive::take_integer(std::string_view name) const {
  std::uint64_t value = 0;
  take_integers(name, {&value, 1});
  return value;
}

}  // namespace fermiac
