#include "mpi_check.hpp"
#include "ptychoscale/comm/communicator.hpp"

#include <mpi.h>

#include <bit>

// An MPI library's own all-reduce copies and adds up the values, of which there are none here, and SMPI's
// does so too: 4158 ranks would need as many times the memory of a slice. So the messages are sent one by
// one, as libraries send them for large values.

namespace ptychoscale {
namespace {

/// The messages of Rabenseifner's all-reduce (Thakur, Rabenseifner, Gropp, 2005, Sec. 4.5): reduce-scatter by
/// recursive halving, then all-gather by recursive doubling, on as many ranks as the largest power of two;
/// the others hand their values to a neighbour before and get the sum after. Adding up is not charged: memory
/// is some ten times faster than a network.
class RabenseifnerSum {
public:
  RabenseifnerSum(std::span<float> values, MPI_Comm comm, int rank, int size)
      : values_(values), comm_(comm), rank_(rank), power_(static_cast<int>(std::bit_floor(unsigned(size)))),
        extra_(size - power_) {}

  void run() const {
    const bool paired = rank_ < 2 * extra_;
    if (paired && rank_ % 2 == 0) {
      send(values_.size(), rank_ + 1);
      receive(values_.size(), rank_ + 1);
      return;
    }
    if (paired) receive(values_.size(), rank_ - 1);
    exchange_halves();
    if (paired) send(values_.size(), rank_ - 1);
  }

private:
  /// The k-th of the ranks that take part.
  [[nodiscard]] int participant(int k) const { return k < extra_ ? 2 * k + 1 : k + extra_; }
  [[nodiscard]] std::size_t part(int shares) const {
    return (values_.size() + static_cast<std::size_t>(shares) - 1) / static_cast<std::size_t>(shares);
  }

  void exchange_halves() const {
    const int k = rank_ < 2 * extra_ ? rank_ / 2 : rank_ - extra_;
    for (int distance = power_ / 2; distance > 0; distance /= 2) swap(part(power_ / distance), k ^ distance);
    for (int distance = 1; distance < power_; distance *= 2) swap(part(power_ / distance), k ^ distance);
  }

  void swap(std::size_t n, int k) const {
    const int peer = participant(k);
    check_mpi(MPI_Sendrecv(values_.data(), mpi_count(n), MPI_FLOAT, peer, 0, values_.data(), mpi_count(n),
                           MPI_FLOAT, peer, 0, comm_, MPI_STATUS_IGNORE),
              "MPI_Sendrecv");
  }
  void send(std::size_t n, int peer) const {
    check_mpi(MPI_Send(values_.data(), mpi_count(n), MPI_FLOAT, peer, 0, comm_), "MPI_Send");
  }
  void receive(std::size_t n, int peer) const {
    check_mpi(MPI_Recv(values_.data(), mpi_count(n), MPI_FLOAT, peer, 0, comm_, MPI_STATUS_IGNORE),
              "MPI_Recv");
  }

  std::span<float> values_;
  MPI_Comm comm_;
  int rank_;
  int power_;
  int extra_;
};

} // namespace

void Communicator::sum(std::span<float> values) const {
  RabenseifnerSum(values, *static_cast<const MPI_Comm*>(native()), rank(), size()).run();
}

} // namespace ptychoscale
