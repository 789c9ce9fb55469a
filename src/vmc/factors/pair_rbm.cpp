#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "fermiac/simd/functions.hpp"
#include "pair_factor.hpp"
#include "symmetric_inputs.hpp"
#include "symmetric_rbm_factors.hpp"

#define FERMIAC_VECTORISE _Pragma("GCC ivdep")
#define FERMIAC_UNROLL _Pragma("GCC unroll 16")

namespace fermiac::vmc {
namespace {

using std::size_t;

/// A hidden unit: bias, weights, and products of weights in the order 00, 01, 02, 11, 12, 22.
struct Unit {
  double b = 0;
  double w[3] = {};
  double product[6] = {};
};

/// Calls body with std::integral_constant<R> and the first unit of each group of 4, 2 or 1. Groups begin at even units.
template <class Body>
[[gnu::always_inline]] inline void for_each_group(size_t n_hidden, Body const& body) {
  size_t h = 0;
  for (; h + 4 <= n_hidden; h += 4) body(std::integral_constant<size_t, 4>{}, h);
  if (h + 2 <= n_hidden) {
    body(std::integral_constant<size_t, 2>{}, h);
    h += 2;
  }
  if (h < n_hidden) body(std::integral_constant<size_t, 1>{}, h);
}

/// 1 / value[r] of all by one division: it is the dearest part otherwise.
template <size_t R>
[[gnu::always_inline]] inline void invert(double const (&value)[R], double (&inverse)[R]) {
  if constexpr (R == 1) {
    inverse[0] = 1 / value[0];
  } else if constexpr (R == 2) {
    double const all = 1 / (value[0] * value[1]);
    inverse[0] = all * value[1];
    inverse[1] = all * value[0];
  } else {
    static_assert(R == 4);
    double const front = value[0] * value[1];
    double const back = value[2] * value[3];
    double const all = 1 / (front * back);
    double const of_front = all * back;
    double const of_back = all * front;
    inverse[0] = of_front * value[1];
    inverse[1] = of_front * value[0];
    inverse[2] = of_back * value[3];
    inverse[3] = of_back * value[2];
  }
}

template <size_t D>
class PairRbm final : public Factor {
 public:
  PairRbm(System const& system, size_t n_hidden, arma::uword n_walkers)
      : n_(n_walkers),
        N_(static_cast<size_t>(system.particles)),
        H_(n_hidden),
        omega_(system.omega),
        unit_(std::sqrt(system.omega)),
        spread_(mean_square(system)),
        classes_(pair_classes(system)),
        present_(present_pairs(system)),
        units_{std::vector<Unit>(n_hidden), std::vector<Unit>(n_hidden)},
        centre_(n_walkers, N_),
        value_(n_walkers, classes_.size()),
        new_centre_(n_walkers, 1),
        new_value_(n_walkers, N_),
        slope_of_centre_(n_walkers, N_ * n_slope_columns),
        scratch_(n_walkers, n_scratch_columns) {}

  void set_parameters(std::span<double const> parameters) override {
    size_t next = 0;
    for (auto const kind : {unlike_pair, like_pair}) {
      if (!present_[kind]) continue;
      for (auto& unit : units_[kind]) {
        unit.b = parameters[next++];
        for (auto& w : unit.w) w = parameters[next++];
        size_t product = 0;
        for (size_t f = 0; f < 3; ++f)
          for (size_t g = f; g < 3; ++g) unit.product[product++] = unit.w[f] * unit.w[g];
      }
    }
  }

  void refresh(Columns const& x) override {
    for (size_t p = 0; p < N_; ++p) compute_centre(x.column(p * D), x.stride(), centre_.column(p));
    for (size_t q = 1; q < N_; ++q)
      for (size_t p = 0; p < q; ++p) {
        auto const pair = pair_number(p, q);
        compute_inputs({x.column(p * D), x.stride(), centre_.column(p)}, {x.column(q * D), x.stride(), centre_.column(q)});
        compute_value(units_[classes_[pair]], value_.column(pair));
      }
  }

