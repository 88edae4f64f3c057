#include "ptychoscale/comm/ordered_sum.hpp"

#include <algorithm>
#include <functional>

namespace ptychoscale {
namespace {
constexpr int tag =
    32767; // the largest that every MPI has: exchanges under way meanwhile number theirs from 0
} // namespace

void sum_on_first(const Communicator& comm, std::span<float> values, std::span<float> other) {
  for (int apart = 1; apart < comm.size(); apart *= 2) {
    if (comm.rank() % (2 * apart) != 0) return comm.send(values, comm.rank() - apart, tag);
    if (comm.rank() + apart >= comm.size()) continue;
    comm.receive(other, comm.rank() + apart, tag);
    std::ranges::transform(values, other, values.begin(), std::plus{});
  }
}

} // namespace ptychoscale
