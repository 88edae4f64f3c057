#include "ptychoscale/base/host_memory.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <sys/resource.h>
#include <vector>

namespace ptychoscale {
namespace {

namespace fs = std::filesystem;

std::string first_word(const fs::path& file) {
  std::string word;
  std::ifstream(file) >> word;
  return word;
}

/// A file's one number; none for "max" and where there is no such file.
std::optional<std::int64_t> number_in(const fs::path& file) {
  const auto word = first_word(file);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  return error == std::errc() && end != word.data() ? std::optional(value) : std::nullopt;
}

/// The number behind a key that begins a line, as in meminfo, status and memory.stat; 0 without one.
std::int64_t value_of(const fs::path& file, std::string_view key) {
  std::ifstream in(file);
  for (std::string word; in >> word;) {
    std::int64_t value = 0;
    if (word == key && in >> value) return value;
    std::getline(in, word);
  }
  return 0;
}

HostMemory machine_memory(const fs::path& root) {
  const auto meminfo = root / "proc/meminfo";
  constexpr std::int64_t kB = 1024;
  const auto swap = value_of(meminfo, "SwapFree:");
  return {kB * (value_of(meminfo, "MemAvailable:") + swap), kB * (value_of(meminfo, "MemTotal:") + swap),
          "this machine"};
}

/// Where the process's memory cgroup lies below the place where such are mounted; a container may see only
/// its own, as the place itself.
fs::path cgroup_folder(const fs::path& root, bool v2) {
  const auto mount = root / (v2 ? "sys/fs/cgroup" : "sys/fs/cgroup/memory");
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string controllers = ","; // added to, since GCC 12 warns of a sum
    controllers.append(line, first + 1, second - first - 1).append(",");
    if (!(v2 ? controllers == ",," : controllers.find(",memory,") != std::string::npos)) continue;
    const auto folder = mount / fs::path(line.substr(second + 1)).relative_path();
    std::error_code error;
    if (fs::is_directory(folder, error)) return folder;
  }
  return mount;
}

/// The tightest of a cgroup and those around it.
void consider_cgroups(HostMemory& tightest, const fs::path& root, bool v2) {
  const auto mount = root / (v2 ? "sys/fs/cgroup" : "sys/fs/cgroup/memory");
  for (auto folder = cgroup_folder(root, v2);; folder = folder.parent_path()) {
    const auto limit = number_in(folder / (v2 ? "memory.max" : "memory.limit_in_bytes"));
    const auto used = number_in(folder / (v2 ? "memory.current" : "memory.usage_in_bytes"));
    const auto droppable = value_of(folder / "memory.stat", v2 ? "inactive_file" : "total_inactive_file");
    if (limit && used) {
      const auto left = std::max<std::int64_t>(0, *limit - *used + droppable);
      if (left < tightest.available) tightest = {left, *limit, "its cgroup"};
    }
    if (folder == mount || folder == folder.parent_path()) return;
  }
}

void consider_address_space(HostMemory& tightest, const fs::path& root) {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
  const auto most = static_cast<std::int64_t>(limit.rlim_cur);
  const auto left = std::max<std::int64_t>(0, most - 1024 * value_of(root / "proc/self/status", "VmSize:"));
  if (left < tightest.available) tightest = {left, most, "ulimit -v"};
}

std::string what_there_is(const HostMemory& memory, const MemoryMeter::Reading& meter) {
  return fmt::format("{} of {} are free (the limit of {}); this process holds {}",
                     readable_bytes(static_cast<double>(memory.available)),
                     readable_bytes(static_cast<double>(memory.total)), memory.limit, ledger(meter));
}

} // namespace

HostMemory host_memory(LimitsOf whose, const fs::path& root) {
  auto memory = machine_memory(root);
  for (const bool v2 : {true, false}) consider_cgroups(memory, root, v2);
  if (whose == LimitsOf::process) consider_address_space(memory, root);
  return memory;
}

void require_memory(double bytes, const std::string& what, const std::string& may_fit,
                    const HostMemory& memory) {
  if (bytes <= static_cast<double>(memory.available)) return;
  throw InputError(
      fmt::format("memory: {} will take {}, {} of {} are free (the limit of {}); what may fit: {}", what,
                  readable_bytes(bytes), readable_bytes(static_cast<double>(memory.available)),
                  readable_bytes(static_cast<double>(memory.total)), memory.limit, may_fit));
}

std::string ledger(const MemoryMeter::Reading& meter) {
  std::vector<std::string> rows;
  for (std::size_t i = 0; i < memory_label_count; ++i)
    if (meter.now[i] != 0)
      rows.push_back(fmt::format("{} {}", name(static_cast<MemoryLabel>(i)),
                                 readable_bytes(static_cast<double>(meter.now[i]))));
  return rows.empty() ? "nothing" : fmt::format("{}", fmt::join(rows, ", "));
}

std::string out_of_memory_text(MemoryLabel label, std::size_t asked, const HostMemory& memory,
                               const MemoryMeter::Reading& meter) {
  return fmt::format("memory: {} for {} are not to be had, {}", readable_bytes(static_cast<double>(asked)),
                     name(label), what_there_is(memory, meter));
}

std::string out_of_memory_text(const HostMemory& memory, const MemoryMeter::Reading& meter) {
  return fmt::format("memory: an allocation failed, {}", what_there_is(memory, meter));
}

void refuse_memory(MemoryLabel label, std::size_t bytes) {
  throw OutOfMemory(out_of_memory_text(label, bytes, host_memory(), memory_meter().read()));
}

} // namespace ptychoscale
