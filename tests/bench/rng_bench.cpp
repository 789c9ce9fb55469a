// Nanoseconds a random block and a random number on one core, beside the standard library's.
#include <fmt/core.h>

#include <random>
#include <vector>

#include "bench/timing.hpp"
#include "fermiac/rng/stream.hpp"

using namespace fermiac;
using namespace fermiac::rng;

namespace {

constexpr std::size_t n = 1024;

void print(char const* name, double ns, double standard = 0) {
  if (standard > 0)
    fmt::print("{:28s} {:8.3f} {:8.3f} {:8.1f}\n", name, ns, standard, standard / ns);
  else
    fmt::print("{:28s} {:8.3f}\n", name, ns);
}

}  // namespace

int main() {
  auto const key = make_key(1, "bench");
  std::vector<std::uint32_t> w0(n), w1(n), w2(n), w3(n);
  std::vector<double> numbers(n);
  std::mt19937_64 twister(1);
  auto const standard = [&](auto distribution) {
    return bench::ns_per_value(n, [&] {
      for (auto& x : numbers) x = static_cast<double>(distribution(twister));
    });
  };

  fmt::print("{:28s} {:>8s} {:>8s} {:>8s}\n", "ns a value", "fermiac", "std", "ratio");
  std::uint64_t index = 0;
  for (std::uint32_t const n_walkers : {16U, 64U, 256U, 1024U}) {
    auto const name = fmt::format("block, {} walkers", n_walkers);
    print(name.c_str(), bench::ns_per_value(n_walkers, [&] {
            blocks_over_walkers(key, Purpose::test, 0, 0, n_walkers, index++, w0.data(), w1.data(), w2.data(), w3.data());
          }));
  }
  print("block, over the index", bench::ns_per_value(n, [&] {
          blocks_over_index(key, Purpose::test, 0, 0, index += n, n, w0.data(), w1.data(), w2.data(), w3.data());
        }));

  Stream stream({key, Purpose::test, 0}, 0);
  print("uniforms", bench::ns_per_value(n, [&] { stream.uniforms(numbers); }),
        standard(std::uniform_real_distribution<double>()));
  print("normals", bench::ns_per_value(n, [&] { stream.normals(numbers); }), standard(std::normal_distribution<double>()));
  print("rademachers", bench::ns_per_value(n, [&] { stream.rademachers(numbers); }),
        standard(std::bernoulli_distribution(0.5)));
  print("bernoullis", bench::ns_per_value(n, [&] { stream.bernoullis(0.3, numbers); }),
        standard(std::bernoulli_distribution(0.3)));
  print("integers below 1000", bench::ns_per_value(n, [&] { stream.integers(1000, w0); }),
        standard(std::uniform_int_distribution<int>(0, 999)));
  print("one normal", bench::ns_per_value(1, [&] { numbers[0] = stream.normal(); }));

  for (arma::uword const n_walkers : {64U, 256U, 1024U}) {
    PackStream pack({key, Purpose::test, 0}, 0, n_walkers);
    arma::mat out(n_walkers, 4);
    auto const name = fmt::format("normals, {} walkers x 4", n_walkers);
    print(name.c_str(), bench::ns_per_value(out.n_elem, [&] { pack.normals(out); }));
  }

  std::vector<double> sum(256), squares(256);
  PackStream replicates(key, Purpose::test, {0, 256});
  print("normals, added", bench::ns_per_value(256 * 100, [&] { replicates.add_normals(100, sum, {}); }));
  print("normals and squares, added", bench::ns_per_value(256 * 100, [&] { replicates.add_normals(100, sum, squares); }));
}
