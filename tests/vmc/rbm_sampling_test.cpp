#include <boost/test/unit_test.hpp>
#include <cmath>
#include <memory>
#include <vector>

#include "fermiac/rng/stream.hpp"
#include "fermiac/vmc/rbm_pack.hpp"
#include "random_machine.hpp"
#include "support/rbm_twin.hpp"

using namespace fermiac;
using namespace fermiac::testing;

namespace {

/// |Psi|^2 of a machine in closed form: a mixture of normals, one for each number of hidden units that are 1, with means a +
/// tau^2 V m and a common variance tau^2 = sigma^2 / c, where m_j = 0 ... c and c = 1 for Psi = sqrt(F), 2 for Psi = F.
class Mixture {
 public:
  explicit Mixture(Setting const& s)
      : copies_(s.shape.convention == Convention::f ? 2 : 1), variance_(s.parameters.sigma_squared / copies_) {
    auto const& p = s.parameters;
    auto const H = s.shape.n_hidden;
    arma::uword n_components = 1;
    for (arma::uword j = 0; j < H; ++j) n_components *= static_cast<arma::uword>(copies_ + 1);
    means_.set_size(p.a.n_elem, n_components);
    weights_.set_size(n_components);
    for (arma::uword component = 0; component < n_components; ++component) {
      arma::vec m(H);
      double ways = 1;
      auto rest = component;
      for (arma::uword j = 0; j < H; ++j) {
        m[j] = static_cast<double>(rest % static_cast<arma::uword>(copies_ + 1));
        rest /= static_cast<arma::uword>(copies_ + 1);
        if (copies_ == 2 && m[j] == 1) ways *= 2;
      }
      // exp(-|x - a|^2 / (2 tau^2) + b . m + x . V m), the square completed.
      arma::vec const slope = p.W * m / p.sigma_squared;
      means_.col(component) = p.a + variance_ * slope;
      weights_[component] =
          ways * std::exp(arma::dot(p.b, m) + arma::dot(p.a, slope) + variance_ * arma::dot(slope, slope) / 2);
    }
    weights_ /= arma::accu(weights_);
  }

  /// Independent draws, walkers x M.
  arma::mat draw(arma::uword n_walkers, std::uint64_t replicate) const {
    arma::mat choice(n_walkers, 1);
    arma::mat X(n_walkers, means_.n_rows);
    rng::PackStream stream({{11, 12}, rng::Purpose::draw, replicate}, 0, n_walkers);
    stream.uniforms(choice);
    stream.normals(X);
    X *= std::sqrt(variance_);
    arma::vec const steps = arma::cumsum(weights_);
    for (arma::uword k = 0; k < n_walkers; ++k) {
      arma::uword component = 0;
      while (component + 1 < steps.n_elem && choice[k] > steps[component]) ++component;
      X.row(k) += means_.col(component).t();
    }
    return X;
  }

  /// Probability that direction . x is below `value`.
  double below(arma::vec const& direction, double value) const {
    double const scale = 1 / std::sqrt(2 * variance_ * arma::dot(direction, direction));
    arma::rowvec const centres = direction.t() * means_;
    double sum = 0;
    for (arma::uword c = 0; c < weights_.n_elem; ++c) sum += weights_[c] * std::erfc(-(value - centres[c]) * scale) / 2;
    return sum;
  }

