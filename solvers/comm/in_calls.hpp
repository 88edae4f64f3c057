#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

namespace ptychoscale {

/// Runs call(data, int count) over parts of `values`, so that spans of any length stay far below MPI's int
/// counts.
template <class T, class Call> void in_calls(std::span<T> values, Call call) {
  constexpr std::size_t call_length = std::size_t{1} << 28;
  for (std::size_t done = 0; done < values.size(); done += call_length) {
    const auto part = values.subspan(done, std::min(call_length, values.size() - done));
    call(part.data(), static_cast<int>(part.size()));
  }
}

} // namespace ptychoscale
