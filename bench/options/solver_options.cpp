#include "ptychoscale/options/solver_options.hpp"

#include "ptychoscale/base/error.hpp"
#include "ptychoscale/multislice/probe_modes.hpp"
#include "ptychoscale/options/choices.hpp"
#include "ptychoscale/options/number_options.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <system_error>

namespace ptychoscale {
namespace {

const Choices<Method> methods{
    {"serial", Method::serial}, {"gd", Method::gd}, {"hve", Method::hve}, {"replicated", Method::replicated}};
const Choices<UpdateRule> updates{{"as_printed", UpdateRule::as_printed},
                                  {"once", UpdateRule::once},
                                  {"averaged", UpdateRule::averaged},
                                  {"batch", UpdateRule::batch},
                                  {"accelerated", UpdateRule::accelerated}};
const Choices<ExchangeKind> exchanges{{"appp", ExchangeKind::appp},
                                      {"passes", ExchangeKind::passes},
                                      {"neighbours", ExchangeKind::neighbours},
                                      {"allreduce", ExchangeKind::allreduce}};
const Choices<HaloFill> fills{
    {"paste", HaloFill::paste}, {"mean", HaloFill::mean}, {"never", HaloFill::never}};
const Choices<GridKind> grids{{"window", GridKind::window}, {"tile", GridKind::tile}};
const Choices<Adjoint> adjoints{
    {"store", Adjoint::store}, {"checkpoint", Adjoint::checkpoint}, {"reverse", Adjoint::reverse}};
const Choices<Bandwidth> bandwidths{{"none", Bandwidth::none}, {"two_thirds", Bandwidth::two_thirds}};
const Choices<bool> measurement_places{{"resident", false}, {"stream", true}};
const Choices<MeasurementType> measurement_types{{"float32", MeasurementType::float32},
                                                 {"float16", MeasurementType::float16}};

/// A whole number of 1 or more; 0 for any other text.
int positive_number(std::string_view text) {
  int value = 0;
  return read_number(text, value) == std::errc() ? std::max(value, 0) : 0;
}

std::optional<Mesh> read_mesh(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto x = std::min(text.find('x'), text.size() - 1);
  const Mesh mesh{positive_number(text.substr(0, x)), positive_number(text.substr(x + 1))};
  if (mesh.rows == 0 || mesh.columns == 0)
    throw InputError(fmt::format("--mesh: '{}'; valid: ROWSxCOLUMNS, for example 2x3", text));
  return mesh;
}

/// Twice per iteration the sums that meet in overlaps are of half as many positions and the step is longer;
/// what descends gains nothing by it, and is gradient descent on F with one.
int read_rounds(const std::string& text, const ReconstructionOptions& o) {
  if (text.empty()) return descends(o) ? 1 : 2;
  if (text == "max") return 0;
  const int rounds = positive_number(text);
  if (rounds == 0)
    throw InputError(
        fmt::format("--rounds: '{}'; valid: 1 or more, or max for one exchange per position", text));
  return rounds;
}

/// Adds an option that takes one of a few words.
template <class E>
void add_choice(CLI::App& command, const std::string& flag, E& target, const Choices<E>& choices,
                const std::string& help) {
  command
      .add_option_function<std::string>(
          flag, [&target, &choices](const std::string& word) { target = meaning(choices, word); }, help)
      ->check(CLI::IsMember(words(choices)))
      ->default_str(word_for(choices, target));
}

void add_common_options(CLI::App& command, SolverOptions& o) {
  auto& s = o.chosen;
  command.add_option("--iterations", s.iterations, "Sweeps over all positions")
      ->transform(whole_number(1))
      ->capture_default_str();
  command.add_option("--step", s.step, "Step size alpha in (V A)^2; left out: one that converges")
      ->check(number_above_0());
  command.add_option("--mesh", o.mesh, "Ranks over the specimen, ROWSxCOLUMNS; left out: the squarest tiles");
  command.add_option("--halo-pm", o.halo_pm, "Halo in picometre; left out: what the positions' circles need")
      ->check(number_from_0());
  command
      .add_option(
          "--refine-probe", s.refine_probe,
          "From this iteration on also reconstruct the probe, within its aperture, with a step in every "
          "round; without a number from the second on. Left out: the probe is the dataset's, as in the paper")
      ->transform(whole_number(2))
      ->expected(0, 1)
      ->default_str("2")
      ->option_text("[FROM]");
  command
      .add_option(
          "--refine-scale", s.refine_scale,
          "From this iteration on also reconstruct one factor of all modelled amplitudes, where the dose "
          "or the electrons per count are not quite known; without a number from the second on, and until "
          "--refine-probe, which finds it, too. Left out: patterns are as bright as the dataset says")
      ->transform(whole_number(2))
      ->expected(0, 1)
      ->default_str("2")
      ->option_text("[FROM]");
  command
      .add_option(
          "--probe-modes", s.probe_modes,
          "Incoherent modes of the probe: more than a dataset's one are made from it, 2 % of the power each, "
          "as a start for --refine-probe; waves take as many times the memory. Left out: as many as the "
          "dataset has")
      ->transform(whole_number(1, most_probe_modes));
  command
      .add_option(
          "--slice-blur", s.slice_blur,
          "After every iteration blur the volume along the beam, by a Gaussian of this standard "
          "deviation in slices: for thick specimens and noisy data, of which slices drift apart. Left "
          "out: no blur")
      ->check(number_above_0());
  add_choice(command, "--grid", s.grid, grids,
             "Where waves propagate: a detector-sized window, or the rank's whole tile");
  add_choice(command, "--adjoint", s.adjoint, adjoints,
             "Waves for the gradient: kept, partly kept, or run backwards");
  command
      .add_option("--exchange-MB", o.exchange_MB,
                  "Memory for packed messages; 0: half of what a tile takes, at most 32 MiB. More keeps more "
                  "slices on their way at once")
      ->check(number_from_0())
      ->capture_default_str();
  add_choice(command, "--bandwidth", s.bandwidth, bandwidths,
             "Bandwidth limit of transmission and propagation");
  command
      .add_option("--positions-at-once", s.positions_at_once,
                  "Positions computed together; more than 1 only with --update batch or accelerated, since "
                  "other rules step after every position. The volume stays the same, bit by bit; waves take "
                  "as many times the memory")
      ->transform(whole_number(1))
      ->capture_default_str();
  add_choice(command, "--measurements", s.stream_measurements, measurement_places,
             "Patterns in memory, or read from the file as needed");
  add_choice(command, "--measurement-type", s.measurement_type, measurement_types,
             "How patterns are kept in memory: float16 takes half and rounds amplitudes to 11 bits");
}

void add_gd_options(CLI::App& command, SolverOptions& o) {
  auto& s = o.chosen;
  add_choice(command, "--update", s.update, updates,
             "gd, replicated: as_printed counts own gradients twice and once once; averaged also scales sums "
             "in overlaps down to the whole error; batch and accelerated step on sums alone, plainly or with "
             "momentum");
  command.add_option(
      "--rounds", o.rounds,
      "gd, replicated: exchanges per iteration; max: one per position; the paper's is 1; left out: 2, with "
      "--update batch or accelerated 1");
  command
      .add_option(
          "--delay", s.delay,
          "gd, replicated: rounds by which what the other ranks add comes late; 1 hides the exchange behind "
          "the next round, for two more volumes of memory; with --update once, averaged or batch")
      ->transform(whole_number(0, 1))
      ->capture_default_str();
  add_choice(command, "--exchange", s.exchange, exchanges,
             "gd: pipelined passes, blocking passes, 8 neighbours, or one global sum");
}

void add_hve_options(CLI::App& command, SolverOptions& o) {
  auto& s = o.chosen;
  command
      .add_option("--extra-rows", s.extra_rows,
                  "hve: rows of the neighbours' positions repeated on each side")
      ->transform(whole_number(0))
      ->capture_default_str();
  add_choice(command, "--halo-fill", s.halo_fill, fills, "hve: what a halo becomes at an exchange");
  command.add_option("--paste-every", s.paste_every, "hve: iterations between exchanges")
      ->transform(whole_number(1))
      ->capture_default_str();
}

} // namespace

void add_method_option(CLI::App& command, SolverOptions& o) {
  auto& s = o.chosen;
  add_choice(command, "--method", s.method, methods,
             "serial: one rank; gd: Gradient Decomposition; hve: Halo Voxel Exchange; replicated: the whole "
             "volume on every rank, gradients summed over all");
}

void add_solver_options(CLI::App& command, SolverOptions& o) {
  add_common_options(command, o);
  add_gd_options(command, o);
  add_hve_options(command, o);
}

ReconstructionOptions resolve(const SolverOptions& options) {
  auto solver = options.chosen;
  solver.mesh = read_mesh(options.mesh);
  solver.rounds = read_rounds(options.rounds, solver);
  solver.exchange_bytes = static_cast<std::size_t>(options.exchange_MB * 1e6);
  if (options.halo_pm) solver.halo_A = *options.halo_pm / 100;
  if (solver.adjoint == Adjoint::reverse && solver.bandwidth == Bandwidth::two_thirds)
    throw InputError(
        "--adjoint: reverse needs --bandwidth none, since a limited wave cannot be run backwards; valid with "
        "two_thirds: store, checkpoint");
  return solver;
}

std::vector<MemorySaving> memory_savings(const ReconstructionOptions& o, OnGpu gpu) {
  std::vector<MemorySaving> all;
  if (!o.stream_measurements) all.push_back({MemoryLabel::measurements, 1, "--measurements stream"});
  if (o.measurement_type == MeasurementType::float32)
    all.push_back({MemoryLabel::measurements, 0.5, "--measurement-type float16"});
  if (o.positions_at_once > 1)
    all.push_back({MemoryLabel::waves, 1 - 1.0 / o.positions_at_once, "--positions-at-once 1"});
  if (o.probe_modes > 1) all.push_back({MemoryLabel::waves, 1 - 1.0 / o.probe_modes, "fewer --probe-modes"});
  if (o.adjoint != Adjoint::reverse && o.bandwidth == Bandwidth::none)
    all.push_back({MemoryLabel::waves, 1, "--adjoint reverse"});
  if (o.adjoint == Adjoint::store) all.push_back({MemoryLabel::waves, 1, "--adjoint checkpoint"});
  if (gpu == OnGpu::yes) all.push_back({MemoryLabel::exchange, 1, "--messages host"});
  if (o.method == Method::replicated)
    all.push_back({MemoryLabel::volume, 1, "--method gd, which decomposes the volume"});
  else if (o.method != Method::serial)
    all.push_back(
        {std::nullopt, 1, gpu == OnGpu::yes ? "more ranks on more GPUs" : "more ranks on more hosts"});
  return all;
}

} // namespace ptychoscale
