#pragma once

#include "fused_columns.hpp"
#include "fused_rows.hpp"

#include <cuda_runtime.h>

namespace ptychoscale::cuda {

/// The kernels of lines of `length`, one of FusedLengths, on `waves` waves.
/// @{
void launch(const TransformRows& job, int length, int waves, cudaStream_t stream);
void launch(const TransmitRows& job, int length, int waves, cudaStream_t stream);
void launch(const TransmitAdjointRows& job, int length, int waves, cudaStream_t stream);
void launch(const TransformColumns& job, int length, int waves, cudaStream_t stream);
void launch(const PropagateColumns& job, int length, int waves, cudaStream_t stream);
/// @}

/// A thread for every pixel of every wave.
void launch(const GatherGradients& job, cudaStream_t stream);

/// Lets the column kernels have as much shared memory as their blocks need; once per length, before they run.
void allow_column_memory(int length);

} // namespace ptychoscale::cuda
