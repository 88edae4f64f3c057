#pragma once

#include "ptychoscale/comm/communicator.hpp"

#include <span>

namespace ptychoscale {

/// Adds up all ranks' values on rank 0, where `values` then holds the sum; elsewhere it holds parts of it.
/// `other` is as long, and what it holds is lost. Ranks are added as a binary tree has them, (0 + 1) + (2 +
/// 3) and so on, whichever is ready first and whichever MPI library carries the messages, so that the bits
/// are always the same. Collective.
void sum_on_first(const Communicator& comm, std::span<float> values, std::span<float> other);

} // namespace ptychoscale
