// The solvers on real ranks against the serial one, on a small simulated specimen.
#include "mpi_test.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/base/half.hpp"
#include "ptychoscale/io/window_model.hpp"
#include "ptychoscale/reconstruct/dry_run.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "small_experiment.hpp"

#include <cmath>
#include <filesystem>
#include <numeric>
#include <unistd.h>

namespace ptychoscale {
namespace {

DatasetHeader small_header() {
  return test::header_of({.detector = {32, 36},
                          .pixel = {0.4, 0.35},
                          .slices = 3,
                          .slice_thickness_A = 4,
                          .volume = {72, 80},
                          .scan = {6, 7},
                          .scan_step_A = {2.4, 2.3},
                          .first_A = {8.3, 7.1},
                          .C10_A = -150});
}

/// The file of this process group's dataset, written by rank 0 and removed at the end.
class DatasetOnDisk {
public:
  explicit DatasetOnDisk(const Communicator& comm, DatasetHeader header = small_header())
      : comm_(comm), header_(std::move(header)) {
    std::string name = (std::filesystem::temp_directory_path() /
                        ("ptychoscale_reconstruction_" + std::to_string(getpid()) + ".h5"))
                           .string();
    comm.broadcast(name, 0);
    file_ = name;
    if (comm.rank() == 0) write();
    comm.barrier();
  }
  ~DatasetOnDisk() {
    comm_.barrier();
    if (comm_.rank() == 0) std::filesystem::remove(file_);
  }
  DatasetOnDisk(const DatasetOnDisk&) = delete;
  DatasetOnDisk& operator=(const DatasetOnDisk&) = delete;
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }

private:
  void write() const {
    const auto& h = header_;
    const auto backend = make_backend({"cpu", 1, Planning::estimate});
    Multislice model(*backend, window_model(h), h.probe);
    const auto truth = test::smooth_specimen(h);
    Buffer<float> volume(*backend, truth.size(), MemoryLabel::volume);
    volume.upload(truth);
    DatasetWriter writer(file_, h, CountType::float32, false);
    std::vector<float> pattern(h.detector.area());
    for (int i = 0; i < static_cast<int>(h.positions_A.size()); ++i) {
      model.intensities({volume.data(), h.slices, h.volume}, {},
                        {&h.positions_A[static_cast<std::size_t>(i)], 1}, pattern);
      writer.write_pattern(i, pattern);
    }
    writer.finish();
  }
  const Communicator& comm_;
  DatasetHeader header_;
  std::filesystem::path file_;
};

/// The meshes tried with a number of ranks.
std::vector<Mesh> meshes(int ranks) {
  std::vector<Mesh> all;
  for (int rows = 1; rows <= 3; ++rows)
    if (ranks % rows == 0 && ranks / rows <= 3) all.push_back({rows, ranks / rows});
  return all;
}

constexpr double full_halo_A = 100; // wider than any window
constexpr int hve_impossible =
    6; // its only mesh that divides the scan is 6 x 1, whose cores are narrower than their halos

struct Run {
  ReconstructionPlan plan;
  Reconstruction result;
  std::vector<float> tile;
};

Run run(const Communicator& comm, const Acquisition& acquisition, const ReconstructionOptions& options) {
  const auto backend = make_backend({"cpu", 1, Planning::estimate});
  const auto plan = plan_reconstruction(acquisition.header, options, comm.size());
  Run r{plan, reconstruct(comm, *backend, acquisition, plan, options, {}), {}};
  r.tile.resize(r.result.volume.size());
  r.result.volume.download(r.tile);
  r.result.volume = {}; // before its backend goes
  return r;
}

Run run(const Communicator& comm, const DatasetReader& dataset, const ReconstructionOptions& options) {
  return run(comm, acquisition_of(dataset), options);
}

/// Largest difference between two volumes, relative to the first one's largest value.
float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  float difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::abs(a[i] - b[i]));
    size = std::max(size, std::abs(a[i]));
  }
  return difference / size;
}

