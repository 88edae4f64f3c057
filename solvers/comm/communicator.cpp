#include "ptychoscale/comm/communicator.hpp"

#include "in_calls.hpp"
#include "mpi_check.hpp"
#include "ptychoscale/base/error.hpp"

#include <fmt/format.h>
#include <mpi.h>

#include <cstdlib>
#include <utility>

namespace ptychoscale {
namespace {

/// The largest that every MPI has: exchanges under way number theirs from 0.
constexpr int blocking_tag = 32767;

template <class T> void all_reduce(std::span<T> values, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  in_calls(values, [&](T* data, int n) {
    check_mpi(MPI_Allreduce(MPI_IN_PLACE, data, n, type, op, comm), "MPI_Allreduce");
  });
}

template <class T> void broadcast_from(std::span<T> values, MPI_Datatype type, int root, MPI_Comm comm) {
  in_calls(values, [&](T* data, int n) { check_mpi(MPI_Bcast(data, n, type, root, comm), "MPI_Bcast"); });
}

// Ranks that share this host's memory.
MPI_Comm on_this_host(MPI_Comm comm, int rank) {
  MPI_Comm host = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &host),
            "MPI_Comm_split_type");
  return host;
}
} // namespace

struct Communicator::Impl {
  MPI_Comm comm = MPI_COMM_NULL;
  int rank = 0;
  int size = 1;
  bool alone = false;
  int local_rank = 0;
  int local_size = 1;

  /// Of one rank that sends nothing: MPI need not have started.
  Impl(int our_rank, int our_size) : rank(our_rank), size(our_size), alone(true) {}
  explicit Impl(MPI_Comm group) {
    // Our own copy, so that no message of another library can be taken for one of ours.
    check_mpi(MPI_Comm_dup(group, &comm), "MPI_Comm_dup");
    check_mpi(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    check_mpi(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank");
    check_mpi(MPI_Comm_size(comm, &size), "MPI_Comm_size");
    MPI_Comm host = on_this_host(comm, rank);
    check_mpi(MPI_Comm_rank(host, &local_rank), "MPI_Comm_rank");
    check_mpi(MPI_Comm_size(host, &local_size), "MPI_Comm_size");
    check_mpi(MPI_Comm_free(&host), "MPI_Comm_free");
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (alone) return;
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (!finalized) MPI_Comm_free(&comm);
  }
};

Communicator::Communicator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Communicator::Communicator(Communicator&&) noexcept = default;
Communicator& Communicator::operator=(Communicator&&) noexcept = default;
Communicator::~Communicator() = default;

Communicator Communicator::world() { return Communicator(std::make_unique<Impl>(MPI_COMM_WORLD)); }
Communicator Communicator::self() { return Communicator(std::make_unique<Impl>(MPI_COMM_SELF)); }

Communicator Communicator::alone(int rank, int size) {
  if (rank < 0 || rank >= size)
    throw InputError(fmt::format("rank: {} of {} does not exist; valid: 0 to {}", rank, size, size - 1));
  return Communicator(std::make_unique<Impl>(rank, size));
}

int Communicator::rank() const { return impl_->rank; }
int Communicator::size() const { return impl_->size; }
bool Communicator::is_alone() const { return impl_->alone; }
bool Communicator::leads() const { return impl_->alone || impl_->rank == 0; }
int Communicator::local_rank() const { return impl_->local_rank; }
int Communicator::local_size() const { return impl_->local_size; }

void Communicator::barrier() const {
  if (!is_alone()) check_mpi(MPI_Barrier(impl_->comm), "MPI_Barrier");
}

void Communicator::sum(std::span<double> values) const {
  if (!is_alone()) all_reduce(values, MPI_DOUBLE, MPI_SUM, impl_->comm);
}
void Communicator::sum(std::span<std::uint64_t> values) const {
  if (!is_alone()) all_reduce(values, MPI_UINT64_T, MPI_SUM, impl_->comm);
}
void Communicator::max(std::span<double> values) const {
  if (!is_alone()) all_reduce(values, MPI_DOUBLE, MPI_MAX, impl_->comm);
}
void Communicator::broadcast(std::string& text, int root) const {
  if (is_alone()) return;
  unsigned long long length = text.size();
  check_mpi(MPI_Bcast(&length, 1, MPI_UNSIGNED_LONG_LONG, root, impl_->comm), "MPI_Bcast");
  text.resize(length);
  broadcast_from(std::span(text), MPI_CHAR, root, impl_->comm);
}
void Communicator::broadcast(std::span<double> values, int root) const {
  if (!is_alone()) broadcast_from(values, MPI_DOUBLE, root, impl_->comm);
}
void Communicator::broadcast(std::span<float> values, int root) const {
  if (!is_alone()) broadcast_from(values, MPI_FLOAT, root, impl_->comm);
}

std::vector<double> Communicator::gather(std::span<const double> values, int root) const {
  const int n = mpi_count(values.size());
  if (is_alone()) return {values.begin(), values.end()};
  std::vector<double> rows(rank() == root ? values.size() * static_cast<std::size_t>(size()) : 0);
  check_mpi(MPI_Gather(values.data(), n, MPI_DOUBLE, rows.data(), n, MPI_DOUBLE, root, impl_->comm),
            "MPI_Gather");
  return rows;
}

std::vector<std::string> Communicator::gather(const std::string& text, int root) const {
  if (is_alone()) return {text};
  const auto ranks = static_cast<std::size_t>(rank() == root ? size() : 0);
  const int length = mpi_count(text.size());
  std::vector<int> lengths(ranks);
  check_mpi(MPI_Gather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, root, impl_->comm), "MPI_Gather");

  std::vector<int> starts(ranks);
  std::size_t total = 0;
  for (std::size_t r = 0; r < ranks; ++r) {
    starts[r] = mpi_count(total);
    total += static_cast<std::size_t>(lengths[r]);
  }
  std::string all(total, '\0');
  check_mpi(MPI_Gatherv(text.data(), length, MPI_CHAR, all.data(), lengths.data(), starts.data(), MPI_CHAR,
                        root, impl_->comm),
            "MPI_Gatherv");
  std::vector<std::string> texts(ranks);
  for (std::size_t r = 0; r < ranks; ++r) texts[r] = all.substr(starts[r], lengths[r]);
  return texts;
}

void Communicator::send(std::span<const float> values, int peer) const {
  if (is_alone()) return;
  in_calls(values, [&](const float* data, int n) {
    check_mpi(MPI_Send(data, n, MPI_FLOAT, peer, blocking_tag, impl_->comm), "MPI_Send");
  });
}
void Communicator::receive(std::span<float> values, int peer) const {
  if (is_alone()) return;
  in_calls(values, [&](float* data, int n) {
    check_mpi(MPI_Recv(data, n, MPI_FLOAT, peer, blocking_tag, impl_->comm, MPI_STATUS_IGNORE), "MPI_Recv");
  });
}

void Communicator::abort(int exit_code) const {
  if (is_alone()) std::_Exit(exit_code);
  MPI_Abort(impl_->comm, exit_code);
  std::abort(); // MPI_Abort does not return, but is not declared so
}

const void* Communicator::native() const { return &impl_->comm; }

std::string Communicator::library_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  check_mpi(MPI_Get_library_version(text, &length), "MPI_Get_library_version");
  const std::string version(text); // up to its end mark, which Open MPI counts into the length
  return version.substr(0, version.find('\n'));
}

} // namespace ptychoscale
