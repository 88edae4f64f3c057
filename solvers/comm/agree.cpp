#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/host_memory.hpp"
#include "ptychoscale/comm/communicator.hpp"

#include <array>
#include <exception>
#include <new>
#include <optional>
#include <string>

namespace ptychoscale {
namespace {
// What went wrong on one rank, in a form that can be sent.
struct Failure {
  bool by_input = false;
  std::string message;
  std::exception_ptr own = {}; // of a kind that this rank's caller may know more of
};

std::optional<Failure> failure_of(const Communicator& comm, const std::function<void()>& step) {
  try {
    step();
  } catch (const InputError& e) {
    return Failure{true, e.what()};
  } catch (const OutOfMemory& e) { // ranks differ in what they need, hosts in what they have
    return Failure{false, (comm.size() > 1 ? "rank " + std::to_string(comm.rank()) + ": " : "") + e.what(),
                   std::current_exception()};
  } catch (const std::bad_alloc&) {
    return Failure{false, out_of_memory_text(host_memory(), memory_meter().read())};
  } catch (const std::exception& e) {
    return Failure{false, e.what()};
  }
  return std::nullopt;
}
} // namespace

void Communicator::agree(const std::function<void()>& step) const {
  const auto failure = failure_of(*this, step);
  if (failure && failure->own && (size() == 1 || is_alone())) std::rethrow_exception(failure->own);
  // The largest of these belongs to the lowest failing rank; zero when all went well.
  std::array<double, 1> lowest{failure ? double(size() - rank()) : 0.0};
  max(lowest);
  if (lowest[0] == 0) return;

  const int root = size() - static_cast<int>(lowest[0]);
  std::array<double, 1> by_input{failure && failure->by_input ? 1.0 : 0.0};
  std::string message = failure ? failure->message : std::string();
  broadcast(by_input, root);
  broadcast(message, root);
  if (by_input[0] != 0) throw InputError(message);
  throw RunError(message);
}

} // namespace ptychoscale
