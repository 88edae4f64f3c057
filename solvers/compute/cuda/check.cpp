#include "check.hpp"

#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <string>

namespace ptychoscale::cuda {
namespace {

std::string text(cudaError_t status, const char* call) {
  return fmt::format("{}: {}, {}", call, cudaGetErrorName(status), cudaGetErrorString(status));
}

/// cuFFT has numbers only; these are the names and meanings of its header.
const char* meaning(cufftResult status) {
  switch (status) {
  case CUFFT_INVALID_PLAN:
    return "CUFFT_INVALID_PLAN, the plan handle is not valid";
  case CUFFT_ALLOC_FAILED:
    return "CUFFT_ALLOC_FAILED, no GPU or host memory";
  case CUFFT_INVALID_VALUE:
    return "CUFFT_INVALID_VALUE, a bad pointer or parameter";
  case CUFFT_INTERNAL_ERROR:
    return "CUFFT_INTERNAL_ERROR, an error of the driver or library";
  case CUFFT_EXEC_FAILED:
    return "CUFFT_EXEC_FAILED, a transform failed on the GPU";
  case CUFFT_SETUP_FAILED:
    return "CUFFT_SETUP_FAILED, the library could not start";
  case CUFFT_INVALID_SIZE:
    return "CUFFT_INVALID_SIZE, a length that cannot be transformed";
  default:
    return "an error of cuFFT";
  }
}

std::string text(cufftResult status, const char* call) {
  return fmt::format("{}: {} ({})", call, meaning(status), static_cast<int>(status));
}

} // namespace

void check(cudaError_t status, const char* call) {
  if (status != cudaSuccess) throw RunError(text(status, call));
}

void check(cufftResult status, const char* call) {
  if (status != CUFFT_SUCCESS) throw RunError(text(status, call));
}

void report(cudaError_t status, const char* call) noexcept {
  if (status != cudaSuccess)
    std::fprintf(stderr, "ptychoscale: warning: %s: %s\n", call, cudaGetErrorString(status));
}

void report(cufftResult status, const char* call) noexcept {
  if (status != CUFFT_SUCCESS) std::fprintf(stderr, "ptychoscale: warning: %s: %s\n", call, meaning(status));
}

} // namespace ptychoscale::cuda
