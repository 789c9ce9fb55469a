// What fermiac reads back: checkpoints and results files, whatever became of their bytes.
#include <fstream>
#include <vector>

#include "fermiac/base/sha256.hpp"
#include "fermiac/io/checkpoint.hpp"
#include "fermiac/io/compare.hpp"
#include "fermiac/study/study_file.hpp"
#include "fuzz/fuzz.hpp"
#include "support/plain_kind.hpp"
#include "support/scratch_folder.hpp"

using namespace fermiac;

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr char const* study_text = R"(
[study]
name = "plain"
kind = "plain"
seed = 1
replicates = 3
[[sweep]]
"a.x" = [1, 2]
)";

/// The bytes of a results file with finished, failed and pending items.
Bytes results_bytes(study::Registry const& registry) {
  support::ScratchFolder const folder;
  auto const path = folder / "a.h5";
  study::Study const study(study_text, "study.toml", registry);
  io::create(path, study::schema_of(study));
  auto results = io::ResultsFile::writing(path);
  study::StudyFile file(study, results);
  std::vector<study::Finished> batch{{0, study::State::done, study.item_record(study.item(0)), {}},
                                     {3, study::State::failed, study.item_record(study.item(3)), "on purpose"}};
  file.write(batch);
  file.write_execution(0, {"0", "none", "fuzz", "here", "1", "now", "then", "stopped", 1, 1, 0, 2});
  results.close();
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Pieces of five bytes, an offset and two values, are written over a good file of which the first byte may cut the end.
void read_results(std::span<std::uint8_t const> input) {
  static auto const registry = testing::plain_registry();
  static auto const good = results_bytes(registry);
  static fuzz::MemoryFile file;
  static fuzz::MemoryFile original;
  if (input.empty()) return;
  auto bytes = good;
  if (input[0] % 2) bytes.resize(bytes.size() * input[0] / 256);
  for (input = input.subspan(1); input.size() >= 5; input = input.subspan(5)) {
    std::size_t const offset = input[0] + 256u * input[1] + 65536u * input[2];
    for (std::size_t i = 0; i < 2; ++i)
      if (!bytes.empty()) bytes[(offset + i) % bytes.size()] = input[3 + i];
  }
  file.hold(bytes);
  fuzz::read([&] {
    auto results = io::ResultsFile::reading(file.path());
    auto const study = study::stored_study(results, registry);
    study::StudyFile const stored(study, results);
    auto const states = stored.states();
    fuzz::require(states.size() == study.n_items());
    for (std::uint64_t i = 0; i < states.size(); ++i) {
      stored.read(i);
      stored.error(i);
      stored.is_intact(i);
    }
    for (std::uint64_t p = 0; p < study.n_points(); ++p) stored.read_summary(p);
    stored.read_whole();
    stored.executions();
    stored.is_summarised();
    for (auto const& name : results.names()) results.dimensions(name);
  });
  original.hold(good);
  fuzz::read([&] { io::first_difference(original.path(), file.path()); });
}

/// The contents after the magic line; their checksum is made to agree, or they would not be looked at.
void read_checkpoint(std::span<std::uint8_t const> input) {
  static fuzz::MemoryFile file;
  std::string const magic = "fermiac-checkpoint/1\n";
  Bytes bytes(magic.begin(), magic.end());
  bytes.insert(bytes.end(), input.begin(), input.end());
  auto const digest = sha256(std::as_bytes(std::span(bytes)));
  bytes.insert(bytes.end(), digest.begin(), digest.end());
  file.hold(bytes);
  auto const checkpoint = io::read_checkpoint(file.path(), "item");
  fuzz::require(checkpoint.state.has_value() == checkpoint.ignored.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  auto const input = std::span(data, size).subspan(1);
  switch (data[0]) {
    case 'c':
      fuzz::read([&] { read_checkpoint(input); });
      break;
    case 'b': {  // any bytes at all
      static fuzz::MemoryFile file;
      file.hold(input);
      fuzz::read([&] { io::read_checkpoint(file.path(), "item"); });
      fuzz::read([&] { io::ResultsFile::reading(file.path()); });
      break;
    }
    default:
      read_results(input);
  }
  return 0;
}
