#pragma once

#include "launch.cuh"
#include "slice_element.hpp"

// Tile volumes: one thread per voxel.
namespace ptychoscale::cuda {

static __global__ void axpy(float* y, float a, const float* x, std::size_t n) {
  const std::size_t i = my_element();
  if (i < n) y[i] += a * x[i];
}

static __global__ void scale_volume(float* volume, const float* weights, std::size_t area, std::size_t n) {
  const std::size_t i = my_element();
  if (i < n) volume[i] *= weights[i % area];
}

/// What move_box does with a voxel and its packed copy.
enum class Packing { pack, add, replace };

/// grid.z runs over slices.
static __global__ void move_box(float* volume, Extent e, float* packed, Box box, int first_slice,
                                Packing packing) {
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

/// What is in `sum` under the window goes where the update says.
static __global__ void deliver_sum(float* sum, Extent window, UpdateOn update, const Offset* origin) {
  const Pixel p = my_pixel();
  const Pixel on = moved(p, *origin);
  if (!inside(p, window) || !inside(on, update.extent)) return;
  float& g = sum[at(on, update.extent)];
  deliver(g, on, update);
  g = 0;
}

} // namespace ptychoscale::cuda