  void propose(Columns const& x, Proposal const& proposal, Ratio const& ratio) override {
    size_t const p = proposal.particle;
    compute_centre(proposal.x.column(0), proposal.x.stride(), new_centre_.column(0));
    double* __restrict exponent = ratio.exponent;
    for (size_t q = 0; q < N_; ++q) {
      if (q == p) continue;
      auto const pair = pair_number(p, q);
      compute_inputs({proposal.x.column(0), proposal.x.stride(), new_centre_.column(0)},
                     {x.column(q * D), x.stride(), centre_.column(q)});
      compute_value(units_[classes_[pair]], new_value_.column(q));
      double const* __restrict before = value_.column(pair);
      double const* __restrict after = new_value_.column(q);
      FERMIAC_VECTORISE
      for (size_t k = 0; k < n_; ++k) exponent[k] = std::fma(2.0, after[k] - before[k], exponent[k]);
    }
  }

  void take(Columns const&, Proposal const& proposal, double const* taken) override {
    select(centre_.column(proposal.particle), new_centre_.column(0), taken);
    for (size_t q = 0; q < N_; ++q)
      if (q != proposal.particle) select(value_.column(pair_number(proposal.particle, q)), new_value_.column(q), taken);
  }

  void add_drift(Columns const& x, size_t particle, Columns& drift) override {
    add_forces(x, particle, {x.column(particle * D), x.stride(), centre_.column(particle)}, drift);
  }

  void add_proposed_drift(Columns const& x, Proposal const& proposal, Columns& drift) override {
    add_forces(x, proposal.particle, {proposal.x.column(0), proposal.x.stride(), new_centre_.column(0)}, drift);
  }

  void add_slope(Columns const& x, Columns& drift, double* laplacian) override {
    for (size_t p = 0; p < N_; ++p) compute_slope_of_centre(x.column(p * D), x.stride(), p);
    for (size_t q = 1; q < N_; ++q)
      for (size_t p = 0; p < q; ++p) {
        Place const at_p{x.column(p * D), x.stride(), centre_.column(p)};
        Place const at_q{x.column(q * D), x.stride(), centre_.column(q)};
        compute_inputs(at_p, at_q);
        compute_input_slopes<true>(units_[classes_[pair_number(p, q)]]);
        add_pair_slope(at_p, at_q, slope_of_centre(p), slope_of_centre(q), drift.column(p * D), drift.column(q * D),
                       drift.stride(), laplacian);
      }
  }

  void log_derivatives(Columns const& x, Columns& O, arma::uword first, Columns const* direction, Columns* along) override {
    size_t const n_parameters = 4 * H_ * (size_t{present_[unlike_pair]} + size_t{present_[like_pair]});
    for (size_t i = 0; i < n_parameters; ++i) {
      std::fill_n(O.column(first + i), n_, 0.0);
      if (direction != nullptr) std::fill_n(along->column(first + i), n_, 0.0);
    }
    if (direction != nullptr)
      for (size_t p = 0; p < N_; ++p) compute_slope_of_centre(x.column(p * D), x.stride(), p);
    for (size_t q = 1; q < N_; ++q)
      for (size_t p = 0; p < q; ++p) {
        auto const kind = classes_[pair_number(p, q)];
        size_t const begin = first + (kind == like_pair && present_[unlike_pair] ? 4 * H_ : 0);
        Place const at_p{x.column(p * D), x.stride(), centre_.column(p)};
        Place const at_q{x.column(q * D), x.stride(), centre_.column(q)};
        compute_inputs(at_p, at_q);
        if (direction != nullptr)
          compute_input_turns(at_p, at_q, slope_of_centre(p), slope_of_centre(q), direction->column(p * D),
                              direction->column(q * D), direction->stride());
        for_each_group(H_, [&](auto R, size_t h) {
          if (direction == nullptr)
            add_derivatives<R()>(&units_[kind][h], O.column(begin + 4 * h), O.stride());
          else
            add_turned_derivatives<R()>(&units_[kind][h], O.column(begin + 4 * h), O.stride(), along->column(begin + 4 * h),
                                        along->stride());
        });
      }
  }

  void add_log_psi(Columns const&, double* log_psi, double*) override {
    for (size_t pair = 0; pair < classes_.size(); ++pair) {
      double const* value = value_.column(pair);
      for (size_t k = 0; k < n_; ++k) log_psi[k] += value[k];
    }
  }

