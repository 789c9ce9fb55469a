#include "fermiac/app/commands.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <omp.h>

#include <algorithm>
#include <armadillo>
#include <cmath>
#include <thread>

#include "fermiac/base/context.hpp"
#include "fermiac/base/error.hpp"
#include "fermiac/base/version.hpp"
#include "fermiac/io/lock.hpp"
#include "fermiac/study/progress.hpp"
#include "fermiac/study/runner.hpp"
#include "fermiac/study/status.hpp"
#include "fermiac/study/study_file.hpp"
#include "fermiac/study/table.hpp"

extern "C" char* openblas_get_config();
extern "C" char* openblas_get_corename();

namespace fermiac::app {

namespace {

std::string bytes(double n) {
  constexpr char const* units[] = {"B", "kB", "MB", "GB", "TB"};
  int unit = 0;
  for (; n >= 1000 && unit < 4; ++unit) n /= 1000;
  return fmt::format("{:.3g} {}", n, units[unit]);
}

std::filesystem::path existing(std::filesystem::path const& file) {
  if (!std::filesystem::exists(file)) throw InputError(fmt::format("{}: there is no such file", file.string()));
  return file;
}

/// The values of the kind's headline that no axis changes, on a line; empty where there are none.
std::string headline(study::Study const& study) {
  std::vector<std::string> parts;
  for (auto const& key : study.kind().headline())
    if (std::ranges::none_of(study.axes(),
                             [&](auto const& axis) { return std::ranges::find(axis.keys, key) != axis.keys.end(); }))
      parts.push_back(fmt::format("{} = {}", key, to_toml(study.point(0).value(key))));
  return parts.empty() ? "" : fmt::format("{}\n", fmt::join(parts, ", "));
}

}  // namespace

std::string check(std::filesystem::path const& path, std::vector<std::string> const& overrides,
                  study::Registry const& registry) {
  study::Study const study(study::read_text(path), path.string(), registry, overrides);
  study::prepare_inputs(study);
  omp_set_num_threads(1);
  double work_s = 0;
  double longest_s = 0;
  double memory = 0;
  double seconds_per_work = 0;
  std::uint64_t values = 0;
  // A sample of the points of a large sweep; an odd stride, so that no short axis is always met at one value.
  auto const stride = std::max<std::uint64_t>(1, study.n_points() / 48) | 1U;
  for (std::uint64_t p = 0; p < study.n_points(); ++p) {
    auto const point = study.point(p);
    if (p % stride == 0) seconds_per_work = study.kind().seconds_per_work(point);
    double const replicate_s = study.kind().work(point) * seconds_per_work;
    memory = std::max(memory, study.kind().memory(point));
    work_s += replicate_s * static_cast<double>(study.replicates());
    longest_s = std::max(longest_s, replicate_s * static_cast<double>(study.replicates_per_item()));
  }
  auto const record = study.item_record(study.item(0));
  for (auto const* part : {&record.replicates, &record.item})
    for (auto const& column : part->columns()) values += column.values.size();
  auto const summary = study.summary_record();
  for (auto const& column : summary.columns()) values += column.per_entry / study.items_per_point() + 1;
  double const file_bytes = static_cast<double>(study.n_items()) * (8.0 * static_cast<double>(values) + 265) + 200e3;
  auto const cores = std::max(1u, std::thread::hardware_concurrency());
  return fmt::format(
      "{}: valid\n  kind       {}: {}\n  points     {} x {} replicates\n  items      {} of {} replicates\n"
      "{}  record     {} an item\n  file       {}\n  time       {} on one core, {} on the {} cores here; the longest item {}\n",
      path.string(), study.kind().name(), study.kind().summary(), study.n_points(), study.replicates(), study.n_items(),
      study.replicates_per_item(), memory > 0 ? fmt::format("  memory     {} an item, about\n", bytes(memory)) : "",
      bytes(8.0 * static_cast<double>(values)), bytes(file_bytes), study::duration(work_s),
      study::duration(std::max(work_s / cores, longest_s)), cores, study::duration(longest_s));
}

std::string status(std::filesystem::path const& file, Format format, study::Registry const& registry) {
  auto results = io::ResultsFile::reading(existing(file));
  auto const study = study::stored_study(results, registry);
  auto const status = study::status_of(study, study::StudyFile(study, results), io::is_locked(file));
  return format == Format::json ? status.as_json() : status.as_text();
}

std::string show(std::filesystem::path const& file, Format format, study::Registry const& registry) {
  auto results = io::ResultsFile::reading(existing(file));
  auto const study = study::stored_study(results, registry);
  study::StudyFile const contents(study, results);
  auto const in_format = [format](auto const& table) {
    return format == Format::csv ? table.as_csv() : format == Format::json ? table.as_json() : table.as_text();
  };
  auto const findings = study::findings_of(study, contents);
  auto const tables = findings.empty() ? in_format(study::table_of(study, contents)) : in_format(findings);
  if (format != Format::text) return tables;
  std::string text =
      fmt::format("{}: {} ({})\n{}{}\n", study.name(), study.kind().summary(), study.kind().name(), headline(study), tables);
  text += fmt::format("Truth: {}\n{}\n", study.kind().truth(), study.kind().conventions());
  if (!contents.is_summarised())
    text += "The study is not complete: `fermiac status` says how far it is, points are written at its end.\n";
  else
    text += study.kind().verdict(contents.read_whole());
  return text;
}

std::string item(std::filesystem::path const& path, std::vector<std::string> const& overrides, std::uint64_t point,
                 std::uint64_t replicate, study::Registry const& registry) {
  auto const text_of_study = study::read_text(path);
  study::Study const as_given(text_of_study, path.string(), registry, overrides);
  auto settings = overrides;
  auto const declared = as_given.kind().parameters();
  // What results files keep on request only is what is asked for here.
  if (std::ranges::find(declared, "replicates.keep", &Parameter::key) != declared.end())
    settings.emplace_back("replicates.keep=true");
  study::Study const study(text_of_study, path.string(), registry, settings);
  study::prepare_inputs(study);
  if (point >= study.n_points()) throw InputError(fmt::format("--point {}: the study has {} points", point, study.n_points()));
  if (replicate >= study.replicates())
    throw InputError(fmt::format("--replicate {}: the study has {} replicates", replicate, study.replicates()));
  study::Item const alone{point, {replicate, replicate + 1}};
  auto record = study.item_record(alone);
  Solo team;
  Quiet context;
  study.kind().compute(study.point(point), study.seed(), alone.replicates, team, context, record);
  auto const dimensions = study.kind().dimensions(study.point(point));
  std::string text;
  for (auto const& column : record.replicates.columns()) {
    auto const& [name, own] = std::pair{column.variable->name, column.variable->dimensions};
    auto const labelled = own.size() == 1 ? std::ranges::find(dimensions, own[0], &study::Dimension::name) : dimensions.end();
    if (labelled != dimensions.end() && !labelled->labels.empty()) {
      for (std::size_t i = 0; i < labelled->labels.size(); ++i)
        if (!std::isnan(column.values[i]))
          text += fmt::format("{:<28} {}\n", fmt::format("{}[{}]", name, labelled->labels[i]), column.values[i]);
      continue;
    }
    text += fmt::format("{:<28}", name);
    for (double const value : column.values) text += fmt::format(" {}", value);
    text += "\n";
  }
  return text;
}

std::string list(std::string const& family_or_kind, study::Registry const& registry) {
  std::string text;
  for (auto const* kind : registry.kinds()) {
    if (!family_or_kind.empty() && kind->family() != family_or_kind && kind->name() != family_or_kind) continue;
    text += fmt::format("{:<12} {:<10} {}; truth: {}\n", kind->name(), kind->family(), kind->summary(), kind->truth());
    if (kind->name() == family_or_kind) text += kind->conventions() + "\n";
  }
  if (text.empty()) {
    std::vector<std::string> names;
    for (auto const* kind : registry.kinds()) names.insert(names.end(), {kind->name(), kind->family()});
    throw InputError(fmt::format("there is no family or kind \"{}\" (did you mean \"{}\"?)", family_or_kind,
                                 nearest(family_or_kind, names)));
  }
  return text;
}

std::string version_text() {
  return fmt::format("fermiac {} ({})\n{}\n{} (kernels: {}); Armadillo {}", version(), commit(), build(), openblas_get_config(),
                     openblas_get_corename(), arma::arma_version::as_string());
}

}  // namespace fermiac::app
