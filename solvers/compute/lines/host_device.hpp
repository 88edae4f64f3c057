#pragma once

// The mathematics of the kernels is plain C++ that nvcc compiles for the device and any compiler for the
// host, where tests run it thread by thread. Everything is inlined into its kernel: register arrays that are
// passed by address to a called function would move to memory.
#ifdef __CUDACC__
#define PTYCHOSCALE_HD __host__ __device__ __forceinline__
#define PTYCHOSCALE_UNROLL _Pragma("unroll")
#else
#define PTYCHOSCALE_HD inline
#define PTYCHOSCALE_UNROLL
#endif
