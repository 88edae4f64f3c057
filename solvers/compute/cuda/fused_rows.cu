#include "check.hpp"
#include "fused_kernel.cuh"
#include "fused_launch.hpp"
#include "fused_lengths.hpp"

namespace ptychoscale::cuda {
namespace {

template <int N> __global__ void __launch_bounds__(RowBlock<N>::threads) transform_kernel(TransformRows job) {
  transform_rows<N>(job, my_place(), block_memory(), BlockBarrier{});
}
template <int N> __global__ void __launch_bounds__(RowBlock<N>::threads) transmit_kernel(TransmitRows job) {
  transmit_rows<N>(job, my_place(), block_memory(), BlockBarrier{});
}
template <int N>
__global__ void __launch_bounds__(RowBlock<N>::threads) transmit_adjoint_kernel(TransmitAdjointRows job) {
  transmit_adjoint_rows<N>(job, my_place(), block_memory(), BlockBarrier{});
}

} // namespace

void launch(const TransformRows& job, int length, int waves, cudaStream_t stream) {
  with_length(FusedLengths{}, length, [&](auto n) {
    using Block = RowBlock<decltype(n)::value>;
    transform_kernel<decltype(n)::value>
        <<<blocks<Block>(job.ny, waves), Block::threads, memory_bytes<Block>, stream>>>(job);
  });
  check_launch("fused transform_rows");
}

void launch(const TransmitRows& job, int length, int waves, cudaStream_t stream) {
  with_length(FusedLengths{}, length, [&](auto n) {
    using Block = RowBlock<decltype(n)::value>;
    transmit_kernel<decltype(n)::value>
        <<<blocks<Block>(job.ny, waves), Block::threads, memory_bytes<Block>, stream>>>(job);
  });
  check_launch("fused transmit");
}

void launch(const TransmitAdjointRows& job, int length, cudaStream_t stream) {
  with_length(FusedLengths{}, length, [&](auto n) {
    constexpr int N = decltype(n)::value;
    constexpr std::size_t bytes = memory_bytes<RowBlock<N>> + Aside<N>::memory * sizeof(Complex64);
    static_assert(bytes <= 48 << 10, "what a kernel may have without asking for more");
    transmit_adjoint_kernel<N><<<blocks<RowBlock<N>>(job.ny, 1), RowBlock<N>::threads, bytes, stream>>>(job);
  });
  check_launch("fused transmit_adjoint");
}

} // namespace ptychoscale::cuda
