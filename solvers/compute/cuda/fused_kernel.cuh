#pragma once

#include "line_transform.hpp"

#include <cuda_runtime.h>

// What a kernel adds to the functions of fused_rows.hpp and fused_columns.hpp.
namespace ptychoscale::cuda {

struct BlockBarrier {
  __host__ __device__ void operator()() const {
#ifdef __CUDA_ARCH__
    __syncthreads();
#endif
  }
};

__device__ inline Place my_place() {
  return {static_cast<int>(blockIdx.x), static_cast<int>(blockIdx.y), static_cast<int>(threadIdx.x)};
}

/// The shared memory that a launch asked for.
__device__ inline Complex64* block_memory() {
  extern __shared__ Complex64 memory[];
  return memory;
}

/// One block per group of lines and wave.
template <class Block> dim3 blocks(int lines, int waves) {
  return {static_cast<unsigned>((lines + Block::lines - 1) / Block::lines), static_cast<unsigned>(waves)};
}
template <class Block> constexpr std::size_t memory_bytes = Block::memory * sizeof(Complex64);

} // namespace ptychoscale::cuda
