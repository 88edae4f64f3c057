#pragma once

#include <cuda_runtime_api.h>
#include <functional>
#include <mutex>

// What streams hold, and what went wrong.
namespace cuda_on_host {

/// Every call that uses the device holds it: threads of the host take turns. One that has not chosen a device
/// ends the process: it would use the first, which another rank has.
class Turn {
public:
  Turn();

private:
  std::lock_guard<std::mutex> held_;
};

/// Whether this thread of the host has called cudaSetDevice.
[[nodiscard]] bool thread_has_chosen_device();

/// Something that the device does.
using Work = std::function<void()>;

/// Queues the work on the stream or, while that captures, in its graph.
cudaError_t queue(Work work, cudaStream_t stream);

/// Everything that is queued runs.
void run_all();

/// For calls that may not be made while a stream captures: whether one does, whose capture is void now.
[[nodiscard]] bool invalidate_captures();

/// The error, which cudaGetLastError will give too.
cudaError_t failed(cudaError_t error);

} // namespace cuda_on_host
