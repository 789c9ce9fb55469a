/// A team without MPI.
#pragma once

#include <algorithm>
#include <barrier>
#include <mutex>
#include <vector>

#include "fermiac/base/team.hpp"

namespace fermiac::testing {

/// Members of a team in one process, a thread each.
class Threads {
 public:
  explicit Threads(int size) : size_(size), barrier_(size) {}

  class Member final : public Team {
   public:
    Member(Threads& threads, int rank) : threads_(threads), rank_(rank) {}
    int size() const override { return threads_.size_; }
    int rank() const override { return rank_; }
    void gather(std::span<double> whole, std::uint64_t per_pack, std::uint64_t n_packs) override {
      if (rank_ == 0) threads_.whole_.assign(whole.size(), 0);
      threads_.barrier_.arrive_and_wait();
      auto const mine = share(n_packs);
      std::copy(whole.begin() + static_cast<std::ptrdiff_t>(mine.first * per_pack),
                whole.begin() + static_cast<std::ptrdiff_t>(mine.last * per_pack),
                threads_.whole_.begin() + static_cast<std::ptrdiff_t>(mine.first * per_pack));
      threads_.barrier_.arrive_and_wait();
      std::copy(threads_.whole_.begin(), threads_.whole_.end(), whole.begin());
      threads_.barrier_.arrive_and_wait();
    }
    bool any(bool value) override {
      {
        std::lock_guard const lock(threads_.mutex_);
        threads_.any_ = threads_.any_ || value;
      }
      threads_.barrier_.arrive_and_wait();
      bool const result = threads_.any_;
      threads_.barrier_.arrive_and_wait();
      if (rank_ == 0) threads_.any_ = false;
      threads_.barrier_.arrive_and_wait();
      return result;
    }

   private:
    Threads& threads_;
    int rank_;
  };

 private:
  int size_;
  std::barrier<> barrier_;
  std::mutex mutex_;
  bool any_ = false;
  std::vector<double> whole_;
};

}  // namespace fermiac::testing
