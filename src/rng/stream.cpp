#include "fermiac/rng/stream.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "fermiac/base/error.hpp"
#include "kinds.hpp"

namespace fermiac::rng {

namespace {

/// Blocks made at a time: their words stay in the first-level cache.
constexpr std::uint64_t n_at_a_time = 256;

struct WordArrays {
  alignas(64) std::uint32_t w[4][n_at_a_time];
};

void require_blocks(std::uint64_t index, std::uint64_t n_blocks) {
  if (n_blocks > std::numeric_limits<std::uint64_t>::max() - index)
    throw InputError("index " + std::to_string(index) + " + " + std::to_string(n_blocks) +
                     " overflows the random streams: at most 2^64 - 1 blocks in a stream");
}

Bernoulli bernoulli_of(double p) {
  if (!(p >= 0 && p <= 1)) throw InputError("bernoulli: p = " + std::to_string(p) + ", expected a probability from 0 to 1");
  return {{p}};
}

Integer integer_of(std::uint64_t bound) {
  if (bound < 1 || bound > (std::uint64_t{1} << 32))
    throw InputError("integers: bound = " + std::to_string(bound) + ", expected 1 to 2^32");
  return {{bound}};
}

/// n_numbers more of a kind: whether the first is the half left over, then how many blocks.
struct Plan {
  bool begins_with_left;
  std::uint64_t first_block;
  std::uint64_t n_whole;
  bool ends_with_half;
};

/// Moves `place` past the numbers and says what they are made of.
template <typename Kind>
Plan take(StreamPlace& place, std::uint64_t n_numbers) {
  bool const begins_with_left = n_numbers > 0 && place.left == Kind::left;
  std::uint64_t const n_rest = n_numbers - (begins_with_left ? 1 : 0);
  Plan const plan{begins_with_left, place.index, n_rest / 2, n_rest % 2 == 1};
  std::uint64_t const n_blocks = plan.n_whole + (plan.ends_with_half ? 1 : 0);
  require_blocks(place.index, n_blocks);
  place.index += n_blocks;
  if (n_numbers > 0) place.left = plan.ends_with_half ? Kind::left : StreamPlace::Left::nothing;
  return plan;
}

}  // namespace

Stream::Stream(StreamId const& id, std::uint64_t walker) : id_(id), walker_(static_cast<std::uint32_t>(walker)) {
  make_counter(id.purpose, id.replicate, walker, 0);
}

template <typename Kind, typename Number>
void Stream::fill(Kind kind, std::span<Number> out) {
  auto const plan = take<Kind>(place_, out.size());
  auto const pair_at = [&](std::uint64_t index) {
    auto const b = philox(id_.key, make_counter(id_.purpose, id_.replicate, walker_, index));
    return kind(b[0], b[1], b[2], b[3]);
  };
  Number* to = out.data();
  if (plan.begins_with_left) *to++ = pair_at(plan.first_block - 1).second;
  WordArrays words;
  auto const& w = words.w;
  for (std::uint64_t done = 0; done < plan.n_whole; done += n_at_a_time) {
    auto const n = std::min(n_at_a_time, plan.n_whole - done);
    blocks_over_index(id_.key, id_.purpose, static_cast<std::uint32_t>(id_.replicate), walker_, plan.first_block + done, n,
                      words.w[0], words.w[1], words.w[2], words.w[3]);
    for (std::uint64_t i = 0; i < n; ++i) {
      auto const pair = kind(w[0][i], w[1][i], w[2][i], w[3][i]);
      to[2 * i] = pair.first;
      to[2 * i + 1] = pair.second;
    }
    to += 2 * n;
  }
  if (plan.ends_with_half) *to = pair_at(plan.first_block + plan.n_whole).first;
}

double Stream::uniform() {
  double number;
  fill(Uniform{}, std::span(&number, 1));
  return number;
}

double Stream::normal() {
  double number;
  fill(Normal{}, std::span(&number, 1));
  return number;
}

double Stream::rademacher() {
  double number;
  fill(Rademacher{}, std::span(&number, 1));
  return number;
}

bool Stream::bernoulli(double p) {
  double number;
  fill(bernoulli_of(p), std::span(&number, 1));
  return number != 0;
}

std::uint32_t Stream::integer(std::uint64_t bound) {
  std::uint32_t number;
  fill(integer_of(bound), std::span(&number, 1));
  return number;
}

void Stream::uniforms(std::span<double> out) { fill(Uniform{}, out); }
void Stream::normals(std::span<double> out) { fill(Normal{}, out); }
void Stream::rademachers(std::span<double> out) { fill(Rademacher{}, out); }
void Stream::bernoullis(double p, std::span<double> out) { fill(bernoulli_of(p), out); }
void Stream::integers(std::uint64_t bound, std::span<std::uint32_t> out) { fill(integer_of(bound), out); }

PackStream::PackStream(StreamId const& id, std::uint64_t first_walker, std::uint64_t n_walkers)
    : id_(id),
      first_walker_(static_cast<std::uint32_t>(first_walker)),
      n_rows_(static_cast<std::uint32_t>(n_walkers)),
      over_replicates_(false) {
  make_counter(id.purpose, id.replicate, n_walkers == 0 ? first_walker : first_walker + n_walkers - 1, 0);
}

PackStream::PackStream(Key key, Purpose purpose, Range replicates, std::uint64_t walker)
    : id_{key, purpose, replicates.first},
      first_walker_(static_cast<std::uint32_t>(walker)),
      n_rows_(static_cast<std::uint32_t>(replicates.size())),
      over_replicates_(true) {
  make_counter(purpose, replicates.empty() ? replicates.first : replicates.last - 1, walker, 0);
}

void PackStream::blocks(std::uint32_t first_row, std::uint32_t n, std::uint64_t index, std::uint32_t* w0, std::uint32_t* w1,
                        std::uint32_t* w2, std::uint32_t* w3) const {
  if (over_replicates_)
    blocks_over_replicates(id_.key, id_.purpose, id_.replicate + first_row, n, first_walker_, index, w0, w1, w2, w3);
  else
    blocks_over_walkers(id_.key, id_.purpose, static_cast<std::uint32_t>(id_.replicate), first_walker_ + first_row, n, index,
                        w0, w1, w2, w3);
}

template <typename Kind, typename Matrix>
void PackStream::fill(Kind kind, Matrix& out) {
  FERMIAC_ASSERT(out.n_rows == n_rows_);
  auto const plan = take<Kind>(place_, out.n_cols);
  using Number = typename Matrix::elem_type;
  // One block of every row; a column that is not wanted is null.
  auto const columns_of = [&](std::uint64_t index, Number* first, Number* second) {
    WordArrays words;
    auto const& w = words.w;
    for (std::uint32_t done = 0; done < n_rows_; done += n_at_a_time) {
      auto const n = std::min(static_cast<std::uint32_t>(n_at_a_time), n_rows_ - done);
      blocks(done, n, index, words.w[0], words.w[1], words.w[2], words.w[3]);
      if (first != nullptr && second != nullptr) {
        Number* const a = first + done;
        Number* const b = second + done;
#pragma GCC ivdep
        for (std::uint32_t i = 0; i < n; ++i) {
          auto const pair = kind(w[0][i], w[1][i], w[2][i], w[3][i]);
          a[i] = pair.first;
          b[i] = pair.second;
        }
      } else if (first != nullptr) {
        for (std::uint32_t i = 0; i < n; ++i) first[done + i] = kind(w[0][i], w[1][i], w[2][i], w[3][i]).first;
      } else {
        for (std::uint32_t i = 0; i < n; ++i) second[done + i] = kind(w[0][i], w[1][i], w[2][i], w[3][i]).second;
      }
    }
  };
  // Not colptr, which refers to an element even where there are no rows.
  auto const column_at = [&](arma::uword column) { return out.memptr() + column * n_rows_; };
  arma::uword column = 0;
  if (plan.begins_with_left) columns_of(plan.first_block - 1, nullptr, column_at(column++));
  for (std::uint64_t block = 0; block < plan.n_whole; ++block, column += 2)
    columns_of(plan.first_block + block, column_at(column), column_at(column + 1));
  if (plan.ends_with_half) columns_of(plan.first_block + plan.n_whole, column_at(column), nullptr);
}

void PackStream::add_normals(std::uint64_t n_numbers, std::span<double> sum, std::span<double> sum_of_squares) {
  bool const squares_too = !sum_of_squares.empty();
  FERMIAC_ASSERT(sum.size() == n_rows_ && (!squares_too || sum_of_squares.size() == n_rows_));
  auto const plan = take<Normal>(place_, n_numbers);
  Normal const kind;
  WordArrays words;
  auto const& w = words.w;
  for (std::uint32_t done = 0; done < n_rows_; done += n_at_a_time) {
    auto const n = std::min(static_cast<std::uint32_t>(n_at_a_time), n_rows_ - done);
    double* const s = sum.data() + done;
    double* const q = squares_too ? sum_of_squares.data() + done : nullptr;
    auto const add_one = [&](std::uint64_t index, double Pair<double>::*which) {
      blocks(done, n, index, words.w[0], words.w[1], words.w[2], words.w[3]);
      for (std::uint32_t i = 0; i < n; ++i) {
        double const x = kind(w[0][i], w[1][i], w[2][i], w[3][i]).*which;
        s[i] += x;
        if (squares_too) q[i] = std::fma(x, x, q[i]);
      }
    };
    if (plan.begins_with_left) add_one(plan.first_block - 1, &Pair<double>::second);
    for (std::uint64_t block = 0; block < plan.n_whole; ++block) {
      blocks(done, n, plan.first_block + block, words.w[0], words.w[1], words.w[2], words.w[3]);
      if (squares_too) {
#pragma GCC ivdep
        for (std::uint32_t i = 0; i < n; ++i) {
          auto const pair = kind(w[0][i], w[1][i], w[2][i], w[3][i]);
          s[i] = (s[i] + pair.first) + pair.second;
          q[i] = std::fma(pair.second, pair.second, std::fma(pair.first, pair.first, q[i]));
        }
      } else {
#pragma GCC ivdep
        for (std::uint32_t i = 0; i < n; ++i) {
          auto const pair = kind(w[0][i], w[1][i], w[2][i], w[3][i]);
          s[i] = (s[i] + pair.first) + pair.second;
        }
      }
    }
    if (plan.ends_with_half) add_one(plan.first_block + plan.n_whole, &Pair<double>::first);
  }
}

void PackStream::uniforms(arma::mat& out) { fill(Uniform{}, out); }
void PackStream::normals(arma::mat& out) { fill(Normal{}, out); }
void PackStream::rademachers(arma::mat& out) { fill(Rademacher{}, out); }
void PackStream::bernoullis(double p, arma::mat& out) { fill(bernoulli_of(p), out); }
void PackStream::integers(std::uint64_t bound, arma::Mat<std::uint32_t>& out) { fill(integer_of(bound), out); }

}  // namespace fermiac::rng
