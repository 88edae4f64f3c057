#pragma once

#include "block_on_host.hpp"
#include "cuda_runtime_api.h"

#include <functional>
#include <span>

// CUDA's runtime on the host, to run the CUDA backend where there is no GPU: see README.md for what it shows.
namespace cuda_on_host {

/// When what is queued on a stream runs: as late as CUDA allows, when something waits for it, or at once.
enum class Start { late, at_once };
struct Schedule {
  Start start = Start::late;
  ptychoscale::BlockOnHost::Order order = ptychoscale::BlockOnHost::Order::ascending; ///< threads and blocks
};
/// That of this process; at first what CUDA_LAUNCH_BLOCKING (1: at once) and CUDA_ON_HOST_ORDER (ascending,
/// descending) say.
[[nodiscard]] Schedule& schedule();

/// A kernel with its arguments: `thread` is what every thread does.
struct Kernel {
  const void* function;
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes;
  std::function<void()> thread;
};

/// Queues the kernel; `arguments`, of `sizes`, are looked through for addresses of the host's memory, which
/// end the process: a GPU cannot read there.
cudaError_t launch(Kernel kernel, void* const* arguments, std::span<const std::size_t> sizes,
                   cudaStream_t stream);

/// What kernels have from the device. Shared memory is what the launch asked for; it begins as NaN.
/// @{
void wait_at_barrier();
[[nodiscard]] void* shared_memory();
/// @}

} // namespace cuda_on_host
