#pragma once

#include "measurements.hpp"
#include "ptychoscale/base/phase_timer.hpp"
#include "ptychoscale/multislice/multislice.hpp"
#include "ptychoscale/reconstruct/checkpoint.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace ptychoscale {

/// What every solver needs on one rank: its tile of the volume, its positions and their measurements, the
/// model.
class TileSolver {
public:
  [[nodiscard]] TileSolver(Backend& backend, const Acquisition& acquisition, const ReconstructionPlan& plan,
                           const ReconstructionOptions& options, const Tile& tile);

  /// Those of this rank's positions that one of its rounds visits, cut into batches that are computed
  /// together.
  [[nodiscard]] std::vector<Range> batches(int round) const;
  /// Loss of a batch, or a part of one; adds dF/dV to `gradient` unless that is empty, steps the tile by
  /// -step dF/dV (one position at a time). Of positions dealt to this rank it also adds dF/dP* where
  /// gather_probe_gradient() says.
  double visit(Range batch, Volume gradient, double step);
  /// From now on visits add the probe's gradient to `gradient`, as Multislice::loss_and_gradient() does;
  /// null: nowhere.
  void gather_probe_gradient(Complex* gradient) { probe_gradient_ = gradient; }
  [[nodiscard]] std::span<Complex> probe() { return model_.probe(); }
  /// Loss of the k-th position for the empty volume.
  double vacuum_loss(int k);

  /// What the patterns dealt to this rank add up to, of those that have been read.
  [[nodiscard]] PatternFindings judge_patterns(const PatternLimits& limits) const;

  /// Of every pattern dealt to this rank that has been read, by position.
  [[nodiscard]] std::map<int, std::uint64_t>
  hashes_as_read(const std::function<std::optional<std::uint64_t>(int position)>& hash_as_read) const;

  [[nodiscard]] int positions() const { return static_cast<int>(visited_.size()); }
  /// Whether the k-th position was dealt to this rank, so that its loss counts here.
  [[nodiscard]] bool owns(int k) const { return owned_[static_cast<std::size_t>(k)]; }
  [[nodiscard]] Volume volume() { return {volume_.data(), slices_, extent_}; }
  [[nodiscard]] const Buffer<float>& voxels() const { return volume_; }
  [[nodiscard]] Buffer<float> take_volume() { return std::move(volume_); }
  [[nodiscard]] Buffer<float> make_accumulation_buffer();
  [[nodiscard]] Volume view(Buffer<float>& buffer) const { return {buffer.data(), slices_, extent_}; }
  [[nodiscard]] Backend& backend() { return backend_; }
  [[nodiscard]] PhaseTimer& timer() { return timer_; }
  /// Time spent in visits, measurements being at hand.
  [[nodiscard]] double seconds_of_visits() const { return seconds_of_visits_; }

private:
  Backend& backend_;
  std::vector<int> visited_;
  int rounds_;
  int at_once_;
  std::vector<bool> owned_;
  std::vector<Position> positions_A_;
  Offset origin_;
  Extent extent_;
  int slices_;
  Buffer<float> volume_;
  Multislice model_;
  Measurements measurements_;
  Complex* probe_gradient_ = nullptr;
  PhaseTimer timer_;
  double seconds_of_visits_ = 0;
};

/// The propagation grid of a tile: the detector's window, or the extended tile padded to fast transform
/// lengths.
[[nodiscard]] Extent propagation_grid(const DatasetHeader& header, GridKind kind, const Tile& tile);

/// What a sweep calls on its way.
struct SweepCalls {
  std::function<void(int k)> before_visit; ///< before every position, with its number among the rank's
  std::function<bool()> leaves; ///< before every batch: whether to leave the rest of the round undone
  std::function<void()>
      before_exchange; ///< at the end of every round, of all ranks; may throw to end the run
};

/// Visits what is left of a round from `at` on, until it is done or `calls` leave: adds gradients to
/// `gradient` unless that is empty, steps the tile by `step`, and calls `after_batch` behind every batch.
void visit_round(
    TileSolver& tile, SweepPlace& at, const SweepCalls& calls, Volume gradient, double step,
    const std::function<void()>& after_batch = [] {});

/// One solver on one rank. `sweep` runs one iteration over the rank's positions, or the rest of it from `at`,
/// with all exchanges it needs, and keeps `at` up to date: whenever it calls, or throws what a call threw,
/// that is where it is, and tile and accumulation buffer are as the rounds and batches before left them.
class Solver {
public:
  virtual ~Solver() = default;
  virtual void sweep(SweepPlace& at, const SweepCalls& calls) = 0;
  [[nodiscard]] virtual Traffic traffic() const = 0;
  /// What has been accumulated of a round, zero before its first batch; empty for solvers that do not.
  [[nodiscard]] virtual std::span<float> accumulated() { return {}; }
  /// What is carried from one round to the next beside the volume; empty for solvers that carry nothing.
  /// Between settle() and the next exchange it is all there is.
  [[nodiscard]] virtual std::span<float> carried() { return {}; }
  /// Ends what is under way between ranks, without a change to what comes of it. Collective.
  virtual void settle() {}
  /// Applies what was put off; after the last iteration. Collective.
  virtual void complete() {}
  /// Called after every iteration, of a run that is resumed too, with the costs of all that are finished.
  virtual void finished([[maybe_unused]] std::span<const double> cost) {}
};

/// `weights` [y][x] of the extended tile scale the sums before a step; empty for rules that have none.
[[nodiscard]] std::unique_ptr<Solver> make_serial(TileSolver& tile, UpdateRule update, double step);
[[nodiscard]] std::unique_ptr<Solver>
make_gradient_decomposition(TileSolver& tile, const Communicator& comm, const ReconstructionPlan& plan,
                            UpdateRule update, std::span<const float> weights, double step);
[[nodiscard]] std::unique_ptr<Solver> make_delayed_decomposition(TileSolver& tile, const Communicator& comm,
                                                                 const ReconstructionPlan& plan,
                                                                 UpdateRule update,
                                                                 std::span<const float> weights, double step);
[[nodiscard]] std::unique_ptr<Solver> make_accelerated_descent(TileSolver& tile, const Communicator& comm,
                                                               const ReconstructionPlan& plan,
                                                               std::span<const float> weights, double step);
[[nodiscard]] std::unique_ptr<Solver> make_halo_voxel_exchange(TileSolver& tile, const Communicator& comm,
                                                               const ReconstructionPlan& plan,
                                                               const ReconstructionOptions& options,
                                                               double step);

} // namespace ptychoscale
