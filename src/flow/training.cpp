#include "fermiac/flow/training.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fermiac/base/error.hpp"
#include "fermiac/optimise/descent.hpp"
#include "fermiac/optimise/lbfgs.hpp"
#include "fermiac/optimise/schedule.hpp"
#include "fermiac/rng/stream.hpp"

namespace fermiac::flow {
namespace {

constexpr double no_value = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint64_t batch_stream = 1;  // of Purpose::data; a data set's own samples have 0

class Run {
 public:
  Run(TrainingSettings const& settings, TrainingData const& data, rng::Key key, std::uint32_t replicate, Team& team,
      Context& context)
      : settings_(settings),
        data_(data),
        key_(key),
        replicate_(replicate),
        team_(team),
        context_(context),
        field_(make_neural_field(settings.shape, settings.penalty)),
        likelihood_(*field_, settings.shape.inputs, settings.likelihood),
        adam_(field_->n_parameters(), settings.rate),
        schedule_(optimise::Schedule::cosine(settings.rate, std::max(1U, settings.iterations), settings.final_fraction)) {
    rng::Stream stream({key, rng::Purpose::initialise, replicate}, 0);
    field_->initialise(stream);
    if (!settings.start.is_empty()) field_->set_parameters({settings.start.memptr(), settings.start.n_elem});
    parameters_ = arma::vec(field_->parameters().data(), field_->n_parameters());
    outcome_.parameters = parameters_;
    outcome_.loss.set_size(settings.iterations);
    outcome_.loss.fill(no_value);
    outcome_.evaluations = outcome_.loss;
    outcome_.validation.set_size(settings.n_checks());
    outcome_.validation.fill(no_value);
  }

  TrainingOutcome outcome() {
    if (auto const state = context_.saved()) restore(*state);
    while (done_ < settings_.iterations && !ended_) {
      if (settings_.optimiser == Optimiser::adam)
        adam_iteration();
      else
        lbfgs_iterations();
      if (done_ % settings_.check_every == 0 || done_ == settings_.iterations) check();
      context_.progress(static_cast<double>(done_) / settings_.iterations);
      if (team_.any(context_.checkpoint_due())) {
        context_.save(archive());
        if (team_.any(context_.stop_requested())) throw Stopped();
      }
    }
    return conclude();
  }

 private:
  void adam_iteration() {
    std::uint64_t const n = settings_.batch;
    std::vector<std::uint32_t> rows(n);
    rng::Stream stream({key_, rng::Purpose::data, replicate_}, batch_stream);
    stream.seek(done_ * ((n + 1) / 2));
    stream.integers(data_.training.n_rows, rows);
    arma::mat batch(n, data_.training.n_cols);
    for (arma::uword c = 0; c < batch.n_cols; ++c)
      for (std::uint64_t k = 0; k < n; ++k) batch(k, c) = data_.training(rows[k], c);
    arma::vec gradient;
    auto const loss = likelihood_.loss(batch, &gradient, team_, context_);
    outcome_.loss[done_] = loss.value;
    outcome_.evaluations[done_] = loss.n_evaluations;
    parameters_ += (schedule_.at(done_) / settings_.rate) * adam_.step(gradient);
    field_->set_parameters({parameters_.memptr(), parameters_.n_elem});
    ++done_;
  }

  /// Up to the next check.
  void lbfgs_iterations() {
    double evaluations = 0;
    auto const function = [&](arma::vec const& point, arma::vec& gradient) {
      field_->set_parameters({point.memptr(), point.n_elem});
      try {
        auto const loss = likelihood_.loss(data_.training, &gradient, team_, context_);
        evaluations = loss.n_evaluations;
        return loss.value;
      } catch (ItemFailure const&) {
        return std::numeric_limits<double>::infinity();  // not defined there
      }
    };
    std::uint64_t const n = std::min<std::uint64_t>(settings_.check_every, settings_.iterations - done_);
    optimise::LbfgsOptions options;
    options.max_iterations = static_cast<int>(n);
    auto const minimum = optimise::minimise(function, parameters_, options);
    parameters_ = minimum.point;
    field_->set_parameters({parameters_.memptr(), parameters_.n_elem});
    done_ += n;
    outcome_.loss[done_ - 1] = minimum.value;
    outcome_.evaluations[done_ - 1] = evaluations;
    ended_ = minimum.iterations == 0;
  }

  void check() {
    double const value = likelihood_.loss(data_.validation, nullptr, team_, context_).negative_log;
    outcome_.validation[n_checks_++] = value;
    if (value < best_) {
      best_ = value;
      outcome_.parameters = parameters_;
      n_worse_ = 0;
    } else {
      ++n_worse_;
    }
    ended_ = ended_ || (settings_.patience > 0 && n_worse_ >= settings_.patience);
  }

  TrainingOutcome conclude() {
    outcome_.iterations = static_cast<std::uint32_t>(done_);
    auto const field = make_neural_field(settings_.shape);
    field->set_parameters({outcome_.parameters.memptr(), outcome_.parameters.n_elem});
    auto settings = settings_.likelihood;
    settings.solver = {.method = Method::dop853, .tolerance = settings_.report_tolerance};
    Likelihood likelihood(*field, settings_.shape.inputs, settings);
    outcome_.test_log_density = likelihood.log_densities(data_.test, team_, context_);
    if (!outcome_.test_log_density.is_finite()) throw ItemFailure("the path of a test sample cannot be computed");
    return std::move(outcome_);
  }

  Archive archive() const {
    Archive state;
    auto const put = [&](char const* name, arma::vec const& values) { state.put(name, {values.memptr(), values.n_elem}); };
    put("parameters", parameters_);
    put("best_parameters", outcome_.parameters);
    put("loss", outcome_.loss);
    put("evaluations", outcome_.evaluations);
    put("validation", outcome_.validation);
    state.put("best", {&best_, 1});
    std::uint64_t const counts[] = {done_, n_checks_, n_worse_, ended_ ? 1U : 0U};
    state.put_integers("counts", counts);
    adam_.save(state, "adam_");
    return state;
  }

  void restore(Archive const& state) {
    auto const take = [&](char const* name, arma::vec& values) { state.take(name, {values.memptr(), values.n_elem}); };
    take("parameters", parameters_);
    take("best_parameters", outcome_.parameters);
    take("loss", outcome_.loss);
    take("evaluations", outcome_.evaluations);
    take("validation", outcome_.validation);
    state.take("best", {&best_, 1});
    std::uint64_t counts[4];
    state.take_integers("counts", counts);
    done_ = counts[0];
    n_checks_ = counts[1];
    n_worse_ = counts[2];
    ended_ = counts[3] != 0;
    adam_.restore(state, "adam_");
    field_->set_parameters({parameters_.memptr(), parameters_.n_elem});
  }

  TrainingSettings const& settings_;
  TrainingData const& data_;
  rng::Key key_;
  std::uint32_t replicate_;
  Team& team_;
  Context& context_;
  std::unique_ptr<Field> field_;
  Likelihood likelihood_;
  optimise::Adam adam_;
  optimise::Schedule schedule_;
  arma::vec parameters_;
  double best_ = std::numeric_limits<double>::infinity();
  std::uint64_t done_ = 0;
  std::uint64_t n_checks_ = 0;
  std::uint64_t n_worse_ = 0;
  bool ended_ = false;
  TrainingOutcome outcome_;
};

}  // namespace

TrainingOutcome train(TrainingSettings const& settings, TrainingData const& data, rng::Key key, std::uint32_t replicate,
                      Team& team, Context& context) {
  return Run(settings, data, key, replicate, team, context).outcome();
}

}  // namespace fermiac::flow
