#include "ptychoscale/record/report_row.hpp"

#include <fmt/format.h>

namespace ptychoscale {

void add_options(Json& row, const ReconstructionOptions& o, const ReconstructionPlan& plan) {
  const auto& mesh = plan.tiling.mesh;
  row["method"] = name(o.method);
  row["mesh"] = {mesh.rows, mesh.columns};
  row["ranks"] = mesh.ranks();
  row["grid"] = o.grid == GridKind::window ? "window" : "tile";
  row["adjoint"] = o.adjoint == Adjoint::store        ? "store"
                   : o.adjoint == Adjoint::checkpoint ? "checkpoint"
                                                      : "reverse";
  row["bandwidth"] = o.bandwidth == Bandwidth::none ? "none" : "two_thirds";
  row["measurements"] = o.stream_measurements ? "stream" : "resident";
  // HVE always steps position by position; so does serial unless told to batch.
  if (sums_gradients(o.method) || (o.method == Method::serial && descends(o))) row["update"] = name(o.update);
  if (sums_gradients(o.method)) {
    row["exchange"] = name(plan.exchange.kind);
    row["rounds"] = o.rounds;
    if (o.delay > 0) row["delay"] = o.delay;
  }
  // Named where they are not as always, so that rows from before they could be chosen still match.
  if (o.measurement_type == MeasurementType::float16) row["measurement_type"] = "float16";
  if (o.refine_probe > 0) row["refine_probe"] = o.refine_probe;
  if (o.refine_scale > 0) row["refine_scale"] = o.refine_scale;
  if (o.slice_blur > 0) row["slice_blur"] = o.slice_blur;
  if (plan.probe.modes() > 1) row["probe_modes"] = plan.probe.modes();
  if (o.positions_at_once > 1) row["positions_at_once"] = o.positions_at_once;
  if (o.method == Method::hve) {
    row["halo_fill"] = o.halo_fill == HaloFill::paste  ? "paste"
                       : o.halo_fill == HaloFill::mean ? "mean"
                                                       : "never";
    row["paste_every"] = o.paste_every;
    row["extra_rows"] = o.extra_rows;
  }
  row["halo_px"] = {plan.tiling.halo.y, plan.tiling.halo.x};
}

void add_traffic(Json& row, const std::vector<RankStatistics>& ranks) {
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
}

void add_phases(Json& row, const std::vector<RankStatistics>& ranks, std::size_t iterations) {
  const auto n = static_cast<double>(iterations);
  add_spread(row, "compute_seconds_per_iteration", ranks, [&](const auto& s) { return s.compute_s / n; });
  add_spread(row, "wait_seconds_per_iteration", ranks, [&](const auto& s) { return s.wait_s / n; });
  add_spread(row, "communication_seconds_per_iteration", ranks,
             [&](const auto& s) { return s.communication_s / n; });
}

void add_memory(Json& row, const std::vector<RankStatistics>& ranks) {
  for (std::size_t label = 0; label < memory_label_count; ++label)
    add_spread(row, fmt::format("memory_{}_bytes", name(static_cast<MemoryLabel>(label))), ranks,
               [&](const auto& s) { return s.peak_bytes[label]; });
  add_spread(row, "memory_peak_bytes", ranks, [](const auto& s) { return s.peak_total_bytes; });
}

} // namespace ptychoscale