/// Relative L2 difference between this rank's core and the serial volume, over all ranks.
double difference(const Communicator& comm, const DatasetHeader& h, const Run& parallel, const Run& serial) {
  const auto& t = parallel.plan.tiling.tiles[static_cast<std::size_t>(comm.rank())];
  const Extent e = t.extended.extent();
  std::array<double, 2> sums{};
  for (int s = 0; s < h.slices; ++s)
    for (int y = t.core.y0; y < t.core.y1; ++y)
      for (int x = t.core.x0; x < t.core.x1; ++x) {
        const auto mine = static_cast<std::size_t>((s * e.y + y - t.extended.y0) * e.x + x - t.extended.x0);
        const auto reference = static_cast<std::size_t>((s * h.volume.y + y) * h.volume.x + x);
        const double d = parallel.tile[mine] - serial.tile[reference];
        sums[0] += d * d;
        sums[1] += static_cast<double>(serial.tile[reference]) * static_cast<double>(serial.tile[reference]);
      }
  comm.sum(sums);
  return std::sqrt(sums[0] / sums[1]);
}

class ReconstructionOnRanks : public test::MpiTest {
protected:
  DatasetOnDisk disk{comm};
  DatasetReader dataset{disk.file()};
};

TEST_F(ReconstructionOnRanks, BatchWithFullHaloEqualsSerialOnEveryMeshAndExchange) {
  ReconstructionOptions options{.method = Method::serial, .iterations = 5, .update = UpdateRule::batch};
  const auto serial = run(Communicator::self(), dataset, options);
  options.method = Method::gd;
  options.halo_A = full_halo_A;
  for (const auto mesh : meshes(comm.size()))
    for (const auto exchange : {ExchangeKind::appp, ExchangeKind::passes, ExchangeKind::allreduce}) {
      options.mesh = mesh;
      options.exchange = exchange;
      const auto parallel = run(comm, dataset, options);
      // fp32 sums in another order.
      EXPECT_LT(difference(comm, dataset.header(), parallel, serial), 1e-5)
          << mesh.rows << "x" << mesh.columns << " " << name(exchange);
      EXPECT_NEAR(parallel.result.cost.back() / serial.result.cost.back(), 1, 1e-5);
    }
}

TEST_F(ReconstructionOnRanks, ReplicatedIsSerialDescentHoweverPositionsAreDealt) {
  ReconstructionOptions options{.method = Method::serial, .iterations = 5, .update = UpdateRule::batch};
  const auto serial = run(Communicator::self(), dataset, options);
  options.method = Method::replicated;
  const auto parallel = run(comm, dataset, options);
  EXPECT_EQ(parallel.tile.size(), serial.tile.size());
  EXPECT_LT(difference(comm, dataset.header(), parallel, serial), 1e-5); // fp32 sums in another order
  EXPECT_NEAR(parallel.result.cost.back() / serial.result.cost.back(), 1, 1e-5);
}

TEST_F(ReconstructionOnRanks, AcceleratedTakesTheSameIterationsOnEveryMesh) {
  ReconstructionOptions options{
      .method = Method::serial, .iterations = 12, .update = UpdateRule::accelerated};
  const auto serial = run(Communicator::self(), dataset, options);
  options.method = Method::gd;
  options.halo_A = full_halo_A;
  for (const auto mesh : meshes(comm.size())) {
    options.mesh = mesh;
    const auto parallel = run(comm, dataset, options);
    EXPECT_EQ(parallel.result.step, serial.result.step);
    // fp32 sums in another order, carried on by the momentum.
    EXPECT_LT(difference(comm, dataset.header(), parallel, serial), 1e-4) << mesh.rows << "x" << mesh.columns;
    EXPECT_NEAR(parallel.result.cost.back() / serial.result.cost.back(), 1, 1e-3);
  }
  options.update = UpdateRule::batch;
  const auto plain = run(comm, dataset, options);
  EXPECT_LT(serial.result.cost.back(), 0.5 * plain.result.cost.back());
}

TEST_F(ReconstructionOnRanks, AveragedKeepsTheSerialStepWhateverTheMesh) {
  // So dense that all ranks see nearly all of the specimen, and plain sums of this step diverge.
  const auto h = small_header();
  const auto dense = test::header_of({.detector = h.detector,
                                      .pixel = h.pixel,
                                      .slices = h.slices,
                                      .slice_thickness_A = h.slice_thickness_A,
                                      .volume = h.volume,
                                      .scan = {6, 6},
                                      .scan_step_A = {0.8, 0.8},
                                      .first_A = {12.3, 12.1},
                                      .C10_A = h.C10_A});
  const DatasetOnDisk file(comm, dense);
  const DatasetReader data(file.file());
  const auto serial = run(Communicator::self(), data, {.method = Method::serial, .iterations = 8});
  for (const auto mesh : meshes(comm.size()))
    for (const int rounds : {1, 2, 0}) {
      const auto r = run(comm, data,
                         {.method = Method::gd,
                          .iterations = 8,
                          .update = UpdateRule::averaged,
                          .rounds = rounds,
                          .mesh = mesh,
                          .halo_A = full_halo_A});
      EXPECT_EQ(r.result.step, serial.result.step);
      // Within 4 % of one rank that did it all.
      EXPECT_LT(r.result.cost.back(), 1.2 * serial.result.cost.back())
          << mesh.rows << "x" << mesh.columns << ", rounds " << rounds;
    }
}

