#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace ptychoscale {

/// What the system says at one moment of the cores that this process may use.
struct LoadSample {
  std::chrono::steady_clock::time_point when;
  double average = 0;           ///< tasks that ran or wanted to, over the last minute, on the whole host
  std::map<int, double> busy_s; ///< by core: seconds since the system started that anything ran on it
  double own_s = 0;             ///< processor time of this process, seconds
};
[[nodiscard]] LoadSample sample_load();

/// Where one rank ran, on how many threads, and what went on there meanwhile.
struct RankPlace {
  std::string host;
  std::string cores;  ///< cores it was bound to, as ranges
  std::string gpu;    ///< it computed on, as Backend::device() names it; empty for none
  int threads = 1;    ///< that OpenMP gave it
  int host_cores = 1; ///< of the host, whoever may use them
  double seconds = 0;
  double average_start = 0; ///< load averages of a minute
  double average_end = 0;
  std::map<int, double> busy_s; ///< by core: seconds that anything ran on it
  double own_s = 0;             ///< processor time of this rank, seconds
  std::optional<double> quota;  ///< see cpu_quota()
  std::optional<double> MHz;    ///< see clock_MHz()
};

/// This rank's place between two samples; `gpu` as Backend::device() names it.
[[nodiscard]] RankPlace place_between(const LoadSample& start, const LoadSample& end, int threads,
                                      const std::string& gpu = {});

/// A place as text, for ranks to send, and back.
/// @{
[[nodiscard]] std::string to_text(const RankPlace& place);
[[nodiscard]] RankPlace place_from(const std::string& text);
/// @}

/// What disturbed a run: of the host on which others used the most.
struct HostLoad {
  std::string host;
  int cores = 0; ///< that the ranks there may use, all of them together
  int host_cores = 0;
  int threads = 0; ///< of the ranks there
  double average_start = 0;
  double average_end = 0;
  std::optional<double>
      used_by_others; ///< cores that other processes used, on average; none of a run too short
  std::optional<double> quota;
  std::optional<double> MHz;
};
[[nodiscard]] HostLoad busiest_host(const std::vector<RankPlace>& places);

/// What a reader of a run's times must know, each a line: a busy machine, threads that shared cores, ranks
/// with unequal numbers of threads. Empty for a run that was left alone.
[[nodiscard]] std::vector<std::string> remarks_on(const std::vector<RankPlace>& places);

} // namespace ptychoscale
