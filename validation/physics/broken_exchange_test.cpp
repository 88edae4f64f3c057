// Do the seam metrics see an exchange that is really broken? Gradient Decomposition on simulated PbTiO3, all
// tiles in one process, with the four passes played by hand so that one can be left out or one halo shifted
// by a pixel. The control is the same loop on one tile.
#include "ptychoscale/base/physics.hpp"
#include "ptychoscale/geometry/exchange_plan.hpp"
#include "ptychoscale/io/window_model.hpp"
#include "ptychoscale/multislice/multislice.hpp"
#include "ptychoscale/multislice/optics.hpp"
#include "ptychoscale/quality/seams.hpp"
#include "ptychoscale/simulate/simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace ptychoscale {
namespace {

SimulationParameters specimen() {
  SimulationParameters p;
  p.name = "broken_exchange";
  p.detector = {96, 96};
  p.pixel_A = {0.2, 0.2};
  p.volume = {174, 174};
  p.slices = 4;
  p.scan = {9, 9};
  p.scan_step_A = {2.1, 2.1};
  p.specimen.domain_wall = -1; // none: it would lie on a border
  p.specimen.disorder_A = 0.05;
  p.specimen.vacancy_fraction = 0.02;
  return p;
}

/// Three rows and columns of tiles with cores narrower than the halo, so that gradients reach past the direct
/// neighbours.
constexpr int tiles_of_run = 9;
/// Enough that the atoms have risen and those that miss gradients lag.
constexpr int iterations = 5;

enum class Update {
  batch, ///< gradient descent on the whole loss
  once,  ///< a tile steps after each of its positions and exchanges what the others add
};

/// What goes wrong in the exchange.
struct Fault {
  std::optional<int> left_out_pass = std::nullopt;
  int shift_px = 0; ///< of what tile 0 receives, along x
};

class Experiment {
public:
  Experiment() {
    simulate_truth();
    simulate_patterns();
    run_ = tiling(tiles_of_run);
    one_tile_ = tiling(1);
  }

  [[nodiscard]] SeamMetrics control(Update update) const { return measure(error(one_tile_, update, {})); }
  [[nodiscard]] SeamMetrics run(Update update, const Fault& fault) const {
    return measure(error(run_, update, fault));
  }

private:
  /// Reconstruction - truth, [slice][y][x].
  [[nodiscard]] std::vector<float> error(const Tiling& tiling, Update update, const Fault& fault) const {
    const float local_step = update == Update::once ? step : 0;
    const auto tiles = volumes(tiling, MemoryLabel::volume);
    for (int iteration = 0; iteration < iterations; ++iteration) {
      const auto gradients = volumes(tiling, MemoryLabel::accumulation);
      for (const Tile& tile : tiling.tiles) visit(tile, tiles, gradients, local_step);
      add(tiles, +local_step, gradients); // takes the local steps back
      pass(tiling, gradients, fault);
      add(tiles, -step, gradients);
    }
    return stitched_error(tiling, tiles);
  }

  /// At the borders of the run, between the first and the last position.
  [[nodiscard]] SeamMetrics measure(const std::vector<float>& error) const {
    const auto area = header_.volume.area();
    const auto read = [&](int s, std::span<float> out) {
      std::copy_n(error.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(s) * area), area,
                  out.begin());
    };
    std::vector<Box> cores;
    for (const Tile& t : run_.tiles) cores.push_back(t.core);
    const Box scanned{45, 130, 45, 130};
    return measure_seams(read, header_.slices, header_.volume, interaction_parameter(header_.energy_eV),
                         interior_borders(cores), scanned);
  }

  void simulate_truth() {
    PotentialGenerator generator(header_.volume, header_.pixel, ScatteringFactors::lobato,
                                 PotentialGenerator::Sum::nufft, 1);
    const Specimen atoms(simulation_);
    for (int s = 0; s < header_.slices; ++s)
      for (const double v : generator.slice(atoms.slice(s))) truth_.push_back(static_cast<float>(v));
  }

  void simulate_patterns() {
    model_ = std::make_unique<Multislice>(*backend_, window_model(header_), header_.probe);
    Buffer<float> volume(*backend_, truth_.size(), MemoryLabel::volume);
    volume.upload(truth_);
    for (const auto& position : header_.positions_A) {
      std::vector<float> pattern(header_.detector.area());
      model_->intensities({volume.data(), header_.slices, header_.volume}, {}, {&position, 1}, pattern);
      for (auto& p : pattern) p = std::sqrt(p);
      amplitudes_.push_back(std::move(pattern));
    }
  }

  [[nodiscard]] Tiling tiling(int ranks) const {
    TilingRequest request;
    request.volume = header_.volume;
    request.pixel = header_.pixel;
    request.scan = header_.scan;
    request.positions = header_.positions_A;
    request.circle_radius_A =
        circle_radius_A({header_.energy_eV, header_.semiangle_mrad, header_.C10_A, 0, true});
    request.ranks = ranks;
    return plan_tiling(request);
  }

  [[nodiscard]] std::vector<Buffer<float>> volumes(const Tiling& tiling, MemoryLabel label) const {
    std::vector<Buffer<float>> all;
    for (const Tile& t : tiling.tiles)
      all.emplace_back(*backend_, static_cast<std::size_t>(header_.slices) * t.extended.extent().area(),
                       label);
    return all;
  }

