#include "fermiac/par/mpi_team.hpp"

#include "fermiac/base/error.hpp"

namespace fermiac::par {

void MpiTeam::gather(std::span<double> whole, std::uint64_t per_pack, std::uint64_t n_packs) {
  FERMIAC_ASSERT(whole.size() == per_pack * n_packs);
  if (size() == 1) return;
  auto const n_members = static_cast<std::uint64_t>(size());
  std::vector<int> counts;
  for (std::uint64_t member = 0; member < n_members; ++member)
    counts.push_back(static_cast<int>(share_of(n_packs, n_members, member).size() * per_pack));
  communicator_.gather_in_place(whole, counts);
}

bool MpiTeam::any(bool value) { return size() == 1 ? value : communicator_.largest(value) != 0; }

}  // namespace fermiac::par
