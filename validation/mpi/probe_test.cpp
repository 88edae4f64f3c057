// The probe as an unknown: on every mesh the serial solver's, by every method, and nearer to the true one.
#include "ptychoscale/base/error.hpp"
#include "ptychoscale/reconstruct/dry_run.hpp"
#include "reconstruction_on_ranks.hpp"

#include <algorithm>
#include <complex>
#include <string>
#include <vector>

namespace ptychoscale::test {
namespace {

using Probe = std::vector<Complex>;

/// |a - b| / |b|, but for a phase that all of `a` has and no pattern depends on.
double probe_difference(const Probe& a, const Probe& b) {
  std::complex<double> overlap = 0;
  double size_a = 0, size_b = 0;
  for (std::size_t k = 0; k < b.size(); ++k) {
    overlap += std::conj(std::complex<double>(a[k])) * std::complex<double>(b[k]);
    size_a += std::norm(std::complex<double>(a[k]));
    size_b += std::norm(std::complex<double>(b[k]));
  }
  return std::sqrt(std::max(size_a + size_b - 2 * std::abs(overlap), 0.0) / size_b);
}

/// Patterns of one probe, and solvers that are told another, of a defocus that is 20 A off.
class RefinedProbe : public MpiTest {
protected:
  DatasetHeader mistaken = small_header();
  Probe truth = mistaken.probe;
  std::vector<std::vector<float>> patterns = strong_patterns(mistaken);
  Acquisition acquisition{mistaken, [this](int position, std::span<float> amplitudes) {
                            std::ranges::copy(patterns[static_cast<std::size_t>(position)],
                                              amplitudes.begin());
                          }};

  RefinedProbe() {
    auto& h = mistaken;
    h.probe = make_probe({h.energy_eV, h.semiangle_mrad, h.C10_A + 20, 0, true}, h.detector, h.pixel);
  }

