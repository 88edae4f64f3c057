#pragma once

#include "ptychoscale/compute/backend.hpp"
#include "ptychoscale/compute/kernel_rates.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace ptychoscale {

/// What a model backend stands for.
struct ModelOptions {
  std::string device; ///< whose kernel times `cost` gives; empty: none's
  int threads = 0;    ///< of a CPU backend, each of which works in memory of its own; 0: no CPU backend
  /// Seconds that a verb takes on so many elements; left out: none.
  std::function<double(Verb verb, std::size_t elements)> cost;
  /// Told, whenever the device is waited for, how long it worked since the last time.
  std::function<void(double seconds)> charge;
  PhaseTimer::Clock clock = steady_seconds; ///< on which what was charged has passed
  /// Memory that an MPI library may read and write, label `exchange`; left out: as all other memory.
  /// @{
  std::function<void*(std::size_t bytes)> allocate_messages = {};
  std::function<void(void* memory)> release_messages = {};
  /// @}
};

/// A backend that moves no data: it meters every allocation and charges every verb, so that the solvers'
/// own code, run on it, tells bytes, messages and kernel time of any rank. Its memory is address space that
/// cannot be touched; what is copied back from it is left as it was. It computes nothing, hence is not among
/// those that make_backend() names.
[[nodiscard]] std::unique_ptr<Backend> make_model_backend(ModelOptions options);

} // namespace ptychoscale
