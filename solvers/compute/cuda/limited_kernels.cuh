#pragma once

#include "launch.cuh"
#include "slice_element.hpp"

// With a bandwidth limit the transmission function is a wave of its own: one thread per pixel.
namespace ptychoscale::cuda {

static __global__ void set_transmission(Complex64* t, Extent e, SliceOn slice, const Offset* origin) {
  const Pixel p = my_pixel();
  if (inside(p, e)) t[at(p, e)] = transmission_at(p, slice, *origin, 1);
}

static __global__ void multiply(Complex64* w, const Complex64* factor, std::size_t n, bool conjugate) {
  const std::size_t i = my_element();
  if (i < n) w[i] = conjugate ? times_conjugate(w[i], factor[i]) : times(w[i], factor[i]);
}

static __global__ void phase_gradient(const Complex64* dt, Extent e, SliceOn slice, UpdateOn update,
                                      const Offset* origin) {
  const Pixel p = my_pixel();
  const Pixel on = moved(p, *origin);
  if (!inside(p, e) || !inside(on, slice.extent)) return;
  deliver(-2 * slice.sigma * cross(dt[at(p, e)], transmission_at(p, slice, *origin, 1)), on, update);
}

} // namespace ptychoscale::cuda
