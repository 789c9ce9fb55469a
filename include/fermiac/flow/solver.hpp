/// Carries samples and their log-densities through the flow of a field, each with its own steps, in the lanes of vectors.
///
/// | method | order | steps | evaluations a step |
/// |--------|-------|-------|--------------------|
/// | euler  | 1     | fixed | 1                  |
/// | heun   | 2     | fixed | 2                  |
/// | rk4    | 4     | fixed | 4                  |
/// | dopri5 | 5     | fixed, or by error, with an estimate of order 4           | 6  |
/// | dop853 | 8     | fixed, or by error, with estimates of orders 6 and 5      | 12 |
///
/// **What the tolerance promises.** The absolute error of every component of z and of every integral of the divergence at the
/// end is at most `tolerance` (or some rounding units of the value, where they are more). An embedded estimate only knows what
/// one step adds. A step is therefore accepted where its estimate, the largest of all components, is at most
///
///     safety * tolerance * |h| / (|t1 - t0| G)     (error per unit of time)
///     safety = 0.25 (dopri5), 0.06 min(1, (tolerance / 1e-6)^(1/24)) (dop853)
///
/// That of dopri5 belongs to the result of order 4, which errs far more than the one of order 5 that is kept. That of dop853
/// is, with e_p = |difference from a result of order p| / h,
///
///     h sqrt(q) max(e6, e5 q^(1/4)),     q = s / (s + |k_8 - k_6|),     s = e5 + e6
///
/// and falls as the error itself does, with h^9, for q is of order h^4: k_8 - k_6 is how much a slope changes within the step.
/// Over steps of random length of ten fields, errors from 1e-13 to 1e-5, the median of error / estimate lies between 2.6 and
/// 23, and one step in 3000 is above 180 in the worst field. Three things are added that no difference of stages shows.
///
/// Growth: an error grows until the end, by the factor G, from 1 to 5. What is next to a sample moves away from it as f itself
/// grows along the path, df/dt = J f, where f does not depend on t: the growth of log |f| in this step is carried on to the
/// end.
///
/// Delay: an error of z_i is one in time, too, of error / |f_i|. Over it the divergence changes as it does within the step. The
/// estimate of its integral is at least three times that, whatever the divergence's own stages show.
///
/// First steps: what is fast, small and over after a moment may hide in the first stage, which estimates weigh less than
/// results do, behind what is slow and large. In a sample's first step the estimate is taken twice (dop853) or 40 times
/// (dopri5); with dop853, where e6 is larger than e5, as it is for what is in the first stage alone, it is at least 3.5 e6
/// before that.
///
/// What this keeps is measured in tests/bench/flow_tolerance_bench.cpp: on fourteen flows, of one to eight dimensions, some of
/// which grow e^1.5-fold or are stiff, no sample errs by more than the tolerance with dop853; with dopri5 six of 12,000 do on
/// one of them at 1e-3, and where rounding adds up over thousands of steps. A flow that amplifies errors more needs a smaller
/// tolerance.
///
/// **Steps.** The next step is 0.93 times the one whose estimate would be what is allowed, by the power of h above, at least a
/// tenth and at most six times the last; it does not grow after a rejected one. What remains is divided into equal steps of
/// that size, or up to a twentieth more where that spares one, so that the last ends exactly on t1; f is never asked outside
/// [t0, t1]. t1 < t0 goes backward. The first step is chosen from the rates of change of every component of f and of the
/// divergence between the start and a place a little further on.
///
/// **Bits.** A sample's numbers depend on its own start alone. Blocks of lanes work on a queue of samples; where one is done,
/// the next takes its lane.
///
/// **Failures** are of single samples (`Status`); nothing is looped on. Stiffness: where more than 200 steps were taken and h
/// times the local rate |f(z') - f(g)| / |z' - g| (g the last stage) has been near the border of stability, above 2 (dopri5) or
/// 4 (dop853), in 15 steps, with never more than five others between.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fermiac/flow/divergence.hpp"
#include "fermiac/flow/field.hpp"

