#include "request_set.hpp"

#include "mpi_check.hpp"

#include <mpi.h>

#include <exception>

namespace ptychoscale {

struct RequestSet::Impl {
  MPI_Comm comm;
  bool alone; // every message is complete as soon as it is posted
  std::vector<MPI_Request> requests;
  std::vector<MPI_Request> some; // of them, for one call
  std::vector<MPI_Status> statuses;
  std::vector<int> indices;
  int uncaught_at_birth = std::uncaught_exceptions();

  using Completion = int (*)(int, MPI_Request*, int*, int*, MPI_Status*);

  /// Indices into `which` of those that have completed.
  std::vector<int> complete(std::vector<MPI_Request>& which, Completion completion, const char* call) {
    if (alone) return {};
    int n = 0;
    const int code =
        completion(static_cast<int>(which.size()), which.data(), &n, indices.data(), statuses.data());
    if (n == MPI_UNDEFINED) n = 0; // nothing was pending
    if (code == MPI_ERR_IN_STATUS)
      for (int i = 0; i < n; ++i) check_mpi(statuses[static_cast<std::size_t>(i)].MPI_ERROR, call);
    check_mpi(code, call);
    return {indices.begin(), indices.begin() + n};
  }

  /// Slots of these that have completed.
  std::vector<int> complete_of(const std::vector<int>& slots, Completion completion, const char* call) {
    some.clear();
    for (const int slot : slots) some.push_back(requests[slot]);
    auto completed = complete(some, completion, call);
    for (int& i : completed) {
      requests[slots[i]] = some[i];
      i = slots[i];
    }
    return completed;
  }
};

RequestSet::RequestSet(const Communicator& comm, int slots) : impl_(std::make_unique<Impl>()) {
  const auto n = static_cast<std::size_t>(slots);
  impl_->comm = *static_cast<const MPI_Comm*>(comm.native());
  impl_->alone = comm.is_alone();
  impl_->requests.assign(n, MPI_REQUEST_NULL);
  impl_->statuses.resize(n);
  impl_->indices.resize(n);
}

RequestSet::~RequestSet() {
  if (impl_->alone) return;
  auto& requests = impl_->requests;
  if (std::uncaught_exceptions() == impl_->uncaught_at_birth) {
    MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
    return;
  }
  for (auto& request : requests)
    if (request != MPI_REQUEST_NULL) {
      MPI_Cancel(&request);
      MPI_Request_free(&request);
    }
}

void RequestSet::receive(int slot, float* data, std::size_t n, int peer, int tag) {
  if (impl_->alone) return;
  check_mpi(MPI_Irecv(data, mpi_count(n), MPI_FLOAT, peer, tag, impl_->comm, &impl_->requests[slot]),
            "MPI_Irecv");
}

void RequestSet::send(int slot, const float* data, std::size_t n, int peer, int tag) {
  if (impl_->alone) return;
  check_mpi(MPI_Isend(data, mpi_count(n), MPI_FLOAT, peer, tag, impl_->comm, &impl_->requests[slot]),
            "MPI_Isend");
}

bool RequestSet::pending(int slot) const { return impl_->requests[slot] != MPI_REQUEST_NULL; }

std::vector<int> RequestSet::test() { return impl_->complete(impl_->requests, MPI_Testsome, "MPI_Testsome"); }

std::vector<int> RequestSet::test(const std::vector<int>& slots) {
  return impl_->complete_of(slots, MPI_Testsome, "MPI_Testsome");
}

std::vector<int> RequestSet::wait(const std::vector<int>& slots) {
  return impl_->complete_of(slots, MPI_Waitsome, "MPI_Waitsome");
}

} // namespace ptychoscale