TEST_F(ReconstructionOnRanks, SameRunTwiceGivesTheSameBits) {
  for (const auto method : {Method::gd, Method::hve}) {
    if (method == Method::hve && comm.size() == hve_impossible) continue;
    const ReconstructionOptions options{.method = method, .iterations = 2, .rounds = 2};
    const auto first = run(comm, dataset, options);
    const auto second = run(comm, dataset, options);
    EXPECT_EQ(first.tile, second.tile) << name(method);
    EXPECT_EQ(first.result.cost, second.result.cost) << name(method);
  }
}

TEST_F(ReconstructionOnRanks, OnceWithOneExchangeStaysCloseToTheSerialCost) {
  // With the whole window in the halo: what a halo of the bare circle cuts off is the case's affair, not the
  // algorithm's.
  ReconstructionOptions options{
      .method = Method::gd, .iterations = 10, .update = UpdateRule::once, .halo_A = full_halo_A};
  const auto parallel = run(comm, dataset, options);
  options.step = parallel.result.step;
  options.method = Method::serial;
  const auto serial = run(Communicator::self(), dataset, options);
  EXPECT_NEAR(parallel.result.cost.back() / serial.result.cost.back(), 1, 0.2);
}

TEST_F(ReconstructionOnRanks, EveryRuleAndFillLowersTheCost) {
  using enum UpdateRule;
  for (const auto update : {as_printed, once, averaged, batch, accelerated})
    for (const int rounds : {1, 3, 0}) {
      if (update == accelerated && rounds != 1) continue;
      for (const auto method : {Method::gd, Method::replicated}) {
        const auto r =
            run(comm, dataset, {.method = method, .iterations = 8, .update = update, .rounds = rounds});
        EXPECT_LT(r.result.cost.back(), 0.7 * r.result.vacuum_cost)
            << name(method) << " " << name(update) << ", rounds " << rounds;
      }
    }
}

TEST_F(ReconstructionOnRanks, DelayedTooIsTheSumOfAllOnceTheRunEnds) {
  // What is late is applied after the last iteration, and one round is late only of itself.
  using enum UpdateRule;
  for (const auto update : {once, averaged, batch})
    for (const auto method : {Method::gd, Method::replicated}) {
      ReconstructionOptions options{.method = method, .iterations = 1, .update = update};
      const auto at_once = run(comm, dataset, options);
      options.delay = 1;
      options.step = at_once.result.step;
      const auto late = run(comm, dataset, options);
      EXPECT_LT(largest_difference(at_once.tile, late.tile), 1e-5F)
          << name(method) << " " << name(update); // sums in another order, fp32
    }
}

TEST_F(ReconstructionOnRanks, DelayHasNothingToWaitForOnOneRank) {
  ReconstructionOptions options{.method = Method::gd, .iterations = 3, .rounds = 2, .delay = 1};
  const auto delayed = run(Communicator::self(), dataset, options);
  options.method = Method::serial;
  EXPECT_EQ(delayed.tile, run(Communicator::self(), dataset, options).tile);
}

TEST_F(ReconstructionOnRanks, DelayedLowersTheCostOverEveryExchange) {
  using enum UpdateRule;
  for (const auto update : {once, averaged, batch})
    for (const int rounds : {1, 3, 0}) {
      ReconstructionOptions options{.iterations = 8, .update = update, .rounds = rounds, .delay = 1};
      const auto r = run(comm, dataset, options);
      EXPECT_LT(r.result.cost.back(), 0.7 * r.result.vacuum_cost) << name(update) << ", rounds " << rounds;
      EXPECT_EQ(run(comm, dataset, options).tile, r.tile); // whenever messages arrive
      options.exchange = ExchangeKind::passes;
      EXPECT_LT(largest_difference(r.tile, run(comm, dataset, options).tile), 1e-4F); // sums in another order
    }
}

