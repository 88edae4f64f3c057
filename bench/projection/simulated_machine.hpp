#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace ptychoscale {

/// A machine that is only simulated, by SimGrid: one MPI rank on each of its hosts `gpu-0`, `gpu-1`, ...,
/// whose messages take the time that the platform's links give them, and whose kernels take what they are
/// charged. One at a time in a process.
class SimulatedMachine {
public:
  /// Loads a platform in SimGrid's XML; `settings` are SimGrid's own, `key:value`. Throws InputError for a
  /// platform with fewer hosts than `ranks`, and for a setting that SimGrid does not know.
  [[nodiscard]] SimulatedMachine(const std::filesystem::path& platform,
                                 const std::vector<std::string>& settings, int ranks);
  ~SimulatedMachine();
  SimulatedMachine(const SimulatedMachine&) = delete;
  SimulatedMachine& operator=(const SimulatedMachine&) = delete;

  /// Runs `program` on every rank, all in one address space and one thread, and returns when all have ended.
  /// MPI is the ranks' to start and end. Throws what the first of them threw. Once only.
  void run(const std::function<void(int rank)>& program);

private:
  int ranks_;
};

/// For the rank that runs.
/// @{
/// Seconds of simulated time since the start.
[[nodiscard]] double simulated_seconds();
/// Lets it compute for so long.
void compute_for(double seconds);
/// Memory to send from and receive into; all of it, on all ranks, is the same few pages, and what messages
/// bring is not copied there.
[[nodiscard]] void* allocate_shared(std::size_t bytes);
void release_shared(void* memory);
/// @}

} // namespace ptychoscale
