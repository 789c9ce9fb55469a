#include "fermiac/study/study.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <set>

#include "fermiac/base/error.hpp"

namespace fermiac::study {

namespace {

constexpr std::uint64_t max_points = 10'000'000;
constexpr std::uint64_t max_replicates_of_all_points = 1'000'000'000;

/// Where a key stands, for messages.
struct Location {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  std::string prefix() const { return line ? fmt::format("{}:{}: ", file, line) : file + ": "; }
};

[[noreturn]] void refuse(Location const& at, std::string const& key, std::string const& message) {
  throw InputError(key, at.prefix() + message);
}

/// A key of the file with its value not yet interpreted.
struct Entry {
  std::string key;
  toml::node const* node = nullptr;
  Location at;
};

class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  Location location(toml::node const& node) const {
    return {file_, static_cast<std::uint32_t>(node.source().begin.line),
            static_cast<std::uint32_t>(node.source().begin.column)};
  }

  /// The leaves of a table with dotted keys, in source order. A table with the key `linear` or `log` is a leaf: a range.
  std::vector<Entry> leaves(toml::table const& table, std::string const& prefix, bool ranges) const {
    std::vector<Entry> entries;
    for (auto const& [key, node] : table) {
      std::string const dotted = prefix.empty() ? std::string(key.str()) : prefix + "." + std::string(key.str());
      auto const* inner = node.as_table();
      if (inner && !(ranges && (inner->contains("linear") || inner->contains("log")))) {
        for (auto& entry : leaves(*inner, dotted, ranges)) entries.push_back(std::move(entry));
      } else {
        entries.push_back({dotted, &node, location(node)});
      }
    }
    std::ranges::stable_sort(entries, {}, [](Entry const& e) { return std::pair(e.at.line, e.at.column); });
    return entries;
  }

  Value scalar(std::string const& key, toml::node const& node) const {
    if (auto const v = node.as_boolean()) return v->get();
    if (auto const v = node.as_integer()) return v->get();
    if (auto const v = node.as_floating_point()) return v->get();
    if (auto const v = node.as_string()) return v->get();
    refuse(location(node), key, key + ": expected a single value (values to sweep belong into a [[sweep]] table)");
  }

  /// The values along an axis: an array, or { linear = [first, last, count] } or { log = [first, last, count] }.
  std::vector<Value> series(Entry const& entry, bool whole_numbers) const {
    if (auto const* array = entry.node->as_array()) {
      std::vector<Value> values;
      for (auto const& node : *array) values.push_back(scalar(entry.key, node));
      if (values.empty()) refuse(entry.at, entry.key, entry.key + ": an axis needs at least one value");
      return values;
    }
    if (auto const* table = entry.node->as_table()) return range(entry, *table, whole_numbers);
    refuse(entry.at, entry.key,
           entry.key + ": expected an array of values, { linear = [first, last, count] } or { log = [...] }");
  }

 private:
  std::vector<Value> range(Entry const& entry, toml::table const& table, bool whole_numbers) const {
    auto const malformed = [&](char const* why) {
      refuse(entry.at, entry.key, entry.key + ": " + why + " (expected { linear = [first, last, count] } or { log = [...] })");
    };
    if (table.size() != 1) malformed("a range has one key");
    bool const logarithmic = table.contains("log");
    auto const* array = table.begin()->second.as_array();
    if (!array || array->size() != 3) malformed("a range has three numbers");
    auto const first = (*array)[0].value<double>();
    auto const last = (*array)[1].value<double>();
    auto const count = (*array)[2].value_exact<std::int64_t>();
    if (!first || !last || !count || !std::isfinite(*first) || !std::isfinite(*last)) malformed("a range has three numbers");
    if (*count < 1 || *count > static_cast<std::int64_t>(max_points)) malformed("its count is a whole number from 1 on");
    if (*count > 1 && *first == *last) malformed("its ends are equal");
    if (logarithmic && (*first <= 0 || *last <= 0)) malformed("the ends of a logarithmic range are greater than 0");
    auto const n = *count;
    std::vector<Value> values;
    if (whole_numbers && !logarithmic) {
      auto const from = (*array)[0].value_exact<std::int64_t>();
      auto const to = (*array)[1].value_exact<std::int64_t>();
      if (!from || !to || std::abs(static_cast<double>(*to) - static_cast<double>(*from)) > 9e15 ||
          (n > 1 && (*to - *from) % (n - 1) != 0))
        malformed("its values are not whole numbers");
      for (std::int64_t i = 0; i < n; ++i) values.emplace_back(*from + (n > 1 ? (*to - *from) / (n - 1) * i : 0));
      return values;
    }
    for (std::int64_t i = 0; i < n; ++i) {
      double const t = n == 1 ? 0.0 : static_cast<double>(i) / static_cast<double>(n - 1);
      double x = logarithmic ? *first * std::pow(*last / *first, t) : *first + t * (*last - *first);
      // 12 digits: the last bits of pow differ between libraries, and the streams hang on the value.
      x = i == 0 ? *first : i == n - 1 ? *last : std::strtod(fmt::format("{:.12g}", x).c_str(), nullptr);
      if (!whole_numbers)
        values.emplace_back(x);
      else if (std::abs(x) < 9e15)
        values.emplace_back(static_cast<std::int64_t>(std::llround(x)));
      else
        malformed("its values are too large");
    }
    return values;
  }

