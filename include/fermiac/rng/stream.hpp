/// Streams of random numbers: of one walker, and of the walkers of a pack side by side.
///
/// A stream is the sequence of blocks 0, 1, 2, ... of one (key, purpose, replicate, walker); it has no other state than its
/// place. A block makes two numbers of any kind, so each number takes half a block, always:
///
/// | kind        | from the 64 bits of half h (words 2h, 2h + 1; the second is the high one)                                  |
/// |-------------|------------------------------------------------------------------------------------------------------------|
/// | uniform     | (k + 1/2) 2^-52, k the 52 highest bits: in the open interval (0, 1), exact, symmetric about 1/2 | |
/// rademacher  | -1 where the highest bit is set, else +1                                                                   |
/// | bernoulli   | 1 where the uniform is below p, else 0: the probability is p within 2^-53, exactly p at 0, 1/2 and 1 | |
/// integer     | floor(bits n / 2^64): 0 ... n - 1 for n <= 2^32, each with probability 1/n within 2^-64 (2^-32 relative)    |
/// | normal      | Box and Muller, of both halves: sqrt(-2 ln u_0) cos(2 pi u_1), then the same with sin; at most 8.58 in size
/// |
///
/// Numbers of the first four kinds may be mixed freely. Because both normals of a block use all its bits, a normal after
/// another kind, and another kind after a normal, begins a new block: the half left over is skipped. Within a kind, any split
/// of a batch into calls, single numbers included, gives the same numbers.
///
/// G. E. P. Box, M. E. Muller, A note on the generation of random normal deviates, Ann. Math. Statist. 29, 610 (1958).
#pragma once

#include <armadillo>
#include <cstdint>
#include <span>

#include "fermiac/base/range.hpp"
#include "fermiac/rng/philox.hpp"

namespace fermiac::rng {

/// What the streams of all walkers of one replicate share.
struct StreamId {
  Key key;
  Purpose purpose = Purpose::test;
  std::uint64_t replicate = 0;  ///< below replicate_limit
};

/// Where a stream stands: the next untouched block, and the half of the one before it that is left over.
struct StreamPlace {
  enum class Left : std::uint8_t { nothing, half_of_bits, half_of_normals };

  std::uint64_t index = 0;
  Left left = Left::nothing;
};

/// The stream of one walker; copies go on independently from the same place.
///
/// All functions that draw throw InputError where the index would pass 2^64 - 1.
class Stream {
 public:
  /// At block 0.
  /// @throws InputError  where id.replicate or walker overflows
  Stream(StreamId const& id, std::uint64_t walker);

  /// Number of the next untouched block.
  std::uint64_t index() const noexcept { return place_.index; }

  /// Goes to the beginning of a block, forth or back.
  void seek(std::uint64_t index) noexcept { place_ = {index, StreamPlace::Left::nothing}; }

  double uniform();
  double normal();
  double rademacher();
  bool bernoulli(double p);                    ///< @throws InputError  unless 0 <= p <= 1
  std::uint32_t integer(std::uint64_t bound);  ///< @throws InputError  unless 1 <= bound <= 2^32

  void uniforms(std::span<double> out);
  void normals(std::span<double> out);
  void rademachers(std::span<double> out);
  void bernoullis(double p, std::span<double> out);                  ///< zeros and ones; @throws InputError as `bernoulli`
  void integers(std::uint64_t bound, std::span<std::uint32_t> out);  ///< @throws InputError as `integer`

 private:
  template <typename Kind, typename Number>
  void fill(Kind kind, std::span<Number> out);

  StreamId id_;
  std::uint32_t walker_;
  StreamPlace place_;
};

/// The streams of the walkers first_walker ... first_walker + n_rows - 1 of a replicate, or of one walker of the replicates
/// first ... first + n_rows - 1, at one common place.
///
/// Matrices are n_rows x k, streams down the rows: row r receives, bit for bit, the next k numbers of walker first_walker + r's
/// (or of replicate first + r's) own `Stream`. `out` has n_rows rows (std::logic_error otherwise); errors as in `Stream`.
class PackStream {
 public:
  /// Of the walkers of a replicate, at block 0.
  /// @throws InputError  where id.replicate or a walker overflows
  PackStream(StreamId const& id, std::uint64_t first_walker, std::uint64_t n_walkers);

  /// Of `walker` of the replicates `replicates`, at block 0: what an experiment draws from.
  /// @throws InputError  where the walker or a replicate overflows
  PackStream(Key key, Purpose purpose, Range replicates, std::uint64_t walker = 0);

  std::uint64_t n_rows() const noexcept { return n_rows_; }
  std::uint64_t index() const noexcept { return place_.index; }
  void seek(std::uint64_t index) noexcept { place_ = {index, StreamPlace::Left::nothing}; }

  void uniforms(arma::mat& out);
  void normals(arma::mat& out);
  void rademachers(arma::mat& out);
  void bernoullis(double p, arma::mat& out);
  void integers(std::uint64_t bound, arma::Mat<std::uint32_t>& out);

  /// Adds the next n_numbers normals x of every row, one after another, without storing them: sum[r] += x, and
  /// sum_of_squares[r] += x^2 by std::fma. Both hold n_rows values; `sum_of_squares` may be empty, then it is left out.
  void add_normals(std::uint64_t n_numbers, std::span<double> sum, std::span<double> sum_of_squares);

 private:
  template <typename Kind, typename Matrix>
  void fill(Kind kind, Matrix& out);
  void blocks(std::uint32_t first_row, std::uint32_t n, std::uint64_t index, std::uint32_t* w0, std::uint32_t* w1,
              std::uint32_t* w2, std::uint32_t* w3) const;

  StreamId id_;
  std::uint32_t first_walker_;
  std::uint32_t n_rows_;
  bool over_replicates_;
  StreamPlace place_;
};

}  // namespace fermiac::rng
