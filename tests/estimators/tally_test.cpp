#include "fermiac/estimators/tally.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "fermiac/rng/stream.hpp"
#include "fixed_experiment.hpp"

using namespace fermiac;
using estimators::Tally;
using testing::FixedExperiment;

namespace {

double const unknown = std::numeric_limits<double>::quiet_NaN();
auto const nearly = boost::test_tools::tolerance(1e-12);

std::vector<double> normals(std::size_t n, std::uint64_t walker = 0) {
  std::vector<double> x(n);
  rng::Stream({rng::make_key(5, "tally"), rng::Purpose::test, 0}, walker).normals(x);
  return x;
}

void check_equal(stats::Moments const& a, stats::Moments const& b) {
  BOOST_TEST(a.count() == b.count());
  if (a.count() == 0) return;
  BOOST_TEST(a.mean() == b.mean(), nearly);
  for (int k = 2; k <= 4; ++k) BOOST_TEST(a.central_moment(k) + 1 == b.central_moment(k) + 1, nearly);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tally)

BOOST_AUTO_TEST_CASE(holds_the_moments_of_an_obvious_accumulator_at_any_size) {
  FixedExperiment experiment({0, 0});
  experiment.target = 0.25;
  for (std::size_t const n : {0, 1, 2, 17, 256}) {
    auto x = normals(n), y = normals(n, 1);
    if (n > 2) x[2] = unknown;
    if (n > 5) y[5] = std::numeric_limits<double>::infinity();
    auto const whole = experiment.tally({x, y}, 0.7);
    stats::Moments a, d, s, w;
    double hits = 0;
    for (std::size_t r = 0; r < n; ++r) {
      if (!std::isfinite(x[r])) continue;
      a.add(x[r] - 0.25);
      w.add((x[r] + 0.7) - (x[r] - 0.7));
      hits += std::abs(x[r] - 0.25) <= 0.7;
      if (!std::isfinite(y[r])) continue;
      d.add(y[r] - x[r]);
      s.add((y[r] - 0.25) * (y[r] - 0.25) - (x[r] - 0.25) * (x[r] - 0.25));
    }
    check_equal(whole.estimate(0, 0), a);
    check_equal(whole.difference(1, 0), d);
    check_equal(whole.difference_of_squares(1, 0), s);
    check_equal(whole.width(0, 0), w);
    BOOST_TEST(whole.hits(0, 0) == hits);
    BOOST_TEST(whole.failures(0, 0) == (n > 2 ? 1 : 0));
    BOOST_TEST(whole.failures(1, 0) == (n > 5 ? 1 : 0));
    BOOST_TEST(whole.interval_failures(0, 0) == (n > 2 ? 1 : 0));
    BOOST_TEST(whole.difference(0, 0).count() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(counts_where_a_rule_differs_from_the_first) {
  FixedExperiment const experiment({0}, 2);
  estimators::Outputs outputs(1, 2, 1, 5);
  double const first[5][2] = {{-1, 1}, {-1, 1}, {1, 2}, {1, 2}, {unknown, 1}};
  double const second[5][2] = {{0, 1}, {0.5, 1}, {-1, 0}, {-1, -0.5}, {-1, 1}};  // hit, miss, hit, miss, hit
  for (std::size_t r = 0; r < 5; ++r) {
    outputs.value(0)[r] = 0;
    outputs.low(0)[r] = first[r][0];
    outputs.high(0)[r] = first[r][1];
    outputs.low(1)[r] = second[r][0];
    outputs.high(1)[r] = second[r][1];
  }
  Tally tally{estimators::Layout(experiment)};
  tally.add(outputs, std::vector{0.0});
  BOOST_TEST(tally.hits(0, 0) == 2);
  BOOST_TEST(tally.hits(1, 0) == 3);
  BOOST_TEST(tally.interval_failures(0, 0) == 1);
  BOOST_TEST(tally.hits_alone(1, 0) == 1);
  BOOST_TEST(tally.misses_alone(1, 0) == 1);
  BOOST_TEST(tally.hits_alone(0, 0) == 0);
}

BOOST_AUTO_TEST_CASE(merges_to_what_one_pack_would_have_held) {
  FixedExperiment const experiment({0, 1});
  auto const x = normals(1000), y = normals(1000, 1);
  auto const whole = experiment.tally({x, y});
  for (std::size_t const pack : {1, 3, 17, 256, 1000}) {
    std::vector<Tally> parts;
    for (std::size_t first = 0; first < 1000; first += pack) {
      auto const cut = [&](std::vector<double> const& all) {
        return std::vector(all.begin() + static_cast<long>(first),
                           all.begin() + static_cast<long>(std::min<std::size_t>(first + pack, 1000)));
      };
      parts.push_back(experiment.tally({cut(x), cut(y)}));
    }
    auto const merged = merge_all(parts);
    check_equal(merged.estimate(1, 0), whole.estimate(1, 0));
    BOOST_TEST(merged.minimum(0, 0) == whole.minimum(0, 0));
    BOOST_TEST(merged.maximum(1, 0) == whole.maximum(1, 0));
    BOOST_TEST(merged.hits(0, 0) == whole.hits(0, 0));
  }
}

BOOST_AUTO_TEST_CASE(merges_in_a_binary_tree_over_the_numbers_of_packs) {
  FixedExperiment const experiment({0});
  std::vector<Tally> parts;
  for (std::size_t p = 0; p < 6; ++p) parts.push_back(experiment.tally({normals(5, p)}));
  auto const pair = [](Tally a, Tally const& b) {
    a.merge(b);
    return a;
  };
  auto const expected = pair(pair(pair(parts[0], parts[1]), pair(parts[2], parts[3])), pair(parts[4], parts[5]));
  std::vector<double> a(expected.state_size()), b(a);
  expected.save(a);
  merge_all(parts).save(b);
  BOOST_TEST(a == b);
}

BOOST_AUTO_TEST_CASE(is_the_same_after_being_stored) {
  FixedExperiment const experiment({0, 0});
  auto const whole = experiment.tally({normals(50), normals(50, 1)});
  std::vector<double> state(whole.state_size()), again(state);
  whole.save(state);
  Tally loaded{estimators::Layout(experiment)};
  loaded.load(state);
  loaded.save(again);
  BOOST_TEST(state == again);
  BOOST_CHECK_THROW(loaded.load(std::span(state).first(3)), std::logic_error);
}

BOOST_AUTO_TEST_CASE(pairs_with_the_first_of_the_same_group) {
  estimators::Layout const layout(FixedExperiment({0, 1, 0, 1}));
  BOOST_TEST(layout.partner == (std::vector<std::size_t>{0, 1, 0, 1}));
}

BOOST_AUTO_TEST_SUITE_END()
