// Scans that are no rasters, and masks: the solvers on real ranks against the serial one.
#include "mpi_test.hpp"
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/io/masks.hpp"
#include "ptychoscale/io/window_model.hpp"
#include "ptychoscale/reconstruct/dry_run.hpp"
#include "ptychoscale/reconstruct/reconstruct.hpp"
#include "small_experiment.hpp"

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <tuple>

namespace ptychoscale {
namespace {

/// A raster turned by 17 degrees and shaken, so that its rows and columns reach into each other.
DatasetHeader rotated_header() {
  auto h = test::header_of({.detector = {32, 36},
                            .pixel = {0.4, 0.35},
                            .slices = 2,
                            .slice_thickness_A = 4,
                            .volume = {84, 90},
                            .scan = {7, 7},
                            .scan_step_A = {2.4, 2.3},
                            .first_A = {9.4, 8.7},
                            .C10_A = -150});
  std::mt19937 random(5);
  std::uniform_real_distribution<double> jitter(-0.2, 0.2);
  const double c = std::cos(17 * std::numbers::pi / 180), s = std::sin(17 * std::numbers::pi / 180);
  const Position middle{9.4 + 3 * 2.4, 8.7 + 3 * 2.3};
  for (auto& p : h.positions_A) {
    const double y = p.y - middle.y, x = p.x - middle.x;
    p = {middle.y + c * y + s * x + jitter(random), middle.x - s * y + c * x + jitter(random)};
  }
  return h;
}

/// The same with a beam stop, a dead column and every sixth pattern left out.
DatasetHeader masked_header() {
  auto h = rotated_header();
  h.pixels_used.assign(h.detector.area(), 1);
  for (const std::size_t pixel : {0U, 1U, 35U, 36U, 37U}) h.pixels_used[pixel] = 0;
  for (std::size_t y = 0; y < 32; ++y) h.pixels_used[y * 36 + 4] = 0;
  h.patterns_used.assign(h.positions_A.size(), 1);
  for (std::size_t i = 3; i < h.patterns_used.size(); i += 6) h.patterns_used[i] = 0;
  return h;
}

/// Patterns of a smooth specimen, as a reader would give them; of what is left out there are none.
class Patterns {
public:
  explicit Patterns(DatasetHeader header)
      : header_(std::move(header)), amplitudes_(header_.positions_A.size()) {
    const auto& h = header_;
    const auto backend = make_backend({"cpu", 1, Planning::estimate});
    Multislice model(*backend, window_model(h), h.probe);
    const auto truth = test::smooth_specimen(h);
    Buffer<float> volume(*backend, truth.size(), MemoryLabel::volume);
    volume.upload(truth);
    for (std::size_t i = 0; i < amplitudes_.size(); ++i) {
      if (!is_used(h, i)) continue;
      amplitudes_[i].resize(h.detector.area());
      model.intensities({volume.data(), h.slices, h.volume}, {}, {&h.positions_A[i], 1}, amplitudes_[i]);
      for (std::size_t k = 0; k < amplitudes_[i].size(); ++k)
        amplitudes_[i][k] =
            !h.pixels_used.empty() && h.pixels_used[k] == 0 ? no_weight : std::sqrt(amplitudes_[i][k]);
    }
  }
  [[nodiscard]] Acquisition acquisition() const {
    return {header_, [this](int i, std::span<float> out) {
              std::ranges::copy(amplitudes_.at(static_cast<std::size_t>(i)), out.begin());
            }};
  }
  [[nodiscard]] const DatasetHeader& header() const { return header_; }

private:
  DatasetHeader header_;
  std::vector<std::vector<float>> amplitudes_;
};

struct Run {
  ReconstructionPlan plan;
  Reconstruction result;
  std::vector<float> tile;
};

Run run(const Communicator& comm, const Patterns& patterns, const ReconstructionOptions& options) {
  const auto backend = make_backend({"cpu", 1, Planning::estimate});
  const auto plan = plan_reconstruction(patterns.header(), options, comm.size());
  Run r{plan, reconstruct(comm, *backend, patterns.acquisition(), plan, options, {}), {}};
  r.tile.resize(r.result.volume.size());
  r.result.volume.download(r.tile);
  r.result.volume = {}; // before its backend goes
  return r;
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
        sums[0] += std::pow(static_cast<double>(parallel.tile[mine] - serial.tile[reference]), 2);
        sums[1] += std::pow(static_cast<double>(serial.tile[reference]), 2);
      }
  comm.sum(sums);
  return std::sqrt(sums[0] / sums[1]);
}

constexpr double full_halo_A = 100; // wider than any window

class ScatteredOnRanks : public test::MpiTest {
protected:
  Patterns rotated{rotated_header()};
  Patterns masked{masked_header()};

