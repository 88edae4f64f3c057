#pragma once

#include "ptychoscale/compute/backend.hpp"

#include <cuda_runtime.h>
#include <span>
#include <vector>

namespace ptychoscale::cuda {

/// Where a sweep's waves lie on the slices, in device memory: kernels get the address, so that the same
/// launches, recorded or not, serve every position.
class DeviceOrigins {
public:
  [[nodiscard]] DeviceOrigins(Backend& memory, cudaStream_t stream) : memory_(memory), stream_(stream) {}

  /// The origins [wave] as kernels find them that are launched on the stream before the next call. Launches
  /// something only when they are not there yet. Throws RunError where that would be captured: what was
  /// recorded would set them back at every replay.
  [[nodiscard]] const Offset* of(std::span<const Offset> origins);

private:
  void put(std::span<const Offset> origins);

  Backend& memory_;
  cudaStream_t stream_;
  Buffer<Offset> device_;
  std::vector<Offset> there_; ///< what device_ holds once the stream has come here
};

} // namespace ptychoscale::cuda
