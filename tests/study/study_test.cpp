#include "fermiac/study/study.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "fermiac/base/error.hpp"
#include "support/plain_kind.hpp"

using namespace fermiac;
using namespace fermiac::study;

namespace {

auto const registry = testing::plain_registry();

std::string const head = "[study]\nname = \"s\"\nkind = \"plain\"\nseed = 7\nreplicates = 5\n";

Study parse(std::string const& text, std::vector<std::string> const& overrides = {}) {
  return Study(text, "s.toml", registry, overrides);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(study_files)

BOOST_AUTO_TEST_CASE(points_run_with_the_last_axis_fastest) {
  auto const study = parse(head + "[[sweep]]\n\"a.x\" = [1, 2]\n[[sweep]]\n\"a.n\" = [3, 4, 5]\n");
  BOOST_TEST(study.n_points() == 6u);
  BOOST_TEST(study.point(4).real("a.x") == 2.0);
  BOOST_TEST(study.point(4).integer("a.n") == 4);
  BOOST_TEST(study.axes()[0].name == "x");
  BOOST_TEST(study.dimensions()[0].size == 5u);
}

BOOST_AUTO_TEST_CASE(items_hold_ranges_of_replicates_and_the_last_one_is_short) {
  auto const study = parse(head);
  BOOST_TEST(study.items_per_point() == 3u);
  BOOST_TEST(study.item(1).replicates.first == 2u);
  BOOST_TEST(study.item(2).replicates.size() == 1u);
}

BOOST_AUTO_TEST_CASE(keys_of_one_table_vary_together_and_the_first_in_the_source_names_the_axis) {
  auto const study = parse(head + "[[sweep]]\n\"b.x\" = [5, 6]\n\"a.mode\" = [\"one\", \"two\"]\n");
  BOOST_TEST(study.n_points() == 2u);
  BOOST_TEST(study.axes()[0].name == "x");
  BOOST_TEST(study.axes()[0].keys[0] == "b.x");
  BOOST_TEST(study.axes()[0].coordinate_name(1) == "a_mode");
  BOOST_TEST(study.point(1).text("a.mode") == "two");
}

BOOST_AUTO_TEST_CASE(axes_of_the_same_last_name_are_qualified) {
  auto const study = parse(head + "[[sweep]]\n\"a.x\" = [1, 2]\n[[sweep]]\n\"b.x\" = [1, 2]\n");
  BOOST_TEST(study.axes()[0].name == "a_x");
  BOOST_TEST(study.axes()[1].name == "b_x");
}

BOOST_AUTO_TEST_CASE(ranges_reach_both_ends) {
  auto const linear = parse(head + "[[sweep]]\n\"a.n\" = { linear = [2, 8, 4] }\n");
  BOOST_TEST(linear.n_points() == 4u);
  BOOST_TEST(linear.point(1).integer("a.n") == 4);
  auto const logarithmic = parse(head + "[[sweep]]\n\"a.x\" = { log = [0.01, 100, 5] }\n");
  for (std::uint64_t i = 0; i < 5; ++i)
    BOOST_TEST(logarithmic.point(i).real("a.x") == std::stod("1e" + std::to_string(int(i) - 2)));
}

BOOST_AUTO_TEST_CASE(the_resolved_form_resolves_to_itself) {
  auto const study =
      parse(head + "[[sweep]]\n\"a.x\" = { log = [1, 2, 3] }\n\"b.x\" = [1, 2, 3]\n[a]\nmode = \"two\"\n", {"a.n=9"});
  auto const again = parse(study.resolved());
  BOOST_TEST(again.resolved() == study.resolved());
  for (std::uint64_t p = 0; p < study.n_points(); ++p) BOOST_TEST(again.point(p).canonical() == study.point(p).canonical());
}

BOOST_AUTO_TEST_CASE(a_new_sweep_value_or_more_replicates_change_no_other_point) {
  auto const small = parse(head + "[[sweep]]\n\"a.x\" = [1, 2]\n");
  auto const large = parse(head + "[[sweep]]\n\"a.x\" = [1, 1.5, 2]\n", {"study.replicates=50"});
  BOOST_TEST(small.point(1).canonical() == large.point(2).canonical());
}

BOOST_AUTO_TEST_CASE(overrides_come_last_and_are_checked) {
  BOOST_TEST(parse(head + "[a]\nx = 3\n", {"a.x=4", "study.seed=9"}).seed() == 9u);
  BOOST_TEST(parse(head, {"a.mode=two"}).point(0).text("a.mode") == "two");
  BOOST_CHECK_THROW(parse(head, {"a.y=4"}), InputError);
  BOOST_CHECK_THROW(parse(head + "[[sweep]]\n\"a.x\" = [1]\n", {"a.x=4"}), InputError);
}

BOOST_AUTO_TEST_CASE(messages_name_file_line_key_and_what_is_near) {
  try {
    parse(head + "[a]\nmod = \"one\"\n");
    BOOST_FAIL("accepted");
  } catch (InputError const& error) {
    BOOST_TEST(error.what() == std::string("s.toml:7: unknown key \"a.mod\" (did you mean \"a.mode\"?)"));
  }
}

BOOST_AUTO_TEST_CASE(a_record_is_padded_to_the_longest_point) {
  auto const study = parse(head + "[[sweep]]\n\"a.n\" = [2, 4]\n");
  auto record = study.item_record(study.item(0));
  BOOST_TEST(record.replicates.values("vector", 1).size() == 4u);
  record.replicates.set("vector", std::vector<double>{1, 2}, 1);
  BOOST_TEST(record.replicates.values("vector", 1)[1] == 2.0);
  BOOST_TEST(std::isnan(record.replicates.values("vector", 1)[2]));
  BOOST_TEST(std::isnan(record.replicates.values("vector", 0)[1]));
  BOOST_CHECK_THROW(record.item.values("value"), std::logic_error);
}

BOOST_AUTO_TEST_CASE(the_template_of_a_kind_is_a_study) {
  auto const study = parse(template_text(registry.kind("plain")));
  BOOST_TEST(study.kind().name() == "plain");
  BOOST_TEST(study.point(0).real("b.x") == 2.0);
}

BOOST_AUTO_TEST_SUITE_END()
