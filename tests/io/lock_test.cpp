#include "fermiac/io/lock.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <optional>
#include <thread>

#include "fermiac/base/deadline.hpp"
#include "io/refusal.hpp"
#include "support/scratch_folder.hpp"

namespace {

using namespace fermiac;
using fermiac::io::is_locked;
using fermiac::io::Lock;
using fermiac::io::test::is_one_line_with;
using fermiac::io::test::refusal;
using fermiac::support::ScratchFolder;
namespace fs = std::filesystem;

/// A process that holds a lock until it is killed.
class Holder {
 public:
  explicit Holder(fs::path const& results) {
    int ready[2];
    BOOST_REQUIRE(::pipe(ready) == 0);
    process_ = ::fork();
    if (process_ == 0) {
      Lock const lock(results);
      if (::write(ready[1], "x", 1) == 1) ::pause();
      ::_exit(0);
    }
    char byte = 0;
    BOOST_REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Holder() { end(); }
  void end() {
    if (process_ <= 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }
  pid_t process() const { return process_; }

 private:
  pid_t process_ = 0;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(lock)

BOOST_AUTO_TEST_CASE(second_process_is_refused_with_the_name_of_the_first) {
  ScratchFolder const folder;
  auto const path = folder / "x.h5";
  Holder const holder(path);
  BOOST_TEST(is_one_line_with(refusal([&] { Lock{path}; }),
                              {"x.h5 is being written by process " + std::to_string(holder.process()) + " on ", "x.h5.lock"}));
  BOOST_TEST(refusal([&] { Lock{folder / "y.h5"}; }).empty());
}

BOOST_AUTO_TEST_CASE(second_of_one_process_is_refused_too) {
  ScratchFolder const folder;
  Lock const first(folder / "x.h5");
  BOOST_TEST(first.is_enforced());
  BOOST_TEST(!refusal([&] { Lock{folder / "x.h5"}; }).empty());
}

BOOST_AUTO_TEST_CASE(death_releases_it) {
  ScratchFolder const folder;
  auto const path = folder / "x.h5";
  Holder holder(path);
  holder.end();
  BOOST_TEST(fs::exists(folder / "x.h5.lock"));  // left behind, and meaningless
  BOOST_TEST(refusal([&] { Lock{path}; }).empty());
}

BOOST_AUTO_TEST_CASE(end_releases_and_removes_it) {
  ScratchFolder const folder;
  auto const path = folder / "x.h5";
  std::optional<Lock> first(path);
  Lock moved = std::move(*first);
  first.reset();
  BOOST_TEST(fs::exists(folder / "x.h5.lock"));
  BOOST_TEST(!refusal([&] { Lock{path}; }).empty());
  { auto const last = std::move(moved); }
  BOOST_TEST(!fs::exists(folder / "x.h5.lock"));
  BOOST_TEST(refusal([&] { Lock{path}; }).empty());
}

BOOST_AUTO_TEST_CASE(waits_for_a_holder_that_is_about_to_die) {
  ScratchFolder const folder;
  auto const path = folder / "x.h5";
  Holder holder(path);
  std::thread end([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    holder.end();
  });
  Deadline const clock;
  auto const message = refusal([&] { Lock(path, 20); });
  end.join();
  BOOST_TEST(message == "");
  BOOST_TEST(clock.elapsed_s() >= 0.25);
  BOOST_TEST(clock.elapsed_s() < 15);
}

BOOST_AUTO_TEST_CASE(waits_no_longer_than_asked) {
  ScratchFolder const folder;
  auto const path = folder / "x.h5";
  Holder const holder(path);
  Deadline const clock;
  BOOST_TEST(!refusal([&] { Lock(path, 0.3); }).empty());
  BOOST_TEST(clock.elapsed_s() >= 0.3);
}

BOOST_AUTO_TEST_CASE(one_that_cannot_be_written_is_refused_in_one_line) {
  ScratchFolder const folder;
  std::ofstream(folder / "plain") << "kept";
  BOOST_TEST(is_one_line_with(refusal([&] { Lock{folder / "no/x.h5"}; }), {"no/x.h5", "there is no folder"}));
  BOOST_TEST(is_one_line_with(refusal([&] { Lock{folder / "plain/x.h5"}; }), {"plain/x.h5", "Not a directory"}));
}

// Every holder appends to a file, reading it first: two at once would lose a byte of one another.
BOOST_AUTO_TEST_CASE(never_two_hold_it) {
  ScratchFolder const folder;
  auto const path = folder / "x.h5";
  constexpr int n_processes = 4, n_turns = 50;
  std::ofstream(path) << 0;
  std::vector<pid_t> processes;
  for (int i = 0; i < n_processes; ++i) {
    auto const process = ::fork();
    if (process == 0) {
      for (int turn = 0; turn < n_turns; ++turn) {
        for (;;) {
          std::optional<Lock> lock;
          if (!refusal([&] { lock.emplace(path); }).empty()) {
            ::usleep(100);
            continue;
          }
          int n = 0;
          std::ifstream(path) >> n;
          ::usleep(50);
          std::ofstream(path) << n + 1;
          break;
        }
      }
      ::_exit(0);
    }
    processes.push_back(process);
  }
  for (auto const process : processes) ::waitpid(process, nullptr, 0);
  int n = 0;
  std::ifstream(path) >> n;
  BOOST_TEST(n == n_processes * n_turns);
}

BOOST_AUTO_TEST_CASE(whether_it_is_held_can_be_asked_without_changing_anything) {
  ScratchFolder const folder;
  auto const path = folder.path() / "a.h5";
  BOOST_TEST(!is_locked(path));
  BOOST_TEST(!std::filesystem::exists(folder.path() / "a.h5.lock"));
  {
    Lock const lock(path);
    BOOST_TEST(is_locked(path));
  }
  BOOST_TEST(!is_locked(path));
}

BOOST_AUTO_TEST_SUITE_END()
