#pragma once

#include "ptychoscale/base/box.hpp"

#include <cuda_runtime.h>

// Element-wise kernels, one thread per pixel of a two-dimensional grid. No two threads of a launch touch the
// same pixel.
namespace ptychoscale::cuda {

struct Pixel {
  int y;
  int x;
};

__device__ inline Pixel my_pixel() {
  return {static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y),
          static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x)};
}

__device__ inline bool inside(Pixel p, Extent e) { return p.y >= 0 && p.y < e.y && p.x >= 0 && p.x < e.x; }

__device__ inline std::size_t at(Pixel p, Extent e) {
  return static_cast<std::size_t>(p.y) * static_cast<std::size_t>(e.x) + static_cast<std::size_t>(p.x);
}

__device__ inline float2 times(float2 a, float2 b) { return {a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x}; }
__device__ inline float2 times_conjugate(float2 a, float2 b) {
  return {a.x * b.x + a.y * b.y, a.y * b.x - a.x * b.y};
}

/// scale * exp(i sigma V) at a pixel of the waves' grid; scale where there is no slice.
__device__ inline float2 transmission_at(Pixel p, const float* potential, Extent slice, Offset origin,
                                         float sigma, float scale) {
  const Pixel on{p.y + origin.y, p.x + origin.x};
  if (!inside(on, slice)) return {scale, 0};
  float s = 0;
  float c = 0;
  sincosf(sigma * potential[at(on, slice)], &s, &c);
  return {scale * c, scale * s};
}

__global__ void scale_waves(float2* w, std::size_t n, float factor) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < n) w[i] = {factor * w[i].x, factor * w[i].y};
}

__global__ void transmit(float2* w, Extent e, const float* potential, Extent slice, Offset origin,
                         float sigma, float scale) {
  const Pixel p = my_pixel();
  if (inside(p, e))
    w[at(p, e)] = times(w[at(p, e)], transmission_at(p, potential, slice, origin, sigma, scale));
}

__global__ void set_transmission(float2* t, Extent e, const float* potential, Extent slice, Offset origin,
                                 float sigma) {
  const Pixel p = my_pixel();
  if (inside(p, e)) t[at(p, e)] = transmission_at(p, potential, slice, origin, sigma, 1);
}

/// g -> gradient and potential, as a SliceUpdate says.
__device__ inline void deliver(float g, std::size_t i, float* potential, float* gradient, float step) {
  if (gradient != nullptr) gradient[i] += g;
  if (step != 0) potential[i] -= step * g;
}

__global__ void transmit_adjoint(float2* w, float2* a, Extent e, float* potential, float* gradient,
                                 float step, Extent slice, Offset origin, float sigma, float scale,
                                 bool rewind) {
  const Pixel p = my_pixel();
  if (!inside(p, e)) return;
  const std::size_t i = at(p, e);
  const float2 t = transmission_at(p, potential, slice, origin, sigma, scale);
  const Pixel on{p.y + origin.y, p.x + origin.x};
  if (inside(on, slice)) {
    const float cross = a[i].x * w[i].y - a[i].y * w[i].x; // Im[conj(a) w]
    deliver(-2 * sigma * scale * scale * cross, at(on, slice), potential, gradient, step);
  }
  a[i] = times_conjugate(a[i], t);
  if (rewind) w[i] = times_conjugate(w[i], t);
}

__global__ void phase_gradient(const float2* dt, Extent e, float* potential, float* gradient, float step,
                               Extent slice, Offset origin, float sigma) {
  const Pixel p = my_pixel();
  const Pixel on{p.y + origin.y, p.x + origin.x};
  if (!inside(p, e) || !inside(on, slice)) return;
  const float2 t = transmission_at(p, potential, slice, origin, sigma, 1);
  const float2 d = dt[at(p, e)];
  deliver(-2 * sigma * (d.x * t.y - d.y * t.x), at(on, slice), potential, gradient, step);
}

/// Between the two column transforms: w <- scale P w.
__global__ void propagate(float2* w, Extent e, const float2* py, const float2* px, const float* mask,
                          float scale, float sign) {
  const Pixel p = my_pixel();
  if (!inside(p, e)) return;
  float2 factor = times({scale * px[p.x].x, scale * sign * px[p.x].y}, {py[p.y].x, sign * py[p.y].y});
  if (mask != nullptr) factor = {factor.x * mask[at(p, e)], factor.y * mask[at(p, e)]};
  w[at(p, e)] = times(w[at(p, e)], factor);
}

