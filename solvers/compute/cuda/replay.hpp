#pragma once

#include "ptychoscale/compute/backend.hpp"

#include <cstdint>
#include <cuda_runtime.h>
#include <functional>

namespace ptychoscale::cuda {

/// Backend::replay on one stream: the first time with an empty recording `verbs` only run, so that what they
/// allocate or load is there; the second time they are captured, and from then on their graph is launched.
///
/// A graph may hold any address that verbs use. So `releases`, how often memory was given back so far, voids
/// a recording when it is not what it was when the verbs ran. Throws RunError with the vendor's text when
/// verbs cannot be captured, or what they throw; the stream captures no more then.
void replay(Recording& recording, std::uint64_t releases, cudaStream_t stream,
            const std::function<void()>& verbs);

} // namespace ptychoscale::cuda
