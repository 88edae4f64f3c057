#include "fused_kernel.cuh"
#include "fused_launch.hpp"
#include "fused_lengths.hpp"

namespace ptychoscale::cuda {
namespace {

template <int N> __global__ void __launch_bounds__(RowBlock<N>::threads) transform_kernel(TransformRows job) {
  transform_rows<N>(job, my_place(), block_memory<Complex64>(), BlockBarrier{});
}
template <int N> __global__ void __launch_bounds__(RowBlock<N>::threads) transmit_kernel(TransmitRows job) {
  transmit_rows<N>(job, my_place(), block_memory<Complex64>(), BlockBarrier{});
}
template <int N>
__global__ void __launch_bounds__(RowBlock<N>::threads) transmit_adjoint_kernel(TransmitAdjointRows job) {
  transmit_adjoint_rows<N>(job, my_place(), block_memory<Complex64>(), BlockBarrier{});
}

__global__ void gather_kernel(GatherGradients job) {
  gather_gradients(job, static_cast<int>(blockIdx.z), my_pixel());
}

} // namespace

void launch(const TransformRows& job, int length, int waves, cudaStream_t stream) {
  with_length(FusedLengths{}, length, [&](auto n) {
    constexpr int N = decltype(n)::value;
    launch_kernel("fused transform_rows", transform_kernel<N>, shape_of<RowBlock<N>>(job.ny, waves), stream,
                  job);
  });
}

void launch(const TransmitRows& job, int length, int waves, cudaStream_t stream) {
  with_length(FusedLengths{}, length, [&](auto n) {
    constexpr int N = decltype(n)::value;
    launch_kernel("fused transmit", transmit_kernel<N>, shape_of<RowBlock<N>>(job.ny, waves), stream, job);
  });
}

void launch(const TransmitAdjointRows& job, int length, int waves, cudaStream_t stream) {
  with_length(FusedLengths{}, length, [&](auto n) {
    constexpr int N = decltype(n)::value;
    constexpr std::size_t aside = Aside<N>::memory * sizeof(Complex64);
    static_assert(memory_bytes<RowBlock<N>> + aside <= 48 << 10, "what a kernel may have without asking");
    launch_kernel("fused transmit_adjoint", transmit_adjoint_kernel<N>,
                  shape_of<RowBlock<N>>(job.ny, waves, aside), stream, job);
  });
}

void launch(const GatherGradients& job, cudaStream_t stream) {
  launch_kernel("gather_gradients", gather_kernel, over_pixels(job.window, job.waves), stream, job);
}

} // namespace ptychoscale::cuda
