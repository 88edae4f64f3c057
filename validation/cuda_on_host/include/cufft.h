#pragma once

#include "cuda_runtime_api.h"

// The declarations of cuFFT that ptychoscale uses, with cuFFT's names, arguments and numbers.

enum cufftResult {
  CUFFT_SUCCESS = 0,
  CUFFT_INVALID_PLAN = 1,
  CUFFT_ALLOC_FAILED = 2,
  CUFFT_INVALID_VALUE = 4,
  CUFFT_INTERNAL_ERROR = 5,
  CUFFT_EXEC_FAILED = 6,
  CUFFT_SETUP_FAILED = 7,
  CUFFT_INVALID_SIZE = 8
};
enum cufftType { CUFFT_C2C = 0x29 };
inline constexpr int CUFFT_FORWARD = -1;
inline constexpr int CUFFT_INVERSE = 1;

using cufftHandle = int;
struct cufftComplex {
  float x, y;
};

extern "C" {
cufftResult cufftCreate(cufftHandle* plan);
cufftResult cufftDestroy(cufftHandle plan);
cufftResult cufftSetAutoAllocation(cufftHandle plan, int automatic);
cufftResult cufftSetStream(cufftHandle plan, cudaStream_t stream);
cufftResult cufftSetWorkArea(cufftHandle plan, void* work);
cufftResult cufftMakePlanMany(cufftHandle plan, int rank, int* lengths, int* in_embedding, int in_stride,
                              int in_distance, int* out_embedding, int out_stride, int out_distance,
                              cufftType type, int batch, std::size_t* work_bytes);
cufftResult cufftExecC2C(cufftHandle plan, cufftComplex* in, cufftComplex* out, int direction);
}