  std::string file_;
};

std::vector<std::string> keys_of(std::span<Parameter const> declared) {
  std::vector<std::string> keys;
  for (auto const& parameter : declared) keys.push_back(parameter.key());
  return keys;
}

Parameter const* find(std::span<Parameter const> declared, std::string const& key) {
  auto const found = std::ranges::find(declared, key, &Parameter::key);
  return found == declared.end() ? nullptr : &*found;
}

/// The declared parameters, those of one table together, tables in order of their first appearance.
std::vector<std::pair<std::string, std::vector<Parameter const*>>> by_table(std::span<Parameter const> declared) {
  std::vector<std::pair<std::string, std::vector<Parameter const*>>> tables;
  for (auto const& parameter : declared) {
    auto const own = parameter.key().substr(0, parameter.key().rfind('.'));
    auto found = std::ranges::find(tables, own, [](auto const& table) { return table.first; });
    if (found == tables.end()) found = tables.insert(tables.end(), {own, {}});
    found->second.push_back(&parameter);
  }
  return tables;
}

std::string last_component(std::string const& key) { return key.substr(key.rfind('.') + 1); }

std::string with_underscores(std::string key) {
  std::ranges::replace(key, '.', '_');
  return key;
}

Value accepted(Parameter const& parameter, Value const& value, Location const& at) {
  try {
    return parameter.accept(value);
  } catch (InputError const& error) {
    refuse(at, parameter.key(), error.what());
  }
}

[[noreturn]] void refuse_unknown(Location const& at, std::string const& key, std::vector<std::string> const& candidates) {
  refuse(at, key, fmt::format("unknown key \"{}\" (did you mean \"{}\"?)", key, nearest(key, candidates)));
}

/// "key=value" of the command line; a value that is no TOML is a text.
std::pair<std::string, Value> parse_override(std::string const& text) {
  Location const at{"--set " + text, 0, 0};
  auto const split = text.find('=');
  if (split == std::string::npos || split == 0) refuse(at, "", "expected key=value");
  std::string const key = text.substr(0, split);
  std::string const value = text.substr(split + 1);
  try {
    auto const table = toml::parse("value = " + value);
    if (table.size() == 1) return {key, Reader(at.file).scalar(key, *table.get("value"))};
  } catch (toml::parse_error const&) {
  }
  return {key, value};
}

}  // namespace

std::string Axis::coordinate_name(std::size_t k) const { return k == 0 ? name : with_underscores(keys[k]); }

std::vector<Parameter> study_parameters() {
  return {Parameter("study.name", std::string("study"), "names the results file; letters, digits, _ and -"),
          Parameter("study.kind", std::string(""), "what is studied; `fermiac list` prints all kinds"),
          integer("study.seed", 0, "of all random streams; required").at_least(0),
          integer("study.replicates", 1, "independent repetitions of every point").at_least(1).at_most(4294967295.0)};
}