__device__ inline int signed_frequency(int i, int n) { return i < (n + 1) / 2 ? i : i - n; }

/// `probe` holds the signed frequencies in `box`; the others are zero.
__global__ void shift_probe(float2* w, Extent e, const float2* probe, Box box, double shift_y,
                            double shift_x) {
  const Pixel p = my_pixel();
  if (!inside(p, e)) return;
  const int ky = signed_frequency(p.y, e.y);
  const int kx = signed_frequency(p.x, e.x);
  const Pixel in_box{ky - box.y0, kx - box.x0};
  const Extent extent{box.y1 - box.y0, box.x1 - box.x0};
  if (!inside(in_box, extent)) {
    w[at(p, e)] = {0, 0};
    return;
  }
  double s = 0;
  double c = 0;
  sincospi(-2 * (ky * shift_y / e.y + kx * shift_x / e.x), &s, &c);
  w[at(p, e)] = times(probe[at(in_box, extent)], {static_cast<float>(c), static_cast<float>(s)});
}

__global__ void place(float2* target, Extent e, const float2* source, Extent from, Offset origin) {
  const Pixel p = my_pixel();
  if (!inside(p, e)) return;
  const Pixel on{p.y + origin.y, p.x + origin.x};
  target[at(p, e)] = inside(on, from) ? source[at(on, from)] : float2{0, 0};
}

__global__ void multiply(float2* w, const float2* factor, std::size_t n, bool conjugate) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < n) w[i] = conjugate ? times_conjugate(w[i], factor[i]) : times(w[i], factor[i]);
}

__global__ void intensity(const float2* w, float* out, std::size_t n) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < n) out[i] = w[i].x * w[i].x + w[i].y * w[i].y;
}

inline constexpr int loss_threads = 256;

/// One block per row: residual wave, and the row's loss by a tree of fixed shape.
__global__ void amplitude_loss(const float2* w, const float* amplitudes, float2* adjoint, int nx, float scale,
                               float least, double* loss_of_row) {
  __shared__ double part[loss_threads];
  const std::size_t row = static_cast<std::size_t>(blockIdx.x) * static_cast<std::size_t>(nx);
  double sum = 0;
  for (int x = static_cast<int>(threadIdx.x); x < nx; x += loss_threads) {
    const float2 v = w[row + x];
    const float modulus = sqrtf(v.x * v.x + v.y * v.y);
    const float difference = modulus - amplitudes[row + x];
    sum += static_cast<double>(difference) * static_cast<double>(difference);
    const float factor = modulus > least ? scale * difference / modulus : 0.0F;
    adjoint[row + x] = {factor * v.x, factor * v.y};
  }
  part[threadIdx.x] = sum;
  for (int half = loss_threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < half) part[threadIdx.x] += part[threadIdx.x + half];
  }
  if (threadIdx.x == 0) loss_of_row[blockIdx.x] = part[0];
}

__global__ void axpy(float* y, float a, const float* x, std::size_t n) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < n) y[i] += a * x[i];
}

/// What a packing kernel does with a voxel and its packed copy.
enum class Packing { pack, add, replace };

/// grid.z runs over slices.
__global__ void move_box(float* volume, Extent e, float* packed, Box box, int first_slice, Packing packing) {
  const Pixel p = my_pixel();
  const Extent inner{box.y1 - box.y0, box.x1 - box.x0};
  if (!inside(p, inner)) return;
  const std::size_t area = static_cast<std::size_t>(e.y) * static_cast<std::size_t>(e.x);
  const std::size_t inner_area = static_cast<std::size_t>(inner.y) * static_cast<std::size_t>(inner.x);
  float& voxel = volume[(first_slice + blockIdx.z) * area + at({p.y + box.y0, p.x + box.x0}, e)];
  float& copy = packed[blockIdx.z * inner_area + at(p, inner)];
  if (packing == Packing::pack)
    copy = voxel;
  else
    voxel = packing == Packing::add ? voxel + copy : copy;
}

__global__ void scale_volume(float* volume, const float* weights, std::size_t area, std::size_t n) {
  const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < n) volume[i] *= weights[i % area];
}

} // namespace ptychoscale::cuda
