#pragma once

#include "launch.cuh"
#include "line_transform.hpp"

// What a kernel adds to the functions of fused_rows.hpp and fused_columns.hpp.
namespace ptychoscale::cuda {

struct BlockBarrier {
  __host__ __device__ void operator()() const {
#if defined(__CUDA_ARCH__) || !defined(__CUDACC__)
    __syncthreads();
#endif
  }
};

__device__ inline Place my_place() {
  return {static_cast<int>(blockIdx.x), static_cast<int>(blockIdx.y), static_cast<int>(threadIdx.x)};
}

template <class Block> constexpr std::size_t memory_bytes = Block::memory * sizeof(Complex64);

/// One block per group of lines and wave; `more` bytes of shared memory behind its lines.
template <class Block> LaunchShape shape_of(int lines, int waves, std::size_t more = 0) {
  return {{static_cast<unsigned>((lines + Block::lines - 1) / Block::lines), static_cast<unsigned>(waves)},
          Block::threads,
          memory_bytes<Block> + more};
}

} // namespace ptychoscale::cuda
