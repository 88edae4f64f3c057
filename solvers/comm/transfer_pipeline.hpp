#pragma once

#include "ptychoscale/base/phase_timer.hpp"
#include "ptychoscale/comm/chunking.hpp"
#include "ptychoscale/comm/communicator.hpp"
#include "ptychoscale/comm/exchange.hpp"
#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/geometry/exchange_plan.hpp"
#include "request_set.hpp"

#include <vector>

namespace ptychoscale {

/// Runs a rank's schedule of steps on every chunk of slices of its tile, several chunks at a time, without
/// blocking.
///
/// Each chunk in flight is a *lane*: a state machine that walks through the steps (wait for the step's
/// receives, merge them in their order in the schedule, pack and send) on buffers of its own. All receives of
/// a chunk are posted when it enters its lane. A lane takes its next chunk as soon as the last step is done;
/// its sends go on from packed copies, and only packing over such a copy waits for it. So a chunk's
/// horizontal steps start as soon as its vertical ones are done here, whatever other ranks and chunks are
/// doing.
///
/// Messages: an ordered pair of ranks talks in at most one step of a schedule, and a lane's chunks follow
/// each other, so the lane is tag enough: MPI keeps messages of equal sender, receiver and tag in order.
///
/// No deadlock: if all ranks have finished chunks 0..k-1 of a round, each has posted or will post chunk k's
/// receives without waiting for anything else, so every send of chunks up to k completes; the steps of one
/// chunk depend on each other in the acyclic order of the schedule; hence chunk k finishes everywhere, and by
/// induction all do. Rounds follow alike.
///
/// Same bits every time: chunks share no voxel, and within a chunk merges happen in the order of the
/// schedule, never in the order of arrival.
class TransferPipeline {
public:
  /// Boxes of `schedule` are in volume coordinates, `origin` is the tile's. `chunking` is the same on all
  /// ranks. `comm`, `backend` and `timer` must outlive it.
  [[nodiscard]] TransferPipeline(const Communicator& comm, Backend& backend,
                                 const std::vector<PassStep>& schedule, Offset origin,
                                 const Chunking& chunking, PhaseTimer& timer);

  /// Begins a round on `volume`; the round before must be finished.
  void start(Volume volume);
  /// Does what can be done without blocking; gives whether something is left to be received and merged.
  bool progress();
  /// Blocks until everything is received and merged; sends may still be under way.
  void finish();
  [[nodiscard]] Traffic traffic() const { return traffic_; }

private:
  // One message of every chunk.
  struct Message {
    int peer = -1;
    Box box;                // relative to the tile
    std::size_t offset = 0; // in its lane's buffer, in pixels of one slice
  };
  struct Step {
    std::vector<int> receive; // indices into messages_
    Merging merging = Merging::add;
    std::vector<int> send;
  };
  struct Lane {
    int chunk = 0;
    std::size_t step = 0;
    bool merged = false; // this step's receives
  };

  void add_step(const PassStep& step, Offset origin);
  std::vector<int> add_messages(const std::vector<Transfer>& transfers, Offset origin);
  [[nodiscard]] bool busy(int lane) const { return lanes_[lane].chunk < chunking_.chunks(); }
  [[nodiscard]] bool pending(int lane, const std::vector<int>& messages) const;
  [[nodiscard]] int slot(int lane, int message) const {
    return lane * static_cast<int>(messages_.size()) + message;
  }
  [[nodiscard]] float* packed(int lane, int message) const;
  [[nodiscard]] std::size_t length(int lane, int message) const;
  void enter(int lane, int chunk);
  void advance(int lane);
  [[nodiscard]] std::vector<int> awaited() const;
  void advance_lanes_of(const std::vector<int>& completed_slots);
  void merge(int lane, const Step& step);
  void send(int lane, const Step& step);

  Backend& backend_;
  PhaseTimer& timer_;
  std::vector<Message> messages_;
  std::vector<Step> steps_;
  std::size_t lane_pixels_ = 0; // of one slice
  Chunking chunking_;
  std::vector<Lane> lanes_;
  Buffer<float> buffer_;
  RequestSet requests_; // after the buffer: it must be gone before the memory its messages use
  Volume volume_;
  int unfinished_chunks_ = 0;
  Traffic traffic_;
};

} // namespace ptychoscale
