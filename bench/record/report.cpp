#include "ptychoscale/record/report.hpp"

#include "ptychoscale/io/masks.hpp"
#include "ptychoscale/multislice/probe_modes.hpp"
#include "ptychoscale/record/build_info.hpp"
#include "ptychoscale/record/header_json.hpp"
#include "ptychoscale/record/report_row.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace ptychoscale {
namespace {

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json load_json(const HostLoad& load) {
  return {{"host", load.host},
          {"cores", load.cores},
          {"host_cores", load.host_cores},
          {"threads", load.threads},
          {"average_start", load.average_start},
          {"average_end", load.average_end},
          {"used_by_others", or_null(load.used_by_others)},
          {"cpu_quota", or_null(load.quota)},
          {"cpu_MHz", or_null(load.MHz)}};
}

void add_places(Json& context, const std::vector<RankPlace>& places) {
  for (std::size_t rank = 0; rank < places.size(); ++rank) {
    Json place{{"rank", rank},
               {"host", places[rank].host},
               {"cores", places[rank].cores},
               {"threads", places[rank].threads}};
    if (!places[rank].gpu.empty()) place["gpu"] = places[rank].gpu;
    context["ranks"].push_back(place);
  }
  context["load"] = load_json(busiest_host(places));
}

Json context(const RunReport& r, ReportDetail detail) {
  Json c = provenance(evidence_of(r.backend));
  if (detail == ReportDetail::full) {
    add_occasion(c, r.argv);
    add_places(c, r.places);
  }
  c["backend"] = r.backend;
  c["dataset"] = {{"case", r.header.case_name}, {"seed", r.header.seed}};
  if (r.source.hash.empty()) {
    c["dataset"]["patterns"] = "none: the unscattered beam, dimmed";
  } else {
    c["dataset"]["hash"] = r.source.hash;
    if (detail == ReportDetail::full) c["dataset"]["file"] = r.source.file.string();
  }
  if (detail == ReportDetail::full) c["dataset"]["header"] = header_json(r.header);
  return c;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/// Forward model and gradient of one position on one rank.
double seconds_per_visit(const RankStatistics& rank, double iterations) {
  return rank.visits_s / iterations / std::max(1, rank.positions);
}

void add_times(Json& row, const RunReport& r) {
  const auto iterations = static_cast<double>(r.result.seconds.size());
  const double per_iteration = median(r.result.seconds);
  row["real_time"] = per_iteration;
  row["time_unit"] = "s";
  row["seconds_per_iteration"] = per_iteration;
  row["seconds_of_iterations"] = r.result.seconds;
  // What one rank spends on one position of the dataset, the repeated ones of HVE included.
  row["seconds_per_position"] =
      r.as_rank ? seconds_per_visit(r.result.ranks.front(), iterations)
                : per_iteration * r.plan.tiling.mesh.ranks() / static_cast<double>(patterns_in_use(r.header));
  add_spread(row, "seconds_per_visit", r.result.ranks,
             [&](const auto& s) { return seconds_per_visit(s, iterations); });
  add_phases(row, r.result.ranks, r.result.seconds.size());
}

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
  row["relative_rmse"] = or_null(a.quality.relative_rmse);
  row["structural_similarity"] = or_null(a.quality.similarity);
  row["frc_resolution_A"] = or_null(a.quality.resolution_A);
  if (!a.not_computed.empty()) row["quality_not_computed"] = a.not_computed;
  if (!a.seams) return;
  add_seams(row, "rows", a.seams->rows);
  add_seams(row, "columns", a.seams->columns);
  row["seam_found"] = judge_seams(*a.seams, nullptr).any();
}

/// Error and similarity by iteration, and where the error was lowest: runs on noisy patterns get worse after
/// it.
void add_closeness(Json& row, const std::vector<ClosenessAt>& all) {
  if (all.empty()) return;
  Json finished = Json::array(), errors = Json::array(), similarities = Json::array();
  for (const auto& [iteration, of] : all) {
    finished.push_back(iteration);
    errors.push_back(of.relative_rmse);
    if (std::isfinite(of.similarity)) similarities.push_back(of.similarity);
  }
  const auto lowest =
      std::ranges::min_element(all, {}, [](const ClosenessAt& at) { return at.of.relative_rmse; });
  row["relative_rmse_after"] = finished;
  row["relative_rmse_of_iterations"] = errors;
  row["relative_rmse_lowest"] = lowest->of.relative_rmse;
  row["relative_rmse_lowest_after"] = lowest->iteration;
  if (similarities.size() == errors.size()) row["structural_similarity_of_iterations"] = similarities;
}

double sum_of(const std::vector<double>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}

/// How far a refined probe went from the one that the run began with, but for what no pattern shows, a phase
/// or another mixture of the same modes, and its power, which is 1 where the beam is as bright as the dataset
/// says.
void add_refined_probe(Json& row, const ApertureProbe& refined, const ApertureProbe& given) {
  const double power = sum_of(powers_of(refined)), power_given = sum_of(powers_of(given));
  const double apart = std::max(power + power_given - 2 * overlap_of(refined, given), 0.0);
  row["probe_change"] = std::sqrt(apart / power_given);
  row["probe_power"] = power;
}

/// Each mode's part of the power; nothing for one.
void add_powers(Json& row, const ApertureProbe& probe) {
  if (probe.modes() == 1) return;
  auto powers = powers_of(probe);
  const double all = sum_of(powers);
  for (double& power : powers) power /= all;
  row["probe_mode_powers"] = powers;
}

void add_probe(Json& row, const RunReport& r) {
  if (r.result.probe.empty()) return add_powers(row, r.plan.probe);
  const Extent e = r.header.detector;
  const ApertureProbe refined{{0, e.y, 0, e.x}, r.result.probe};
  const ApertureProbe given{refined.box, extend_aperture(r.plan.probe, e)};
  add_refined_probe(row, refined, given);
  if (r.options.refine_scale > 0)
    row["amplitude_scale"] = std::sqrt(sum_of(powers_of(refined)) / sum_of(powers_of(given)));
  add_powers(row, refined);
}

/// A run that made none and went on from none has nothing to say of them.
void add_checkpoints(Json& row, const Reconstruction& result) {
  if (!result.resumed_at.empty()) row["resumed_at"] = result.resumed_at;
  if (result.checkpoints.written == 0) return;
  row["checkpoints"] = result.checkpoints.written;
  row["checkpoint_seconds"] = result.checkpoints.seconds;
  row["checkpoint_bytes"] = result.checkpoints.bytes;
}

Json benchmark_row(const RunReport& r, ReportDetail detail) {
  Json row;
  row["name"] = fmt::format("{}/{}/{}x{}", r.header.case_name, name(r.options.method),
                            r.plan.tiling.mesh.rows, r.plan.tiling.mesh.columns);
  row["run_type"] = "iteration";
  row["iterations"] = r.result.cost.size();
  add_options(row, r.options, r.plan);
  if (r.as_rank) {
    row["as_rank"] = *r.as_rank;
    row["positions_visited"] = r.result.ranks.front().positions;
  }
  add_masks(row, r.header);
  row["threads"] = r.threads;
  row["step"] = r.result.step;
  if (detail == ReportDetail::full) add_times(row, r);
  add_traffic(row, r.result.ranks);
  if (detail == ReportDetail::full) {
    add_memory(row, r.result.ranks);
    add_spread(row, "memory_resident_bytes", r.result.ranks, [](const auto& s) { return s.resident_bytes; });
  }
  row["cost_of_iterations"] = r.result.cost;
  row["cost_of_empty_volume"] = r.result.vacuum_cost;
  row["cost"] = r.result.cost.empty() ? Json() : Json(r.result.cost.back());
  if (!r.as_rank && !r.result.cost.empty())
    row["cost_per_pattern"] = r.result.cost.back() / static_cast<double>(patterns_in_use(r.header));
  add_probe(row, r);
  add_closeness(row, r.result.closeness);
  if (r.assessment) add_assessment(row, *r.assessment);
  row["stop_reason"] = "iterations";
  if (detail == ReportDetail::full) {
    if (const auto remarks = remarks_on(r.places); !remarks.empty()) row["remarks"] = remarks;
    add_checkpoints(row, r.result);
  }
  if (!r.as_rank) row["verified"] = verified(r.result, patterns_in_use(r.header));
  return row;
}

} // namespace

std::string report_json(const RunReport& report, ReportDetail detail) {
  return Json{{"context", context(report, detail)},
              {"benchmarks", Json::array({benchmark_row(report, detail)})}}
             .dump(2) +
         "\n";
}

bool verified(const Reconstruction& result, std::size_t patterns) {
  // A unit beam's amplitudes in float32, through 100 slices of transforms, are wrong by some 1e-6.
  constexpr double rounding = 1e-10;
  const auto& cost = result.cost;
  if (result.vacuum_cost <= rounding * static_cast<double>(patterns) && !cost.empty())
    return cost.back() <= rounding * static_cast<double>(patterns);
  const bool finite = std::all_of(cost.begin(), cost.end(), [](double c) { return std::isfinite(c); });
  return finite && !cost.empty() && (cost.size() == 1 || cost.back() < cost.front());
}

} // namespace ptychoscale
