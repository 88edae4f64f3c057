#pragma once

#include "ptychoscale/compute/backend.hpp"

namespace ptychoscale::cpu {

/// The verbs of Backend on tile volumes.

void axpy(int threads, float* y, float a, const float* x, std::size_t n);
void pack(int threads, float* packed, Volume volume, Box box, int first_slice, int last_slice);
void unpack(int threads, Volume volume, const float* packed, Box box, int first_slice, int last_slice,
            Merging merging);
void scale(int threads, Volume volume, const float* weights);
void deliver_sum(int threads, const SliceUpdate& update, float* sum, Offset origin, Extent window);

} // namespace ptychoscale::cpu
