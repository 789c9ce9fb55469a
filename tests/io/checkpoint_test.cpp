#include "fermiac/io/checkpoint.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

#include "fermiac/base/sha256.hpp"
#include "io/refusal.hpp"
#include "support/scratch_folder.hpp"

namespace {

using namespace fermiac;
using namespace fermiac::io;
using fermiac::io::test::is_one_line_with;
using fermiac::io::test::refusal;
using fermiac::support::ScratchFolder;
namespace fs = std::filesystem;

std::string const fingerprint = "study 1f3a, point 3, replicate 0";

Archive sample() {
  Archive archive;
  archive.put("walkers", std::vector<double>{0.25, -0.0, INFINITY, std::nan("0x5")});
  archive.put("empty", {});
  archive.put("", std::vector<double>{1});
  archive.put_integer("round", 12);
  archive.put_integers("counts", std::vector<std::uint64_t>{0, ~std::uint64_t{0}});
  return archive;
}

bool same(Archive const& a, Archive const& b) {
  auto const same_bits = [](auto const& x, auto const& y) {
    return x.first == y.first && x.second.size() == y.second.size() &&
           (x.second.empty() || std::memcmp(x.second.data(), y.second.data(), 8 * x.second.size()) == 0);
  };
  return std::equal(a.reals().begin(), a.reals().end(), b.reals().begin(), b.reals().end(), same_bits) &&
         a.integers() == b.integers();
}

std::string bytes_of(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put_bytes(fs::path const& path, std::string const& bytes) {
  fs::remove(path);  // ext4 flushes a file that is cut and written anew
  std::ofstream(path, std::ios::binary) << bytes;
}

/// The bytes with a checksum that agrees.
std::string sealed(std::string bytes) {
  auto const digest = sha256(bytes);
  bytes.append(reinterpret_cast<char const*>(digest.data()), digest.size());
  return bytes;
}

bool is_ignored(fs::path const& path) {
  auto const found = read_checkpoint(path, fingerprint);
  return !found.state && is_one_line_with(found.ignored, {path});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checkpoint)

BOOST_AUTO_TEST_CASE(comes_back_bit_by_bit) {
  ScratchFolder const folder;
  auto const path = folder / "item";
  for (auto const& state : {sample(), Archive()}) {
    write_checkpoint(path, fingerprint, state);
    auto const found = read_checkpoint(path, fingerprint);
    BOOST_REQUIRE(found.state.has_value());
    BOOST_TEST(same(*found.state, state));
    BOOST_TEST(found.ignored == "");
    BOOST_TEST(!fs::exists(folder / "item.tmp"));
  }
}

BOOST_AUTO_TEST_CASE(absent_one_is_no_state_and_no_complaint) {
  ScratchFolder const folder;
  auto const found = read_checkpoint(folder / "item", fingerprint);
  BOOST_TEST(!found.state);
  BOOST_TEST(found.ignored == "");
}

BOOST_AUTO_TEST_CASE(foreign_one_is_ignored) {
  ScratchFolder const folder;
  write_checkpoint(folder / "item", fingerprint + "1", sample());
  BOOST_TEST(is_ignored(folder / "item"));
  BOOST_TEST(is_one_line_with(read_checkpoint(folder / "item", fingerprint).ignored, {"another study"}));
}

BOOST_AUTO_TEST_CASE(one_cut_at_any_byte_is_ignored) {
  ScratchFolder const folder;
  auto const path = folder / "item";
  write_checkpoint(path, fingerprint, sample());
  auto const whole = bytes_of(path);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    put_bytes(path, whole.substr(0, n));
    BOOST_TEST(is_ignored(path), n << " bytes");
  }
  put_bytes(path, whole + 'x');
  BOOST_TEST(is_ignored(path));
  put_bytes(path, whole);
  BOOST_TEST(!is_ignored(path));
}

BOOST_AUTO_TEST_CASE(one_with_any_bit_flipped_is_ignored) {
  ScratchFolder const folder;
  auto const path = folder / "item";
  write_checkpoint(path, fingerprint, sample());
  auto const whole = bytes_of(path);
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    auto bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    put_bytes(path, bytes);
    BOOST_TEST(is_ignored(path), "bit " << bit);
  }
}

