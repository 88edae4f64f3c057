#pragma once

#include "check.hpp"
#include "complex64.hpp"
#include "pixel.hpp"

#include <type_traits>

// How kernels are launched; element-wise ones over n elements in a row, or over the pixels of a grid.
namespace ptychoscale::cuda {

/// Blocks, threads of a block, and bytes of shared memory that a block is given at the launch.
struct LaunchShape {
  dim3 blocks;
  dim3 threads;
  std::size_t shared_bytes = 0;
};

/// Queues a kernel on the stream; RunError with `name` when the launch is refused. A call in C++'s own words
/// where <<<>>> would do, so that any compiler reads it.
template <class... Parameters>
void launch_kernel(const char* name, void (*kernel)(Parameters...), const LaunchShape& shape,
                   cudaStream_t stream, std::type_identity_t<Parameters>... arguments) {
  void* addresses[] = {&arguments...};
  check(cudaLaunchKernel(kernel, shape.blocks, shape.threads, addresses, shape.shared_bytes, stream), name);
}

/// The shared memory that the launch gave the block.
template <class T> __device__ inline T* block_memory() {
#ifdef __CUDACC__
  extern __shared__ __align__(16) unsigned char memory[];
  return reinterpret_cast<T*>(memory);
#else // validation/cuda_on_host
  return static_cast<T*>(cuda_on_host::shared_memory());
#endif
}

/// One thread per element of n.
inline LaunchShape over_elements(std::size_t n) {
  constexpr unsigned threads = 256;
  return {static_cast<unsigned>((n + threads - 1) / threads), threads};
}
__device__ inline std::size_t my_element() {
  return static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

/// One thread per pixel of each slice.
inline LaunchShape over_pixels(Extent e, int slices = 1) {
  return {{static_cast<unsigned>((e.x + 31) / 32), static_cast<unsigned>((e.y + 7) / 8),
           static_cast<unsigned>(slices)},
          {32, 8}};
}
__device__ inline Pixel my_pixel() {
  return {static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y),
          static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x)};
}

} // namespace ptychoscale::cuda