Study::Study(std::string source, std::string const& file_name, Registry const& registry,
             std::vector<std::string> const& overrides)
    : source_(std::move(source)) {
  Reader const reader(file_name);
  toml::table document;
  try {
    document = toml::parse(source_, file_name);
  } catch (toml::parse_error const& error) {
    Location const at{file_name, static_cast<std::uint32_t>(error.source().begin.line), 0};
    refuse(at, "", fmt::format("not valid TOML: {}", error.description()));
  }
  Location const whole_file{file_name, 0, 0};

  // The table [study] first: it says which other keys there are.
  auto const own = study_parameters();
  std::map<std::string, std::pair<Value, Location>> head;
  auto const* head_table = document["study"].as_table();
  if (!head_table) refuse(whole_file, "study", "study: there is no table [study]");
  for (auto const& entry : reader.leaves(*head_table, "study", false)) {
    auto const* parameter = find(own, entry.key);
    if (!parameter) refuse_unknown(entry.at, entry.key, keys_of(own));
    head[entry.key] = {accepted(*parameter, reader.scalar(entry.key, *entry.node), entry.at), entry.at};
  }
  std::vector<std::pair<std::string, Value>> later;
  for (auto const& text : overrides) {
    auto [key, value] = parse_override(text);
    Location const at{"--set " + text, 0, 0};
    if (key.starts_with("study.")) {
      auto const* parameter = find(own, key);
      if (!parameter) refuse_unknown(at, key, keys_of(own));
      head[key] = {accepted(*parameter, value, at), at};
    } else {
      later.emplace_back(text, value);
    }
  }
  for (auto const* required : {"study.kind", "study.seed", "study.name"})
    if (!head.contains(required))
      refuse(reader.location(*head_table), required, fmt::format("{}: required, {}", required, find(own, required)->help()));
  name_ = std::get<std::string>(head["study.name"].first);
  if (name_.empty() ||
      name_.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != std::string::npos)
    refuse(head["study.name"].second, "study.name",
           fmt::format("study.name = \"{}\": expected letters, digits, _ and -", name_));
  seed_ = static_cast<std::uint64_t>(std::get<std::int64_t>(head["study.seed"].first));
  if (head.contains("study.replicates"))
    replicates_ = static_cast<std::uint64_t>(std::get<std::int64_t>(head["study.replicates"].first));
  try {
    kind_ = &registry.kind(std::get<std::string>(head["study.kind"].first));
  } catch (InputError const& error) {
    refuse(head["study.kind"].second, "study.kind", std::string("study.kind: ") + error.what());
  }
  declared_ = std::make_shared<std::vector<Parameter> const>(kind_->parameters());
  variables_ = std::make_shared<std::vector<Variable> const>(kind_->variables());
  base_ = std::make_unique<Parameters>(*declared_);
  auto const candidates = keys_of(*declared_);

  // The kind's own tables.
  std::map<std::string, Location> where;
  for (auto const& [key_of_table, node] : document) {
    std::string const name(key_of_table.str());
    if (name == "study" || name == "sweep") continue;
    auto const* table = node.as_table();
    Location const at = reader.location(node);
    if (!table) refuse_unknown(at, name, candidates);
    auto const entries = reader.leaves(*table, name, false);
    if (entries.empty() && std::ranges::none_of(candidates, [&](auto const& key) { return key.starts_with(name + "."); }))
      refuse_unknown(at, name, candidates);
    for (auto const& entry : entries) {
      auto const* parameter = find(*declared_, entry.key);
      if (!parameter) refuse_unknown(entry.at, entry.key, candidates);
      base_->set(entry.key, accepted(*parameter, reader.scalar(entry.key, *entry.node), entry.at));
      where[entry.key] = entry.at;
    }
  }
  for (auto const& [text, value] : later) {
    std::string const key = text.substr(0, text.find('='));
    Location const at{"--set " + text, 0, 0};
    auto const* parameter = find(*declared_, key);
    if (!parameter) refuse_unknown(at, key, candidates);
    base_->set(key, accepted(*parameter, value, at));
    where[key] = at;
  }

  // The axes of the sweep.
  if (auto const sweep = document["sweep"]) {
    auto const* tables = sweep.as_array();
    if (!tables || !tables->is_homogeneous(toml::node_type::table))
      refuse(reader.location(*sweep.node()), "sweep", "sweep: expected tables [[sweep]]");
    for (auto const& node : *tables) {
      Axis axis;
      auto const entries = reader.leaves(*node.as_table(), "", true);
      if (entries.empty()) refuse(reader.location(node), "sweep", "sweep: an axis needs at least one key");
      for (auto const& entry : entries) {
        auto const* parameter = find(*declared_, entry.key);
        if (!parameter) {
          if (entry.key.starts_with("study.")) refuse(entry.at, entry.key, entry.key + ": cannot be swept");
          refuse_unknown(entry.at, entry.key, candidates);
        }
        if (auto const earlier = where.find(entry.key); earlier != where.end())
          refuse(entry.at, entry.key,
                 fmt::format("{}: swept here, but already given in {}", entry.key,
                             earlier->second.line ? fmt::format("line {}", earlier->second.line)
                                                  : fmt::format("`{}`", earlier->second.file)));
        where[entry.key] = entry.at;
        std::vector<Value> values;
        for (auto const& value : reader.series(entry, std::holds_alternative<std::int64_t>(parameter->default_value())))
          values.push_back(accepted(*parameter, value, entry.at));
        if (!axis.values.empty() && values.size() != axis.size())
          refuse(entry.at, entry.key,
                 fmt::format("{}: {} values where {} has {}; keys of one axis vary together", entry.key, values.size(),
                             axis.keys.front(), axis.size()));
        axis.keys.push_back(entry.key);
        axis.values.push_back(std::move(values));
      }
      std::set<std::string> seen;
      for (std::uint64_t i = 0; i < axis.size(); ++i) {
        std::string place;
        for (auto const& values : axis.values) place += to_toml(values[i]) + ", ";
        if (!seen.insert(place).second)
          refuse(where[axis.keys.front()], axis.keys.front(),
                 fmt::format("{}: {} appears twice", axis.keys.front(), to_toml(axis.values.front()[i])));
      }
      if (n_points_ > max_points / axis.size())
        refuse(reader.location(node), axis.keys.front(), fmt::format("{}: more than {} points", axis.keys.front(), max_points));
      n_points_ *= axis.size();
      axes_.push_back(std::move(axis));
    }
  }

  file_name_ = file_name;
  for (auto const& [key, at] : where) where_[key] = at.prefix();
  if (replicates_ > max_replicates_of_all_points / n_points_)
    refuse(head.contains("study.replicates") ? head["study.replicates"].second : whole_file, "study.replicates",
           fmt::format("study.replicates = {}: more than {} over all points", replicates_, max_replicates_of_all_points));
  auto const per_item = kind_->replicates_per_item(point(0));
  for (std::uint64_t i = 0; i < n_points_; ++i) {
    auto const parameters = point(i);
    if (kind_->replicates_per_item(parameters) != per_item)
      refuse(whole_file, "sweep", "sweep: the number of replicates in an item cannot be swept");
    try {
      kind_->check(parameters);
    } catch (InputError const& error) {
      throw located(error);
    }
    auto const needed = kind_->dimensions(parameters);
    if (dimensions_.empty()) dimensions_ = needed;
    for (std::size_t d = 0; d < needed.size(); ++d) {
      dimensions_[d].size = std::max(dimensions_[d].size, needed[d].size);
      if (dimensions_[d].labels != needed[d].labels) dimensions_[d].labels.clear();
    }
  }
  replicates_per_item_ = std::min(replicates_, per_item);

  std::set<std::string> taken{"replicate",  "item",   "done",      "error", "checksum",
                              "summarised", "method", "tolerance", "drop"};  // the last three are keywords of xarray's sel
  for (auto const& variable : *variables_) taken.insert(variable.name);
  for (auto const& dimension : dimensions_) taken.insert({dimension.name, "n_" + dimension.name});
  for (auto& axis : axes_) {
    auto const short_name = last_component(axis.keys.front());
    auto const shared =
        std::ranges::count_if(axes_, [&](auto const& other) { return last_component(other.keys.front()) == short_name; });
    axis.name = shared > 1 || taken.contains(short_name) ? with_underscores(axis.keys.front()) : short_name;
  }
}