 private:
  int copies_;
  double variance_;
  arma::mat means_;  ///< M x components
  arma::vec weights_;
};

constexpr arma::uword n_walkers = 20000;
constexpr int n_cells = 32;

/// Largest and smallest chi-square of `X` against the mixture, as normal deviates: 32 cells of equal probability along each
/// coordinate and along the difference of the first two particles' coordinates. Wilson and Hilferty's cube root is normal to
/// 0.02 at 31 degrees of freedom in the bulk, and at z = 6 it stands for a probability between 5e-10 and 2e-9.
struct Deviates {
  double smallest = 1e300;
  double largest = -1e300;
};
Deviates deviates(Mixture const& mixture, arma::mat const& X, arma::uword D) {
  Deviates result;
  for (arma::uword projection = 0; projection < X.n_cols + D; ++projection) {
    arma::vec direction(X.n_cols, arma::fill::zeros);
    if (projection < X.n_cols) {
      direction[projection] = 1;
    } else {
      direction[projection - X.n_cols] = 1;
      direction[projection - X.n_cols + D] = -1;
    }
    arma::vec const values = X * direction;
    std::vector<double> counts(n_cells, 0);
    for (double const value : values)
      ++counts[static_cast<std::size_t>(std::min(n_cells - 1.0, n_cells * mixture.below(direction, value)))];
    double const expected = static_cast<double>(X.n_rows) / n_cells;
    double chi_square = 0;
    for (double const count : counts) chi_square += (count - expected) * (count - expected) / expected;
    constexpr double freedom = n_cells - 1;
    double const z = (std::cbrt(chi_square / freedom) - (1 - 2 / (9 * freedom))) / std::sqrt(2 / (9 * freedom));
    result.smallest = std::min(result.smallest, z);
    result.largest = std::max(result.largest, z);
  }
  return result;
}

/// Some hundred deviates are looked at: the largest passes 6 by chance with a probability below 1e-6, and the smallest, to
/// which nothing but a forbidden dependence between walkers could lead, -6 likewise.
void check_drawn(Mixture const& mixture, arma::mat const& X, arma::uword D, char const* what) {
  auto const z = deviates(mixture, X, D);
  BOOST_TEST(z.largest < 6, what << " in " << D << " dimensions: " << z.largest);
  BOOST_TEST(z.smallest > -6, what << " in " << D << " dimensions: " << z.smallest);
}

enum class Way { metropolis, gibbs };

void advance(RbmPack& pack, Way way, std::uint64_t n_sweeps) {
  MoveStream const stream{{21, 22}, rng::Purpose::test, 3};
  for (std::uint64_t sweep = 0; sweep < n_sweeps; ++sweep) {
    if (way == Way::metropolis)
      pack.sweep(1.6, stream, sweep);
    else
      pack.gibbs_sweep(stream, sweep);
  }
}

Setting machine(int dimensions, Convention convention) {
  return setting(2, dimensions, 3, convention, Interaction::none, false, 200 + static_cast<std::uint32_t>(dimensions));
}

template <class Body>
void for_each_machine(Body const& body) {
  for (int const dimensions : {1, 2, 3})
    for (Convention const convention : {Convention::sqrt_f, Convention::f}) body(machine(dimensions, convention));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rbm_sampling)

BOOST_AUTO_TEST_CASE(the_mixture_is_the_square_of_the_wave_function) {
  // Its density by finite differences of the marginal along one direction is that of |Psi|^2 where M = 1 is all there is: the
  // machine of one particle in one dimension, normalised by the mixture at one point.
  for (Convention const convention : {Convention::sqrt_f, Convention::f}) {
    auto const s = setting(1, 1, 3, convention, Interaction::none, false, 210);
    Mixture const mixture(s);
    RbmTwin const twin(s.system, s.shape, s.parameters);
    arma::vec const direction{1.0};
    auto const density = [&](double x) {
      double const h = 1e-4;
      return (mixture.below(direction, x + h) - mixture.below(direction, x - h)) / (2 * h);
    };
    auto const square = [&](double x) { return static_cast<double>(std::exp(2 * twin.log_psi({Real{x}}))); };
    double const norm = density(0.3) / square(0.3);
    // Error h^2 / 6 times a second derivative of order 1 to 10.
    for (double const x : {-2.0, -0.7, 0.0, 1.1, 2.5}) BOOST_TEST(std::abs(density(x) - norm * square(x)) < 1e-7);
  }
}

BOOST_AUTO_TEST_CASE(gibbs_sweeps_follow_the_rule_with_the_words_of_their_own_blocks) {
  std::uint32_t const first_walker = 7;
  std::uint32_t replicate = 220;
  for (int const dimensions : {1, 2, 3})
    for (arma::uword const hidden : {0U, 1U, 3U, 4U, 9U})
      for (Convention const convention : {Convention::sqrt_f, Convention::f})
        for (double const last : {0.4, 1e3}) {  // near, and far
          ++replicate;
          auto const s = setting(dimensions == 3 ? 3 : 2, dimensions, hidden, convention, Interaction::none, false, replicate);
          auto const M = s.shape.n_coordinates;
          arma::uword const n = 131;
          RbmPack pack(s.system, s.shape, first_walker, n);
          pack.set_parameters(s.parameters);
          auto X = Numbers(300 + replicate).matrix(n, M, 1.5);
          X(n - 1, 0) = last;
          pack.place(X);
          RbmTwin const twin(s.system, s.shape, s.parameters);
          MoveStream const stream{{3, 4}, rng::Purpose::test, replicate};
          arma::uword const copies = convention == Convention::f ? 2 : 1;
          std::uint64_t const blocks_of_copy = (hidden + 3) / 4;
          for (std::uint64_t sweep = 5; sweep < 7; ++sweep) {
            auto const moved = pack.gibbs_sweep(stream, sweep);
            BOOST_TEST(moved == n * static_cast<std::uint64_t>(s.system.particles));
            std::uint64_t const first_block = (std::uint64_t{1} << 63) + sweep * (copies * blocks_of_copy + (M + 1) / 2);
            for (arma::uword k = 0; k < n; ++k) {
              auto const x = row(X, k);
              std::vector<Real> next(M);
              for (arma::uword i = 0; i < M; ++i) next[i] = s.parameters.a[i];
              for (arma::uword copy = 0; copy < copies; ++copy)
                for (arma::uword j = 0; j < hidden; ++j) {
                  auto const block = rng::philox(stream.key, rng::make_counter(stream.purpose, replicate, first_walker + k,
                                                                               first_block + copy * blocks_of_copy + j / 4));
                  if (Real{rng::uniform_of(block[j % 4])} < twin.probability(x, j))
                    for (arma::uword i = 0; i < M; ++i) next[i] += Real{s.parameters.W(i, j)} / copies;
                }
              rng::Stream normals({stream.key, stream.purpose, replicate}, first_walker + k);
              normals.seek(first_block + copies * blocks_of_copy);
              Real const deviation = std::sqrt(Real{s.parameters.sigma_squared} / copies);
              for (arma::uword i = 0; i < M; ++i) X(k, i) = static_cast<double>(next[i] + deviation * Real{normals.normal()});
            }
            BOOST_TEST(arma::abs(pack.positions() - X).max() < 1e-13);
            X = pack.positions();
          }
        }
}

BOOST_AUTO_TEST_CASE(one_sweep_leaves_the_exact_distribution_as_it_was, *boost::unit_test::label("stat")) {
  for_each_machine([](Setting const& s) {
    Mixture const mixture(s);
    auto const D = static_cast<arma::uword>(s.system.dimensions);
    auto const X = mixture.draw(n_walkers, 1);
    check_drawn(mixture, X, D, "independent draws");
    for (Way const way : {Way::metropolis, Way::gibbs}) {
      RbmPack pack(s.system, s.shape, 0, n_walkers);
      pack.set_parameters(s.parameters);
      pack.place(X);
      advance(pack, way, 1);
      auto const moved = pack.positions();
      BOOST_TEST(arma::abs(moved - X).max() > 0.5);
      check_drawn(mixture, moved, D, way == Way::gibbs ? "one Gibbs sweep" : "one Metropolis sweep");
    }
  });
}

BOOST_AUTO_TEST_CASE(walkers_come_from_one_place_into_the_exact_distribution, *boost::unit_test::label("stat")) {
  // Correlations decay by a factor of at least two in ten sweeps at these parameters, so that after 300 nothing is left.
  for_each_machine([](Setting const& s) {
    Mixture const mixture(s);
    auto const D = static_cast<arma::uword>(s.system.dimensions);
    for (Way const way : {Way::metropolis, Way::gibbs}) {
      RbmPack pack(s.system, s.shape, 0, n_walkers);
      pack.set_parameters(s.parameters);
      pack.place(arma::mat(n_walkers, s.shape.n_coordinates, arma::fill::value(2.0)));
      advance(pack, way, 300);
      check_drawn(mixture, pack.positions(), D, way == Way::gibbs ? "Gibbs" : "Metropolis");
    }
  });
}

BOOST_AUTO_TEST_CASE(a_wrong_power_or_width_is_caught, *boost::unit_test::label("stat")) {
  // From exact draws, a few sweeps of a machine that is off: Psi in place of Psi^2, or a width that is a fifth too large. What
  // `check_drawn` refuses is above 6.
  for_each_machine([](Setting const& s) {
    Mixture const mixture(s);
    auto const D = static_cast<arma::uword>(s.system.dimensions);
    auto const X = mixture.draw(n_walkers, 2);
    auto other_power = s;
    other_power.shape.convention = s.shape.convention == Convention::f ? Convention::sqrt_f : Convention::f;
    auto other_width = s;
    other_width.parameters.sigma_squared *= 1.44;
    for (Setting const& wrong : {other_power, other_width})
      for (Way const way : {Way::metropolis, Way::gibbs}) {
        RbmPack pack(wrong.system, wrong.shape, 0, n_walkers);
        pack.set_parameters(wrong.parameters);
        pack.place(X);
        advance(pack, way, 10);
        BOOST_TEST(deviates(mixture, pack.positions(), D).largest > 10);
      }
  });
}

BOOST_AUTO_TEST_SUITE_END()
