#pragma once

#include <cuda_runtime.h>
#include <cufft.h>

namespace ptychoscale::cuda {

/// Throws RunError with the call, the vendor's name of the error and its text when a call failed.
void check(cudaError_t status, const char* call);
void check(cufftResult status, const char* call);

/// For destructors, which must not throw: says on stderr what failed.
void report(cudaError_t status, const char* call) noexcept;
void report(cufftResult status, const char* call) noexcept;

} // namespace ptychoscale::cuda
