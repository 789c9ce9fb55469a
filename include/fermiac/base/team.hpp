/// The ranks that compute one item together.
#pragma once

#include <cstdint>
#include <span>

#include "fermiac/base/range.hpp"

namespace fermiac {

/// The members that share the packs of one item. All calls are collective over the team.
///
/// Sums over packs never use the reductions of MPI, whose order depends on the number of ranks: members gather the
/// partial sums of every pack and each adds them in the same fixed tree (`simd::tree_sum`).
class Team {
 public:
  virtual ~Team() = default;

  virtual int size() const = 0;
  virtual int rank() const = 0;

  /// The packs that this member computes: contiguous, in order of rank.
  Range share(std::uint64_t n_packs) const {
    return share_of(n_packs, static_cast<std::uint64_t>(size()), static_cast<std::uint64_t>(rank()));
  }

  /// Completes `whole`, n_packs times per_pack values, pack after pack: on entry each member has filled the part of its
  /// `share(n_packs)`, on return every member holds all of it.
  virtual void gather(std::span<double> whole, std::uint64_t per_pack, std::uint64_t n_packs) = 0;

  /// True on all members where `value` is true on one.
  virtual bool any(bool value) = 0;
};

/// A team of one.
class Solo final : public Team {
 public:
  int size() const override { return 1; }
  int rank() const override { return 0; }
  void gather(std::span<double>, std::uint64_t, std::uint64_t) override {}
  bool any(bool value) override { return value; }
};

}  // namespace fermiac
