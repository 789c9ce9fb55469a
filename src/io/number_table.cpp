#include "fermiac/io/number_table.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <fstream>

#include "fermiac/base/error.hpp"
#include "hdf5_call.hpp"

namespace fermiac::io {
namespace {

[[noreturn]] void refuse(std::filesystem::path const& path, std::string const& why) {
  throw InputError(fmt::format("{}: {}", path.string(), why));
}

/// The cells of a line: between commas, or between blanks where there are none.
std::vector<std::string> cells_of(std::string const& line) {
  bool const has_commas = line.find(',') != std::string::npos;
  char const* const separators = has_commas ? "," : " \t";
  std::vector<std::string> cells;
  for (std::size_t first = 0; first <= line.size();) {
    std::size_t const end = std::min(line.find_first_of(separators, first), line.size());
    std::string cell = line.substr(first, end - first);
    cell.erase(0, cell.find_first_not_of(" \t\r"));
    cell.erase(cell.find_last_not_of(" \t\r") + 1);
    if (has_commas || !cell.empty()) cells.push_back(cell);
    first = end + 1;
  }
  return cells;
}

/// Whether all of the text is one number.
bool read(std::string const& text, double& value) {
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

NumberTable read_text(std::filesystem::path const& path) {
  std::ifstream file(path);
  NumberTable table;
  std::string line;
  std::uint64_t number = 0;
  bool may_be_heading = true;
  while (std::getline(file, line)) {
    ++number;
    line.erase(std::min(line.find('#'), line.size()));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto const cells = cells_of(line);
    std::vector<double> row(cells.size());
    std::size_t n_numbers = 0;
    std::size_t bad = cells.size();
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (read(cells[c], row[c]))
        ++n_numbers;
      else if (bad == cells.size())
        bad = c;
    }
    bool const is_heading = may_be_heading && n_numbers == 0;
    may_be_heading = false;
    if (is_heading) continue;
    if (bad < cells.size())
      refuse(path, cells[bad].empty() ? fmt::format("line {}, column {}: a value is missing", number, bad + 1)
                                      : fmt::format("line {}, column {}: \"{}\" is not a number", number, bad + 1, cells[bad]));
    for (std::size_t c = 0; c < row.size(); ++c)
      if (!std::isfinite(row[c])) refuse(path, fmt::format("line {}, column {}: {} is not finite", number, c + 1, cells[c]));
    if (table.n_rows > 0 && row.size() != table.n_columns)
      refuse(path, fmt::format("line {} has {} values, the lines before {}", number, row.size(), table.n_columns));
    table.n_columns = row.size();
    ++table.n_rows;
    table.values.insert(table.values.end(), row.begin(), row.end());
  }
  return table;
}

NumberTable read_dataset(std::filesystem::path const& path, std::string const& name) {
  auto const file = open_for_reading(path);
  if (H5Lexists(file, name.c_str(), H5P_DEFAULT) <= 0) refuse(path, fmt::format("there is no dataset \"{}\"", name));
  Handle const dataset(checked(H5Dopen2(file, name.c_str(), H5P_DEFAULT), "open a dataset of", path), H5Dclose);
  Handle const space(checked(H5Dget_space(dataset), "read", path), H5Sclose);
  int const rank = H5Sget_simple_extent_ndims(space);
  if (rank != 1 && rank != 2) refuse(path, fmt::format("\"{}\" has {} dimensions, expected rows and columns", name, rank));
  std::array<hsize_t, 2> sizes{0, 1};
  checked(H5Sget_simple_extent_dims(space, sizes.data(), nullptr), "read", path);
  NumberTable table{sizes[0], sizes[1], std::vector<double>(sizes[0] * sizes[1])};
  checked(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, table.values.data()), "read", path);
  for (std::uint64_t i = 0; i < table.values.size(); ++i)
    if (!std::isfinite(table.values[i]))
      refuse(path, fmt::format("\"{}\", row {}, column {}: {} is not finite", name, i / table.n_columns + 1,
                               i % table.n_columns + 1, table.values[i]));
  return table;
}

}  // namespace

NumberTable read_numbers(std::filesystem::path const& path, std::string const& dataset) {
  if (!std::filesystem::is_regular_file(path)) refuse(path, "there is no such file");
  std::array<char, 8> magic{};
  std::ifstream(path, std::ios::binary).read(magic.data(), magic.size());
  bool const is_hdf5 = std::string_view(magic.data(), magic.size()) == std::string_view("\x89HDF\r\n\x1a\n", 8);
  if (is_hdf5) prepare_hdf5();
  auto table = is_hdf5 ? read_dataset(path, dataset) : read_text(path);
  if (table.n_rows == 0 || table.n_columns == 0) refuse(path, "there are no numbers");
  return table;
}

}  // namespace fermiac::io
