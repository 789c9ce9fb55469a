#include "fermiac/study/kind.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "fermiac/base/error.hpp"

namespace fermiac::study {

Record::Record(std::span<Variable const> variables, std::span<Dimension const> dimensions, Scope scope, std::uint64_t n_entries)
    : n_entries_(n_entries) {
  for (auto const& variable : variables) {
    if (variable.scope != scope) continue;
    Column column{&variable, 1, {}};
    for (auto const& name : variable.dimensions) {
      auto const found = std::ranges::find(dimensions, name, &Dimension::name);
      FERMIAC_ASSERT(found != dimensions.end());
      column.per_entry *= found->size;
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
