// Slices that are blurred along the beam: alike on every mesh, and in the memory that is said before.
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/reconstruct/dry_run.hpp"
#include "reconstruction_on_ranks.hpp"

namespace ptychoscale::test {
namespace {

class BlurredSlices : public ReconstructionOnRanks {};

TEST_F(BlurredSlices, AreTheSerialSolversOnEveryMesh) {
  ReconstructionOptions options{
      .method = Method::serial, .iterations = 3, .update = UpdateRule::batch, .slice_blur = 0.8};
  const auto serial = run(Communicator::self(), dataset, options);
  options.slice_blur = 0;
  const auto sharp = run(Communicator::self(), dataset, options);
  EXPECT_NE(serial.tile, sharp.tile);
  options.slice_blur = 0.8;
  options.method = Method::gd;
  options.halo_A = full_halo_A;
  for (const auto mesh : meshes(comm.size())) {
    options.mesh = mesh;
    // fp32 sums in another order.
    EXPECT_LT(difference(comm, dataset.header(), run(comm, dataset, options), serial), 1e-5) << mesh.rows;
  }
}

TEST_F(BlurredSlices, TakeTheMemoryThatADryRunTells) {
  for (const auto method : {Method::gd, Method::replicated, Method::hve}) {
    if (method == Method::hve && comm.size() == hve_impossible) continue;
    const ReconstructionOptions options{.method = method, .iterations = 1, .step = 1, .slice_blur = 0.8};
    memory_meter().forget_peaks();
    const auto r = run(comm, dataset, options);
    const auto dry = dry_run(dataset.header(), options, r.plan, {}, 1);
    const auto i = static_cast<std::size_t>(MemoryLabel::accumulation);
    for (std::size_t rank = 0; rank < r.result.ranks.size(); ++rank) // on rank 0, which knows all
      EXPECT_EQ(dry[rank].peak_bytes[i], r.result.ranks[rank].peak_bytes[i]) << name(method);
  }
}

TEST_F(BlurredSlices, AreRefusedWithMomentumAndDelay) {
  const auto plan = [&](const ReconstructionOptions& options) {
    (void)plan_reconstruction(dataset.header(), options, 1);
  };
  EXPECT_NO_THROW(plan({.slice_blur = 1}));
  EXPECT_THROW(plan({.slice_blur = -1}), InputError);
  EXPECT_THROW(plan({.update = UpdateRule::accelerated, .slice_blur = 1}), InputError);
  EXPECT_THROW(plan({.delay = 1, .slice_blur = 1}), InputError);
}

} // namespace
} // namespace ptychoscale::test
