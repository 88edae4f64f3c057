#include "report.hpp"

#include "build_info.hpp"
#include "machine.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <fstream>
#include <numeric>

namespace ptychoscale {
namespace {

using Json = nlohmann::ordered_json;

constexpr int schema_version = 1;

std::string random_uuid() {
  std::string uuid;
  std::ifstream("/proc/sys/kernel/random/uuid") >> uuid;
  return uuid;
}

std::string launcher() {
  for (const auto& [variable, name] :
       {std::pair{"OMPI_COMM_WORLD_SIZE", "mpirun (Open MPI)"}, std::pair{"SLURM_STEP_ID", "srun"},
        std::pair{"PMI_RANK", "mpiexec (PMI)"}})
    if (std::getenv(variable) != nullptr) return name;
  return "none";
}

Json context(const RunReport& r, ReportDetail detail) {
  const auto build = build_info();
  const auto& header = r.dataset.header();
  Json c{{"schema_version", schema_version}, {"evidence", "measured"}};
  if (detail == ReportDetail::full) {
    const auto machine = this_machine();
    c["uuid"] = random_uuid();
    c["date"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
    c["argv"] = r.argv;
    c["launcher"] = launcher();
    c["host_name"] = machine.host;
    c["cpu"] = machine.cpu;
    c["num_cpus"] = machine.cores;
    for (std::size_t rank = 0; rank < r.places.size(); ++rank)
      c["ranks"].push_back({{"rank", rank}, {"host", r.places[rank].host}, {"cores", r.places[rank].cores}});
  }
  c["version"] = build.version;
  c["source_commit"] = source_commit();
  c["source_dirty"] = source_dirty();
  c["compiler"] = build.compiler;
  c["flags"] = build.flags;
  c["library_build_type"] = build.build_type;
  c["hdf5"] = build.hdf5;
  c["mpi"] = build.mpi;
  c["backend"] = r.backend;
  c["dataset"] = {{"case", header.case_name}, {"seed", header.seed}, {"hash", r.dataset.content_hash()}};
  if (detail == ReportDetail::full) c["dataset"]["file"] = r.dataset_file.string();
  return c;
}

void add_options(Json& row, const RunReport& r) {
  const auto& o = r.options;
  const auto& mesh = r.result.tiling.mesh;
  row["method"] = name(o.method);
  row["mesh"] = {mesh.rows, mesh.columns};
  row["ranks"] = mesh.ranks();
  row["threads"] = r.threads;
  row["grid"] = o.grid == GridKind::window ? "window" : "tile";
  row["adjoint"] = o.adjoint == Adjoint::store        ? "store"
                   : o.adjoint == Adjoint::checkpoint ? "checkpoint"
                                                      : "reverse";
  row["bandwidth"] = o.bandwidth == Bandwidth::none ? "none" : "two_thirds";
  row["measurements"] = o.stream_measurements ? "stream" : "resident";
  // HVE always steps position by position; so does serial unless told to batch.
  if (o.method == Method::gd || (o.method == Method::serial && o.update == UpdateRule::batch))
    row["update"] = name(o.update);
  if (o.method == Method::gd) {
    row["exchange"] = name(o.exchange);
    row["rounds"] = o.rounds;
  }
  if (o.method == Method::hve) {
    row["halo_fill"] = o.halo_fill == HaloFill::paste  ? "paste"
                       : o.halo_fill == HaloFill::mean ? "mean"
                                                       : "never";
    row["paste_every"] = o.paste_every;
    row["extra_rows"] = o.extra_rows;
  }
  row["halo_px"] = {r.result.tiling.halo.y, r.result.tiling.halo.x};
  row["step"] = r.result.step;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/// `key`_max, _mean and _min over the ranks.
template <class Value>
void add_spread(Json& row, const std::string& key, const std::vector<RankStatistics>& ranks, Value value) {
  std::vector<double> all;
  for (const auto& rank : ranks) all.push_back(static_cast<double>(value(rank)));
  row[key + "_max"] = *std::max_element(all.begin(), all.end());
  row[key + "_mean"] = std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
  row[key + "_min"] = *std::min_element(all.begin(), all.end());
}

void add_times(Json& row, const RunReport& r) {
  const auto iterations = static_cast<double>(r.result.seconds.size());
  const double per_iteration = median(r.result.seconds);
  row["real_time"] = per_iteration;
  row["time_unit"] = "s";
  row["seconds_per_iteration"] = per_iteration;
  row["seconds_of_iterations"] = r.result.seconds;
  // What one rank spends on one position of the dataset, the repeated ones of HVE included.
  row["seconds_per_position"] = per_iteration * r.result.tiling.mesh.ranks() /
                                static_cast<double>(r.dataset.header().positions_A.size());
  add_spread(row, "compute_seconds_per_iteration", r.result.ranks,
             [&](const auto& s) { return s.compute_s / iterations; });
  add_spread(row, "wait_seconds_per_iteration", r.result.ranks,
             [&](const auto& s) { return s.wait_s / iterations; });
  add_spread(row, "communication_seconds_per_iteration", r.result.ranks,
             [&](const auto& s) { return s.communication_s / iterations; });
}

void add_traffic_and_memory(Json& row, const RunReport& r, ReportDetail detail) {
  const auto& ranks = r.result.ranks;
  std::int64_t bytes = 0;
  std::int64_t messages = 0;
  for (const auto& rank : ranks) {
    bytes += rank.bytes_sent;
    messages += rank.messages;
  }
  row["bytes_sent"] = bytes;
  row["messages_sent"] = messages;
  add_spread(row, "positions_per_rank", ranks, [](const auto& s) { return s.positions; });
  add_spread(row, "extended_voxels", ranks, [](const auto& s) { return s.extended_voxels; });
  if (detail == ReportDetail::reproducible) return;
  for (std::size_t label = 0; label < memory_label_count; ++label)
    add_spread(row, fmt::format("memory_{}_bytes", name(static_cast<MemoryLabel>(label))), ranks,
               [&](const auto& s) { return s.peak_bytes[label]; });
  add_spread(row, "memory_peak_bytes", ranks, [](const auto& s) { return s.peak_total_bytes; });
  add_spread(row, "memory_resident_bytes", ranks, [](const auto& s) { return s.resident_bytes; });
}

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

double largest(const std::vector<BorderSeams>& slices, std::optional<double> BorderSeams::*metric) {
  double worst = -INFINITY;
  for (const auto& slice : slices) worst = std::max(worst, (slice.*metric).value_or(-INFINITY));
  return worst;
}

void add_seams(Json& row, const std::string& axis, const AxisSeams& seams) {
  row["seam_" + axis + "_z"] = or_null(seams.summed.z);
  row["seam_" + axis + "_step_V_A"] = or_null(seams.summed.step_V_A);
  row["seam_" + axis + "_step_rad"] = or_null(seams.summed.step_rad);
  row["seam_" + axis + "_step_z"] = or_null(seams.summed.step_z);
  row["seam_" + axis + "_comb_power"] = or_null(seams.summed.comb_power);
  const double z = largest(seams.slices, &BorderSeams::z);
  const double step = largest(seams.slices, &BorderSeams::step_z);
  row["seam_" + axis + "_z_worst_slice"] = std::isfinite(z) ? Json(z) : Json();
  row["seam_" + axis + "_step_z_worst_slice"] = std::isfinite(step) ? Json(step) : Json();
}

void add_assessment(Json& row, const Assessment& a) {
  row["relative_rmse"] = a.quality.relative_rmse;
  row["structural_similarity"] = a.quality.similarity;
  row["frc_resolution_A"] = or_null(a.quality.resolution_A);
  add_seams(row, "rows", a.seams.rows);
  add_seams(row, "columns", a.seams.columns);
  const auto verdict = judge_seams(a.seams, nullptr);
  row["seam_found"] = verdict.any();
}

Json benchmark_row(const RunReport& r, ReportDetail detail) {
  Json row;
  row["name"] = fmt::format("{}/{}/{}x{}", r.dataset.header().case_name, name(r.options.method),
                            r.result.tiling.mesh.rows, r.result.tiling.mesh.columns);
  row["run_type"] = "iteration";
  row["iterations"] = r.result.cost.size();
  add_options(row, r);
  if (detail == ReportDetail::full) add_times(row, r);
  add_traffic_and_memory(row, r, detail);
  row["cost_of_iterations"] = r.result.cost;
  row["cost_of_empty_volume"] = r.result.vacuum_cost;
  row["cost"] = r.result.cost.empty() ? Json() : Json(r.result.cost.back());
  if (r.assessment) add_assessment(row, *r.assessment);
  row["stop_reason"] = "iterations";
  row["verified"] = verified(r.result);
  return row;
}

} // namespace

std::string report_json(const RunReport& report, ReportDetail detail) {
  return Json{{"context", context(report, detail)},
              {"benchmarks", Json::array({benchmark_row(report, detail)})}}
             .dump(2) +
         "\n";
}

bool verified(const Reconstruction& result) {
  const auto& cost = result.cost;
  const bool finite = std::all_of(cost.begin(), cost.end(), [](double c) { return std::isfinite(c); });
  return finite && !cost.empty() && (cost.size() == 1 || cost.back() < cost.front());
}

} // namespace ptychoscale
