#include "trained_networks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <vector>

#include "fermiac/app/registry.hpp"
#include "fermiac/base/error.hpp"
#include "fermiac/io/results_file.hpp"
#include "fermiac/study/study_file.hpp"

namespace fermiac::app {

namespace {

constexpr char const* key = "neural.from";

[[noreturn]] void refuse(std::string const& path, std::string const& why) {
  throw InputError(key, fmt::format("{} = \"{}\": {}", key, path, why));
}

}  // namespace

struct TrainedNetworks::Source {
  struct Best {
    Parameters point;
    double negative_log = std::numeric_limits<double>::infinity();  ///< infinite where no replicate is done
    arma::vec parameters;                                           ///< padded
  };

  explicit Source(std::string const& path) : Source(path, io::ResultsFile::reading(path)) {}

  Source(std::string const& path, io::ResultsFile file) : registry(all_kinds()), study(study::stored_study(file, registry)) {
    if (study.kind().name() != "flow_training")
      refuse(path, fmt::format("is a study of kind \"{}\", expected \"flow_training\"", study.kind().name()));
    study::StudyFile const contents(study, file);
    auto const states = contents.states();
    for (std::uint64_t p = 0; p < study.n_points(); ++p) {
      best.push_back({study.point(p), std::numeric_limits<double>::infinity(), {}});
      for (std::uint64_t i = p * study.items_per_point(); i < (p + 1) * study.items_per_point(); ++i) {
        if (states[i] != study::State::done) continue;
        auto const record = contents.read(i);
        for (std::uint64_t entry = 0; entry < record.replicates.n_entries(); ++entry) {
          double const value = record.replicates.value("negative_log", entry);
          if (!(value < best[p].negative_log)) continue;
          auto const parameters = record.replicates.values("parameters", entry);
          best[p].negative_log = value;
          best[p].parameters = arma::vec(parameters.data(), parameters.size());
        }
      }
    }
  }

  study::Registry registry;
  study::Study study;
  std::vector<Best> best;
};

TrainedNetworks::TrainedNetworks() = default;
TrainedNetworks::~TrainedNetworks() = default;

std::vector<study::Input> TrainedNetworks::inputs(Parameters const& point) {
  auto const& path = point.text(key);
  if (path.empty()) return {};
  return {{key, path}};
}

arma::vec TrainedNetworks::of(Parameters const& point, std::size_t n_parameters) {
  auto const& path = point.text(key);
  if (path.empty()) return {};
  auto& source = sources_[path];
  if (!source) {
    if (!std::filesystem::is_regular_file(path)) refuse(path, "there is no such file");
    try {
      source = std::make_unique<Source const>(path);
    } catch (InputError const& error) {
      if (error.key() == key) throw;
      refuse(path, error.what());
    } catch (SystemError const& error) {
      refuse(path, error.what());
    }
  }
  Source::Best const* chosen = nullptr;
  for (auto const& candidate : source->best) {
    bool const same =
        std::ranges::all_of(std::vector<std::string>{"neural.hidden", "neural.layer", "neural.output_gate"},
                            [&](std::string const& name) { return candidate.point.value(name) == point.value(name); });
    if (same && candidate.parameters.n_elem >= n_parameters &&
        (chosen == nullptr || candidate.negative_log < chosen->negative_log))
      chosen = &candidate;
  }
  if (chosen == nullptr)
    refuse(path,
           fmt::format("has no trained network with neural.hidden = \"{}\", neural.layer = \"{}\", neural.output_gate = {}",
                       point.text("neural.hidden"), point.text("neural.layer"), point.flag("neural.output_gate")));
  return chosen->parameters.head(n_parameters);
}

}  // namespace fermiac::app
