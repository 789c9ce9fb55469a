/// Tables of numbers that users bring: CSV, or a dataset of an HDF5 file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fermiac::io {

/// Rows of equally many finite numbers.
struct NumberTable {
  std::uint64_t n_rows = 0;
  std::uint64_t n_columns = 0;
  std::vector<double> values;  ///< row after row

  double at(std::uint64_t row, std::uint64_t column) const { return values[row * n_columns + column]; }
};

/// Reads an HDF5 file's dataset (two dimensions, or one: a single column), or a file of rows of numbers separated by commas or
/// blanks; its first line may be a heading, empty lines and what follows a # are skipped.
///
/// @param dataset  for HDF5 alone
/// @throws InputError  with no key, in one line: no such file, a missing or non-finite value and where, rows of different
///                     lengths, no rows, no such dataset
NumberTable read_numbers(std::filesystem::path const& path, std::string const& dataset);

}  // namespace fermiac::io
