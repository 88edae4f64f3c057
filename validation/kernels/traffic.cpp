#include "traffic.hpp"

#include "access_counter.hpp"
#include "cuda/fused_columns.hpp"
#include "cuda/fused_lengths.hpp"
#include "cuda/fused_rows.hpp"

// Compiled with -fsanitize=thread, so that every access of the kernels' functions is counted. Threads of a
// block run one after the other and no barrier waits: values are wrong, addresses depend on none of them.
namespace ptychoscale::kernels {
namespace {

using namespace cuda;

constexpr auto no_barrier = [] {};

/// What a block of full lines works on.
struct Arrays {
  explicit Arrays(int lines, int length, int shared_values)
      : pixels(static_cast<std::size_t>(lines) * static_cast<std::size_t>(length)), waves(pixels),
        adjoint(pixels), table(pixels), shared(static_cast<std::size_t>(shared_values)), potential(pixels),
        gradient(pixels) {}
  std::size_t pixels;
  std::vector<Complex64> waves, adjoint, table, shared;
  std::vector<float> potential, gradient;
  Offset origin{0, 0};

  [[nodiscard]] Twiddles twiddles() const { return {table.data(), table.data()}; }
};

/// Waves read or written while every thread of a block runs.
template <class Kernel> double passes(Arrays& arrays, int threads, const Kernel& kernel) {
  watch_only(arrays.waves.data(), arrays.pixels * sizeof(Complex64));
  watch_too(arrays.adjoint.data(), arrays.pixels * sizeof(Complex64));
  watch_too(arrays.potential.data(), arrays.pixels * sizeof(float));
  watch_too(arrays.gradient.data(), arrays.pixels * sizeof(float));
  for (int thread = 0; thread < threads; ++thread) kernel(cuda::Place{0, 0, thread});
  return static_cast<double>(counted_bytes()) / static_cast<double>(arrays.pixels * sizeof(Complex64));
}

template <class Block, int N>
KernelShape shape(const char* verb, const char* job, double passes, double rewind_passes = 0, int aside = 0) {
  return {verb,
          job,
          N,
          Block::lines,
          Block::threads,
          (Block::memory + aside) * static_cast<int>(sizeof(Complex64)),
          (N + LinePlan<N>::threads - 1) / LinePlan<N>::threads,
          passes,
          rewind_passes};
}

template <int N> double adjoint_passes(Arrays& a, bool rewind) {
  const Extent slice{RowBlock<N>::lines, N};
  const TransmitAdjointRows job{.transmitted = a.waves.data(),
                                .adjoint = a.adjoint.data(),
                                .ny = slice.y,
                                .slice = {a.potential.data(), slice, 1},
                                .update = {a.potential.data(), a.gradient.data(), slice, 0},
                                .apart = nullptr,
                                .origins = &a.origin,
                                .scale = 1,
                                .rewind = rewind,
                                .twiddles = a.twiddles()};
  return passes(a, RowBlock<N>::threads, [&](cuda::Place place) {
    transmit_adjoint_rows<N>(job, place, a.shared.data(), no_barrier);
  });
}

template <int N> void add_rows(std::vector<KernelShape>& shapes) {
  using Block = RowBlock<N>;
  Arrays a(Block::lines, N, Block::memory + Aside<N>::memory);
  const Extent slice{Block::lines, N};
  const TransformRows transform{a.waves.data(), slice.y, 1, false, a.twiddles()};
  const TransmitRows transmit{a.waves.data(), slice.y,  {a.potential.data(), slice, 1}, 1,
                              a.twiddles(),   &a.origin};
  shapes.push_back(
      shape<Block, N>("transform_rows", "TransformRows", passes(a, Block::threads, [&](cuda::Place place) {
                        transform_rows<N>(transform, place, a.shared.data(), no_barrier);
                      })));
  shapes.push_back(
      shape<Block, N>("transmit", "TransmitRows", passes(a, Block::threads, [&](cuda::Place place) {
                        transmit_rows<N>(transmit, place, a.shared.data(), no_barrier);
                      })));
  shapes.push_back(shape<Block, N>("transmit_adjoint", "TransmitAdjointRows", adjoint_passes<N>(a, false),
                                   adjoint_passes<N>(a, true), Aside<N>::memory));
}

template <int N> void add_columns(std::vector<KernelShape>& shapes) {
  using Block = ColumnBlock<N>;
  Arrays a(Block::lines, N, Block::memory);
  const TransformColumns transform{a.waves.data(), Block::lines, 1, false, a.twiddles()};
  const PropagateColumns propagate{
      a.waves.data(), Block::lines, {a.table.data(), a.table.data(), nullptr, 1, 1}, a.twiddles()};
  shapes.push_back(shape<Block, N>("transform_columns", "TransformColumns",
                                   passes(a, Block::threads, [&](cuda::Place place) {
                                     transform_columns<N>(transform, place, a.shared.data(), no_barrier);
                                   })));
  shapes.push_back(
      shape<Block, N>("propagate", "PropagateColumns", passes(a, Block::threads, [&](cuda::Place place) {
                        propagate_columns<N>(propagate, place, a.shared.data(), no_barrier);
                      })));
}

template <int... N> std::vector<KernelShape> all(std::integer_sequence<int, N...> /*lengths*/) {
  std::vector<KernelShape> shapes;
  (add_rows<N>(shapes), ...);
  (add_columns<N>(shapes), ...);
  return shapes;
}

} // namespace

std::vector<KernelShape> shapes_of_kernels() { return all(FusedLengths{}); }

} // namespace ptychoscale::kernels
