#include "fermiac/rng/philox.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <set>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/base/sha256.hpp"

using namespace fermiac;
using namespace fermiac::rng;

namespace {

struct FourArrays {
  explicit FourArrays(std::size_t n) : words(4, std::vector<std::uint32_t>(n + 1, canary)) {}

  static constexpr std::uint32_t canary = 0xdeadbeef;
  std::vector<std::vector<std::uint32_t>> words;

  Block block(std::size_t i) const { return {words[0][i], words[1][i], words[2][i], words[3][i]}; }
  bool kept_the_canaries() const {
    return words[0].back() == canary && words[1].back() == canary && words[2].back() == canary && words[3].back() == canary;
  }
};

Key const key{0xa4093822, 0x299f31d0};
std::uint64_t const odd_sizes[] = {0, 1, 2, 7, 8, 15, 16, 17, 31, 33, 100};

}  // namespace

BOOST_AUTO_TEST_SUITE(philox4x32_10)

// The three vectors for philox4x32 with 10 rounds in the file kat_vectors of Random123.
BOOST_AUTO_TEST_CASE(gives_the_published_known_answers) {
  BOOST_TEST(philox({0, 0}, {0, 0, 0, 0}) == (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}),
             boost::test_tools::per_element());
  std::uint32_t const ones = 0xffffffff;
  BOOST_TEST(philox({ones, ones}, {ones, ones, ones, ones}) == (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}),
             boost::test_tools::per_element());
  BOOST_TEST(
      philox(key, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}) == (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(of_a_batch_gives_the_published_known_answers) {
  // The second vector is walker 2^24 - 1 of purpose 255, the third is walker 0x707344 of purpose 3.
  std::uint32_t const ones = 0xffffffff;
  FourArrays a(1);
  blocks_over_walkers({ones, ones}, Purpose{0xff}, ones, 0xffffff, 1, ~std::uint64_t{0}, a.words[0].data(), a.words[1].data(),
                      a.words[2].data(), a.words[3].data());
  BOOST_TEST(a.block(0) == (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}), boost::test_tools::per_element());
  blocks_over_index(key, Purpose{3}, 0x13198a2e, 0x707344, 0x85a308d3243f6a88, 1, a.words[0].data(), a.words[1].data(),
                    a.words[2].data(), a.words[3].data());
  BOOST_TEST(a.block(0) == (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(over_walkers_equals_the_library_block_by_block) {
  for (auto const n : odd_sizes) {
    for (std::uint64_t const index : {std::uint64_t{0}, std::uint64_t{0x123456789abc}, ~std::uint64_t{0}}) {
      FourArrays a(n);
      blocks_over_walkers(key, Purpose::sample, 77, 5, static_cast<std::uint32_t>(n), index, a.words[0].data(),
                          a.words[1].data(), a.words[2].data(), a.words[3].data());
      bool equal = a.kept_the_canaries();
      for (std::uint64_t i = 0; i < n; ++i)
        equal = equal && a.block(i) == philox(key, make_counter(Purpose::sample, 77, 5 + i, index));
      BOOST_TEST(equal, "n = " << n << ", index = " << index);
    }
  }
}

BOOST_AUTO_TEST_CASE(over_the_index_equals_the_library_block_by_block) {
  for (auto const n : odd_sizes) {
    // Across the carry from the low to the high word of the index.
    for (std::uint64_t const first : {std::uint64_t{0}, std::uint64_t{0xfffffffc}, ~std::uint64_t{0} - 100}) {
      FourArrays a(n);
      blocks_over_index(key, Purpose::draw, 3, 9, first, n, a.words[0].data(), a.words[1].data(), a.words[2].data(),
                        a.words[3].data());
      bool equal = a.kept_the_canaries();
      for (std::uint64_t i = 0; i < n; ++i)
        equal = equal && a.block(i) == philox(key, make_counter(Purpose::draw, 3, 9, first + i));
      BOOST_TEST(equal, "n = " << n << ", first = " << first);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(the_counter)

BOOST_AUTO_TEST_CASE(holds_index_replicate_purpose_and_walker_where_the_header_says) {
  BOOST_TEST(make_counter(Purpose::initialise, 0, 0, 0) == (Counter{0, 0, 0, 0}), boost::test_tools::per_element());
  BOOST_TEST(make_counter(Purpose::sample, 0x89abcdef, 0x123456, 0xfedcba9876543210) ==
                 (Counter{0x76543210, 0xfedcba98, 0x89abcdef, 0x05123456}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(of_distinct_streams_is_distinct) {
  std::uint64_t const extremes[] = {0, 1, 0xfffffe, 0xffffff};
  std::set<Counter> seen;
  std::size_t n = 0;
  for (int purpose = 0; purpose < 256; ++purpose)
    for (auto const replicate : {std::uint64_t{0}, std::uint64_t{1}, replicate_limit - 1})
      for (auto const walker : extremes)
        for (auto const index : {std::uint64_t{0}, std::uint64_t{1} << 32, ~std::uint64_t{0}}) {
          seen.insert(make_counter(static_cast<Purpose>(purpose), replicate, walker, index));
          ++n;
        }
  BOOST_TEST(seen.size() == n);
}

BOOST_AUTO_TEST_CASE(overflows_with_an_error_that_names_what_overflowed) {
  auto const names = [](std::string const& word) {
    return [word](InputError const& error) { return std::string(error.what()).find(word) != std::string::npos; };
  };
  BOOST_CHECK_EXCEPTION(make_counter(Purpose::sample, replicate_limit, 0, 0), InputError, names("replicate 4294967296"));
  BOOST_CHECK_EXCEPTION(make_counter(Purpose::sample, 0, walker_limit, 0), InputError, names("walker 16777216"));
  std::uint32_t w[4][8];
  BOOST_CHECK_EXCEPTION(blocks_over_walkers(key, Purpose::sample, 0, 0xfffffe, 3, 0, w[0], w[1], w[2], w[3]), InputError,
                        names("walker 16777216"));
  BOOST_CHECK_NO_THROW(blocks_over_walkers(key, Purpose::sample, 0, 0xfffffe, 2, 0, w[0], w[1], w[2], w[3]));
  BOOST_CHECK_EXCEPTION(blocks_over_index(key, Purpose::sample, 0, walker_limit, 0, 1, w[0], w[1], w[2], w[3]), InputError,
                        names("walker 16777216"));
  BOOST_CHECK_EXCEPTION(blocks_over_index(key, Purpose::sample, 0, 0, ~std::uint64_t{0} - 1, 3, w[0], w[1], w[2], w[3]),
                        InputError, names("index"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(a_key)

BOOST_AUTO_TEST_CASE(is_the_leading_bits_of_the_documented_encoding) {
  using namespace std::string_literals;
  auto const leading = leading_64_bits(sha256("fermiac-stream/1\x08\x07\x06\x05\x04\x03\x02\x01omega=0.5"s));
  BOOST_TEST((make_key(0x0102030405060708, "omega=0.5") ==
              Key{static_cast<std::uint32_t>(leading), static_cast<std::uint32_t>(leading >> 32)}));
  // The same by an independent program: printf 'fermiac-stream/1\0\0\0\0\0\0\0\0' | sha256sum
  BOOST_TEST((make_key(0, "") == Key{0x135027b6, 0x80c09cb2}));
}

BOOST_AUTO_TEST_CASE(changes_with_the_seed_and_with_the_point) {
  BOOST_TEST((make_key(1, "a") == make_key(1, "a")));
  BOOST_TEST((make_key(1, "a") != make_key(2, "a")));
  BOOST_TEST((make_key(1, "a") != make_key(1, "b")));
  BOOST_TEST((make_key(1, "a") != make_key(1, std::string_view("a\0", 2))));
  // A seed's bytes are not the text's: 'a' is 97.
  BOOST_TEST((make_key(97, "") != make_key(0, "a")));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(a_uniform)

BOOST_AUTO_TEST_CASE(of_extreme_words_lies_inside_the_open_interval) {
  BOOST_TEST(uniform_of(0) == 0x1p-33);
  BOOST_TEST(uniform_of(0xffffffff) == 1 - 0x1p-33);
  BOOST_TEST(uniform_of(0, 0) == 0x1p-53);
  BOOST_TEST(uniform_of(0xffffffff, 0xffffffff) == 1 - 0x1p-53);
  BOOST_TEST(uniform_of(0xfff, 0) == 0x1p-53);  // the 12 lowest bits are not used
  BOOST_TEST(uniform_of(0x1000, 0) == 3 * 0x1p-53);
}

BOOST_AUTO_TEST_CASE(is_exact) {
  for (std::uint32_t const word : {0x1U, 0x7fffffffU, 0x80000000U, 0x12345678U})
    BOOST_TEST(uniform_of(word) == (word + 0.5) * 0x1p-32);
  auto const k = (std::uint64_t{0x9abcdef0} << 20) | 0x12345;
  // (k + 1/2) 2^-52 needs 53 bits, so that 2k + 1 is exact as a double.
  BOOST_TEST(uniform_of(0x12345678, 0x9abcdef0) == static_cast<double>(2 * k + 1) * 0x1p-53);
}

BOOST_AUTO_TEST_SUITE_END()
