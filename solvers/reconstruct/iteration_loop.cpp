#include "iteration_loop.hpp"

#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace ptychoscale {
namespace {

void check_cost(double cost, double vacuum, int iteration, double step) {
  // Twice the empty volume's cost is far above anything a converging run shows.
  if (std::isfinite(cost) && cost <= 2 * vacuum) return;
  throw InputError(
      fmt::format("step: {:.4g} (V A)^2 diverges: cost {:.4g} in iteration {} against {:.4g} for the empty "
                  "volume; give a smaller one",
                  step, cost, iteration + 1, vacuum));
}

double flag(bool raised) { return raised ? 1 : 0; }

} // namespace

IterationLoop::IterationLoop(const Communicator& comm, TileSolver& tile, Solver& solver,
                             ProbeRefinement* refinement, SliceBlur* blur, const ReconstructionPlan& plan,
                             const ReconstructionOptions& options, double step,
                             const ReconstructionHooks& hooks)
    : comm_(comm), tile_(tile), solver_(solver), refinement_(refinement), blur_(blur), options_(options),
      hooks_(hooks), agreement_(comm.is_alone() ? nullptr : hooks.checkpoints,
                                sums_gradients(options.method) ? plan.rounds : 1, options.iterations) {
  shared_.step = step;
}

void IterationLoop::resume(const Checkpoint& checkpoint) {
  comm_.agree([&] {
    before_ = read_rank_state(comm_, checkpoint);
    at_ = before_.at;
    vacuum_loss_ = before_.vacuum_loss;
    read_voxels(comm_, checkpoint, image());
  });
  const double step = shared_.step;
  shared_ = checkpoint.shared;
  shared_.step = step;
  shared_.resumed_at.push_back(static_cast<int>(shared_.cost.size()));
  for (std::size_t n = 1; n <= shared_.cost.size(); ++n) solver_.finished(std::span(shared_.cost).first(n));
  agreement_.tried(static_cast<int>(shared_.cost.size()));
  // What is judged then would lack the patterns that were read before.
  if (at_.round > 0 || at_.batch > 0) after_first_ = {};
}

void IterationLoop::run() {
  comm_.barrier();
  tile_.timer().reset();
  tile_.timer().observe(hooks_.on_phase);
  began_s_ = tile_.backend().now() - before_.seconds;
  while (at_.iteration < options_.iterations) iterate();
  tile_.timer().switch_to(Phase::compute);
}

void IterationLoop::iterate() {
  if (refinement_) refinement_->begin(at_.iteration);
  solver_.sweep(at_, {.before_visit = [this](int k) { before_visit(k); },
                      .leaves = [this] { return agreement_.stop_asked() && agreement_.meets(at_, shared_); },
                      .before_exchange = [this] { end_round(); }});
  if (at_.iteration + 1 == options_.iterations) solver_.complete();
  if (blur_) blur_->apply();
  tile_.backend().synchronize();
  finish_iteration();
}

void IterationLoop::before_visit(int k) {
  // The whole job ends when one rank is interrupted.
  if (hooks_.interrupted && hooks_.interrupted()) throw Interrupted();
  // Each pattern is there once in the first iteration; reading all of them for this alone would cost a pass.
  if (at_.iteration == 0 && tile_.owns(k)) vacuum_loss_ += tile_.vacuum_loss(k);
}

void IterationLoop::end_round() {
  meet();
  if (refinement_) refinement_->step(at_.round);
}

void IterationLoop::meet() {
  if (!agreement_.meets(at_, shared_)) return;
  const bool due = comm_.leads() && agreement_.due_within(shared_);
  std::array any{flag(agreement_.stop_asked()), flag(due)};
  {
    const PhaseScope waiting(tile_.timer(), Phase::wait);
    comm_.max(any);
  }
  shared_.in_iteration = true;
  if (any[0] != 0) stop();
  if (any[1] != 0) save_or_tell();
}

