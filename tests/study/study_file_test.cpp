#include "fermiac/study/study_file.hpp"

#include <array>
#include <boost/test/unit_test.hpp>

#include "fermiac/base/error.hpp"
#include "support/plain_kind.hpp"
#include "support/scratch_folder.hpp"

using namespace fermiac;
using namespace fermiac::study;

namespace {

Study study_of(Registry const& registry, int replicates) {
  auto const text = "[study]\nname = \"plain\"\nkind = \"plain\"\nseed = 1\nreplicates = " + std::to_string(replicates) +
                    "\n[[sweep]]\n\"a.x\" = [1, 2, 3]\n";
  return Study(text, "study.toml", registry);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(study_files)

BOOST_AUTO_TEST_CASE(damaged_items_are_found_among_those_that_are_finished) {
  auto const registry = testing::plain_registry();
  auto const study = study_of(registry, 5);  // items of 2, 2 and 1 replicates
  support::ScratchFolder const folder;
  io::create(folder / "a.h5", schema_of(study));
  auto results = io::ResultsFile::writing(folder / "a.h5");
  StudyFile file(study, results);
  BOOST_TEST(file.damaged(file.states()).empty());
  std::vector<Finished> batch;
  for (std::uint64_t i = 0; i < study.n_items(); ++i) {
    if (i == 4) continue;
    Finished finished{i, i == 7 ? State::failed : State::done, study.item_record(study.item(i)), i == 7 ? "a reason" : ""};
    finished.record.item.set("total", static_cast<double>(i));
    for (std::uint64_t r = 0; r < finished.record.replicates.n_entries(); ++r)
      finished.record.replicates.set("value", static_cast<double>(10 * i + r), r);
    batch.push_back(std::move(finished));
  }
  file.write(batch);
  BOOST_TEST(file.damaged(file.states()).empty());
  // Replicate 2 of point 1 is the first of item 3 + 1, which is pending; replicate 4 of point 0 belongs to item 2.
  results.write_flat("value", 4, std::array{-1.0});
  results.write_flat("value", 5 + 2, std::array{-1.0});
  results.write_flat("total", 8, std::array{-1.0});
  results.write_text("error", 7, "another");
  std::vector<std::uint64_t> const expected{2, 7, 8};
  auto const found = file.damaged(file.states());
  BOOST_TEST(found == expected, boost::test_tools::per_element());
  BOOST_TEST(!file.is_intact(2));
  BOOST_TEST(file.is_intact(3));
}

BOOST_AUTO_TEST_CASE(a_file_with_other_items_is_refused) {
  auto const registry = testing::plain_registry();
  support::ScratchFolder const folder;
  io::create(folder / "a.h5", schema_of(study_of(registry, 5)));
  auto results = io::ResultsFile::reading(folder / "a.h5");
  auto const other = study_of(registry, 7);
  BOOST_CHECK_EXCEPTION(StudyFile(other, results), SystemError, [](auto const& error) {
    return std::string(error.what()).find("9 elements where 12") != std::string::npos;
  });
}

BOOST_AUTO_TEST_SUITE_END()