Item Study::item(std::uint64_t index) const {
  std::uint64_t const within = index % items_per_point();
  std::uint64_t const first = within * replicates_per_item_;
  return {index / items_per_point(), {first, std::min(first + replicates_per_item_, replicates_)}};
}

std::vector<std::uint64_t> Study::places(std::uint64_t point) const {
  std::vector<std::uint64_t> result(axes_.size());
  for (std::size_t a = axes_.size(); a-- > 0;) {
    result[a] = point % axes_[a].size();
    point /= axes_[a].size();
  }
  return result;
}

Parameters Study::point(std::uint64_t index) const {
  Parameters parameters = *base_;
  auto const place = places(index);
  for (std::size_t a = 0; a < axes_.size(); ++a)
    for (std::size_t k = 0; k < axes_[a].keys.size(); ++k) parameters.set(axes_[a].keys[k], axes_[a].values[k][place[a]]);
  return parameters;
}

ItemRecord Study::item_record(Item const& item) const {
  return {Record(*variables_, dimensions_, Scope::replicate, item.replicates.size()),
          Record(*variables_, dimensions_, Scope::item, 1)};
}

Record Study::summary_record() const { return Record(*variables_, dimensions_, Scope::point, 1); }

Record Study::whole_record() const { return Record(*variables_, dimensions_, Scope::study, 1); }

