#pragma once

#include "ptychoscale/compute/backend.hpp"

#include <span>

namespace ptychoscale {

/// A copy in backend memory, metered as `waves`.
template <class T> [[nodiscard]] Buffer<T> upload(Backend& backend, std::span<const T> host) {
  Buffer<T> buffer(backend, host.size(), MemoryLabel::waves);
  buffer.upload(host);
  return buffer;
}

} // namespace ptychoscale
