/// The table of a study: a line for every point, estimates with their errors beside truths, bounds and z-scores.
#pragma once

#include <string>
#include <vector>

#include "fermiac/study/study_file.hpp"

namespace fermiac::study {

/// A value with its standard error in the notation 1.2345(67): two digits of the error. "-" for NaN.
std::string concise(double value, double error);

/// Cells of a table: the coordinates of the points, then the variables that the kind wants shown.
struct Table {
  struct Column {
    std::string name;
    std::string units;
    std::vector<Value> values;   ///< NaN where there is none
    std::vector<double> errors;  ///< empty where there is no variable `name`_error
  };
  std::vector<Column> columns;
  bool is_complete = false;  ///< whether NaN means that there is no such value, not that it is to come

  /// Leaves out the columns of a complete study that have no value, and the end of texts of more than 40 characters.
  std::string as_text() const;
  std::string as_csv() const;   ///< a column `name`_error behind each column that has one; empty cells for NaN
  std::string as_json() const;  ///< an array of objects; null for NaN
};

Table table_of(Study const& study, StudyFile const& file);

/// The tables of a study whose kind yields findings: for each point and table a block of lines (estimators) and measures, each
/// measure as estimate with error, truth and z where there are any.
struct FindingsTable {
  std::vector<std::vector<Value>> coordinates;  ///< of each point
  std::vector<std::string> axes;                ///< their names
  std::vector<std::vector<Finding>> findings;   ///< of each point

  bool empty() const;  ///< no point has any
  std::string as_text() const;
  std::string as_csv() const;   ///< one line a finding: axes, table, line, measure, value, error, truth, z
  std::string as_json() const;  ///< the same as an array of objects; null for NaN
};

FindingsTable findings_of(Study const& study, StudyFile const& file);

}  // namespace fermiac::study
