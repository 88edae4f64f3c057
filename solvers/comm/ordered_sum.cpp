#include "ptychoscale/comm/ordered_sum.hpp"

#include <algorithm>
#include <functional>

namespace ptychoscale {
void sum_on_first(const Communicator& comm, std::span<float> values, std::span<float> other) {
  for (int apart = 1; apart < comm.size(); apart *= 2) {
    if (comm.rank() % (2 * apart) != 0) return comm.send(values, comm.rank() - apart);
    if (comm.rank() + apart >= comm.size()) continue;
    comm.receive(other, comm.rank() + apart);
    std::ranges::transform(values, other, values.begin(), std::plus{});
  }
}

} // namespace ptychoscale
