#pragma once

#include "ptychoscale/compute/backend.hpp"

#include <cuda_runtime.h>
#include <memory>
#include <string>

namespace ptychoscale::cuda {

/// The verbs of Backend that change a wave's representation or make a slice step, which there is more than
/// one way to compute. All are launched on the stream given when it was made, never wait for it, and allocate
/// nothing when called again with the same, so that a stream can capture them; `origins` [wave] are device
/// memory.
class SliceStep {
public:
  SliceStep() = default;
  SliceStep(const SliceStep&) = delete;
  SliceStep& operator=(const SliceStep&) = delete;
  virtual ~SliceStep() = default;

  virtual void prepare(Extent extent) = 0;
  /// "kernels ..", and what goes another way, for reports.
  [[nodiscard]] virtual std::string description() const = 0;
  virtual void transform_rows(Waves waves, Direction direction) = 0;
  virtual void transform_columns(Waves waves, Direction direction) = 0;
  virtual void transmit(Waves waves, Slice potential, const Offset* origins, float sigma) = 0;
  virtual void propagate(Waves waves, const Propagator& propagator, Sense sense) = 0;
  virtual void transmit_adjoint(Waves transmitted, Waves adjoint, const SliceUpdate& update,
                                const Offset* origins, float sigma, bool rewind) = 0;
};

/// cuFFT and element-wise kernels, any extent. Six kernels per slice step.
[[nodiscard]] std::unique_ptr<SliceStep> make_cufft_slice_step(Backend& memory, cudaStream_t stream);
/// Two kernels per slice step where both sides of the extent are among FusedLengths; elsewhere cuFFT, with a
/// warning on stderr at prepare().
[[nodiscard]] std::unique_ptr<SliceStep> make_fused_slice_step(Backend& memory, cudaStream_t stream);

} // namespace ptychoscale::cuda
