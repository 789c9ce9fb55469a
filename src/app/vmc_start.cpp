#include "vmc_start.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <set>
#include <vector>

#include "fermiac/app/registry.hpp"
#include "fermiac/base/error.hpp"
#include "fermiac/io/results_file.hpp"
#include "fermiac/simd/functions.hpp"
#include "fermiac/study/study_file.hpp"
#include "vmc_settings.hpp"

namespace fermiac::app {

namespace {

constexpr char const* key = "ansatz.start_from";
constexpr double infinity = std::numeric_limits<double>::infinity();

[[noreturn]] void refuse(std::string const& path, std::string const& why) {
  throw InputError(key, fmt::format("{} = \"{}\": {}", key, path, why));
}

/// Whether two points must agree in this parameter.
bool matters(std::string const& name) {
  std::string const table = name.substr(0, name.find('.'));
  std::set<std::string> const of_runs{"sampler", "optimiser", "observables"};
  std::set<std::string> const of_starts{key, "ansatz.initialisation", "ansatz.noise", "system.omega"};
  return !of_runs.contains(table) && !of_starts.contains(name);
}

}  // namespace

/// A results file in memory: of each point the replicate of lowest energy.
struct StartingPoints::Source {
  struct Best {
    Parameters point;
    double energy = infinity;  ///< infinite where no replicate is done
    arma::vec parameters;      ///< padded
  };

  explicit Source(std::string const& path) : Source(path, io::ResultsFile::reading(path)) {}

  Source(std::string const& path, io::ResultsFile file) : registry(all_kinds()), study(study::stored_study(file, registry)) {
    if (study.kind().name() != "vmc")
      refuse(path, fmt::format("is a study of kind \"{}\", expected \"vmc\"", study.kind().name()));
    for (auto const& axis : study.axes())
      if (axis.size() > 1)
        for (auto const& name : axis.keys)
          if (matters(name)) keys.push_back(name);
    study::StudyFile const contents(study, file);
    auto const states = contents.states();
    for (std::uint64_t p = 0; p < study.n_points(); ++p) {
      best.push_back({study.point(p), infinity, {}});
      for (std::uint64_t i = p * study.items_per_point(); i < (p + 1) * study.items_per_point(); ++i) {
        if (states[i] != study::State::done) continue;
        auto const record = contents.read(i);
        for (std::uint64_t entry = 0; entry < record.replicates.n_entries(); ++entry) {
          double const energy = record.replicates.value("energy", entry);
          if (!(energy < best[p].energy)) continue;
          auto const parameters = record.replicates.values("parameters", entry);
          best[p].energy = energy;
          best[p].parameters = arma::vec(parameters.data(), parameters.size());
        }
      }
    }
  }

  study::Registry registry;
  study::Study study;
  std::vector<std::string> keys;  ///< swept ones that points must agree in
  std::vector<Best> best;
};

StartingPoints::StartingPoints() = default;
StartingPoints::~StartingPoints() = default;

std::map<std::string, arma::vec> StartingPoints::of(Parameters const& point, vmc::Settings const& here) {
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
  double chosen_distance = infinity;
  for (auto const& candidate : source->best) {
    if (!(candidate.energy < infinity) || !std::ranges::all_of(source->keys, [&](std::string const& name) {
          return candidate.point.value(name) == point.value(name);
        }))
      continue;
    double const distance = std::abs(simd::log(candidate.point.real("system.omega") / here.system.omega));
    if (distance < chosen_distance || (distance == chosen_distance && candidate.energy < chosen->energy)) {
      chosen = &candidate;
      chosen_distance = distance;
    }
  }
  if (chosen == nullptr) {
    std::string wanted;
    for (auto const& name : source->keys)
      wanted += fmt::format("{}{} = {}", wanted.empty() ? " with " : ", ", name, to_toml(point.value(name)));
    refuse(path, "has no finished point" + wanted);
  }

  auto const there = vmc_settings(chosen->point);
  vmc::WaveFunction const ours(here.system, here.ansatz);
  vmc::WaveFunction const theirs(there.system, there.ansatz);
  std::map<std::string, arma::vec> result;
  for (auto const& part : ours.parts()) {
    auto const same = std::ranges::find(theirs.parts(), part.name, &vmc::WaveFunction::Part::name);
    if (same == theirs.parts().end() || same->n_parameters != part.n_parameters || part.n_parameters == 0) continue;
    if (part.name == "rbm" && here.ansatz.convention != there.ansatz.convention) continue;
    if (!std::ranges::all_of(point.declared(), [&](Parameter const& parameter) {
          auto const& name = parameter.key();
          return !name.starts_with(part.name + ".") || !std::holds_alternative<std::string>(parameter.default_value()) ||
                 point.text(name) == chosen->point.text(name);
        }))
      continue;
    arma::vec const parameters = chosen->parameters.subvec(arma::span(same->first, same->first + same->n_parameters - 1));
    result[part.name] = part.form->carried_over(parameters, *same->form);
  }
  if (result.empty()) refuse(path, "none of its factors is one of \"" + here.ansatz.factors + "\" with as many parameters");
  return result;
}

}  // namespace fermiac::app
