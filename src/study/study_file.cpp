#include "fermiac/study/study_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <map>
#include <utility>

#include "fermiac/base/error.hpp"
#include "fermiac/base/sha256.hpp"

namespace fermiac::study {

namespace {

constexpr std::uint64_t error_length = 256;

/// The coordinate of one key along its axis, as the variable or scale that holds it.
template <typename To>
To coordinates(std::vector<Value> const& values) {
  auto const all = [&]<typename T>(T const&) {
    std::vector<T> result;
    for (auto const& value : values) result.push_back(std::get<T>(value));
    return result;
  };
  if (std::holds_alternative<double>(values.front())) return all(double{});
  if (std::holds_alternative<std::int64_t>(values.front())) return all(std::int64_t{});
  if (std::holds_alternative<std::string>(values.front())) return all(std::string{});
  std::vector<std::int64_t> flags;
  for (auto const& value : values) flags.push_back(std::get<bool>(value));
  return flags;
}

io::Attributes attributes_of(Parameter const& parameter) {
  io::Attributes attributes{{"long_name", parameter.help()}};
  if (!parameter.unit().empty()) attributes.emplace_back("units", parameter.unit());
  return attributes;
}

io::Type type_of(Value const& value) {
  if (std::holds_alternative<double>(value)) return io::Type::real;
  return std::holds_alternative<std::string>(value) ? io::Type::text : io::Type::integer;
}

std::uint64_t longest_text(std::vector<Value> const& values) {
  std::uint64_t longest = 2;
  for (auto const& value : values)
    if (auto const* text = std::get_if<std::string>(&value)) longest = std::max<std::uint64_t>(longest, text->size());
  return longest;
}

/// A checksum over the stored values of an item, its number and its error.
std::int64_t checksum(std::uint64_t index, std::span<std::span<double const> const> columns, std::string_view error) {
  std::vector<std::byte> bytes;
  auto const add = [&](auto const& values) {
    auto const view = std::as_bytes(std::span(values));
    bytes.insert(bytes.end(), view.begin(), view.end());
  };
  add(std::array{index});
  for (auto const& values : columns) add(values);
  add(error);
  return std::bit_cast<std::int64_t>(leading_64_bits(sha256(bytes)));
}

std::int64_t checksum(Finished const& finished) {
  std::vector<std::span<double const>> columns;
  for (auto const* part : {&finished.record.replicates, &finished.record.item})
    for (auto const& column : part->columns()) columns.emplace_back(column.values);
  return checksum(finished.index, columns, finished.error);
}

}  // namespace

std::string prepare_inputs(Study const& study) {
  std::map<std::string, std::string> key_of_path;
  for (std::uint64_t p = 0; p < study.n_points(); ++p) {
    auto const point = study.point(p);
    try {
      study.kind().prepare(point);
    } catch (InputError const& error) {
      throw study.located(error);
    }
    for (auto const& input : study.kind().inputs(point)) key_of_path.emplace(input.path, input.key);
  }
  std::string text;
  for (auto const& [path, key] : key_of_path) {
    std::ifstream stream(path, std::ios::binary);
    std::string const bytes{std::istreambuf_iterator<char>(stream), {}};
    if (!stream) throw study.located({key, fmt::format("{} = \"{}\": cannot be read", key, path)});
    text += fmt::format("{} {}\n", hexadecimal(sha256(bytes)), path);
  }
  return text;
}

io::Schema schema_of(Study const& study, std::string const& inputs) {
  io::Schema schema;
  auto& root = schema.root;
  auto const& kind = study.kind();
  root.attributes = {{"schema", std::string("fermiac/1")},
                     {"kind", kind.name()},
                     {"family", kind.family()},
                     {"summary", kind.summary()},
                     {"truth", kind.truth()},
                     {"conventions", kind.conventions()},
                     {"table", fmt::format("{}", fmt::join(kind.table(), " "))},
                     {"seed", static_cast<std::int64_t>(study.seed())},
                     {"study", study.source()},
                     {"study_resolved", study.resolved()}};
  if (!inputs.empty()) root.attributes.emplace_back("inputs", inputs);

  std::vector<std::string> axes;
  std::vector<std::string> auxiliary;
  auto const declared = kind.parameters();
  auto const parameter = [&](std::string const& key) { return *std::ranges::find(declared, key, &Parameter::key); };
  for (auto const& axis : study.axes()) {
    axes.push_back(axis.name);
    for (std::size_t k = 0; k < axis.keys.size(); ++k) {
      auto const& values = axis.values[k];
      auto const about = attributes_of(parameter(axis.keys[k]));
      if (k == 0) {
        root.scales.push_back({axis.name, coordinates<decltype(io::Scale::coordinates)>(values), axis.size(), about});
      } else {
        io::Variable variable{axis.coordinate_name(k), type_of(values.front()), {axis.name}};
        variable.text_length = longest_text(values);
        variable.attributes = about;
        variable.initial = coordinates<decltype(io::Variable::initial)>(values);
        root.variables.push_back(std::move(variable));
        auxiliary.push_back(axis.coordinate_name(k));
      }
    }
  }
  root.scales.push_back({"replicate", {}, study.replicates(), {{"long_name", std::string("independent repetition")}}});
  root.scales.push_back({"item", {}, study.items_per_point(), {{"long_name", std::string("what a rank claims")}}});
  for (auto const& dimension : study.dimensions()) {
    io::Scale scale{dimension.name, {}, dimension.size, {{"long_name", dimension.long_name}}};
    if (!dimension.labels.empty()) scale.coordinates = dimension.labels;
    root.scales.push_back(std::move(scale));
  }

  auto const with = [&](std::vector<std::string> more) {
    auto all = axes;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  auto const& variables = study.variables();
  for (auto const& variable : variables) {
    io::Variable stored{variable.name};
    if (variable.scope == Scope::replicate) stored.dimensions = with({"replicate"});
    if (variable.scope == Scope::item) stored.dimensions = with({"item"});
    if (variable.scope == Scope::point) stored.dimensions = axes;
    stored.dimensions.insert(stored.dimensions.end(), variable.dimensions.begin(), variable.dimensions.end());
    stored.attributes = {{"units", variable.units}, {"long_name", variable.long_name}};
    if (!variable.meanings.empty())
      stored.attributes.emplace_back("flag_meanings", fmt::format("{}", fmt::join(variable.meanings, " ")));
    auto const error = variable.name + "_error";
    if (std::ranges::find(variables, error, &Variable::name) != variables.end())
      stored.attributes.emplace_back("ancillary_variables", error);
    stored.coordinates = auxiliary;
    root.variables.push_back(std::move(stored));
  }
  for (std::size_t d = 0; d < study.dimensions().size(); ++d) {
    std::vector<std::int64_t> sizes;
    for (std::uint64_t p = 0; p < study.n_points(); ++p)
      sizes.push_back(static_cast<std::int64_t>(kind.dimensions(study.point(p))[d].size));
    auto const& dimension = study.dimensions()[d];
    if (std::ranges::all_of(sizes, [&](auto size) { return size == static_cast<std::int64_t>(dimension.size); })) continue;
    io::Variable counts{"n_" + dimension.name, io::Type::integer, axes};
    counts.attributes = {{"units", std::string("1")}, {"long_name", "entries in use along " + dimension.name}};
    counts.initial = std::move(sizes);
    root.variables.push_back(std::move(counts));
  }

  auto const book = [&](std::string name, io::Type type, std::string about, std::uint64_t length = 0) {
    io::Variable variable{std::move(name), type, with({"item"}), length};
    variable.attributes = {{"long_name", std::move(about)}};
    root.variables.push_back(std::move(variable));
  };
  book("done", io::Type::byte, "0 pending, 1 done, 2 failed, 3 not needed");
  book("checksum", io::Type::integer, "first 64 bits of the SHA-256 of the item's values");
  book("error", io::Type::text, "why the item failed", error_length);
  io::Variable summarised{"summarised", io::Type::byte};
  summarised.attributes = {{"long_name", std::string("1 where the variables of points are written")}};
  root.variables.push_back(std::move(summarised));

  auto& run = schema.run;
  run.scales.push_back({"execution", {}, max_executions, {{"long_name", std::string("executions of the study")}}});
  for (auto const& [name, length] : {std::pair{"version", 32},
                                     {"commit", 32},
                                     {"build", 128},
                                     {"hosts", 1024},
                                     {"slurm_job", 32},
                                     {"start", 32},
                                     {"end", 32},
                                     {"outcome", 64}})
    run.variables.push_back({name, io::Type::text, {"execution"}, static_cast<std::uint64_t>(length)});
  for (auto const* name : {"ranks", "threads", "items_before", "items_after"})
    run.variables.push_back({name, io::Type::integer, {"execution"}});
  return schema;
}

Study stored_study(io::ResultsFile const& file, Registry const& registry) {
  auto const text_of = [&](char const* key) {
    auto const value = file.has_attribute("", key) ? file.attribute("", key) : io::Attribute();
    if (!std::holds_alternative<std::string>(value))
      throw InputError(fmt::format("{}: is not a results file of fermiac", file.path().string()));
    return std::get<std::string>(value);
  };
  if (auto const schema = text_of("schema"); schema != "fermiac/1")
    throw InputError(fmt::format("{}: has the schema {}, this version reads fermiac/1", file.path().string(), schema));
  return Study(text_of("study_resolved"), file.path().string(), registry);
}

StudyFile::StudyFile(Study const& study, io::ResultsFile& file) : study_(study), file_(file) {
  auto const require_size = [&](std::string const& name, std::uint64_t size) {
    if (file.size(name) != size)
      throw SystemError(
          fmt::format("{}: is damaged: {} has {} elements where {} belong", file.path().string(), name, file.size(name), size));
  };
  for (auto const* name : {"done", "checksum", "error"}) require_size(name, study.n_items());
  require_size("summarised", 1);
  for (auto const* name : {"version", "commit", "build", "hosts", "slurm_job", "start", "end", "outcome", "ranks", "threads",
                           "items_before", "items_after"})
    require_size(std::string("run/") + name, max_executions);
}

std::vector<State> StudyFile::states() const {
  auto const bytes = file_.read_all<std::uint8_t>("done");
  std::vector<State> states(bytes.size());
  std::ranges::transform(bytes, states.begin(), [](auto byte) { return static_cast<State>(byte); });
  return states;
}

void StudyFile::write(std::vector<Finished>& batch) {
  std::ranges::sort(batch, {}, &Finished::index);
  std::vector<double> joined;
  for (std::size_t first = 0; first < batch.size();) {
    std::size_t last = first + 1;
    while (last < batch.size() && batch[last].index == batch[last - 1].index + 1) ++last;
    auto const run = std::span(batch).subspan(first, last - first);
    auto const item = study_.item(run.front().index);
    auto const write_columns = [&](Record ItemRecord::*part, std::uint64_t entry) {
      auto const& columns = (run.front().record.*part).columns();
      for (std::size_t c = 0; c < columns.size(); ++c) {
        joined.clear();
        for (auto const& finished : run) {
          auto const& values = (finished.record.*part).columns()[c].values;
          joined.insert(joined.end(), values.begin(), values.end());
        }
        file_.write_flat(columns[c].variable->name, entry * columns[c].per_entry, joined);
      }
    };
    write_columns(&ItemRecord::replicates, item.point * study_.replicates() + item.replicates.first);
    write_columns(&ItemRecord::item, run.front().index);
    std::vector<std::int64_t> sums;
    std::vector<std::uint8_t> states;
    for (auto& finished : run) {
      finished.error.resize(std::min<std::size_t>(finished.error.size(), error_length - 1));
      if (!finished.error.empty()) file_.write_text("error", finished.index, finished.error);
      sums.push_back(checksum(finished));
      states.push_back(static_cast<std::uint8_t>(finished.state));
    }
    file_.write_flat("checksum", run.front().index, sums);
    file_.write_flat("done", run.front().index, states);
    first = last;
  }
  batch.clear();
}

void StudyFile::reset(std::vector<std::uint64_t> const& items) {
  for (auto const index : items) {
    file_.write_text("error", index, "");
    file_.write_flat("done", index, std::array{static_cast<std::uint8_t>(State::pending)});
  }
}

void StudyFile::mark_not_needed(Range items) {
  file_.write_flat("done", items.first, std::vector(items.size(), static_cast<std::uint8_t>(State::not_needed)));
}

ItemRecord StudyFile::read(std::uint64_t index) const {
  auto const item = study_.item(index);
  auto record = study_.item_record(item);
  for (auto& column : record.replicates.columns())
    file_.read_flat(column.variable->name, (item.point * study_.replicates() + item.replicates.first) * column.per_entry,
                    std::span(column.values));
  for (auto& column : record.item.columns())
    file_.read_flat(column.variable->name, index * column.per_entry, std::span(column.values));
  return record;
}

std::string StudyFile::error(std::uint64_t item) const { return file_.read_text("error", item); }

bool StudyFile::is_intact(std::uint64_t item) const { return are_intact({item, item + 1}).front(); }

std::vector<std::uint64_t> StudyFile::damaged(std::span<State const> states) const {
  auto const is_finished = [&](std::uint64_t i) { return states[i] == State::done || states[i] == State::failed; };
  // Pieces of some megabytes.
  auto const record = study_.item_record(study_.item(0));
  std::uint64_t item_bytes = error_length;
  for (auto const* part : {&record.replicates, &record.item})
    for (auto const& column : part->columns()) item_bytes += column.values.size() * sizeof(double);
  auto const most = std::max<std::uint64_t>(1, (std::uint64_t{1} << 22) / item_bytes);
  std::vector<std::uint64_t> result;
  for (std::uint64_t first = 0; first < states.size();) {
    std::uint64_t last = first;
    while (last < states.size() && last - first < most && is_finished(last)) ++last;
    if (last > first) {
      auto const intact = are_intact({first, last});
      for (std::uint64_t i = first; i < last; ++i)
        if (!intact[i - first]) result.push_back(i);
    }
    first = std::max(last, first + 1);
  }
  return result;
}

std::vector<bool> StudyFile::are_intact(Range items) const {
  // The replicates of successive items, of successive points too, lie side by side.
  auto const replicates_before = [&](std::uint64_t index) {
    auto const item = study_.item(index);
    return item.point * study_.replicates() + item.replicates.first;
  };
  auto const first_replicate = replicates_before(items.first);
  auto const last_replicate = replicates_before(items.last - 1) + study_.item(items.last - 1).replicates.size();
  auto const record = study_.item_record(study_.item(items.first));
  std::vector<std::vector<double>> replicate_columns, item_columns;
  for (auto const& column : record.replicates.columns()) {
    auto& values = replicate_columns.emplace_back((last_replicate - first_replicate) * column.per_entry);
    file_.read_flat(column.variable->name, first_replicate * column.per_entry, std::span(values));
  }
  for (auto const& column : record.item.columns()) {
    auto& values = item_columns.emplace_back(items.size() * column.per_entry);
    file_.read_flat(column.variable->name, items.first * column.per_entry, std::span(values));
  }
  std::vector<std::int64_t> stored(items.size());
  file_.read_flat("checksum", items.first, std::span(stored));
  auto const errors = file_.read_texts("error", items.first, items.size());

  std::vector<bool> result;
  for (auto i = items.first; i < items.last; ++i) {
    auto const begin = replicates_before(i) - first_replicate;
    auto const n = study_.item(i).replicates.size();
    std::vector<std::span<double const>> columns;
    for (std::size_t c = 0; c < replicate_columns.size(); ++c) {
      auto const per_entry = record.replicates.columns()[c].per_entry;
      columns.push_back(std::span(replicate_columns[c]).subspan(begin * per_entry, n * per_entry));
    }
    for (std::size_t c = 0; c < item_columns.size(); ++c) {
      auto const per_entry = record.item.columns()[c].per_entry;
      columns.push_back(std::span(item_columns[c]).subspan((i - items.first) * per_entry, per_entry));
    }
    result.push_back(stored[i - items.first] == checksum(i, columns, errors[i - items.first]));
  }
  return result;
}

void StudyFile::write_summary(std::uint64_t point, Record const& summary) {
  for (auto const& column : summary.columns()) file_.write_flat(column.variable->name, point * column.per_entry, column.values);
}

Record StudyFile::read_summary(std::uint64_t point) const {
  auto summary = study_.summary_record();
  for (auto& column : summary.columns())
    file_.read_flat(column.variable->name, point * column.per_entry, std::span(column.values));
  return summary;
}

void StudyFile::write_whole(Record const& whole) {
  for (auto const& column : whole.columns()) file_.write_flat(column.variable->name, 0, column.values);
}

Record StudyFile::read_whole() const {
  auto whole = study_.whole_record();
  for (auto& column : whole.columns()) file_.read_flat(column.variable->name, 0, std::span(column.values));
  return whole;
}

void StudyFile::mark_summarised(bool summarised) {
  file_.write_flat("summarised", 0, std::array{static_cast<std::uint8_t>(summarised)});
}

bool StudyFile::is_summarised() const { return file_.read_all<std::uint8_t>("summarised").front() == 1; }

std::vector<Execution> StudyFile::executions() const {
  auto const texts = [&](char const* name) { return file_.read_all<std::string>(std::string("run/") + name); };
  auto const counts = [&](char const* name) { return file_.read_all<std::int64_t>(std::string("run/") + name); };
  auto const version = texts("version"), commit = texts("commit"), build = texts("build"), hosts = texts("hosts"),
             slurm_job = texts("slurm_job"), start = texts("start"), end = texts("end"), outcome = texts("outcome");
  auto const ranks = counts("ranks"), threads = counts("threads"), before = counts("items_before"),
             after = counts("items_after");
  std::vector<Execution> result;
  for (std::size_t i = 0; i < max_executions && !start[i].empty(); ++i)
    result.push_back({version[i], commit[i], build[i], hosts[i], slurm_job[i], start[i], end[i], outcome[i], ranks[i],
                      threads[i], before[i], after[i]});
  return result;
}

void StudyFile::write_execution(std::uint64_t place, Execution const& execution) {
  place = std::min(place, max_executions - 1);
  for (auto const& [name, text] : {std::pair{"version", &execution.version},
                                   {"commit", &execution.commit},
                                   {"build", &execution.build},
                                   {"hosts", &execution.hosts},
                                   {"slurm_job", &execution.slurm_job},
                                   {"end", &execution.end},
                                   {"outcome", &execution.outcome},
                                   {"start", &execution.start}})
    file_.write_text(std::string("run/") + name, place, *text);
  for (auto const& [name, count] : {std::pair{"ranks", execution.ranks},
                                    {"threads", execution.threads},
                                    {"items_before", execution.items_before},
                                    {"items_after", execution.items_after}})
    file_.write_flat(std::string("run/") + name, place, std::array{count});
}

}  // namespace fermiac::study