TEST_F(ReconstructionOnRanks, HaloVoxelExchangeLowersTheCostWhereItCanExist) {
  for (const auto fill : {HaloFill::paste, HaloFill::mean, HaloFill::never}) {
    if (comm.size() == hve_impossible) {
      EXPECT_THROW(run(comm, dataset, {.method = Method::hve, .halo_fill = fill}), InputError);
      continue;
    }
    const auto r = run(comm, dataset, {.method = Method::hve, .iterations = 8, .halo_fill = fill});
    EXPECT_LT(r.result.cost.back(), 0.5 * r.result.vacuum_cost) << "fill " << static_cast<int>(fill);
  }
}

TEST_F(ReconstructionOnRanks, StreamedMeasurementsGiveTheSameBits) {
  ReconstructionOptions options{.method = Method::gd, .iterations = 2};
  const auto resident = run(comm, dataset, options);
  options.stream_measurements = true;
  EXPECT_EQ(run(comm, dataset, options).tile, resident.tile);
}

TEST_F(ReconstructionOnRanks, PositionsAtOnceChangeNoBitOfTheVolume) {
  // The gradients of a batch's positions are added in their order, so only the sum of losses may differ,
  // which is made in fp64 of terms that are alike.
  std::vector<ReconstructionOptions> all;
  for (const int rounds : {1, 4}) all.push_back({.rounds = rounds});
  all.push_back({.halo_A = full_halo_A, .grid = GridKind::tile});
  all.push_back({.adjoint = Adjoint::checkpoint, .bandwidth = Bandwidth::two_thirds});
  if (comm.size() == 1) all.push_back({.method = Method::serial});
  for (auto& options : all) {
    options.iterations = 2;
    options.update = UpdateRule::batch;
    options.positions_at_once = 1;
    options.stream_measurements = false;
    const auto one = run(comm, dataset, options);
    for (const int at_once : {2, 3, 100}) // 3 and 4 rounds: parts that it does not divide; 100: all of a part
      for (const bool stream : {false, true}) {
        options.positions_at_once = at_once;
        options.stream_measurements = stream;
        const auto many = run(comm, dataset, options);
        const auto what = std::string(name(options.method)) + ", " + std::to_string(options.rounds) +
                          " rounds, " + std::to_string(at_once) + " at once" + (stream ? ", streamed" : "");
        EXPECT_EQ(many.tile, one.tile) << what;
        for (std::size_t i = 0; i < one.result.cost.size(); ++i)
          EXPECT_NEAR(many.result.cost[i] / one.result.cost[i], 1, 1e-12) << what;
        EXPECT_NEAR(many.result.vacuum_cost / one.result.vacuum_cost, 1, 1e-12) << what;
      }
  }
}

TEST_F(ReconstructionOnRanks, PositionsAtOnceTakeTheirWavesAndNoMoreThanARoundHas) {
  ReconstructionOptions options{.iterations = 1, .update = UpdateRule::batch, .rounds = 4, .step = 1};
  const auto waves_of = [&](int at_once) {
    options.positions_at_once = at_once;
    memory_meter().forget_peaks();
    const auto r = run(comm, dataset, options);
    std::vector<std::int64_t> waves;
    for (const auto& rank : r.result.ranks)
      waves.push_back(rank.peak_bytes[static_cast<std::size_t>(MemoryLabel::waves)]);
    return waves;
  };
  const auto plan = plan_reconstruction(dataset.header(), options, comm.size());
  const auto wave = static_cast<std::int64_t>(dataset.header().detector.area() * sizeof(Complex));
  const auto one = waves_of(1);
  for (const int at_once : {3, 100}) {
    const auto many = waves_of(at_once);
    for (std::size_t rank = 0; rank < one.size(); ++rank) {
      const auto fullest_round = (static_cast<int>(plan.tiling.tiles[rank].own.size()) + 3) / 4;
      // Each further position: its wave and its adjoint.
      EXPECT_EQ(many[rank] - one[rank], (std::min(at_once, fullest_round) - 1) * 2 * wave) << at_once;
    }
  }
}

