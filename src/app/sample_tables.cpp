#include "sample_tables.hpp"

#include "fermiac/base/error.hpp"
#include "fermiac/io/number_table.hpp"

namespace fermiac::app {

arma::mat const& SampleTables::of(std::string const& key, std::string const& path, std::string const& dataset) {
  auto& known = tables_[path + "\n" + dataset];
  if (known.n_rows > 0) return known;
  try {
    auto const read = io::read_numbers(path, dataset);
    known.set_size(read.n_rows, read.n_columns);
    for (std::uint64_t row = 0; row < read.n_rows; ++row)
      for (std::uint64_t c = 0; c < read.n_columns; ++c) known(row, c) = read.at(row, c);
  } catch (InputError const& error) {
    throw InputError(key, key + ": " + error.what());
  } catch (SystemError const& error) {
    throw InputError(key, key + ": " + error.what());
  }
  return known;
}

}  // namespace fermiac::app
