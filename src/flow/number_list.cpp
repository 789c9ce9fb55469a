#include "fermiac/flow/number_list.hpp"

#include <fmt/format.h>

#include <cmath>

#include "fermiac/base/error.hpp"
#include "fermiac/flow/expression.hpp"

namespace fermiac::flow {

std::vector<std::string> split(std::string const& text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t first = 0; first <= text.size();) {
    std::size_t const end = std::min(text.find(separator, first), text.size());
    parts.push_back(text.substr(first, end - first));
    first = end + 1;
  }
  return parts;
}

arma::mat rows_of(std::string const& text, std::size_t n_columns, std::string const& key) {
  auto const rows = split(text, ';');
  arma::mat result(rows.size(), n_columns);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    auto const numbers = split(rows[r], ',');
    if (numbers.size() != n_columns)
      throw InputError(key,
                       fmt::format("row {} of \"{}\" has {} numbers, expected {}", r + 1, text, numbers.size(), n_columns));
    for (std::size_t c = 0; c < n_columns; ++c) {
      Formulas formulas(0);
      auto const node = formulas.parse(numbers[c], key);
      if (formulas.depends_on_time(node)) throw InputError(key, fmt::format("\"{}\" depends on time", numbers[c]));
      FormulaTape tape(formulas, {node}, 1);
      Columns const nowhere(1, 0);
      double const never = 0;
      tape.compute({1, &never, nowhere});
      result(r, c) = tape.value(0)[0];
      if (!std::isfinite(result(r, c))) throw InputError(key, fmt::format("\"{}\" is not a finite number", numbers[c]));
    }
  }
  return result;
}

arma::mat matrix_of(std::string const& text, std::size_t n_rows, std::size_t n_columns, std::string const& key) {
  arma::mat result = rows_of(text, n_columns, key);
  if (result.n_rows != n_rows)
    throw InputError(key, fmt::format("\"{}\" has {} rows, expected {}", text, result.n_rows, n_rows));
  return result;
}

arma::vec vector_of(std::string const& text, std::size_t size, std::string const& key) {
  return matrix_of(text, 1, size, key).t();
}

}  // namespace fermiac::flow
