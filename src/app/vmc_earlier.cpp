#include "vmc_earlier.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

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

constexpr char const* start_key = "ansatz.start_from";
constexpr char const* compare_key = "sampler.compare_with";
constexpr double infinity = std::numeric_limits<double>::infinity();

[[noreturn]] void refuse(std::string const& key, std::string const& path, std::string const& why) {
  throw InputError(key, fmt::format("{} = \"{}\": {}", key, path, why));
}

/// Whether two points must agree in this parameter.
bool matters(std::string const& name) {
  std::string const table = name.substr(0, name.find('.'));
  std::set<std::string> const of_runs{"sampler", "optimiser", "observables"};
  std::set<std::string> const of_starts{start_key, "ansatz.initialisation", "ansatz.noise", "system.omega"};
  return !of_runs.contains(table) && !of_starts.contains(name);
}

/// Enough of the names to tell them from others.
std::string listed(std::vector<std::string> const& names) {
  if (names.empty()) return "none";
  if (names.size() <= 6) return fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{}, ..., {} ({} of them)", fmt::join(names.begin(), names.begin() + 5, ", "), names.back(), names.size());
}

/// Why the parameters of a factor there are not those of the factor here; empty where they are.
std::string difference(vmc::FactorForm const& here, vmc::FactorForm const& there) {
  auto const ours = here.parameter_names();
  auto const theirs = there.parameter_names();
  if (ours != theirs) return fmt::format("parameters {} here and {} there", listed(ours), listed(theirs));
  if (here.fixed_settings() == there.fixed_settings()) return {};
  return fmt::format("{} here and {} there", here.fixed_settings(), there.fixed_settings());
}

}  // namespace

/// A results file in memory: of each point the replicate of lowest energy.
struct EarlierResults::Source {
  struct Best {
    Parameters point;
    double energy = infinity;  ///< infinite where no replicate is done
    arma::vec parameters;      ///< padded
  };

  Source(std::string const& key, std::string const& path) : Source(key, path, io::ResultsFile::reading(path)) {}

  Source(std::string const& key, std::string const& path, io::ResultsFile file)
      : registry(all_kinds()), study(study::stored_study(file, registry)) {
    if (study.kind().name() != "vmc")
      refuse(key, path, fmt::format("is a study of kind \"{}\", expected \"vmc\"", study.kind().name()));
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

EarlierResults::EarlierResults() = default;
EarlierResults::~EarlierResults() = default;

EarlierResults::Source const& EarlierResults::source(std::string const& key, std::string const& path) {
  auto& source = sources_[path];
  if (source) return *source;
  if (!std::filesystem::is_regular_file(path)) refuse(key, path, "there is no such file");
  try {
    source = std::make_unique<Source const>(key, path);
  } catch (InputError const& error) {
    if (error.key() == key) throw;
    refuse(key, path, error.what());
  } catch (SystemError const& error) {
    refuse(key, path, error.what());
  }
  return *source;
}

std::map<std::string, arma::vec> EarlierResults::start_from(Parameters const& point, vmc::Settings const& here) {
  auto const& path = point.text(start_key);
  if (path.empty()) return {};
  auto const& file = source(start_key, path);
  Source::Best const* chosen = nullptr;
  double chosen_distance = infinity;
  for (auto const& candidate : file.best) {
    if (!(candidate.energy < infinity) || !std::ranges::all_of(file.keys, [&](std::string const& name) {
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
    for (auto const& name : file.keys)
      wanted += fmt::format("{}{} = {}", wanted.empty() ? " with " : ", ", name, to_toml(point.value(name)));
    refuse(start_key, path, "has no finished point" + wanted);
  }

  auto const there = vmc_settings(chosen->point);
  vmc::WaveFunction const ours(here.system, here.ansatz);
  vmc::WaveFunction const theirs(there.system, there.ansatz);
  std::map<std::string, arma::vec> result;
  for (auto const& part : ours.parts()) {
    auto const same = std::ranges::find(theirs.parts(), part.name, &vmc::WaveFunction::Part::name);
    if (same == theirs.parts().end() || part.n_parameters == 0) continue;
    if (auto const why = difference(*part.form, *same->form); !why.empty())
      refuse(start_key, path, fmt::format("the factor \"{}\" cannot go on from there: {}", part.name, why));
    arma::vec const parameters = chosen->parameters.subvec(arma::span(same->first, same->first + same->n_parameters - 1));
    result[part.name] = part.form->carried_over(parameters, *same->form);
  }
  if (result.empty())
    refuse(start_key, path,
           fmt::format("none of the factors of \"{}\" is one of \"{}\" that has parameters", there.ansatz.factors,
                       here.ansatz.factors));
  return result;
}

std::optional<vmc::FrozenWaveFunction> EarlierResults::compare_with(Parameters const& point, vmc::Settings const& here) {
  auto const& path = point.text(compare_key);
  auto const& factors = point.text("sampler.compare_factors");
  if (path.empty() && factors.empty()) return std::nullopt;
  if (path.empty()) throw InputError("sampler.compare_factors", "says nothing where sampler.compare_with is empty");

  auto const spins_counted = [](vmc::System system) {
    system.up = static_cast<int>(vmc::n_up(system));
    return system;
  };
  std::optional<std::vector<std::string>> wanted;
  if (!factors.empty()) wanted = vmc::factor_names(factors);
  Source::Best const* chosen = nullptr;
  std::set<std::string> found;
  for (auto const& candidate : source(compare_key, path).best) {
    if (!(candidate.energy < infinity)) continue;
    auto const there = vmc_settings(candidate.point);
    if (spins_counted(there.system) != spins_counted(here.system)) continue;
    found.insert(there.ansatz.factors);
    if (wanted && vmc::factor_names(there.ansatz.factors) != *wanted) continue;
    if (chosen == nullptr || candidate.energy < chosen->energy) chosen = &candidate;
  }
  if (found.empty()) refuse(compare_key, path, "has no finished point of this system");
  if (chosen == nullptr)
    throw InputError("sampler.compare_factors", fmt::format("sampler.compare_factors = \"{}\": {} has \"{}\" for this system",
                                                            factors, path, fmt::join(found, "\", \"")));
  if (!wanted && found.size() > 1)
    refuse(compare_key, path,
           fmt::format("has \"{}\" for this system; choose by sampler.compare_factors", fmt::join(found, "\", \"")));
  auto const there = vmc_settings(chosen->point);
  return vmc::FrozenWaveFunction{there.ansatz,
                                 chosen->parameters.head(vmc::WaveFunction(there.system, there.ansatz).n_parameters())};
}

}  // namespace fermiac::app