TEST_F(ReconstructionOnRanks, StreamedBatchesReadEveryPatternOnceAndInOrder) {
  for (const int at_once : {1, 3}) {
    const ReconstructionOptions options{.iterations = 2,
                                        .update = UpdateRule::batch,
                                        .rounds = 2,
                                        .step = 1e-3,
                                        .stream_measurements = true,
                                        .positions_at_once = at_once};
    std::vector<int> read;
    const Acquisition noted{dataset.header(), [&](int position, std::span<float> amplitudes) {
                              read.push_back(position);
                              dataset.read_amplitudes(position, amplitudes);
                            }};
    const auto backend = make_backend({"cpu", 1, Planning::estimate});
    const auto plan = plan_reconstruction(dataset.header(), options, comm.size());
    (void)reconstruct(comm, *backend, noted, plan, options, {});
    const auto& own = plan.tiling.tiles[static_cast<std::size_t>(comm.rank())].own;
    const auto first_batch = std::min(static_cast<std::size_t>(at_once), own.size() / 2);
    ASSERT_EQ(read.size(), 2 * own.size() + first_batch); // the first batch is read ahead once more
    for (std::size_t i = 0; i < read.size(); ++i) EXPECT_EQ(read[i], own[i % own.size()]) << i;
  }
}

TEST_F(ReconstructionOnRanks, PositionsAtOnceNeedAMethodThatDoesNotStepInBetween) {
  const auto plan = [&](const ReconstructionOptions& options) {
    (void)plan_reconstruction(dataset.header(), options, 1);
  };
  using enum UpdateRule;
  EXPECT_NO_THROW(plan({.method = Method::gd, .update = batch, .positions_at_once = 2}));
  EXPECT_NO_THROW(plan({.method = Method::serial, .update = batch, .positions_at_once = 2}));
  EXPECT_NO_THROW(plan({.method = Method::gd, .update = accelerated, .positions_at_once = 2}));
  EXPECT_THROW(plan({.method = Method::gd, .update = averaged, .positions_at_once = 2}), InputError);
  EXPECT_THROW(plan({.method = Method::gd, .update = accelerated, .rounds = 2}), InputError);
  EXPECT_THROW(plan({.method = Method::gd, .update = accelerated, .rounds = 0}), InputError);
  EXPECT_THROW(plan({.method = Method::gd, .update = batch, .positions_at_once = 0}), InputError);
  EXPECT_THROW(plan({.method = Method::gd, .update = once, .positions_at_once = 2}), InputError);
  EXPECT_THROW(plan({.method = Method::gd, .update = as_printed, .positions_at_once = 2}), InputError);
  EXPECT_THROW(plan({.method = Method::serial, .update = once, .positions_at_once = 2}), InputError);
  EXPECT_THROW(plan({.method = Method::hve, .update = batch, .positions_at_once = 2}), InputError);
}

TEST_F(ReconstructionOnRanks, Float16MeasurementsGiveTheBitsOfAmplitudesRoundedBefore) {
  const Acquisition rounded{dataset.header(), [&](int position, std::span<float> amplitudes) {
                              dataset.read_amplitudes(position, amplitudes);
                              for (float& a : amplitudes)
                                a = float_from_half(half_from_float(a / half_amplitude_unit)) *
                                    half_amplitude_unit;
                            }};
  ReconstructionOptions options{.method = Method::gd, .iterations = 2};
  const auto expected = run(comm, rounded, options);
  options.measurement_type = MeasurementType::float16;
  for (const bool stream : {false, true}) {
    options.stream_measurements = stream;
    const auto half = run(comm, dataset, options);
    EXPECT_EQ(half.tile, expected.tile);
    EXPECT_EQ(half.result.cost, expected.result.cost);
    EXPECT_EQ(half.result.vacuum_cost, expected.result.vacuum_cost);
  }
}

TEST_F(ReconstructionOnRanks, Float16MeasurementsChangeTheCostByNoMoreThanTheirRounding) {
  // The root of F is the distance between measured and modelled amplitudes, so for any one volume rounding
  // the measured ones by 2^-11 each can change it by 2^-11 |a| at most. Gradient descent with a stable step
  // only shrinks what that does to the residual, so this holds after any number of steps as well, in as far
  // as the model is linear over what the rounding changes.
  std::vector<float> pattern(dataset.header().detector.area());
  double square = 0;
  for (int i = 0; i < static_cast<int>(dataset.header().positions_A.size()); ++i) {
    dataset.read_amplitudes(i, pattern);
    for (const float a : pattern) square += static_cast<double>(a) * static_cast<double>(a);
  }
  const double bound = 0x1p-11 * std::sqrt(square);
  ReconstructionOptions options{.method = Method::gd, .iterations = 8, .update = UpdateRule::batch};
  const auto full = run(comm, dataset, options).result;
  options.measurement_type = MeasurementType::float16;
  for (const bool stream : {false, true}) {
    options.stream_measurements = stream;
    const auto half = run(comm, dataset, options).result;
    EXPECT_NE(half.cost.front(), full.cost.front()); // they are rounded at all
    EXPECT_LE(std::abs(std::sqrt(half.vacuum_cost) - std::sqrt(full.vacuum_cost)), bound);
    for (std::size_t i = 0; i < full.cost.size(); ++i)
      EXPECT_LE(std::abs(std::sqrt(half.cost[i]) - std::sqrt(full.cost[i])), bound) << "iteration " << i;
  }
}

