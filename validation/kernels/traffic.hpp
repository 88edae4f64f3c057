#pragma once

#include <vector>

namespace ptychoscale::kernels {

/// What is known of a fused kernel before any compiler for GPUs has seen it.
struct KernelShape {
  const char* verb; ///< as the backend calls it
  const char* job;  ///< the kernel's argument, which tells kernels of one name apart
  int length;
  int lines;        ///< of a block
  int threads;      ///< of a block
  int memory_bytes; ///< of shared memory of a block, all of it dynamic
  int values;       ///< of a line that a thread works on; some have fewer where they do not divide evenly
  double passes;    ///< bytes read or written of waves, potential and gradient, in waves (8 bytes x pixels)
  double rewind_passes; ///< the same of transmit_adjoint when it makes the wave of the slice before, too
};

/// Every kernel of every length. Traffic is counted while a full block runs on the host, all of its lines on
/// the slice; tables of one line, which caches hold, are left out.
std::vector<KernelShape> shapes_of_kernels();

} // namespace ptychoscale::kernels
