#include "ptychoscale/record/machine.hpp"

#include <algorithm>
#include <fstream>

namespace ptychoscale {
namespace {

using std::filesystem::path;

void lower(std::optional<double>& least, double quota) { least = least ? std::min(*least, quota) : quota; }

/// "200000 100000": microseconds of processor time in a period; "max 100000": no limit.
void read_version_2(const path& group, std::optional<double>& least) {
  double quota = 0;
  double period = 0;
  if (std::ifstream(group / "cpu.max") >> quota >> period && quota > 0 && period > 0)
    lower(least, quota / period);
}

/// The same in two files; -1: no limit.
void read_version_1(const path& group, std::optional<double>& least) {
  double quota = 0;
  double period = 0;
  std::ifstream(group / "cpu.cfs_quota_us") >> quota;
  std::ifstream(group / "cpu.cfs_period_us") >> period;
  if (quota > 0 && period > 0) lower(least, quota / period);
}

/// Calls `read` on a group and on all that it lies in: the tightest limit counts. Inside a container the path
/// may be one of the host's, which is not there, but the root then has the container's own limit.
template <class Read> void up_to_root(const path& root, const path& group, const Read& read) {
  for (path each = group.relative_path(); !each.empty(); each = each.parent_path()) read(root / each);
  read(root);
}

/// Whether a list such as "cpu,cpuacct" names the processor's controller.
bool names_cpu(const std::string& controllers) {
  return ("," + controllers + ",").find(",cpu,") != std::string::npos;
}

} // namespace

std::optional<double> cpu_quota(const path& groups, const path& limits) {
  std::optional<double> least;
  std::ifstream lines(groups);
  for (std::string line; std::getline(lines, line);) { // "3:cpu,cpuacct:/job", or "0::/job"
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const auto controllers = line.substr(first + 1, second - first - 1);
    const path group = line.substr(second + 1);
    if (controllers.empty())
      up_to_root(limits, group, [&](const path& each) { read_version_2(each, least); });
    else if (names_cpu(controllers))
      for (const path& mounted : {limits / controllers, limits / "cpu"})
        up_to_root(mounted, group, [&](const path& each) { read_version_1(each, least); });
  }
  return least;
}

} // namespace ptychoscale