 private:
  /// Columns of the scratch: inputs of one pair and its distance; its machine's sums; slopes in the inputs; their turn along a
  /// direction.
  enum : size_t {
    input = 0,
    distance = 3,
    size = 4,
    plus,
    minus,
    first_slope,
    second_slope = first_slope + 3,
    turn = second_slope + 6,
    n_scratch_columns = turn + 3
  };
  /// Columns of what is known of a particle's c: its gradient, its Laplacian, its gradient squared.
  static constexpr size_t n_slope_columns = D + 2;

  /// A particle of every walker: coordinates and c.
  struct Place {
    double const* x;
    size_t stride;
    double const* centre;
  };

  double* slope_of_centre(size_t p) { return slope_of_centre_.column(p * n_slope_columns); }

  [[gnu::always_inline]] static double squared(double const* x, size_t stride, size_t k) {
    double square = x[k] * x[k];
    if constexpr (D > 1) square = std::fma(x[stride + k], x[stride + k], square);
    if constexpr (D > 2) square = std::fma(x[2 * stride + k], x[2 * stride + k], square);
    return square;
  }

  void compute_centre(double const* __restrict x, size_t stride, double* __restrict centre) const {
    double const scale = spread_;
    double const omega = omega_;
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n_; ++k) centre[k] = saturating(omega * squared(x, stride, k), scale).value;
  }

  void compute_slope_of_centre(double const* __restrict x, size_t stride, size_t p) {
    double* __restrict out = slope_of_centre(p);
    size_t const out_stride = slope_of_centre_.stride();
    double const scale = spread_;
    double const omega = omega_;
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n_; ++k) {
      double const square = omega * squared(x, stride, k);
      RadialFunction const c = saturating(square, scale);
      double const push = 2 * omega * c.first;
      FERMIAC_UNROLL
      for (size_t i = 0; i < D; ++i) out[i * out_stride + k] = push * x[i * stride + k];
      out[D * out_stride + k] = omega * c.laplacian(static_cast<double>(D), square);
      out[(D + 1) * out_stride + k] = 4 * omega * square * c.first * c.first;
    }
  }

