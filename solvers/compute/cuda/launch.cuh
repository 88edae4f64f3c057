#pragma once

#include "complex64.hpp"
#include "pixel.hpp"

#include <cuda_runtime.h>

// How element-wise kernels are launched: over n elements in a row, or over the pixels of a grid.
namespace ptychoscale::cuda {

inline constexpr unsigned line_threads = 256;
inline unsigned blocks_for(std::size_t n) {
  return static_cast<unsigned>((n + line_threads - 1) / line_threads);
}
__device__ inline std::size_t my_element() {
  return static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

inline dim3 tile_threads() { return {32, 8}; }
inline dim3 tiles_for(Extent e, int slices = 1) {
  return {static_cast<unsigned>((e.x + 31) / 32), static_cast<unsigned>((e.y + 7) / 8),
          static_cast<unsigned>(slices)};
}
__device__ inline Pixel my_pixel() {
  return {static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y),
          static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x)};
}

} // namespace ptychoscale::cuda
