#include "fermiac/study/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace fermiac::study {

namespace {

constexpr std::size_t longest_text = 40;  ///< in a table on a terminal: a formula may be longer than all else

std::string cell(Value const& value, bool is_z) {
  if (auto const* number = std::get_if<double>(&value))
    return std::isnan(*number) ? "-" : is_z ? fmt::format("{:.2f}", *number) : fmt::format("{:.7g}", *number);
  if (auto const* text = std::get_if<std::string>(&value)) {
    if (text->size() <= longest_text) return *text;
    std::size_t end = longest_text - 3;
    while ((static_cast<unsigned char>((*text)[end]) & 0xc0) == 0x80) --end;  // not within a character of UTF-8
    return text->substr(0, end) + "...";
  }
  return to_toml(value);
}

/// Columns set right, two blanks apart, the first one left; trailing blanks are cut.
std::string aligned(std::vector<std::vector<std::string>> const& lines) {
  std::vector<std::size_t> widths;
  for (auto const& line : lines)
    for (std::size_t c = 0; c < line.size(); ++c) {
      if (c == widths.size()) widths.push_back(0);
      widths[c] = std::max(widths[c], line[c].size());
    }
  std::string text;
  for (auto const& line : lines) {
    std::string row = "  ";
    for (std::size_t c = 0; c < line.size(); ++c)
      row += c == 0 ? fmt::format("{:<{}}  ", line[c], widths[c]) : fmt::format("{:>{}}  ", line[c], widths[c]);
    text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

/// The values that are distinct, in order of their first appearance.
std::vector<std::string> distinct(std::vector<Finding> const& findings, std::string Finding::*field) {
  std::vector<std::string> result;
  for (auto const& finding : findings)
    if (std::ranges::find(result, finding.*field) == result.end()) result.push_back(finding.*field);
  return result;
}

/// The exact value as CSV or JSON writes it; `none` for what is not a number.
std::string exact(Value const& value, std::string const& none) {
  if (auto const* number = std::get_if<double>(&value)) return std::isfinite(*number) ? fmt::format("{}", *number) : none;
  return to_toml(value);
}

}  // namespace

std::string concise(double value, double error) {
  if (std::isnan(value)) return "-";
  if (!(error > 0) || !std::isfinite(error)) return fmt::format("{:.7g}", value);
  // Two digits of the error, and as many decimals of the value; an error of 9.96 is 10, not 99 and a bit.
  int decimals = 1 - static_cast<int>(std::floor(std::log10(error)));
  if (std::round(error * std::pow(10.0, decimals)) >= 100) --decimals;
  if (decimals <= 0) return fmt::format("{:.0f}({:.0f})", value, error);
  double const digits = std::round(error * std::pow(10.0, decimals));
  return decimals == 1 && digits >= 10 ? fmt::format("{:.1f}({:.1f})", value, error)
                                       : fmt::format("{:.{}f}({:.0f})", value, decimals, digits);
}

Table table_of(Study const& study, StudyFile const& file) {
  Table table;
  auto const n = study.n_points();
  auto const declared = study.kind().parameters();
  for (std::size_t a = 0; a < study.axes().size(); ++a) {
    auto const& axis = study.axes()[a];
    for (std::size_t k = 0; k < axis.keys.size(); ++k) {
      Table::Column column{axis.coordinate_name(k), std::ranges::find(declared, axis.keys[k], &Parameter::key)->unit(), {}, {}};
      for (std::uint64_t p = 0; p < n; ++p) column.values.push_back(axis.values[k][study.places(p)[a]]);
      table.columns.push_back(std::move(column));
    }
  }
  std::vector<Record> summaries;
  for (std::uint64_t p = 0; p < n; ++p) summaries.push_back(file.read_summary(p));
  auto const& variables = study.variables();
  for (auto const& name : study.kind().table()) {
    auto const& variable = *std::ranges::find(variables, name, &Variable::name);
    Table::Column column{name, variable.units == "1" ? "" : variable.units, {}, {}};
    bool const has_error = std::ranges::find(variables, name + "_error", &Variable::name) != variables.end();
    for (auto const& summary : summaries) {
      double const value = summary.value(name);
      if (value >= 0 && value < static_cast<double>(variable.meanings.size()))
        column.values.emplace_back(variable.meanings[static_cast<std::size_t>(value)]);
      else
        column.values.emplace_back(value);
      if (has_error) column.errors.push_back(summary.value(name + "_error"));
    }
    table.columns.push_back(std::move(column));
  }
  table.is_complete = file.is_summarised();
  return table;
}

std::string Table::as_text() const {
  std::vector<std::vector<std::string>> cells;
  for (auto const& column : columns) {
    auto const is_unknown = [](Value const& value) {
      auto const* number = std::get_if<double>(&value);
      return number && std::isnan(*number);
    };
    if (is_complete && std::ranges::all_of(column.values, is_unknown)) continue;
    std::vector<std::string> down{column.name, column.units.empty() ? "" : "[" + column.units + "]"};
    for (std::size_t i = 0; i < column.values.size(); ++i)
      down.push_back(column.errors.empty() ? cell(column.values[i], column.name.ends_with("_z"))
                                           : concise(std::get<double>(column.values[i]), column.errors[i]));
    cells.push_back(std::move(down));
  }
  std::string text;
  std::vector<std::size_t> widths;
  for (auto const& down : cells) {
    widths.push_back(0);
    for (auto const& entry : down) widths.back() = std::max(widths.back(), entry.size());
  }
  bool const any_units = std::ranges::any_of(columns, [](auto const& column) { return !column.units.empty(); });
  for (std::size_t line = 0; !cells.empty() && line < cells.front().size(); ++line) {
    if (line == 1 && !any_units) continue;
    std::string row;
    for (std::size_t c = 0; c < cells.size(); ++c) row += fmt::format("{:>{}}  ", cells[c][line], widths[c]);
    text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string Table::as_csv() const {
  std::string text;
  auto const separator = [&] { return text.empty() || text.back() == '\n' ? "" : ","; };
  for (auto const& column : columns) {
    text += separator() + column.name;
    if (!column.errors.empty()) text += "," + column.name + "_error";
  }
  text += "\n";
  for (std::size_t i = 0; !columns.empty() && i < columns.front().values.size(); ++i) {
    std::string row;
    for (auto const& column : columns) {
      row += (&column == &columns.front() ? "" : ",") + exact(column.values[i], "");
      if (!column.errors.empty()) row += "," + exact(column.errors[i], "");
    }
    text += row + "\n";
  }
  return text;
}

std::string Table::as_json() const {
  std::string text = "[";
  for (std::size_t i = 0; !columns.empty() && i < columns.front().values.size(); ++i) {
    text += i ? ",\n {" : "\n {";
    for (auto const& column : columns) {
      text +=
          fmt::format("{}\"{}\": {}", &column == &columns.front() ? "" : ", ", column.name, exact(column.values[i], "null"));
      if (!column.errors.empty()) text += fmt::format(", \"{}_error\": {}", column.name, exact(column.errors[i], "null"));
    }
    text += "}";
  }
  return text + "\n]\n";
}

FindingsTable findings_of(Study const& study, StudyFile const& file) {
  FindingsTable table;
  for (auto const& axis : study.axes())
    for (std::size_t k = 0; k < axis.keys.size(); ++k) table.axes.push_back(axis.coordinate_name(k));
  for (std::uint64_t p = 0; p < study.n_points(); ++p) {
    auto const places = study.places(p);
    auto& coordinates = table.coordinates.emplace_back();
    for (std::size_t a = 0; a < places.size(); ++a)
      for (auto const& values : study.axes()[a].values) coordinates.push_back(values[places[a]]);
    table.findings.push_back(study.kind().findings(study.point(p), file.read_summary(p)));
  }
  return table;
}

bool FindingsTable::empty() const {
  return std::ranges::all_of(findings, [](auto const& of_point) { return of_point.empty(); });
}

std::string FindingsTable::as_text() const {
  std::string text;
  for (std::size_t p = 0; p < findings.size(); ++p) {
    std::string heading;
    for (std::size_t a = 0; a < axes.size(); ++a)
      heading += fmt::format("{}{} = {}", a ? ", " : "", axes[a], cell(coordinates[p][a], false));
    if (!heading.empty()) text += heading + "\n";
    for (auto const& name : distinct(findings[p], &Finding::table)) {
      std::vector<Finding> block;
      std::ranges::copy_if(findings[p], std::back_inserter(block), [&](auto const& f) { return f.table == name; });
      std::vector<std::vector<std::string>> lines{{name}};
      auto const names = distinct(block, &Finding::line);
      for (auto const& line : names) lines.push_back({line});
      for (auto const& measure : distinct(block, &Finding::measure)) {
        auto const of_measure = [&](auto const& f) { return f.measure == measure; };
        bool const has_truth = std::ranges::any_of(block, [&](auto const& f) { return of_measure(f) && !std::isnan(f.truth); });
        lines[0].push_back(measure);
        if (has_truth) lines[0].insert(lines[0].end(), {"truth", "z"});
        for (std::size_t i = 0; i < names.size(); ++i) {
          auto const found = std::ranges::find_if(block, [&](auto const& f) { return of_measure(f) && f.line == names[i]; });
          bool const is_there = found != block.end();
          lines[i + 1].push_back(is_there ? concise(found->value, found->error) : "-");
          if (!has_truth) continue;
          lines[i + 1].push_back(is_there ? cell(found->truth, false) : "-");
          lines[i + 1].push_back(is_there ? cell(found->z, true) : "-");
        }
      }
      text += aligned(lines);
    }
    text += "\n";
  }
  return text;
}

std::string FindingsTable::as_csv() const {
  std::string text;
  for (auto const& axis : axes) text += axis + ",";
  text += "table,line,measure,value,error,truth,z\n";
  for (std::size_t p = 0; p < findings.size(); ++p)
    for (auto const& f : findings[p]) {
      for (auto const& coordinate : coordinates[p]) text += exact(coordinate, "") + ",";
      text += fmt::format("{},{},{},{},{},{},{}\n", to_toml(f.table), to_toml(f.line), to_toml(f.measure), exact(f.value, ""),
                          exact(f.error, ""), exact(f.truth, ""), exact(f.z, ""));
    }
  return text;
}

std::string FindingsTable::as_json() const {
  std::string text = "[";
  for (std::size_t p = 0; p < findings.size(); ++p)
    for (auto const& f : findings[p]) {
      text += text.size() > 1 ? ",\n {" : "\n {";
      for (std::size_t a = 0; a < axes.size(); ++a)
        text += fmt::format("\"{}\": {}, ", axes[a], exact(coordinates[p][a], "null"));
      text +=
          fmt::format("\"table\": {}, \"line\": {}, \"measure\": {}, \"value\": {}, \"error\": {}, \"truth\": {}, \"z\": {}}}",
                      to_toml(f.table), to_toml(f.line), to_toml(f.measure), exact(f.value, "null"), exact(f.error, "null"),
                      exact(f.truth, "null"), exact(f.z, "null"));
    }
  return text + "\n]\n";
}

}  // namespace fermiac::study
