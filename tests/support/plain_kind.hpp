/// A kind for tests of the engine: two keys, one variable, a record that names its own item.
#pragma once

#include <memory>

#include "fermiac/study/kind.hpp"

namespace fermiac::testing {

class PlainKind : public study::Kind {
 public:
  std::string name() const override { return "plain"; }
  std::string family() const override { return "test"; }
  std::string summary() const override { return "nothing"; }
  std::string truth() const override { return "itself"; }
  std::string conventions() const override { return ""; }
  std::vector<Parameter> parameters() const override {
    return {real("a.x", 1, "a number").unit("length"), real("b.x", 2, "another"),
            integer("a.n", 3, "entries in use").at_least(1), choice("a.mode", "one", {"one", "two"}, "a choice"),
            integer("a.per_item", 2, "replicates of an item").at_least(1).shares_streams()};
  }
  std::vector<study::Variable> variables() const override {
    return {{"value", study::Scope::replicate, "1", "replicate number"},
            {"vector", study::Scope::replicate, "1", "padded", study::Presence::optional, {"entry"}},
            {"total", study::Scope::item, "1", "sum over an item"},
            {"mean", study::Scope::point, "1", "mean", study::Presence::optional},
            {"mean_error", study::Scope::point, "1", "its error", study::Presence::optional}};
  }
  std::vector<study::Dimension> dimensions(Parameters const& point) const override {
    return {{"entry", static_cast<std::uint64_t>(point.integer("a.n")), "entries"}};
  }
  std::vector<std::string> table() const override { return {"mean"}; }
  std::uint64_t replicates_per_item(Parameters const& point) const override {
    return static_cast<std::uint64_t>(point.integer("a.per_item"));
  }
  double work(Parameters const& point) const override { return point.real("a.x"); }
  double seconds_per_work(Parameters const&) const override { return 1; }
  void compute(Parameters const&, std::uint64_t, Range, Team&, Context&, study::ItemRecord&) const override {}
  void summarise(Parameters const&, std::vector<study::ItemRecord> const&, Context&, study::Record&) const override {}
};

inline study::Registry plain_registry() {
  study::Registry registry;
  registry.add(std::make_unique<PlainKind>());
  return registry;
}

}  // namespace fermiac::testing
