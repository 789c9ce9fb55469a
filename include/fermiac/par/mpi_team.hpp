/// A team whose members are MPI ranks.
#pragma once

#include "fermiac/base/team.hpp"
#include "fermiac/par/communicator.hpp"

namespace fermiac::par {

/// The ranks of a communicator as the members of a team.
class MpiTeam final : public Team {
 public:
  explicit MpiTeam(Communicator communicator) : communicator_(std::move(communicator)) {}

  int size() const override { return communicator_.size(); }
  int rank() const override { return communicator_.rank(); }
  void gather(std::span<double> whole, std::uint64_t per_pack, std::uint64_t n_packs) override;
  bool any(bool value) override;

  Communicator const& communicator() const { return communicator_; }

 private:
  Communicator communicator_;
};

}  // namespace fermiac::par
