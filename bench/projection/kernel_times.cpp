#include "kernel_times.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/files/json_file.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace ptychoscale {
namespace {

/// How far a measured tile may be from the one it stands for, in voxels. On the window grid a position takes
/// the same on any tile, on the tile grid its time is about proportional.
constexpr double tolerance = 0.1;

double positive(const nlohmann::json& value, const std::string& file, const std::string& field) {
  if (value.is_number() && value.get<double>() > 0 && std::isfinite(value.get<double>())) return value;
  throw InputError(fmt::format("{}: {} is {}; valid: a number above 0", file, field, value.dump()));
}

std::int64_t whole(const nlohmann::json& value, const std::string& file, const std::string& field) {
  if (value.is_number_integer() && value.get<double>() > 0 && value.get<double>() < 1e18) return value;
  throw InputError(fmt::format("{}: {} is {}; valid: a whole number above 0", file, field, value.dump()));
}

std::int64_t voxels_of(const Tile& tile, int slices) {
  return static_cast<std::int64_t>(tile.extended.extent().area()) * slices;
}

/// The measured tile nearest in size, if there is one.
const KernelTimes::Visit* nearest_visit(const std::vector<KernelTimes::Visit>& visits, std::int64_t voxels) {
  const auto found =
      std::ranges::min_element(visits, {}, [&](const auto& v) { return std::abs(v.voxels - voxels); });
  return found == visits.end() ? nullptr : &*found;
}

bool stands_for(const KernelTimes::Visit* measured, std::int64_t voxels) {
  return measured != nullptr &&
         static_cast<double>(std::abs(measured->voxels - voxels)) <= tolerance * static_cast<double>(voxels);
}

} // namespace

KernelTimes read_kernel_times(const std::filesystem::path& file) {
  KernelTimes times;
  const auto name = file.string();
  const auto text = read_json(file, "kernel times in JSON");
  try {
    const auto json = nlohmann::json::parse(text);
    times.device = json.at("device").get<std::string>();
    times.bytes_per_second = positive(json.at("bytes_per_second"), name, "bytes_per_second");
    for (const auto& visit : json.at("visits"))
      times.visits.push_back({whole(visit.at("voxels"), name, "visits.voxels"),
                              positive(visit.at("seconds"), name, "visits.seconds")});
  } catch (const nlohmann::json::exception& e) {
    throw InputError(fmt::format("{}: are no kernel times: {}", name, e.what()));
  }
  return times;
}

std::vector<double> seconds_per_visit(const KernelTimes& times, const DatasetHeader& header,
                                      const ReconstructionOptions& options, const Tiling& tiling) {
  std::vector<double> seconds;
  for (const auto& tile : tiling.tiles) {
    const auto voxels = voxels_of(tile, header.slices);
    const auto* measured = nearest_visit(times.visits, voxels);
    if (!stands_for(measured, voxels)) {
      const auto method = name(options.method);
      const auto grid = options.grid == GridKind::tile ? "tile" : "window";
      throw InputError(fmt::format(
          "kernel times: none for a {} tile of {} voxels on the {} grid (rank {} of {}){}; measure it on the "
          "device with: ptychoscale reconstruct --case {} --as-rank {} --of {} --positions 1 --iterations 1 "
          "--method {} --grid {} --measurements stream --json FILE",
          method, voxels, grid, tile.rank, tiling.tiles.size(),
          measured == nullptr ? "" : fmt::format(", the nearest has {}", measured->voxels), header.case_name,
          tile.rank, tiling.tiles.size(), method, grid));
    }
    seconds.push_back(measured->seconds);
  }
  return seconds;
}

std::vector<int> ranks_to_measure(const Tiling& tiling, int slices) {
  std::vector<KernelTimes::Visit> measured;
  std::vector<int> ranks;
  for (const auto& tile : tiling.tiles) {
    const auto voxels = voxels_of(tile, slices);
    if (stands_for(nearest_visit(measured, voxels), voxels)) continue;
    measured.push_back({.voxels = voxels});
    ranks.push_back(tile.rank);
  }
  return ranks;
}

double verb_seconds(Verb verb, std::size_t elements, double seconds_per_slice, double bytes_per_second) {
  const auto moving = [&](int floats) {
    return static_cast<double>(elements) * floats * sizeof(float) / bytes_per_second;
  };
  switch (verb) {
  case Verb::transmit_adjoint:
  case Verb::rewind:
  case Verb::phase_gradient:
    return seconds_per_slice;
  case Verb::pack:
  case Verb::scale:
    return moving(2); // read, write
  case Verb::axpy:
  case Verb::unpack:
    return moving(3); // read both, write one
  default:
    return 0;
  }
}

} // namespace ptychoscale
