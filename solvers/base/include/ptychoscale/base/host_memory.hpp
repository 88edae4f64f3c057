#pragma once

#include "ptychoscale/base/memory_meter.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace ptychoscale {

/// How much memory a process may still have, by the tightest of the limits that hold for it.
struct HostMemory {
  std::int64_t available = 0; ///< bytes, swap counted
  std::int64_t total = 0;     ///< bytes that the limit is
  std::string limit;          ///< whose it is, such as "this machine" or "its cgroup"
};

/// Whose limits count: those that all processes of a host share, or `ulimit -v` too, which each has for
/// itself.
enum class LimitsOf { host, process };

/// By the machine's memory, the cgroups (v1 or v2) that the process is in, and `ulimit -v`. Pages of files
/// that the kernel can drop count as available. `root` is where /proc and /sys lie.
[[nodiscard]] HostMemory host_memory(LimitsOf whose = LimitsOf::process,
                                     const std::filesystem::path& root = "/");

/// Throws InputError, in one line, where this process may not have `bytes` more: what they are for, what
/// there is and by whose limit, and what may fit.
void require_memory(double bytes, const std::string& what, const std::string& may_fit,
                    const HostMemory& memory = host_memory());

/// What this process holds by label, such as "volume 3 MB, waves 1.5 GB"; "nothing" when that is so.
[[nodiscard]] std::string ledger(const MemoryMeter::Reading& meter);

/// One line: what was asked for, what there is and by whose limit, and what this process holds.
[[nodiscard]] std::string out_of_memory_text(MemoryLabel label, std::size_t asked, const HostMemory& memory,
                                             const MemoryMeter::Reading& meter);

/// The same of an allocation that nobody has labelled: what there is, and what this process holds.
[[nodiscard]] std::string out_of_memory_text(const HostMemory& memory, const MemoryMeter::Reading& meter);

} // namespace ptychoscale
