#include "mpi_test.hpp"
#include "ptychoscale/comm/exchange.hpp"
#include "random_tiling.hpp"
#include "tile_field.hpp"

#include <random>

namespace ptychoscale {
namespace {
using test::TileField;
using test::whole_number;

struct VoxelPasteTest : test::MpiTest {
  static constexpr int slices = 5;
  std::unique_ptr<Backend> backend =
      make_backend({.kind = "cpu", .threads = 1, .planning = Planning::estimate});
  PhaseTimer timer;
  std::mt19937 random{890};
};

// Afterwards every voxel has the value of the one tile whose core it lies in.
TEST_F(VoxelPasteTest, EveryHaloVoxelComesFromTheCoreItLiesIn) {
  for (const Mesh mesh : test::meshes(comm.size())) {
    const Tiling tiling = test::random_tiling(
        random, mesh, {.least_core = 12, .most_core = 50, .least_halo = 1, .most_halo = 12});
    for (const std::size_t buffer_bytes : {std::size_t{1}, std::size_t{32} << 20}) {
      TileField field(*backend, tiling.tiles[comm.rank()], slices);
      const auto chunking = plan_voxel_paste({.buffer_bytes = buffer_bytes}, tiling, slices);
      const auto paste = make_voxel_paste(chunking, comm, *backend, tiling, timer);
      for (int round = 0; round < 3; ++round) {
        field.set([&](int s, int y, int x) { return whole_number(comm.rank(), round, s, y, x); });
        paste->paste(field.volume());
        const auto from_core = [&](int s, int y, int x) {
          for (const Tile& t : tiling.tiles)
            if (t.core.contains({y, y + 1, x, x + 1})) return whole_number(t.rank, round, s, y, x);
          return 0.5f; // no whole number
        };
        EXPECT_EQ(field.differing(from_core), 0u)
            << mesh.rows << " x " << mesh.columns << ", round " << round;
      }
      std::int64_t pixels = 0;
      const PasteTransfers transfers = paste_transfers(tiling, comm.rank());
      for (const Transfer& t : transfers.send) pixels += static_cast<std::int64_t>(t.box.extent().area());
      EXPECT_EQ(paste->traffic().bytes, 3 * slices * pixels * 4);
    }
  }
}

} // namespace
} // namespace ptychoscale
