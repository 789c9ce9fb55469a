#include "fermiac/io/results_file.hpp"

#include <hdf5.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <numeric>
#include <random>
#include <thread>

#include "io/refusal.hpp"
#include "io/sample.hpp"
#include "support/scratch_folder.hpp"

namespace {

using namespace fermiac;
using namespace fermiac::io;
using fermiac::io::test::is_one_line_with;
using fermiac::io::test::refusal;
using fermiac::support::ScratchFolder;
using Indices = std::vector<std::uint64_t>;
namespace fs = std::filesystem;

std::string bytes_of(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> files_in(fs::path const& folder) {
  std::vector<std::string> names;
  for (auto const& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

/// Exit status of `action` in a child process; 128 + signal where that ended it.
int status_in_child(std::function<int()> const& action) {
  auto const child = ::fork();
  if (child == 0) ::_exit(action());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct Sample {
  ScratchFolder folder;
  fs::path path = folder / "sample.h5";
  Sample() { create(path, io::test::sample_schema()); }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(results_file)

BOOST_AUTO_TEST_CASE(new_one_holds_what_its_schema_says) {
  Sample const sample;
  BOOST_TEST(files_in(sample.folder.path()) == std::vector<std::string>{"sample.h5"}, boost::test_tools::per_element());
  auto const file = ResultsFile::reading(sample.path);
  auto const schema = io::test::sample_schema();
  std::vector<std::string> names;
  for (auto const& scale : schema.root.scales) names.push_back(scale.name);
  for (auto const& variable : schema.root.variables) {
    names.push_back(variable.name);
    BOOST_TEST((file.type(variable.name) == variable.type), variable.name);
    BOOST_TEST(file.dimensions(variable.name) == variable.dimensions, boost::test_tools::per_element());
  }
  BOOST_TEST(file.names() == names, boost::test_tools::per_element());
  BOOST_TEST(file.names("run") == (std::vector<std::string>{"execution", "start", "hosts", "seconds"}),
             boost::test_tools::per_element());
  BOOST_TEST(file.names("nothing").empty());
  BOOST_TEST(file.dimensions("run/seconds") == (std::vector<std::string>{"execution", "omega"}),
             boost::test_tools::per_element());
  BOOST_TEST(file.shape("positions") == (Indices{3, 2, 4, 5}), boost::test_tools::per_element());
  BOOST_TEST(file.shape("total").empty());
  BOOST_TEST(file.size("total") == 1u);
  BOOST_TEST(file.element_bytes("error") == 256u);
  BOOST_TEST(file.holds("run/start"));
  BOOST_TEST(!file.holds("start"));
}

BOOST_AUTO_TEST_CASE(new_one_is_filled) {
  Sample const sample;
  auto const file = ResultsFile::reading(sample.path);
  for (auto const name : {"energy", "positions", "total", "run/start", "run/seconds"}) {
    for (auto const value : file.read_all<double>(name)) BOOST_TEST(std::isnan(value), name);
  }
  BOOST_TEST(file.read_all<std::int64_t>("counts") == std::vector<std::int64_t>(24, -1), boost::test_tools::per_element());
  BOOST_TEST(file.read_all<std::int64_t>("n_total") == std::vector<std::int64_t>{0}, boost::test_tools::per_element());
  BOOST_TEST(file.read_all<std::uint8_t>("done") == std::vector<std::uint8_t>(24, 0), boost::test_tools::per_element());
  BOOST_TEST(file.read_all<std::uint8_t>("marks") == std::vector<std::uint8_t>(5, 7), boost::test_tools::per_element());
  BOOST_TEST(file.read_all<std::string>("error") == std::vector<std::string>(24), boost::test_tools::per_element());
  BOOST_TEST(file.read_all<double>("energy_truth") == (std::vector<double>{0.44079, 1.0217, 3}),
             boost::test_tools::per_element());
  BOOST_TEST(file.read_all<std::int64_t>("n_hidden") == (std::vector<std::int64_t>{2, 4, 8}), boost::test_tools::per_element());
  BOOST_TEST(file.read_all<std::string>("label") == (std::vector<std::string>{"first", "zweite"}),
             boost::test_tools::per_element());
  BOOST_TEST(file.read_all<double>("omega") == (std::vector<double>{0.1, 0.28, 1}), boost::test_tools::per_element());
  BOOST_TEST(file.read_all<std::string>("scheme") == (std::vector<std::string>{"gibbs", "Padé-Jastrow"}),
             boost::test_tools::per_element());
  BOOST_TEST(file.read_all<std::int64_t>("replicate") == (std::vector<std::int64_t>{0, 1, 2, 3}),
             boost::test_tools::per_element());
  BOOST_TEST(file.read_all<std::int64_t>("walker") == (std::vector<std::int64_t>{-2, -1, 0, 1, 2}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(attributes_are_read_back) {
  Sample const sample;
  auto const file = ResultsFile::reading(sample.path);
  for (auto const& [key, value] : io::test::sample_schema().root.attributes)
    BOOST_TEST((file.attribute("", key) == value), key);
  BOOST_TEST(std::get<std::string>(file.attribute("energy", "units")) == "hartree");
  BOOST_TEST(std::get<std::string>(file.attribute("energy", "coordinates")) == "n_hidden label");
  BOOST_TEST(std::get<std::string>(file.attribute("run/start", "long_name")) == "start");
  BOOST_TEST(file.has_attribute("omega", "units"));
  BOOST_TEST(!file.has_attribute("omega", "nothing"));
  BOOST_TEST(!file.has_attribute("nothing", "units"));
  BOOST_TEST(is_one_line_with(refusal([&] { file.attribute("omega", "nothing"); }), {"sample.h5", "omega", "nothing"}));
}

BOOST_AUTO_TEST_CASE(same_schema_makes_the_same_bytes) {
  Sample const sample;
  auto const other = sample.folder / "other.h5";
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // a time stamp of whole seconds would differ
  create(other, io::test::sample_schema());
  BOOST_TEST((bytes_of(sample.path) == bytes_of(other)));
}

BOOST_AUTO_TEST_CASE(boxes_come_back_for_each_type_and_rank) {
  Sample const sample;
  auto file = ResultsFile::writing(sample.path);
  auto const try_box = [&]<typename T>(std::string const& name, Indices const& first, Indices const& count, T start) {
    auto const shape = file.shape(name);
    auto expected = file.read_all<T>(name);
    std::uint64_t n = 1;
    for (auto const c : count) n *= c;
    std::vector<T> values(n);
    std::iota(values.begin(), values.end(), start);
    file.write(name, first, count, values);
    std::vector<T> back(n);
    file.read(name, first, count, back);
    BOOST_TEST(back == values, boost::test_tools::per_element());
    // The obvious twin: every element of the box by its own index.
    for (std::uint64_t k = 0; k < n; ++k) {
      std::uint64_t rest = k, position = 0;
      std::vector<std::uint64_t> index(shape.size());
      for (auto i = shape.size(); i-- > 0; rest /= count[i]) index[i] = first[i] + rest % count[i];
      for (std::size_t i = 0; i < shape.size(); ++i) position = position * shape[i] + index[i];
      expected[position] = values[k];
    }
    auto const whole = file.read_all<T>(name);
    BOOST_TEST((std::memcmp(whole.data(), expected.data(), whole.size() * sizeof(T)) == 0), name);
  };
  try_box("positions", {0, 0, 0, 0}, {3, 2, 4, 5}, 1000.0);
  try_box("positions", {1, 0, 1, 2}, {2, 2, 2, 3}, 1.0);
  try_box("positions", {0, 1, 0, 0}, {3, 1, 4, 5}, 200.0);
  try_box("positions", {2, 1, 3, 4}, {1, 1, 1, 1}, 7.0);
  try_box("positions", {1, 1, 1, 1}, {1, 0, 1, 1}, 7.0);
  try_box("energy", {0, 0, 1}, {3, 2, 2}, 5.0);
  try_box("energy_truth", {1}, {2}, 9.0);
  try_box("total", {}, {}, 3.5);
  try_box("counts", {1, 1, 1}, {2, 1, 3}, std::int64_t{-7});
  try_box("n_total", {}, {}, std::int64_t{1} << 62);
  try_box("done", {0, 1, 2}, {2, 1, 2}, std::uint8_t{250});
}

BOOST_AUTO_TEST_CASE(every_flat_run_lands_where_it_should) {
  Sample const sample;
  auto file = ResultsFile::writing(sample.path);
  std::vector<double> twin(120, 0);
  file.write_flat("positions", 0, twin);
  double value = 0;
  for (std::uint64_t first = 0; first <= twin.size(); ++first) {
    for (std::uint64_t n = 0; first + n <= twin.size(); n += (n < 7 ? 1 : 13)) {
      std::vector<double> run(n);
      for (auto& element : run) element = value += 1;
      std::copy(run.begin(), run.end(), twin.begin() + static_cast<std::ptrdiff_t>(first));
      file.write_flat("positions", first, run);
      std::vector<double> back(n);
      file.read_flat("positions", first, back);
      BOOST_TEST((back == run));
    }
  }
  BOOST_TEST(file.read_all<double>("positions") == twin, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(reals_keep_every_bit) {
  Sample const sample;
  std::vector<double> values{0.0,           -0.0, INFINITY, -INFINITY, 5e-324, -1.7976931348623157e308, std::nan("0x123"),
                             -std::nan("7")};
  {
    auto file = ResultsFile::writing(sample.path);
    file.write_flat("energy", 3, values);
  }
  std::vector<double> back(values.size());
  ResultsFile::reading(sample.path).read_flat("energy", 3, back);
  BOOST_TEST((std::memcmp(values.data(), back.data(), values.size() * sizeof(double)) == 0));
}

BOOST_AUTO_TEST_CASE(texts_are_padded_and_cut_at_characters) {
  Sample const sample;
  auto file = ResultsFile::writing(sample.path);
  file.write_text("note", 0, "sixteen bytes: x");
  BOOST_TEST(file.read_text("note") == "sixteen bytes: x");
  file.write_text("note", 0, "short");
  BOOST_TEST(file.read_text("note") == "short");
  file.write_text("note", 0, "fifteen bytes: é and more");  // the é would be bytes 16 and 17
  BOOST_TEST(file.read_text("note") == "fifteen bytes: ");
  file.write_text("note", 0, "");
  BOOST_TEST(file.read_text("note").empty());
  file.write_text("error", 5, "singular matrix");
  auto const all = file.read_all<std::string>("error");
  for (std::size_t i = 0; i < all.size(); ++i) BOOST_TEST(all[i] == (i == 5 ? "singular matrix" : ""));
}

BOOST_AUTO_TEST_CASE(readers_see_what_was_just_written) {
  Sample const sample;
  auto writer = ResultsFile::writing(sample.path);
  auto const reader = ResultsFile::reading(sample.path);
  for (int i = 0; i < 100; ++i) {
    std::vector<double> const value{double(i)};
    writer.write_flat("energy", 7, value);
    std::vector<double> seen(1);
    reader.read_flat("energy", 7, seen);
    BOOST_TEST(seen[0] == i);
  }
  writer.sync();
}

BOOST_AUTO_TEST_CASE(misuse_is_refused_in_one_line) {
  Sample const sample;
  auto file = ResultsFile::writing(sample.path);
  std::vector<double> const two{1, 2};
  std::vector<std::int64_t> const integers{1, 2};
  auto const expect = [&](std::function<void()> const& action, std::vector<std::string> parts) {
    parts.push_back("sample.h5");
    auto const before = bytes_of(sample.path);
    BOOST_TEST(is_one_line_with(refusal(action), parts));
    BOOST_TEST((bytes_of(sample.path) == before));
  };
  expect([&] { file.write_flat("nothing", 0, two); }, {"'nothing'"});
  expect([&] { file.write_flat("energy", 0, integers); }, {"'energy'", "real", "integer"});
  expect([&] { file.write_flat("energy", 23, two); }, {"'energy'", "24"});
  expect([&] { file.write_flat("energy", ~std::uint64_t{0}, two); }, {"'energy'", "24"});
  expect([&] { file.write("energy", Indices{0, 0, 3}, Indices{1, 1, 2}, two); }, {"'energy'", "[3, 2, 4]", "[0, 0, 3]"});
  expect([&] { file.write("energy", Indices{0, 0, ~std::uint64_t{0}}, Indices{1, 1, 2}, two); }, {"'energy'"});
  expect([&] { file.write("energy", Indices{0, 0}, Indices{1, 2}, two); }, {"'energy'"});
  expect([&] { file.write("energy", Indices{0, 0, 0}, Indices{1, 1, 3}, two); }, {"'energy'", "2", "3"});
  expect([&] { file.read_all<std::int64_t>("energy"); }, {"'energy'"});
  expect([&] { file.read_text("energy"); }, {"'energy'", "text"});
  expect([&] { file.write_text("error", 24, "x"); }, {"'error'"});
  auto reader = ResultsFile::reading(sample.path);
  expect([&] { reader.write_flat("energy", 0, two); }, {"'energy'", "reading"});
}

BOOST_AUTO_TEST_CASE(schema_that_contradicts_itself_is_our_own_mistake) {
  ScratchFolder const folder;
  auto const expect = [&](std::function<void(Schema&)> const& spoil) {
    auto schema = io::test::sample_schema();
    spoil(schema);
    BOOST_CHECK_THROW(create(folder / "x.h5", schema), std::logic_error);
    BOOST_TEST(files_in(folder.path()).empty());
  };
  expect([](Schema& schema) { schema.root.variables[0].dimensions[1] = "unknown"; });
  expect([](Schema& schema) { schema.root.variables[0].dimensions[1] = "execution"; });
  expect([](Schema& schema) { schema.root.variables[0].name = "omega"; });
  expect([](Schema& schema) { schema.root.variables[0].name = ""; });
  expect([](Schema& schema) { schema.root.variables[0].name = "a/b"; });
  expect([](Schema& schema) { schema.root.variables[1].initial = std::vector<double>{1, 2}; });
  expect([](Schema& schema) { schema.root.variables[1].initial = std::vector<std::int64_t>{1, 2, 3}; });
  expect([](Schema& schema) { schema.root.variables[5].text_length = 3; });
  expect([](Schema& schema) { schema.root.variables[8].text_length = 1; });
}

BOOST_AUTO_TEST_CASE(dimension_of_length_zero_is_allowed) {
  ScratchFolder const folder;
  Schema schema;
  schema.root.scales = {{.name = "nothing", .size = 0}};
  schema.root.variables = {{.name = "x", .dimensions = {"nothing"}}};
  create(folder / "x.h5", schema);
  auto file = ResultsFile::writing(folder / "x.h5");
  BOOST_TEST(file.read_all<double>("x").empty());
  file.write_flat("x", 0, std::vector<double>());
  BOOST_TEST(file.names("run").empty());
}

BOOST_AUTO_TEST_CASE(above_the_limit_space_is_reserved_and_not_filled) {
  ScratchFolder const folder;
  Schema schema;
  schema.root.scales = {{.name = "i", .size = 100000}};
  schema.root.variables = {{.name = "x", .dimensions = {"i"}},
                           {.name = "done", .type = Type::byte, .dimensions = {"i"}, .fill = 3},
                           {.name = "known", .initial = std::vector<double>{2.5}}};
  create(folder / "x.h5", schema, 1000);
  auto const file = ResultsFile::reading(folder / "x.h5");
  BOOST_TEST(file.read_all<double>("x") == std::vector<double>(100000, 0.0), boost::test_tools::per_element());
  BOOST_TEST(file.read_all<std::uint8_t>("done") == std::vector<std::uint8_t>(100000, 3), boost::test_tools::per_element());
  BOOST_TEST(file.read_all<double>("known")[0] == 2.5);
  BOOST_TEST(file.read_all<std::int64_t>("i")[99999] == 99999);
}

// ------------------------------------------------------------------------------------------- the machine refuses

BOOST_AUTO_TEST_CASE(failed_creation_leaves_everything_as_it_was) {
  ScratchFolder const folder;
  std::ofstream(folder / "plain") << "kept";
  std::ofstream(folder / "existing.h5") << "kept";
  fs::create_directory(folder / "is_folder.h5");
  auto const schema = io::test::sample_schema();
  BOOST_TEST(
      is_one_line_with(refusal([&] { create(folder / "no/such/x.h5", schema); }), {"no/such/x.h5", "there is no folder"}));
  BOOST_TEST(is_one_line_with(refusal([&] { create(folder / "plain/x.h5", schema); }), {"plain/x.h5", "Not a directory"}));
  BOOST_TEST(is_one_line_with(refusal([&] { create(folder / "is_folder.h5", schema); }), {"is_folder.h5", "Is a directory"}));
  BOOST_TEST(is_one_line_with(refusal([&] { create("/proc/x.h5", schema); }), {"/proc/x.h5"}));
  BOOST_TEST(files_in(folder.path()) == (std::vector<std::string>{"existing.h5", "is_folder.h5", "plain"}),
             boost::test_tools::per_element());
}

// A limit of the size of files stands for a full disk at every size: like it, it strikes in the middle of anything.
BOOST_AUTO_TEST_CASE(disk_that_is_full_at_any_size_is_met_at_creation) {
  ScratchFolder const folder;
  std::ofstream(folder / "x.h5") << "kept";
  auto const size = [&] {
    create(folder / "whole.h5", io::test::sample_schema());
    auto const n = fs::file_size(folder / "whole.h5");
    fs::remove(folder / "whole.h5");
    return n;
  }();
  for (std::uint64_t const limit :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{511}, std::uint64_t{4096}, size / 2, size - 1}) {
    auto const status = status_in_child([&] {
      std::signal(SIGXFSZ, SIG_IGN);
      rlimit const most{limit, limit};
      ::setrlimit(RLIMIT_FSIZE, &most);
      auto const message = refusal([&] { create(folder / "x.h5", io::test::sample_schema()); });
      return is_one_line_with(message, {"x.h5", "File too large"}) ? 0 : 1;
    });
    BOOST_TEST(status == 0, "limit " << limit);
    BOOST_TEST(bytes_of(folder / "x.h5") == "kept");
    BOOST_TEST(files_in(folder.path()) == std::vector<std::string>{"x.h5"}, boost::test_tools::per_element());
  }
}

// Real ones, in a mount namespace of a child's own, where the system lets us have one.
BOOST_AUTO_TEST_CASE(full_and_read_only_file_systems_are_met_at_creation) {
  constexpr int not_allowed = 77;
  ScratchFolder const folder;
  auto const mounted = [&](unsigned long flags, char const* options, std::string const& reason) {
    return status_in_child([&] {
      if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
          ::mount("none", folder.path().c_str(), "tmpfs", flags, options) != 0)
        return not_allowed;
      auto const message = refusal([&] { create(folder / "x.h5", io::test::sample_schema()); });
      return is_one_line_with(message, {"x.h5", reason}) && files_in(folder.path()).empty() ? 0 : 1;
    });
  };
  for (auto const status :
       {mounted(0, "size=16k", "No space left on device"), mounted(MS_RDONLY, "", "Read-only file system")}) {
    BOOST_WARN_MESSAGE(status != not_allowed, "no mount namespaces here: not tested");
    BOOST_TEST((status == 0 || status == not_allowed));
  }
}

BOOST_AUTO_TEST_CASE(file_that_is_none_of_ours_is_refused_in_one_line) {
  ScratchFolder const folder;
  BOOST_TEST(is_one_line_with(refusal([&] { ResultsFile::reading(folder / "x.h5"); }), {"x.h5", "No such file"}));
  BOOST_TEST(is_one_line_with(refusal([&] { ResultsFile::reading(folder.path()); }), {folder.path()}));
  std::ofstream(folder / "x.h5") << "not HDF5 at all";
  BOOST_TEST(is_one_line_with(refusal([&] { ResultsFile::reading(folder / "x.h5"); }), {"x.h5", "HDF5: "}));
}

BOOST_AUTO_TEST_CASE(truncated_file_never_brings_the_reader_down) {
  Sample const sample;
  auto const whole = bytes_of(sample.path);
  auto const path = sample.folder / "cut.h5";
  int n_refused = 0;
  for (std::size_t n = 0; n < whole.size(); n += 997) {
    std::ofstream(path, std::ios::binary).write(whole.data(), static_cast<std::streamsize>(n));
    n_refused += !refusal([&] {
                    auto const file = ResultsFile::reading(path);
                    for (auto const name : {"energy", "positions"}) file.read_all<double>(name);
                  }).empty();
  }
  BOOST_TEST(n_refused == static_cast<int>((whole.size() + 996) / 997));
}

// Such a file is no longer contiguous and little-endian: it can still be read, through HDF5's own conversion.
BOOST_AUTO_TEST_CASE(file_laid_out_by_another_program_is_read) {
  ScratchFolder const folder;
  auto const path = folder / "other.h5";
  std::vector<double> values(60);
  std::iota(values.begin(), values.end(), 0.5);
  std::vector<int> integers(60);
  std::iota(integers.begin(), integers.end(), -3);
  {
    auto const file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hsize_t const shape[] = {6, 10}, chunk[] = {4, 3};
    auto const space = H5Screate_simple(2, shape, nullptr);
    auto const creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 2, chunk);
    H5Pset_deflate(creation, 4);
    auto const x = H5Dcreate2(file, "x", H5T_IEEE_F32BE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Dwrite(x, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    auto const i = H5Dcreate2(file, "i", H5T_STD_I16BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(i, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, integers.data());
    auto const r = H5Dcreate2(file, "reference", H5T_STD_REF_OBJ, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    for (auto const dataset : {x, i, r}) H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
  }
  auto file = ResultsFile::writing(path);
  BOOST_TEST(file.read_all<double>("x") == values, boost::test_tools::per_element());
  std::vector<double> box(4);
  file.read("x", Indices{2, 5}, Indices{2, 2}, box);
  BOOST_TEST(box == (std::vector<double>{25.5, 26.5, 35.5, 36.5}), boost::test_tools::per_element());
  BOOST_TEST(file.read_all<std::int64_t>("i") == std::vector<std::int64_t>(integers.begin(), integers.end()),
             boost::test_tools::per_element());
  BOOST_TEST(is_one_line_with(refusal([&] { file.write_flat("x", 0, values); }), {"other.h5", "'x'"}));
  BOOST_TEST(is_one_line_with(refusal([&] { file.read_all<double>("reference"); }), {"other.h5", "'reference'"}));
}

// ------------------------------------------------------------------------------------------- kill -9

BOOST_AUTO_TEST_CASE(survives_a_writer_killed_at_any_instant) {
  Sample const sample;
  std::mt19937 random(5);
  std::uniform_int_distribution<int> delay_us(0, 6000);
  int n_inside = 0;
  for (int trial = 0; trial < 30; ++trial) {
    create(sample.path, io::test::sample_schema());
    auto const child = ::fork();
    if (child == 0) {
      auto file = ResultsFile::writing(sample.path);
      for (std::uint64_t i = 0; i < 24; ++i) {
        std::vector<double> const record(5, static_cast<double>(i) + 0.25);
        file.write_flat("positions", 5 * i, record);
        file.write_text("error", i, "item " + std::to_string(i));
        file.write_flat("done", i, std::vector<std::uint8_t>{1});
        ::usleep(100);
      }
      ::pause();
    }
    std::this_thread::sleep_for(std::chrono::microseconds(delay_us(random)));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    auto const file = ResultsFile::reading(sample.path);
    auto const done = file.read_all<std::uint8_t>("done");
    auto const positions = file.read_all<double>("positions");
    auto const errors = file.read_all<std::string>("error");
    auto const n_done = std::count(done.begin(), done.end(), 1);
    n_inside += 0 < n_done && n_done < 24;
    for (std::size_t i = 0; i < 24; ++i) {
      if (done[i] == 0) continue;
      BOOST_TEST(errors[i] == "item " + std::to_string(i));
      for (std::size_t k = 0; k < 5; ++k) BOOST_TEST(positions[5 * i + k] == static_cast<double>(i) + 0.25);
    }
  }
  BOOST_TEST(n_inside >= 5);
}

// For the tests of other readers: `io_test --run_test=results_file/sample_for_other_readers -- FILE`.
BOOST_AUTO_TEST_CASE(sample_for_other_readers) {
  ScratchFolder const folder;
  auto const& suite = boost::unit_test::framework::master_test_suite();
  fs::path const path = suite.argc > 1 ? fs::path(suite.argv[1]) : folder / "sample.h5";
  create(path, io::test::sample_schema());
  auto file = ResultsFile::writing(path);
  std::vector<double> values(120);
  std::iota(values.begin(), values.end(), 0.0);
  file.write_flat("positions", 0, values);
  file.write_flat("energy", 0, std::span<double const>(values).first(20));
  file.write_flat("done", 0, std::vector<std::uint8_t>(20, 1));
  file.write_text("error", 3, "does not converge: λ → ∞");
  file.write_text("run/hosts", 0, "localhost");
  BOOST_TEST(file.read_all<double>("positions") == values, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
