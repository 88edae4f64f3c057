#include "commands.hpp"
#include "ending.hpp"
#include "interruption.hpp"
#include "progress.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/output_target.hpp"
#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/files/case_file.hpp"
#include "ptychoscale/files/output_file.hpp"
#include "ptychoscale/geometry/tiling.hpp"
#include "ptychoscale/io/dataset.hpp"
#include "ptychoscale/io/experiment.hpp"
#include "ptychoscale/io/window_model.hpp"
#include "ptychoscale/multislice/multislice.hpp"
#include "ptychoscale/options/backend_options.hpp"
#include "ptychoscale/options/choices.hpp"
#include "ptychoscale/options/number_options.hpp"
#include "ptychoscale/simulate/simulation.hpp"
#include "simulation_memory.hpp"
#include "threads.hpp"
#include "truth.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

namespace ptychoscale {
namespace {

struct SimulateOptions {
  std::string case_name;
  std::filesystem::path output;
  std::optional<double> dose_e_per_A2;
  std::optional<std::uint64_t> seed;
  bool no_noise = false;
  std::optional<double> C10_error_A, position_jitter_A, source_size_A, detector_blur_px;
  std::string count_type = "float32";
  BackendOptions backend;
  int threads = 0;
};

const Choices<CountType> count_types{
    {"float32", CountType::float32}, {"float16", CountType::float16}, {"uint16", CountType::uint16}};

SimulationParameters parameters(const SimulateOptions& options) {
  auto p = load_case(options.case_name).simulation;
  if (options.dose_e_per_A2) p.dose_e_per_A2 = *options.dose_e_per_A2;
  if (options.no_noise) p.dose_e_per_A2 = 0;
  if (options.seed) p.seed = *options.seed;
  auto& c = p.conditions;
  c.C10_error_A = options.C10_error_A.value_or(c.C10_error_A);
  c.position_jitter_A = options.position_jitter_A.value_or(c.position_jitter_A);
  c.source_size_A = options.source_size_A.value_or(c.source_size_A);
  c.detector_blur_px = options.detector_blur_px.value_or(c.detector_blur_px);
  return p;
}

/// Whole numbers hold electrons; without noise a pattern is fractions of the beam, which would all become 0.
void check_count_type(const SimulateOptions& options, const SimulationParameters& p) {
  if (meaning(count_types, options.count_type) == CountType::uint16 && p.dose_e_per_A2 == 0)
    throw InputError("--count-type: uint16 needs a dose, since without noise counts are fractions of the "
                     "beam; valid: float32, or a --dose above 0");
}

/// What a partial file may be gone on with: another way to compute rounds otherwise.
std::string origin_of_patterns(const BackendOptions& backend) {
  return fmt::format("{}, {}", backend.kind, name(kernels_of(backend)));
}

/// Backend of this rank; the same patterns come from any number of threads.
std::unique_ptr<Backend> ready_backend(const BackendOptions& wanted, const Communicator& comm, int threads) {
  auto chosen = wanted;
  chosen.threads = threads;
  chosen.planning = Planning::estimate;
  chosen.local_rank = comm.local_rank();
  return make_backend(chosen);
}

/// Positions that a rank computes at once, the same for all ranks and no more than the largest share.
int positions_at_once(const Communicator& comm, const Backend& backend, Extent detector,
                      std::size_t missing) {
  const std::size_t share = (missing + comm.size() - 1) / comm.size();
  const auto wanted = static_cast<std::size_t>(backend.usual_waves(detector));
  auto n = static_cast<double>(std::max<std::size_t>(1, std::min(wanted, share)));
  comm.max(std::span<double>(&n, 1)); // hosts may have other numbers of cores
  return static_cast<int>(n);
}

/// Positions no earlier run has written, ascending, known to every rank.
std::vector<int> missing_positions(const Communicator& comm, const DatasetWriter* writer, std::size_t count) {
  std::string written(count, '0');
  for (std::size_t i = 0; writer != nullptr && i < count; ++i)
    if (writer->has_pattern(static_cast<int>(i))) written[i] = '1';
  comm.broadcast(written, 0);
  std::vector<int> missing;
  for (std::size_t i = 0; i < count; ++i)
    if (written[i] == '0') missing.push_back(static_cast<int>(i));
  return missing;
}

/// Contiguous share `rank` of `ranks`, so that a rank's windows lie close together.
std::vector<int> share(const std::vector<int>& all, int rank, int ranks) {
  const auto part = round_part(static_cast<int>(all.size()), rank, ranks);
  return {all.begin() + part.first, all.begin() + part.last};
}

/// Where the probe was for positions of the header, and a point of its source.
std::vector<Position> actual_positions(const SimulationParameters& p, const DatasetHeader& header,
                                       std::span<const int> indices, const SourcePoint& source) {
  std::vector<Position> actual;
  for (const int i : indices) {
    const auto at = actual_position(p, i, header.positions_A[static_cast<std::size_t>(i)]);
    actual.push_back({at.y + source.offset_A.y, at.x + source.offset_A.x});
  }
  return actual;
}

/// The part of the volume that the windows of `positions` see.
Box box_of_windows(const SimulationParameters& p, const DatasetHeader& header,
                   const std::vector<int>& positions) {
  const Box volume{0, header.volume.y, 0, header.volume.x};
  Box box{volume.y1, 0, volume.x1, 0};
  for (const auto& source : source_points(p.conditions))
    for (const auto& position : actual_positions(p, header, positions, source)) {
      const auto corner = place_probe(position, header.pixel, header.detector).window;
      box = {std::min(box.y0, corner.y), std::max(box.y1, corner.y + header.detector.y),
             std::min(box.x0, corner.x), std::max(box.x1, corner.x + header.detector.x)};
    }
  return positions.empty() ? Box{0, 1, 0, 1} : intersect(box, volume);
}

/// What this rank takes part in when nothing is there yet.
SimulationShare whole_share(const Communicator& comm, const Backend& backend, const SimulationParameters& p,
                            const DatasetHeader& header, int threads) {
  std::vector<int> all(header.positions_A.size());
  std::iota(all.begin(), all.end(), 0);
  return {.box = box_of_windows(p, header, share(all, comm.rank(), comm.size())),
          .positions_at_once = positions_at_once(comm, backend, header.detector, all.size()),
          .threads = threads,
          .waves_on_host = backend.shares_memory_with_host()};
}

/// Whether all ranks may go on: none was told to stop.
bool nobody_interrupted(const Communicator& comm) {
  double stop = interrupted() ? 1 : 0;
  comm.max(std::span<double>(&stop, 1));
  return stop == 0;
}

/// Makes a written part survive a kill, every few seconds.
class Saver {
public:
  explicit Saver(DatasetWriter* writer) : writer_(writer) {}
  void maybe_save() {
    using namespace std::chrono_literals;
    if (writer_ == nullptr || std::chrono::steady_clock::now() - saved_ < 10s) return;
    writer_->flush();
    saved_ = std::chrono::steady_clock::now();
  }

private:
  DatasetWriter* writer_;
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
};

/// The patterns of one simulation: every rank computes a few of its positions at a time and hands them to
/// rank 0, which writes.
class PatternRun {
public:
  PatternRun(const Communicator& comm, const SimulationParameters& p, const DatasetHeader& header,
             DatasetWriter* writer, const std::vector<int>& missing, int batch)
      : comm_(comm), parameters_(p), header_(header), writer_(writer), batch_(batch),
        sources_(source_points(p.conditions)),
        patterns_(static_cast<std::size_t>(batch) * header.detector.area()),
        of_source_(sources_.size() > 1 ? patterns_.size() : 0) {
    for (int r = 0; r < comm.size(); ++r) shares_.push_back(share(missing, r, comm.size()));
  }