TEST_F(ReconstructionOnRanks, ResidentFloat16MeasurementsTakeExactlyHalfTheMemory) {
  const auto resident_of = [&](MeasurementType type) {
    std::int64_t bytes = 0;
    const auto backend = make_backend({"cpu", 1, Planning::estimate});
    const ReconstructionOptions options{.iterations = 1, .step = 1e-3, .measurement_type = type};
    const ReconstructionHooks while_computing{
        .on_iteration = {}, .interrupted = [&] {
          bytes = memory_meter().read().now[static_cast<std::size_t>(MemoryLabel::measurements)];
          return false;
        }};
    const auto plan = plan_reconstruction(dataset.header(), options, comm.size());
    (void)reconstruct(comm, *backend, acquisition_of(dataset), plan, options, while_computing);
    return bytes;
  };
  const auto full = resident_of(MeasurementType::float32);
  EXPECT_GT(full, 0);
  EXPECT_EQ(2 * resident_of(MeasurementType::float16), full);
}

TEST_F(ReconstructionOnRanks, AnAmplitudeBeyondFloat16IsAnInputErrorNamingItsPosition) {
  const auto backend = make_backend({"cpu", 1, Planning::estimate});
  for (const bool stream : {false, true}) {
    const ReconstructionOptions options{.iterations = 1,
                                        .step = 1e-3,
                                        .stream_measurements = stream,
                                        .measurement_type = MeasurementType::float16};
    const auto plan = plan_reconstruction(dataset.header(), options, 1);
    const Acquisition bright{dataset.header(), [](int position, std::span<float> amplitudes) {
                               std::ranges::fill(amplitudes, position == 5 ? 4.0F : 3.9F);
                             }};
    try {
      (void)reconstruct(Communicator::self(), *backend, bright, plan, options, {});
      ADD_FAILURE() << "took an amplitude of 4";
    } catch (const InputError& e) {
      EXPECT_NE(std::string(e.what()).find("position 5 has 4"), std::string::npos) << e.what();
    }
  }
}

TEST_F(ReconstructionOnRanks, TileGridAndKeptWavesWork) {
  ReconstructionOptions options{
      .method = Method::gd, .iterations = 4, .update = UpdateRule::batch, .halo_A = full_halo_A};
  const auto window = run(comm, dataset, options);
  options.grid = GridKind::tile;
  const auto tile = run(comm, dataset, options);
  // The data's probe tails wrap around the window and the tile's do not, so the same only to some ten per
  // cent (1.21 seen).
  EXPECT_NEAR(tile.result.cost.back() / window.result.cost.back(), 1, 0.3);
  options.grid = GridKind::window;
  for (const auto adjoint : {Adjoint::store, Adjoint::checkpoint}) {
    options.adjoint = adjoint;
    const auto kept = run(comm, dataset, options);
    EXPECT_NEAR(kept.result.cost.back() / window.result.cost.back(), 1, 1e-5);
  }
}

TEST_F(ReconstructionOnRanks, ADivergingStepIsAnInputErrorOnAllRanksNamingTheIteration) {
  const auto good = run(comm, dataset, {.method = Method::gd, .iterations = 1});
  ReconstructionOptions options{.method = Method::gd, .iterations = 30};
  options.step = 1e3 * good.result.step;
  try {
    run(comm, dataset, options);
    ADD_FAILURE() << "did not diverge";
  } catch (const InputError& e) {
    EXPECT_NE(std::string(e.what()).find("iteration"), std::string::npos) << e.what();
  }
}

