#pragma once

#include "ptychoscale/comm/communicator.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace ptychoscale {

/// A fixed number of slots, each holding at most one message under way. A buffer belongs to MPI until its
/// slot is reported complete. `comm` must outlive the set.
class RequestSet {
public:
  [[nodiscard]] RequestSet(const Communicator& comm, int slots);
  /// Waits for outstanding sends, which the peers have posted receives for. While an exception unwinds, the
  /// peers may have none: then messages are abandoned, since the run is ending.
  ~RequestSet();
  RequestSet(const RequestSet&) = delete;
  RequestSet& operator=(const RequestSet&) = delete;

  /// Posts a message from or to `peer`; the slot must be idle.
  void receive(int slot, float* data, std::size_t n, int peer, int tag);
  void send(int slot, const float* data, std::size_t n, int peer, int tag);
  [[nodiscard]] bool pending(int slot) const;

  /// Slots completed since the last call, in no particular order; empty at once when none is pending.
  [[nodiscard]] std::vector<int> test();
  /// The same of these slots only.
  [[nodiscard]] std::vector<int> test(const std::vector<int>& slots);
  /// Blocks until at least one of these slots completes; gives those that have. Empty when none is pending.
  [[nodiscard]] std::vector<int> wait(const std::vector<int>& slots);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace ptychoscale
