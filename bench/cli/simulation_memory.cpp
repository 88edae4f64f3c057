#include "simulation_memory.hpp"

#include "memory_check.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/host_memory.hpp"
#include "ptychoscale/compute/model.hpp"
#include "ptychoscale/io/window_model.hpp"
#include "ptychoscale/multislice/multislice.hpp"
#include "truth.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <complex>
#include <string>
#include <vector>

namespace ptychoscale {
namespace {

/// Bytes of one rank.
struct SimulationNeed {
  double potential = 0; ///< of the box
  double waves = 0;     ///< and patterns, of the positions that it computes at once
  double truth = 0;     ///< what makes the slices, whole ones
  [[nodiscard]] double all() const { return potential + waves + truth; }
};

/// The waves of so many positions, by the solvers' own code on memory that is only counted.
double waves_bytes(const DatasetHeader& h, int positions, int threads) {
  memory_meter().forget_peaks();
  const auto before = memory_meter().read().total_now;
  {
    ModelOptions options;
    options.threads = threads;
    const auto backend = make_model_backend(options);
    const Multislice model(*backend, window_model(h), h.probe, positions);
  }
  const auto peak = memory_meter().read().total_peak - before;
  memory_meter().forget_peaks(); // of what was only counted
  return static_cast<double>(peak) + sizeof(float) * static_cast<double>(h.detector.area()) * positions;
}

SimulationNeed need_of(const SimulationParameters& p, const DatasetHeader& h, const SimulationShare& share) {
  const auto pixels = static_cast<double>(h.detector.area());
  const double sources =
      source_points(p.conditions).size() > 1 ? 2 : 1; // one point's patterns, and their sum
  constexpr double probe = sizeof(std::complex<double>) + sizeof(Complex); // as it really is, made anew
  SimulationNeed need;
  if (share.waves_on_host) {
    need.potential = sizeof(float) * static_cast<double>(share.box.extent().area()) * h.slices;
    need.waves = waves_bytes(h, share.positions_at_once, share.threads);
  }
  need.waves += sources * sizeof(float) * pixels * share.positions_at_once + probe * pixels;
  need.truth = truth_bytes(p, share.threads);
  return need;
}

/// What would bring the host's need below what it has, if every rank is like this one.
std::vector<std::string> ways(const SimulationNeed& need, const SimulationShare& share, int slices,
                              const HostNeed& host) {
  std::vector<std::string> found;
  const double beyond = (host.needed - host.available) / host.ranks;
  const double one_at_once = need.waves * (1 - 1.0 / share.positions_at_once);
  if (share.waves_on_host && one_at_once >= beyond) found.emplace_back("--threads 1");
  const double fewer = std::ceil(beyond / (need.potential / slices));
  if (share.waves_on_host && fewer < slices)
    found.push_back(fmt::format("at most {:.0f} slices", slices - fewer));
  if (host.ranks > 1 && host.needed / host.ranks <= host.available)
    found.emplace_back("fewer ranks on a host");
  found.emplace_back("a smaller volume or detector, or a machine with more memory");
  return found;
}

} // namespace

void check_memory(const Communicator& comm, const SimulationParameters& p, const DatasetHeader& header,
                  const SimulationShare& share) {
  SimulationNeed mine;
  HostNeed alone;
  comm.agree([&] {
    mine = need_of(p, header, share);
    const auto memory = host_memory(LimitsOf::process);
    alone = {
        .host = {}, .ranks = 1, .needed = mine.all(), .available = static_cast<double>(memory.available)};
    require_memory(mine.all(), "this simulation",
                   fmt::format("{}", fmt::join(ways(mine, share, header.slices, alone), ", ")), memory);
  });
  const auto overfull = overfull_hosts(comm, mine.all());
  comm.agree([&] { // only rank 0 knows any
    if (overfull.empty()) return;
    const auto& host = overfull.front();
    throw InputError(overfull_text(host, ways(mine, share, header.slices, host)));
  });
}

} // namespace ptychoscale
