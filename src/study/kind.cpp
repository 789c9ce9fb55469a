#include "fermiac/study/kind.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "fermiac/base/error.hpp"

namespace fermiac::study {

namespace {

/// Copies the box of indices that two row-major arrays have in common.
void copy_common(std::span<double const> from, std::span<std::uint64_t const> from_sizes, std::span<double> to,
                 std::span<std::uint64_t const> to_sizes) {
  if (from.empty() || to.empty()) return;
  if (from_sizes.size() <= 1) {
    std::copy_n(from.begin(), std::min(from.size(), to.size()), to.begin());
    return;
  }
  auto const from_stride = from.size() / from_sizes.front();
  auto const to_stride = to.size() / to_sizes.front();
  for (std::uint64_t i = 0; i < std::min(from_sizes.front(), to_sizes.front()); ++i)
    copy_common(from.subspan(i * from_stride, from_stride), from_sizes.subspan(1), to.subspan(i * to_stride, to_stride),
                to_sizes.subspan(1));
}

}  // namespace

Record::Record(std::span<Variable const> variables, std::span<Dimension const> dimensions, Scope scope, std::uint64_t n_entries)
    : n_entries_(n_entries) {
  for (auto const& variable : variables) {
    if (variable.scope != scope) continue;
    Column column{&variable, 1, {}};
    for (auto const& name : variable.dimensions) {
      auto const found = std::ranges::find(dimensions, name, &Dimension::name);
      FERMIAC_ASSERT(found != dimensions.end());
      column.per_entry *= found->size;
      column.sizes.push_back(found->size);
    }
    column.values.assign(n_entries * column.per_entry, std::numeric_limits<double>::quiet_NaN());
    columns_.push_back(std::move(column));
  }
}

Record::Column const& Record::column(std::string_view name) const {
  for (auto const& candidate : columns_)
    if (candidate.variable->name == name) return candidate;
  throw std::logic_error("internal error: there is no variable '" + std::string(name) + "' in this record");
}

std::span<double const> Record::values(std::string_view name, std::uint64_t entry) const {
  auto const& found = column(name);
  FERMIAC_ASSERT(entry < n_entries_);
  return std::span(found.values).subspan(entry * found.per_entry, found.per_entry);
}

std::span<double> Record::values(std::string_view name, std::uint64_t entry) {
  auto const constant = std::as_const(*this).values(name, entry);
  return {const_cast<double*>(constant.data()), constant.size()};
}

void Record::set(std::string_view name, std::span<double const> from, std::uint64_t entry) {
  auto const to = values(name, entry);
  FERMIAC_ASSERT(from.size() <= to.size());
  std::ranges::copy(from, to.begin());
}

void Record::set(std::string_view name, std::span<double const> from, std::span<std::uint64_t const> sizes,
                 std::uint64_t entry) {
  auto const& own = column(name).sizes;
  FERMIAC_ASSERT(sizes.size() == own.size() &&
                 from.size() == std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{1}, std::multiplies<>()));
  for (std::size_t d = 0; d < own.size(); ++d) FERMIAC_ASSERT(sizes[d] <= own[d]);
  copy_common(from, sizes, values(name, entry), own);
}

void Record::take(std::string_view name, Record const& from, std::uint64_t entry) {
  auto const& theirs = from.column(name);
  auto const& own = column(name);
  FERMIAC_ASSERT(theirs.sizes.size() == own.sizes.size());
  copy_common(from.values(name, entry), theirs.sizes, values(name, entry), own.sizes);
}

void Registry::add(std::unique_ptr<Kind const> kind) { kinds_.push_back(std::move(kind)); }

Kind const& Registry::kind(std::string_view name) const {
  std::vector<std::string> names;
  for (auto const& kind : kinds_) {
    if (kind->name() == name) return *kind;
    names.push_back(kind->name());
  }
  throw InputError("study.kind", "there is no kind \"" + std::string(name) + "\" (did you mean \"" + nearest(name, names) +
                                     "\"? `fermiac list` prints all)");
}

std::vector<Kind const*> Registry::kinds() const {
  std::vector<Kind const*> result;
  for (auto const& kind : kinds_) result.push_back(kind.get());
  return result;
}

}  // namespace fermiac::study