  /// Rounds until the longest share is done.
  [[nodiscard]] int rounds() const {
    std::size_t longest = 0;
    for (const auto& s : shares_) longest = std::max(longest, s.size());
    return (static_cast<int>(longest) + batch_ - 1) / batch_;
  }

  /// One round on all ranks; gives the number of patterns that rank 0 wrote.
  int run(int round, Multislice& model, Volume volume, Offset origin) {
    const auto mine = part(comm_.rank(), round);
    compute(mine, model, volume, origin);
    if (comm_.rank() != 0) {
      if (!mine.empty()) comm_.send(std::span<const float>(patterns_).first(mine.size() * pattern_size()), 0);
      return 0;
    }
    write(mine);
    int written = static_cast<int>(mine.size());
    for (int r = 1; r < comm_.size(); ++r) {
      const auto theirs = part(r, round);
      if (theirs.empty()) continue;
      comm_.receive(std::span<float>(patterns_).first(theirs.size() * pattern_size()), r);
      write(theirs);
      written += static_cast<int>(theirs.size());
    }
    return written;
  }

private:
  [[nodiscard]] std::size_t pattern_size() const { return header_.detector.area(); }
  [[nodiscard]] std::span<const int> part(int rank, int round) const {
    const std::span<const int> all = shares_[static_cast<std::size_t>(rank)];
    const auto first = std::min(all.size(), static_cast<std::size_t>(round) * batch_);
    return all.subspan(first, std::min(all.size() - first, static_cast<std::size_t>(batch_)));
  }
  void compute(std::span<const int> indices, Multislice& model, Volume volume, Offset origin) {
    if (indices.empty()) return;
    const auto patterns = std::span<float>(patterns_).first(indices.size() * pattern_size());
    if (sources_.size() == 1)
      model.intensities(volume, origin, actual_positions(parameters_, header_, indices, sources_[0]),
                        patterns);
    else
      add_sources(indices, model, volume, origin, patterns);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const auto one = patterns.subspan(i * pattern_size(), pattern_size());
      blur(one, header_.detector, parameters_.conditions.detector_blur_px);
      apply_dose(header_, indices[i], one);
    }
  }
  void add_sources(std::span<const int> indices, Multislice& model, Volume volume, Offset origin,
                   std::span<float> patterns) {
    std::fill(patterns.begin(), patterns.end(), 0.0F);
    const auto one = std::span<float>(of_source_).first(patterns.size());
    for (const auto& source : sources_) {
      model.intensities(volume, origin, actual_positions(parameters_, header_, indices, source), one);
      for (std::size_t k = 0; k < one.size(); ++k) patterns[k] += static_cast<float>(source.weight) * one[k];
    }
  }
  void write(std::span<const int> indices) {
    for (std::size_t i = 0; i < indices.size(); ++i)
      writer_->write_pattern(indices[i],
                             std::span<const float>(patterns_).subspan(i * pattern_size(), pattern_size()));
  }

