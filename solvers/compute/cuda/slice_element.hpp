#pragma once

#include "complex64.hpp"
#include "pixel.hpp"

#include <cmath>

// What one pixel of a slice step does, in both kernel paths.
namespace ptychoscale::cuda {

/// exp(i angle) for |angle| < 1e4 rad, absolute error below 2e-7: Cody-Waite reduction to [-pi/4, pi/4] in
/// three parts, then the minimax polynomials of Cephes sinf and cosf, as on the CPU. sincosf would bring a
/// slow path for huge angles, and local memory, into every kernel.
PTYCHOSCALE_HD Complex64 phase_factor(float angle) {
  constexpr float two_over_pi = 0.636619772367581343F;
  constexpr float half_pi_high = 1.5703125F;
  constexpr float half_pi_middle = 4.837512969970703125e-4F;
  constexpr float half_pi_low = 7.549789948768648e-8F;
  const float q = rintf(angle * two_over_pi);
  const float r = ((angle - q * half_pi_high) - q * half_pi_middle) - q * half_pi_low;
  const float r2 = r * r;
  const float sine = r + r * r2 * (-1.6666654611e-1F + r2 * (8.3321608736e-3F + r2 * -1.9515295891e-4F));
  const float cosine =
      1.0F - 0.5F * r2 +
      r2 * r2 * (4.166664568298827e-2F + r2 * (-1.388731625493765e-3F + r2 * 2.443315711809948e-5F));
  const int quadrant = static_cast<int>(q);
  const bool odd = (quadrant & 1) != 0;
  const float re = odd ? sine : cosine;
  const float im = odd ? cosine : sine;
  return {((quadrant + 1) & 2) != 0 ? -re : re, (quadrant & 2) != 0 ? -im : im};
}

/// One slice of the tile, [y][x] float32, as a kernel gets it.
struct SliceOn {
  const float* potential;
  Extent extent;
  float sigma;
};

/// scale * exp(i sigma V)
PTYCHOSCALE_HD Complex64 transmission(float potential, float sigma, float scale) {
  return scaled(phase_factor(sigma * potential), scale);
}

/// scale * exp(i sigma V) under a pixel of a wave whose pixel (0, 0) lies at `origin` of the slice; scale
/// outside the slice.
PTYCHOSCALE_HD Complex64 transmission_at(Pixel p, const SliceOn& slice, Offset origin, float scale) {
  const Pixel on = moved(p, origin);
  if (!inside(on, slice.extent)) return {scale, 0};
  return transmission(slice.potential[at(on, slice.extent)], slice.sigma, scale);
}

/// A SliceUpdate as a kernel gets it.
struct UpdateOn {
  float* potential;
  float* gradient;
  Extent extent;
  float step;
};

/// g at a pixel of the slice goes where the update says.
PTYCHOSCALE_HD void deliver(float g, Pixel on, const UpdateOn& update) {
  const std::size_t i = at(on, update.extent);
  if (update.gradient != nullptr) update.gradient[i] += g;
  if (update.step != 0) update.potential[i] -= update.step * g;
}

/// A Propagator as a kernel gets it; `sign` is -1 for its conjugate, `scale` goes into every factor.
struct PropagatorOn {
  const Complex64* y;
  const Complex64* x;
  const float* mask;
  float scale;
  float sign;
};

/// scale * P(ky, kx), or its conjugate; `i` is the pixel's place in memory.
PTYCHOSCALE_HD Complex64 propagation_factor(const PropagatorOn& p, Complex64 x, Pixel k, std::size_t i) {
  const Complex64 y = p.y[k.y];
  const Complex64 factor = times({p.scale * x.re, p.scale * p.sign * x.im}, {y.re, p.sign * y.im});
  return p.mask == nullptr ? factor : scaled(factor, p.mask[i]);
}

} // namespace ptychoscale::cuda
