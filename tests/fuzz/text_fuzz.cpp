// What users write: study files with overrides of the command line, formulas, lists and tables of numbers.
#include <cctype>
#include <cmath>
#include <memory>

#include "fermiac/flow/expression.hpp"
#include "fermiac/flow/number_list.hpp"
#include "fermiac/io/number_table.hpp"
#include "fermiac/study/study.hpp"
#include "fuzz/fuzz.hpp"
#include "support/plain_kind.hpp"

using namespace fermiac;

namespace {

/// A kind that refuses studies of more than some points: large ones take seconds and find nothing more.
class SmallKind final : public testing::PlainKind {
 public:
  void check(Parameters const&) const override {
    if (++n_checked_ > 200) throw InputError("a.x", "enough points");
  }
  void begin() const { n_checked_ = 0; }

 private:
  mutable int n_checked_ = 0;
};

/// Whether more than three digits stand before a bracket, as in a range of thousands of values.
bool has_large_range(std::string const& text) {
  std::size_t n_digits = 0;
  for (char const c : text) {
    if (c == ']' && n_digits > 3) return true;
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_')
      ++n_digits;
    else if (c != ' ')
      n_digits = 0;
  }
  return false;
}

/// Overrides are the lines before a null byte, the study file follows it.
void read_study(std::string const& input) {
  static auto const* const kind = new SmallKind;
  static auto const registry = [] {
    study::Registry result;
    result.add(std::unique_ptr<study::Kind const>(kind));
    return result;
  }();
  auto const split = input.find('\0');
  std::vector<std::string> overrides;
  if (split != std::string::npos) overrides = flow::split(input.substr(0, split), '\n');
  auto const text = split == std::string::npos ? input : input.substr(split + 1);
  if (has_large_range(input)) return;
  kind->begin();
  study::Study const study(text, "study.toml", registry, overrides);
  // What is stored in a results file is the same study, and stays itself.
  kind->begin();
  study::Study const again(study.resolved(), "stored", registry);
  fuzz::require(again.resolved() == study.resolved() && again.n_items() == study.n_items());
  for (std::uint64_t p = 0; p < study.n_points(); ++p) fuzz::require(again.point(p).canonical() == study.point(p).canonical());
  fuzz::require(study.item(study.n_items() - 1).replicates.last == study.replicates());
}

void read_formula(std::string const& text) {
  constexpr std::size_t dimension = 3;
  flow::Formulas formulas(dimension);
  auto const value = formulas.parse(text, "field.f");
  std::vector<flow::Formulas::Node> wanted{value};
  for (std::size_t i = 0; i < dimension; ++i) wanted.push_back(formulas.derivative(value, i));
  wanted.push_back(formulas.derivative(wanted[1], 1));
  formulas.depends_on_time(wanted.back());
  flow::FormulaTape tape(formulas, wanted, 2);
  double const t[] = {0.5, NAN};
  flow::Columns z(2, dimension);
  for (std::size_t i = 0; i < dimension; ++i) z.column(i)[0] = z.column(i)[1] = 0.25 * static_cast<double>(i + 1);
  tape.compute({2, t, z});
}

void read_table(std::string const& text) {
  static fuzz::MemoryFile file;
  file.hold({reinterpret_cast<std::uint8_t const*>(text.data()), text.size()});
  auto const table = io::read_numbers(file.path(), "");
  fuzz::require(table.n_rows > 0 && table.values.size() == table.n_rows * table.n_columns);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  std::string const text(data + 1, data + size);
  fuzz::read([&] {
    switch (data[0]) {
      case 'f':
        return read_formula(text);
      case 'l':
        flow::rows_of(text, 2, "field.matrix");
        return;
      case 't':
        return read_table(text);
      default:
        return read_study(text);
    }
  });
  return 0;
}