// The checksum is no protection against whoever computes it: lengths are not trusted either.
BOOST_AUTO_TEST_CASE(one_with_wrong_lengths_under_a_right_checksum_is_ignored) {
  ScratchFolder const folder;
  auto const path = folder / "item";
  write_checkpoint(path, fingerprint, sample());
  auto const whole = bytes_of(path);
  auto const contents = whole.substr(0, whole.size() - 32);
  put_bytes(path, sealed(contents));
  BOOST_REQUIRE(!is_ignored(path));

  for (std::size_t n = 0; n < contents.size(); ++n) {
    put_bytes(path, sealed(contents.substr(0, n)));
    BOOST_TEST(is_ignored(path), n << " bytes");
  }
  for (std::size_t i = 0; i + 8 <= contents.size(); ++i) {
    for (std::uint64_t const length :
         {~std::uint64_t{0}, ~std::uint64_t{0} / 8 + 1, std::uint64_t{1} << 61, std::uint64_t{1} << 40}) {
      auto bytes = contents;
      std::memcpy(bytes.data() + i, &length, sizeof length);
      put_bytes(path, sealed(bytes));
      read_checkpoint(path, fingerprint);  // whatever it finds, it comes back
    }
  }
}

BOOST_AUTO_TEST_CASE(random_bytes_are_ignored) {
  ScratchFolder const folder;
  auto const path = folder / "item";
  std::mt19937 random(7);
  for (int trial = 0; trial < 500; ++trial) {
    std::string bytes = trial % 2 == 0 ? "fermiac-checkpoint/1\n" : "";
    if (trial % 4 == 0) {
      std::uint64_t const length = fingerprint.size();
      bytes.append(reinterpret_cast<char const*>(&length), sizeof length);
      bytes += fingerprint;
    }
    for (auto n = random() % 200; n > 0; --n) bytes += static_cast<char>(random() % (trial % 3 == 0 ? 4 : 256));
    put_bytes(path, trial % 5 == 0 ? bytes : sealed(bytes));
    BOOST_TEST(is_ignored(path));
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_ignored_or_refused) {
  ScratchFolder const folder;
  BOOST_TEST(is_ignored(folder.path()));
  put_bytes(folder / "plain", "x");
  BOOST_TEST(is_one_line_with(refusal([&] { read_checkpoint(folder / "plain/item", fingerprint); }), {"plain/item"}));
}

BOOST_AUTO_TEST_CASE(full_disk_leaves_the_former_one) {
  ScratchFolder const folder;
  auto const path = folder / "item";
  write_checkpoint(path, fingerprint, sample());
  auto const child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit const most{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &most);
    Archive large;
    large.put("x", std::vector<double>(1000, 1.0));
    auto const message = refusal([&] { write_checkpoint(path, fingerprint, large); });
    ::_exit(is_one_line_with(message, {"item", "File too large"}) ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  BOOST_TEST(status == 0);
  BOOST_TEST(!fs::exists(folder / "item.tmp"));
  auto const found = read_checkpoint(path, fingerprint);
  BOOST_REQUIRE(found.state.has_value());
  BOOST_TEST(same(*found.state, sample()));
}

BOOST_AUTO_TEST_CASE(writer_killed_at_any_instant_leaves_a_whole_one) {
  ScratchFolder const folder;
  auto const path = folder / "item";
  std::mt19937 random(3);
  int n_later = 0;
  for (int trial = 0; trial < 30; ++trial) {
    Archive state;
    state.put_integers("x", std::vector<std::uint64_t>(20000, 0));
    write_checkpoint(path, fingerprint, state);
    auto const child = ::fork();
    if (child == 0) {
      for (std::uint64_t round = 1;; ++round) {
        state.put_integers("x", std::vector<std::uint64_t>(20000, round));
        write_checkpoint(path, fingerprint, state);
      }
    }
    ::usleep(static_cast<useconds_t>(random() % 20000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    auto const found = read_checkpoint(path, fingerprint);
    BOOST_REQUIRE(found.state.has_value());
    std::vector<std::uint64_t> x(20000);
    found.state->take_integers("x", x);
    BOOST_TEST(std::count(x.begin(), x.end(), x[0]) == 20000);
    n_later += x[0] > 0;
  }
  BOOST_TEST(n_later > 0);
}

BOOST_AUTO_TEST_CASE(removal_takes_its_leftovers_along) {
  ScratchFolder const folder;
  write_checkpoint(folder / "item", fingerprint, sample());
  put_bytes(folder / "item.tmp", "half");
  remove_checkpoint(folder / "item");
  BOOST_TEST(fs::is_empty(folder.path()));
  remove_checkpoint(folder / "item");
}

BOOST_AUTO_TEST_SUITE_END()
