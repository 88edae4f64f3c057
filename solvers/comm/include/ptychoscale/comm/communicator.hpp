#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ptychoscale {

enum class Threads { one, several };

/// Starts MPI for the life of the object and finalizes it at the end. Beside `several` threads (level
/// FUNNELED) it throws RunError when the library cannot run.
class MpiSession {
public:
  [[nodiscard]] MpiSession(int& argc, char**& argv, Threads threads = Threads::several);
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
};

/// A group of ranks; the only door to MPI. Every call's error code is checked and its text kept (RunError).
class Communicator {
public:
  /// All ranks of the running MpiSession.
  [[nodiscard]] static Communicator world();
  /// This rank alone, for a serial solver beside a parallel one.
  [[nodiscard]] static Communicator self();
  /// This process as rank `rank` of `size`, the others not being there: its messages are counted and go
  /// nowhere, what it expects from others arrives at once and leaves the receiving memory as it is, and
  /// collectives see its own values only. For running one rank's allocations and arithmetic without the
  /// machine. Throws InputError for a rank that is not below `size`.
  [[nodiscard]] static Communicator alone(int rank, int size);
  Communicator(Communicator&&) noexcept;
  Communicator& operator=(Communicator&&) noexcept;
  ~Communicator();

  [[nodiscard]] int rank() const;
  [[nodiscard]] int size() const;
  /// Whether the other ranks are not there, see alone().
  [[nodiscard]] bool is_alone() const;
  /// Whether this process does what only one does, such as reporting: rank 0, or the one that is alone.
  [[nodiscard]] bool leads() const;
  /// Rank and number of ranks on this host.
  [[nodiscard]] int local_rank() const;
  [[nodiscard]] int local_size() const;
  void barrier() const;
  /// In place, over all ranks.
  void sum(std::span<double> values) const;
  void max(std::span<double> values) const;
  /// Modulo 2^64.
  void sum(std::span<std::uint64_t> values) const;
  /// In-place float sum over all ranks (the `allreduce` exchange).
  void sum(std::span<float> values) const;
  void broadcast(std::string& text, int root) const;
  void broadcast(std::span<double> values, int root) const;
  void broadcast(std::span<float> values, int root) const;
  /// Row r of the result (on root; empty elsewhere) is what rank r passed; all pass equally many.
  [[nodiscard]] std::vector<double> gather(std::span<const double> values, int root) const;
  /// Same for text of any length.
  [[nodiscard]] std::vector<std::string> gather(const std::string& text, int root) const;
  /// Blocking point-to-point floats, in the order of the calls; never taken for messages of an exchange that
  /// is under way meanwhile.
  void send(std::span<const float> values, int peer) const;
  void receive(std::span<float> values, int peer) const;

  /// Runs `step` on every rank and agrees on the outcome: if it threw anywhere, every rank throws, with the
  /// message of the lowest failing rank and its kind (InputError or RunError), so that all ranks end
  /// together. Collective.
  void agree(const std::function<void()>& step) const;

  /// Ends every rank of the job at once with `exit_code`.
  [[noreturn]] void abort(int exit_code) const;

  /// The MPI communicator as an opaque pointer, for a library that needs it (parallel HDF5).
  [[nodiscard]] const void* native() const;
  /// Whether the MPI library says, now that it runs, that messages may lie in a GPU's memory; not if it
  /// cannot say. Open MPI with its extension `cuda`, and MPICH from 4.0 on, can.
  [[nodiscard]] static bool takes_device_memory();
  /// Name and version of the MPI library.
  [[nodiscard]] static std::string library_version();

private:
  struct Impl;
  explicit Communicator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace ptychoscale
