#include "fermiac/base/parameter.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <limits>

#include "fermiac/base/error.hpp"

using namespace fermiac;

namespace {

std::vector<Parameter> const declared{real("system.omega", 1, "trap").unit("1/time").above(0),
                                      integer("sampler.walkers", 64, "walkers").at_least(1).at_most(100),
                                      flag("ansatz.sigma_trainable", false, "train sigma"),
                                      choice("system.interaction", "coulomb", {"none", "coulomb"}, "between electrons"),
                                      integer("sampler.portion", 1, "walkers at a time").shares_streams()};

}  // namespace

BOOST_AUTO_TEST_SUITE(parameter)

BOOST_AUTO_TEST_CASE(values_are_accepted_by_type_and_range) {
  Parameters point(declared);
  point.set("system.omega", std::int64_t{2});
  BOOST_TEST(point.real("system.omega") == 2.0);
  point.set("sampler.walkers", std::int64_t{100});
  BOOST_CHECK_THROW(point.set("sampler.walkers", std::int64_t{101}), InputError);
  BOOST_CHECK_THROW(point.set("sampler.walkers", 2.0), InputError);
  BOOST_CHECK_THROW(point.set("system.omega", 0.0), InputError);
  BOOST_CHECK_THROW(point.set("system.omega", std::numeric_limits<double>::quiet_NaN()), InputError);
  BOOST_CHECK_THROW(point.set("system.omega", std::string("1")), InputError);
  BOOST_CHECK_THROW(point.set("system.interaction", std::string("columb")), InputError);
  BOOST_TEST(point.integer("sampler.walkers") == 100);
}

BOOST_AUTO_TEST_CASE(a_refusal_names_key_value_and_expectation) {
  Parameters point(declared);
  try {
    point.set("system.interaction", std::string("columb"));
    BOOST_FAIL("accepted");
  } catch (InputError const& error) {
    std::string const text = error.what();
    BOOST_TEST(error.key() == "system.interaction");
    BOOST_TEST(text.find("system.interaction = \"columb\"") != text.npos);
    BOOST_TEST(text.find("one of none, coulomb") != text.npos);
    BOOST_TEST(text.find("did you mean \"coulomb\"") != text.npos);
  }
}

BOOST_AUTO_TEST_CASE(canonical_text_is_sorted_and_knows_only_what_enters_streams) {
  Parameters a(declared);
  Parameters b(declared);
  BOOST_TEST(a.canonical() ==
             "ansatz.sigma_trainable = false\nsampler.walkers = 64\nsystem.interaction = \"coulomb\"\nsystem.omega = 1.0\n");
  b.set("sampler.portion", std::int64_t{7});
  BOOST_TEST(a.canonical() == b.canonical());
  b.set("system.omega", 0.1);
  BOOST_TEST(a.canonical() != b.canonical());
}

BOOST_AUTO_TEST_CASE(numbers_are_written_so_that_they_read_back) {
  for (double const x : {0.1, 1.0 / 6, 1e300, -2.5, 5e-324, 1.0, 123456789012.0})
    BOOST_TEST(std::strtod(to_toml(x).c_str(), nullptr) == x);
  BOOST_TEST(to_toml(1.0) == "1.0");
  BOOST_TEST(to_toml(std::string("a \"b\" \\")) == "\"a \\\"b\\\" \\\\\"");
}

BOOST_AUTO_TEST_CASE(there_is_one_zero) {
  std::vector<Parameter> const any{real("a.x", 1, "any number")};
  Parameters minus(any);
  Parameters plus(any);
  minus.set("a.x", -0.0);
  plus.set("a.x", 0.0);
  BOOST_TEST(minus.canonical() == plus.canonical());
}

BOOST_AUTO_TEST_CASE(nearest_is_by_edits) {
  BOOST_TEST(nearest("omgea", {"alpha", "omega", "sigma"}) == "omega");
  BOOST_TEST(nearest("", {"abc", "a"}) == "a");
}

BOOST_AUTO_TEST_SUITE_END()