  [[nodiscard]] Volume view(const Buffer<float>& buffer, const Tile& tile) const {
    return {buffer.data(), header_.slices, tile.extended.extent()};
  }

  void visit(const Tile& tile, const std::vector<Buffer<float>>& tiles,
             const std::vector<Buffer<float>>& gradients, float local_step) const {
    const auto t = static_cast<std::size_t>(tile.rank);
    for (const int i : tile.own)
      model_->loss_and_gradient(view(tiles[t], tile), view(gradients[t], tile), tile.extended.origin(),
                                {&header_.positions_A[static_cast<std::size_t>(i)], 1},
                                amplitudes_[static_cast<std::size_t>(i)].data(), local_step);
  }

  void add(const std::vector<Buffer<float>>& tiles, float factor,
           const std::vector<Buffer<float>>& gradients) const {
    for (std::size_t t = 0; t < tiles.size(); ++t)
      backend_->axpy(tiles[t].data(), factor, gradients[t].data(), tiles[t].size());
  }

  /// The passes in an order in which every message has been sent before it is received: forward passes from
  /// the first tile on, backward ones from the last.
  void pass(const Tiling& tiling, const std::vector<Buffer<float>>& gradients, const Fault& fault) const {
    for (int p = 0; p < 4; ++p) {
      if (fault.left_out_pass == p) continue;
      const bool forward = p % 2 == 0;
      for (int i = 0; i < tiling.mesh.ranks(); ++i) {
        const int rank = forward ? i : tiling.mesh.ranks() - 1 - i;
        receive(tiling, rank, pass_schedule(tiling, rank)[static_cast<std::size_t>(p)], gradients, fault);
      }
    }
  }

  void receive(const Tiling& tiling, int rank, const PassStep& now,
               const std::vector<Buffer<float>>& gradients, const Fault& fault) const {
    const auto& mine = tiling.tiles[static_cast<std::size_t>(rank)];
    for (const auto& message : now.receive) {
      const auto peer = static_cast<std::size_t>(message.peer);
      const auto& sender = tiling.tiles[peer];
      std::vector<float> packed(static_cast<std::size_t>(header_.slices) * message.box.extent().area());
      backend_->pack(packed.data(), view(gradients[peer], sender),
                     relative_to(message.box, sender.extended.origin()), 0, header_.slices);
      if (rank == 0) std::rotate(packed.begin(), packed.begin() + fault.shift_px, packed.end());
      backend_->unpack(view(gradients[static_cast<std::size_t>(rank)], mine), packed.data(),
                       relative_to(message.box, mine.extended.origin()), 0, header_.slices,
                       now.merge == Merge::add ? Merging::add : Merging::replace);
    }
  }

  [[nodiscard]] std::vector<float> stitched_error(const Tiling& tiling,
                                                  const std::vector<Buffer<float>>& tiles) const {
    std::vector<float> error(truth_.size());
    for (const Tile& t : tiling.tiles) {
      const Volume tile = view(tiles[static_cast<std::size_t>(t.rank)], t);
      for (int s = 0; s < header_.slices; ++s)
        for (int y = t.core.y0; y < t.core.y1; ++y)
          for (int x = t.core.x0; x < t.core.x1; ++x) {
            const auto at = static_cast<std::size_t>((s * header_.volume.y + y) * header_.volume.x + x);
            error[at] =
                tile.slice(s).data[(y - t.extended.y0) * tile.extent.x + x - t.extended.x0] - truth_[at];
          }
    }
    return error;
  }

  static constexpr float step = 1.1e7F; // (V A)^2, what the solvers choose for this optics and raster
  SimulationParameters simulation_ = specimen();
  DatasetHeader header_ = make_header(simulation_);
  std::unique_ptr<Backend> backend_ = make_backend({"cpu", 1, Planning::estimate});
  std::unique_ptr<Multislice> model_;
  std::vector<float> truth_;
  std::vector<std::vector<float>> amplitudes_;
  Tiling run_;
  Tiling one_tile_; ///< of the control
};

/// Only the border excess can show these faults: they leave no jump that the unconverged lattice does not
/// hide (seam z stays below 2). Seen here, the larger of rows and columns against the limit of 0.1: intact
/// 0.007 with `batch` and 0.06 with `once`; a pass left out 0.25 and more, the shifted halo 0.18 and more.
class SeamsOfARealExchange : public testing::TestWithParam<Update> {};

TEST_P(SeamsOfARealExchange, AreQuietWhenWholeAndTripWhenBroken) {
  const Experiment experiment;
  const SeamMetrics control = experiment.control(GetParam());
  const auto verdict = [&](const Fault& fault) {
    return judge_seams(experiment.run(GetParam(), fault), &control, Pairing::steps);
  };
  EXPECT_FALSE(verdict({}).any()) << "an intact exchange shows a seam";
  for (int p = 0; p < 4; ++p)
    EXPECT_TRUE(verdict({.left_out_pass = p}).excess) << "pass " << p << " left out";
  EXPECT_TRUE(verdict({.shift_px = 1}).excess) << "halo shifted by a pixel";
}

INSTANTIATE_TEST_SUITE_P(Updates, SeamsOfARealExchange, testing::Values(Update::batch, Update::once));

} // namespace
} // namespace ptychoscale