  const Communicator& comm_;
  const SimulationParameters& parameters_;
  const DatasetHeader& header_;
  DatasetWriter* writer_;
  int batch_;
  std::vector<SourcePoint> sources_;
  MeteredVector<float, MemoryLabel::other> patterns_;
  MeteredVector<float, MemoryLabel::other> of_source_; ///< those of one of several points
  std::vector<std::vector<int>> shares_;
};

/// Makes what is missing of the file; gives whether it ran to the end.
bool fill(const Communicator& comm, Backend& backend, const SimulationParameters& p,
          const DatasetHeader& header, DatasetWriter* writer, int threads) {
  const auto positions = static_cast<int>(header.positions_A.size());
  const auto missing = missing_positions(comm, writer, header.positions_A.size());
  const auto box = box_of_windows(p, header, share(missing, comm.rank(), comm.size()));
  const Buffer<float> potential(backend, box.extent().area() * header.slices, MemoryLabel::volume);
  const Volume volume{potential.data(), header.slices, box.extent()};
  Saver saver(writer);
  {
    Progress progress("potential", "slices", header.slices, 0, comm.rank() == 0);
    if (!make_truth(comm, p, writer, {backend, box, volume}, threads, [&](int done) {
          progress.advance_to(done);
          saver.maybe_save();
          return nobody_interrupted(comm);
        }))
      return false;
  }
  const Extent grids[] = {header.detector};
  backend.prepare(grids);
  const int batch = positions_at_once(comm, backend, header.detector, missing.size());
  Multislice model(backend, window_model(header), actual_probe(p), batch);
  PatternRun run(comm, p, header, writer, missing, batch);
  int done = positions - static_cast<int>(missing.size());
  Progress progress("patterns", "positions", positions, done, comm.rank() == 0);
  for (int round = 0; round < run.rounds(); ++round) {
    done += run.run(round, model, volume, box.origin());
    progress.advance_to(done);
    saver.maybe_save();
    if (!nobody_interrupted(comm)) return false;
  }
  return true;
}

int simulate(const SimulateOptions& options, const Communicator& comm) {
  SimulationParameters p;
  DatasetHeader header;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<DatasetWriter> writer;
  const auto type = meaning(count_types, options.count_type);
  const int threads = ready_threads(options.threads, &comm);
  comm.agree([&] {
    p = parameters(options);
    header = make_header(p);
    check_count_type(options, p);
    check_apart({"--output", options.output}, {{"CASE", p.file}});
    backend = ready_backend(options.backend, comm, threads);
  });
  check_memory(comm, p, header, whole_share(comm, *backend, p, header, threads));
  comm.agree([&] { // once nothing above has failed on any rank: that leaves no file
    if (comm.rank() != 0) return;
    const auto partial = output_target(options.output).string() + ".partial";
    const bool left_over = std::filesystem::exists(partial);
    writer = std::make_unique<DatasetWriter>(options.output, header, type, true,
                                             origin_of_patterns(options.backend));
    if (left_over && !writer->resumed())
      warn(fmt::format("{}: is {} and is begun anew", partial,
                       writer->replaced_damaged() ? "damaged" : "of another case, seed, backend or version"));
    if (const int parts = writer->distrusted())
      warn(fmt::format(
          "{}: {} of its parts {} not what was recorded, as a power cut may leave them, and {} made again",
          partial, parts, parts == 1 ? "is" : "are", parts == 1 ? "is" : "are"));
    if (const auto apart = complaint_of_overlap(header)) warn(fmt::format("{}: {}", title(p), *apart));
  });
  if (comm.rank() == 0)
    fmt::print(stderr, "{}: {} positions, {} x {} pixels, {} slices; potential by {}; patterns by {}\n",
               p.name, header.positions_A.size(), header.detector.y, header.detector.x, header.slices,
               choose_sum(p) == PotentialGenerator::Sum::exact ? "the direct structure-factor sum"
                                                               : "a non-uniform FFT",
               backend->description());
  watch_for_interruption();
  const bool whole = fill(comm, *backend, p, header, writer.get(), threads);
  comm.agree([&] {
    if (writer == nullptr) return;
    whole ? writer->finish() : writer->flush();
  });
  if (!whole)
    return end_with_error(&comm, "interrupted; the same command goes on where this one stopped",
                          exit_interrupted);
  if (comm.rank() == 0) fmt::print("{}\n", options.output.string());
  return exit_ok;
}

} // namespace