namespace fermiac::flow {

enum class Method : std::uint8_t { euler, heun, rk4, dopri5, dop853 };

/// Whether it can choose its steps by error.
bool is_adaptive(Method method);
int order_of(Method method);
/// Evaluations of f in one step.
std::size_t n_stages(Method method);

enum class Status : std::uint8_t {
  done,
  not_finite,      ///< f is not finite at the start, or everywhere where a step could end
  step_too_small,  ///< the step fell below the rounding of t: a singularity, or a tolerance that cannot be had
  too_many_steps,  ///< more than max_steps, rejected ones included
  stiff            ///< stability, not accuracy, dictates the steps
};
inline constexpr std::size_t n_statuses = 5;
/// "done", "not finite", ...
std::string const& name(Status status);

struct SolverSettings {
  Method method = Method::dop853;
  double tolerance = 1e-6;          ///< of the error at the end, where steps are chosen by error; least_tolerance and up
  std::uint32_t steps = 0;          ///< equal steps; 0: chosen by error
  std::uint32_t max_steps = 10000;  ///< attempts a sample may take
  DivergenceSettings divergence = {};
};

/// Below it, rounding is larger.
inline constexpr double least_tolerance = 1e-13;

/// @throws InputError  naming flow.method, flow.steps or flow.tolerance
void check(SolverSettings const& settings);

/// Samples and what became of them.
struct Samples {
  /// n samples at 0.
  Samples(std::size_t n, std::size_t dimension, DivergenceSettings const& divergence = {});

  std::size_t size() const noexcept { return status.size(); }

  Columns z;           ///< n x dimension: at t0 on entry, at t1 on return; NaN where it failed
  Columns log_change;  ///< n x n_integrals: log p(t1) - log p(t0) of each integral; NaN where it failed
  Columns probes;      ///< n x n_probe_numbers, read only
  std::vector<Status> status;
  std::vector<std::uint32_t> n_steps;        ///< accepted
  std::vector<std::uint32_t> n_rejected;     ///< attempts that were not
  std::vector<std::uint32_t> n_evaluations;  ///< of f, those for the first step included, those of dense output not
};

/// The steps of one sample, as they were accepted: step i goes from z + i * dimension at t[i] by h[i]. What a discrete adjoint
/// needs.
struct Steps {
  std::vector<double> t;
  std::vector<double> h;
  std::vector<double> z;
  std::vector<double> k;  ///< f at the stages, (i * n_stages + stage) * dimension + component; where wanted
};

/// g(z, t) of a block of samples.
using LaneFunction = std::function<void(Lanes const&, double* g)>;

/// What is wanted beside the end. All of it is got from the method's dense output (dopri5: order 4, dop853: order 7; the others
/// have cubic Hermite interpolation), whose error is not controlled but close to that of the steps.
struct Wanted {
  std::vector<double> times;  ///< within [t0, t1], from t0 towards t1
  LaneFunction event;         ///< zeros of g along the path; empty: none
  bool steps = false;         ///< keep the steps
  bool stages = false;        ///< with them, f at their stages

  /// Results: values of sample s at times[j] are path[(j * n_columns + column) * n + s], columns those of z, then of
  /// log_change; NaN where it did not get there.
  std::vector<double> path = {};
  /// An upward or downward zero of g.
  struct Event {
    std::size_t sample;
    double t;
    bool rising;
    std::vector<double> z;
  };
  std::vector<Event> events = {};  ///< by sample, then in the order in which they come
  std::vector<Steps> kept = {};    ///< a list for each sample
};

/// Solves for one thread. Its field and settings outlive it.
class Solver {
 public:
  /// @throws InputError  as `check`
  Solver(Field const& field, SolverSettings const& settings, double t0, double t1);
  ~Solver();
  Solver(Solver&&) noexcept;

  /// @param tick    called now and then, at least every millisecond or so
  void solve(Samples& samples, std::function<void()> const& tick = {}, Wanted* wanted = nullptr);

  class Engine;

 private:
  std::unique_ptr<Engine> engine_;
};

}  // namespace fermiac::flow
