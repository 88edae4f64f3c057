#pragma once

#include "ptychoscale/geometry/tiling.hpp"

#include <cstddef>

namespace ptychoscale {

/// Slices cut into chunks, a few of which are packed at a time; equal on every rank, since a chunk is a
/// message.
struct Chunking {
  int slices = 0; ///< of the whole volume
  int slices_per_chunk = 1;
  int in_flight = 1; ///< chunks that have buffers of their own
  [[nodiscard]] int chunks() const { return (slices + slices_per_chunk - 1) / slices_per_chunk; }
  /// Slices of one chunk; the last may be shorter.
  [[nodiscard]] Range range(int chunk) const;
};

/// What one slice of the busiest rank takes in packed messages, sent and received.
struct PackedLoad {
  std::size_t pixels = 0;
  std::size_t largest_message = 0; ///< pixels
};

/// Chunks that keep `depth` of them in flight where the slices allow, hold at most about `buffer_bytes` (but
/// at least two chunks of one slice, unless there is only one), do not cut messages that are small already,
/// and stay below MPI's int counts.
[[nodiscard]] Chunking plan_chunks(int slices, const PackedLoad& load, int depth, std::size_t buffer_bytes);

} // namespace ptychoscale
