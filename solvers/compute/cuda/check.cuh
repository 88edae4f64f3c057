#pragma once

#include "ptychoscale/base/error.hpp"

#include <cuda_runtime.h>
#include <cufft.h>
#include <string>

namespace ptychoscale::cuda {

/// Throws RunError with the vendor's text when a call failed.
inline void check(cudaError_t status, const char* call) {
  if (status != cudaSuccess)
    throw RunError(std::string(call) + ": " + cudaGetErrorName(status) + ", " + cudaGetErrorString(status));
}

inline void check(cufftResult status, const char* call) {
  if (status != CUFFT_SUCCESS) throw RunError(std::string(call) + ": cuFFT error " + std::to_string(status));
}

} // namespace ptychoscale::cuda
