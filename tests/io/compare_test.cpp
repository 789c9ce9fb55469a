#include "fermiac/io/compare.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <functional>

#include "fermiac/io/results_file.hpp"
#include "io/refusal.hpp"
#include "io/sample.hpp"
#include "support/scratch_folder.hpp"

namespace {

using namespace fermiac;
using namespace fermiac::io;
using fermiac::io::test::is_one_line_with;
using fermiac::io::test::refusal;
using fermiac::support::ScratchFolder;

/// The first difference between the sample and the sample after `spoil_schema` and `spoil_data`.
std::optional<std::string> difference_after(
    std::function<void(Schema&)> const& spoil_schema,
    std::function<void(ResultsFile&)> const& spoil_data = [](ResultsFile&) {}) {
  ScratchFolder const folder;
  auto schema = io::test::sample_schema();
  create(folder / "a.h5", schema);
  spoil_schema(schema);
  create(folder / "b.h5", schema);
  auto file = ResultsFile::writing(folder / "b.h5");
  spoil_data(file);
  file.close();
  auto const found = first_difference(folder / "a.h5", folder / "b.h5");
  BOOST_TEST(first_difference(folder / "b.h5", folder / "a.h5").has_value() == found.has_value());
  return found;
}

void expect(std::optional<std::string> const& difference, std::vector<std::string> const& parts) {
  BOOST_REQUIRE(difference.has_value());
  BOOST_TEST(is_one_line_with(*difference, parts), *difference);
}

auto const as_it_was = [](Schema&) {};

}  // namespace

BOOST_AUTO_TEST_SUITE(first_difference_between_files)

BOOST_AUTO_TEST_CASE(is_none_between_equal_ones) { BOOST_TEST(!difference_after(as_it_was).has_value()); }

BOOST_AUTO_TEST_CASE(is_none_where_only_run_differs) {
  BOOST_TEST(!difference_after([](Schema& schema) { schema.run.variables.push_back({.name = "more"}); },
                               [](ResultsFile& file) {
                                 file.write_flat("run/start", 0, std::vector<double>{1});
                                 file.write_text("run/hosts", 3, "elsewhere");
                               })
                  .has_value());
  BOOST_TEST(!difference_after([](Schema& schema) { schema.run = {}; }).has_value());
}

BOOST_AUTO_TEST_CASE(names_the_element_and_both_values) {
  expect(difference_after(as_it_was, [](ResultsFile& file) { file.write_flat("positions", 57, std::vector<double>{0.1}); }),
         {"positions[1, 0, 3, 2]", "nan and 0.1"});
  expect(difference_after(as_it_was, [](ResultsFile& file) { file.write_flat("counts", 23, std::vector<std::int64_t>{-2}); }),
         {"counts[2, 1, 3]", "-1 and -2"});
  expect(difference_after(as_it_was, [](ResultsFile& file) { file.write_flat("done", 0, std::vector<std::uint8_t>{2}); }),
         {"done[0, 0, 0]", "0 and 2"});
  expect(difference_after(as_it_was, [](ResultsFile& file) { file.write_text("error", 9, "singular"); }),
         {"error[1, 0, 1]", "\"\" and \"singular\""});
  expect(difference_after(as_it_was, [](ResultsFile& file) { file.write_flat("total", 0, std::vector<double>{3}); }),
         {"total differs", "nan and 3"});
  expect(difference_after(as_it_was, [](ResultsFile& file) { file.write_flat("omega", 1, std::vector<double>{0.5}); }),
         {"omega[1]", "0.28 and 0.5"});
}

BOOST_AUTO_TEST_CASE(is_of_bits_and_not_of_values) {
  expect(difference_after(as_it_was,
                          [](ResultsFile& file) { file.write_flat("energy", 2, std::vector<double>{std::nan("0x9")}); }),
         {"energy[0, 0, 2]", "0x7ff8000000000000", "0x7ff8000000000009"});
  expect(difference_after([](Schema& schema) {
           schema.root.variables[1].initial = std::vector<double>{0.44079, 1.0217, std::nextafter(3.0, 4)};
         }),
         {"energy_truth[2]", "3 and 3.0000000000000004"});
}