void add_simulate_command(CLI::App& app, Action& action) {
  auto* command =
      app.add_subcommand("simulate", "Make a dataset of a PbTiO3 film: patterns and the true potential");
  const auto o = std::make_shared<SimulateOptions>();
  command
      ->add_option(
          "CASE", o->case_name,
          "A case of bench/cases (see `ptychoscale info`), or the path of a case file ending in .json")
      ->required();
  command->add_option("-o,--output", o->output, "The dataset to write, HDF5")->required();
  command
      ->add_option("--dose", o->dose_e_per_A2, "Electrons per square angstrom for Poisson noise; 0: no noise")
      ->check(number_from_0());
  command->add_flag("--no-noise", o->no_noise, "Same as --dose 0")->excludes("--dose");
  command->add_option("--C10-error-A", o->C10_error_A,
                      "What the probe's C10 (-defocus) has on top of the one that solvers are told");
  const std::tuple<const char*, std::optional<double>&, const char*> departures[] = {
      {"--position-jitter-A", o->position_jitter_A,
       "Rms deviation of probe positions from those that are told"},
      {"--source-size-A", o->source_size_A,
       "Rms size of an incoherent source, on the specimen; nine times the work"},
      {"--detector-blur-px", o->detector_blur_px, "Rms spread of electrons over the detector's pixels"}};
  for (const auto& [flag, target, help] : departures)
    command->add_option(flag, target, help)->check(number_from_0());
  command
      ->add_option("--seed", o->seed,
                   "Seed of disorder, vacancies and noise; the same seed gives the same bytes")
      ->transform(whole_number<std::uint64_t>(0));
  command
      ->add_option("--count-type", o->count_type,
                   "How counts are stored; uint16: whole electrons, so only with a dose")
      ->check(CLI::IsMember(words(count_types)))
      ->capture_default_str();
  add_backend_options(*command, o->backend);
  command
      ->add_option("--threads", o->threads,
                   "Threads per rank, and with --backend cpu patterns that it computes at once; 0: the "
                   "machine's cores "
                   "shared among its ranks")
      ->transform(thread_count(0))
      ->capture_default_str();
  command->footer(
      "Examples:\n"
      "  ptychoscale simulate smoke -o smoke.h5\n"
      "  mpirun -n 4 ptychoscale simulate ci --dose 1e5 -o ci-noisy.h5\n"
      "  ptychoscale simulate pbtio3-small --backend cuda -o small.h5\n"
      "The potential is always made on the CPU. Positions are spread over the ranks. An interrupted "
      "run leaves FILE.partial; the same command resumes it.");
  command->callback(
      [&action, o] { action = [o](const Invocation& call) { return simulate(*o, *call.comm); }; });
}

} // namespace ptychoscale
