#include "check.hpp"
#include "cufft_plans.hpp"
#include "launch.cuh"
#include "slice_element.hpp"
#include "slice_step.hpp"

namespace ptychoscale::cuda {
namespace {

// Between the transforms: one thread per pixel, no two of a launch on the same one.

__global__ void scale_waves(Complex64* w, std::size_t n, float factor) {
  const std::size_t i = my_element();
  if (i < n) w[i] = scaled(w[i], factor);
}

/// A wave's pixel among all of them, which lie one below the other.
__device__ Pixel in_wave(unsigned wave, Pixel p, Extent e) {
  return {static_cast<int>(wave) * e.y + p.y, p.x};
}

__global__ void transmit_kernel(Complex64* waves, Extent e, SliceOn slice, const Offset* origins,
                                float scale) {
  const Pixel p = my_pixel();
  if (!inside(p, e)) return;
  Complex64& w = waves[at(in_wave(blockIdx.z, p, e), e)];
  w = times(w, transmission_at(p, slice, origins[blockIdx.z], scale));
}

__global__ void transmit_adjoint_kernel(Complex64* w, Complex64* a, Extent e, SliceOn slice, UpdateOn update,
                                        const Offset* origin, float scale, bool rewind) {
  const Pixel p = my_pixel();
  if (!inside(p, e)) return;
  const std::size_t i = at(p, e);
  const Complex64 t = transmission_at(p, slice, *origin, scale);
  const Pixel on = moved(p, *origin);
  if (inside(on, slice.extent)) deliver(-2 * slice.sigma * scale * scale * cross(a[i], w[i]), on, update);
  a[i] = times_conjugate(a[i], t);
  if (rewind) w[i] = times_conjugate(w[i], t);
}

__global__ void propagate_kernel(Complex64* waves, Extent e, PropagatorOn propagator) {
  const Pixel k = my_pixel();
  if (!inside(k, e)) return;
  Complex64& w = waves[at(in_wave(blockIdx.z, k, e), e)];
  w = times(w, propagation_factor(propagator, propagator.x[k.x], k, at(k, e)));
}

class CufftSliceStep final : public SliceStep {
public:
  CufftSliceStep(Backend& memory, cudaStream_t stream)
      : memory_(memory), stream_(stream), plans_(memory, stream) {}

  void prepare(Extent extent) override { plans_.prepare(extent); }
  [[nodiscard]] std::string description() const override { return "kernels cufft"; }

  void transform_rows(Waves waves, Direction direction) override {
    plans_.rows(waves, direction);
    if (direction == Direction::inverse) scale(waves, 1.0F / static_cast<float>(waves.extent.x));
  }
  void transform_columns(Waves waves, Direction direction) override {
    plans_.columns(waves, direction);
    if (direction == Direction::inverse) scale(waves, 1.0F / static_cast<float>(waves.extent.y));
  }

  void transmit(Waves waves, Slice potential, const Offset* origins, float sigma) override {
    plans_.rows(waves, Direction::inverse);
    const float scale = 1.0F / static_cast<float>(waves.extent.x);
    launch_kernel("transmit", transmit_kernel, over_pixels(waves.extent, waves.count), stream_,
                  raw(waves.data), waves.extent, {potential.data, potential.extent, sigma}, origins, scale);
    plans_.rows(waves, Direction::forward);
  }

  void propagate(Waves waves, const Propagator& p, Sense sense) override {
    plans_.columns(waves, Direction::forward);
    const PropagatorOn propagator{raw(p.y), raw(p.x), p.mask, 1.0F / static_cast<float>(waves.extent.y),
                                  sense == Sense::direct ? 1.0F : -1.0F};
    launch_kernel("propagate", propagate_kernel, over_pixels(waves.extent, waves.count), stream_,
                  raw(waves.data), waves.extent, propagator);
    plans_.columns(waves, Direction::inverse);
  }

  void transmit_adjoint(Waves transmitted, Waves adjoint, const SliceUpdate& update, const Offset* origins,
                        float sigma, bool rewind) override {
    if (!rewind) transmitted = copy(transmitted);
    rows_of_both(transmitted, adjoint, Direction::inverse);
    const float scale = 1.0F / static_cast<float>(adjoint.extent.x);
    const SliceOn slice{update.potential.data, update.potential.extent, sigma};
    const UpdateOn target{update.potential.data, update.gradient, update.potential.extent, update.step};
    // One launch per wave: overlapping windows add to the gradient in a fixed order.
    for (int i = 0; i < adjoint.count; ++i)
      launch_kernel("transmit_adjoint", transmit_adjoint_kernel, over_pixels(adjoint.extent), stream_,
                    raw(transmitted.one(i).data), raw(adjoint.one(i).data), adjoint.extent, slice, target,
                    origins + i, scale, rewind);
    if (rewind) return rows_of_both(transmitted, adjoint, Direction::forward);
    plans_.rows(adjoint, Direction::forward);
  }

private:
  /// In one transform where one lies behind the other, as in a sweep that runs waves backwards.
  void rows_of_both(Waves transmitted, Waves adjoint, Direction direction) {
    if (transmitted.data + transmitted.size() == adjoint.data)
      return plans_.rows_in_pairs({transmitted.data, 2 * transmitted.count, transmitted.extent}, direction);
    plans_.rows(transmitted, direction);
    plans_.rows(adjoint, direction);
  }
  void scale(Waves waves, float factor) {
    launch_kernel("scale_waves", scale_waves, over_elements(waves.size()), stream_, raw(waves.data),
                  waves.size(), factor);
  }
  Waves copy(Waves waves) {
    if (copy_.size() < waves.size()) copy_ = Buffer<Complex>(memory_, waves.size(), MemoryLabel::waves);
    check(cudaMemcpyAsync(copy_.data(), waves.data, waves.size() * sizeof(Complex), cudaMemcpyDeviceToDevice,
                          stream_),
          "cudaMemcpyAsync");
    return {copy_.data(), waves.count, waves.extent};
  }

  Backend& memory_;
  cudaStream_t stream_;
  CufftPlans plans_;
  Buffer<Complex> copy_;
};

} // namespace

std::unique_ptr<SliceStep> make_cufft_slice_step(Backend& memory, cudaStream_t stream) {
  return std::make_unique<CufftSliceStep>(memory, stream);
}

} // namespace ptychoscale::cuda