  test::Run refined(const Communicator& on, ReconstructionOptions options) const {
    options.refine_probe = 2;
    return run(on, acquisition, options);
  }
};

TEST_F(RefinedProbe, BatchEqualsSerialOnEveryMeshAndExchange) {
  ReconstructionOptions options{.method = Method::serial, .iterations = 5, .update = UpdateRule::batch};
  const auto serial = refined(Communicator::self(), options);
  std::vector<ReconstructionOptions> all;
  options.halo_A = full_halo_A;
  options.method = Method::gd;
  for (const auto mesh : meshes(comm.size()))
    for (const auto exchange : {ExchangeKind::appp, ExchangeKind::passes, ExchangeKind::allreduce}) {
      options.mesh = mesh;
      options.exchange = exchange;
      all.push_back(options);
    }
  options.method = Method::replicated;
  options.mesh.reset();
  options.halo_A.reset();
  all.push_back(options);
  for (const auto& parallel_options : all) {
    const auto parallel = refined(comm, parallel_options);
    const auto& mesh = parallel.plan.tiling.mesh;
    const auto what = std::string(name(parallel_options.method)) + " " + std::to_string(mesh.rows) + "x" +
                      std::to_string(mesh.columns) + " " + std::string(name(parallel_options.exchange));
    // fp32 sums in another order.
    EXPECT_LT(difference(comm, mistaken, parallel, serial), 1e-5) << what;
    EXPECT_LT(probe_difference(parallel.result.probe, serial.result.probe), 1e-5) << what;
    EXPECT_NEAR(parallel.result.cost.back() / serial.result.cost.back(), 1, 1e-5) << what;
  }
}

TEST_F(RefinedProbe, OfAnEmptyVolumeIsTheSameByEveryMethodWhoeverVisitsAPosition) {
  // Without a specimen a position's gradient does not depend on what others did: each counts once, or this
  // differs.
  const double no_step = 1e-12;
  ReconstructionOptions options{.method = Method::serial, .iterations = 2, .step = no_step};
  const auto serial = refined(Communicator::self(), options);
  EXPECT_GT(probe_difference(serial.result.probe, mistaken.probe), 0.01); // the patterns' power in the disk
  for (const auto method : {Method::gd, Method::replicated, Method::hve}) {
    if (method == Method::hve && comm.size() == hve_impossible) continue;
    options.method = method;
    EXPECT_LT(probe_difference(refined(comm, options).result.probe, serial.result.probe), 1e-5)
        << name(method);
  }
}

TEST_F(RefinedProbe, AStepOfItsOwnLowersTheCostByAsMuchAsItsDerivationSays) {
  // With n positions and no step of the volume, d = P_1 - P_0 = -(1/n) sum G: F falls by n |d|^2 at least.
  const auto r = refined(comm, {.iterations = 3, .update = UpdateRule::batch, .step = 1e-12});
  EXPECT_NEAR(r.result.cost[1] / r.result.cost[0], 1, 1e-6);
  const auto once = refined(comm, {.iterations = 2, .update = UpdateRule::batch, .step = 1e-12});
  double d2 = 0;
  for (std::size_t k = 0; k < truth.size(); ++k) d2 += std::norm(once.result.probe[k] - mistaken.probe[k]);
  const double least = static_cast<double>(mistaken.positions_A.size()) * d2;
  EXPECT_GT(least, 0.01 * r.result.cost[1]);
  EXPECT_GT(r.result.cost[1] - r.result.cost[2], (1 - 1e-3) * least); // rounding
}

TEST_F(RefinedProbe, ComesNearerToTheTrueOneAndFitsBetterByEveryMethodAndRule) {
  std::vector<ReconstructionOptions> all;
  using enum UpdateRule;
  for (const auto update : {as_printed, once, averaged, batch})
    all.push_back({.update = update, .rounds = 2});
  for (const auto update : {once, batch}) all.push_back({.update = update, .rounds = 2, .delay = 1});
  all.push_back({.method = Method::replicated, .rounds = 2});
  for (const auto fill : {HaloFill::paste, HaloFill::mean})
    if (comm.size() != hve_impossible) all.push_back({.method = Method::hve, .halo_fill = fill});
  if (comm.size() == 1)
    for (const auto update : {once, batch}) all.push_back({.method = Method::serial, .update = update});
  const double mistake = probe_difference(mistaken.probe, truth);
  for (auto& options : all) {
    options.iterations = 6;
    const auto known = run(comm, acquisition, options);
    const auto r = refined(comm, options);
    const auto what = std::string(name(options.method)) + " " + std::string(name(options.update)) +
                      (options.delay > 0 ? ", delayed" : "");
    EXPECT_TRUE(known.result.probe.empty());
    EXPECT_LT(r.result.cost.back(), 0.9 * known.result.cost.back()) << what;
    EXPECT_LT(probe_difference(r.result.probe, truth), 0.9 * mistake) << what;
  }
}

TEST_F(RefinedProbe, IsTheSameBitsEachTimeAndOnEveryRank) {
  for (const auto method : {Method::gd, Method::hve}) {
    if (method == Method::hve && comm.size() == hve_impossible) continue;
    const ReconstructionOptions options{.method = method, .iterations = 3, .rounds = 2};
    const auto first = refined(comm, options);
    const auto second = refined(comm, options);
    EXPECT_EQ(first.result.probe, second.result.probe) << name(method);
    EXPECT_EQ(first.tile, second.tile) << name(method);
    EXPECT_EQ(first.result.cost, second.result.cost) << name(method);
    auto of_first = first.result.probe;
    comm.broadcast(std::span(reinterpret_cast<float*>(of_first.data()), 2 * of_first.size()), 0);
    EXPECT_EQ(first.result.probe, of_first) << name(method);
  }
}

TEST_F(RefinedProbe, StaysWithinItsAperture) {
  const auto r = refined(comm, {.iterations = 3});
  for (std::size_t k = 0; k < r.result.probe.size(); ++k)
    EXPECT_EQ(r.result.probe[k] == Complex{}, mistaken.probe[k] == Complex{}) << k;
}

TEST_F(RefinedProbe, BeginsInTheIterationThatWasAskedFor) {
  ReconstructionOptions options{.iterations = 4};
  const auto known = run(comm, acquisition, options);
  options.refine_probe = 4; // too late for the cost that iterations see
  const auto late = run(comm, acquisition, options);
  EXPECT_EQ(late.result.cost, known.result.cost);
  EXPECT_GT(probe_difference(late.result.probe, mistaken.probe), 1e-3);
  options.refine_probe = 3;
  const auto earlier = run(comm, acquisition, options);
  EXPECT_EQ(earlier.result.cost[2], known.result.cost[2]);
  EXPECT_NE(earlier.result.cost[3], known.result.cost[3]);
}

TEST_F(RefinedProbe, NeedsAnIterationBeforeItAndARuleWithoutMomentum) {
  const auto plan = [&](const ReconstructionOptions& options) {
    (void)plan_reconstruction(mistaken, options, 1);
  };
  EXPECT_NO_THROW(plan({.refine_probe = 2}));
  EXPECT_THROW(plan({.refine_probe = 1}), InputError);
  EXPECT_THROW(plan({.refine_probe = -1}), InputError);
  EXPECT_THROW(plan({.update = UpdateRule::accelerated, .refine_probe = 2}), InputError);
  EXPECT_NO_THROW(plan({.method = Method::hve, .update = UpdateRule::accelerated, .refine_probe = 2}));
}

TEST_F(RefinedProbe, TakesAWaveAndASumInEveryRoundAsADryRunTells) {
  for (const auto method : {Method::gd, Method::replicated, Method::hve}) {
    if (method == Method::hve && comm.size() == hve_impossible) continue;
    ReconstructionOptions options{.method = method, .iterations = 2, .rounds = 3, .step = 1};
    const auto of = [&](int refine) {
      options.refine_probe = refine;
      memory_meter().forget_peaks();
      return run(comm, acquisition, options);
    };
    const auto known = of(0);
    const auto r = of(2);
    const auto wave = static_cast<std::int64_t>(r.plan.probe.values.size() * sizeof(Complex));
    const int rounds = comm.size() == 1 ? 0 : method == Method::hve ? 1 : 3; // sums
    const auto dry = dry_run(mistaken, options, r.plan, {}, 1);
    options.refine_probe = 0;
    const auto dry_known = dry_run(mistaken, options, known.plan, {}, 1);
    for (std::size_t rank = 0; rank < r.result.ranks.size(); ++rank) { // on rank 0, which knows all
      const auto& ours = r.result.ranks[rank];
      const auto& others = known.result.ranks[rank];
      EXPECT_EQ(ours.messages - others.messages, rounds) << name(method);
      EXPECT_EQ(ours.bytes_sent - others.bytes_sent, rounds * wave) << name(method);
      EXPECT_EQ(dry[rank].messages - dry_known[rank].messages, rounds) << name(method);
      EXPECT_EQ(dry[rank].bytes_sent - dry_known[rank].bytes_sent, rounds * wave) << name(method);
      for (const auto label : {MemoryLabel::waves, MemoryLabel::exchange, MemoryLabel::accumulation}) {
        const auto i = static_cast<std::size_t>(label);
        const int waves = label == MemoryLabel::waves ? 1 : label == MemoryLabel::exchange ? 2 : 0;
        EXPECT_EQ(ours.peak_bytes[i] - others.peak_bytes[i], waves * wave) << name(method);
        EXPECT_EQ(dry[rank].peak_bytes[i], ours.peak_bytes[i]) << name(method);
      }
    }
  }
}

} // namespace
} // namespace ptychoscale::test
