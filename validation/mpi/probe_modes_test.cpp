// A probe of several incoherent modes: on every mesh the serial solver's, by every method, at the cost that
// is said before.
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/multislice/probe_modes.hpp"
#include "ptychoscale/reconstruct/dry_run.hpp"
#include "reconstruction_on_ranks.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace ptychoscale::test {
namespace {

/// With two modes, the second a third as strong as the first.
DatasetHeader header_of_two_modes() {
  auto h = small_header();
  h.probe = extend_aperture(make_modes(crop_to_aperture(h.probe, h.detector), 2, 0.25), h.detector);
  return h;
}

/// Patterns of two modes, and solvers that are told one or both of them.
class ProbeOfModes : public MpiTest {
protected:
  DatasetHeader told_both = header_of_two_modes();
  DatasetHeader told_one = small_header();
  std::vector<std::vector<float>> patterns = strong_patterns(told_both);

  Acquisition acquisition(const DatasetHeader& header) const {
    return {header, [this](int position, std::span<float> amplitudes) {
              std::ranges::copy(patterns[static_cast<std::size_t>(position)], amplitudes.begin());
            }};
  }
  test::Run known(const Communicator& on, const ReconstructionOptions& options) const {
    return run(on, acquisition(told_both), options);
  }
  test::Run refined(const Communicator& on, ReconstructionOptions options) const {
    options.refine_probe = 2;
    options.probe_modes = 2;
    return run(on, acquisition(told_one), options);
  }
  /// Relative, but for what no pattern tells.
  double apart(const std::vector<Complex>& a, const std::vector<Complex>& b) const {
    const Extent e = told_one.detector;
    const auto of = [&](const std::vector<Complex>& probe) { return ApertureProbe{{0, e.y, 0, e.x}, probe}; };
    double power = 0;
    for (const auto& probe : {of(a), of(b)})
      for (const double of_mode : powers_of(probe)) power += of_mode;
    return std::sqrt(std::max(power - 2 * overlap_of(of(a), of(b)), 0.0));
  }
};

TEST_F(ProbeOfModes, BatchEqualsSerialOnEveryMesh) {
  ReconstructionOptions options{.method = Method::serial, .iterations = 4, .update = UpdateRule::batch};
  const auto serial = refined(Communicator::self(), options);
  std::vector<ReconstructionOptions> all;
  options.method = Method::gd;
  options.halo_A = full_halo_A;
  for (const auto mesh : meshes(comm.size())) {
    options.mesh = mesh;
    all.push_back(options);
  }
  options.positions_at_once = 3;
  all.push_back(options);
  all.push_back({.method = Method::replicated, .iterations = 4, .update = UpdateRule::batch});
  for (const auto& each : all) {
    const auto parallel = refined(comm, each);
    const auto& mesh = parallel.plan.tiling.mesh;
    const auto what = std::string(name(each.method)) + " " + std::to_string(mesh.rows) + "x" +
                      std::to_string(mesh.columns) + ", " + std::to_string(each.positions_at_once);
    // fp32 sums in another order; the probe's distance is the root of what rounding leaves of 1 - 1.
    EXPECT_LT(difference(comm, told_one, parallel, serial), 1e-5) << what;
    EXPECT_LT(apart(parallel.result.probe, serial.result.probe), 1e-3) << what;
    EXPECT_NEAR(parallel.result.cost.back() / serial.result.cost.back(), 1, 1e-5) << what;
  }
}

std::vector<ReconstructionOptions> every_method(int ranks) {
  using enum UpdateRule;
  std::vector<ReconstructionOptions> all{{.method = Method::gd, .rounds = 2},
                                         {.method = Method::gd, .update = batch, .rounds = 2, .delay = 1},
                                         {.method = Method::replicated, .update = averaged, .rounds = 2},
                                         {.method = Method::gd, .rounds = 2, .grid = GridKind::tile}};
  if (ranks != hve_impossible) all.push_back({.method = Method::hve});
  if (ranks == 1) all.push_back({.method = Method::serial});
  for (auto& options : all) options.iterations = 4;
  return all;
}

TEST_F(ProbeOfModes, FitBetterThanOneByEveryMethod) {
  if (comm.size() > 2) return; // all that ranks do differently is in the other tests
  for (auto options : every_method(comm.size())) {
    if (options.grid == GridKind::tile || options.delay > 0) continue;
    options.iterations = 8;
    const auto both = known(comm, options);
    const auto one = run(comm, acquisition(told_one), options);
    const auto what = std::string(name(options.method)) + " " + std::string(name(options.update));
    EXPECT_LT(both.result.cost.back(), 0.5 * one.result.cost.back())
        << what; // nothing but the volume is wrong
    EXPECT_TRUE(both.result.probe.empty()) << what;
    options.refine_probe = 2;
    const auto one_refined = run(comm, acquisition(told_one), options);
    const auto two_refined = refined(comm, options);
    // A second mode grows slowly; what it brings in eight iterations is a few per cent.
    EXPECT_LT(two_refined.result.cost.back(), 0.99 * one_refined.result.cost.back()) << what;
    const auto powers = powers_of(crop_to_aperture(two_refined.result.probe, told_one.detector));
    EXPECT_GT(powers[1], 1.05 * 0.02) << what;
  }
}

TEST_F(ProbeOfModes, IsTheSameBitsEachTimeAndOnEveryRank) {
  for (const auto& options : every_method(comm.size())) {
    const auto first = refined(comm, options);
    const auto second = refined(comm, options);
    EXPECT_EQ(first.result.probe, second.result.probe) << name(options.method);
    EXPECT_EQ(first.tile, second.tile) << name(options.method);
    EXPECT_EQ(first.result.cost, second.result.cost) << name(options.method);
    auto of_first = first.result.probe;
    comm.broadcast(std::span(reinterpret_cast<float*>(of_first.data()), 2 * of_first.size()), 0);
    EXPECT_EQ(first.result.probe, of_first) << name(options.method);
  }
}

TEST_F(ProbeOfModes, OneOfTheDatasetsIsTheRunThatItAlwaysWas) {
  const ReconstructionOptions options{.iterations = 2, .rounds = 2};
  const auto always = run(comm, acquisition(told_one), options);
  auto said = options;
  said.probe_modes = 1;
  const auto one = run(comm, acquisition(told_one), said);
  EXPECT_EQ(one.tile, always.tile);
  EXPECT_EQ(one.result.cost, always.result.cost);
}

TEST_F(ProbeOfModes, TakeTheMemoryAndMessagesThatADryRunTells) {
  for (auto options : every_method(comm.size())) {
    options.iterations = 2;
    options.step = 1;
    memory_meter().forget_peaks();
    const auto r = refined(comm, options);
    options.refine_probe = 2;
    options.probe_modes = 2;
    const auto dry = dry_run(told_one, options, r.plan, {}, 1);
    options.refine_probe = 0;
    const auto dry_known = dry_run(told_one, options, r.plan, {}, 1);  // as the first of the two iterations
    for (std::size_t rank = 0; rank < r.result.ranks.size(); ++rank) { // on rank 0, which knows all
      const auto& ours = r.result.ranks[rank];
      for (const auto label : {MemoryLabel::waves, MemoryLabel::exchange, MemoryLabel::accumulation}) {
        const auto i = static_cast<std::size_t>(label);
        EXPECT_EQ(dry[rank].peak_bytes[i], ours.peak_bytes[i]) << name(options.method) << " " << name(label);
      }
      EXPECT_EQ(dry[rank].messages + dry_known[rank].messages, ours.messages) << name(options.method);
      EXPECT_EQ(dry[rank].bytes_sent + dry_known[rank].bytes_sent, ours.bytes_sent) << name(options.method);
    }
  }
}

TEST_F(ProbeOfModes, AreRefusedWhereTheyMakeNoSense) {
  const auto plan = [&](const DatasetHeader& header, const ReconstructionOptions& options) {
    return plan_reconstruction(header, options, 1).probe.modes();
  };
  EXPECT_EQ(plan(told_both, {}), 2);
  EXPECT_EQ(plan(told_both, {.probe_modes = 2}), 2);
  EXPECT_EQ(plan(told_both, {.update = UpdateRule::accelerated}), 2);
  EXPECT_EQ(plan(told_one, {.refine_probe = 2, .probe_modes = 8}), 8);
  EXPECT_THROW(plan(told_both, {.probe_modes = 1}), InputError);
  EXPECT_THROW(plan(told_both, {.refine_probe = 2, .probe_modes = 3}), InputError);
  EXPECT_THROW(plan(told_one, {.refine_probe = 2, .probe_modes = 9}), InputError);
  EXPECT_THROW(plan(told_one, {.refine_probe = 2, .probe_modes = -1}), InputError);
  EXPECT_THROW(plan(told_one, {.probe_modes = 2}), InputError); // would stay what they were made as
}

} // namespace
} // namespace ptychoscale::test