BOOST_AUTO_TEST_CASE(is_found_in_objects_shapes_types_and_scales) {
  expect(difference_after([](Schema& schema) { schema.root.variables.push_back({.name = "more"}); }),
         {"'more' is only in", "b.h5"});
  expect(difference_after([](Schema& schema) { schema.root.variables.pop_back(); }), {"'note' is only in", "a.h5"});
  expect(difference_after([](Schema& schema) {
           schema.root.variables[1] = {.name = "energy_truth", .type = Type::integer, .dimensions = {"omega"}};
         }),
         {"'energy_truth'", "float64 and int64"});
  expect(difference_after([](Schema& schema) { schema.root.variables[8].text_length = 128; }),
         {"'error'", "text of 256 bytes and text of 128 bytes"});
  expect(difference_after([](Schema& schema) { schema.root.scales[2].size = 5; }), {"[3, 2, 4] and [3, 2, 5]"});
  expect(difference_after([](Schema& schema) { schema.root.variables[9].dimensions = {"omega"}; }), {"'total'", "[] and [3]"});
  expect(difference_after([](Schema& schema) {
           schema.root.scales.push_back({.name = "zeta", .size = 3});
           schema.root.variables[1].dimensions = {"zeta"};
         }),
         {"'zeta' is only in"});
  // The same objects, another scale along a dimension.
  ScratchFolder const folder;
  Schema schema;
  schema.root.scales = {{.name = "p", .size = 3}, {.name = "q", .size = 3}};
  schema.root.variables = {{.name = "x", .dimensions = {"p", "q"}}};
  create(folder / "a.h5", schema);
  schema.root.variables[0].dimensions = {"p", "p"};
  create(folder / "b.h5", schema);
  expect(first_difference(folder / "a.h5", folder / "b.h5"), {"dimension 1 of 'x'", "\"/q\" and \"/p\""});
}

BOOST_AUTO_TEST_CASE(is_found_in_attributes) {
  expect(difference_after([](Schema& schema) { schema.root.attributes[2].second = std::int64_t{1}; }),
         {"'seed' of the root", "20230427 and 1"});
  expect(difference_after([](Schema& schema) { schema.root.attributes[3].second = 0.25; }), {"'tolerance'", "0.125 and 0.25"});
  expect(difference_after([](Schema& schema) { schema.root.attributes[3].second = std::int64_t{1}; }),
         {"'tolerance'", "float64 and int64"});
  expect(difference_after([](Schema& schema) {
           schema.root.attributes[4].second = std::vector<double>{1, 2.5, 3};
         }),
         {"'ladder' of the root differs at 2", "-3 and 3"});
  expect(difference_after([](Schema& schema) { schema.root.attributes[4].second = std::vector<double>{1}; }),
         {"'ladder'", "[3] and [1]"});
  expect(difference_after([](Schema& schema) { schema.root.attributes.pop_back(); }),
         {"attribute of the root 'empty' is only in", "a.h5"});
  expect(difference_after([](Schema& schema) { schema.root.variables[0].attributes[0].second = std::string("eV"); }),
         {"'units' of 'energy'", "\"hartree\" and \"eV\""});
  expect(difference_after([](Schema& schema) { schema.root.attributes[5].second = std::string("x\n"); }),
         {"'study'", "line 1"});
}

BOOST_AUTO_TEST_CASE(is_found_at_the_end_of_more_data_than_fit_into_a_buffer) {
  ScratchFolder const folder;
  for (auto const& lengths : {std::vector<std::uint64_t>{1500001}, {3, 700001}, {700001, 3}, {2, 2, 600001}}) {
    Schema schema;
    std::vector<std::string> dimensions;
    std::uint64_t n = 1;
    std::string last;
    for (auto const length : lengths) {
      dimensions.push_back("d" + std::to_string(dimensions.size()));
      schema.root.scales.push_back({.name = dimensions.back(), .size = length});
      n *= length;
      last += (last.empty() ? "" : ", ") + std::to_string(length - 1);
    }
    schema.root.variables = {{.name = "x", .dimensions = dimensions}};
    for (auto const name : {"a.h5", "b.h5"}) create(folder / name, schema);
    BOOST_TEST(!first_difference(folder / "a.h5", folder / "b.h5").has_value());
    ResultsFile::writing(folder / "b.h5").write_flat("x", n - 1, std::vector<double>{1});
    expect(first_difference(folder / "a.h5", folder / "b.h5"), {"x[" + last + "]", "nan and 1"});
  }
}

BOOST_AUTO_TEST_CASE(cannot_be_told_of_what_is_no_results_file) {
  ScratchFolder const folder;
  create(folder / "a.h5", io::test::sample_schema());
  std::ofstream(folder / "b.h5") << "nothing";
  BOOST_TEST(is_one_line_with(refusal([&] { first_difference(folder / "a.h5", folder / "b.h5"); }), {"b.h5"}));
  BOOST_TEST(is_one_line_with(refusal([&] { first_difference(folder / "c.h5", folder / "a.h5"); }), {"c.h5", "No such file"}));
}

BOOST_AUTO_TEST_SUITE_END()
