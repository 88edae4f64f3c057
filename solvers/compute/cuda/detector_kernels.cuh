#pragma once

#include "launch.cuh"
#include "ptychoscale/compute/backend.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cuda_fp16.h>

// Probe and detector: one thread per pixel, except for the loss.
namespace ptychoscale::cuda {

/// As signed_frequency(), which is host code.
__device__ inline int signed_frequency_of(int i, int n) { return i < (n + 1) / 2 ? i : i - n; }

/// `probe` holds the signed frequencies in `box`; the others are zero.
static __global__ void shift_probe(Complex64* w, Extent e, const Complex64* probe, Box box, double shift_y,
                                   double shift_x) {
  const Pixel p = my_pixel();
  if (!inside(p, e)) return;
  const int ky = signed_frequency_of(p.y, e.y);
  const int kx = signed_frequency_of(p.x, e.x);
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

/// Adds to `gradient`, [ky][kx] of the signed frequencies in `box`, the wave shifted back and times `scale`.
static __global__ void gather_probe(const Complex64* w, Extent e, Complex64* gradient, Box box,
                                    double shift_y, double shift_x, double scale) {
  const Pixel in_box = my_pixel();
  const Extent extent{box.y1 - box.y0, box.x1 - box.x0};
  if (!inside(in_box, extent)) return;
  const int ky = in_box.y + box.y0;
  const int kx = in_box.x + box.x0;
  double s = 0;
  double c = 0;
  sincospi(2 * (ky * shift_y / e.y + kx * shift_x / e.x), &s, &c);
  const Complex64 back = times(w[at({ky < 0 ? ky + e.y : ky, kx < 0 ? kx + e.x : kx}, e)],
                               {static_cast<float>(scale * c), static_cast<float>(scale * s)});
  Complex64& sum = gradient[at(in_box, extent)];
  sum = sum + back;
}

static __global__ void place(Complex64* target, Extent e, const Complex64* source, Extent from,
                             Offset origin) {
  const Pixel p = my_pixel();
  if (!inside(p, e)) return;
  const Pixel on = moved(p, origin);
  target[at(p, e)] = inside(on, from) ? source[at(on, from)] : Complex64{0, 0};
}

static __global__ void intensity(const Complex64* w, float* out, std::size_t n) {
  const std::size_t i = my_element();
  if (i < n) out[i] = w[i].re * w[i].re + w[i].im * w[i].im;
}

__device__ inline float amplitude_of(float stored) { return stored; }
__device__ inline float amplitude_of(std::uint16_t stored) {
  return __half2float(__ushort_as_half(stored)) * half_amplitude_unit;
}

/// What a pixel adds to the loss squared: |W| - a, or nothing where `a` is no_weight.
__device__ inline float residual(float modulus, float measured) {
  return measured < 0 ? 0.0F : modulus - measured;
}

/// A block for each row, of no more threads than the row has pixels: a power of two, which trees need.
inline LaunchShape shape_of_losses(std::size_t rows, int nx) {
  const unsigned threads = std::clamp(std::bit_ceil(static_cast<unsigned>(nx)), 32U, 256U);
  return {static_cast<unsigned>(rows), threads, threads * sizeof(double)};
}

/// The block's sum of what its threads have, by a tree of fixed shape.
__device__ inline void sum_of_block(double mine, double* result) {
  auto* part = block_memory<double>();
  part[threadIdx.x] = mine;
  for (int half = static_cast<int>(blockDim.x) / 2; half > 0; half /= 2) {
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < half) part[threadIdx.x] += part[threadIdx.x + half];
  }
  if (threadIdx.x == 0) *result = part[0];
}

/// One block per row: residual wave, and the row's loss.
template <class Stored>
static __global__ void amplitude_loss(const Complex64* w, const Stored* amplitudes, Complex64* adjoint,
                                      int nx, float scale, float least, double* loss_of_row) {
  const std::size_t row = static_cast<std::size_t>(blockIdx.x) * static_cast<std::size_t>(nx);
  double sum = 0;
  for (int x = static_cast<int>(threadIdx.x); x < nx; x += static_cast<int>(blockDim.x)) {
    const Complex64 v = w[row + x];
    const float modulus = sqrtf(v.re * v.re + v.im * v.im);
    const float difference = residual(modulus, amplitude_of(amplitudes[row + x]));
    sum += static_cast<double>(difference) * static_cast<double>(difference);
    adjoint[row + x] = scaled(v, modulus > least ? scale * difference / modulus : 0.0F);
  }
  sum_of_block(sum, loss_of_row + blockIdx.x);
}

/// The same where several modes, `stride` pixels apart and `all` together, add up to a pattern.
template <class Stored>
static __global__ void amplitude_loss_of_modes(const Complex64* w, std::size_t stride, std::size_t all,
                                               const Stored* amplitudes, Complex64* adjoint, int nx,
                                               float scale, float least, double* loss_of_row) {
  const std::size_t row = static_cast<std::size_t>(blockIdx.x) * static_cast<std::size_t>(nx);
  double sum = 0;
  for (int x = static_cast<int>(threadIdx.x); x < nx; x += static_cast<int>(blockDim.x)) {
    float intensity = 0;
    for (std::size_t i = row + x; i < all; i += stride) intensity += w[i].re * w[i].re + w[i].im * w[i].im;
    const float modulus = sqrtf(intensity);
    const float difference = residual(modulus, amplitude_of(amplitudes[row + x]));
    sum += static_cast<double>(difference) * static_cast<double>(difference);
    const float factor = modulus > least ? scale * difference / modulus : 0.0F;
    for (std::size_t i = row + x; i < all; i += stride) adjoint[i] = scaled(w[i], factor);
  }
  sum_of_block(sum, loss_of_row + blockIdx.x);
}

} // namespace ptychoscale::cuda
