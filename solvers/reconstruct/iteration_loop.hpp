#pragma once

#include "agreement.hpp"
#include "checkpoint_folder.hpp"
#include "probe_refinement.hpp"
#include "slice_blur.hpp"
#include "tile_solver.hpp"

#include <functional>
#include <string>
#include <utility>

namespace ptychoscale {

/// The loop over iterations on one rank: its state, and the checkpoints that it makes and goes on from.
class IterationLoop {
public:
  /// Everything must outlive it; `refinement` may be null, for a probe that is known, and `blur`, for none.
  [[nodiscard]] IterationLoop(const Communicator& comm, TileSolver& tile, Solver& solver,
                              ProbeRefinement* refinement, SliceBlur* blur, const ReconstructionPlan& plan,
                              const ReconstructionOptions& options, double step,
                              const ReconstructionHooks& hooks);

  /// Goes on from a checkpoint instead of the beginning. Collective.
  void resume(const Checkpoint& checkpoint);
  /// What to do once the first iteration is done, unless that was before a resumption; collective.
  void after_first(std::function<void()> step) { after_first_ = std::move(step); }
  /// To the last iteration. Throws what reconstruct() throws. Collective.
  void run();

  [[nodiscard]] const SharedState& shared() const { return shared_; }
  /// Of this rank, what was done before a resumption included.
  [[nodiscard]] RankState totals() const;

private:
  void iterate();
  void before_visit(int k);
  /// At the end of a round: meets where ranks may stop, then steps the probe.
  void end_round();
  void meet();
  void finish_iteration();
  /// Outside of all times.
  void measure_closeness();
  /// Gives why no checkpoint was written; empty when one was.
  [[nodiscard]] std::string save();
  void save_or_tell();
  [[noreturn]] void stop();
  [[nodiscard]] RankImage image();

  const Communicator& comm_;
  TileSolver& tile_;
  Solver& solver_;
  ProbeRefinement* refinement_;
  SliceBlur* blur_;
  const ReconstructionOptions& options_;
  const ReconstructionHooks& hooks_;
  std::function<void()> after_first_;
  Agreement agreement_;
  SharedState shared_;
  RankState before_; ///< what earlier processes of this run did
  SweepPlace at_;
  double vacuum_loss_ = 0;
  double began_s_ = 0; ///< when the iteration would have begun without interruption
};

} // namespace ptychoscale