void IterationLoop::finish_iteration() {
  const int iteration = at_.iteration;
  double cost = at_.loss;
  const bool due = comm_.leads() && agreement_.due_after(iteration + 1);
  std::array most{0.0, flag(agreement_.stop_asked()), flag(due)};
  {
    const PhaseScope waiting(tile_.timer(), Phase::wait);
    comm_.sum(std::span(&cost, 1));
    most[0] = tile_.backend().now() - began_s_;
    comm_.max(std::span(most).first(agreement_.wanted() ? most.size() : 1));
    if (iteration == 0) {
      shared_.vacuum_cost = vacuum_loss_;
      comm_.sum(std::span(&shared_.vacuum_cost, 1));
    }
  }
  if (iteration == 0 && after_first_) {
    const PhaseScope waiting(tile_.timer(), Phase::wait);
    after_first_();
  }
  if (!comm_.is_alone())
    check_cost(cost, shared_.vacuum_cost, iteration, shared_.step); // alone it means nothing
  shared_.cost.push_back(cost);
  solver_.finished(shared_.cost);
  shared_.seconds.push_back(most[0]);
  shared_.in_iteration = false;
  at_ = {.iteration = iteration + 1};
  measure_closeness();
  began_s_ = tile_.backend().now();
  if (comm_.leads() && hooks_.on_iteration) hooks_.on_iteration(iteration, cost, most[0]);
  if (at_.iteration == options_.iterations || !agreement_.wanted()) return;
  if (most[1] != 0) stop();
  if (most[2] != 0) save_or_tell();
}

void IterationLoop::measure_closeness() {
  if (!hooks_.measure_closeness) return;
  const auto phase = tile_.timer().switch_to(Phase::compute); // whose time up to here is charged
  if (const auto closeness = hooks_.measure_closeness(at_.iteration, tile_.voxels()))
    shared_.closeness.push_back({at_.iteration, *closeness});
  tile_.timer().skip();
  tile_.timer().switch_to(phase);
}

RankState IterationLoop::totals() const {
  RankState t = before_;
  t.at = at_;
  t.vacuum_loss = vacuum_loss_;
  t.visits_s += tile_.seconds_of_visits();
  for (std::size_t phase = 0; phase < phase_count; ++phase)
    t.phases_s[phase] += tile_.timer().seconds(static_cast<Phase>(phase));
  t.traffic += solver_.traffic();
  if (refinement_) t.traffic += refinement_->traffic();
  const auto memory = memory_meter().read();
  for (std::size_t label = 0; label < memory_label_count; ++label)
    t.peak_bytes[label] = std::max(t.peak_bytes[label], memory.peak[label]);
  t.peak_total_bytes = std::max(t.peak_total_bytes, memory.total_peak);
  t.resident_bytes = std::max(t.resident_bytes, peak_resident_bytes());
  return t;
}

RankImage IterationLoop::image() {
  const auto volume = tile_.volume();
  RankImage image{.state = totals(),
                  .backend = tile_.backend(),
                  .volume = {volume.data, volume.size()},
                  .accumulated = at_.batch > 0 ? solver_.accumulated() : std::span<float>(),
                  .carried = solver_.carried()};
  if (refinement_) {
    image.probe = tile_.probe();
    image.probe_gradient = at_.batch > 0 ? refinement_->gradient() : std::span<Complex>();
  }
  image.state.seconds = shared_.in_iteration ? tile_.backend().now() - began_s_ : 0;
  return image;
}

std::string IterationLoop::save() {
  const auto phase = tile_.timer().switch_to(Phase::compute); // whose time up to here is charged
  const double start = tile_.backend().now();
  std::string failure;
  try {
    solver_.settle();
    if (comm_.leads()) shared_.planning = tile_.backend().planning_knowledge();
    write_checkpoint(comm_, *hooks_.checkpoints, shared_, image());
  } catch (const InputError& e) { // on all ranks alike: the disk does not take it
    failure = e.what();
  }
  agreement_.tried(static_cast<int>(shared_.cost.size()));
  tile_.timer().skip();
  tile_.timer().switch_to(phase);
  began_s_ += tile_.backend().now() - start;
  return failure;
}

void IterationLoop::save_or_tell() {
  const auto failure = save();
  if (!failure.empty() && comm_.leads())
    hooks_.checkpoints->tell(fmt::format("no checkpoint was written: {}; the run goes on without", failure));
}

void IterationLoop::stop() {
  auto failure = save();
  throw Stopped(static_cast<int>(shared_.cost.size()), std::move(failure));
}

} // namespace ptychoscale
