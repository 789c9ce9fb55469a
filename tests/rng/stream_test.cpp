#include "fermiac/rng/stream.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "fermiac/base/error.hpp"
#include "fermiac/base/sha256.hpp"
#include "fermiac/simd/functions.hpp"

using namespace fermiac;
using namespace fermiac::rng;

namespace {

__extension__ using Wide = unsigned __int128;

StreamId const id{make_key(20230427, "tests"), Purpose::test, 7};
std::uint64_t const last_index = ~std::uint64_t{0};

/// One of the kinds, so that each test runs over all of them.
struct Kind {
  char const* name;
  void (*fill)(Stream&, std::span<double>);
  double (*one)(Stream&);
  void (*fill_pack)(PackStream&, arma::mat&);
};

Kind const kinds[] = {
    {"uniform", [](Stream& s, std::span<double> x) { s.uniforms(x); }, [](Stream& s) { return s.uniform(); },
     [](PackStream& s, arma::mat& x) { s.uniforms(x); }},
    {"normal", [](Stream& s, std::span<double> x) { s.normals(x); }, [](Stream& s) { return s.normal(); },
     [](PackStream& s, arma::mat& x) { s.normals(x); }},
    {"rademacher", [](Stream& s, std::span<double> x) { s.rademachers(x); }, [](Stream& s) { return s.rademacher(); },
     [](PackStream& s, arma::mat& x) { s.rademachers(x); }},
    {"bernoulli", [](Stream& s, std::span<double> x) { s.bernoullis(0.3, x); },
     [](Stream& s) { return s.bernoulli(0.3) ? 1.0 : 0.0; }, [](PackStream& s, arma::mat& x) { s.bernoullis(0.3, x); }},
    {"integer",
     [](Stream& s, std::span<double> x) {
       std::vector<std::uint32_t> numbers(x.size());
       s.integers(1000, numbers);
       std::copy(numbers.begin(), numbers.end(), x.begin());
     },
     [](Stream& s) { return static_cast<double>(s.integer(1000)); },
     [](PackStream& s, arma::mat& x) {
       arma::Mat<std::uint32_t> numbers(x.n_rows, x.n_cols);
       s.integers(1000, numbers);
       x = arma::conv_to<arma::mat>::from(numbers);
     }},
};

std::vector<double> numbers_of(Kind const& kind, std::size_t n, std::uint64_t walker = 3) {
  Stream stream(id, walker);
  std::vector<double> x(n);
  kind.fill(stream, x);
  return x;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(a_stream)

BOOST_AUTO_TEST_CASE(makes_its_numbers_of_the_blocks_as_documented) {
  Stream stream(id, 3);
  for (std::uint64_t index : {0, 1, 2, 1000000}) {
    Block const b = philox(id.key, make_counter(id.purpose, id.replicate, 3, index));
    double const u0 = uniform_of(b[0], b[1]);
    double const u1 = uniform_of(b[2], b[3]);
    auto const next = [&](auto draw) {
      stream.seek(index);
      auto const first = draw();
      auto const second = draw();
      BOOST_TEST(stream.index() == index + 1);
      return std::array{static_cast<double>(first), static_cast<double>(second)};
    };
    BOOST_TEST((next([&] { return stream.uniform(); }) == std::array{u0, u1}));
    BOOST_TEST((next([&] { return stream.rademacher(); }) == std::array{(b[1] >> 31) ? -1.0 : 1.0, (b[3] >> 31) ? -1.0 : 1.0}));
    BOOST_TEST((next([&] { return stream.bernoulli(0.4); }) == std::array{u0 < 0.4 ? 1.0 : 0.0, u1 < 0.4 ? 1.0 : 0.0}));
    auto const scaled = [](std::uint32_t low, std::uint32_t high, std::uint64_t bound) {
      return static_cast<double>(static_cast<Wide>((std::uint64_t{high} << 32) | low) * bound >> 64);
    };
    for (std::uint64_t const bound : {std::uint64_t{1}, std::uint64_t{6}, std::uint64_t{0xffffffff}, std::uint64_t{1} << 32})
      BOOST_TEST(
          (next([&] { return stream.integer(bound); }) == std::array{scaled(b[0], b[1], bound), scaled(b[2], b[3], bound)}));
    double const radius = std::sqrt(-2 * simd::log(u0));
    auto const [sine, cosine] = simd::sincos_turns(u1);
    BOOST_TEST((next([&] { return stream.normal(); }) == std::array{radius * cosine, radius * sine}));
  }
}

BOOST_AUTO_TEST_CASE(gives_the_same_numbers_however_a_batch_is_split) {
  for (auto const& kind : kinds) {
    std::size_t const n = 1203;
    auto const whole = numbers_of(kind, n);
    for (std::size_t const step : {1, 2, 3, 17, 511, 512, 513, 1024}) {
      Stream stream(id, 3);
      std::vector<double> parts(n);
      for (std::size_t i = 0; i < n; i += step) kind.fill(stream, std::span(parts).subspan(i, std::min(step, n - i)));
      BOOST_TEST(parts == whole, kind.name << " in steps of " << step);
      BOOST_TEST(stream.index() == (n + 1) / 2);
    }
    Stream stream(id, 3);
    std::vector<double> singles(n);
    for (auto& x : singles) x = kind.one(stream);
    BOOST_TEST(singles == whole, kind.name << " one by one");
    kind.fill(stream, {});
    BOOST_TEST(kind.one(stream) == numbers_of(kind, n + 1).back());
  }
}

BOOST_AUTO_TEST_CASE(never_uses_the_bits_of_a_normal_twice) {
  Stream stream(id, 3);
  stream.normal();
  BOOST_TEST(stream.uniform() == numbers_of(kinds[0], 3)[2]);
  BOOST_TEST(stream.bernoulli(0.4) == (numbers_of(kinds[0], 4)[3] < 0.4));
  stream.uniform();
  BOOST_TEST(stream.index() == 3U);
  BOOST_TEST(stream.normal() == numbers_of(kinds[1], 7)[6]);
  BOOST_TEST(stream.index() == 4U);
}

BOOST_AUTO_TEST_CASE(is_found_again_by_seeking_and_goes_on_in_a_copy) {
  for (auto const& kind : kinds) {
    auto const whole = numbers_of(kind, 40);
    Stream stream(id, 3);
    stream.seek(10);
    BOOST_TEST(kind.one(stream) == whole[20]);
    Stream copy = stream;
    BOOST_TEST(kind.one(copy) == whole[21]);
    BOOST_TEST(kind.one(copy) == whole[22]);
    BOOST_TEST(kind.one(stream) == whole[21]);
    stream.seek(0);
    BOOST_TEST(kind.one(stream) == whole[0]);
  }
}

BOOST_AUTO_TEST_CASE(differs_from_that_of_every_other_identity) {
  auto const first_of = [](StreamId const& other, std::uint64_t walker) { return Stream(other, walker).uniform(); };
  double const mine = first_of(id, 3);
  BOOST_TEST(mine == first_of(id, 3));
  BOOST_TEST(mine != first_of(id, 4));
  BOOST_TEST(mine != first_of({id.key, id.purpose, 8}, 3));
  BOOST_TEST(mine != first_of({id.key, Purpose::sample, 7}, 3));
  BOOST_TEST(mine != first_of({make_key(20230428, "tests"), id.purpose, 7}, 3));
}

BOOST_AUTO_TEST_CASE(refuses_what_overflows_and_what_is_no_parameter) {
  auto const names = [](std::string const& word) {
    return [word](InputError const& error) { return std::string(error.what()).find(word) != std::string::npos; };
  };
  BOOST_CHECK_EXCEPTION(Stream(id, walker_limit), InputError, names("walker"));
  BOOST_CHECK_EXCEPTION(Stream({id.key, id.purpose, replicate_limit}, 0), InputError, names("replicate"));
  BOOST_CHECK_EXCEPTION(PackStream(id, walker_limit - 3, 4), InputError, names("walker"));
  BOOST_CHECK_NO_THROW(PackStream(id, walker_limit - 4, 4));
  Stream stream(id, 0);
  for (auto const p : {-1e-300, 1.0000000000000002, std::nan("")})
    BOOST_CHECK_EXCEPTION(stream.bernoulli(p), InputError, names("bernoulli"));
  BOOST_CHECK_EXCEPTION(stream.integer(0), InputError, names("bound"));
  BOOST_CHECK_EXCEPTION(stream.integer((std::uint64_t{1} << 32) + 1), InputError, names("bound"));
  BOOST_TEST(stream.index() == 0U);
  stream.seek(last_index - 1);
  std::vector<double> x(4);
  BOOST_CHECK_EXCEPTION(stream.uniforms(x), InputError, names("index"));
  BOOST_TEST(stream.index() == last_index - 1);
  BOOST_CHECK_NO_THROW(stream.uniforms(std::span(x).first(2)));
  BOOST_CHECK_EXCEPTION(stream.uniform(), InputError, names("index"));
  PackStream pack(id, 0, 3);
  pack.seek(last_index);
  arma::mat out(3, 1);
  BOOST_CHECK_EXCEPTION(pack.normals(out), InputError, names("index"));
  arma::mat wrong(4, 1);
  BOOST_CHECK_THROW(pack.normals(wrong), std::logic_error);
}

BOOST_AUTO_TEST_CASE(of_bernoullis_is_certain_at_both_ends) {
  Stream stream(id, 0);
  std::vector<double> x(1000);
  stream.bernoullis(0, x);
  BOOST_TEST(arma::accu(arma::vec(x)) == 0);
  stream.bernoullis(1, x);
  BOOST_TEST(arma::accu(arma::vec(x)) == 1000);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(a_pack_of_streams)

BOOST_AUTO_TEST_CASE(gives_each_walker_the_numbers_of_its_own_stream) {
  for (auto const& kind : kinds) {
    for (arma::uword const n_walkers : {0, 1, 2, 17, 64, 300}) {
      PackStream pack(id, 5, n_walkers);
      // Widths that begin and end on either half of a block.
      std::vector<arma::mat> parts;
      for (arma::uword const width : {3, 2, 1, 0, 4, 1}) {
        arma::mat out(n_walkers, width);
        kind.fill_pack(pack, out);
        parts.push_back(out);
      }
      bool equal = true;
      for (arma::uword w = 0; w < n_walkers; ++w) {
        auto const own = numbers_of(kind, 11, 5 + w);
        std::size_t i = 0;
        for (auto const& part : parts)
          for (arma::uword column = 0; column < part.n_cols; ++column) equal = equal && part(w, column) == own[i++];
      }
      BOOST_TEST(equal, kind.name << ", " << n_walkers << " walkers");
      BOOST_TEST(pack.index() == 6U);
    }
  }
}

BOOST_AUTO_TEST_CASE(is_the_same_however_walkers_are_grouped) {
  arma::mat whole(37, 4);
  PackStream(id, 10, 37).normals(whole);
  for (arma::uword const first : {0, 1, 16, 36}) {
    arma::mat part(37 - first, 4);
    PackStream(id, 10 + first, 37 - first).normals(part);
    BOOST_TEST(arma::all(arma::vectorise(part == whole.rows(first, 36))));
  }
}

BOOST_AUTO_TEST_CASE(over_replicates_gives_each_row_the_stream_of_its_replicate) {
  for (std::uint64_t const n : {0, 1, 2, 17, 300})
    for (auto const& kind : kinds) {
      PackStream pack(id.key, id.purpose, {1000, 1000 + n}, 3);
      std::vector<double> own(5);
      bool equal = true;
      arma::mat first(n, 2), rest(n, 3);
      kind.fill_pack(pack, first);
      kind.fill_pack(pack, rest);
      for (std::uint64_t r = 0; r < n; ++r) {
        Stream stream({id.key, id.purpose, 1000 + r}, 3);
        kind.fill(stream, own);
        for (arma::uword c = 0; c < 5; ++c) equal = equal && own[c] == (c < 2 ? first(r, c) : rest(r, c - 2));
      }
      BOOST_TEST(equal, kind.name << ", " << n << " replicates");
    }
  BOOST_CHECK_NO_THROW(PackStream(id.key, id.purpose, {replicate_limit - 2, replicate_limit}));
  BOOST_CHECK_THROW(PackStream(id.key, id.purpose, {replicate_limit - 2, replicate_limit + 1}), InputError);
  BOOST_CHECK_THROW(PackStream(id.key, id.purpose, {0, 1}, walker_limit), InputError);
}

BOOST_AUTO_TEST_CASE(sums_of_normals_are_those_of_the_numbers_one_by_one) {
  for (std::uint64_t const n : {0, 1, 2, 17, 300}) {
    PackStream pack(id.key, id.purpose, {4, 4 + n}), twin = pack;
    std::vector<double> sum(n, 0.5), squares(n, 0.25), sum_twin = sum, squares_twin = squares;
    for (std::uint64_t const k : {3, 0, 1, 4, 7}) {
      pack.add_normals(k, sum, k == 4 ? std::span<double>() : std::span(squares));
      arma::mat numbers(n, k);
      twin.normals(numbers);
      for (std::uint64_t r = 0; r < n; ++r)
        for (std::uint64_t c = 0; c < k; ++c) {
          sum_twin[r] += numbers(r, c);
          if (k != 4) squares_twin[r] = std::fma(numbers(r, c), numbers(r, c), squares_twin[r]);
        }
    }
    BOOST_TEST(sum == sum_twin);
    BOOST_TEST(squares == squares_twin);
    BOOST_TEST(pack.index() == twin.index());
  }
}

BOOST_AUTO_TEST_CASE(seeks_as_its_streams_do) {
  PackStream pack(id, 5, 3);
  arma::mat first(3, 4), again(3, 2);
  pack.uniforms(first);
  pack.seek(1);
  pack.uniforms(again);
  BOOST_TEST(arma::all(arma::vectorise(again == first.cols(2, 3))));
}

BOOST_AUTO_TEST_SUITE_END()

// The bits that every ARCH (AVX-512, AVX2) and MODE (release, debug, asan) gives. A change of these changes every result.
BOOST_AUTO_TEST_CASE(streams_have_the_recorded_fingerprints) {
  char const* const recorded[] = {"4701ceb353126ade65e61df7a116fa63c2a2b6a2123e6802beb899d40e2b4339",
                                  "4484d6b6758c2c2b22e5aab33197968e0c325348b87eaedc2b02c89f720a24fe",
                                  "14aba46c596187cc8602fad5c89c51fccfb2eef98cd05e57ac7973a1481f48e8",
                                  "327fa5ec112d32765e7b46fea54dc1a4468cc371ca553f938763b45a3dd02c63",
                                  "9d16b23774df6b22f6c2d456299df2f06bfa1a957654c6bd133e7da7942e3f9a"};
  for (std::size_t i = 0; i < std::size(kinds); ++i) {
    auto const x = numbers_of(kinds[i], 20001);
    auto const found = hexadecimal(sha256(std::as_bytes(std::span(x))));
    BOOST_TEST(found == recorded[i], kinds[i].name << ' ' << found);
  }
}
