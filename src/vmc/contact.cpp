#include "fermiac/vmc/contact.hpp"

#include <cmath>
#include <limits>

#include "fermiac/base/error.hpp"

namespace fermiac::vmc {

ContactBehaviour contact_behaviour(System const& system, Cusp const& cusp, WaveFunction::Symmetry symmetry) {
  check(system);
  FERMIAC_ASSERT(system.dimensions > 1 || cusp.unlike == 0);
  constexpr double rounding = 1e-12;
  if (system.particles == 1) return {Contact::regular, 0, "one particle: the local energy is bounded"};
  double const g = system.interaction == Interaction::coulomb ? 1.0 : 0.0;
  double const unlike = has_unlike_pairs(system) ? g - (system.dimensions - 1) * cusp.unlike : 0;
  if (std::abs(unlike) > rounding) {
    if (system.dimensions == 2)
      return {Contact::infinite_variance, unlike,
              "the local energy has a pole 1/r at contact: infinite variance in 2 dimensions"};
    return {Contact::finite_variance, unlike, "the local energy has a pole 1/r at contact: finite variance in 3 dimensions"};
  }
  if (has_like_pairs(system) && symmetry == WaveFunction::Symmetry::none)
    return {Contact::finite_variance, std::numeric_limits<double>::quiet_NaN(),
            "not antisymmetric: the local energy has a pole 1/r where like particles meet, of finite variance"};
  double const like = has_like_pairs(system) ? g - (system.dimensions + 1) * cusp.like : 0;
  if (std::abs(like) > rounding)
    return {Contact::finite_variance, like, "the local energy has a pole 1/r where like particles meet, of finite variance"};
  return {Contact::regular, 0, "the local energy is bounded at contact"};
}

}  // namespace fermiac::vmc
