#include "ptychoscale/record/load.hpp"

#include "ptychoscale/record/machine.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <sched.h>
#include <set>
#include <sstream>
#include <sys/resource.h>
#include <unistd.h>

namespace ptychoscale {
namespace {

// The system counts in hundredths of a second: over half a second that is right within a few hundredths of a
// core.
constexpr double least_seconds = 0.5;
// A machine left alone was seen to use 1 to 3 % of its cores for itself.
constexpr double busy_share = 0.1;

/// "cpu3 user nice system idle iowait irq softirq steal ...": all but waiting, in ticks. Stolen time counts:
/// the host of a virtual machine gave its core to others.
double busy_ticks(std::istringstream& fields) {
  double user = 0;
  double nice = 0;
  double system = 0;
  double idle = 0;
  double iowait = 0;
  double irq = 0;
  double softirq = 0;
  double steal = 0;
  fields >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
  return user + nice + system + irq + softirq + steal;
}

std::map<int, double> busy_seconds() {
  std::map<int, double> busy;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return busy;
  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  std::ifstream lines("/proc/stat");
  for (std::string line; std::getline(lines, line) && line.starts_with("cpu");) {
    if (line.size() < 4 || line[3] == ' ') continue; // the sum of all cores
    const int core = std::atoi(line.c_str() + 3);
    if (core >= CPU_SETSIZE || !CPU_ISSET(core, &set)) continue;
    std::istringstream fields(line.substr(line.find(' ')));
    busy[core] = busy_ticks(fields) / ticks_per_second;
  }
  return busy;
}

double own_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

nlohmann::json or_null(const std::optional<double>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}
std::optional<double> optional_of(const nlohmann::json& value) {
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

/// The ranks of one host.
HostLoad load_of(const std::vector<const RankPlace*>& ranks) {
  const RankPlace& first = *ranks.front();
  HostLoad load{.host = first.host,
                .host_cores = first.host_cores,
                .average_start = first.average_start,
                .average_end = first.average_end,
                .used_by_others = std::nullopt,
                .quota = first.quota,
                .MHz = first.MHz};
  std::map<int, double> busy; // ranks may share cores
  double own = 0;
  double seconds = first.seconds;
  for (const RankPlace* rank : ranks) {
    load.threads += rank->threads;
    own += rank->own_s;
    seconds = std::min(seconds, rank->seconds);
    for (const auto& [core, s] : rank->busy_s) busy[core] = std::max(busy[core], s);
  }
  load.cores = static_cast<int>(busy.size());
  double all = 0;
  for (const auto& [core, s] : busy) all += s;
  if (seconds >= least_seconds && !busy.empty()) load.used_by_others = std::max(0.0, (all - own) / seconds);
  return load;
}

std::vector<HostLoad> loads_of(const std::vector<RankPlace>& places) {
  std::map<std::string, std::vector<const RankPlace*>> hosts;
  for (const auto& place : places) hosts[place.host].push_back(&place);
  std::vector<HostLoad> loads;
  for (const auto& [host, ranks] : hosts) loads.push_back(load_of(ranks));
  return loads;
}

/// Of a run too short to tell, the average from before counts: tasks that wanted to run before it did.
bool is_busy(const HostLoad& load) {
  if (load.used_by_others) return *load.used_by_others > busy_share * load.cores;
  return load.average_start > load.host_cores;
}

std::string plural(int n, const char* what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); }

std::string busy_words(const HostLoad& load) {
  if (load.used_by_others)
    return fmt::format("busy machine {}: others used {:.1f} of {} meanwhile, load {:.1f} when it began",
                       load.host, *load.used_by_others, plural(load.cores, "core"), load.average_start);
  return fmt::format("busy machine {}: load {:.1f} on {} when it began", load.host, load.average_start,
                     plural(load.host_cores, "core"));
}

/// Cores' worth of time that the ranks of a host may use.
double room(const HostLoad& load) { return std::min<double>(load.cores, load.quota.value_or(load.cores)); }

bool shares_cores(const HostLoad& load) { return load.cores > 0 && load.threads > room(load); }

/// Hosts that have fewer GPUs for this run than ranks, a line each: there ranks take turns, so that times say
/// nothing of more GPUs, and reports leave them out where they show scaling (report/scaling.py).
std::vector<std::string> shared_gpus(const std::vector<RankPlace>& places) {
  std::map<std::string, std::vector<std::string>> hosts;
  for (const auto& place : places)
    if (!place.gpu.empty()) hosts[place.host].push_back(place.gpu);
  std::vector<std::string> shared;
  for (const auto& [host, of_ranks] : hosts) {
    const std::set<std::string> gpus(of_ranks.begin(), of_ranks.end());
    if (gpus.size() < of_ranks.size())
      shared.push_back(fmt::format("functional, not scaling: {} shared {} of {}: {}",
                                   plural(static_cast<int>(of_ranks.size()), "rank"),
                                   plural(static_cast<int>(gpus.size()), "GPU"), host,
                                   fmt::join(gpus, ", ")));
  }
  return shared;
}

std::string shared_words(const HostLoad& load) {
  return fmt::format("{} shared {:g} core{} of {}", plural(load.threads, "thread"), room(load),
                     room(load) == 1 ? "" : "s", load.host);
}

} // namespace

LoadSample sample_load() {
  LoadSample sample{
      .when = std::chrono::steady_clock::now(), .busy_s = busy_seconds(), .own_s = own_seconds()};
  std::ifstream("/proc/loadavg") >> sample.average;
  return sample;
}

RankPlace place_between(const LoadSample& start, const LoadSample& end, int threads, const std::string& gpu) {
  RankPlace place{.host = this_machine().host,
                  .cores = core_binding(),
                  .gpu = gpu,
                  .threads = threads,
                  .host_cores = online_cores(),
                  .seconds = std::chrono::duration<double>(end.when - start.when).count(),
                  .average_start = start.average,
                  .average_end = end.average,
                  .busy_s = {},
                  .own_s = end.own_s - start.own_s,
                  .quota = cpu_quota(),
                  .MHz = clock_MHz()};
  for (const auto& [core, busy] : end.busy_s)
    if (const auto before = start.busy_s.find(core); before != start.busy_s.end())
      place.busy_s[core] = busy - before->second;
  return place;
}

std::string to_text(const RankPlace& p) {
  nlohmann::json busy = nlohmann::json::array();
  for (const auto& [core, seconds] : p.busy_s) busy.push_back({core, seconds});
  return nlohmann::json{{"host", p.host},
                        {"cores", p.cores},
                        {"gpu", p.gpu},
                        {"threads", p.threads},
                        {"host_cores", p.host_cores},
                        {"seconds", p.seconds},
                        {"busy", busy},
                        {"averages", {p.average_start, p.average_end}},
                        {"own", p.own_s},
                        {"quota", or_null(p.quota)},
                        {"MHz", or_null(p.MHz)}}
      .dump();
}

RankPlace place_from(const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  RankPlace place{.host = json["host"],
                  .cores = json["cores"],
                  .gpu = json["gpu"],
                  .threads = json["threads"],
                  .host_cores = json["host_cores"],
                  .seconds = json["seconds"],
                  .average_start = json["averages"][0],
                  .average_end = json["averages"][1],
                  .busy_s = {},
                  .own_s = json["own"],
                  .quota = optional_of(json["quota"]),
                  .MHz = optional_of(json["MHz"])};
  for (const auto& each : json["busy"]) place.busy_s[each[0]] = each[1];
  return place;
}

HostLoad busiest_host(const std::vector<RankPlace>& places) {
  const auto loads = loads_of(places);
  return *std::ranges::max_element(loads, {}, [](const HostLoad& load) {
    return std::pair(load.used_by_others.value_or(-1), load.average_start);
  });
}

std::vector<std::string> remarks_on(const std::vector<RankPlace>& places) {
  const auto loads = loads_of(places);
  std::vector<std::string> remarks;
  const auto add = [&](std::vector<std::string> of_hosts) {
    if (of_hosts.empty()) return;
    const auto more = static_cast<int>(of_hosts.size()) - 1;
    remarks.push_back(of_hosts.front() +
                      (more > 0 ? fmt::format("; likewise {}", plural(more, "host")) : ""));
  };
  std::vector<std::string> busy;
  std::vector<std::string> shared;
  for (const auto& load : loads) {
    if (is_busy(load)) busy.push_back(busy_words(load));
    if (shares_cores(load)) shared.push_back(shared_words(load));
  }
  add(std::move(busy));
  add(std::move(shared));
  add(shared_gpus(places));
  const auto [fewest, most] = std::ranges::minmax_element(places, {}, &RankPlace::threads);
  if (fewest->threads != most->threads)
    remarks.push_back(fmt::format("ranks had from {} to {} threads", fewest->threads, most->threads));
  return remarks;
}

} // namespace ptychoscale
