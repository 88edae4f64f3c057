#include "volume.hpp"

#include "row_of.hpp"
#include "row_on_slice.hpp"

#include <algorithm>

namespace ptychoscale::cpu {
namespace {

/// body(row, n, position in the packed box) for every row of the box in every slice.
template <class Body>
void for_box(int threads, Volume volume, Box box, int first_slice, int last_slice, const Body& body) {
  const Extent e = box.extent();
  const auto n = static_cast<std::size_t>(e.x);
#pragma omp parallel for num_threads(threads) schedule(static) collapse(2)
  for (int s = first_slice; s < last_slice; ++s)
    for (int y = 0; y < e.y; ++y) {
      const auto at = static_cast<std::size_t>(s - first_slice) * e.area() + static_cast<std::size_t>(y) * n;
      body(row_of(volume.slice(s).data, volume.extent, box.y0 + y) + box.x0, n, at);
    }
}

} // namespace

void axpy(int threads, float* y, float a, const float* x, std::size_t n) {
#pragma omp parallel for simd num_threads(threads) schedule(static)
  for (std::size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

void pack(int threads, float* packed, Volume volume, Box box, int first_slice, int last_slice) {
  for_box(threads, volume, box, first_slice, last_slice,
          [&](float* row, std::size_t n, std::size_t at) { std::copy_n(row, n, packed + at); });
}

void unpack(int threads, Volume volume, const float* packed, Box box, int first_slice, int last_slice,
            Merging merging) {
  for_box(threads, volume, box, first_slice, last_slice, [&](float* row, std::size_t n, std::size_t at) {
    const float* source = packed + at;
    if (merging == Merging::replace)
      std::copy_n(source, n, row);
    else
      for (std::size_t i = 0; i < n; ++i) row[i] += source[i];
  });
}

void scale(int threads, Volume volume, const float* weights) {
  const Box all{0, volume.extent.y, 0, volume.extent.x};
  for_box(threads, volume, all, 0, volume.slices, [&](float* row, std::size_t n, std::size_t at) {
    const float* w = weights + at % volume.extent.area();
    for (std::size_t i = 0; i < n; ++i) row[i] *= w[i];
  });
}

void deliver_sum(int threads, const SliceUpdate& update, float* sum, Offset origin, Extent window) {
  const Extent e = update.potential.extent;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int y = 0; y < window.y; ++y) {
    const auto seg = segment_on(e, origin, y, window.x);
    if (seg.n == 0) continue;
    float* g = at(sum, e, seg);
    deliver(update, seg, g);
    std::fill_n(g, seg.n, 0.0F);
  }
}

} // namespace ptychoscale::cpu
