/// Vectors and matrices in a study file's text: rows separated by semicolons, numbers by commas, each a formula of numbers.
///
///     "3/5, 2/5; 1/5, 4/5"      "0, 2*cos(pi/4)"
#pragma once

#include <armadillo>
#include <string>
#include <vector>

namespace fermiac::flow {

/// The parts of `text` between separators; one empty part where the text is empty.
std::vector<std::string> split(std::string const& text, char separator);

/// @throws InputError  naming the key, where a formula is wrong, a number is not finite or the shape is another
arma::mat matrix_of(std::string const& text, std::size_t n_rows, std::size_t n_columns, std::string const& key);
/// Any number of rows, one and up.
arma::mat rows_of(std::string const& text, std::size_t n_columns, std::string const& key);
/// One row, as a vector.
arma::vec vector_of(std::string const& text, std::size_t size, std::string const& key);

}  // namespace fermiac::flow