  void compute_inputs(Place const& p, Place const& q) {
    double const* __restrict xp = p.x;
    double const* __restrict xq = q.x;
    double const* __restrict cp = p.centre;
    double const* __restrict cq = q.centre;
    double* __restrict out = scratch_.data();
    size_t const stride = scratch_.stride();
    size_t const stride_p = p.stride;
    size_t const stride_q = q.stride;
    double const unit = unit_;
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n_; ++k) {
      double shift = xp[k] - xq[k];
      double square = shift * shift;
      if constexpr (D > 1) {
        shift = xp[stride_p + k] - xq[stride_q + k];
        square = std::fma(shift, shift, square);
      }
      if constexpr (D > 2) {
        shift = xp[2 * stride_p + k] - xq[2 * stride_q + k];
        square = std::fma(shift, shift, square);
      }
      double const r = unit * std::sqrt(square);
      out[k] = stretched(r);
      out[stride + k] = cp[k] + cq[k];
      out[2 * stride + k] = cp[k] * cq[k];
      out[distance * stride + k] = r;
      out[size * stride + k] = 0;
      out[plus * stride + k] = 1;
      out[minus * stride + k] = 1;
    }
  }

  /// theta of a unit from the inputs.
  [[gnu::always_inline]] static double theta(Unit const& unit, double const* in, size_t stride, size_t k) {
    return std::fma(unit.w[2], in[2 * stride + k], std::fma(unit.w[1], in[stride + k], std::fma(unit.w[0], in[k], unit.b)));
  }

  /// ln of the machine of one pair, from the inputs.
  void compute_value(std::vector<Unit> const& units, double* __restrict value) {
    for_each_group(H_, [&](auto R, size_t h) { add_values<R()>(&units[h]); });
    double const* __restrict sum = scratch_.column(size);
    double const* __restrict above = scratch_.column(plus);
    double const* __restrict below = scratch_.column(minus);
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n_; ++k) value[k] = sum[k] + simd::detail::log_of_normal(above[k] / below[k]);
  }

  template <size_t R>
  void add_values(Unit const* units) {
    size_t const stride = scratch_.stride();
    double const* __restrict in = scratch_.data();
    double* __restrict sum = scratch_.column(size);
    double* __restrict above = scratch_.column(plus);
    double* __restrict below = scratch_.column(minus);
    Unit group[R];
    for (size_t r = 0; r < R; ++r) group[r] = units[r];
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n_; ++k) {
      double s = sum[k];
      double a = above[k];
      double b = below[k];
      FERMIAC_UNROLL
      for (size_t r = 0; r < R; ++r) {
        double const t = theta(group[r], in, stride, k);
        double const e = simd::exp_decay(t);
        double const positive = 0.5 * (t + std::fabs(t));
        if (r % 2 == 0) {
          s += positive;
          a = std::fma(a, e, a);
        } else {
          s -= positive;
          b = std::fma(b, e, b);
        }
      }
      sum[k] = s;
      above[k] = a;
      below[k] = b;
    }
  }

  /// s p and s p (1 - p) of R units, p = 1 / (1 + exp(-theta)).
  template <size_t R>
  [[gnu::always_inline]] static void probabilities(Unit const* units, double const* in, size_t stride, size_t k, double (&p)[R],
                                                   double (&spread)[R]) {
    double t[R];
    double e[R];
    double weight[R];
    FERMIAC_UNROLL
    for (size_t r = 0; r < R; ++r) {
      t[r] = theta(units[r], in, stride, k);
      e[r] = simd::exp_decay(t[r]);
      weight[r] = 1 + e[r];
    }
    double inverse[R];
    invert(weight, inverse);
    FERMIAC_UNROLL
    for (size_t r = 0; r < R; ++r) {
      double const other = e[r] * inverse[r];
      double const probability = t[r] > 0 ? inverse[r] : other;
      p[r] = r % 2 == 0 ? probability : -probability;
      spread[r] = r % 2 == 0 ? other * inverse[r] : -other * inverse[r];
    }
  }

  /// d u / d input, and d^2 u / d input d input where `with_second`.
  template <bool with_second>
  void compute_input_slopes(std::vector<Unit> const& units) {
    for (size_t f = 0; f < (with_second ? 9 : 3); ++f) std::fill_n(scratch_.column(first_slope + f), n_, 0.0);
    for_each_group(H_, [&](auto R, size_t h) { add_input_slopes<R(), with_second>(&units[h]); });
  }

  template <size_t R, bool with_second>
  void add_input_slopes(Unit const* units) {
    size_t const stride = scratch_.stride();
    double const* __restrict in = scratch_.data();
    double* __restrict first = scratch_.column(first_slope);
    double* __restrict second = scratch_.column(second_slope);
    Unit group[R];
    for (size_t r = 0; r < R; ++r) group[r] = units[r];
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n_; ++k) {
      double p[R];
      double spread[R];
      probabilities<R>(group, in, stride, k, p, spread);
      FERMIAC_UNROLL
      for (size_t f = 0; f < 3; ++f) {
        double sum = first[f * stride + k];
        FERMIAC_UNROLL
        for (size_t r = 0; r < R; ++r) sum = std::fma(group[r].w[f], p[r], sum);
        first[f * stride + k] = sum;
      }
      if constexpr (with_second) {
        FERMIAC_UNROLL
        for (size_t f = 0; f < 6; ++f) {
          double sum = second[f * stride + k];
          FERMIAC_UNROLL
          for (size_t r = 0; r < R; ++r) sum = std::fma(group[r].product[f], spread[r], sum);
          second[f * stride + k] = sum;
        }
      }
    }
  }

  void add_pair_slope(Place const& p, Place const& q, double const* slope_p, double const* slope_q, double* drift_p,
                      double* drift_q, size_t drift_stride, double* laplacian) {
    size_t const stride = scratch_.stride();
    size_t const slope_stride = slope_of_centre_.stride();
    double const* __restrict in = scratch_.data();
    double const* __restrict first = scratch_.column(first_slope);
    double const* __restrict second = scratch_.column(second_slope);
    double const* __restrict xp = p.x;
    double const* __restrict xq = q.x;
    double const* __restrict cp = p.centre;
    double const* __restrict cq = q.centre;
    double const* __restrict gp = slope_p;
    double const* __restrict gq = slope_q;
    double* __restrict fp = drift_p;
    double* __restrict fq = drift_q;
    double* __restrict curvature = laplacian;
    size_t const stride_p = p.stride;
    size_t const stride_q = q.stride;
    double const omega = omega_;
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n_; ++k) {
      double const r = in[distance * stride + k];
      StretchedSlope const t = stretched_slope(r);
      double const push = omega * t.first;
      double const u0 = first[k];
      double const u00 = second[k];
      double const along_p = std::fma(first[2 * stride + k], cq[k], first[stride + k]);
      double const along_q = std::fma(first[2 * stride + k], cp[k], first[stride + k]);
      double projection_p = 0;
      double projection_q = 0;
      FERMIAC_UNROLL
      for (size_t c = 0; c < D; ++c) {
        double const shift = xp[c * stride_p + k] - xq[c * stride_q + k];
        double const grad_p = gp[c * slope_stride + k];
        double const grad_q = gq[c * slope_stride + k];
        projection_p = std::fma(shift, grad_p, projection_p);
        projection_q = std::fma(-shift, grad_q, projection_q);
        double const force = u0 * push * shift;
        fp[c * drift_stride + k] += std::fma(along_p, grad_p, force);
        fq[c * drift_stride + k] += std::fma(along_q, grad_q, -force);
      }
      double sum = u0 * omega * std::fma(D - 1.0, t.first, t.second);
      sum = std::fma(u00 * omega * r * r, t.first * t.first, sum);
      double const mixed_p = std::fma(second[2 * stride + k], cq[k], second[stride + k]);
      double const mixed_q = std::fma(second[2 * stride + k], cp[k], second[stride + k]);
      sum = std::fma(push, std::fma(mixed_p, projection_p, mixed_q * projection_q), sum);
      double rest = along_p * gp[D * slope_stride + k];
      rest = std::fma(along_q, gq[D * slope_stride + k], rest);
      double const u11 = second[3 * stride + k];
      double const u12 = second[4 * stride + k];
      double const u22 = second[5 * stride + k];
      rest = std::fma(std::fma(cq[k], std::fma(u22, cq[k], 2 * u12), u11), gp[(D + 1) * slope_stride + k], rest);
      rest = std::fma(std::fma(cp[k], std::fma(u22, cp[k], 2 * u12), u11), gq[(D + 1) * slope_stride + k], rest);
      curvature[k] += std::fma(2.0, sum, rest);
    }
  }

  /// Gradient of all pairs of a particle that is at `here`.
  void add_forces(Columns const& x, size_t particle, Place const& here, Columns& drift) {
    compute_slope_of_centre(here.x, here.stride, particle);
    size_t const stride = scratch_.stride();
    size_t const slope_stride = slope_of_centre_.stride();
    size_t const drift_stride = drift.stride();
    double* __restrict force = drift.column(0);
    double const* __restrict grad = slope_of_centre(particle);
    double const* __restrict in = scratch_.data();
    double const* __restrict first = scratch_.column(first_slope);
    double const omega = omega_;
    for (size_t q = 0; q < N_; ++q) {
      if (q == particle) continue;
      Place const other{x.column(q * D), x.stride(), centre_.column(q)};
      compute_inputs(here, other);
      compute_input_slopes<false>(units_[classes_[pair_number(particle, q)]]);
      double const* __restrict xp = here.x;
      double const* __restrict xq = other.x;
      double const* __restrict cq = other.centre;
      size_t const stride_p = here.stride;
      size_t const stride_q = other.stride;
      FERMIAC_VECTORISE
      for (size_t k = 0; k < n_; ++k) {
        double const push = first[k] * omega * stretched_slope(in[distance * stride + k]).first;
        double const along = std::fma(first[2 * stride + k], cq[k], first[stride + k]);
        FERMIAC_UNROLL
        for (size_t c = 0; c < D; ++c) {
          double const shift = xp[c * stride_p + k] - xq[c * stride_q + k];
          force[c * drift_stride + k] += std::fma(along, grad[c * slope_stride + k], push * shift);
        }
      }
    }
  }

  /// The derivative of the inputs along a direction.
  void compute_input_turns(Place const& p, Place const& q, double const* __restrict gp, double const* __restrict gq,
                           double const* __restrict dp, double const* __restrict dq, size_t d_stride) {
    size_t const stride = scratch_.stride();
    size_t const slope_stride = slope_of_centre_.stride();
    double const* __restrict xp = p.x;
    double const* __restrict xq = q.x;
    double const* __restrict cp = p.centre;
    double const* __restrict cq = q.centre;
    double const* __restrict r = scratch_.column(distance);
    double* __restrict out = scratch_.column(turn);
    size_t const stride_p = p.stride;
    size_t const stride_q = q.stride;
    double const omega = omega_;
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n_; ++k) {
      double stretch = 0;
      double turn_p = 0;
      double turn_q = 0;
      FERMIAC_UNROLL
      for (size_t c = 0; c < D; ++c) {
        double const d = dp[c * d_stride + k];
        double const e = dq[c * d_stride + k];
        stretch = std::fma(xp[c * stride_p + k] - xq[c * stride_q + k], d - e, stretch);
        turn_p = std::fma(gp[c * slope_stride + k], d, turn_p);
        turn_q = std::fma(gq[c * slope_stride + k], e, turn_q);
      }
      out[k] = omega * stretched_slope(r[k]).first * stretch;
      out[stride + k] = turn_p + turn_q;
      out[2 * stride + k] = std::fma(turn_p, cq[k], cp[k] * turn_q);
    }
  }

  template <size_t R>
  void add_derivatives(Unit const* units, double* O, size_t O_stride) const {
    size_t const stride = scratch_.stride();
    double const* __restrict in = scratch_.data();
    double* __restrict out = O;
    Unit group[R];
    for (size_t r = 0; r < R; ++r) group[r] = units[r];
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n_; ++k) {
      double p[R];
      double spread[R];
      probabilities<R>(group, in, stride, k, p, spread);
      FERMIAC_UNROLL
      for (size_t r = 0; r < R; ++r) {
        double* own = out + 4 * r * O_stride + k;
        own[0] += p[r];
        FERMIAC_UNROLL
        for (size_t f = 0; f < 3; ++f) own[(1 + f) * O_stride] = std::fma(p[r], in[f * stride + k], own[(1 + f) * O_stride]);
      }
    }
  }

  template <size_t R>
  void add_turned_derivatives(Unit const* units, double* O, size_t O_stride, double* along, size_t along_stride) const {
    size_t const stride = scratch_.stride();
    double const* __restrict in = scratch_.data();
    double const* __restrict turned = scratch_.column(turn);
    double* __restrict out = O;
    double* __restrict out_along = along;
    Unit group[R];
    for (size_t r = 0; r < R; ++r) group[r] = units[r];
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n_; ++k) {
      double p[R];
      double spread[R];
      probabilities<R>(group, in, stride, k, p, spread);
      FERMIAC_UNROLL
      for (size_t r = 0; r < R; ++r) {
        double* own = out + 4 * r * O_stride + k;
        double* own_along = out_along + 4 * r * along_stride + k;
        double theta_turn = 0;
        FERMIAC_UNROLL
        for (size_t f = 0; f < 3; ++f) theta_turn = std::fma(group[r].w[f], turned[f * stride + k], theta_turn);
        double const p_turn = spread[r] * theta_turn;
        own[0] += p[r];
        own_along[0] += p_turn;
        FERMIAC_UNROLL
        for (size_t f = 0; f < 3; ++f) {
          own[(1 + f) * O_stride] = std::fma(p[r], in[f * stride + k], own[(1 + f) * O_stride]);
          own_along[(1 + f) * along_stride] += std::fma(p_turn, in[f * stride + k], p[r] * turned[f * stride + k]);
        }
      }
    }
  }

  void select(double* __restrict held, double const* __restrict offered, double const* __restrict taken) const {
    FERMIAC_VECTORISE
    for (size_t k = 0; k < n_; ++k) held[k] = taken[k] > 0 ? offered[k] : held[k];
  }

  size_t n_;
  size_t N_;
  size_t H_;
  double omega_;
  double unit_;
  double spread_;
  std::vector<PairClass> classes_;
  std::array<bool, 2> present_;
  std::array<std::vector<Unit>, 2> units_;

  Columns centre_;  ///< walkers x N: c
  Columns value_;   ///< walkers x pairs: u
  Columns new_centre_;
  Columns new_value_;  ///< walkers x N: u of the pairs of the particle that is offered a move
  Columns slope_of_centre_;
  Columns scratch_;
};

}  // namespace

std::unique_ptr<Factor> make_pair_rbm(System const& system, std::size_t n_hidden, arma::uword n_walkers) {
  if (system.dimensions == 1) return std::make_unique<PairRbm<1>>(system, n_hidden, n_walkers);
  if (system.dimensions == 2) return std::make_unique<PairRbm<2>>(system, n_hidden, n_walkers);
  return std::make_unique<PairRbm<3>>(system, n_hidden, n_walkers);
}

}  // namespace fermiac::vmc
