/// Users' tables of samples, read once.
#pragma once

#include <armadillo>
#include <map>
#include <string>

namespace fermiac::app {

class SampleTables {
 public:
  /// A sample a row.
  /// @param key      that names the file: errors name it
  /// @param dataset  of an HDF5 file
  /// @throws InputError  as `io::read_numbers`
  arma::mat const& of(std::string const& key, std::string const& path, std::string const& dataset);

 private:
  std::map<std::string, arma::mat> tables_;
};

}  // namespace fermiac::app
