#pragma once

#include "cuda_on_host.hpp"
#include "cuda_runtime_api.h"

#include <array>
#include <cmath>
#include <tuple>
#include <utility>

// CUDA's language and the templates of its runtime, as far as the CUDA backend uses them: kernels are
// functions of the host, which cuda_on_host.hpp runs.

#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)

struct uint3 {
  unsigned x, y, z;
};
/// Of the thread that runs now.
inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;

inline void __syncthreads() { cuda_on_host::wait_at_barrier(); }

inline void sincospi(double x, double* sine, double* cosine) {
  const double turns = x - 2 * std::round(x / 2); // exact; [-1, 1]
  *sine = std::sin(M_PI * turns);
  *cosine = std::cos(M_PI * turns);
}

template <class... Parameters>
cudaError_t cudaLaunchKernel(void (*kernel)(Parameters...), dim3 grid, dim3 block, void** arguments,
                             std::size_t shared_bytes, cudaStream_t stream) {
  const auto copy = [&]<std::size_t... I>(std::index_sequence<I...>) {
    (__builtin_clear_padding(static_cast<Parameters*>(arguments[I])), ...); // may hold addresses by accident
    return std::tuple<Parameters...>(*static_cast<Parameters*>(arguments[I])...);
  };
  const std::array<std::size_t, sizeof...(Parameters)> sizes{sizeof(Parameters)...};
  const auto thread = [kernel, copies = copy(std::index_sequence_for<Parameters...>{})] {
    std::apply(kernel, copies);
  };
  return cuda_on_host::launch({reinterpret_cast<const void*>(kernel), grid, block, shared_bytes, thread},
                              arguments, sizes, stream);
}

template <class... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute attribute, int value) {
  return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), attribute, value);
}
