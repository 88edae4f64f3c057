#pragma once

#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/reconstruct/checkpoint.hpp"

namespace ptychoscale {

/// A rank's numbers, voxels and waves, where they lie; `accumulated` and `probe_gradient` are empty outside a
/// round, `carried` without it, `probe` where it is not refined.
struct RankImage {
  RankState state;
  Backend& backend;
  std::span<float> volume;
  std::span<float> accumulated;
  std::span<float> carried;
  std::span<Complex> probe = {};
  std::span<Complex> probe_gradient = {};
};

/// Writes a checkpoint in the place of the older of two and returns when it would survive a power cut. Until
/// its manifest is there it is none, and what fails on one rank fails on all (InputError), leaving the other
/// one. `shared` is brought up to date with what this one costs. Collective.
void write_checkpoint(const Communicator& comm, const CheckpointPolicy& policy, SharedState& shared,
                      const RankImage& rank);

/// This rank's numbers in a checkpoint that find_checkpoint() has given.
[[nodiscard]] RankState read_rank_state(const Communicator& comm, const Checkpoint& checkpoint);
/// Fills a rank's voxels, which must be as many as were written.
void read_voxels(const Communicator& comm, const Checkpoint& checkpoint, const RankImage& rank);

} // namespace ptychoscale
