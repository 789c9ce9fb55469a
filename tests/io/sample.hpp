/// A results file with one of everything.
#pragma once

#include "fermiac/io/schema.hpp"

namespace fermiac::io::test {

/// Scales omega (3), scheme (2), replicate (4), walker (5); variables of each type with 0 to 4 dimensions; a group run.
inline Schema sample_schema() {
  Schema schema;
  schema.root.attributes = {{"schema", std::string("fermiac/1")},
                            {"kind", std::string("sample")},
                            {"seed", std::int64_t{20230427}},
                            {"tolerance", 0.125},
                            {"ladder", std::vector<double>{1, 2.5, -3}},
                            {"study", std::string(100000, 'x') + "π"},
                            {"empty", std::string()}};
  schema.root.scales = {{.name = "omega",
                         .coordinates = std::vector<double>{0.1, 0.28, 1},
                         .attributes = {{"units", std::string("hartree")}, {"long_name", std::string("trap frequency")}}},
                        {.name = "scheme", .coordinates = std::vector<std::string>{"gibbs", "Padé-Jastrow"}},
                        {.name = "replicate", .size = 4},
                        {.name = "walker", .coordinates = std::vector<std::int64_t>{-2, -1, 0, 1, 2}}};
  auto const all = std::vector<std::string>{"omega", "scheme", "replicate"};
  schema.root.variables = {
      {.name = "energy",
       .dimensions = all,
       .attributes = {{"units", std::string("hartree")}, {"long_name", std::string("energy")}},
       .coordinates = {"n_hidden", "label"}},
      {.name = "energy_truth", .dimensions = {"omega"}, .initial = std::vector<double>{0.44079, 1.0217, 3}},
      {.name = "positions", .dimensions = {"omega", "scheme", "replicate", "walker"}},
      {.name = "counts", .type = Type::integer, .dimensions = all, .fill = -1},
      {.name = "n_hidden", .type = Type::integer, .dimensions = {"omega"}, .initial = std::vector<std::int64_t>{2, 4, 8}},
      {.name = "label",
       .type = Type::text,
       .dimensions = {"scheme"},
       .text_length = 8,
       .initial = std::vector<std::string>{"first", "zweite"}},
      {.name = "done", .type = Type::byte, .dimensions = all},
      {.name = "marks", .type = Type::byte, .dimensions = {"walker"}, .fill = 7},
      {.name = "error", .type = Type::text, .dimensions = all, .text_length = 256},
      {.name = "total", .attributes = {{"units", std::string("1")}}},
      {.name = "n_total", .type = Type::integer},
      {.name = "note", .type = Type::text, .text_length = 16}};
  schema.run.scales = {{.name = "execution", .size = 64}};
  schema.run.variables = {{.name = "start", .dimensions = {"execution"}, .attributes = {{"long_name", std::string("start")}}},
                          {.name = "hosts", .type = Type::text, .dimensions = {"execution"}, .text_length = 64},
                          {.name = "seconds", .dimensions = {"execution", "omega"}}};
  return schema;
}

}  // namespace fermiac::io::test