/// What a dry run must tell of a rank exactly: everything but its times, and memory that only a file needs.
std::vector<std::int64_t> told(const RankStatistics& s) {
  std::vector<std::int64_t> all{s.positions, s.extended_voxels, s.messages, s.bytes_sent};
  for (const auto label : {MemoryLabel::volume, MemoryLabel::accumulation, MemoryLabel::waves,
                           MemoryLabel::measurements, MemoryLabel::exchange, MemoryLabel::fft})
    all.push_back(s.peak_bytes[static_cast<std::size_t>(label)]);
  return all;
}

TEST_F(ReconstructionOnRanks, ADryRunTellsMessagesBytesAndPeaksOfEveryRankExactly) {
  std::vector<ReconstructionOptions> many;
  for (const auto exchange :
       {ExchangeKind::appp, ExchangeKind::passes, ExchangeKind::neighbours, ExchangeKind::allreduce})
    many.push_back({.method = Method::gd, .rounds = 2, .exchange = exchange});
  many.push_back({.method = Method::gd,
                  .rounds = 0,
                  .halo_A = full_halo_A,
                  .grid = GridKind::tile,
                  .adjoint = Adjoint::store});
  many.push_back({.method = Method::gd, .adjoint = Adjoint::checkpoint, .bandwidth = Bandwidth::two_thirds});
  for (const bool stream : {false, true})
    for (const auto type : {MeasurementType::float32, MeasurementType::float16})
      many.push_back({.method = Method::gd,
                      .update = UpdateRule::batch,
                      .rounds = 2,
                      .stream_measurements = stream,
                      .measurement_type = type,
                      .positions_at_once = 3});
  if (comm.size() != hve_impossible)
    for (const auto fill : {HaloFill::paste, HaloFill::mean, HaloFill::never})
      many.push_back({.method = Method::hve, .halo_fill = fill, .stream_measurements = true});
  for (auto& options : many) {
    options.iterations = 1;
    options.step = 1; // nothing is reconstructed
    memory_meter().forget_peaks();
    const auto real = run(comm, dataset, options);
    const auto dry = dry_run(dataset.header(), options, real.plan, {}, 1);
    for (const auto& rank : real.result.ranks)
      EXPECT_EQ(told(dry[static_cast<std::size_t>(rank.rank)]), told(rank))
          << name(options.method) << " " << name(options.exchange) << ", rank " << rank.rank << " of "
          << comm.size();
  }
}

TEST_F(ReconstructionOnRanks, OneRankAloneUsesTheMemoryItUsesAmongTheOthers) {
  for (const auto method : {Method::gd, Method::hve}) {
    if (method == Method::hve && comm.size() == hve_impossible) continue;
    const ReconstructionOptions options{.method = method, .iterations = 1, .step = 1};
    memory_meter().forget_peaks();
    const auto together = run(comm, dataset, options);
    for (const auto& rank : together.result.ranks) {
      const auto alone = Communicator::alone(rank.rank, comm.size());
      const auto backend = make_backend({"cpu", 1, Planning::estimate});
      memory_meter().forget_peaks();
      const auto result = reconstruct(alone, *backend, acquisition_without_data(dataset.header()),
                                      together.plan, options, {});
      EXPECT_EQ(told(result.ranks.front()), told(rank)) << name(method) << ", rank " << rank.rank;
    }
  }
}

TEST_F(ReconstructionOnRanks, ARankThatDoesNotExistIsAnInputError) {
  EXPECT_THROW((void)Communicator::alone(4, 4), InputError);
  EXPECT_THROW((void)Communicator::alone(-1, 4), InputError);
}

TEST_F(ReconstructionOnRanks, MemoryStaysWithinSixteenBytesPerVoxelAnd64MB) {
  for (const auto mesh : meshes(comm.size()))
    for (const auto exchange :
         {ExchangeKind::appp, ExchangeKind::passes, ExchangeKind::neighbours, ExchangeKind::allreduce}) {
      const auto r = run(
          comm, dataset,
          {.method = Method::gd, .iterations = 2, .exchange = exchange, .mesh = mesh, .halo_A = full_halo_A});
      for (const auto& rank : r.result.ranks) {
        const auto measurements = rank.peak_bytes[static_cast<std::size_t>(MemoryLabel::measurements)];
        EXPECT_GT(rank.peak_bytes[static_cast<std::size_t>(MemoryLabel::volume)], 0);
        EXPECT_LE(rank.peak_total_bytes - measurements, 16 * rank.extended_voxels + (std::int64_t{64} << 20));
      }
    }
}

} // namespace
} // namespace ptychoscale