InputError Study::located(InputError const& error) const {
  auto const at = where_.find(error.key());
  std::string const prefix = at != where_.end() ? at->second : Location{file_name_}.prefix();
  std::string const what = error.what();
  return {error.key(), prefix + (what.find(error.key()) == std::string::npos ? error.key() + ": " + what : what)};
}

std::string Study::resolved() const {
  std::string text = fmt::format("[study]\nname = {}\nkind = {}\nseed = {}\nreplicates = {}\n", to_toml(name_),
                                 to_toml(kind_->name()), seed_, replicates_);
  std::set<std::string> swept;
  for (auto const& axis : axes_) {
    text += "\n[[sweep]]\n";
    for (std::size_t k = 0; k < axis.keys.size(); ++k) {
      std::vector<std::string> values;
      for (auto const& value : axis.values[k]) values.push_back(to_toml(value));
      text += fmt::format("\"{}\" = [{}]\n", axis.keys[k], fmt::join(values, ", "));
      swept.insert(axis.keys[k]);
    }
  }
  for (auto const& [table, parameters] : by_table(*declared_)) {
    text += fmt::format("\n[{}]\n", table);
    for (auto const* parameter : parameters)
      if (!swept.contains(parameter->key()))
        text += fmt::format("{} = {}\n", last_component(parameter->key()), to_toml(base_->value(parameter->key())));
  }
  return text;
}

std::string template_text(Kind const& kind) {
  std::string text = fmt::format("# {}\n# Truth: {}\n\n[study]\n", kind.summary(), kind.truth());
  auto const line = [&](Parameter const& parameter, Value const& value) {
    std::string const setting = fmt::format("{} = {}", last_component(parameter.key()), to_toml(value));
    std::string const unit = parameter.unit().empty() ? "" : fmt::format(" [{}]", parameter.unit());
    text += fmt::format("{:<32} # {}{}; {}\n", setting, parameter.help(), unit, parameter.expectation());
  };
  for (auto const& parameter : study_parameters()) {
    bool const is_text = std::holds_alternative<std::string>(parameter.default_value());
    line(parameter, is_text ? Value(kind.name()) : parameter.default_value());
  }
  text +=
      "\n# [[sweep]]                    # each such table is one axis of the sweep; keys in one table vary together\n"
      "# \"table.key\" = [1, 2, 3]        # or { linear = [first, last, count] } or { log = [first, last, count] }\n";
  auto const declared = kind.parameters();
  for (auto const& [table, parameters] : by_table(declared)) {
    text += fmt::format("\n[{}]\n", table);
    for (auto const* parameter : parameters) line(*parameter, parameter->default_value());
  }
  return text;
}

}  // namespace fermiac::study
