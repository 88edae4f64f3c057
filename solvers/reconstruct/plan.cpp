#include "ptychoscale/base/error.hpp"
#include "ptychoscale/multislice/optics.hpp"
#include "ptychoscale/multislice/probe_modes.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "tile_solver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ptychoscale {
namespace {

/// Of an option that says from which iteration on the probe changes.
void check_refinement(const char* field, int from, const ReconstructionOptions& o) {
  if (from != 0 && from < 2)
    throw InputError(fmt::format("{}: {} is not usable; valid: 2 or more, since the first iteration "
                                 "begins with an empty volume",
                                 field, from));
  if (from != 0 && descends(o) && o.update == UpdateRule::accelerated)
    throw InputError(
        fmt::format("{}: is not usable with update accelerated, whose momentum is of an F that "
                    "does not change with the probe; valid with as_printed, once, averaged and batch",
                    field));
}

void check(const ReconstructionOptions& o, int ranks, std::size_t positions) {
  const auto at_least = [](const char* field, int value, int least) {
    if (value < least)
      throw InputError(fmt::format("{}: {} is not usable; give at least {}", field, value, least));
  };
  at_least("iterations", o.iterations, 1);
  at_least("rounds", o.rounds, 0);
  if (static_cast<std::size_t>(std::max(o.rounds, 0)) > positions)
    throw InputError(
        fmt::format("rounds: {} is not usable; the scan has {} positions; valid: 1 to {}, or max", o.rounds,
                    positions, positions));
  at_least("paste_every", o.paste_every, 1);
  at_least("extra_rows", o.extra_rows, 0);
  if (o.step && !(*o.step > 0 && std::isfinite(*o.step)))
    throw InputError(fmt::format("step: {} is not usable; give a positive number of (V A)^2", *o.step));
  if (o.method == Method::serial && ranks != 1)
    throw InputError(fmt::format("method: serial runs on 1 rank, not on {}; use gd or hve", ranks));
  at_least("positions_at_once", o.positions_at_once, 1);
  if (sums_gradients(o.method) && o.update == UpdateRule::accelerated && o.rounds != 1)
    throw InputError(
        fmt::format("rounds: {} is not usable with update accelerated, whose momentum is that of "
                    "whole iterations; valid: 1",
                    o.rounds == 0 ? "max" : std::to_string(o.rounds)));
  check_refinement("refine_probe", o.refine_probe, o);
  check_refinement("refine_scale", o.refine_scale, o);
  if (o.refine_scale != 0 && o.refine_probe != 0 && o.refine_scale >= o.refine_probe)
    throw InputError(
        fmt::format("refine_scale: {} is not usable with refine_probe {}, which finds the scale, too; "
                    "valid: an iteration before it, or one of the two",
                    o.refine_scale, o.refine_probe));
  if (!(o.slice_blur >= 0 && std::isfinite(o.slice_blur)))
    throw InputError(
        fmt::format("slice_blur: {} is not usable; give a positive number of slices", o.slice_blur));
  if (o.slice_blur > 0 && descends(o) && o.update == UpdateRule::accelerated)
    throw InputError("slice_blur: is not usable with update accelerated, whose momentum is of F alone; valid "
                     "with as_printed, once, averaged and batch");
  if (o.slice_blur > 0 && sums_gradients(o.method) && o.delay > 0)
    throw InputError(
        fmt::format("slice_blur: is not usable with delay {}, with which ranks have not the same "
                    "volume at the end of an iteration; valid with delay 0",
                    o.delay));
  if (o.delay < 0 || o.delay > 1)
    throw InputError(fmt::format("delay: {} is not usable; valid: 0, 1", o.delay));
  if (sums_gradients(o.method) && o.delay > 0 &&
      (o.update == UpdateRule::as_printed || o.update == UpdateRule::accelerated))
    throw InputError(
        fmt::format("delay: {} is not usable with update {}, {}; valid with once, averaged and batch",
                    o.delay, name(o.update),
                    o.update == UpdateRule::accelerated ? "whose momentum is of whole gradients"
                                                        : "which applies own gradients with the sums"));
  if (o.positions_at_once > 1 && !descends(o))
    throw InputError(fmt::format(
        "positions_at_once: {} needs a method that makes no step between positions, which {} does; valid: 1, "
        "or gd or serial with update batch or accelerated",
        o.positions_at_once,
        o.method == Method::hve ? "hve" : fmt::format("{} with update {}", name(o.method), name(o.update))));
}

/// What the run starts from: the dataset's modes, or as many as are asked for, made from its one.
ApertureProbe starting_probe(const DatasetHeader& h, const ReconstructionOptions& o) {
  auto probe = crop_to_aperture(h.probe, h.detector);
  if (o.probe_modes == 0 || o.probe_modes == probe.modes()) return probe;
  if (probe.modes() > 1)
    throw InputError(fmt::format(
        "probe_modes: {} is not usable, the dataset's probe has {} modes; valid: {}, or leave it out",
        o.probe_modes, probe.modes(), probe.modes()));
  if (o.probe_modes < 0 || o.probe_modes > most_probe_modes)
    throw InputError(
        fmt::format("probe_modes: {} is not usable; valid: 1 to {}", o.probe_modes, most_probe_modes));
  if (o.refine_probe == 0)
    throw InputError(
        fmt::format("probe_modes: {} modes of a dataset's one are a start that has to be refined; "
                    "valid: with refine_probe, or a dataset whose probe has {} modes",
                    o.probe_modes, o.probe_modes));
  return make_modes(probe, o.probe_modes);
}

Tiling tiling_of(const DatasetHeader& h, const ReconstructionOptions& o, int ranks) {
  TilingRequest request;
  request.decomposition = o.method == Method::hve          ? Decomposition::halo_voxel
                          : o.method == Method::replicated ? Decomposition::none
                                                           : Decomposition::gradient;
  request.volume = h.volume;
  request.pixel = h.pixel;
  request.scan = h.scan;
  request.scattered = h.scattered;
  request.scan_step_A = h.scan_step_A;
  request.used = h.patterns_used;
  request.positions = h.positions_A;
  request.circle_radius_A = circle_radius_A(optics_of(h));
  request.ranks = ranks;
  request.mesh = o.mesh;
  request.halo_A = o.halo_A;
  request.extra_rows = o.extra_rows;
  return plan_tiling(request);
}

/// Exchanges per iteration: as asked, or one per position of the fullest rank (the paper's T = 1).
int rounds_of(const ReconstructionOptions& o, const Tiling& tiling) {
  if (o.rounds > 0) return o.rounds;
  std::size_t most = 0;
  for (const auto& t : tiling.tiles) most = std::max(most, t.own.size());
  return static_cast<int>(most);
}

/// Bytes of packed messages: as asked, or half of a mean tile's volume, so that many ranks' small tiles stay
/// small, and at most 32 MiB, which keeps enough chunks on their way for large ones.
std::size_t exchange_bytes(const DatasetHeader& h, const ReconstructionOptions& o, const Tiling& tiling) {
  if (o.exchange_bytes > 0) return o.exchange_bytes;
  std::size_t pixels = 0;
  for (const auto& t : tiling.tiles) pixels += t.extended.extent().area();
  const std::size_t volume =
      pixels / tiling.tiles.size() * static_cast<std::size_t>(h.slices) * sizeof(float);
  return std::min(std::size_t{32} << 20, volume / 2);
}

/// Distinct extents, so that thousands of ranks with a handful of grids are quick to prepare for.
std::vector<Extent> transforms_of(const DatasetHeader& h, GridKind grid, const Tiling& tiling) {
  std::vector<Extent> extents{h.detector};
  for (const auto& tile : tiling.tiles)
    if (const auto e = propagation_grid(h, grid, tile); std::ranges::find(extents, e) == extents.end())
      extents.push_back(e);
  return extents;
}

/// What adds up tiles; none where nothing is added up.
std::optional<ExchangeKind> exchange_of(const ReconstructionOptions& o) {
  if (o.method == Method::replicated) return ExchangeKind::allreduce;
  if (o.method == Method::gd || descends(o)) return o.exchange;
  if (o.method == Method::hve && o.halo_fill == HaloFill::mean) return ExchangeKind::appp;
  return std::nullopt;
}

} // namespace

ReconstructionPlan plan_reconstruction(const DatasetHeader& header, const ReconstructionOptions& options,
                                       int ranks) {
  check(options, ranks, header.positions_A.size());
  ReconstructionPlan plan;
  plan.tiling = tiling_of(header, options, ranks);
  plan.rounds = rounds_of(options, plan.tiling);
  const auto bytes = exchange_bytes(header, options, plan.tiling);
  if (const auto kind = exchange_of(options))
    plan.exchange = plan_exchange({*kind, bytes}, plan.tiling, header.slices);
  if (options.method == Method::hve && options.halo_fill == HaloFill::paste)
    plan.paste = plan_voxel_paste({.buffer_bytes = bytes}, plan.tiling, header.slices);
  plan.probe = starting_probe(header, options);
  plan.transforms = transforms_of(header, options.grid, plan.tiling);
  return plan;
}

} // namespace ptychoscale
