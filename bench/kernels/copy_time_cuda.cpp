#include "copy_time.hpp"
#include "ptychoscale/base/error.hpp"

#include <chrono>
#include <cstring>
#include <cuda_runtime_api.h>
#include <string>

namespace ptychoscale {
namespace {

void check(cudaError_t status) {
  if (status != cudaSuccess) throw RunError(std::string("copying on the GPU: ") + cudaGetErrorString(status));
}

} // namespace

double seconds_of_copies(std::string_view backend, void* to, const void* from, std::size_t bytes, int times) {
  const bool on_device = backend == "cuda";
  if (on_device) check(cudaDeviceSynchronize());
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i)
    if (on_device)
      check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice));
    else
      std::memcpy(to, from, bytes);
  if (on_device) check(cudaDeviceSynchronize());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

} // namespace ptychoscale
