#include "fused_kernel.cuh"
#include "fused_launch.hpp"
#include "fused_lengths.hpp"

namespace ptychoscale::cuda {
namespace {

template <int N>
__global__ void __launch_bounds__(ColumnBlock<N>::threads) transform_kernel(TransformColumns job) {
  transform_columns<N>(job, my_place(), block_memory<Complex64>(), BlockBarrier{});
}
template <int N>
__global__ void __launch_bounds__(ColumnBlock<N>::threads) propagate_kernel(PropagateColumns job) {
  propagate_columns<N>(job, my_place(), block_memory<Complex64>(), BlockBarrier{});
}

template <class Kernel> void allow(Kernel kernel, std::size_t bytes) {
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes)),
        "cudaFuncSetAttribute");
}

} // namespace

void allow_column_memory(int length) {
  with_length(FusedLengths{}, length, [](auto n) {
    constexpr int N = decltype(n)::value;
    allow(transform_kernel<N>, memory_bytes<ColumnBlock<N>>);
    allow(propagate_kernel<N>, memory_bytes<ColumnBlock<N>>);
  });
}

void launch(const TransformColumns& job, int length, int waves, cudaStream_t stream) {
  with_length(FusedLengths{}, length, [&](auto n) {
    constexpr int N = decltype(n)::value;
    launch_kernel("fused transform_columns", transform_kernel<N>, shape_of<ColumnBlock<N>>(job.nx, waves),
                  stream, job);
  });
}

void launch(const PropagateColumns& job, int length, int waves, cudaStream_t stream) {
  with_length(FusedLengths{}, length, [&](auto n) {
    constexpr int N = decltype(n)::value;
    launch_kernel("fused propagate", propagate_kernel<N>, shape_of<ColumnBlock<N>>(job.nx, waves), stream,
                  job);
  });
}

} // namespace ptychoscale::cuda