  void expect_batch_equals_serial(const Patterns& patterns) {
    ReconstructionOptions options{.method = Method::serial, .iterations = 4, .update = UpdateRule::batch};
    const auto serial = run(Communicator::self(), patterns, options);
    EXPECT_LT(serial.result.cost.back(), 0.9 * serial.result.vacuum_cost);
    options.halo_A = full_halo_A;
    for (const auto method : {Method::gd, Method::replicated}) {
      options.method = method;
      for (const bool stream : {false, true}) {
        options.stream_measurements = stream;
        const auto parallel = run(comm, patterns, options);
        // fp32 sums in another order.
        EXPECT_LT(difference(comm, patterns.header(), parallel, serial), 1e-5) << name(method);
        EXPECT_NEAR(parallel.result.cost.back() / serial.result.cost.back(), 1, 1e-5) << name(method);
        EXPECT_NEAR(parallel.result.vacuum_cost / serial.result.vacuum_cost, 1, 1e-5) << name(method);
      }
    }
  }
};

TEST_F(ScatteredOnRanks, BatchWithFullHaloEqualsSerial) { expect_batch_equals_serial(rotated); }

TEST_F(ScatteredOnRanks, BatchUnderMasksEqualsSerial) { expect_batch_equals_serial(masked); }

TEST_F(ScatteredOnRanks, EveryMethodLowersTheCost) {
  for (const auto* patterns : {&rotated, &masked})
    for (const auto method : {Method::gd, Method::hve, Method::replicated}) {
      if (method == Method::hve && comm.size() > 4) continue; // cores of so small a volume are too narrow
      const auto r = run(comm, *patterns, {.method = method, .iterations = 8});
      EXPECT_LT(r.result.cost.back(), 0.6 * r.result.vacuum_cost) << name(method);
    }
}

TEST_F(ScatteredOnRanks, StreamedPatternsKeepTheirMaskToTheBit) {
  const ReconstructionOptions options{.method = Method::gd, .iterations = 2};
  for (const auto type : {MeasurementType::float32, MeasurementType::float16}) {
    auto with = options;
    with.measurement_type = type;
    const auto resident = run(comm, masked, with);
    with.stream_measurements = true;
    EXPECT_EQ(run(comm, masked, with).tile, resident.tile);
  }
}

TEST_F(ScatteredOnRanks, PositionsThatAreLeftOutAreVisitedByNobody) {
  const auto r = run(comm, masked, {.method = Method::gd, .iterations = 1, .step = 1e-3});
  int visited = 0;
  for (const auto& rank : r.result.ranks) visited += rank.positions;
  if (comm.leads()) {
    EXPECT_EQ(visited, static_cast<int>(patterns_in_use(masked.header())));
  }
}

TEST_F(ScatteredOnRanks, ADryRunTellsPositionsMessagesAndBytesOfEveryRankExactly) {
  for (const auto method : {Method::gd, Method::hve}) {
    if (method == Method::hve && comm.size() > 4) continue;
    const ReconstructionOptions options{.method = method, .iterations = 1, .step = 1e-3};
    const auto real = run(comm, masked, options);
    const auto dry = dry_run(masked.header(), options, real.plan, {}, 1);
    for (const auto& rank : real.result.ranks) {
      const auto& told = dry[static_cast<std::size_t>(rank.rank)];
      EXPECT_EQ(std::tie(told.positions, told.extended_voxels, told.messages, told.bytes_sent),
                std::tie(rank.positions, rank.extended_voxels, rank.messages, rank.bytes_sent))
          << name(method) << ", rank " << rank.rank;
    }
  }
}

} // namespace
} // namespace ptychoscale
